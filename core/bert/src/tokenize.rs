//! Tokenization with the model's own `tokenizer.json`.
//!
//! The file is untrusted input that selects normalisers, splitters and patterns. Only the parts that BERT models use
//! are accepted. Damaged files can make the library panic, so loading and encoding run inside `catch_unwind`.

use super::EncodeError;
use nearsay_model::{ModelError, ModelSettings};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokenizers::{Tokenizer, TruncationParams};

const FILE: &str = "tokenizer.json";

/// Texts are truncated to this many characters before tokenization, far more than any model's maximum length.
const MAX_CHARS: usize = 100_000;

/// Supported parts: those of BERT (WordPiece) and of multilingual BERT models (Unigram).
const SUPPORTED_PARTS: [&str; 25] = [
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
    // Multilingual models collapse runs of spaces with a regular expression.
    "Regex",
];

/// The only supported regular expression.
const SUPPORTED_PATTERN: &str = " {2,}";

/// Tokenizer with the model's prompt, lower-casing and maximum length.
pub(super) struct TextTokenizer {
    tokenizer: Tokenizer,
    prompt: String,
    lower: bool,
    max_tokens: usize,
}

impl TextTokenizer {
    /// Parses and validates `tokenizer.json`.
    ///
    /// Its padding is removed and its truncation replaced by the model's maximum length, as in
    /// sentence-transformers; the values in the file, such as 128 for MiniLM, are often wrong.
    pub(super) fn parse(
        bytes: &[u8],
        settings: &ModelSettings,
        vocab_size: usize,
    ) -> Result<Self, ModelError> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| ModelError::malformed(FILE, error))?;
        check_parts(&value)?;
        drop(value);
        let loaded = catch_unwind(|| Tokenizer::from_bytes(bytes))
            .map_err(|_| ModelError::invalid(FILE, "the tokenizer library panicked"))?;
        let mut tokenizer = loaded.map_err(|error| ModelError::malformed(FILE, error))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: settings.max_seq_length,
                ..TruncationParams::default()
            }))
            .map_err(|error| ModelError::malformed(FILE, error))?;
        if let Some(highest) = tokenizer.get_vocab(true).into_values().max()
            && highest as usize >= vocab_size
        {
            return Err(ModelError::invalid(
                FILE,
                format_args!(
                    "token {highest} is outside the model's vocabulary of {vocab_size} tokens"
                ),
            ));
        }
        let tokenizer = Self {
            tokenizer,
            prompt: settings.prompt.clone(),
            lower: settings.do_lower_case,
            max_tokens: settings.max_seq_length,
        };
        // Many defects only show when a text is tokenized.
        tokenizer
            .token_ids("a question, 1 answer")
            .map_err(|error| ModelError::malformed(FILE, error))?;
        Ok(tokenizer)
    }

    /// Maximum number of tokens in a text.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Tokenizes one text: its token ids, special tokens included, truncated to the model's maximum length.
    pub(super) fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let text = match text.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => &text[..end],
            None => text,
        };
        // The same steps as in sentence-transformers: prompt, lower case, strip.
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
        .map_err(|_| EncodeError::Tokenizer("the tokenizer library panicked".into()))?
        .map_err(EncodeError::Tokenizer)?;
        if encoded.get_ids().is_empty() {
            return Err(EncodeError::Tokenizer(
                "it adds no special tokens, so an empty text has no tokens".into(),
            ));
        }
        Ok(encoded.get_ids().to_vec())
    }
}

/// Rejects parts that BERT models don't use, and patterns that could take exponential time.
fn check_parts(tokenizer: &Value) -> Result<(), ModelError> {
    // A stack instead of recursion, for deeply nested files.
    let mut open = vec![("model", tokenizer.get("model"))];
    for part in ["normalizer", "pre_tokenizer", "post_processor"] {
        open.push((part, tokenizer.get(part)));
    }
    while let Some((part, value)) = open.pop() {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            continue;
        };
        if let Some(kind) = value.get("type").and_then(Value::as_str)
            && !SUPPORTED_PARTS.contains(&kind)
        {
            return Err(ModelError::unsupported(
                FILE,
                format_args!("{part} {kind}; BERT tokenizers don't use it"),
            ));
        }
        if let Some(pattern) = value.pointer("/pattern/Regex")
            && pattern != SUPPORTED_PATTERN
        {
            return Err(ModelError::unsupported(
                FILE,
                format_args!("regular expression {pattern}"),
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
    use crate::test_util::tiny_tokenizer;
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

    fn parse(value: &Value, settings: &ModelSettings) -> Result<TextTokenizer, ModelError> {
        TextTokenizer::parse(value.to_string().as_bytes(), settings, 8)
    }

    #[test]
    fn parse_ignores_truncation_and_padding_of_the_file() {
        let tokenizer = parse(&tiny_tokenizer(), &settings()).unwrap();
        assert_eq!(tokenizer.token_ids("").unwrap(), [2, 3]);
        assert_eq!(tokenizer.token_ids(" A ab? ").unwrap(), [2, 4, 4, 6, 7, 3]);
        assert_eq!(
            tokenizer.token_ids("a a a a a a a a a").unwrap(),
            [2, 4, 4, 4, 4, 4, 4, 3]
        );
    }

    #[test]
    fn token_ids_adds_prompt_and_lower_cases() {
        let prompted = ModelSettings {
            prompt: "B? ".into(),
            do_lower_case: true,
            ..settings()
        };
        let mut value = tiny_tokenizer();
        value["normalizer"]["lowercase"] = false.into();
        let tokenizer = parse(&value, &prompted).unwrap();
        assert_eq!(tokenizer.token_ids("A").unwrap(), [2, 5, 7, 4, 3]);
    }

    #[test]
    fn token_ids_truncates_long_texts() {
        let tokenizer = parse(&tiny_tokenizer(), &settings()).unwrap();
        assert_eq!(
            tokenizer.token_ids(&"ab".repeat(500_000)).unwrap(),
            [2, 1, 3]
        );
        assert_eq!(tokenizer.token_ids(&"a ".repeat(500_000)).unwrap().len(), 8);
        assert_eq!(
            tokenizer.token_ids(&"é".repeat(MAX_CHARS + 1)).unwrap(),
            [2, 1, 3]
        );
    }

    #[test]
    fn parse_rejects_unsupported_parts_and_patterns() {
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
            let mut value = tiny_tokenizer();
            value[part] = kind;
            let error = parse(&value, &settings()).err();
            assert!(
                matches!(error, Some(ModelError::Unsupported { .. })),
                "{part}: {error:?}"
            );
        }
    }

    #[test]
    fn parse_rejects_ids_outside_the_vocabulary() {
        let mut value = tiny_tokenizer();
        value["model"]["vocab"]["?"] = 8.into();
        assert!(parse(&value, &settings()).is_err());
    }

    #[test]
    fn token_ids_without_special_tokens_rejects_empty_text() {
        let mut value = tiny_tokenizer();
        value["post_processor"] = Value::Null;
        let tokenizer = parse(&value, &settings()).unwrap();
        assert!(tokenizer.token_ids("").is_err());
    }

    #[test]
    fn damaged_files_never_panic() {
        let bytes = tiny_tokenizer().to_string().into_bytes();
        for at in 0..bytes.len() {
            for change in [1, 2, 16, 128] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                if let Ok(tokenizer) = TextTokenizer::parse(&changed, &settings(), 8) {
                    let _ids = tokenizer.token_ids("ab? a");
                }
            }
        }
    }
}
