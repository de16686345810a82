//! Reading and writing the `Dense` modules of sentence-transformers, which store a folded head.
//!
//! A module is a directory with `config.json` and `model.safetensors`. Source:
//! `sentence_transformers/models/Dense.py`.

use super::ServableError;
use nearsay_core::{
    head::{Activation, Dense},
    matrix::Matrix,
};
use nearsay_model::{DenseSettings, ModelError, check_tensor, open_safetensors};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

/// Class name of an activation in `torch.nn`.
fn python_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "torch.nn.modules.linear.Identity",
        Activation::Relu => "torch.nn.modules.activation.ReLU",
        Activation::Tanh => "torch.nn.modules.activation.Tanh",
        Activation::Gelu => "torch.nn.modules.activation.GELU",
        Activation::Sigmoid => "torch.nn.modules.activation.Sigmoid",
    }
}

/// Activation of a class in `torch.nn`, by its full or its re-exported name; `None` for unknown classes.
fn of_python_name(name: &str) -> Option<Activation> {
    let class = |name: &str| {
        Some(
            name.strip_prefix("torch.nn.")?
                .rsplit('.')
                .next()?
                .to_owned(),
        )
    };
    let wanted = class(name)?;
    Activation::ALL
        .into_iter()
        .find(|activation| class(python_name(*activation)).as_ref() == Some(&wanted))
}

/// Serializes a module as two files with their names: `<folder>/config.json` and `<folder>/model.safetensors`.
pub(super) fn to_files(
    folder: &str,
    dense: &Dense,
) -> Result<[(String, Vec<u8>); 2], ServableError> {
    let [config, weights] = [CONFIG, WEIGHTS].map(|file| format!("{folder}/{file}"));
    let settings: Value = json!({
        "in_features": dense.weight.columns(),
        "out_features": dense.weight.rows(),
        "bias": true,
        "activation_function": python_name(dense.activation),
    });
    let settings =
        serde_json::to_vec_pretty(&settings).map_err(|e| ServableError::changed(&config, e))?;
    let (weight, bias) = (dense.weight.to_le_bytes(), dense.bias.to_le_bytes());
    let view = |shape, bytes| TensorView::new(Dtype::F32, shape, bytes);
    let bytes = view(vec![dense.weight.rows(), dense.weight.columns()], &weight)
        .and_then(|weight| {
            let bias = view(vec![dense.bias.columns()], &bias)?;
            safetensors::serialize([("linear.weight", weight), ("linear.bias", bias)], None)
        })
        .map_err(|e| ServableError::changed(&weights, e))?;
    Ok([(config, settings), (weights, bytes)])
}

/// Reads a module that takes vectors of length `dim`. `need` reads a file by its name in the model.
pub(super) fn read(
    need: &dyn Fn(&str) -> Result<Vec<u8>, ServableError>,
    settings: &DenseSettings,
    dim: usize,
) -> Result<Dense, ServableError> {
    let name = format!("{}/{WEIGHTS}", settings.folder);
    let Some(activation) = of_python_name(&settings.activation) else {
        let why = format!("a layer with the activation {}", settings.activation);
        return Err(ModelError::unsupported(&name, why).into());
    };
    if settings.in_features != dim {
        let why = format!(
            "takes vectors of length {}, but gets length {dim}",
            settings.in_features
        );
        return Err(ServableError::changed(&name, why));
    }
    let bytes = need(&name)?;
    let file = open_safetensors(&name, &bytes)?;
    let (rows, columns) = (settings.out_features, settings.in_features);
    let tensor = |tensor: &str, shape: &[usize]| -> Result<Matrix, ServableError> {
        check_tensor(&name, &file, tensor, shape)?;
        let view = file
            .tensor(tensor)
            .map_err(|e| ServableError::changed(&name, e))?;
        if view.dtype() != Dtype::F32 {
            return Err(ServableError::changed(
                &name,
                "doesn't have 32-bit floating-point numbers",
            ));
        }
        let rows = if shape.len() == 2 { shape[0] } else { 1 };
        let columns = shape[shape.len() - 1];
        Matrix::from_le_bytes(rows, columns, view.data())
            .map_err(|e| ServableError::changed(&name, e))
    };
    Ok(Dense {
        weight: tensor("linear.weight", &[rows, columns])?,
        bias: if settings.bias {
            tensor("linear.bias", &[rows])?
        } else {
            Matrix::zeros(1, rows)
        },
        activation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activation_names_round_trip() {
        for activation in Activation::ALL {
            assert_eq!(of_python_name(python_name(activation)), Some(activation));
        }
        assert_eq!(of_python_name("torch.nn.Tanh"), Some(Activation::Tanh));
        for unknown in [
            "torch.nn.modules.activation.Softmax",
            "someone.elses.Identity",
            "torch.nn.",
            "",
        ] {
            assert_eq!(of_python_name(unknown), None, "{unknown}");
        }
    }
}
