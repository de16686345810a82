//! One network, two ways to run it.

use super::EncodeError;
use super::linear::Precision;
use super::padded::Padded;
use super::ragged::{self, Ragged, Space};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use nearsay_model::{BertConfig, Pooling};

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
        precision: Precision,
    ) -> Result<Self, EncodeError> {
        let mut builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, device)?;
        if let Some(prefix) = prefix.strip_suffix('.') {
            builder = builder.pp(prefix);
        }
        Ok(if device.is_cpu() && ragged::fits(config) {
            Self::Ragged(Ragged::load(config, &builder, pooling, precision)?)
        } else {
            Self::Padded(Box::new(Padded::load(config, builder, pooling)?))
        })
    }

    /// What its numbers are.
    pub(super) fn precision(&self, wanted: Precision) -> Precision {
        match self {
            Self::Ragged(_) => wanted.here(),
            Self::Padded(_) => Precision::F32,
        }
    }

    /// Token ids of `n` texts, none of them empty → their pooled vectors, `[n, hidden]` row by row.
    pub(super) fn forward(
        &self,
        ids: &[Vec<u32>],
        space: &mut Space,
    ) -> Result<Vec<f32>, EncodeError> {
        match self {
            Self::Ragged(network) => network.forward(ids, space),
            Self::Padded(network) => network.forward(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_model::Activation;
    use nearsay_model::test_util::made_up;

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
            let padded = Padded::load(&config, builder(), pooling).unwrap();
            let b = padded.forward(&ids).unwrap();
            for (precision, least) in [(Precision::F32, 1e-5), (Precision::Fast, 0.05)] {
                let ragged = Ragged::load(&config, &builder(), pooling, precision).unwrap();
                let mut space = Space::default();
                let a = ragged.forward(&ids, &mut space).unwrap();
                assert_eq!(a.len(), 5 * 64);
                let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
                let far = far.fold(0.0, f32::max);
                assert!(far < least, "{pooling:?} {precision:?}: {far}");
                assert!(a.iter().any(|x| x.abs() > 0.1));
                // What another batch left behind does not matter.
                let alone = ragged.forward(&ids[3..4], &mut space).unwrap();
                assert_eq!(alone, a[3 * 64..4 * 64]);
            }
        }
    }
}
