//! The transformer by candle-transformers, with batches padded to their longest text.
//!
//! It runs on every device and is the reference for [`ragged`](super::ragged) in tests.

use super::EncodeError;
use candle_core::{D, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct, PositionEmbeddingType};
use nearsay_model::{Activation, BertConfig, Pooling};

/// A BERT transformer with pooling.
pub(super) struct Padded {
    model: BertModel,
    pooling: Pooling,
    pad_token: u32,
}

impl Padded {
    /// Loads validated weights.
    pub(super) fn load(
        config: &BertConfig,
        builder: VarBuilder<'_>,
        pooling: Pooling,
    ) -> Result<Self, EncodeError> {
        let shape = Config {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            num_hidden_layers: config.layers,
            num_attention_heads: config.heads,
            intermediate_size: config.intermediate_size,
            hidden_act: match config.activation {
                Activation::Gelu => HiddenAct::Gelu,
                Activation::GeluTanh => HiddenAct::GeluApproximate,
                Activation::Relu => HiddenAct::Relu,
            },
            hidden_dropout_prob: 0.0,
            max_position_embeddings: config.max_positions,
            type_vocab_size: config.type_vocab_size,
            initializer_range: 0.02,
            layer_norm_eps: config.layer_norm_eps,
            pad_token_id: config.pad_token_id as usize,
            position_embedding_type: PositionEmbeddingType::Absolute,
            use_cache: false,
            classifier_dropout: None,
            model_type: None,
        };
        Ok(Self {
            model: BertModel::load(builder, &shape)?,
            pooling,
            pad_token: config.pad_token_id,
        })
    }

    /// Encodes token ids: `n` lists, none empty → pooled vectors, `[n, hidden]`, row-major.
    pub(super) fn forward(&self, ids: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        let device = &self.model.device;
        let longest = ids.iter().map(Vec::len).max().unwrap_or(0);
        let mut padded = Vec::with_capacity(ids.len() * longest);
        let mut mask = Vec::with_capacity(ids.len() * longest);
        for ids in ids {
            padded.extend_from_slice(ids);
            padded.resize(padded.len() + longest - ids.len(), self.pad_token);
            mask.resize(mask.len() + ids.len(), 1f32);
            mask.resize(mask.len() + longest - ids.len(), 0.0);
        }
        let shape = (ids.len(), longest);
        let input = Tensor::from_vec(padded, shape, device)?;
        let mask = Tensor::from_vec(mask, shape, device)?;
        let tokens = self
            .model
            .forward(&input, &input.zeros_like()?, Some(&mask))?; // [n, longest, hidden]
        let mask = mask.unsqueeze(D::Minus1)?; // [n, longest, 1]
        let pooled = match self.pooling {
            Pooling::Mean => tokens
                .broadcast_mul(&mask)?
                .sum(1)?
                .broadcast_div(&mask.sum(1)?)?,
            Pooling::Cls => tokens.narrow(1, 0, 1)?.squeeze(1)?,
            // −1e30 is below any activation, so padding is never the maximum.
            Pooling::Max => tokens.broadcast_add(&mask.affine(1e30, -1e30)?)?.max(1)?,
        };
        Ok(pooled.flatten_all()?.to_vec1()?)
    }
}
