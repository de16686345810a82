// The nearest answers to a question.

const SLICE = 200; // texts that are read before the page may draw

// Whether there is nothing but white space, as Unicode has it.
function isBlank(text) {
  return !/\P{White_Space}/u.test(text);
}

class Faq {
  // Reads every answer and wording. `faq`: answers, words (their weight), by_answer (or by text), threshold,
  // own_text, no_answer, among, scale, and, where answers were moved, their vectors, one after another.
  static async open(faq, model) {
    const self = new Faq();
    self.encoder = new Encoder(model);
    self.lexical = new Lexical();
    self.faq = faq;
    self.texts = faq.answers.flatMap(({ answer, questions }, number) =>
      [answer, ...questions].map((text, i) => ({ answer: number, text, wording: i > 0 ? text : null })),
    );
    self.own = []; // the number of each answer's own text
    for (const [number, { wording }] of self.texts.entries()) if (wording === null) self.own.push(number);
    self.vectors = new Float32Array(self.texts.length * self.encoder.length);
    for (const [number, { text, answer, wording }] of self.texts.entries()) {
      const { length } = self.encoder;
      const moved = wording === null ? faq.moved?.subarray(answer * length, (answer + 1) * length) : undefined;
      self.vectors.set(moved ?? self.encoder.encode(text), number * length);
      if (faq.words > 0) self.lexical.add(text, self.document(number));
      if (number % SLICE === SLICE - 1) await new Promise((resolve) => setTimeout(resolve));
    }
    return self;
  }

  // The `k` best answers, each by the best of its texts, and whether it is sure; none for an empty question.
  ask(question, k) {
    if (isBlank(question)) return [];
    const vector = this.encoder.encode(question);
    const words = this.faq.words > 0 ? this.lexical.scores(question) : null;
    const best = new Map();
    for (let number = 0; number < this.texts.length; number++) {
      const { score, meaning } = this.score(number, vector, words);
      const { answer, wording } = this.texts[number];
      if (!(best.get(answer)?.score >= score)) best.set(answer, { answer, wording, score, meaning });
    }
    const nearer = (a, b) => b.score - a.score || a.answer - b.answer;
    const sorted = Array.from(best.values()).sort(nearer);
    const standings = sorted.slice(0, Math.max(k, this.faq.among)).map((found) => this.standing(found, vector));
    const shared = standings.slice(0, this.faq.among);
    let least = Infinity; // none is surer than those before it
    return sorted.slice(0, k).map((found, place) => {
      least = Math.min(least, this.sureness(standings[place], shared));
      return {
        ...this.faq.answers[found.answer],
        wording: found.wording,
        score: found.score,
        sure: least >= this.faq.threshold,
      };
    });
  }

  // What an answer counts for in how sure it is: its score, drawn towards that of its own text.
  standing({ answer, score, meaning }, vector) {
    const own = dot(this.vectors, this.own[answer] * vector.length, vector);
    return score + this.faq.own_text * (own - meaning);
  }

  // How sure an answer is by the standings of the best: its share among them and no answer, or its score.
  sureness(score, scores) {
    const { no_answer: none, scale } = this.faq;
    if (none === null) return score;
    const top = Math.max(none, ...scores);
    const power = (score) => Math.exp(scale * (score - top));
    return power(score) / scores.reduce((sum, other) => sum + power(other), power(none));
  }

  // What the words of a text are counted with: those of its answer, or its own.
  document(number) {
    return this.faq.by_answer ? this.texts[number].answer : number;
  }

  // The score of one text, the only place where it is computed: in single precision, so that ties
  // are ties here as in Nearsay.
  score(number, vector, words) {
    const meaning = dot(this.vectors, number * vector.length, vector);
    const shared = words === null ? 0 : this.faq.words * words[this.document(number)];
    return { score: Math.fround(meaning + shared), meaning };
  }
}
