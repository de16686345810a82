//! `modules.json`: the modules of a model, in order.

use super::dense::{DenseSettings, read_dense};
use crate::{ModelError, parse_json};
use serde::Deserialize;

pub const MODULES: &str = "modules.json";

#[derive(Deserialize)]
pub(super) struct Module {
    #[serde(default)]
    pub(super) path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// Directory of the transformer's files, relative to that of `modules.json`.
///
/// # Errors
/// If the list of modules can't be parsed or its first module isn't a Transformer.
pub fn transformer_path(modules: &[u8]) -> Result<String, ModelError> {
    let modules: Vec<Module> = parse_json(MODULES, modules)?;
    match modules.first() {
        Some(first) if class_name(&first.kind) == Some("Transformer") => {
            if first.path.is_empty() {
                Ok(String::new())
            } else {
                directory_name(&first.path)
            }
        }
        _ => Err(ModelError::unsupported(
            MODULES,
            "the first module is not a Transformer",
        )),
    }
}

/// Class name of a sentence-transformers module, without the package, which differs between versions.
pub(super) fn class_name(kind: &str) -> Option<&str> {
    kind.strip_prefix("sentence_transformers.")?
        .rsplit('.')
        .next()
}

/// Accepts the name of a subdirectory of the model and rejects every other path, so that none leads out of the
/// model.
pub(super) fn directory_name(path: &str) -> Result<String, ModelError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = !path.is_empty()
        && path.len() <= 64
        && !path.starts_with('.')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain {
        Ok(path.into())
    } else {
        Err(ModelError::invalid(
            MODULES,
            format_args!("{path:?} is not the name of a subdirectory"),
        ))
    }
}

/// The modules of a static model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticModules {
    /// Directory of the embeddings inside the model: empty, or a name followed by a slash.
    pub folder: String,
    /// Linear layers after the embeddings, in order.
    pub dense: Vec<DenseSettings>,
    /// Whether the model ends by scaling its vectors to length 1.
    pub normalize: bool,
}

/// Reads the modules of a static model; `None` if the first module isn't a `StaticEmbedding`.
///
/// `read` returns the contents of a file by its name inside the model.
///
/// # Errors
/// If the list can't be parsed, or if a module after the embeddings is not supported.
pub fn static_modules(
    bytes: &[u8],
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, ModelError>,
) -> Result<Option<StaticModules>, ModelError> {
    let modules: Vec<Module> = parse_json(MODULES, bytes)?;
    let Some((first, rest)) = modules.split_first() else {
        return Ok(None);
    };
    if class_name(&first.kind) != Some("StaticEmbedding") {
        return Ok(None);
    }
    let mut found = StaticModules::default();
    if !first.path.is_empty() {
        found.folder = format!("{}/", directory_name(&first.path)?);
    }
    for module in rest {
        match class_name(&module.kind) {
            Some("Dense") if !found.normalize => {
                let folder = directory_name(&module.path)?;
                let file = format!("{folder}/config.json");
                let bytes = read(&file)?;
                let dense = read_dense(&file, &bytes, folder, None)?;
                found.dense.push(dense);
            }
            Some("Normalize") => found.normalize = true,
            Some("Dropout") => {}
            _ => {
                return Err(ModelError::unsupported(
                    MODULES,
                    format_args!(
                        "a {} after a StaticEmbedding; supported are Dense modules, then one \
                         Normalize",
                        module.kind
                    ),
                ));
            }
        }
    }
    Ok(Some(found))
}
