//! `config.json`: the shape of the network.

use super::{ModelError, json};
use serde::Deserialize;

/// The file these numbers stand in.
pub const CONFIG: &str = "config.json";

/// What happens between the two linear layers of a feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// x·Φ(x) with the exact normal distribution function.
    #[serde(rename = "gelu")]
    Gelu,
    /// The tanh approximation of the same.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluTanh,
    /// max(x, 0).
    #[serde(rename = "relu")]
    Relu,
}

/// The shape of a BERT network, as `config.json` gives it; every number is within sensible bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct BertConfig {
    /// Rows of the table of word pieces.
    pub vocab_size: usize,
    /// Length of a token's vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads in each layer; divides `hidden_size`.
    pub heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Longest text in tokens that the position table allows.
    pub max_positions: usize,
    /// Rows of the token-type table; only the first is used.
    pub type_vocab_size: usize,
    /// Between the two linear layers of the feed-forward block.
    pub activation: Activation,
    /// Added to the variance in layer normalisation.
    pub layer_norm_eps: f64,
    /// What shorter texts of a batch are filled up with.
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
    #[serde(default = "two")]
    type_vocab_size: usize,
    hidden_act: Option<serde_json::Value>,
    #[serde(default = "bert_eps")]
    layer_norm_eps: f64,
    #[serde(default)]
    pad_token_id: Option<u32>,
    position_embedding_type: Option<String>,
}

fn two() -> usize {
    2
}

fn bert_eps() -> f64 {
    1e-12
}

impl BertConfig {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// When it is no JSON object of that kind, when a number is out of bounds, or when it describes
    /// something else than a BERT network.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        // The type first: a network of another family lacks fields, and would get a worse message.
        #[derive(Deserialize)]
        struct Family {
            model_type: Option<String>,
        }
        let family: Family = json(CONFIG, bytes)?;
        if let Some(kind) = family.model_type.filter(|kind| kind != "bert") {
            return Err(ModelError::unsupported(
                CONFIG,
                format_args!(
                    "the network is a {kind:?}; only \"bert\" networks run here, such as \
                     all-MiniLM-L6-v2 or paraphrase-multilingual-MiniLM-L12-v2"
                ),
            ));
        }
        let raw: Raw = json(CONFIG, bytes)?;
        if raw
            .position_embedding_type
            .as_deref()
            .is_some_and(|kind| kind != "absolute")
        {
            return Err(ModelError::unsupported(
                CONFIG,
                "only absolute position embeddings are known",
            ));
        }
        let activation = match raw.hidden_act {
            None => Activation::Gelu,
            Some(value) => serde_json::from_value(value.clone()).map_err(|_| {
                ModelError::unsupported(
                    CONFIG,
                    format_args!("hidden_act {value}; gelu, gelu_new and relu are known"),
                )
            })?,
        };
        let within = |name: &str, value: usize, most: usize| {
            if (1..=most).contains(&value) {
                Ok(value)
            } else {
                Err(ModelError::invalid(
                    CONFIG,
                    format_args!("{name} is {value}, outside 1 to {most}"),
                ))
            }
        };
        let config = Self {
            vocab_size: within("vocab_size", raw.vocab_size, 2_000_000)?,
            hidden_size: within("hidden_size", raw.hidden_size, 16_384)?,
            layers: within("num_hidden_layers", raw.num_hidden_layers, 128)?,
            heads: within("num_attention_heads", raw.num_attention_heads, 256)?,
            intermediate_size: within("intermediate_size", raw.intermediate_size, 65_536)?,
            max_positions: within(
                "max_position_embeddings",
                raw.max_position_embeddings,
                65_536,
            )?,
            type_vocab_size: within("type_vocab_size", raw.type_vocab_size, 64)?,
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
                "layer_norm_eps must lie between 0 and 1",
            ));
        }
        if config.pad_token_id as usize >= config.vocab_size {
            return Err(ModelError::invalid(
                CONFIG,
                "pad_token_id lies outside the vocabulary",
            ));
        }
        debug_assert!(raw.model_type.is_none_or(|kind| kind == "bert"));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::tiny;

    fn with(name: &str, value: serde_json::Value) -> Result<BertConfig, ModelError> {
        let mut config = tiny();
        config[name] = value;
        BertConfig::from_json(config.to_string().as_bytes())
    }

    #[test]
    fn reads_what_sentence_transformers_writes() {
        let config = BertConfig::from_json(tiny().to_string().as_bytes()).unwrap();
        assert_eq!((config.hidden_size, config.heads, config.layers), (4, 2, 1));
        assert_eq!(config.activation, Activation::Gelu);
    }

    #[test]
    fn refuses_numbers_that_would_panic_or_take_all_memory() {
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
    fn refuses_other_networks_with_words() {
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
        // Said even when the other network's file lacks BERT's fields.
        let error = BertConfig::from_json(br#"{"model_type": "t5"}"#).unwrap_err();
        assert!(error.to_string().contains("t5"), "{error}");
    }

    #[test]
    fn refuses_what_is_no_json() {
        for bytes in [&b""[..], b"[]", b"{", b"\xff\xfe"] {
            assert!(BertConfig::from_json(bytes).is_err());
        }
    }
}
