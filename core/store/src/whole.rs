//! Atomic operations composed of single steps, for every type that implements [`Steps`].

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{
    CHUNK, create_dirs, for_each_chunk, ignore_not_found, read_limited, replace_file, with_context,
};
use super::names::{self, TempName};
use super::replace;
use super::{
    Entry, ErrorKind, FileKind, LockGuard, Metadata, Operation, Owned, ReadSeek, Sink, Staging,
    Steps, Store, StoreError, Swept,
};

impl<S: Steps + ?Sized> Store for S {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
        read_limited(self, path, limit).map_err(with_context(Operation::Read, path))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadSeek>, StoreError> {
        self.open_read(path)
            .map_err(with_context(Operation::Read, path))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, StoreError> {
        self.stat(path).map_err(with_context(Operation::Look, path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self
            .entries(dir)
            .map_err(with_context(Operation::List, dir))?;
        entries.retain(|entry| names::classify_name(&entry.name).is_none());
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StoreError> {
        create_dirs(self, dir).map_err(with_context(Operation::MakeFolder, dir))
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        replace_file(self, path, |sink| sink.write(bytes))
            .map_err(with_context(Operation::Write, path))
            .map_err(|e| add_sizes(self, e, bytes.len() as u64))
    }

    fn write_stream(
        &self,
        path: &Path,
        fill: &mut dyn FnMut(&mut (dyn io::Write + Send)) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let mut written = 0;
        let done = replace_file(self, path, |sink| {
            let sink_writer = SinkWriter {
                sink,
                written: &mut written,
            };
            let mut writer = io::BufWriter::with_capacity(CHUNK, sink_writer);
            fill(&mut writer).and_then(|()| io::Write::flush(&mut writer))
        });
        done.map_err(with_context(Operation::Write, path))
            .map_err(|e| add_sizes(self, e, written))
    }

    fn append_sync(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        append_bytes(self, path, bytes)
            .map_err(with_context(Operation::Append, path))
            .map_err(|e| add_sizes(self, e, bytes.len() as u64))
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let mut source = self
            .open_read(from)
            .map_err(with_context(Operation::Copy, from))?;
        let mut copied = 0;
        let done = replace_file(self, to, |sink| {
            for_each_chunk(&mut *source, |chunk| {
                copied += chunk.len() as u64;
                sink.write(chunk)
            })
        });
        done.map_err(with_context(Operation::Copy, to))
            .map_err(|e| {
                let len = self.stat(from).map_or(copied, |m| m.len);
                add_sizes(self, e, len)
            })
    }

    fn stage_dir(&self, to: &Path) -> Result<Staging, StoreError> {
        create_staging(self, to).map_err(with_context(Operation::MakeFolder, to))
    }

    fn rename_dir(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        replace::rename_dir(self, from, to)
    }

    fn replace_dir(&self, from: &Path, to: &Path, owned: &Owned) -> Result<(), StoreError> {
        replace::replace_dir(self, from, to, owned)
    }

    fn recover(&self, dir: &Path) -> Result<(), StoreError> {
        replace::recover(self, dir).map_err(with_context(Operation::Sweep, dir))
    }

    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        remove_path(self, path).map_err(with_context(Operation::Remove, path))
    }

    fn lock(&self, path: &Path) -> Result<LockGuard, StoreError> {
        self.try_lock(path)
            .map_err(with_context(Operation::Lock, path))
    }

    fn free_space(&self, dir: &Path) -> Result<u64, StoreError> {
        self.free_bytes(dir)
            .map_err(with_context(Operation::FreeSpace, dir))
    }

    fn sweep(&self, dir: &Path) -> Result<Swept, StoreError> {
        sweep_dir(self, dir)
    }
}

/// Adapter from [`Sink`] to [`io::Write`].
struct SinkWriter<'a> {
    sink: &'a mut dyn Sink,
    /// Number of bytes so far, including those of failed writes.
    written: &'a mut u64,
}

impl io::Write for SinkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.written += bytes.len() as u64;
        self.sink.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds the needed and free space to a `Full` error.
fn add_sizes<S: Steps + ?Sized>(store: &S, mut error: StoreError, needed: u64) -> StoreError {
    if let ErrorKind::Full { .. } = error.kind {
        error.kind = ErrorKind::Full {
            needed: Some(needed),
            free: store.free_bytes(names::parent_dir(&error.path)).ok(),
        };
    }
    error
}

fn append_bytes<S: Steps + ?Sized>(store: &S, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut sink = store.open_append(path)?;
    let written = sink.write(bytes).and_then(|()| sink.sync());
    if written.is_err() {
        // Without truncation, the next record would follow a torn one.
        sink.truncate(sink.start()).ok();
    }
    written?;
    if sink.start() == 0 {
        store.sync_dir(names::parent_dir(path))?; // the file may be new
    }
    Ok(())
}

fn create_staging<S: Steps + ?Sized>(store: &S, to: &Path) -> io::Result<Staging> {
    names::old_path(to)?; // fail before the folder is filled
    loop {
        let path = names::part_path(to)?;
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
            // No sync, since the folder needn't survive before it has its final name.
            Ok(()) => return Ok(Staging { path, _hold: guard }),
        }
    }
}

fn remove_path<S: Steps + ?Sized>(store: &S, path: &Path) -> io::Result<()> {
    let kind = match store.kind(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        kind => kind?,
    };
    let staged = names::hold_of(path);
    if kind == FileKind::Folder && staged.is_none() {
        // Rename the folder first, so that it disappears atomically; then delete its content.
        let part = names::part_path(path)?;
        store.rename(path, &part)?;
        store.sync_dir(names::parent_dir(path))?;
        return ignore_not_found(store.delete(&part));
    }
    ignore_not_found(store.delete(path))?;
    if let Some(hold) = staged {
        ignore_not_found(store.delete(&hold))?;
    }
    store.sync_dir(names::parent_dir(path))
}

fn sweep_dir<S: Steps + ?Sized>(store: &S, dir: &Path) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let entries = match store.entries(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(swept),
        entries => entries.map_err(with_context(Operation::Sweep, dir))?,
    };
    let held: BTreeSet<PathBuf> = entries
        .iter()
        .filter(|entry| matches!(names::classify_name(&entry.name), Some(TempName::Hold)))
        .filter_map(|entry| names::part_of(&dir.join(&entry.name)))
        .collect();
    let mut first = None;
    for entry in entries {
        let path = dir.join(&entry.name);
        let done = match (names::classify_name(&entry.name), entry.kind) {
            (Some(TempName::Part), FileKind::File) => sweep_locked(store, &path, None),
            (Some(TempName::Hold), FileKind::File) => {
                sweep_locked(store, &path, names::part_of(&path).as_deref())
            }
            // A folder without a hold file was being deleted.
            (Some(TempName::Part), FileKind::Folder) if !held.contains(&path) => {
                ignore_not_found(store.delete(&path)).map(|()| 1)
            }
            (Some(TempName::Old), FileKind::Folder | FileKind::Link) => {
                complete_swap(store, &path, &mut swept.restored)
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
        store
            .sync_dir(dir)
            .map_err(with_context(Operation::Sweep, dir))?;
    }
    first.map_or(Ok(swept), Err)
}

/// Deletes `with` and then `path`, unless a running process holds the lock of `path`.
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
        ignore_not_found(store.delete(with))?;
    }
    ignore_not_found(store.delete(path)).map(|()| 1)
}

/// Completes an interrupted replacement; returns the number of folders deleted.
fn complete_swap<S: Steps + ?Sized>(
    store: &S,
    old: &Path,
    restored: &mut Vec<PathBuf>,
) -> io::Result<usize> {
    let Some(target) = names::target_of_old(old) else {
        return Ok(0);
    };
    if replace::is_being_replaced(store, &target, None) {
        return Ok(0);
    }
    if replace::complete_replacement(store, old, &target)? {
        restored.push(target);
        Ok(0)
    } else {
        Ok(1)
    }
}
