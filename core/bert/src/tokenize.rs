//! Texts to token ids, by the model's own `tokenizer.json`.
//!
//! The file is data of somebody else that behaves like a program: it picks normalisers, splitters
//! and patterns. Only the parts that BERT models use are let through, and since damaged files are
//! known to make the library panic, both loading and encoding run behind `catch_unwind`.

use super::EncodeError;
use nearsay_model::{ModelError, ModelSettings};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokenizers::{Tokenizer, TruncationParams};

/// The file the tokenizer is read from.
const FILE: &str = "tokenizer.json";

/// Texts are cut here before the tokenizer sees them, hundreds of times what a model takes in.
const MAX_CHARS: usize = 100_000;

/// The parts a tokenizer may be made of: those of BERT (word pieces) and of multilingual BERT
/// models (a unigram vocabulary).
const KNOWN_PARTS: [&str; 25] = [
    "WordPiece",
    "Unigram",
    "Sequence",
    "BertNormalizer",
    "Lowercase",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Precompiled",
    "Prepend",
    "Replace",
    "Strip",
    "StripAccents",
    "BertPreTokenizer",
    "Digits",
    "Metaspace",
    "Punctuation",
    "Whitespace",
    "WhitespaceSplit",
    "BertProcessing",
    "RobertaProcessing",
    "TemplateProcessing",
    // What multilingual models collapse runs of spaces with.
    "Regex",
];

/// The only regular expression let through.
const KNOWN_PATTERN: &str = " {2,}";

/// A tokenizer that gives ids ready for the network.
pub(super) struct Texts {
    tokenizer: Tokenizer,
    prompt: String,
    lower: bool,
    max_tokens: usize,
}

impl Texts {
    /// Reads `tokenizer.json`, replacing its truncation and padding by the model's own length and
    /// none: MiniLM's file says 128 tokens and filling up to 128, sentence-transformers ignores both.
    pub(super) fn read(
        bytes: &[u8],
        settings: &ModelSettings,
        vocab_size: usize,
    ) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| ModelError::invalid(FILE, format_args!("no JSON ({error})")))?;
        check_parts(&value)?;
        drop(value);
        let loaded = catch_unwind(|| Tokenizer::from_bytes(bytes))
            .map_err(|_| ModelError::invalid(FILE, "the tokenizer library gave up on it"))?;
        let mut tokenizer = loaded.map_err(|error| ModelError::invalid(FILE, error))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: settings.max_seq_length,
                ..TruncationParams::default()
            }))
            .map_err(|error| ModelError::invalid(FILE, error))?;
        if let Some(highest) = tokenizer.get_vocab(true).into_values().max()
            && highest as usize >= vocab_size
        {
            return Err(ModelError::invalid(
                FILE,
                format_args!("token {highest} lies outside the network's {vocab_size} tokens"),
            ));
        }
        let texts = Self {
            tokenizer,
            prompt: settings.prompt.clone(),
            lower: settings.do_lower_case,
            max_tokens: settings.max_seq_length,
        };
        // Many faults show up only now.
        texts
            .ids("a question, 1 answer")
            .map_err(|error| ModelError::invalid(FILE, error))?;
        Ok(texts)
    }

    /// No text has more tokens than this.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The ids of one text, special tokens included, cut to the model's length.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let text = match text.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => &text[..end],
            None => text,
        };
        // As sentence-transformers prepares a text: prompt, strip, lower case.
        let mut text = std::borrow::Cow::Borrowed(text);
        if !self.prompt.is_empty() {
            text = format!("{}{text}", self.prompt).into();
        }
        if self.lower {
            text = text.to_lowercase().into();
        }
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            self.tokenizer.encode(text.trim(), true)
        }))
        .map_err(|_| EncodeError::Tokenizer("the tokenizer library gave up".into()))?
        .map_err(|error| EncodeError::Tokenizer(error.to_string()))?;
        if encoded.get_ids().is_empty() {
            return Err(EncodeError::Tokenizer(
                "it adds no special tokens, so an empty text has none".into(),
            ));
        }
        Ok(encoded.get_ids().to_vec())
    }
}

/// Refuses parts that BERT models don't use, and patterns that could take for ever.
fn check_parts(tokenizer: &Value) -> Result<(), ModelError> {
    // An explicit stack: serde_json has limited the depth already, but a deep file costs nothing here.
    let mut open = vec![("model", tokenizer.get("model"))];
    for part in ["normalizer", "pre_tokenizer", "post_processor"] {
        open.push((part, tokenizer.get(part)));
    }
    while let Some((part, value)) = open.pop() {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            continue;
        };
        if let Some(kind) = value.get("type").and_then(Value::as_str)
            && !KNOWN_PARTS.contains(&kind)
        {
            return Err(ModelError::unsupported(
                FILE,
                format_args!("{kind} as a {part}; BERT tokenizers have none"),
            ));
        }
        if let Some(pattern) = value.pointer("/pattern/Regex")
            && pattern != KNOWN_PATTERN
        {
            return Err(ModelError::unsupported(
                FILE,
                format_args!("the regular expression {pattern}"),
            ));
        }
        for list in ["normalizers", "pretokenizers", "processors"] {
            if let Some(Value::Array(parts)) = value.get(list) {
                open.extend(parts.iter().map(|inner| (part, Some(inner))));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::tiny_tokenizer as tiny;
    use nearsay_model::Pooling;
    use serde_json::json;

    fn settings() -> ModelSettings {
        ModelSettings {
            max_seq_length: 8,
            do_lower_case: false,
            pooling: Pooling::Mean,
            dims: 4,
            normalize: false,
            dense: Vec::new(),
            prompt: String::new(),
        }
    }

    fn read(value: &Value, settings: &ModelSettings) -> Result<Texts, ModelError> {
        Texts::read(value.to_string().as_bytes(), settings, 8)
    }

    #[test]
    fn the_files_own_length_and_filling_are_ignored() {
        let texts = read(&tiny(), &settings()).unwrap();
        assert_eq!(texts.ids("").unwrap(), [2, 3]);
        assert_eq!(texts.ids(" A ab? ").unwrap(), [2, 4, 4, 6, 7, 3]);
        assert_eq!(
            texts.ids("a a a a a a a a a").unwrap(),
            [2, 4, 4, 4, 4, 4, 4, 3]
        );
    }

    #[test]
    fn a_prompt_comes_first_and_lower_case_is_followed() {
        let prompted = ModelSettings {
            prompt: "B? ".into(),
            do_lower_case: true,
            ..settings()
        };
        let mut value = tiny();
        value["normalizer"]["lowercase"] = false.into();
        let texts = read(&value, &prompted).unwrap();
        assert_eq!(texts.ids("A").unwrap(), [2, 5, 7, 4, 3]);
    }

    #[test]
    fn a_megabyte_of_one_word_is_quick() {
        let texts = read(&tiny(), &settings()).unwrap();
        assert_eq!(texts.ids(&"ab".repeat(500_000)).unwrap(), [2, 1, 3]);
        assert_eq!(texts.ids(&"a ".repeat(500_000)).unwrap().len(), 8);
        assert_eq!(texts.ids(&"é".repeat(MAX_CHARS + 1)).unwrap(), [2, 1, 3]);
    }

    #[test]
    fn parts_and_patterns_bert_has_not_are_refused() {
        for (part, kind) in [
            ("model", json!({"type": "BPE", "vocab": {}, "merges": []})),
            (
                "pre_tokenizer",
                json!({"type": "Split", "pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated", "invert": false}),
            ),
            (
                "normalizer",
                json!({"type": "Sequence", "normalizers": [
                {"type": "Replace", "pattern": {"Regex": "(a+)+b"}, "content": ""}]}),
            ),
            (
                "pre_tokenizer",
                json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}),
            ),
        ] {
            let mut value = tiny();
            value[part] = kind;
            let error = read(&value, &settings()).err();
            assert!(
                matches!(error, Some(ModelError::Unsupported { .. })),
                "{part}: {error:?}"
            );
        }
    }

    #[test]
    fn ids_outside_the_network_are_refused() {
        let mut value = tiny();
        value["model"]["vocab"]["?"] = 8.into();
        assert!(read(&value, &settings()).is_err());
    }

    #[test]
    fn without_special_tokens_it_is_refused_or_never_empty() {
        let mut value = tiny();
        value["post_processor"] = Value::Null;
        let texts = read(&value, &settings()).unwrap();
        assert!(texts.ids("").is_err());
    }

    #[test]
    fn changed_bytes_never_panic() {
        let bytes = tiny().to_string().into_bytes();
        for at in 0..bytes.len() {
            for change in [1, 2, 16, 128] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                if let Ok(texts) = Texts::read(&changed, &settings(), 8) {
                    let _ids = texts.ids("ab? a");
                }
            }
        }
    }
}
