//! Quantizing the weights of a model.

use super::tensor::{BLOCK, BLOCK_BYTES, Format};
use super::{FileEntry, HASHED, Header, MAGIC, QuantizedModel, TensorEntry, VERSION};
use crate::config::{CONFIG, TOKENIZER};
use crate::settings::MODULES;
use crate::weights::WEIGHTS;
use crate::{ModelError, ModelFiles, expected_tensors, open_safetensors};
use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Files beside the weights; those that exist are copied.
const FILES: [&str; 9] = [
    CONFIG,
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    MODULES,
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
];

/// Candidates for the scale of a block of four bits: fortieths of the scale that represents its largest number exactly.
const SCALES: std::ops::RangeInclusive<u8> = 30..=42;

/// Makes a file with quantized weights from a model: four bits for the token embeddings, eight bits for the other
/// matrices of the layers, and single precision for the rest. Equal models give equal bytes.
///
/// # Errors
/// If the model can't be read, or if it has dense layers or its settings in other files than sentence-transformers
/// writes for a base encoder.
pub fn quantize(files: &ModelFiles<'_>) -> Result<Vec<u8>, ModelError> {
    let config = files.config()?;
    let settings = files.settings()?;
    let (weights, prefix) = files.weights()?;
    let tensors = open_safetensors(WEIGHTS, &weights)?;
    let mut header = Header {
        files: Vec::new(),
        tensors: Vec::new(),
    };
    let mut payload = Vec::new();
    for name in FILES {
        if let Some(bytes) = files.read(name)? {
            header.files.push(FileEntry {
                name: name.to_owned(),
                len: bytes.len(),
            });
            payload.extend(bytes);
        }
    }
    for (name, shape) in expected_tensors(&config) {
        let tensor = tensors
            .tensor(&format!("{prefix}{name}"))
            .map_err(|error| ModelError::malformed(WEIGHTS, error))?;
        let format = choose_format(&name, &shape);
        let columns = shape.last().copied().unwrap_or(1).max(1);
        write_tensor(format, &to_f32(&tensor), columns, &mut payload);
        header.tensors.push(TensorEntry {
            name,
            format,
            shape,
        });
    }
    let header =
        serde_json::to_vec(&header).map_err(|error| ModelError::malformed(super::FILE, error))?;
    let bytes = assemble(&header, &payload);
    let model = Arc::new(QuantizedModel::parse(bytes.clone())?);
    if !settings.dense.is_empty() || ModelFiles::of_quantized(model).settings()? != settings {
        return Err(ModelError::unsupported(
            MODULES,
            "only base encoders with pooling in 1_Pooling can be quantized",
        ));
    }
    Ok(bytes)
}

/// Puts hash, version and header before the payload.
pub(super) fn assemble(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.resize(HASHED, 0);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header);
    bytes.extend(payload);
    let hash = Sha256::digest(&bytes[HASHED..]);
    bytes[MAGIC.len()..HASHED].copy_from_slice(&hash);
    bytes
}

/// Format of a tensor.
fn choose_format(name: &str, shape: &[usize]) -> Format {
    let is_matrix = shape.len() == 2;
    if is_matrix && name.contains("word_embeddings") && shape[1].is_multiple_of(BLOCK) {
        Format::Int4
    } else if is_matrix && name.starts_with("encoder.") {
        Format::Int8
    } else {
        Format::F32
    }
}

/// Numbers of a validated tensor.
fn to_f32(tensor: &TensorView<'_>) -> Vec<f32> {
    let halves = tensor.data().as_chunks::<2>().0.iter();
    match tensor.dtype() {
        Dtype::F16 => halves
            .map(|half| f16::from_le_bytes(*half).to_f32())
            .collect(),
        Dtype::BF16 => halves
            .map(|half| bf16::from_le_bytes(*half).to_f32())
            .collect(),
        _ => {
            let numbers = tensor.data().as_chunks::<4>().0.iter();
            numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
    }
}

pub(super) fn write_tensor(format: Format, numbers: &[f32], columns: usize, out: &mut Vec<u8>) {
    match format {
        Format::F32 => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
        Format::Int8 => {
            let rows = numbers.chunks_exact(columns);
            let scales: Vec<f32> = rows.clone().map(row_scale).collect();
            out.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
            for (row, scale) in rows.zip(scales) {
                out.extend(row.iter().map(|x| quantize_int8(*x, scale)));
            }
        }
        Format::Int4 => {
            for block in numbers.as_chunks::<BLOCK>().0 {
                out.extend(quantize_block(block));
            }
        }
    }
}

/// Scale with which the largest number of a row becomes ±127.
#[must_use]
pub fn row_scale(row: &[f32]) -> f32 {
    let largest = row.iter().fold(0f32, |max, x| max.max(x.abs()));
    if largest > 0.0 { largest / 127.0 } else { 1.0 }
}

/// The signed byte nearest to `x / scale`.
#[must_use]
pub fn quantize_int8(x: f32, scale: f32) -> u8 {
    ((x / scale).round() as i8).cast_unsigned()
}

/// Quantizes a block with the scale that has the smallest squared error among [`SCALES`].
///
/// The integers reach from −8 to 7, so the number of largest magnitude becomes −8 and the scale has its opposite sign.
fn quantize_block(block: &[f32; BLOCK]) -> [u8; BLOCK_BYTES] {
    let largest = block
        .iter()
        .fold(0f32, |max, x| if x.abs() > max.abs() { *x } else { max });
    let mut best = (f32::INFINITY, [0; BLOCK_BYTES]);
    for fortieths in SCALES {
        let scale = f16::from_f32(largest * f32::from(fortieths) / (-8.0 * 40.0));
        let mut bytes = [0; BLOCK_BYTES];
        bytes[..2].copy_from_slice(&scale.to_le_bytes());
        let scale = scale.to_f32();
        let mut error = 0.0;
        for (place, x) in block.iter().enumerate() {
            let code = if scale == 0.0 {
                0.0
            } else {
                (x / scale).round().clamp(-8.0, 7.0)
            };
            error += (code * scale - x) * (code * scale - x);
            let half = (code + 8.0) as u8;
            bytes[2 + place % (BLOCK / 2)] |= half << (4 * (place / (BLOCK / 2)));
        }
        if error < best.0 {
            best = (error, bytes);
        }
    }
    best.1
}
