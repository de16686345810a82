// Words that a question shares with an answer and its wordings: BM25 over windows of four letters, as `lexical` of
// nearsay-core has it.

const K1 = 1.2;
const B = 0.75;
const MOST = 255; // a term counts so often in a text at most
const RUN = /[\p{Alphabetic}\p{N}\p{M}]+/gu;
// Scripts that do not part words by spaces.
const UNSPACED = "\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3005-\u3007\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F\u{1AFF0}-\u{1B16F}\u{20000}-\u{3FFFF}";
const SCRIPT = new RegExp(`([${UNSPACED}]+)|[^${UNSPACED}]+`, "gu");

// The terms of a text, with how often each occurs.
function terms(text) {
  const counts = new Map();
  for (const [run] of text.matchAll(RUN)) {
    for (const [word, unspaced] of run.matchAll(SCRIPT)) {
      const plain = small(word).normalize("NFD").replace(/[\u0300-\u036F]/g, "").normalize("NFC");
      if (plain === "") continue;
      for (const term of windows(unspaced ? plain : `\u0002${plain}\u0003`, unspaced ? 2 : 4)) {
        counts.set(term, (counts.get(term) ?? 0) + 1);
      }
    }
  }
  return counts;
}

// All runs of `size` characters; the whole text when it has no more.
function windows(text, size) {
  const letters = Array.from(text);
  const many = Math.max(letters.length - size, 0) + 1;
  // Where each character is one unit, cutting the text itself is quicker.
  const cut = letters.length === text.length
    ? (_, i) => text.slice(i, i + size)
    : (_, i) => letters.slice(i, i + size).join("");
  return Array.from({ length: many }, cut);
}

class Lexical {
  // Takes texts one by one; `scores` is for when all are in.
  constructor() {
    this.postings = new Map(); // term → [document, count, document, count, …]
    this.lengths = [];
    this.total = 0;
  }

  // A text of a document; those of one come one after another, documents in order.
  add(text, document) {
    while (this.lengths.length <= document) this.lengths.push(0);
    for (const [term, count] of terms(text)) {
      const places = this.postings.get(term) ?? [];
      if (places.length === 0) this.postings.set(term, places);
      if (places.at(-2) !== document) places.push(document, 0);
      places[places.length - 1] += Math.min(count, MOST);
      this.lengths[document] += count;
      this.total += count;
    }
  }

  // How rare a term is; the rarest are those that no document has.
  idf(places) {
    const documents = places.length / 2;
    return Math.log(1 + (this.lengths.length - documents + 0.5) / (documents + 0.5));
  }

  // The score of every document for a query, from 0 to 1.
  scores(query) {
    const mean = this.total / Math.max(this.lengths.length, 1);
    const gains = Array.from(terms(query), ([term, count]) => {
      const places = this.postings.get(term) ?? [];
      return { places, gain: count * this.idf(places) };
    });
    const most = gains.reduce((sum, { gain }) => sum + gain, 0);
    const scores = new Float64Array(this.lengths.length);
    for (const { places, gain } of gains) {
      for (let i = 0; i < places.length; i += 2) {
        const [document, count] = [places[i], places[i + 1]];
        const norm = K1 * (1 - B + (B * this.lengths[document]) / mean);
        scores[document] += ((gain / most) * count) / (count + norm);
      }
    }
    return scores;
  }
}
