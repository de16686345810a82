// Asks a page of `nearsay export --to page` without a browser: runs the page's own script in Node.
//
//   node ask_page.mjs PAGE.html < QUESTIONS
//
// QUESTIONS has one question per line. Prints the output of `nearsay ask --json --top 3`, without the
// fields that a page lacks.

import { readFileSync } from "node:fs";

const page = readFileSync(process.argv[2], "utf8");
const text = (id) => {
  const found = page.match(new RegExp(`<script[^>]* id="${id}">(.*?)</script>`, "s"));
  if (found === null) throw new Error(`the page has no ${id}`);
  return found[1];
};
const search = new Function(`${text("search")}; return { Faq, readFaq, readModel };`)();
const faq = await search.Faq.open(search.readFaq(text), search.readModel(text));
const questions = readFileSync(0, "utf8").split("\n").slice(0, -1);
for (const question of questions) {
  const found = faq.ask(question, 3);
  const answers = found.map(({ answer, wording, score }) => ({ answer, question: wording, score })); // language: allow
  const confident = found.length > 0 && found[0].sure;
  console.log(JSON.stringify({ question, answers, confident }));
}
