//! Pooling of token vectors, and its `config.json`.

use crate::{ModelError, parse_json};
use serde::Deserialize;

/// How the token vectors of a text are combined into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Mean over all tokens, special tokens included.
    Mean,
    /// Vector of the first token, `[CLS]`.
    Cls,
    /// Maximum of each component over all tokens.
    Max,
}

/// Reads the settings of a Pooling module for token vectors of length `dims`.
pub(super) fn read_pooling(file: &str, bytes: &[u8], dims: usize) -> Result<Pooling, ModelError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Modes {
        One(String),
        Many(Vec<String>),
    }
    #[derive(Deserialize)]
    struct Raw {
        #[serde(alias = "word_embedding_dimension")]
        embedding_dimension: Option<usize>,
        pooling_mode: Option<Modes>,
        #[serde(default)]
        pooling_mode_cls_token: bool,
        #[serde(default)]
        pooling_mode_max_tokens: bool,
        #[serde(default)]
        pooling_mode_mean_tokens: bool,
        #[serde(default)]
        pooling_mode_mean_sqrt_len_tokens: bool,
        #[serde(default)]
        pooling_mode_weightedmean_tokens: bool,
        #[serde(default)]
        pooling_mode_lasttoken: bool,
        #[serde(default = "default_true")]
        include_prompt: bool,
    }
    fn default_true() -> bool {
        true
    }
    let raw: Raw = parse_json(file, bytes)?;
    if raw.embedding_dimension.is_some_and(|size| size != dims) {
        return Err(ModelError::invalid(
            file,
            format_args!("embedding_dimension doesn't match the transformer's {dims}"),
        ));
    }
    if !raw.include_prompt {
        return Err(ModelError::unsupported(
            file,
            "pooling without the prompt (include_prompt: false)",
        ));
    }
    let modes = match raw.pooling_mode {
        Some(Modes::One(mode)) => vec![mode],
        Some(Modes::Many(modes)) => modes,
        None => [
            (raw.pooling_mode_cls_token, "cls"),
            (raw.pooling_mode_max_tokens, "max"),
            (raw.pooling_mode_mean_tokens, "mean"),
            (
                raw.pooling_mode_mean_sqrt_len_tokens,
                "mean_sqrt_len_tokens",
            ),
            (raw.pooling_mode_weightedmean_tokens, "weightedmean"),
            (raw.pooling_mode_lasttoken, "lasttoken"),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, mode)| mode.into())
        .collect(),
    };
    match modes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mean"] | [] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        _ => Err(ModelError::unsupported(
            file,
            format_args!(
                "pooling mode {}; supported are mean, cls and max",
                modes.join(" and ")
            ),
        )),
    }
}
