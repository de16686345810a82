//! Journal of the edits to a model that is being served.
//!
//! `edits.jsonl` has one JSON line for each edit: `{"of":…,"sha256":…,"edit":{…}}`. `of` is the SHA-256 of the
//! `nearsay.json` that the edit belongs to, `sha256` is that of the text of `edit`. [`Servable::open`] applies the
//! edits. Other readers see the answers without the edits until [`Journal::open`] or [`Journal::fold`] writes them into
//! the model's files.

use super::{Edit, Reissue, Servable, ServableError, manifest};
use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_model::sha256_hex;
use nearsay_store::{ErrorKind, LockGuard, Store};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// File name of the journal in the model directory.
pub(super) const NAME: &str = "edits.jsonl";

/// Maximum size of a journal in bytes.
pub(super) const LIMIT: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Line {
    of: String,
    sha256: String,
    edit: Box<RawValue>,
}

/// Exclusive access to a model for editing. The lock is released on drop.
pub struct Journal<'a> {
    store: &'a dyn Store,
    dir: PathBuf,
    /// SHA-256 of the model's `nearsay.json`.
    of: String,
    /// Length of the journal in bytes, as this process left it.
    len: u64,
    _lock: LockGuard,
}

impl<'a> Journal<'a> {
    /// Locks and opens a model for searching and editing. Edits already in the journal are first written into the
    /// model's files.
    ///
    /// # Errors
    /// [`ServableError::Busy`] if another process is editing the model; the errors of [`Servable::open`]; an error if
    /// the directory can't be written.
    pub fn open(
        store: &'a dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<(Self, Servable), ServableError> {
        let lock = lock(store, dir)?;
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

    /// Appends an edit and syncs the file, so that the edit survives a power failure.
    ///
    /// # Errors
    /// [`ServableError::Replaced`] if another process changed the model after it was opened; an error if the file
    /// can't be written. The edit isn't saved then.
    pub fn append(&mut self, edit: &Edit) -> Result<(), ServableError> {
        // Appending after a torn line would make the journal unreadable.
        if stamp(self.store, &self.dir)? != self.of || length(self.store, &self.dir)? != self.len {
            return Err(ServableError::Replaced {
                dir: self.dir.clone(),
            });
        }
        let line = line(&self.of, edit)?;
        if self.len + line.len() as u64 > LIMIT {
            return Err(ServableError::changed(
                NAME,
                "is full; restart the server, which writes the edits into the model",
            ));
        }
        self.store.append_sync(&self.dir.join(NAME), &line)?;
        self.len += line.len() as u64;
        Ok(())
    }

    /// Writes the answers of `servable` into the model's files, so that every reader sees the edits, and removes the
    /// journal. Does nothing if the journal is empty.
    ///
    /// # Errors
    /// The errors of [`append`](Self::append). The model and its journal stay unchanged then.
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
            prototype: manifest.prototype,
        };
        // `Reissue` doesn't copy the journal, so replacing the directory removes it atomically.
        reissue.write(self.store, &self.dir)?;
        self.of = stamp(self.store, &self.dir)?;
        self.len = 0;
        Ok(())
    }
}

/// Locks a model for editing or replacing. The lock is released on drop.
///
/// # Errors
/// [`ServableError::Busy`] if another process holds the lock.
pub(super) fn lock(store: &dyn Store, dir: &Path) -> Result<LockGuard, ServableError> {
    let lock = store.lock(&lock_file(dir)?);
    lock.map_err(|error| match error.kind {
        ErrorKind::Held => ServableError::Busy { dir: dir.into() },
        _ => error.into(),
    })
}

/// Whether a model has edits that aren't written into its files.
pub(super) fn has_edits(store: &dyn Store, dir: &Path) -> Result<bool, ServableError> {
    Ok(length(store, dir)? > 0)
}

/// Reads the edits in a model's journal, in order.
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
                    "belongs to another export of this model; delete this file to discard its edits",
                ));
            }
            // A process died while writing this line, before it reported the edit as saved.
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

/// Path of the lock file. It lies beside the model directory, because folding edits replaces the directory.
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
