//! Layer 6: the files of a sentence-transformers model, from a folder, a zip file or a Python wheel.
//!
//! [`ModelFiles`] finds the model in what it is given and reads its files one by one;
//! [`ModelSettings`] and [`BertConfig`] say what they mean; [`check_weights`] looks at every number
//! before it is used. [`StaticModel`] is a folder whose encoder is a table. Only safetensors, JSON and vocabulary texts are read, nothing that can run code,
//! and nothing from an archive is ever unpacked to a path.

mod archive;
mod config;
mod error;
mod files;
mod settings;
mod static_model;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;
mod weights;

pub use config::{Activation, BertConfig};
pub use error::ModelError;
pub use files::hex;
pub use files::{ModelFiles, sha256_hex};
pub use settings::{DenseSettings, ModelSettings, Pooling};
pub use static_model::StaticModel;
pub use static_model::{TABLE, to_json as tokenizer_json};
pub use weights::{check_tensor, check_weights, expected_tensors, open as open_safetensors};

/// Parses one of the model's JSON files, naming it when that fails.
fn json<T: serde::de::DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ModelError> {
    // serde_json limits the depth by itself.
    serde_json::from_slice(bytes).map_err(|error| ModelError::invalid(file, error))
}
