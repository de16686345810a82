//! Building blocks of store operations.

use std::io;
use std::path::{Path, PathBuf};

use super::names;
use super::{ErrorKind, FileKind, Operation, ReadSeek, Sink, Steps, StoreError};

/// Buffer size for reading and copying, in bytes.
pub(super) const CHUNK: usize = 1 << 16;

pub(super) fn with_context(what: Operation, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::new(what, path, error)
}

pub(super) fn read_limited<S: Steps + ?Sized>(
    store: &S,
    path: &Path,
    limit: u64,
) -> io::Result<Vec<u8>> {
    let metadata = store.stat(path)?;
    if metadata.kind != FileKind::File {
        return Err(ErrorKind::NotARegularFile.into());
    }
    let mut bytes = Vec::new();
    let reserve = |bytes: &mut Vec<u8>, more: u64| -> io::Result<()> {
        let len = (bytes.len() as u64).saturating_add(more);
        if len > limit {
            return Err(ErrorKind::TooLarge { len, limit }.into());
        }
        usize::try_from(more)
            .ok()
            .and_then(|more| bytes.try_reserve(more).ok())
            .ok_or_else(|| ErrorKind::NoMemory { needed: len }.into())
    };
    reserve(&mut bytes, metadata.len)?;
    // The length may have changed since, and system files report none, so check each chunk.
    for_each_chunk(&mut *store.open_read(path)?, |chunk| {
        reserve(&mut bytes, chunk.len() as u64)?;
        bytes.extend_from_slice(chunk);
        Ok(())
    })?;
    Ok(bytes)
}

/// Passes the rest of `source` to `take` in chunks.
pub(super) fn for_each_chunk(
    source: &mut dyn ReadSeek,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(n) => take(chunk.get(..n).unwrap_or(&chunk))?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

pub(super) fn create_dirs<S: Steps + ?Sized>(store: &S, dir: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for folder in dir.ancestors() {
        if folder.as_os_str().is_empty() {
            break;
        }
        match store.stat(folder) {
            Ok(metadata) if metadata.kind == FileKind::Folder => break,
            Ok(_) => return Err(ErrorKind::NotAFolder.into()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(folder),
            Err(e) => return Err(e),
        }
    }
    for folder in missing.into_iter().rev() {
        match store.make_dir(folder) {
            // Another process created the folder first.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        store.sync_dir(names::parent_dir(folder))?;
    }
    Ok(())
}

/// Writes a file under a temporary name, syncs it, and renames it over `path`.
pub(super) fn replace_file<S: Steps + ?Sized>(
    store: &S,
    path: &Path,
    fill: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    // Renaming over a device or pipe would replace it with a file.
    match store.stat(path) {
        Ok(metadata) if metadata.kind != FileKind::File => {
            return Err(ErrorKind::NotARegularFile.into());
        }
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let (part, mut sink) = create_part(store, path)?;
    let renamed = fill(&mut *sink).and_then(|()| sink.sync()).and_then(|()| {
        // Keep the file open, and thus locked against sweeps, until it is renamed. On Windows an open
        // file would briefly lock out readers of the new name.
        let _open = (!cfg!(windows)).then_some(sink);
        store.rename(&part, path)
    });
    if renamed.is_err() {
        store.delete(&part).ok(); // the first error is reported
    }
    renamed?;
    store.sync_dir(names::parent_dir(path))
}

fn create_part<S: Steps + ?Sized>(store: &S, path: &Path) -> io::Result<(PathBuf, Box<dyn Sink>)> {
    loop {
        let part = names::part_path(path)?;
        match store.create_new(&part) {
            // A dead process with the same process ID left this name.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            sink => return Ok((part, sink?)),
        }
    }
}

pub(super) fn ignore_not_found(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
