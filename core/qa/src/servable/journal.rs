//! Edits of a folder that is being served, kept beside its files.
//!
//! `edits.jsonl`, one JSON line an edit: `{"of":…,"sha256":…,"edit":{…}}`, `of` being the SHA-256 of the
//! `nearsay.json` it belongs to, `sha256` that of the edit's own text. [`Servable::open`] carries them
//! out; other readers see the answers as they were until the edits are folded into the folder's files,
//! which [`Journal::open`] and [`Journal::fold`] do.

use super::{Edit, Reissue, Servable, ServableError, manifest};
use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_model::sha256_hex;
use nearsay_store::{ErrorKind, LockGuard, Store};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// Name of the journal in the folder.
pub(super) const NAME: &str = "edits.jsonl";

/// Largest journal that is read.
pub(super) const LIMIT: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Line {
    of: String,
    sha256: String,
    edit: Box<RawValue>,
}

/// The right to edit a folder: one holder at a time.
pub struct Journal<'a> {
    store: &'a dyn Store,
    dir: PathBuf,
    /// SHA-256 of the folder's `nearsay.json`.
    of: String,
    /// Length of the journal as far as it was written here.
    len: u64,
    _lock: LockGuard,
}

impl<'a> Journal<'a> {
    /// Opens a folder to answer from and to edit. Edits of before are folded into its files first.
    ///
    /// # Errors
    /// As [`Servable::open`]; [`ServableError::Busy`] when somebody else edits it; when it cannot be
    /// written.
    pub fn open(
        store: &'a dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<(Self, Servable), ServableError> {
        let lock = store.lock(&lock_file(dir)?);
        let lock = lock.map_err(|error| match error.kind {
            ErrorKind::Held => ServableError::Busy { dir: dir.into() },
            _ => error.into(),
        })?;
        let mut servable = Servable::open_with(store, dir, device, precision)?;
        servable.load_unexpanded(store, dir)?;
        let mut journal = Self {
            store,
            dir: dir.into(),
            of: stamp(store, dir)?,
            len: length(store, dir)?,
            _lock: lock,
        };
        journal.fold(&servable)?;
        Ok((journal, servable))
    }

    /// Keeps an edit: on return it survives a loss of power.
    ///
    /// # Errors
    /// [`ServableError::Replaced`] when the folder is not the one that was opened any more; when it
    /// cannot be written. The edit is then not kept.
    pub fn append(&mut self, edit: &Edit) -> Result<(), ServableError> {
        // A torn line in the middle would cost what follows it.
        if stamp(self.store, &self.dir)? != self.of || length(self.store, &self.dir)? != self.len {
            return Err(ServableError::Replaced {
                dir: self.dir.clone(),
            });
        }
        let line = line(&self.of, edit)?;
        self.store.append_sync(&self.dir.join(NAME), &line)?;
        self.len += line.len() as u64;
        Ok(())
    }

    /// Writes the answers as they are now, `servable`'s, into the folder's own files, so that every
    /// reader sees them. Does nothing when there were no edits.
    ///
    /// # Errors
    /// As [`append`](Self::append); the folder is then as it was, its journal with it.
    pub fn fold(&mut self, servable: &Servable) -> Result<(), ServableError> {
        if self.len == 0 {
            return Ok(());
        }
        if stamp(self.store, &self.dir)? != self.of {
            return Err(ServableError::Replaced {
                dir: self.dir.clone(),
            });
        }
        let manifest = servable.manifest();
        let reissue = Reissue {
            from: &self.dir,
            data: Some(servable.answer_index().into()),
            confidence: &manifest.confidence,
            words: manifest.words,
            expansion: manifest.expansion,
        };
        // The journal is not copied: with the new files it is gone, in one go.
        reissue.write(self.store, &self.dir)?;
        self.of = stamp(self.store, &self.dir)?;
        self.len = 0;
        Ok(())
    }
}

/// The edits of a folder that are not in its files.
pub(super) fn read(store: &dyn Store, dir: &Path) -> Result<Vec<Edit>, ServableError> {
    let bytes = match store.read(&dir.join(NAME), LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let of = stamp(store, dir)?;
    let mut edits = Vec::new();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        match parse(line) {
            Some((edit_of, edit)) if edit_of == of => edits.push(edit),
            Some(_) => {
                return Err(ServableError::changed(
                    NAME,
                    "belongs to another export of this folder; remove the file to go without its edits",
                ));
            }
            // The process died while it wrote it; nobody was told that it is kept.
            None if lines.peek().is_none() => {}
            None => {
                return Err(ServableError::changed(
                    NAME,
                    format_args!("has a damaged line {}", edits.len() + 1),
                ));
            }
        }
    }
    Ok(edits)
}

fn line(of: &str, edit: &Edit) -> Result<Vec<u8>, ServableError> {
    let write = || {
        let edit = serde_json::value::to_raw_value(edit)?;
        let line = Line {
            of: of.into(),
            sha256: sha256_hex(edit.get().as_bytes()),
            edit,
        };
        serde_json::to_vec(&line)
    };
    let mut line = write().map_err(|e| ServableError::changed(NAME, e))?;
    line.push(b'\n');
    Ok(line)
}

fn parse(line: &[u8]) -> Option<(String, Edit)> {
    let line: Line = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let edit = line.edit.get();
    let whole = sha256_hex(edit.as_bytes()) == line.sha256;
    Some((line.of, whole.then(|| serde_json::from_str(edit).ok())??))
}

fn stamp(store: &dyn Store, dir: &Path) -> Result<String, ServableError> {
    Ok(sha256_hex(
        &store.read(&dir.join(manifest::NAME), manifest::LIMIT)?,
    ))
}

fn length(store: &dyn Store, dir: &Path) -> Result<u64, ServableError> {
    match store.metadata(&dir.join(NAME)) {
        Ok(metadata) => Ok(metadata.len),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Beside the folder, not in it: another folder takes its name while edits are folded.
fn lock_file(dir: &Path) -> Result<PathBuf, ServableError> {
    let not_a_model = || ServableError::NotAModel { dir: dir.into() };
    let name = dir.file_name().ok_or_else(not_a_model)?;
    let mut file = std::ffi::OsString::from(".");
    file.push(name);
    file.push(".lock");
    Ok(dir.with_file_name(file))
}

#[cfg(test)]
mod tests;
