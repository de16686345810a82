//! `config.json`: the shape of the transformer.

use super::{ModelError, parse_json};
use serde::Deserialize;

pub const CONFIG: &str = "config.json";

pub const TOKENIZER: &str = "tokenizer.json";

/// Activation function between the two linear layers of a feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// x·Φ(x), where Φ is the distribution function of the standard normal distribution.
    #[serde(rename = "gelu")]
    Gelu,
    /// Tanh approximation of [`Gelu`](Self::Gelu).
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluTanh,
    /// max(x, 0).
    #[serde(rename = "relu")]
    Relu,
}

/// Shape of a BERT transformer, from `config.json`. Every number has been validated against bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct BertConfig {
    /// Number of tokens in the vocabulary.
    pub vocab_size: usize,
    /// Length of a token vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads in each layer; divides `hidden_size`.
    pub heads: usize,
    /// Width of the feed-forward blocks.
    pub intermediate_size: usize,
    /// Number of position embeddings, the maximum length of a text in tokens.
    pub max_positions: usize,
    /// Number of token-type embeddings; only the first is used.
    pub type_vocab_size: usize,
    /// Activation function of the feed-forward blocks.
    pub activation: Activation,
    /// Constant that layer normalisation adds to the variance.
    pub layer_norm_eps: f64,
    /// Token that pads shorter texts of a batch.
    pub pad_token_id: u32,
}

#[derive(Deserialize)]
struct Raw {
    model_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "default_type_vocab_size")]
    type_vocab_size: usize,
    hidden_act: Option<serde_json::Value>,
    #[serde(default = "default_layer_norm_eps")]
    layer_norm_eps: f64,
    #[serde(default)]
    pad_token_id: Option<u32>,
    position_embedding_type: Option<String>,
}

fn default_type_vocab_size() -> usize {
    2
}

fn default_layer_norm_eps() -> f64 {
    1e-12
}

impl BertConfig {
    /// Parses and validates `config.json`.
    ///
    /// # Errors
    /// If it can't be parsed, if a number is out of bounds, or if it describes a transformer of another family.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        // The family comes first: the configuration of another family may lack fields, and the error for a
        // missing field would hide the real reason.
        #[derive(Deserialize)]
        struct Family {
            model_type: Option<String>,
        }
        let family: Family = parse_json(CONFIG, bytes)?;
        if let Some(kind) = family.model_type.filter(|kind| kind != "bert") {
            return Err(ModelError::unsupported(
                CONFIG,
                format_args!(
                    "model_type is {kind:?}; only \"bert\" is supported, for example \
                     all-MiniLM-L6-v2 or paraphrase-multilingual-MiniLM-L12-v2"
                ),
            ));
        }
        let raw: Raw = parse_json(CONFIG, bytes)?;
        if raw
            .position_embedding_type
            .as_deref()
            .is_some_and(|kind| kind != "absolute")
        {
            return Err(ModelError::unsupported(
                CONFIG,
                "position_embedding_type must be \"absolute\"",
            ));
        }
        let activation = match raw.hidden_act {
            None => Activation::Gelu,
            Some(value) => serde_json::from_value(value.clone()).map_err(|_| {
                ModelError::unsupported(
                    CONFIG,
                    format_args!("hidden_act {value}; supported are gelu, gelu_new and relu"),
                )
            })?,
        };
        let bounded = |name: &str, value: usize, max: usize| {
            if (1..=max).contains(&value) {
                Ok(value)
            } else {
                Err(ModelError::invalid(
                    CONFIG,
                    format_args!("{name} is {value}; it must be between 1 and {max}"),
                ))
            }
        };
        let config = Self {
            vocab_size: bounded("vocab_size", raw.vocab_size, 2_000_000)?,
            hidden_size: bounded("hidden_size", raw.hidden_size, 16_384)?,
            layers: bounded("num_hidden_layers", raw.num_hidden_layers, 128)?,
            heads: bounded("num_attention_heads", raw.num_attention_heads, 256)?,
            intermediate_size: bounded("intermediate_size", raw.intermediate_size, 65_536)?,
            max_positions: bounded(
                "max_position_embeddings",
                raw.max_position_embeddings,
                65_536,
            )?,
            type_vocab_size: bounded("type_vocab_size", raw.type_vocab_size, 64)?,
            activation,
            layer_norm_eps: raw.layer_norm_eps,
            pad_token_id: raw.pad_token_id.unwrap_or(0),
        };
        if !config.hidden_size.is_multiple_of(config.heads) {
            return Err(ModelError::invalid(
                CONFIG,
                "num_attention_heads does not divide hidden_size",
            ));
        }
        if !(config.layer_norm_eps > 0.0 && config.layer_norm_eps < 1.0) {
            return Err(ModelError::invalid(
                CONFIG,
                "layer_norm_eps must be between 0 and 1",
            ));
        }
        if config.pad_token_id as usize >= config.vocab_size {
            return Err(ModelError::invalid(
                CONFIG,
                "pad_token_id is outside the vocabulary",
            ));
        }
        debug_assert!(raw.model_type.is_none_or(|kind| kind == "bert"));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::tiny_config;

    fn with(name: &str, value: serde_json::Value) -> Result<BertConfig, ModelError> {
        let mut config = tiny_config();
        config[name] = value;
        BertConfig::from_json(config.to_string().as_bytes())
    }

    #[test]
    fn from_json_reads_sentence_transformers_config() {
        let config = BertConfig::from_json(tiny_config().to_string().as_bytes()).unwrap();
        assert_eq!((config.hidden_size, config.heads, config.layers), (4, 2, 1));
        assert_eq!(config.activation, Activation::Gelu);
    }

    #[test]
    fn from_json_rejects_numbers_out_of_bounds() {
        for (name, value) in [
            ("num_attention_heads", 0.into()),
            ("num_attention_heads", 3.into()),
            ("hidden_size", u64::MAX.into()),
            ("num_hidden_layers", 1_000_000_000.into()),
            ("vocab_size", 0.into()),
            ("pad_token_id", 8.into()),
            ("layer_norm_eps", serde_json::json!(0.0)),
            ("layer_norm_eps", serde_json::json!(-1.0)),
        ] {
            let error = with(name, value).unwrap_err();
            assert!(
                matches!(error, ModelError::Invalid { .. }),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn from_json_rejects_unsupported_transformers() {
        for (name, value) in [
            ("model_type", "xlm-roberta"),
            ("hidden_act", "swish"),
            ("position_embedding_type", "relative_key"),
        ] {
            let error = with(name, value.into()).unwrap_err();
            assert!(
                matches!(error, ModelError::Unsupported { .. }),
                "{name}: {error}"
            );
        }
        // The family is reported even if fields of BERT are missing.
        let error = BertConfig::from_json(br#"{"model_type": "t5"}"#).unwrap_err();
        assert!(error.to_string().contains("t5"), "{error}");
    }

    #[test]
    fn from_json_rejects_bytes_that_are_not_a_json_object() {
        for bytes in [&b""[..], b"[]", b"{", b"\xff\xfe"] {
            assert!(BertConfig::from_json(bytes).is_err());
        }
    }
}
