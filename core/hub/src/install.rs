//! Putting a model in place: checked first, then as a whole.

use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, tell};
use nearsay_model::sha256_hex;
use nearsay_store::{FileKind, Owned, Store};
use std::path::Path;

/// Written beside the model's files once their SHA-256 was found right.
pub(super) const MARKER: &str = "nearsay-verified.txt";

/// Gives a file by its name and listed size.
pub(super) type ReadFile<'a> = dyn FnMut(&str, u64) -> Result<Vec<u8>, ObtainError> + 'a;

/// Takes a model's files from `read`, checks each, and gives the folder its final name only when all
/// are right. Files there that are not the model's stay. Whatever goes wrong before leaves nothing
/// behind but what the next sweep clears away.
pub(super) fn install(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    read: &mut ReadFile<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let staging = store.stage_dir(target)?;
    let filled = fill(store, model, staging.path(), read, on_event).and_then(|()| {
        let owned = owned(store, model, target)?;
        Ok(store.replace_dir(staging.path(), target, &owned)?)
    });
    if filled.is_err() {
        // The first error is the one to tell; what stays is swept at the next start.
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
        tell(on_event, ObtainEvent::Verifying { done, total })?;
        let bytes = read(&file.name, file.size)?;
        check(model, &file.name, &bytes)?;
        write(store, folder, &file.name, &bytes)?;
        done += file.size;
    }
    tell(on_event, ObtainEvent::Verifying { done, total })?;
    for (name, bytes) in model.written() {
        write(store, folder, name, &bytes)?;
    }
    write(store, folder, MARKER, marker(model).as_bytes())
}

/// The files in a model's folder that may be replaced: all of the model's once it was put there by
/// Nearsay, and before that only those with the very content that is to be written.
fn owned(store: &dyn Store, model: &KnownModel, folder: &Path) -> Result<Owned, ObtainError> {
    store.recover(folder)?;
    let installed = store.exists(&folder.join(MARKER))?;
    let mut names = vec![MARKER];
    for file in &model.fetched {
        let same = || -> Result<bool, ObtainError> {
            let path = folder.join(&file.name);
            Ok(store.exists(&path)?
                && store.metadata(&path)?.len == file.size
                && sha256_hex(&store.read(&path, file.size)?) == file.sha256)
        };
        if installed || same()? {
            names.push(&file.name);
        }
    }
    let written: Vec<_> = model.written().collect();
    for (name, bytes) in &written {
        let path = folder.join(name);
        let same = || -> Result<bool, ObtainError> {
            Ok(store.exists(&path)?
                && store.metadata(&path)?.len == bytes.len() as u64
                && store.read(&path, bytes.len() as u64)? == *bytes)
        };
        if installed || same()? {
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

/// Whether a fetched file is exactly as listed.
fn check(model: &KnownModel, name: &str, bytes: &[u8]) -> Result<(), ObtainError> {
    let differs = |reason: String| {
        Err(ObtainError::Differs {
            model: model.name.clone(),
            reason,
        })
    };
    match model.fetched.iter().find(|file| file.name == name) {
        None => differs(format!("{name} is not one of its files")),
        Some(file) if bytes.len() as u64 != file.size => differs(format!(
            "{name} has {} bytes instead of {}",
            bytes.len(),
            file.size
        )),
        Some(file) if sha256_hex(bytes) != file.sha256 => {
            differs(format!("{name} has the right size but other content"))
        }
        Some(_) => Ok(()),
    }
}

/// What the marker says: the very content it vouches for, so that a newer list distrusts an old one.
fn marker(model: &KnownModel) -> String {
    let files = model.fetched.iter();
    files
        .map(|file| format!("{}  {}\n", file.sha256, file.name))
        .collect()
}

/// The quick look: are all files there, with their sizes and our marker?
pub(super) fn looks_whole(store: &dyn Store, model: &KnownModel, folder: &Path) -> bool {
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
            .is_ok_and(|bytes| bytes == marker(model).as_bytes())
}

/// The thorough look: every byte of every file.
pub(super) fn verify(
    store: &dyn Store,
    model: &KnownModel,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let total = model.size();
    let mut done = 0;
    for file in &model.fetched {
        tell(on_event, ObtainEvent::Verifying { done, total })?;
        let bytes = store.read(&folder.join(&file.name), file.size)?;
        check(model, &file.name, &bytes)?;
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
    tell(on_event, ObtainEvent::Verifying { done, total })
}
