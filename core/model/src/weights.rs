//! Validation of weights: names, shapes, number format, finite values.
//!
//! The safetensors reader already ensures that tensors lie inside the file and don't overlap, and that no size
//! overflows. It accepts NaN and any shape, so this module checks them.

use super::{BertConfig, ModelError};
use safetensors::{Dtype, SafeTensors};

pub const WEIGHTS: &str = "model.safetensors";

/// Size limit of the header, which lists the tensors: about 300 kB for a BERT model with 128 layers.
const MAX_HEADER: u64 = 8 << 20;

/// Names and shapes of all tensors that a forward pass reads.
#[must_use]
pub fn expected_tensors(config: &BertConfig) -> Vec<(String, Vec<usize>)> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut list = Vec::new();
    let norm = |list: &mut Vec<_>, name: String| {
        list.push((format!("{name}.weight"), vec![hidden]));
        list.push((format!("{name}.bias"), vec![hidden]));
    };
    for (name, rows) in [
        ("word", config.vocab_size),
        ("position", config.max_positions),
        ("token_type", config.type_vocab_size),
    ] {
        list.push((
            format!("embeddings.{name}_embeddings.weight"),
            vec![rows, hidden],
        ));
    }
    norm(&mut list, "embeddings.LayerNorm".into());
    for layer in 0..config.layers {
        let layer = format!("encoder.layer.{layer}");
        for (name, out, inner) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", wide, hidden),
            ("output.dense", hidden, wide),
        ] {
            list.push((format!("{layer}.{name}.weight"), vec![out, inner]));
            list.push((format!("{layer}.{name}.bias"), vec![out]));
        }
        norm(&mut list, format!("{layer}.attention.output.LayerNorm"));
        norm(&mut list, format!("{layer}.output.LayerNorm"));
    }
    list
}

/// Validates the weights of a transformer. Additional tensors in the file are ignored.
///
/// Returns the prefix of the tensor names: empty or `bert.`.
///
/// # Errors
/// If the file is damaged, or if a tensor is missing, has the wrong shape or number format, or contains a value
/// that is not finite.
pub fn check_weights(bytes: &[u8], config: &BertConfig) -> Result<&'static str, ModelError> {
    let tensors = open(WEIGHTS, bytes)?;
    let prefix = if tensors
        .tensor("bert.embeddings.word_embeddings.weight")
        .is_ok()
    {
        "bert."
    } else {
        ""
    };
    for (name, shape) in expected_tensors(config) {
        check_tensor(WEIGHTS, &tensors, &format!("{prefix}{name}"), &shape)?;
    }
    Ok(prefix)
}

/// Parses the header of a safetensors file in memory.
///
/// # Errors
/// If the file is damaged or its header exceeds 8 MiB.
pub fn open<'a>(file: &str, bytes: &'a [u8]) -> Result<SafeTensors<'a>, ModelError> {
    let header = bytes
        .first_chunk::<8>()
        .map(|size| u64::from_le_bytes(*size));
    if header.is_none_or(|size| size > MAX_HEADER) {
        return Err(ModelError::invalid(file, "it is not a safetensors file"));
    }
    SafeTensors::deserialize(bytes).map_err(|error| ModelError::malformed(file, error))
}

/// Checks that a tensor exists, has this shape, and consists of finite floating-point numbers.
///
/// # Errors
/// If one of the checks fails.
pub fn check_tensor(
    file: &str,
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<(), ModelError> {
    let tensor = tensors
        .tensor(name)
        .map_err(|_| ModelError::invalid(file, format_args!("tensor {name} is missing")))?;
    if tensor.shape() != shape {
        return Err(ModelError::invalid(
            file,
            format_args!("{name} has shape {:?} instead of {shape:?}", tensor.shape()),
        ));
    }
    let data = tensor.data();
    // The exponent bits of NaN and the infinities are all ones.
    let halves_are_finite = |exponent: u16| {
        data.as_chunks::<2>()
            .0
            .iter()
            .all(|bytes| u16::from_le_bytes(*bytes) & exponent != exponent)
    };
    let finite = match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .all(|bytes| f32::from_le_bytes(*bytes).is_finite()),
        Dtype::F16 => halves_are_finite(0x7c00),
        Dtype::BF16 => halves_are_finite(0x7f80),
        other => {
            return Err(ModelError::invalid(
                file,
                format_args!("{name} has type {other:?}; supported are F32, F16 and BF16"),
            ));
        }
    };
    if finite {
        Ok(())
    } else {
        Err(ModelError::invalid(
            file,
            format_args!("{name} contains a value that is not finite"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::{synthetic_weights, tiny_config};
    use safetensors::tensor::TensorView;

    fn config() -> BertConfig {
        BertConfig::from_json(tiny_config().to_string().as_bytes()).unwrap()
    }

    #[test]
    fn check_weights_accepts_both_prefixes() {
        for prefix in ["", "bert."] {
            let bytes = synthetic_weights(&config(), prefix, |_, _, _| {});
            assert_eq!(check_weights(&bytes, &config()).unwrap(), prefix);
        }
    }

    #[test]
    fn check_weights_rejects_values_that_are_not_finite() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bytes = synthetic_weights(&config(), "", |name, data, _| {
                if name == "encoder.layer.0.output.dense.bias" {
                    data[4..8].copy_from_slice(&bad.to_le_bytes());
                }
            });
            let error = check_weights(&bytes, &config()).unwrap_err().to_string();
            assert!(error.contains("layer.0.output.dense.bias"), "{error}");
        }
    }

    #[test]
    fn check_weights_rejects_transposed_tensor() {
        let bytes = synthetic_weights(&config(), "", |name, _, shape| {
            if name == "embeddings.word_embeddings.weight" {
                shape.reverse();
            }
        });
        assert!(check_weights(&bytes, &config()).is_err());
    }

    #[test]
    fn check_tensor_rejects_integers_and_missing_tensors() {
        let ids = [0u8; 16];
        let view = TensorView::new(Dtype::I32, vec![4], &ids).unwrap();
        let bytes = safetensors::serialize([("a", view)], None).unwrap();
        let tensors = open(WEIGHTS, &bytes).unwrap();
        assert!(check_tensor(WEIGHTS, &tensors, "a", &[4]).is_err());
        assert!(check_tensor(WEIGHTS, &tensors, "b", &[4]).is_err());
    }

    #[test]
    fn check_weights_rejects_truncated_files() {
        let bytes = synthetic_weights(&config(), "", |_, _, _| {});
        for end in (0..bytes.len()).step_by(10) {
            assert!(check_weights(&bytes[..end], &config()).is_err(), "{end}");
        }
    }

    #[test]
    fn open_rejects_huge_headers_and_shapes() {
        let mut huge = vec![0xff; 64];
        assert!(open(WEIGHTS, &huge).is_err());
        huge[..8].copy_from_slice(&(u64::MAX >> 1).to_le_bytes());
        assert!(open(WEIGHTS, &huge).is_err());
        let header =
            br#"{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        // Even if the reader accepts the file, the shape doesn't match.
        if let Ok(tensors) = open(WEIGHTS, &bytes) {
            assert!(check_tensor(WEIGHTS, &tensors, "a", &[4, 4]).is_err());
        }
    }
}
