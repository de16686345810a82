//! The tokenizer files of an export, complete enough to produce Nearsay's tokens without other files.
//!
//! The files in the model directory don't suffice: sentence-transformers reads the maximum length from elsewhere, and
//! MiniLM's tokenizer files state other lengths.

use crate::ExportError;
use nearsay_model::{ModelError, ModelSettings};
use serde_json::{Map, Value, json};

pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const SETTINGS: &str = "tokenizer_config.json";
pub(super) const SPECIAL: &str = "special_tokens_map.json";

/// Maximum length for encoders without a limit.
const UNLIMITED: usize = 1_000_000_000;

pub(super) struct Tokenizer {
    json: Value,
    /// `None` if texts are not truncated.
    max_tokens: Option<usize>,
    pad_id: u64,
    pad_token: String,
}

impl Tokenizer {
    /// The tokenizer of a transformer.
    pub(super) fn for_transformer(
        bytes: &[u8],
        settings: &ModelSettings,
        pad_id: u32,
    ) -> Result<Self, ExportError> {
        let mut json: Value = parse_json(TOKENIZER, bytes)?;
        let pad_id = u64::from(pad_id);
        let Some(pad_token) = find_token(&json, pad_id) else {
            let reason = format!("it lacks the padding token {pad_id} of config.json");
            return Err(invalid_file(TOKENIZER, &reason));
        };
        add_preprocessing(&mut json, settings.do_lower_case);
        Ok(Self {
            json,
            max_tokens: Some(settings.max_seq_length),
            pad_id,
            pad_token,
        })
    }

    /// The tokenizer of static embeddings, which doesn't truncate. The attention mask excludes padding, so any token
    /// will do for it.
    pub(super) fn for_static(bytes: &[u8]) -> Result<Self, ExportError> {
        let json: Value = parse_json(TOKENIZER, bytes)?;
        let id = |token: &str| json["model"]["vocab"][token].as_u64();
        let Some((pad_token, pad_id)) = ["[PAD]", "[UNK]"]
            .into_iter()
            .find_map(|token| Some((token.to_owned(), id(token)?)))
        else {
            return Err(invalid_file(TOKENIZER, "it has neither [PAD] nor [UNK]"));
        };
        Ok(Self {
            json,
            max_tokens: None,
            pad_id,
            pad_token,
        })
    }

    pub(super) fn pad_id(&self) -> u64 {
        self.pad_id
    }

    /// `tokenizer.json` with truncation and padding.
    pub(super) fn to_json(&self) -> Value {
        let mut json = self.json.clone();
        json["truncation"] = match self.max_tokens {
            Some(length) => json!({
                "direction": "Right", "max_length": length, "strategy": "LongestFirst", "stride": 0,
            }),
            None => Value::Null,
        };
        json["padding"] = json!({
            "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": self.pad_id, "pad_type_id": 0, "pad_token": self.pad_token,
        });
        json
    }

    /// `tokenizer_config.json`: that of the model directory, if present, with the actual maximum length.
    pub(super) fn to_config(&self, own: Option<&[u8]>) -> Result<Value, ExportError> {
        let mut settings: Map<String, Value> = match own {
            Some(bytes) => parse_json(SETTINGS, bytes)?,
            None => Map::from_iter([
                // The class that reads tokenizer.json.
                (
                    "tokenizer_class".to_owned(),
                    "PreTrainedTokenizerFast".into(),
                ),
                ("pad_token".to_owned(), self.pad_token.as_str().into()),
            ]),
        };
        settings.remove("max_length");
        let length = self.max_tokens.unwrap_or(UNLIMITED);
        settings.insert("model_max_length".to_owned(), length.into());
        Ok(settings.into())
    }

    /// `special_tokens_map.json`, for model directories without one.
    pub(super) fn to_special_tokens(&self) -> Value {
        json!({"pad_token": self.pad_token})
    }
}

fn parse_json<T: serde::de::DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ExportError> {
    serde_json::from_slice(bytes)
        .map_err(|error| invalid_file(file, &format!("it isn't JSON ({error})")))
}

fn invalid_file(file: &str, reason: &str) -> ExportError {
    let (file, reason) = (file.into(), reason.into());
    ModelError::Invalid { file, reason }.into()
}

/// Finds the token with an id in a WordPiece or Unigram vocabulary.
fn find_token(tokenizer: &Value, id: u64) -> Option<String> {
    match &tokenizer["model"]["vocab"] {
        Value::Object(ids) => {
            let found = ids.iter().find(|(_, found)| found.as_u64() == Some(id));
            found.map(|(token, _)| token.clone())
        }
        // Unigram: pairs of token and score.
        Value::Array(tokens) => {
            let found = tokens.get(usize::try_from(id).ok()?)?;
            found[0].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// Adds the preprocessing of sentence-transformers to the normalizer: strip white space and, for some models,
/// convert to lower case. BERT's pre-tokenizer makes stripping unnecessary.
fn add_preprocessing(tokenizer: &mut Value, lower: bool) {
    let mut steps = Vec::new();
    if tokenizer["pre_tokenizer"]["type"] != "BertPreTokenizer" {
        steps.push(json!({"type": "Strip", "strip_left": true, "strip_right": true}));
    }
    if lower && tokenizer["normalizer"]["lowercase"] != true {
        steps.push(json!({"type": "Lowercase"}));
    }
    if steps.is_empty() {
        return;
    }
    match tokenizer["normalizer"].take() {
        Value::Null => {}
        own => steps.push(own),
    }
    tokenizer["normalizer"] = json!({"type": "Sequence", "normalizers": steps});
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_model::Pooling;

    fn settings(lower: bool) -> ModelSettings {
        ModelSettings {
            max_seq_length: 256,
            do_lower_case: lower,
            pooling: Pooling::Mean,
            dims: 4,
            normalize: true,
            dense: Vec::new(),
            prompt: String::new(),
        }
    }

    fn transformer(tokenizer: &Value, lower: bool) -> Result<Tokenizer, ExportError> {
        Tokenizer::for_transformer(tokenizer.to_string().as_bytes(), &settings(lower), 0)
    }

    fn bert() -> Value {
        json!({
            "truncation": {"max_length": 128}, "padding": {"strategy": {"Fixed": 128}},
            "normalizer": {"type": "BertNormalizer", "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "[UNK]": 1}},
        })
    }

    #[test]
    fn tokenizer_files_state_the_actual_maximum_length() {
        let tokenizer = transformer(&bert(), true).unwrap();
        let json = tokenizer.to_json();
        assert_eq!(json["truncation"]["max_length"], 256);
        assert_eq!(json["padding"]["strategy"], "BatchLongest");
        assert_eq!(json["normalizer"], bert()["normalizer"]);
        let own = br#"{"model_max_length": 512, "max_length": 128, "do_lower_case": true}"#;
        assert_eq!(
            tokenizer.to_config(Some(own)).unwrap(),
            json!({"model_max_length": 256, "do_lower_case": true})
        );
        let made = tokenizer.to_config(None).unwrap();
        assert_eq!(
            (&made["pad_token"], &made["model_max_length"]),
            (&"[PAD]".into(), &256.into())
        );
    }

    #[test]
    fn add_preprocessing_prepends_strip_and_lowercase() {
        let mut unigram = bert();
        unigram["pre_tokenizer"]["type"] = "Metaspace".into();
        unigram["normalizer"] = json!({"type": "NFKC"});
        unigram["model"] = json!({"type": "Unigram", "vocab": [["<pad>", 0.0], ["a", -1.5]]});
        let tokenizer = transformer(&unigram, true).unwrap();
        let steps: Vec<&Value> = ["Strip", "Lowercase", "NFKC"]
            .iter()
            .enumerate()
            .map(|(step, _)| &tokenizer.json["normalizer"]["normalizers"][step]["type"])
            .collect();
        assert_eq!(steps, ["Strip", "Lowercase", "NFKC"]);
        assert_eq!(tokenizer.to_special_tokens(), json!({"pad_token": "<pad>"}));
    }

    #[test]
    fn tokenizer_without_padding_token_is_rejected() {
        let mut none = bert();
        none["model"]["vocab"] = json!({"a": 1});
        assert!(transformer(&none, false).is_err());
        assert!(Tokenizer::for_static(none.to_string().as_bytes()).is_err());
        none["model"]["vocab"] = json!({"a": 0, "[UNK]": 1});
        let table = Tokenizer::for_static(none.to_string().as_bytes()).unwrap();
        assert_eq!((table.pad_id(), table.max_tokens), (1, None));
        assert_eq!(table.to_json()["truncation"], Value::Null);
    }
}
