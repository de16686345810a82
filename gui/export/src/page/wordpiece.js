// BERT's uncased WordPiece tokenizer, a port of `wordpiece` in nearsay-text.
// Unicode properties are the browser's; characters newer than the encoder's tables may differ.

const REMOVED = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu;
const IDEOGRAPH = /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;
const WORD = /[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+/gu;
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const MAX_WORD_CHARS = 100;

// Lower case, character by character: a final Σ becomes σ, not ς.
function lowerCase(text) {
  if (/^\p{ASCII}*$/u.test(text)) return text.toLowerCase();
  return Array.from(text, (character) => character.toLowerCase()).join("");
}

class WordPiece {
  constructor(tokens) {
    this.id = new Map(tokens.map((token, id) => [token, id]));
    this.unknown = this.id.get("[UNK]");
    this.longest = tokens.reduce((most, token) => Math.max(most, token.length), 0);
    const special = SPECIAL.filter((token) => this.id.has(token));
    const escaped = special.map((token) => token.replace(/[[\]]/g, "\\$&"));
    this.special = new RegExp(`(${escaped.join("|")})`);
  }

  // Token ids of a text. Literal special tokens keep their ids.
  ids(text) {
    const ids = [];
    text.split(this.special).forEach((part, number) => {
      if (number % 2 === 1) ids.push(this.id.get(part));
      else for (const word of this.words(part)) ids.push(...this.split(word));
    });
    return ids;
  }

  words(text) {
    const spaced = text.replace(REMOVED, "").replace(IDEOGRAPH, " $& ");
    return lowerCase(spaced.normalize("NFD").replace(/\p{Mn}/gu, "")).match(WORD) ?? [];
  }

  // Splits a word greedily into the longest tokens; continuations start with ##.
  split(word) {
    if (word.length > MAX_WORD_CHARS && Array.from(word).length > MAX_WORD_CHARS) return [this.unknown];
    const ids = [];
    for (let start = 0, end; start < word.length; start = end) {
      const lead = start > 0 ? "##" : "";
      end = Math.min(word.length, start + this.longest);
      while (end > start && !this.id.has(lead + word.slice(start, end))) end -= 1;
      if (end === start) return [this.unknown];
      ids.push(this.id.get(lead + word.slice(start, end)));
    }
    return ids;
  }
}
