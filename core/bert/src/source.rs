//! Weights of a transformer for inference, from a safetensors file or a quantized model.

use super::linear::{Linear, Precision};
use candle_core::{Error, Result, Shape};
use candle_nn::VarBuilder;
use nearsay_model::quantized::{QuantizedModel, QuantizedTensor};
use std::sync::Arc;

/// Name of the token embeddings, `[vocab, hidden]`.
const TOKENS: &str = "embeddings.word_embeddings.weight";

/// Source of validated weights.
pub(super) enum WeightSource<'a> {
    /// Tensors in floating point.
    Tensors(&'a VarBuilder<'a>),
    /// Tensors of at most eight bits a number, which are not dequantized.
    Quantized(&'a Arc<QuantizedModel>),
}

/// Reads a tensor of a quantized model.
fn find<'a>(model: &'a QuantizedModel, name: &str) -> Result<QuantizedTensor<'a>> {
    model.tensor(name).ok_or_else(|| {
        Error::CannotFindTensor {
            path: name.to_owned(),
        }
        .bt()
    })
}

impl WeightSource<'_> {
    /// Numbers of a tensor, row-major.
    pub(super) fn numbers<S: Into<Shape>>(&self, name: &str, shape: S) -> Result<Vec<f32>> {
        match self {
            Self::Tensors(builder) => read_tensor(builder, shape, name),
            Self::Quantized(model) => Ok(find(model, name)?.to_f32()),
        }
    }

    /// A linear layer that computes the layers of these names, each `[out, inner]`, side by side.
    ///
    /// Eight-bit weights stay integers in every precision.
    pub(super) fn linear(
        &self,
        names: &[String],
        (out, inner): (usize, usize),
        precision: Precision,
    ) -> Result<Linear> {
        let names: Vec<_> = names.iter().map(|name| format!("{name}.weight")).collect();
        if let Self::Quantized(model) = self {
            let parts: Result<Option<Vec<_>>> = names
                .iter()
                .map(|name| Ok(find(model, name)?.int8()))
                .collect();
            if let Some(parts) = parts? {
                return Ok(Linear::from_int8(&parts, inner));
            }
        }
        let mut weights = Vec::with_capacity(names.len() * out * inner);
        for name in &names {
            weights.extend(self.numbers(name, (out, inner))?);
        }
        Ok(Linear::new(weights, inner, precision))
    }

    /// The token embeddings.
    pub(super) fn token_embeddings(&self, vocab: usize, hidden: usize) -> Result<TokenEmbeddings> {
        Ok(match self {
            Self::Tensors(_) => TokenEmbeddings::Full(self.numbers(TOKENS, (vocab, hidden))?),
            Self::Quantized(model) => TokenEmbeddings::Quantized(Arc::clone(model)),
        })
    }
}

/// Token embeddings, `[vocab, hidden]`.
pub(super) enum TokenEmbeddings {
    /// Single precision.
    Full(Vec<f32>),
    /// Read from the quantized model, token by token.
    Quantized(Arc<QuantizedModel>),
}

impl TokenEmbeddings {
    /// Appends the embeddings of tokens, each `hidden` numbers, to `out`.
    pub(super) fn append_rows(&self, ids: &[u32], hidden: usize, out: &mut Vec<f32>) {
        match self {
            Self::Full(table) => {
                for &id in ids {
                    let start = id as usize * hidden;
                    out.extend_from_slice(&table[start..start + hidden]);
                }
            }
            Self::Quantized(model) => {
                let Some(table) = model.tensor(TOKENS) else {
                    unreachable!("the parser has checked that the model has token embeddings")
                };
                let start = out.len();
                out.resize(start + ids.len() * hidden, 0.0);
                for (&id, row) in ids.iter().zip(out[start..].chunks_exact_mut(hidden)) {
                    table.read_row(id as usize, row);
                }
            }
        }
    }
}

/// Reads the numbers of a tensor of this shape, row-major.
pub(super) fn read_tensor<S: Into<candle_core::Shape>>(
    builder: &VarBuilder<'_>,
    shape: S,
    name: &str,
) -> Result<Vec<f32>> {
    builder.get(shape, name)?.flatten_all()?.to_vec1()
}
