//! Weights are checked before they are used: names, shapes, number format, finite values.
//!
//! The safetensors reader already sees to it that every tensor lies inside the file and overlaps no
//! other, and that no size overflows. It accepts NaN and any shape, so those are looked at here.

use super::{BertConfig, ModelError};
use safetensors::{Dtype, SafeTensors};

/// The file the weights stand in.
pub const WEIGHTS: &str = "model.safetensors";

/// The header lists the tensors; that of a BERT network with 128 layers has about 300 kB.
const MAX_HEADER: u64 = 8 << 20;

/// Names and shapes of all the tensors a forward pass reads.
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

/// Checks the weights of a whole network; further tensors in the file are never read.
///
/// The result is the prefix its names carry: nothing, or `bert.`.
///
/// # Errors
/// When the file is damaged, or a tensor is missing, has another shape or number format than the
/// network needs, or holds a value that is not a finite number.
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

/// Opens a safetensors file that is already in memory.
///
/// # Errors
/// When the file is damaged or its header is larger than that of any model.
pub fn open<'a>(file: &str, bytes: &'a [u8]) -> Result<SafeTensors<'a>, ModelError> {
    let header = bytes
        .first_chunk::<8>()
        .map(|size| u64::from_le_bytes(*size));
    if header.is_none_or(|size| size > MAX_HEADER) {
        return Err(ModelError::invalid(file, "it is no safetensors file"));
    }
    SafeTensors::deserialize(bytes).map_err(|error| {
        ModelError::invalid(
            file,
            format_args!("the safetensors file is damaged ({error})"),
        )
    })
}

/// Checks one tensor: there, of this shape, of floating point numbers, all of them finite.
///
/// # Errors
/// When one of these does not hold.
pub fn check_tensor(
    file: &str,
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<(), ModelError> {
    let tensor = tensors
        .tensor(name)
        .map_err(|_| ModelError::invalid(file, format_args!("it has no tensor {name}")))?;
    if tensor.shape() != shape {
        return Err(ModelError::invalid(
            file,
            format_args!(
                "{name} has shape {:?}, but config.json asks for {shape:?}",
                tensor.shape()
            ),
        ));
    }
    let data = tensor.data();
    // The exponent of NaN and of the infinities is all ones.
    let halves = |mask: u16| {
        data.as_chunks::<2>()
            .0
            .iter()
            .all(|bytes| u16::from_le_bytes(*bytes) & mask != mask)
    };
    let finite = match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .all(|bytes| f32::from_le_bytes(*bytes).is_finite()),
        Dtype::F16 => halves(0x7c00),
        Dtype::BF16 => halves(0x7f80),
        other => {
            return Err(ModelError::invalid(
                file,
                format_args!("{name} is of {other:?}; F32, F16 and BF16 are read"),
            ));
        }
    };
    if finite {
        Ok(())
    } else {
        Err(ModelError::invalid(
            file,
            format_args!("{name} holds a value that is not a finite number"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::{made_up, tiny};
    use safetensors::tensor::TensorView;

    fn config() -> BertConfig {
        BertConfig::from_json(tiny().to_string().as_bytes()).unwrap()
    }

    #[test]
    fn whole_weights_pass_with_either_prefix() {
        for prefix in ["", "bert."] {
            let bytes = made_up(&config(), prefix, |_, _, _| {});
            assert_eq!(check_weights(&bytes, &config()).unwrap(), prefix);
        }
    }

    #[test]
    fn not_a_number_and_infinity_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bytes = made_up(&config(), "", |name, data, _| {
                if name == "encoder.layer.0.output.dense.bias" {
                    data[4..8].copy_from_slice(&bad.to_le_bytes());
                }
            });
            let error = check_weights(&bytes, &config()).unwrap_err().to_string();
            assert!(error.contains("layer.0.output.dense.bias"), "{error}");
        }
    }

    #[test]
    fn another_shape_of_the_same_size_is_refused() {
        let bytes = made_up(&config(), "", |name, _, shape| {
            if name == "embeddings.word_embeddings.weight" {
                shape.reverse();
            }
        });
        assert!(check_weights(&bytes, &config()).is_err());
    }

    #[test]
    fn integers_and_missing_tensors_are_refused() {
        let ids = [0u8; 16];
        let view = TensorView::new(Dtype::I32, vec![4], &ids).unwrap();
        let bytes = safetensors::serialize([("a", view)], None).unwrap();
        let tensors = open(WEIGHTS, &bytes).unwrap();
        assert!(check_tensor(WEIGHTS, &tensors, "a", &[4]).is_err());
        assert!(check_tensor(WEIGHTS, &tensors, "b", &[4]).is_err());
    }

    #[test]
    fn cut_at_every_tenth_byte_it_is_refused() {
        let bytes = made_up(&config(), "", |_, _, _| {});
        for end in (0..bytes.len()).step_by(10) {
            assert!(check_weights(&bytes[..end], &config()).is_err(), "{end}");
        }
    }

    #[test]
    fn huge_headers_and_shapes_are_refused() {
        let mut huge = vec![0xff; 64];
        assert!(open(WEIGHTS, &huge).is_err());
        huge[..8].copy_from_slice(&(u64::MAX >> 1).to_le_bytes());
        assert!(open(WEIGHTS, &huge).is_err());
        let header =
            br#"{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        // The reader may take it; the check of the shape does not.
        if let Ok(tensors) = open(WEIGHTS, &bytes) {
            assert!(check_tensor(WEIGHTS, &tensors, "a", &[4, 4]).is_err());
        }
    }
}
