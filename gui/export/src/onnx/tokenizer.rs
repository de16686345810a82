//! The tokenizer's files, so that whoever reads them alone makes the tokens that Nearsay makes.
//!
//! A folder's own files are made for sentence-transformers, which looks up the longest length elsewhere:
//! MiniLM's say 128 tokens in one place and 512 in another, while its texts are cut at 256.

use super::UserError;
use nearsay_model::{ModelError, ModelSettings};
use serde_json::{Map, Value, json};

pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const SETTINGS: &str = "tokenizer_config.json";
pub(super) const SPECIAL: &str = "special_tokens_map.json";

/// More tokens than any text has, for encoders that take all of them.
const UNLIMITED: usize = 1_000_000_000;

/// A folder's tokenizer.
pub(super) struct Tokenizer {
    whole: Value,
    /// Tokens of a text that count; none when all do.
    max_tokens: Option<usize>,
    pad_id: u64,
    pad_token: String,
}

impl Tokenizer {
    /// That of a network, which cuts texts and may want them in lower case.
    pub(super) fn of_network(
        bytes: &[u8],
        settings: &ModelSettings,
        pad_id: u32,
    ) -> Result<Self, UserError> {
        let mut whole: Value = json(TOKENIZER, bytes)?;
        let pad_id = u64::from(pad_id);
        let Some(pad_token) = token(&whole, pad_id) else {
            let why = format!("it has no token {pad_id}, which config.json fills up with");
            return Err(invalid(TOKENIZER, &why));
        };
        before(&mut whole, settings.do_lower_case);
        Ok(Self {
            whole,
            max_tokens: Some(settings.max_seq_length),
            pad_id,
            pad_token,
        })
    }

    /// That of a table, which cuts nothing. It fills up with any token, as none of them is counted.
    pub(super) fn of_table(bytes: &[u8]) -> Result<Self, UserError> {
        let whole: Value = json(TOKENIZER, bytes)?;
        let id = |token: &str| whole["model"]["vocab"][token].as_u64();
        let found = ["[PAD]", "[UNK]"].into_iter();
        let Some((pad_token, pad_id)) = found
            .filter_map(|token| Some((token.to_owned(), id(token)?)))
            .next()
        else {
            return Err(invalid(TOKENIZER, "it has neither [PAD] nor [UNK]"));
        };
        Ok(Self {
            whole,
            max_tokens: None,
            pad_id,
            pad_token,
        })
    }

    /// What shorter texts of a batch are filled up with.
    pub(super) fn pad_id(&self) -> u64 {
        self.pad_id
    }

    /// `tokenizer.json`, which cuts and fills up by itself.
    pub(super) fn whole(&self) -> Value {
        let mut whole = self.whole.clone();
        whole["truncation"] = match self.max_tokens {
            Some(length) => json!({
                "direction": "Right", "max_length": length, "strategy": "LongestFirst", "stride": 0,
            }),
            None => Value::Null,
        };
        whole["padding"] = json!({
            "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": self.pad_id, "pad_type_id": 0, "pad_token": self.pad_token,
        });
        whole
    }

    /// `tokenizer_config.json`: the folder's own, if there is one, with the length that counts.
    pub(super) fn settings(&self, own: Option<&[u8]>) -> Result<Value, UserError> {
        let mut settings: Map<String, Value> = match own {
            Some(bytes) => json(SETTINGS, bytes)?,
            None => Map::from_iter([
                // The class that takes tokenizer.json as it is.
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

    /// `special_tokens_map.json`, where the folder has none.
    pub(super) fn special(&self) -> Value {
        json!({"pad_token": self.pad_token})
    }
}

fn json<T: serde::de::DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, UserError> {
    serde_json::from_slice(bytes).map_err(|error| invalid(file, &format!("no JSON ({error})")))
}

fn invalid(file: &str, reason: &str) -> UserError {
    let (file, reason) = (file.into(), reason.into());
    ModelError::Invalid { file, reason }.into()
}

/// The token of an id, in the vocabularies that BERT models have.
fn token(tokenizer: &Value, id: u64) -> Option<String> {
    match &tokenizer["model"]["vocab"] {
        Value::Object(ids) => {
            let found = ids.iter().find(|(_, found)| found.as_u64() == Some(id));
            found.map(|(token, _)| token.clone())
        }
        // A unigram vocabulary: tokens with their scores.
        Value::Array(tokens) => {
            let found = tokens.get(usize::try_from(id).ok()?)?;
            found[0].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// What sentence-transformers does to a text before the tokenizer sees it: spaces around it are cut off, and
/// some models want it in lower case. BERT's own splitter needs no such thing.
fn before(tokenizer: &mut Value, lower: bool) {
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

    fn network(tokenizer: &Value, lower: bool) -> Result<Tokenizer, UserError> {
        Tokenizer::of_network(tokenizer.to_string().as_bytes(), &settings(lower), 0)
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
    fn the_length_that_counts_is_said_everywhere() {
        let tokenizer = network(&bert(), true).unwrap();
        let whole = tokenizer.whole();
        assert_eq!(whole["truncation"]["max_length"], 256);
        assert_eq!(whole["padding"]["strategy"], "BatchLongest");
        assert_eq!(whole["normalizer"], bert()["normalizer"]);
        let own = br#"{"model_max_length": 512, "max_length": 128, "do_lower_case": true}"#;
        assert_eq!(
            tokenizer.settings(Some(own)).unwrap(),
            json!({"model_max_length": 256, "do_lower_case": true})
        );
        let made = tokenizer.settings(None).unwrap();
        assert_eq!(
            (&made["pad_token"], &made["model_max_length"]),
            (&"[PAD]".into(), &256.into())
        );
    }

    #[test]
    fn what_happens_before_the_tokenizer_becomes_a_part_of_it() {
        let mut unigram = bert();
        unigram["pre_tokenizer"]["type"] = "Metaspace".into();
        unigram["normalizer"] = json!({"type": "NFKC"});
        unigram["model"] = json!({"type": "Unigram", "vocab": [["<pad>", 0.0], ["a", -1.5]]});
        let tokenizer = network(&unigram, true).unwrap();
        let steps: Vec<&Value> = ["Strip", "Lowercase", "NFKC"]
            .iter()
            .enumerate()
            .map(|(step, _)| &tokenizer.whole["normalizer"]["normalizers"][step]["type"])
            .collect();
        assert_eq!(steps, ["Strip", "Lowercase", "NFKC"]);
        assert_eq!(tokenizer.special(), json!({"pad_token": "<pad>"}));
    }

    #[test]
    fn a_token_to_fill_up_with_must_be_there() {
        let mut none = bert();
        none["model"]["vocab"] = json!({"a": 1});
        assert!(network(&none, false).is_err());
        assert!(Tokenizer::of_table(none.to_string().as_bytes()).is_err());
        none["model"]["vocab"] = json!({"a": 0, "[UNK]": 1});
        let table = Tokenizer::of_table(none.to_string().as_bytes()).unwrap();
        assert_eq!((table.pad_id(), table.max_tokens), (1, None));
        assert_eq!(table.whole()["truncation"], Value::Null);
    }
}
