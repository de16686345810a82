//! One network, two ways to run it.

use super::EncodeError;
use super::padded::Padded;
use super::ragged::{self, Ragged};
use crate::model::{BertConfig, Pooling};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;

/// A BERT network and the pooling behind it.
pub(super) enum Network {
    /// Without filling up; on the processor, about twice as fast.
    Ragged(Ragged),
    /// By candle-transformers; on graphics cards, and for networks of unusual shape.
    Padded(Box<Padded>),
}

impl Network {
    /// From the bytes of a safetensors file whose names carry `prefix`; already checked.
    pub(super) fn load(
        config: &BertConfig,
        weights: Vec<u8>,
        prefix: &str,
        pooling: Pooling,
        device: &Device,
    ) -> Result<Self, EncodeError> {
        let mut builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, device)?;
        if let Some(prefix) = prefix.strip_suffix('.') {
            builder = builder.pp(prefix);
        }
        Ok(if device.is_cpu() && ragged::fits(config) {
            Self::Ragged(Ragged::load(config, &builder, pooling)?)
        } else {
            Self::Padded(Box::new(Padded::load(config, builder, pooling)?))
        })
    }

    /// Token ids of `n` texts, none of them empty → their pooled vectors, `[n, hidden]` row by row.
    pub(super) fn forward(&self, ids: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        match self {
            Self::Ragged(network) => network.forward(ids),
            Self::Padded(network) => network.forward(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Activation;
    use crate::model::tests::made_up;

    #[test]
    fn both_ways_give_the_same_vectors() {
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
        // Of the size real weights have, so that attention and gelu matter.
        let weights = made_up(&config, "bert.", |name, data, _| {
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
            let ragged = Ragged::load(&config, &builder(), pooling).unwrap();
            let padded = Padded::load(&config, builder(), pooling).unwrap();
            let (a, b) = (ragged.forward(&ids).unwrap(), padded.forward(&ids).unwrap());
            assert_eq!(a.len(), 5 * 64);
            let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f32::max) < 1e-5, "{pooling:?}");
            assert!(a.iter().any(|x| x.abs() > 0.1));
        }
    }
}
