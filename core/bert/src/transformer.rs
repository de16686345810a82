//! A transformer with one of two implementations.

use super::EncodeError;
use super::linear::Precision;
use super::padded::Padded;
use super::ragged::{self, Buffers, Ragged};
use super::source::WeightSource;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use nearsay_model::{BertConfig, ModelFiles, Pooling};

/// A BERT transformer with pooling.
pub(super) enum Transformer {
    /// Without padding, on the CPU, with the precision of its linear layers.
    Ragged(Ragged, Precision),
    /// By candle-transformers, on other devices and for shapes that the kernels don't support.
    Padded(Box<Padded>),
}

impl Transformer {
    /// Loads and validates weights. Quantized weights are not dequantized on the CPU.
    pub(super) fn load(
        config: &BertConfig,
        files: &ModelFiles<'_>,
        pooling: Pooling,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, EncodeError> {
        let is_ragged = device.is_cpu() && ragged::fits(config);
        if is_ragged && let Some(model) = files.quantized() {
            let source = WeightSource::Quantized(model);
            let transformer = Ragged::load(config, &source, pooling, precision)?;
            return Ok(Self::Ragged(transformer, Precision::Fast));
        }
        let (weights, prefix) = files.weights()?;
        let mut builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, device)?;
        if let Some(prefix) = prefix.strip_suffix('.') {
            builder = builder.pp(prefix);
        }
        Ok(if is_ragged {
            let source = WeightSource::Tensors(&builder);
            let transformer = Ragged::load(config, &source, pooling, precision)?;
            Self::Ragged(transformer, precision.on_cpu())
        } else {
            Self::Padded(Box::new(Padded::load(config, builder, pooling)?))
        })
    }

    /// Precision of the computation.
    pub(super) fn precision(&self) -> Precision {
        match self {
            Self::Ragged(_, precision) => *precision,
            Self::Padded(_) => Precision::F32,
        }
    }

    /// Encodes token ids: `n` lists, none empty → pooled vectors, `[n, hidden]`, row-major.
    pub(super) fn forward(
        &self,
        ids: &[Vec<u32>],
        buffers: &mut Buffers,
    ) -> Result<Vec<f32>, EncodeError> {
        match self {
            Self::Ragged(transformer, _) => transformer.forward(ids, buffers),
            Self::Padded(transformer) => transformer.forward(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_model::Activation;
    use nearsay_model::test_util::synthetic_weights;

    #[test]
    fn ragged_and_padded_give_equal_vectors() {
        let config = BertConfig {
            vocab_size: 50,
            hidden_size: 64,
            layers: 2,
            heads: 2,
            intermediate_size: 96,
            max_positions: 80,
            type_vocab_size: 2,
            activation: Activation::Gelu,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
        };
        // As large as real weights, so that attention and GELU matter.
        let weights = synthetic_weights(&config, "bert.", |name, data, _| {
            for (n, bytes) in data.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let x = ((n * 7919 + name.len() * 31) % 997) as f32 / 997.0 - 0.5;
                *bytes = (0.4 * x).to_le_bytes();
            }
        });
        let ids: Vec<Vec<u32>> = [1usize, 2, 33, 80, 7]
            .iter()
            .map(|length| (0..*length as u32).map(|n| (n * 13 + 1) % 50).collect())
            .collect();
        for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max] {
            let builder = || {
                VarBuilder::from_buffered_safetensors(weights.clone(), DType::F32, &Device::Cpu)
                    .unwrap()
                    .pp("bert")
            };
            assert!(ragged::fits(&config));
            let padded = Padded::load(&config, builder(), pooling).unwrap();
            let expected = padded.forward(&ids).unwrap();
            for (precision, tolerance) in [(Precision::F32, 1e-5), (Precision::Fast, 0.05)] {
                let ragged = Ragged::load(
                    &config,
                    &WeightSource::Tensors(&builder()),
                    pooling,
                    precision,
                )
                .unwrap();
                let mut buffers = Buffers::default();
                let found = ragged.forward(&ids, &mut buffers).unwrap();
                assert_eq!(found.len(), 5 * 64);
                let errors = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                let error = errors.fold(0.0, f32::max);
                assert!(error < tolerance, "{pooling:?} {precision:?}: {error}");
                assert!(found.iter().any(|x| x.abs() > 0.1));
                // The result doesn't depend on the previous contents of the buffers.
                let alone = ragged.forward(&ids[3..4], &mut buffers).unwrap();
                assert_eq!(alone, found[3 * 64..4 * 64]);
            }
        }
    }
}
