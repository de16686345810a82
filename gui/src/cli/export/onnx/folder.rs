//! The folder that is written: its names, and that nothing else is replaced by it.

use super::{CONFIG, MODEL, Trouble, file::OnnxFile, replaceable, tokenizer};
use nearsay_core::store::{DiskStore, Store as _};
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
    pub(super) fn write(&self, target: &Path) -> Result<(), Trouble> {
        if self.model.len() > LIMIT {
            return Err(Trouble::new(
                format_args!(
                    "this model would take {:.1} GB as ONNX; a file of that format may have 2 GB",
                    self.model.len() as f64 / 1e9
                ),
                "Serve the folder as it is: “nearsay serve”, or sentence-transformers.",
            ));
        }
        if DiskStore.exists(target)? {
            let again = DiskStore.exists(&target.join(MODEL))?;
            replaceable(target, &|name| again && (name == "onnx" || ours(name)))?;
            if again {
                replaceable(&target.join("onnx"), &|name| name == "model.onnx")?;
            }
        }
        let staging = DiskStore.stage_dir(target)?;
        let place = |name: &str| -> Result<PathBuf, Trouble> {
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
        Ok(DiskStore.rename_dir(staging.path(), target)?)
    }
}

/// Whether something in a folder has a name that an earlier export may have given it.
fn ours(name: &str) -> bool {
    let module = name.split_once('_').is_some_and(|(number, kind)| {
        number.parse::<u32>().is_ok() && ["Pooling", "Dense", "Normalize"].contains(&kind)
    });
    module || FILES.contains(&name)
}
