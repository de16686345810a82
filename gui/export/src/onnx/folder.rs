//! The folder that is written: its names, and that nothing else is replaced by it.

use super::{
    super::{begins_with, not_an_export},
    CONFIG, MODEL, UserError,
    file::OnnxFile,
    replaceable, tokenizer,
};
use nearsay_store::{DiskStore, Owned, Store as _};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Protobuf has no larger messages.
const LIMIT: usize = i32::MAX as usize;

/// Files that may be in the folder, beside those of modules.
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

/// Files that may be in the folder of a module.
const MODULE_FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// The producer's name in a model of ours, behind the two bytes of the format's version.
const PRODUCER: &[u8] = b"\x12\x07nearsay";

/// What a folder is made of.
pub(super) struct Folder<'a> {
    pub(super) model: OnnxFile<'a>,
    /// Small files that are made.
    pub(super) small: Vec<(&'a str, Value)>,
    /// Files that are copied, with the folder they are in.
    pub(super) copied: Vec<&'a str>,
    pub(super) from: &'a Path,
}

impl Folder<'_> {
    /// Writes it beside its place and only then gives it its name; an earlier export there is replaced.
    pub(super) fn write(&self, target: &Path) -> Result<(), UserError> {
        if self.model.len() > LIMIT {
            return Err(UserError::new(
                format_args!(
                    "this model would take {:.1} GB as ONNX; a file of that format may have 2 GB",
                    self.model.len() as f64 / 1e9
                ),
                "Serve the folder as it is: “nearsay serve”, or sentence-transformers.",
            ));
        }
        owned(target)?;
        let staging = DiskStore.stage_dir(target)?;
        let place = |name: &str| -> Result<PathBuf, UserError> {
            let place = staging.path().join(name);
            if let Some(parent) = place.parent() {
                DiskStore.create_dir_all(parent)?;
            }
            Ok(place)
        };
        DiskStore.write_stream(&place(MODEL)?, &mut |out| self.model.write(out))?;
        for (name, value) in &self.small {
            DiskStore.write_atomic(&place(name)?, value.to_string().as_bytes())?;
        }
        for name in &self.copied {
            DiskStore.copy(&self.from.join(name), &place(name)?)?;
        }
        // Looked up again: the folder may have changed since.
        owned(target).and_then(|owned| Ok(DiskStore.replace_dir(staging.path(), target, &owned)?))
    }
}

/// The files that may be replaced: those of an earlier export, when nothing else is in the folder.
fn owned(target: &Path) -> Result<Owned, UserError> {
    DiskStore.recover(target)?;
    let entries = match DiskStore.exists(target)? {
        true => DiskStore.list(target)?,
        false => Vec::new(),
    };
    if entries.is_empty() {
        return Ok(Owned::default());
    }
    let again = DiskStore.exists(&target.join(MODEL))?;
    replaceable(target, &|name| again && (name == "onnx" || ours(name)))?;
    if !begins_with(&target.join(MODEL), 2, PRODUCER)? {
        return Err(not_an_export(target));
    }
    replaceable(&target.join("onnx"), &|name| name == "model.onnx")?;
    let mut names: Vec<String> = FILES.map(Into::into).into();
    names.push(MODEL.into());
    let names_found = entries.iter().filter_map(|entry| entry.name.to_str());
    for folder in names_found.filter(|name| is_module(name)) {
        names.push(folder.into());
        names.extend(MODULE_FILES.map(|file| format!("{folder}/{file}")));
        replaceable(&target.join(folder), &|name| MODULE_FILES.contains(&name))?;
    }
    Ok(Owned::new(names))
}

/// Whether something in a folder has a name that an earlier export may have given it.
fn ours(name: &str) -> bool {
    is_module(name) || FILES.contains(&name)
}

/// Whether this is the name of a module's folder.
fn is_module(name: &str) -> bool {
    name.split_once('_').is_some_and(|(number, kind)| {
        number.parse::<u32>().is_ok() && ["Pooling", "Dense", "Normalize"].contains(&kind)
    })
}
