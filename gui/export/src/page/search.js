// Hybrid search for the best answers to a question.

const CHUNK = 200; // texts encoded before the page can repaint

// Whether a text is empty or Unicode white space.
function isBlank(text) {
  return !/\P{White_Space}/u.test(text);
}

class Faq {
  // Encodes every answer and paraphrase. `faq` is the page's JSON (`Faq` in mod.rs), with `expanded` decoded.
  static async open(faq, model) {
    const self = new Faq();
    self.encoder = new Encoder(model);
    self.bm25 = new Bm25();
    self.faq = faq;
    self.texts = faq.answers.flatMap(({ answer, questions }, number) =>
      [answer, ...questions].map((text, i) => ({ answer: number, text, paraphrase: i > 0 ? text : null })),
    );
    self.own = []; // index of each answer's own text
    for (const [number, { paraphrase }] of self.texts.entries()) if (paraphrase === null) self.own.push(number);
    self.vectors = new Float32Array(self.texts.length * self.encoder.length);
    for (const [number, { text, answer, paraphrase }] of self.texts.entries()) {
      const { length } = self.encoder;
      const expanded = paraphrase === null ? faq.expanded?.subarray(answer * length, (answer + 1) * length) : undefined;
      self.vectors.set(expanded ?? self.encoder.encode(text), number * length);
      if (faq.words > 0) self.bm25.add(text, self.document(number));
      if (number % CHUNK === CHUNK - 1) await new Promise((resolve) => setTimeout(resolve));
    }
    if (faq.prototype !== undefined) {
      for (const [number, { questions }] of faq.answers.entries()) self.moveToPrototype(self.own[number] + 1, questions.length);
    }
    return self;
  }

  // Moves the vectors of an answer's paraphrases, `count` texts from `first` on, towards their mean (prototype.rs).
  moveToPrototype(first, count) {
    if (count < 2) return;
    const { length } = this.encoder;
    const [prior, sharpness] = this.faq.prototype;
    const start = first * length;
    const before = this.vectors.slice(start, start + count * length);
    const row = (number) => before.subarray(number * length, (number + 1) * length);
    const step = sharpness > 0 ? Math.ceil(count / this.faq.most) : 1;
    const weight = count / (count + prior);
    let mean = null;
    for (let number = 0; number < count; number++) {
      if (mean === null || sharpness > 0) {
        mean = new Float64Array(length);
        let total = 0;
        for (let other = 0; other < count; other += step) {
          const share = sharpness > 0 ? Math.exp(sharpness * (dot(before, other * length, row(number)) - 1)) : 1;
          total += share;
          for (let i = 0; i < length; i++) mean[i] += share * before[other * length + i];
        }
        mean = mean.map((sum) => sum / total);
      }
      const mixed = row(number).map((x, i) => (1 - weight) * x + weight * mean[i]);
      this.vectors.set(normalize(mixed), start + number * length);
    }
  }

  // The `k` best answers, each by its best text, with a flag for confidence. Empty for an empty question.
  ask(question, k) {
    if (isBlank(question)) return [];
    const vector = this.encoder.encode(question);
    const keywords = this.faq.words > 0 ? this.bm25.scores(question) : null;
    const near = keywords !== null && this.faq.near ? this.bm25.nearTexts(question) : new Map();
    const best = new Map();
    for (let number = 0; number < this.texts.length; number++) {
      const { score, dense } = this.score(number, vector, keywords, near);
      const { answer, paraphrase } = this.texts[number];
      if (!(best.get(answer)?.score >= score)) best.set(answer, { answer, paraphrase, score, dense, number });
    }
    const sorted = Array.from(best.values()).sort((a, b) => b.score - a.score || a.answer - b.answer);
    const candidates = sorted.slice(0, Math.max(k, this.faq.among));
    const ratings = this.faq.calibrator === null ? this.rateByThreshold(candidates, vector) : this.rate(question, candidates, vector);
    return sorted.slice(0, k).map((found, place) => ({
      ...this.faq.answers[found.answer],
      paraphrase: found.paraphrase,
      score: found.score,
      ...ratings[place],
    }));
  }

  // Ratings of the best answers by the calibrator.
  rate(question, found, vector) {
    const [first] = found;
    const coverage = this.faq.words > 0 ? this.bm25.coverage(question, this.document(first.number)) : null;
    const own = ({ answer }) => dot(this.vectors, this.own[answer] * vector.length, vector);
    const ranked = found.map((best) => ({ ...best, own: own(best), isParaphrase: best.paraphrase !== null }));
    return rateByCalibrator(this.faq, question, ranked, coverage);
  }

  // Ratings of the best answers in models of earlier versions.
  rateByThreshold(found, vector) {
    const adjusted = found.map((best) => this.adjustScore(best, vector));
    const pool = adjusted.slice(0, this.faq.among);
    let least = Infinity; // confidence never increases down the list
    return adjusted.map((score) => {
      least = Math.min(least, this.confidence(score, pool));
      const sure = least >= this.faq.threshold;
      return { sure, abstain: !sure };
    });
  }

  // The score for the softmax: shifted towards the score of the answer's own text.
  adjustScore({ answer, score, dense }, vector) {
    const own = dot(this.vectors, this.own[answer] * vector.length, vector);
    return score + this.faq.own_text * (own - dense);
  }

  // Softmax over the best scores and the abstain score; the score itself if there is no abstain score.
  confidence(score, scores) {
    const { no_answer: none, scale } = this.faq;
    if (none === null) return score;
    const top = Math.max(none, ...scores);
    const power = (score) => Math.exp(scale * (score - top));
    return power(score) / scores.reduce((sum, other) => sum + power(other), power(none));
  }

  // The BM25 document of a text: its answer, or the text itself.
  document(number) {
    return this.faq.by_answer ? this.texts[number].answer : number;
  }

  // Hybrid score of a text, rounded to single precision, so that ties are the same as in Nearsay.
  score(number, vector, keywords, near) {
    const dense = dot(this.vectors, number * vector.length, vector);
    const keyword = keywords === null ? 0 : this.faq.words * (keywords[this.document(number)] + (near.get(number) ?? 0));
    return { score: Math.fround(dense + keyword), dense };
  }
}
