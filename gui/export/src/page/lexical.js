// Keyword search: BM25 over character 4-grams, a port of `lexical` in nearsay-text.

const K1 = 1.2;
const B = 0.75;
const MAX_COUNT = 255; // per term and text
// Weights of the terms that only the query or only the text has, and the similarity from which a text is near.
const [OF_QUERY, OF_TEXT, NEAR] = [0.7, 0.3, 0.6];
const RUN = /[\p{Alphabetic}\p{N}\p{M}]+/gu;
// Scripts that write words without spaces.
const UNSPACED = "\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3005-\u3007\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F\u{1AFF0}-\u{1B16F}\u{20000}-\u{3FFFF}";
const SCRIPT = new RegExp(`([${UNSPACED}]+)|[^${UNSPACED}]+`, "gu");

// Counts the terms of a text.
function countTerms(text) {
  const counts = new Map();
  for (const [run] of text.matchAll(RUN)) {
    for (const [word, unspaced] of run.matchAll(SCRIPT)) {
      const plain = lowerCase(word).normalize("NFD").replace(/[\u0300-\u036F]/g, "").normalize("NFC");
      if (plain === "") continue;
      for (const term of ngrams(unspaced ? plain : `\u0002${plain}\u0003`, unspaced ? 2 : 4)) {
        counts.set(term, (counts.get(term) ?? 0) + 1);
      }
    }
  }
  return counts;
}

// All n-grams of `size` characters; the whole text if it is shorter.
function ngrams(text, size) {
  const letters = Array.from(text);
  const count = Math.max(letters.length - size, 0) + 1;
  // Slicing the string is faster, but only correct without surrogate pairs.
  const cut = letters.length === text.length
    ? (_, i) => text.slice(i, i + size)
    : (_, i) => letters.slice(i, i + size).join("");
  return Array.from({ length: count }, cut);
}

class Bm25 {
  // Call `scores` after the last `add`.
  constructor() {
    this.postings = new Map(); // term → [document, count, document, count, …]
    this.texts = new Map(); // term → [text, text, …]
    this.count = 0; // of texts
    this.lengths = [];
    this.total = 0;
  }

  // Adds a text of a document. Texts of a document are adjacent, documents in order.
  add(text, document) {
    while (this.lengths.length <= document) this.lengths.push(0);
    for (const [term, count] of countTerms(text)) {
      const postings = this.postings.get(term) ?? [];
      if (postings.length === 0) this.postings.set(term, postings);
      if (postings.at(-2) !== document) postings.push(document, 0);
      postings[postings.length - 1] += Math.min(count, MAX_COUNT);
      this.lengths[document] += count;
      this.total += count;
      if (!this.texts.has(term)) this.texts.set(term, []);
      this.texts.get(term).push(this.count);
    }
    this.count += 1;
  }

  // Inverse document frequency of a term with these postings.
  idf(postings) {
    const documents = postings.length / 2;
    return Math.log(1 + (this.lengths.length - documents + 0.5) / (documents + 0.5));
  }

  // Scores every document for a query, from 0 to 1.
  scores(query) {
    const mean = this.total / Math.max(this.lengths.length, 1);
    const gains = Array.from(countTerms(query), ([term, count]) => {
      const postings = this.postings.get(term) ?? [];
      return { postings, gain: count * this.idf(postings) };
    });
    const most = gains.reduce((sum, { gain }) => sum + gain, 0);
    const scores = new Float64Array(this.lengths.length);
    for (const { postings, gain } of gains) {
      for (let i = 0; i < postings.length; i += 2) {
        const [document, count] = [postings[i], postings[i + 1]];
        const norm = K1 * (1 - B + (B * this.lengths[document]) / mean);
        scores[document] += ((gain / most) * count) / (count + norm);
      }
    }
    return scores;
  }

  // Fractions of a query's terms, weighted by idf, that a document contains and that no document contains.
  coverage(query, document) {
    let [all, found, unknown] = [0, 0, 0];
    for (const [term, count] of countTerms(query)) {
      const postings = this.postings.get(term) ?? [];
      const weight = count * this.idf(postings);
      all += weight;
      if (postings.length === 0) unknown += weight;
      else if (postings.some((other, i) => i % 2 === 0 && other === document)) found += weight;
    }
    return all > 0 ? [found / all, unknown / all] : [0, 0];
  }

  // Closeness of the texts that say nearly the same as a query, from 0 to 1: text → closeness. Tversky's index of their
  // distinct terms, weighted by idf.
  nearTexts(query) {
    this.weights ??= this.sumIdfs();
    const shared = new Map();
    let ofQuery = 0;
    for (const term of countTerms(query).keys()) {
      const idf = this.idf(this.postings.get(term) ?? []);
      ofQuery += idf;
      for (const text of this.texts.get(term) ?? []) shared.set(text, (shared.get(text) ?? 0) + idf);
    }
    const near = new Map();
    for (const [text, both] of shared) {
      const missing = OF_QUERY * (ofQuery - both) + OF_TEXT * (this.weights[text] - both);
      const closeness = (Math.min(both / (both + missing), 1) - NEAR) / (1 - NEAR);
      if (closeness > 0) near.set(text, closeness);
    }
    return near;
  }

  // Sum of the idfs of each text's distinct terms.
  sumIdfs() {
    const weights = new Float64Array(this.count);
    for (const [term, texts] of this.texts) {
      const idf = this.idf(this.postings.get(term));
      for (const text of texts) weights[text] += idf;
    }
    return weights;
  }
}
