//! Ownership of files in a model directory: only files that an export wrote may be replaced or removed.

use super::{Manifest, ServableError, journal, manifest};
use nearsay_store::{ErrorKind, LockGuard, Owned, Store};
use std::path::Path;

/// Checks that a model can be written to `dir` without losing other files: `dir` is missing, empty or a model.
/// Completes an interrupted replacement of the directory first.
///
/// Call this before long work; [`Export::write`](super::Export::write) and
/// [`Reissue::write`](super::Reissue::write) run the check themselves.
///
/// # Errors
/// [`ServableError::Occupied`] if `dir` has files but isn't a model; an error if `dir` isn't a directory or can't be
/// read.
pub fn check_target(store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
    owned(store, dir).map(drop)
}

/// Locks the model that a training will replace, until the guard is dropped. `None` if `dir` has no model yet.
///
/// # Errors
/// [`ServableError::Busy`] if a server is editing the model; [`ServableError::Edited`] if the model has edits that
/// aren't written into its files; the errors of [`check_target`].
pub fn lock_target(store: &dyn Store, dir: &Path) -> Result<Option<LockGuard>, ServableError> {
    check_target(store, dir)?;
    if !store.exists(&dir.join(manifest::NAME))? {
        return Ok(None);
    }
    let lock = journal::lock(store, dir)?;
    if journal::has_edits(store, dir)? {
        return Err(ServableError::Edited { dir: dir.into() });
    }
    Ok(Some(lock))
}

/// Removes the files of the model in `dir`, and `dir` itself if it contains no other files. Does nothing if `dir` isn't
/// a model.
///
/// # Errors
/// If a file can't be read or removed.
pub fn remove(store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
    let owned = match owned(store, dir) {
        Err(ServableError::Occupied { .. }) => return Ok(()),
        owned => owned?,
    };
    // Replacing the model by an empty directory keeps files that don't belong to the model.
    let staging = store.stage_dir(dir)?;
    let replaced = store.replace_dir(staging.path(), dir, &owned);
    if replaced.is_err() {
        store.remove(staging.path()).ok();
    }
    replaced?;
    if store.list(dir)?.is_empty() {
        Ok(store.remove(dir)?)
    } else {
        Ok(())
    }
}

/// Lists the files that an export to `dir` may replace or remove.
pub(super) fn owned(store: &dyn Store, dir: &Path) -> Result<Owned, ServableError> {
    store.recover(dir)?;
    let entries = match store.list(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Owned::default()),
        Err(error) => return Err(error.into()),
    };
    let Some(first) = entries.first() else {
        return Ok(Owned::default());
    };
    let manifest = match Manifest::read(store, dir) {
        Ok(manifest) => manifest,
        Err(ServableError::NotAModel { .. } | ServableError::Changed { .. }) => {
            return Err(ServableError::Occupied {
                dir: dir.into(),
                file: first.name.to_string_lossy().into_owned(),
            });
        }
        Err(error) => return Err(error),
    };
    let entries = entries.iter().filter_map(|entry| entry.name.to_str());
    let normalize = entries.filter(|name| is_normalize(name));
    let files = manifest.files.keys().map(String::as_str);
    let others = [manifest::NAME, journal::NAME];
    Ok(Owned::new(files.chain(others).chain(normalize)))
}

/// Whether a name is that of a `Normalize` module, whose empty directory no manifest lists.
fn is_normalize(name: &str) -> bool {
    name.strip_suffix("_Normalize")
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests;
