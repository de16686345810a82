//! Installing a model: all files are verified in a hidden directory, which then replaces the model's directory.

use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, report};
use nearsay_model::sha256_hex;
use nearsay_store::{FileKind, Owned, Store};
use std::path::Path;

/// File that records the SHA-256 of each verified file.
pub(super) const MARKER: &str = "nearsay-verified.txt";

/// Reads a file of a source, given its name and listed size.
pub(super) type ReadFile<'a> = dyn FnMut(&str, u64) -> Result<Vec<u8>, ObtainError> + 'a;

/// Reads and verifies all files of a model and installs them in `target`.
///
/// Files in `target` that don't belong to the model stay. After an error, `target` is unchanged; the next sweep
/// removes remains of the hidden directory.
pub(super) fn install(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    read: &mut ReadFile<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let staging = store.stage_dir(target)?;
    let filled = fill(store, model, staging.path(), read, on_event).and_then(|()| {
        let owned = find_owned(store, model, target)?;
        Ok(store.replace_dir(staging.path(), target, &owned)?)
    });
    if filled.is_err() {
        // The first error is reported; the next sweep removes what can't be removed now.
        store.remove(staging.path()).ok();
    }
    filled
}

fn fill(
    store: &dyn Store,
    model: &KnownModel,
    folder: &Path,
    read: &mut ReadFile<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let total = model.size();
    let mut done = 0;
    for file in &model.fetched {
        report(on_event, ObtainEvent::Verifying { done, total })?;
        let bytes = read(&file.name, file.size)?;
        check_file(model, &file.name, &bytes)?;
        write(store, folder, &file.name, &bytes)?;
        done += file.size;
    }
    report(on_event, ObtainEvent::Verifying { done, total })?;
    for (name, bytes) in model.written() {
        write(store, folder, name, &bytes)?;
    }
    write(store, folder, MARKER, format_marker(model).as_bytes())
}

/// Finds the files in a model's directory that may be replaced: all files of the model if Nearsay installed it, and
/// otherwise only files that already have the contents to be written.
fn find_owned(store: &dyn Store, model: &KnownModel, folder: &Path) -> Result<Owned, ObtainError> {
    store.recover(folder)?;
    let installed = store.exists(&folder.join(MARKER))?;
    let mut names = vec![MARKER];
    for file in &model.fetched {
        let is_unchanged = || -> Result<bool, ObtainError> {
            let path = folder.join(&file.name);
            Ok(store.exists(&path)?
                && store.metadata(&path)?.len == file.size
                && sha256_hex(&store.read(&path, file.size)?) == file.sha256)
        };
        if installed || is_unchanged()? {
            names.push(&file.name);
        }
    }
    let written: Vec<_> = model.written().collect();
    for (name, bytes) in &written {
        let path = folder.join(name);
        let is_unchanged = || -> Result<bool, ObtainError> {
            Ok(store.exists(&path)?
                && store.metadata(&path)?.len == bytes.len() as u64
                && store.read(&path, bytes.len() as u64)? == *bytes)
        };
        if installed || is_unchanged()? {
            names.push(name);
        }
    }
    Ok(Owned::new(names))
}

fn write(store: &dyn Store, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ObtainError> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        store.create_dir_all(parent)?;
    }
    Ok(store.write_atomic(&path, bytes)?)
}

/// Checks size and hash of a fetched file.
fn check_file(model: &KnownModel, name: &str, bytes: &[u8]) -> Result<(), ObtainError> {
    let differs = |reason: String| {
        Err(ObtainError::Differs {
            model: model.name.clone(),
            reason,
        })
    };
    match model.fetched.iter().find(|file| file.name == name) {
        None => differs(format!("{name} is not a file of this model")),
        Some(file) if bytes.len() as u64 != file.size => differs(format!(
            "{name} has {} bytes instead of {}",
            bytes.len(),
            file.size
        )),
        Some(file) if sha256_hex(bytes) != file.sha256 => {
            differs(format!("{name} has the right size but the wrong contents"))
        }
        Some(_) => Ok(()),
    }
}

/// Contents of the marker: the hash of each file, so that a manifest with other hashes invalidates it.
fn format_marker(model: &KnownModel) -> String {
    let files = model.fetched.iter();
    files
        .map(|file| format!("{}  {}\n", file.sha256, file.name))
        .collect()
}

/// Whether all files exist with the right sizes, and the marker matches the manifest.
pub(super) fn is_installed(store: &dyn Store, model: &KnownModel, folder: &Path) -> bool {
    let has = |name: &str, size: u64| {
        store
            .metadata(&folder.join(name))
            .is_ok_and(|found| found.kind == FileKind::File && found.len == size)
    };
    model.fetched.iter().all(|file| has(&file.name, file.size))
        && model
            .written()
            .all(|(name, bytes)| has(name, bytes.len() as u64))
        && store
            .read(&folder.join(MARKER), 1 << 16)
            .is_ok_and(|bytes| bytes == format_marker(model).as_bytes())
}

/// Verifies every byte of every file.
pub(super) fn verify(
    store: &dyn Store,
    model: &KnownModel,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let total = model.size();
    let mut done = 0;
    for file in &model.fetched {
        report(on_event, ObtainEvent::Verifying { done, total })?;
        let bytes = store.read(&folder.join(&file.name), file.size)?;
        check_file(model, &file.name, &bytes)?;
        done += file.size;
    }
    for (name, expected) in model.written() {
        if store.read(&folder.join(name), 1 << 20)? != expected {
            return Err(ObtainError::Differs {
                model: model.name.clone(),
                reason: format!("{name} was changed"),
            });
        }
    }
    report(on_event, ObtainEvent::Verifying { done, total })
}
