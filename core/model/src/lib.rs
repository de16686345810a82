//! Files of sentence-transformers models, read from a directory, a zip file or a Python wheel.
//!
//! [`ModelFiles`] finds the model and reads its files one by one. [`ModelSettings`] and [`BertConfig`] interpret the
//! configuration, and [`check_weights`] validates every number of the weights. [`StaticModel`] reads models with
//! static embeddings, [`quantized`] makes and reads models with quantized weights in one file.
//!
//! Only safetensors, JSON and vocabulary texts are read, which can't run code, and archives are never unpacked to a
//! path.

mod archive;
mod config;
mod error;
mod files;
pub mod quantized;
mod settings;
mod static_model;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;
mod weights;

pub use config::{Activation, BertConfig};
pub use error::ModelError;
pub use files::{ModelFiles, sha256_hex, to_hex};
pub use settings::{DenseSettings, ModelSettings, Pooling};
pub use static_model::{EMBEDDING_TENSOR, StaticModel, to_json as tokenizer_json};
pub use weights::{check_tensor, check_weights, expected_tensors, open as open_safetensors};

/// Parses one of the model's JSON files.
fn parse_json<T: serde::de::DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ModelError> {
    // serde_json limits the nesting depth.
    serde_json::from_slice(bytes).map_err(|error| ModelError::malformed(file, error))
}
