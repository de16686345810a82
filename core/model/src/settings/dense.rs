//! `Dense` modules and their `config.json`.

use crate::{ModelError, parse_json};
use serde::Deserialize;

/// Settings of a linear layer after the pooling, from its `config.json`.
///
/// Its weights are in `<folder>/model.safetensors`: `linear.weight`, `[out_features, in_features]`, and
/// `linear.bias`, `[out_features]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseSettings {
    /// Directory inside the model, for example `2_Dense`.
    pub folder: String,
    /// Length of the input vectors.
    pub in_features: usize,
    /// Length of the output vectors.
    pub out_features: usize,
    /// Whether the layer has a bias.
    pub bias: bool,
    /// Python name of the activation function. Default: `torch.nn.modules.activation.Tanh`, as in
    /// sentence-transformers.
    pub activation: String,
}

/// Reads the settings of a Dense module in `folder`; `inner` is the length of its input, if it is known.
pub(super) fn read_dense(
    file: &str,
    bytes: &[u8],
    folder: String,
    inner: Option<usize>,
) -> Result<DenseSettings, ModelError> {
    #[derive(Deserialize)]
    struct Raw {
        in_features: usize,
        out_features: usize,
        #[serde(default = "default_true")]
        bias: bool,
        activation_function: Option<String>,
        #[serde(default)]
        use_residual: bool,
        module_input_name: Option<String>,
        module_output_name: Option<String>,
    }
    fn default_true() -> bool {
        true
    }
    let raw: Raw = parse_json(file, bytes)?;
    if raw.use_residual {
        return Err(ModelError::unsupported(
            file,
            "a Dense module with use_residual",
        ));
    }
    if [&raw.module_input_name, &raw.module_output_name]
        .into_iter()
        .flatten()
        .any(|name| name != "sentence_embedding")
    {
        return Err(ModelError::unsupported(
            file,
            "a Dense module that reads or writes something other than sentence_embedding",
        ));
    }
    let inner = inner.unwrap_or(raw.in_features);
    if raw.in_features != inner || !(1..=65_536).contains(&raw.out_features) {
        return Err(ModelError::invalid(
            file,
            format_args!(
                "in_features {} and out_features {} don't fit input vectors of length {inner}",
                raw.in_features, raw.out_features
            ),
        ));
    }
    Ok(DenseSettings {
        folder,
        in_features: raw.in_features,
        out_features: raw.out_features,
        bias: raw.bias,
        activation: raw
            .activation_function
            .unwrap_or_else(|| "torch.nn.modules.activation.Tanh".into()),
    })
}
