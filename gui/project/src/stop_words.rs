//! English words that say little about a question.

/// Words that nearly every question contains.
const STOP_WORDS: [&str; 24] = [
    "and", "are", "can", "could", "did", "does", "for", "from", "have", "how", "not", "should",
    "that", "the", "this", "was", "what", "when", "where", "which", "who", "why", "with", "you",
];

/// Whether a lower-case word tells questions apart: longer than two letters and no stop word.
#[must_use]
pub fn is_content_word(word: &str) -> bool {
    word.chars().count() > 2 && !STOP_WORDS.contains(&word)
}
