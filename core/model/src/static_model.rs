//! Models with static embeddings, the `StaticEmbedding` module of sentence-transformers.

use super::{
    DenseSettings, ModelError, check_tensor,
    config::TOKENIZER,
    files::{MAX_OTHER, MAX_WEIGHTS, is_absent, to_hex},
    open_safetensors, parse_json,
    settings::{MODULES, static_modules},
    weights::WEIGHTS,
};
use nearsay_core::matrix::Matrix;
use nearsay_store::Store;
use nearsay_text::{
    compact::{StaticEmbeddings, StaticEncoder},
    wordpiece::{Vocabulary, WordPiece},
};
use safetensors::Dtype;
use serde_json::{Map, Value, json as value};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, path::Path};

/// Name of the embedding tensor, `[tokens, dim]`.
pub const EMBEDDING_TENSOR: &str = "embedding.weight";

/// A model with static embeddings.
pub struct StaticModel {
    /// Tokenizer and embeddings.
    pub encoder: StaticEncoder<'static>,
    /// Linear layers after the embeddings, in order.
    pub dense: Vec<DenseSettings>,
    /// Whether the model ends by scaling its vectors to length 1.
    pub normalize: bool,
    /// SHA-256 over tokenizer and embeddings, which determine the vector of a text before the linear layers; in
    /// hexadecimal.
    pub fingerprint: String,
}

impl StaticModel {
    /// Reads a model directory; `None` if it contains no model or a model of another kind.
    ///
    /// The tokenizer must be that of uncased BERT, the only one that [`WordPiece`] implements.
    ///
    /// # Errors
    /// If it is a static model that is damaged or has unsupported parts.
    pub fn open(store: &dyn Store, dir: &Path) -> Result<Option<Self>, ModelError> {
        let read = |name: &str, limit: u64| -> Result<Option<Vec<u8>>, ModelError> {
            match store.read(&dir.join(name), limit) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if is_absent(error.kind) => Ok(None),
                Err(error) => Err(error.into()),
            }
        };
        let read_required = |name: &str, limit: u64| -> Result<Vec<u8>, ModelError> {
            read(name, limit)?.ok_or_else(|| ModelError::Missing { file: name.into() })
        };
        let Some(modules) = read(MODULES, MAX_OTHER)? else {
            return Ok(None);
        };
        let read_config = &mut |name: &str| read_required(name, MAX_OTHER);
        let Some(modules) = static_modules(&modules, read_config)? else {
            return Ok(None);
        };
        let file = format!("{}{TOKENIZER}", modules.folder);
        let tokenizer = read_required(&file, MAX_OTHER)?;
        let vocabulary = parse_vocabulary(&file, &tokenizer)?;
        let name = format!("{}{WEIGHTS}", modules.folder);
        let weights = read_required(&name, MAX_WEIGHTS)?;
        let embeddings = parse_embeddings(&name, &weights, vocabulary.len())?;
        let mut hash = Sha256::new();
        for bytes in [&tokenizer, &weights] {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let encoder = StaticEncoder::new(
            WordPiece::new(vocabulary),
            StaticEmbeddings::Full(embeddings),
        )
        .map_err(|error| ModelError::invalid(&name, error))?;
        Ok(Some(Self {
            encoder,
            dense: modules.dense,
            normalize: modules.normalize,
            fingerprint: to_hex(&hash.finalize()),
        }))
    }
}

/// Reads and validates the embeddings, `[tokens, dim]`.
fn parse_embeddings(file: &str, bytes: &[u8], tokens: usize) -> Result<Matrix, ModelError> {
    let tensors = open_safetensors(file, bytes)?;
    // The name that Model2Vec uses.
    let name = match tensors.tensor("embeddings") {
        Ok(_) => "embeddings",
        Err(_) => EMBEDDING_TENSOR,
    };
    let dim = match tensors.tensor(name).map(|tensor| tensor.shape().to_vec()) {
        Ok(shape) if shape.len() == 2 && (1..=65_536).contains(&shape[1]) => shape[1],
        _ => {
            return Err(ModelError::invalid(
                file,
                format_args!("it has no matrix {EMBEDDING_TENSOR}"),
            ));
        }
    };
    check_tensor(file, &tensors, name, &[tokens, dim])?;
    let tensor = tensors
        .tensor(name)
        .map_err(|error| ModelError::invalid(file, error))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(ModelError::unsupported(
            file,
            format_args!(
                "embeddings of type {:?}; only F32 is supported",
                tensor.dtype()
            ),
        ));
    }
    Matrix::from_le_bytes(tokens, dim, tensor.data())
        .map_err(|error| ModelError::invalid(file, error))
}

/// Reads the vocabulary of a tokenizer that is equivalent to [`WordPiece`].
fn parse_vocabulary(file: &str, bytes: &[u8]) -> Result<Vocabulary, ModelError> {
    let tokenizer: Value = parse_json(file, bytes)?;
    let tokens: Option<BTreeMap<u64, &str>> = tokenizer
        .pointer("/model/vocab")
        .and_then(Value::as_object)
        .and_then(|vocabulary| {
            vocabulary
                .iter()
                .map(|(token, id)| Some((id.as_u64()?, token.as_str())))
                .collect()
        });
    let Some(tokens) = tokens else {
        return Err(ModelError::invalid(file, "it has no vocabulary"));
    };
    let supported = to_json(tokens.values().copied());
    for part in ["normalizer", "pre_tokenizer", "truncation"] {
        if !is_equivalent(&tokenizer[part], &supported[part]) {
            return Err(ModelError::unsupported(
                file,
                format_args!(
                    "{part} {}; a static model needs that of uncased BERT, {}",
                    tokenizer[part], supported[part]
                ),
            ));
        }
    }
    for (key, expected) in [
        ("type", "WordPiece"),
        ("unk_token", "[UNK]"),
        ("continuing_subword_prefix", "##"),
    ] {
        if tokenizer["model"][key] != expected {
            return Err(ModelError::unsupported(
                file,
                format_args!("{key} must be {expected}"),
            ));
        }
    }
    if tokens.keys().copied().ne(0..tokens.len() as u64) {
        return Err(ModelError::invalid(
            file,
            "the token ids must be consecutive, starting at 0",
        ));
    }
    let lines: Vec<&str> = tokens.into_values().collect();
    if lines.iter().any(|token| token.contains(['\n', '\r'])) {
        return Err(ModelError::invalid(file, "a token contains a line break"));
    }
    Vocabulary::parse(&lines.join("\n")).map_err(|error| ModelError::invalid(file, error))
}

/// Whether a part of a tokenizer has the expected settings. `strip_accents` may be `true` instead of `null`, which
/// means the value of `lowercase`.
fn is_equivalent(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(key, expected)| {
                let found = found.get(key).unwrap_or(&Value::Null);
                found == expected || (key == "strip_accents" && found == &Value::Bool(true))
            })
        }
        (found, expected) => found == expected,
    }
}

/// Creates the `tokenizer.json` of a [`WordPiece`] tokenizer with these tokens, in order of their ids, without
/// truncation or padding.
pub fn to_json<'a>(tokens: impl Iterator<Item = &'a str>) -> Value {
    let mut vocabulary = Map::new();
    let mut special = Vec::new();
    for (id, token) in tokens.enumerate() {
        if ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].contains(&token) {
            special.push(value!({
                "id": id, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            }));
        }
        vocabulary.insert(token.into(), id.into());
    }
    value!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": null,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::folder;
    use nearsay_store::MemStore;
    use safetensors::tensor::TensorView;

    const TOKENS: [&str; 6] = ["[PAD]", "[UNK]", "a", "b", "##b", "?"];

    fn weights(name: &str, rows: usize, value: f32) -> Vec<u8> {
        let bytes = value.to_le_bytes().repeat(rows * 2);
        let view = TensorView::new(Dtype::F32, vec![rows, 2], &bytes).unwrap();
        safetensors::serialize([(name, view)], None).unwrap()
    }

    fn modules(kinds: &[(&str, &str)]) -> Vec<u8> {
        let list: Vec<Value> = kinds
            .iter()
            .map(|(kind, path)| {
                value!({"path": path, "type": format!("sentence_transformers.models.{kind}")})
            })
            .collect();
        Value::Array(list).to_string().into_bytes()
    }

    fn files(tokenizer: &Value, weights: Vec<u8>) -> Vec<(String, Vec<u8>)> {
        let list = [("StaticEmbedding", ""), ("Normalize", "1_Normalize")];
        vec![
            (MODULES.into(), modules(&list)),
            (TOKENIZER.into(), tokenizer.to_string().into_bytes()),
            (WEIGHTS.into(), weights),
        ]
    }

    fn open(files: &[(String, Vec<u8>)]) -> Result<Option<StaticModel>, ModelError> {
        StaticModel::open(&folder("m", files), Path::new("m"))
    }

    #[test]
    fn open_reads_written_tokenizer_and_both_layouts() {
        let tokenizer = to_json(TOKENS.into_iter());
        let model = open(&files(&tokenizer, weights(EMBEDDING_TENSOR, 6, 0.5)));
        let model = model.unwrap().unwrap();
        assert!(model.normalize && model.dense.is_empty());
        assert_eq!(model.encoder.tokenizer().ids("AB?"), [2, 4, 5]);
        assert_eq!(model.encoder.encode_all(&["a b"]).data(), [0.5, 0.5]);
        // The tensor name of Model2Vec, and a subdirectory.
        let moved: Vec<_> = [
            (
                MODULES,
                modules(&[("StaticEmbedding", "0_StaticEmbedding")]),
            ),
            (
                "0_StaticEmbedding/tokenizer.json",
                tokenizer.to_string().into_bytes(),
            ),
            (
                "0_StaticEmbedding/model.safetensors",
                weights("embeddings", 6, 0.5),
            ),
        ]
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .into();
        let moved = open(&moved).unwrap().unwrap();
        assert!(!moved.normalize);
        assert_ne!(moved.fingerprint, model.fingerprint);
    }

    #[test]
    fn open_ignores_other_models() {
        let store = MemStore::new();
        let none = StaticModel::open(&store, Path::new("m")).unwrap();
        assert!(none.is_none());
        let transformer = [(MODULES.to_owned(), modules(&[("Transformer", "")]))];
        assert!(open(&transformer).unwrap().is_none());
    }

    #[test]
    fn open_rejects_damaged_and_unsupported_parts_by_name() {
        let good = to_json(TOKENS.into_iter());
        let with = |pointer: &str, other: Value| {
            let mut tokenizer = good.clone();
            *tokenizer.pointer_mut(pointer).unwrap() = other;
            tokenizer
        };
        let tokenizers = [
            with("/normalizer/lowercase", false.into()),
            with("/normalizer", value!({"type": "NFC"})),
            with("/pre_tokenizer", value!({"type": "Whitespace"})),
            with("/model/type", "BPE".into()),
            with("/model/continuing_subword_prefix", "@@".into()),
            with("/model/vocab/a", 17.into()),
            with("/model/vocab", value!({"a": "x"})),
            with("/model/vocab", value!({"[UNK]": 0, "a\nb": 1})),
            with("/truncation", value!({"max_length": 3})),
            value!([]),
        ];
        for tokenizer in &tokenizers {
            let error = open(&files(tokenizer, weights(EMBEDDING_TENSOR, 6, 0.5)))
                .err()
                .unwrap();
            assert!(
                error.to_string().contains(TOKENIZER),
                "{tokenizer}: {error}"
            );
        }
        for weights in [
            weights(EMBEDDING_TENSOR, 6, f32::NAN),
            weights(EMBEDDING_TENSOR, 5, 0.5),
            weights("other", 6, 0.5),
            b"rubbish".to_vec(),
        ] {
            let error = open(&files(&good, weights)).err().unwrap();
            assert!(error.to_string().contains(WEIGHTS), "{error}");
        }
        for missing in [TOKENIZER, WEIGHTS] {
            let mut files = files(&good, weights(EMBEDDING_TENSOR, 6, 0.5));
            files.retain(|(name, _)| name != missing);
            let error = open(&files).err().unwrap();
            assert!(matches!(error, ModelError::Missing { .. }), "{error}");
        }
        for kinds in [
            &[("StaticEmbedding", ""), ("Pooling", "1_Pooling")][..],
            &[("StaticEmbedding", "../x")],
        ] {
            let mut files = files(&good, weights(EMBEDDING_TENSOR, 6, 0.5));
            files[0].1 = modules(kinds);
            assert!(open(&files).is_err());
        }
    }
}
