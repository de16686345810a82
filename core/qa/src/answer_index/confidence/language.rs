//! Language of a text, as far as confidence depends on it.

use serde::{Deserialize, Serialize};
use whatlang::{Lang, Script, detect};

/// Letters below which the language of a text in Latin script is not judged.
const MIN_LETTERS: usize = 12;

/// Everyday sentences in German, Spanish and Russian, without punctuation.
const SENTENCES: [&str; 3] = [
    "wie kann ich mein passwort ändern wenn ich es vergessen habe",
    "cómo puedo cambiar mi contraseña si la he olvidado",
    "как я могу изменить свой пароль если я его забыл",
];

/// Largest number of tokens a word, on the mean of [`SENTENCES`], of a vocabulary for many languages. An English
/// vocabulary needs two to four.
const MAX_TOKENS: f64 = 1.6;

/// Languages that an encoder was trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Languages {
    /// English only.
    #[default]
    English,
    /// Many languages; none is treated as unknown.
    Many,
}

impl Languages {
    /// Languages of an encoder, by the number of tokens that its vocabulary splits a text into. A vocabulary made for
    /// many languages keeps most everyday words whole; an English one splits the words of other languages. English if a
    /// text can't be split.
    #[must_use]
    pub fn of_vocabulary(tokens: &dyn Fn(&str) -> Option<usize>) -> Self {
        let special = tokens("").unwrap_or_default();
        let ratio = |sentence: &&str| {
            let words = sentence.split(' ').count();
            Some(tokens(sentence)?.saturating_sub(special) as f64 / words as f64)
        };
        let ratios: Option<Vec<f64>> = SENTENCES.iter().map(ratio).collect();
        let mean = ratios.map(|ratios| ratios.iter().sum::<f64>() / ratios.len() as f64);
        if mean.is_some_and(|mean| mean > 0.0 && mean <= MAX_TOKENS) {
            Self::Many
        } else {
            Self::English
        }
    }

    /// Whether a text is reliably in a language that the encoder doesn't know. Short texts in Latin script and mixed
    /// texts count as known.
    #[must_use]
    pub fn lacks(self, text: &str) -> bool {
        if self == Self::Many {
            return false;
        }
        let Some(info) = detect(text) else {
            return false;
        };
        if info.script() != Script::Latin {
            return true;
        }
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        info.lang() != Lang::Eng && letters >= MIN_LETTERS && info.is_reliable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_encoder_lacks_other_languages() {
        for text in [
            "Wie kann ich mein Passwort zurücksetzen, wenn ich es vergessen habe?",
            "¿Cómo puedo cambiar la dirección de correo electrónico de mi cuenta?",
            "Как установить пакет?",
            "如何安装软件包？",
        ] {
            assert!(Languages::English.lacks(text), "{text}");
            assert!(!Languages::Many.lacks(text), "{text}");
        }
    }

    #[test]
    fn vocabulary_of_many_languages_keeps_words_whole() {
        let words = |text: &str| Some(2 + text.split_whitespace().count());
        assert_eq!(Languages::of_vocabulary(&words), Languages::Many);
        let letters = |text: &str| Some(2 + text.chars().count() / 2);
        assert_eq!(Languages::of_vocabulary(&letters), Languages::English);
        assert_eq!(Languages::of_vocabulary(&|_| None), Languages::English);
    }

    #[test]
    fn english_and_undecided_texts_are_not_lacking() {
        for text in [
            "How do I reset my password when I have forgotten it?",
            "Do you offer Zero Percent EMI payment options?",
            "order status",
            "",
            "???",
            "42",
        ] {
            assert!(!Languages::English.lacks(text), "{text}");
        }
    }
}
