//! Small synthetic models for tests.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use crate::{BertConfig, config::CONFIG, expected_tensors, settings::MODULES, weights::WEIGHTS};
use nearsay_store::{MemStore, Store as _};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;
use std::{
    io::{Cursor, Write as _},
    path::Path,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const TOKENIZER: &str = "tokenizer.json";

/// The `config.json` of a tiny BERT model.
pub fn tiny_config() -> serde_json::Value {
    serde_json::json!({
        "model_type": "bert", "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 6, "max_position_embeddings": 16,
        "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
    })
}

/// Weights for a configuration as a safetensors file: value `i` of each tensor is 0.01·(i mod 7 − 3), in `f32`.
///
/// `change` may modify the bytes and the shape of a tensor, given its name without `prefix`.
pub fn synthetic_weights(
    config: &BertConfig,
    prefix: &str,
    mut change: impl FnMut(&str, &mut Vec<u8>, &mut Vec<usize>),
) -> Vec<u8> {
    let tensors: Vec<_> = expected_tensors(config)
        .into_iter()
        .map(|(name, mut shape)| {
            let size: usize = shape.iter().product();
            let mut data: Vec<u8> = (0..size)
                .flat_map(|i| (((i % 7) as f32 - 3.0) * 0.01).to_le_bytes())
                .collect();
            change(&name, &mut data, &mut shape);
            (format!("{prefix}{name}"), data, shape)
        })
        .collect();
    let views = tensors.iter().map(|(name, data, shape)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), data).unwrap();
        (name.clone(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// All files of a tiny model with this tokenizer.
pub fn tiny_model_files(tokenizer: &serde_json::Value) -> Vec<(String, Vec<u8>)> {
    let config = BertConfig::from_json(tiny_config().to_string().as_bytes()).unwrap();
    let modules = json!([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]);
    [
        (CONFIG, tiny_config().to_string().into_bytes()),
        (WEIGHTS, synthetic_weights(&config, "", |_, _, _| {})),
        (TOKENIZER, tokenizer.to_string().into_bytes()),
        (MODULES, modules.to_string().into_bytes()),
        (
            "1_Pooling/config.json",
            br#"{"pooling_mode_mean_tokens": true}"#.to_vec(),
        ),
        (
            "sentence_bert_config.json",
            br#"{"max_seq_length": 8}"#.to_vec(),
        ),
        ("vocab.txt", b"[PAD]".to_vec()),
        ("README.md", b"# a model".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into()
}

/// A store with these files in a directory.
pub fn folder(under: &str, files: &[(String, Vec<u8>)]) -> MemStore {
    let store = MemStore::new();
    for (name, bytes) in files {
        let path = Path::new(under).join(name);
        store.create_dir_all(path.parent().unwrap()).unwrap();
        store.write_atomic(&path, bytes).unwrap();
    }
    store
}

/// A store with an archive of these files, with `under` before each name.
pub fn archive(path: &str, under: &str, files: &[(String, Vec<u8>)]) -> MemStore {
    let named: Vec<(String, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (format!("{under}{name}"), &bytes[..]))
        .collect();
    let list: Vec<(&str, &[u8])> = named
        .iter()
        .map(|(name, bytes)| (&name[..], *bytes))
        .collect();
    folder("", &[(path.into(), zip_files(&list))])
}

/// Creates a zip file with these entries, compressed with Deflate.
pub fn zip_files(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
