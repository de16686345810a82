// The page's user interface. User text is inserted as text, never as HTML.

const ANSWERS = 3;
const EXAMPLES = 4;
const PAUSE_MS = 150;

const at = (id) => document.getElementById(id);

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...content);
  return made;
}

function sourceLine(found) {
  return found.source ? [element("p", "about", found.source)] : [];
}

// The title of an answer: the matched paraphrase, or its first one.
function heading(found) {
  return found.paraphrase ?? found.questions[0] ?? "";
}

// The best answer, expanded.
function bestCard(found) {
  const title = heading(found) === "" ? [] : [element("h2", "", heading(found))];
  return element("article", "card best", ...title, element("p", "answer", found.answer), ...sourceLine(found));
}

// A further answer, collapsed.
function otherCard(found) {
  const summary = element("summary", "", heading(found) || `${found.answer.slice(0, 80)} …`);
  return element("details", "card", summary, element("p", "answer", found.answer), ...sourceLine(found));
}

function show(faq, question) {
  const found = faq.ask(question, ANSWERS);
  const asked = !isBlank(question);
  const abstain = found.length === 0 || found[0].abstain;
  at("examples").hidden = asked;
  at("answers").hidden = !asked;
  at("status").className = asked && abstain ? "unsure" : "";
  const status = abstain ? "No confident answer. Best matches:" : `Best of ${faq.faq.answers.length} answers`;
  // Screen readers announce the title of the best answer with the status.
  const announced = found.slice(0, 1).map((best) => element("span", "unseen", `: ${heading(best)}`));
  at("status").replaceChildren(...(asked ? [status, ...announced] : []));
  const [best, ...others] = found;
  at("best").replaceChildren(...(best ? [bestCard(best)] : []));
  at("more").hidden = others.length === 0;
  at("others").replaceChildren(...others.map((found) => otherCard(found)));
}

// Offers sample questions spread over the list.
function showExamples(faq, ask) {
  const known = faq.faq.answers.flatMap(({ questions }) => questions.slice(0, 1));
  const step = Math.max(1, Math.floor(known.length / EXAMPLES));
  const chosen = known.filter((_, i) => i % step === Math.floor(step / 2)).slice(0, EXAMPLES);
  at("examples-list").replaceChildren(...chosen.map((question) => {
    const button = element("button", "example", question);
    button.type = "button";
    button.addEventListener("click", () => ask(question));
    return element("li", "", button);
  }));
  at("examples").hidden = chosen.length === 0;
}

async function start() {
  const text = (id) => at(id).textContent;
  const faq = await Faq.open(readFaq(text), readModel(text));
  const input = at("question");
  const ask = (question) => {
    input.value = question;
    input.focus();
    show(faq, question);
  };
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show(faq, input.value), PAUSE_MS);
  });
  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    show(faq, input.value);
  });
  at("status").textContent = "";
  showExamples(faq, ask);
  // A link may contain a question: page.html#How%20do%20I%20…
  const linked = decodeURIComponent(location.hash.slice(1));
  if (linked !== "") ask(linked);
  else if (input.value !== "") show(faq, input.value); // typed while the page was loading
  document.documentElement.dataset.ready = "";
}

start().catch((error) => {
  at("status").className = "unsure";
  at("status").textContent = `This page failed to load: ${error.message}. Try a newer browser.`;
});
