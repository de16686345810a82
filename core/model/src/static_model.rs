//! Models whose encoder is a table: sentence-transformers' `StaticEmbedding`.

use super::{
    DenseSettings, ModelError, check_tensor,
    files::hex,
    json, open_safetensors,
    settings::{MODULES, static_modules},
};
use nearsay_core::matrix::Matrix;
use nearsay_store::{ErrorKind, Store};
use nearsay_text::{
    compact::{StaticEmbeddings, StaticEncoder},
    wordpiece::{Vocabulary, WordPiece},
};
use safetensors::Dtype;
use serde_json::{Map, Value, json as value};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, path::Path};

const WEIGHTS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";

/// The tensor of the table, `[tokens, dim]`.
pub const TABLE: &str = "embedding.weight";

/// What the table may take, and every other file.
const MAX_WEIGHTS: u64 = 2_000_000_000;
const MAX_OTHER: u64 = 64_000_000;

/// A static model in a folder.
pub struct StaticModel {
    /// Tokenizer and table.
    pub encoder: StaticEncoder<'static>,
    /// Linear layers behind it, in order.
    pub dense: Vec<DenseSettings>,
    /// Whether the vectors are scaled to length 1 at the end.
    pub normalize: bool,
    /// SHA-256 over table and tokenizer: a name for what decides a text's vector before the layers.
    pub fingerprint: String,
}

impl StaticModel {
    /// Reads a folder; nothing when it holds a model of another kind, or none.
    ///
    /// The tokenizer must be an uncased BERT one, since only [`WordPiece`] is there to do its work.
    ///
    /// # Errors
    /// When it is a static model, but damaged or with parts that are not supported.
    pub fn open(store: &dyn Store, dir: &Path) -> Result<Option<Self>, ModelError> {
        let read = |name: &str, limit: u64| -> Result<Option<Vec<u8>>, ModelError> {
            match store.read(&dir.join(name), limit) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) => match error.kind {
                    ErrorKind::NotFound | ErrorKind::NotAFolder => Ok(None),
                    _ => Err(ModelError::Store {
                        path: dir.join(name),
                        reason: error.to_string(),
                    }),
                },
            }
        };
        let need = |name: &str, limit: u64| -> Result<Vec<u8>, ModelError> {
            read(name, limit)?.ok_or_else(|| ModelError::Missing { file: name.into() })
        };
        let Some(modules) = read(MODULES, MAX_OTHER)? else {
            return Ok(None);
        };
        let found = static_modules(&modules, &mut |name| need(name, MAX_OTHER))?;
        let Some(modules) = found else {
            return Ok(None);
        };
        let file = format!("{}{TOKENIZER}", modules.folder);
        let tokenizer = need(&file, MAX_OTHER)?;
        let vocabulary = vocabulary(&file, &tokenizer)?;
        let name = format!("{}{WEIGHTS}", modules.folder);
        let weights = need(&name, MAX_WEIGHTS)?;
        let table = table(&name, &weights, vocabulary.len())?;
        let mut hash = Sha256::new();
        for bytes in [&tokenizer, &weights] {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let encoder = StaticEncoder::new(WordPiece::new(vocabulary), StaticEmbeddings::Full(table))
            .map_err(|error| ModelError::invalid(&name, error))?;
        Ok(Some(Self {
            encoder,
            dense: modules.dense,
            normalize: modules.normalize,
            fingerprint: hex(&hash.finalize()),
        }))
    }
}

/// The table, checked number by number.
fn table(file: &str, bytes: &[u8], tokens: usize) -> Result<Matrix, ModelError> {
    let tensors = open_safetensors(file, bytes)?;
    // Model2vec's own name for it.
    let name = match tensors.tensor("embeddings") {
        Ok(_) => "embeddings",
        Err(_) => TABLE,
    };
    let dim = match tensors.tensor(name).map(|tensor| tensor.shape().to_vec()) {
        Ok(shape) if shape.len() == 2 && (1..=65_536).contains(&shape[1]) => shape[1],
        _ => {
            return Err(ModelError::invalid(
                file,
                format_args!("it has no table {TABLE}"),
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
            format_args!("a table of {:?}; F32 is read", tensor.dtype()),
        ));
    }
    Matrix::from_le_bytes(tokens, dim, tensor.data())
        .map_err(|error| ModelError::invalid(file, error))
}

/// The vocabulary of a tokenizer that does what [`WordPiece`] does.
fn vocabulary(file: &str, bytes: &[u8]) -> Result<Vocabulary, ModelError> {
    let tokenizer: Value = json(file, bytes)?;
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
    let known = to_json(tokens.values().copied());
    for part in ["normalizer", "pre_tokenizer", "truncation"] {
        if !same(&tokenizer[part], &known[part]) {
            return Err(ModelError::unsupported(
                file,
                format_args!(
                    "the {part} {}; a static model needs the one of uncased BERT, {}",
                    tokenizer[part], known[part]
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
                format_args!("a model whose {key} is not {expected}"),
            ));
        }
    }
    if tokens.keys().copied().ne(0..tokens.len() as u64) {
        return Err(ModelError::invalid(
            file,
            "its ids do not run from 0 without gaps",
        ));
    }
    let lines: Vec<&str> = tokens.into_values().collect();
    if lines.iter().any(|token| token.contains(['\n', '\r'])) {
        return Err(ModelError::invalid(file, "a token has a line break in it"));
    }
    Vocabulary::parse(&lines.join("\n")).map_err(|error| ModelError::invalid(file, error))
}

/// Whether what is there says nothing else than what is asked for; a missing `strip_accents` means
/// that it goes with lower case.
fn same(found: &Value, asked: &Value) -> bool {
    match (found, asked) {
        (Value::Object(found), Value::Object(asked)) => asked.iter().all(|(key, asked)| {
            let found = found.get(key).unwrap_or(&Value::Null);
            found == asked || (key == "strip_accents" && found == &Value::Bool(true))
        }),
        (found, asked) => found == asked,
    }
}

/// The `tokenizer.json` of a [`WordPiece`] with these tokens, in order of ids: nothing is cut and
/// nothing filled up.
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
    fn reads_what_is_written() {
        let tokenizer = to_json(TOKENS.into_iter());
        let model = open(&files(&tokenizer, weights(TABLE, 6, 0.5)));
        let model = model.unwrap().unwrap();
        assert!(model.normalize && model.dense.is_empty());
        assert_eq!(model.encoder.tokenizer().ids("AB?"), [2, 4, 5]);
        assert_eq!(model.encoder.encode_all(&["a b"]).data(), [0.5, 0.5]);
        // Model2vec's name of the table, and a folder of its own.
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
    fn other_folders_are_not_static_models() {
        let store = MemStore::new();
        let none = StaticModel::open(&store, Path::new("m")).unwrap();
        assert!(none.is_none());
        let network = [(MODULES.to_owned(), modules(&[("Transformer", "")]))];
        assert!(open(&network).unwrap().is_none());
    }

    #[test]
    fn damaged_or_foreign_parts_are_refused_by_name() {
        let good = to_json(TOKENS.into_iter());
        let with = |at: &str, other: Value| {
            let mut tokenizer = good.clone();
            *tokenizer.pointer_mut(at).unwrap() = other;
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
            let error = open(&files(tokenizer, weights(TABLE, 6, 0.5)))
                .err()
                .unwrap();
            assert!(
                error.to_string().contains(TOKENIZER),
                "{tokenizer}: {error}"
            );
        }
        for weights in [
            weights(TABLE, 6, f32::NAN),
            weights(TABLE, 5, 0.5),
            weights("other", 6, 0.5),
            b"rubbish".to_vec(),
        ] {
            let error = open(&files(&good, weights)).err().unwrap();
            assert!(error.to_string().contains(WEIGHTS), "{error}");
        }
        for missing in [TOKENIZER, WEIGHTS] {
            let mut files = files(&good, weights(TABLE, 6, 0.5));
            files.retain(|(name, _)| name != missing);
            let error = open(&files).err().unwrap();
            assert!(matches!(error, ModelError::Missing { .. }), "{error}");
        }
        for kinds in [
            &[("StaticEmbedding", ""), ("Pooling", "1_Pooling")][..],
            &[("StaticEmbedding", "../x")],
        ] {
            let mut files = files(&good, weights(TABLE, 6, 0.5));
            files[0].1 = modules(kinds);
            assert!(open(&files).is_err());
        }
    }
}
