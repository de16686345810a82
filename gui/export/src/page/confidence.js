// Confidence in answers, a port of the calibrator in nearsay's `answer_index/confidence`.

const SHARE_SCALE = 2.5; // of the softmax, in standard deviations
const FAR_FROM = 10; // scores after this rank count as those of unrelated answers
const NO_KEYWORDS = [0.39, 0.19, 0.28];

const clamp = (x, least, most) => Math.min(Math.max(x, least), most);

// Text for comparison: lower case, white space collapsed, accents composed.
function comparable(text) {
  return lowerCase(text).split(/\p{White_Space}+/u).filter((word) => word !== "").join(" ").normalize("NFC");
}

// Whether most letters of a text are in another script than Latin. Nearsay also recognises languages in Latin script.
function isForeign(text) {
  const count = (letters) => Array.from(text.matchAll(letters)).length;
  const latin = count(/\p{Script=Latin}/gu);
  return count(/\p{L}/gu) - latin > latin;
}

// Whether each answer is the first or has a question of the first.
function inFirstGroup(faq, found) {
  const questions = ({ answer }) => faq.answers[answer].questions.map(comparable);
  const first = new Set(questions(found[0]));
  return found.map((other, place) => place === 0 || questions(other).some((question) => first.has(question)));
}

// Softmax share of each answer among the first `among`; the first group shares its sum.
function groupShares(faq, found, groups) {
  const top = Math.max(...found.map(({ score }) => score));
  const powers = found.map(({ score }) => Math.exp((SHARE_SCALE / faq.spread[1]) * (score - top)));
  const sum = (numbers) => numbers.slice(0, faq.among).reduce((all, number) => all + number, 0);
  const grouped = sum(powers.map((power, place) => (groups[place] ? power : 0)));
  return powers.map((power, place) => (groups[place] ? grouped : power) / sum(powers));
}

// Features of a search: its best answers `{ answer, score, dense, own, isParaphrase }`, best first.
function searchFeatures(faq, question, all, share, groups, coverage) {
  const found = all.slice(0, faq.among);
  const [mean, deviation] = faq.spread;
  const [first] = found;
  const others = found.filter((_, place) => !groups[place]).map(({ dense }) => dense);
  const odds = clamp(share, 1e-4, 1 - 1e-4);
  const logOdds = clamp(Math.log(odds / (1 - odds)), -4, 6);
  const logAnswers = clamp(Math.log(Math.max(faq.answers.length, 1)), 0, 12);
  const far = found.length > FAR_FROM ? found.slice(FAR_FROM) : found.slice(-1);
  const farScore = far.reduce((sum, { score }) => sum + score, 0) / far.length;
  const keyword = Math.max(0, ...found.map(({ score, dense }) => score - dense)) / faq.words;
  const words = question.match(/[\p{Alphabetic}\p{N}]+/gu) ?? [];
  return [
    clamp((first.dense - mean) / deviation, -2, 8),
    clamp((first.own - first.dense) / deviation, -6, 2),
    logOdds,
    -Math.log(clamp(1 - first.dense, 0.01, 2)),
    ...(coverage === null ? NO_KEYWORDS : [...coverage, clamp(keyword, 0, 1)]),
    first.isParaphrase ? 1 : 0,
    clamp(Math.log(1 + words.length), 0, 5),
    clamp((first.score - farScore) / deviation, 0, 8),
    clamp((first.dense - (others.length > 0 ? Math.max(...others) : mean)) / deviation, -2, 6),
    logAnswers,
    logOdds ** 2,
    logAnswers ** 2,
  ];
}

// Whether each answer is sure, and whether the question is better left unanswered: `{ sure, abstain }`.
function rateByCalibrator(faq, question, found, coverage) {
  if (found.length === 0) return [];
  const { weights, slope, offset, questions, abstain, english } = faq.calibrator;
  const groups = inFirstGroup(faq, found);
  const shares = groupShares(faq, found, groups);
  const features = searchFeatures(faq, question, found, shares[0], groups, coverage);
  const logOdds = features.reduce((sum, value, number) => sum + value * weights[number], weights.at(-1));
  const p = 1 / (1 + Math.exp(-(slope * logOdds + offset)));
  const first = clamp(p, 0.01, Math.min(faq.known, (questions + 1) / (questions + 2)));
  const foreign = english && [question, faq.answers[found[0].answer].answer].some(isForeign);
  let highest = 1; // probabilities never increase down the list
  return found.map(({ paraphrase }, place) => {
    const known = paraphrase !== null && comparable(paraphrase) === comparable(question);
    const rest = ((1 - first) * shares[place]) / Math.max(1 - shares[0], Number.MIN_VALUE);
    highest = Math.min(highest, known ? faq.known : groups[place] ? first : rest);
    return { sure: known || (highest >= Math.max(faq.sure, abstain) && !foreign), abstain: !known && highest < abstain };
  });
}
