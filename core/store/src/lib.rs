//! Atomic files and folders, locks, and stores for tests.
//!
//! All persistent state is read and written through a [`Store`], which gives three guarantees:
//!
//! - **Writes are atomic.** A file is written beside its target, synced, and renamed over the
//!   target; a folder is built beside its target and swapped in. Killing the process at any moment
//!   leaves the old or the new content, and at worst a temporary file, which [`Store::sweep`]
//!   deletes at the next start.
//! - **No file can hang or crash the reader.** Only regular files are opened, lengths are checked
//!   before memory is allocated, and nothing is memory-mapped (truncating a mapped file kills the
//!   process).
//! - **Every failure is a [`StoreError`]** that names a remedy.
//!
//! [`DiskStore`] works on the file system, [`MemStore`] keeps everything in memory, and
//! [`FaultStore`] makes another store fail at a chosen step. They share the code for atomic
//! operations and differ in the [`Steps`] below it.
//!
//! A test of code that saves a file:
//!
//! ```
//! use nearsay_store::{Fault, FaultStore, MemStore, Store as _};
//!
//! let disk = MemStore::new();
//! let file = "settings.json".as_ref();
//! disk.write_atomic(file, b"old").unwrap();
//! for n in 1.. {
//!     let store = FaultStore::new(disk.snapshot());
//!     store.fail_step(n, Fault::Crash);
//!     let saved = store.write_atomic(file, b"new");
//!     if !store.fired() {
//!         saved.unwrap(); // every step has failed once
//!         break;
//!     }
//!     store.heal(); // the next start
//!     let found = store.read(file, 1000).unwrap();
//!     assert!(found == b"old" || found == b"new");
//! }
//! ```

use std::any::Any;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

mod disk;
mod error;
mod fault;
mod files;
mod mem;
mod names;
mod replace;
mod steps;
mod whole;

#[cfg(test)]
mod tests;

pub use disk::DiskStore;
pub use error::{ErrorKind, Operation, StoreError};
pub use fault::{Fault, FaultStore, Step};
pub use mem::MemStore;
pub use replace::Owned;
pub use steps::{Sink, Steps};

/// Storage for files and folders with atomic operations.
///
/// Paths are used as given and may lead out of a folder; callers must validate names from archives
/// and manifests.
///
/// # Errors
///
/// Operations fail with a [`StoreError`]. After an error the target is unchanged, unless only the
/// final sync failed; then it has the new content.
pub trait Store: Send + Sync + fmt::Debug {
    /// Reads a whole file of at most `limit` bytes.
    ///
    /// # Errors
    /// `TooLarge` before any memory is allocated; `NotARegularFile` for a folder, pipe or device,
    /// without blocking on it; `NoMemory`.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError>;

    /// Opens a file that may be too large for memory, at its start.
    ///
    /// # Errors
    /// `NotARegularFile` for a folder, pipe or device, without blocking on it.
    fn open(&self, path: &Path) -> Result<Box<dyn ReadSeek>, StoreError>;

    /// Returns kind, length and modification time; follows links.
    ///
    /// # Errors
    /// `NotFound` if the file or the target of a link doesn't exist.
    fn metadata(&self, path: &Path) -> Result<Metadata, StoreError>;

    /// Whether a path exists; follows links.
    ///
    /// # Errors
    /// When existence can't be determined, for instance because a parent folder isn't readable.
    fn exists(&self, path: &Path) -> Result<bool, StoreError> {
        match self.metadata(path) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::NotAFolder) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Lists a folder, sorted by name, without the store's temporary files.
    ///
    /// # Errors
    /// `NotFound`, `NotAFolder`, or a system error.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>, StoreError>;

    /// Creates a folder and its missing parents.
    ///
    /// # Errors
    /// `NotAFolder` when one of them exists as something else.
    fn create_dir_all(&self, dir: &Path) -> Result<(), StoreError>;

    /// Creates or replaces a file atomically.
    ///
    /// The folder must exist. A link itself is replaced, not its target.
    ///
    /// # Errors
    /// After an error the file is unchanged (or still missing), and no temporary file is left unless
    /// the process died. If only the last step, syncing the folder, failed, the file is replaced.
    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError>;

    /// Like [`Store::write_atomic`], for content that may be too large for memory: `fill` writes it
    /// piece by piece.
    ///
    /// # Errors
    /// As for `write_atomic`. Errors of `fill` are reported as write errors.
    fn write_stream(
        &self,
        path: &Path,
        fill: &mut dyn FnMut(&mut (dyn io::Write + Send)) -> io::Result<()>,
    ) -> Result<(), StoreError>;

    /// Appends `bytes` to a file, creating it if missing. When this returns, they survive a power
    /// loss.
    ///
    /// Writers must hold a lock, since only one may append at a time.
    ///
    /// # Errors
    /// After an error the addition is cut off again. If that fails too, or the process dies, part of
    /// `bytes` may stay at the end. Records should have a checksum, so that readers can drop a torn
    /// last record.
    fn append_sync(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError>;

    /// Copies a file atomically, without loading it whole.
    ///
    /// # Errors
    /// As for `write_atomic`; for `from`, also `NotFound` and `NotARegularFile`.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// Creates an empty hidden folder beside `to`, to be filled and passed to
    /// [`Store::rename_dir`].
    ///
    /// Sweeps skip the folder while the [`Staging`] exists. Afterwards, a sweep deletes a folder that
    /// was neither renamed nor removed.
    ///
    /// # Errors
    /// `BadName` when `to` has no name or one that is too long; system errors.
    fn stage_dir(&self, to: &Path) -> Result<Staging, StoreError>;

    /// Moves a finished folder to its final name, which must be missing or an empty folder.
    ///
    /// Both must be on the same file system, as [`Store::stage_dir`] ensures. All files in `from`
    /// must have been written by this store, so that they are synced.
    ///
    /// # Errors
    /// After an error the folder `to` is unchanged. `NotEmpty` when it has files; `NotAFolder` when
    /// either path is something else; `BadName` when the name of `to` is too long.
    fn rename_dir(&self, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// Replaces a folder by a finished one, and keeps all files of the old folder that aren't
    /// `owned` by its writer.
    ///
    /// `from` must be prepared as for [`Store::rename_dir`]. The old folder is moved aside, the new
    /// one is renamed, files that aren't owned are moved into it, and the rest of the old folder is
    /// deleted. If the process dies in between, [`Store::sweep`] or [`Store::recover`] restores the
    /// old folder or completes the replacement.
    ///
    /// # Errors
    /// After an error the folder `to` is unchanged (or still missing). `Taken` when a file that isn't
    /// owned has the same name as one in `from`; `ALink` when `to` is a link to a folder with files
    /// that aren't owned; `NotAFolder` when either path is something else; `BadName` when the name of
    /// `to` is too long.
    fn replace_dir(&self, from: &Path, to: &Path, owned: &Owned) -> Result<(), StoreError>;

    /// Completes an interrupted replacement of the folder `dir`, as [`Store::sweep`] does for all
    /// folders in a parent.
    ///
    /// # Errors
    /// System errors.
    fn recover(&self, dir: &Path) -> Result<(), StoreError>;

    /// Deletes a file, a link (not its target), or a folder with its content.
    ///
    /// A folder disappears as a whole; if deleting its content fails or is interrupted, a sweep
    /// deletes the rest. Deleting a missing path succeeds.
    ///
    /// # Errors
    /// System errors.
    fn remove(&self, path: &Path) -> Result<(), StoreError>;

    /// Locks a file across processes, creating it if missing.
    ///
    /// The lock is released when the guard is dropped or its process ends in any way. The file
    /// stays. Lock only files without content, since Windows prevents others from reading a locked
    /// file.
    ///
    /// # Errors
    /// `Held` immediately if the lock is held elsewhere; `Other` on network drives without locks.
    fn lock(&self, path: &Path) -> Result<LockGuard, StoreError>;

    /// Free space for a folder, in bytes.
    ///
    /// # Errors
    /// `NotFound`, or a system error.
    fn free_space(&self, dir: &Path) -> Result<u64, StoreError>;

    /// Cleans up after dead processes in `dir`, not in its subfolders: deletes stale temporary files
    /// and folders, and completes interrupted replacements of folders.
    ///
    /// Files that the writer doesn't own are moved into the folder that is in place. If that folder
    /// isn't the planned replacement, the old folder gets a name such as `NAME.recovered-1`.
    ///
    /// Call this when a program starts. Temporary files of running processes stay, as do files with
    /// similar names. A missing folder counts as clean.
    ///
    /// # Errors
    /// The first error, after trying all entries.
    fn sweep(&self, dir: &Path) -> Result<Swept, StoreError>;
}

/// A file opened for reading.
pub trait ReadSeek: io::Read + io::Seek + Send {}

impl<T: io::Read + io::Seek + Send> ReadSeek for T {}

/// Kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; never returned by operations that follow links.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// Metadata of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Kind of the entry.
    pub kind: FileKind,
    /// Length of a file in bytes; unspecified for other kinds.
    pub len: u64,
    /// Time of the last modification, if the system provides it.
    pub modified: Option<SystemTime>,
}

/// Entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the folder.
    pub name: OsString,
    /// Kind of the entry; links aren't followed.
    pub kind: FileKind,
    /// Length of a file in bytes; unspecified for other kinds.
    pub len: u64,
}

/// Guard that releases a lock when dropped.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard {
    path: PathBuf,
    _held: Box<dyn Any + Send + Sync>,
}

impl LockGuard {
    /// Creates a guard for the file `path` that releases the lock by dropping `held`.
    pub fn new(path: &Path, held: impl Any + Send + Sync) -> Self {
        Self {
            path: path.to_owned(),
            _held: Box::new(held),
        }
    }

    /// The locked file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockGuard").field(&self.path).finish()
    }
}

/// A hidden folder being filled, created by [`Store::stage_dir`].
#[derive(Debug)]
#[must_use = "a sweep may delete the folder once this is dropped"]
pub struct Staging {
    path: PathBuf,
    _hold: LockGuard,
}

impl Staging {
    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of temporary files and folders deleted.
    pub removed: usize,
    /// Folders restored because a swap was interrupted before the new folder was in place.
    pub restored: Vec<PathBuf>,
}
