//! The exported directory, and the check that only an earlier export is replaced.

use super::{CONFIG, MODEL, file::OnnxFile, tokenizer};
use crate::{ExportError, check_only_export_files, has_bytes_at, not_an_export};
use nearsay_store::{DiskStore, Owned, Store as _};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest protobuf message.
const MAX_LEN: usize = i32::MAX as usize;

/// Files of an export, apart from module directories.
const FILES: [&str; 8] = [
    CONFIG,
    tokenizer::TOKENIZER,
    tokenizer::SETTINGS,
    tokenizer::SPECIAL,
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
];

/// Files of a module directory.
const MODULE_FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// The producer field of a model that Nearsay wrote; the format version before it takes two bytes.
const PRODUCER: &[u8] = b"\x12\x07nearsay";

/// The files of an export.
pub(super) struct OnnxDir<'a> {
    pub(super) model: OnnxFile<'a>,
    /// Generated JSON files.
    pub(super) generated: Vec<(&'a str, Value)>,
    /// Files copied from the model directory `from`.
    pub(super) copied: Vec<&'a str>,
    pub(super) from: &'a Path,
}

impl OnnxDir<'_> {
    /// Writes a staging directory and then renames it to `target`, replacing an earlier export.
    pub(super) fn write(&self, target: &Path) -> Result<(), ExportError> {
        if self.model.len() > MAX_LEN {
            return Err(ExportError::TooLargeForOnnx {
                bytes: self.model.len(),
            });
        }
        list_owned(target)?;
        let staging = DiskStore.stage_dir(target)?;
        let staged = |name: &str| -> Result<PathBuf, ExportError> {
            let path = staging.path().join(name);
            if let Some(parent) = path.parent() {
                DiskStore.create_dir_all(parent)?;
            }
            Ok(path)
        };
        DiskStore.write_stream(&staged(MODEL)?, &mut |out| self.model.write(out))?;
        for (name, value) in &self.generated {
            DiskStore.write_atomic(&staged(name)?, value.to_string().as_bytes())?;
        }
        for name in &self.copied {
            DiskStore.copy(&self.from.join(name), &staged(name)?)?;
        }
        // Checked again, because the directory may have changed meanwhile.
        let owned = list_owned(target)?;
        Ok(DiskStore.replace_dir(staging.path(), target, &owned)?)
    }
}

/// The files that may be replaced: those of an earlier export, provided the directory has no others.
fn list_owned(target: &Path) -> Result<Owned, ExportError> {
    DiskStore.recover(target)?;
    let entries = if DiskStore.exists(target)? {
        DiskStore.list(target)?
    } else {
        Vec::new()
    };
    if entries.is_empty() {
        return Ok(Owned::default());
    }
    let has_model = DiskStore.exists(&target.join(MODEL))?;
    check_only_export_files(target, &|name| {
        has_model && (name == "onnx" || is_export_name(name))
    })?;
    if !has_bytes_at(&target.join(MODEL), 2, PRODUCER)? {
        return Err(not_an_export(target));
    }
    check_only_export_files(&target.join("onnx"), &|name| name == "model.onnx")?;
    let mut names: Vec<String> = FILES.map(Into::into).into();
    names.push(MODEL.into());
    let module_dirs = entries
        .iter()
        .filter_map(|entry| entry.name.to_str())
        .filter(|name| is_module_dir(name));
    for folder in module_dirs {
        names.push(folder.into());
        names.extend(MODULE_FILES.map(|file| format!("{folder}/{file}")));
        check_only_export_files(&target.join(folder), &|name| MODULE_FILES.contains(&name))?;
    }
    Ok(Owned::new(names))
}

/// Whether an export may have written a file or module directory of this name.
fn is_export_name(name: &str) -> bool {
    is_module_dir(name) || FILES.contains(&name)
}

/// Whether this is the name of a module directory, such as `1_Pooling`.
fn is_module_dir(name: &str) -> bool {
    name.split_once('_').is_some_and(|(number, kind)| {
        number.parse::<u32>().is_ok() && ["Pooling", "Dense", "Normalize"].contains(&kind)
    })
}
