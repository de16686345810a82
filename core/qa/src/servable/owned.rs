//! The files of a model's folder that may be replaced: those that an export wrote.

use super::{Manifest, ServableError, journal, manifest};
use nearsay_store::{ErrorKind, Owned, Store};
use std::path::Path;

/// Checks that a model can be written to `dir` without a loss of other files: it is missing, empty or
/// an exported model. A replacement of the folder that was cut off is ended first.
///
/// For the start of long work; [`Export::write`](super::Export::write) and
/// [`Reissue::write`](super::Reissue::write) check by themselves.
///
/// # Errors
/// [`ServableError::Occupied`] when other files are in it; when it is no folder or cannot be read.
pub fn check_target(store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
    owned(store, dir).map(drop)
}

/// Removes the model in `dir`, and the folder too if no other files are in it. A folder without a
/// model stays as it is.
///
/// # Errors
/// When something cannot be read or removed.
pub fn remove(store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
    let owned = match owned(store, dir) {
        Err(ServableError::Occupied { .. }) => return Ok(()),
        owned => owned?,
    };
    // An empty folder in its place takes over what is not the model's.
    let staging = store.stage_dir(dir)?;
    let replaced = store.replace_dir(staging.path(), dir, &owned);
    if replaced.is_err() {
        store.remove(staging.path()).ok();
    }
    replaced?;
    match store.list(dir)?.is_empty() {
        true => Ok(store.remove(dir)?),
        false => Ok(()),
    }
}

/// The files that an export to `dir` may replace or remove.
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

/// Whether this is the folder of a `Normalize` module, which has no files for a manifest to name.
fn is_normalize(name: &str) -> bool {
    name.strip_suffix("_Normalize")
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests;
