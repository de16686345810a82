//! Whole operations made of single steps: every [`Steps`] is a [`Store`].

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::names::{self, Ours};
use super::replace;
use super::{
    Entry, ErrorKind, FileKind, LockGuard, Metadata, Operation, Owned, ReadSeek, Sink, Staging,
    Steps, Store, StoreError, Swept,
};

/// Read and copied at a time.
const PIECE: usize = 1 << 16;

impl<S: Steps + ?Sized> Store for S {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
        read_within(self, path, limit).map_err(at(Operation::Read, path))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadSeek>, StoreError> {
        self.open_read(path).map_err(at(Operation::Read, path))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, StoreError> {
        self.stat(path).map_err(at(Operation::Look, path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries(dir).map_err(at(Operation::List, dir))?;
        entries.retain(|entry| names::ours(&entry.name).is_none());
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StoreError> {
        make_all(self, dir).map_err(at(Operation::MakeFolder, dir))
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        replace_file(self, path, |sink| sink.write(bytes))
            .map_err(at(Operation::Write, path))
            .map_err(|e| with_sizes(self, e, bytes.len() as u64))
    }

    fn write_stream(
        &self,
        path: &Path,
        fill: &mut dyn FnMut(&mut (dyn io::Write + Send)) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let mut written = 0;
        let done = replace_file(self, path, |sink| {
            let to_sink = ToSink {
                sink,
                written: &mut written,
            };
            let mut writer = io::BufWriter::with_capacity(PIECE, to_sink);
            fill(&mut writer).and_then(|()| io::Write::flush(&mut writer))
        });
        done.map_err(at(Operation::Write, path))
            .map_err(|e| with_sizes(self, e, written))
    }

    fn append_sync(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        append(self, path, bytes)
            .map_err(at(Operation::Append, path))
            .map_err(|e| with_sizes(self, e, bytes.len() as u64))
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let mut source = self.open_read(from).map_err(at(Operation::Copy, from))?;
        let mut copied = 0;
        let done = replace_file(self, to, |sink| {
            pieces(&mut *source, |piece| {
                copied += piece.len() as u64;
                sink.write(piece)
            })
        });
        done.map_err(at(Operation::Copy, to)).map_err(|e| {
            let len = self.stat(from).map_or(copied, |m| m.len);
            with_sizes(self, e, len)
        })
    }

    fn stage_dir(&self, to: &Path) -> Result<Staging, StoreError> {
        stage(self, to).map_err(at(Operation::MakeFolder, to))
    }

    fn rename_dir(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        replace::rename_dir(self, from, to)
    }

    fn replace_dir(&self, from: &Path, to: &Path, owned: &Owned) -> Result<(), StoreError> {
        replace::replace_dir(self, from, to, owned)
    }

    fn recover(&self, dir: &Path) -> Result<(), StoreError> {
        replace::recover(self, dir).map_err(at(Operation::Sweep, dir))
    }

    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        remove(self, path).map_err(at(Operation::Remove, path))
    }

    fn lock(&self, path: &Path) -> Result<LockGuard, StoreError> {
        self.try_lock(path).map_err(at(Operation::Lock, path))
    }

    fn free_space(&self, dir: &Path) -> Result<u64, StoreError> {
        self.free_bytes(dir).map_err(at(Operation::FreeSpace, dir))
    }

    fn sweep(&self, dir: &Path) -> Result<Swept, StoreError> {
        sweep(self, dir)
    }
}

pub(super) fn at(what: Operation, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::new(what, path, error)
}

/// A sink as a writer.
struct ToSink<'a> {
    sink: &'a mut dyn Sink,
    /// Bytes so far, those that failed among them.
    written: &'a mut u64,
}

impl io::Write for ToSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.written += bytes.len() as u64;
        self.sink.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds the numbers to the message that the disk is full.
fn with_sizes<S: Steps + ?Sized>(store: &S, mut error: StoreError, needed: u64) -> StoreError {
    if let ErrorKind::Full { .. } = error.kind {
        error.kind = ErrorKind::Full {
            needed: Some(needed),
            free: store.free_bytes(names::parent(&error.path)).ok(),
        };
    }
    error
}

pub(super) fn read_within<S: Steps + ?Sized>(
    store: &S,
    path: &Path,
    limit: u64,
) -> io::Result<Vec<u8>> {
    let metadata = store.stat(path)?;
    if metadata.kind != FileKind::File {
        return Err(ErrorKind::NotARegularFile.into());
    }
    let mut bytes = Vec::new();
    let admit = |bytes: &mut Vec<u8>, more: u64| -> io::Result<()> {
        let len = (bytes.len() as u64).saturating_add(more);
        if len > limit {
            return Err(ErrorKind::TooLarge { len, limit }.into());
        }
        usize::try_from(more)
            .ok()
            .and_then(|more| bytes.try_reserve(more).ok())
            .ok_or_else(|| ErrorKind::NoMemory { needed: len }.into())
    };
    admit(&mut bytes, metadata.len)?;
    // The length may have changed since, and files of the system report none: go by what comes.
    pieces(&mut *store.open_read(path)?, |piece| {
        admit(&mut bytes, piece.len() as u64)?;
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(bytes)
}

/// Hands over all that `source` still has, a piece at a time.
fn pieces(
    source: &mut dyn ReadSeek,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => take(piece.get(..n).unwrap_or(&piece))?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

pub(super) fn make_all<S: Steps + ?Sized>(store: &S, dir: &Path) -> io::Result<()> {
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
            // Somebody else was faster.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        store.sync_dir(names::parent(folder))?;
    }
    Ok(())
}

/// A file under a temporary name, filled, synced, and renamed over `path`.
pub(super) fn replace_file<S: Steps + ?Sized>(
    store: &S,
    path: &Path,
    fill: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    // Renaming over a device or a pipe would put a file in its place.
    match store.stat(path) {
        Ok(metadata) if metadata.kind != FileKind::File => {
            return Err(ErrorKind::NotARegularFile.into());
        }
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let (part, mut sink) = create_part(store, path)?;
    let renamed = fill(&mut *sink).and_then(|()| sink.sync()).and_then(|()| {
        // Open, and so locked against a sweep, until it has its name; but Windows would then keep
        // readers out of the new file for a moment.
        let _open = (!cfg!(windows)).then_some(sink);
        store.rename(&part, path)
    });
    if renamed.is_err() {
        store.delete(&part).ok(); // the first error is the one to tell
    }
    renamed?;
    store.sync_dir(names::parent(path))
}

fn create_part<S: Steps + ?Sized>(store: &S, path: &Path) -> io::Result<(PathBuf, Box<dyn Sink>)> {
    loop {
        let part = names::part(path)?;
        match store.create_new(&part) {
            // Left by a dead process that had the same number.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            sink => return Ok((part, sink?)),
        }
    }
}

fn append<S: Steps + ?Sized>(store: &S, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut sink = store.open_append(path)?;
    let written = sink.write(bytes).and_then(|()| sink.sync());
    if written.is_err() {
        // Else the next line would be glued to half of this one.
        sink.truncate(sink.start()).ok();
    }
    written?;
    if sink.start() == 0 {
        store.sync_dir(names::parent(path))?; // it may be new
    }
    Ok(())
}

fn stage<S: Steps + ?Sized>(store: &S, to: &Path) -> io::Result<Staging> {
    names::old(to)?; // better now than when the folder is full
    loop {
        let path = names::part(to)?;
        let hold = names::hold_of(&path).ok_or(ErrorKind::BadName)?;
        let guard = match store.try_lock(&hold) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
            guard => guard?,
        };
        match store.make_dir(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => {
                store.delete(&hold).ok();
                return Err(e);
            }
            // No sync: the folder need not last before it has its final name.
            Ok(()) => return Ok(Staging { path, _hold: guard }),
        }
    }
}

fn remove<S: Steps + ?Sized>(store: &S, path: &Path) -> io::Result<()> {
    let kind = match store.kind(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        kind => kind?,
    };
    let staged = names::hold_of(path);
    if kind == FileKind::Folder && staged.is_none() {
        // Gone in one go; then its content, at leisure.
        let part = names::part(path)?;
        store.rename(path, &part)?;
        store.sync_dir(names::parent(path))?;
        return missing_is_fine(store.delete(&part));
    }
    missing_is_fine(store.delete(path))?;
    if let Some(hold) = staged {
        missing_is_fine(store.delete(&hold))?;
    }
    store.sync_dir(names::parent(path))
}

pub(super) fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn sweep<S: Steps + ?Sized>(store: &S, dir: &Path) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let entries = match store.entries(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(swept),
        entries => entries.map_err(at(Operation::Sweep, dir))?,
    };
    let held: BTreeSet<PathBuf> = entries
        .iter()
        .filter(|entry| matches!(names::ours(&entry.name), Some(Ours::Hold)))
        .filter_map(|entry| names::part_of(&dir.join(&entry.name)))
        .collect();
    let mut first = None;
    for entry in entries {
        let path = dir.join(&entry.name);
        let done = match (names::ours(&entry.name), entry.kind) {
            (Some(Ours::Part), FileKind::File) => sweep_locked(store, &path, None),
            (Some(Ours::Hold), FileKind::File) => {
                sweep_locked(store, &path, names::part_of(&path).as_deref())
            }
            // Without a hold it was being deleted.
            (Some(Ours::Part), FileKind::Folder) if !held.contains(&path) => {
                missing_is_fine(store.delete(&path)).map(|()| 1)
            }
            (Some(Ours::Old), FileKind::Folder | FileKind::Link) => {
                end_swap(store, &path, &mut swept.restored)
            }
            _ => Ok(0),
        };
        match done {
            Ok(removed) => swept.removed += removed,
            Err(e) => {
                first.get_or_insert_with(|| StoreError::new(Operation::Sweep, &path, e));
            }
        }
    }
    if (swept.removed > 0 || !swept.restored.is_empty()) && first.is_none() {
        store.sync_dir(dir).map_err(at(Operation::Sweep, dir))?;
    }
    first.map_or(Ok(swept), Err)
}

/// Deletes `path`, and before it `with`, unless a living process has it locked.
fn sweep_locked<S: Steps + ?Sized>(
    store: &S,
    path: &Path,
    with: Option<&Path>,
) -> io::Result<usize> {
    let _lock = match store.try_lock(path) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(0),
        lock => lock?,
    };
    if let Some(with) = with {
        missing_is_fine(store.delete(with))?;
    }
    missing_is_fine(store.delete(path)).map(|()| 1)
}

fn end_swap<S: Steps + ?Sized>(
    store: &S,
    old: &Path,
    restored: &mut Vec<PathBuf>,
) -> io::Result<usize> {
    let Some(target) = names::target_of_old(old) else {
        return Ok(0);
    };
    match replace::end(store, old, &target)? {
        true => {
            restored.push(target);
            Ok(0)
        }
        false => Ok(1),
    }
}
