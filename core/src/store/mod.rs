//! The one door to disk.
//!
//! All state that Nearsay keeps is read and written through a [`Store`], so that three promises
//! are kept, and tested, in one place:
//!
//! - **Old or new, never mixed.** A file is written beside its target, synced, and renamed over
//!   it; a folder is built beside its target and swapped in. Killing the process at any moment
//!   leaves the former or the new content, and at worst a stray temporary file, which
//!   [`Store::sweep`] clears away at the next start.
//! - **No input can hang or crash the reader.** Only regular files are opened, lengths are
//!   checked before memory is taken, nothing is memory-mapped (a mapped file that another program
//!   cuts short kills the process).
//! - **Every failure is told**, as a [`StoreError`] with words to act on.
//!
//! There are three of them: [`DiskStore`] is the real thing, [`MemStore`] keeps everything in
//! memory, and [`FaultStore`] makes another one fail at a chosen step. All share the code that
//! does the careful part; they differ in the [`Steps`] below it.
//!
//! A test of anything that saves then looks like this:
//!
//! ```
//! use nearsay_core::store::{Fault, FaultStore, MemStore, Store as _};
//!
//! let disk = MemStore::new();
//! let file = "settings.json".as_ref();
//! disk.write_atomic(file, b"old").unwrap();
//! for n in 1.. {
//!     let store = FaultStore::new(disk.snapshot());
//!     store.fail_step(n, Fault::Crash);
//!     let saved = store.write_atomic(file, b"new");
//!     if !store.fired() {
//!         saved.unwrap(); // all steps were tried
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

/// Where files and folders are kept.
///
/// Paths are used as given; none is checked for leading out of a folder. Who takes names from an
/// archive or a manifest checks them first.
///
/// # Errors
///
/// Every operation fails with a [`StoreError`]. After an error the target is as it was before, or,
/// if only the last sync failed, as it should be.
pub trait Store: Send + Sync + fmt::Debug {
    /// A whole file of at most `limit` bytes.
    ///
    /// # Errors
    /// `TooLarge` before any memory is taken; `NotARegularFile` for a folder, pipe or device,
    /// without waiting for it; `NoMemory`.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError>;

    /// A file from its start, for what is too large for memory.
    ///
    /// # Errors
    /// `NotARegularFile` for a folder, pipe or device, without waiting for it.
    fn open(&self, path: &Path) -> Result<Box<dyn ReadSeek>, StoreError>;

    /// Kind, length and time of change; follows links.
    ///
    /// # Errors
    /// `NotFound` if there is nothing, or a link to nothing.
    fn metadata(&self, path: &Path) -> Result<Metadata, StoreError>;

    /// Whether there is anything of this name; follows links.
    ///
    /// # Errors
    /// When the answer cannot be had, for instance because a folder on the way may not be read.
    fn exists(&self, path: &Path) -> Result<bool, StoreError> {
        match self.metadata(path) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::NotAFolder) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// What is in a folder, sorted by name. Our own temporary names are left out.
    ///
    /// # Errors
    /// `NotFound`, `NotAFolder`, or the system's.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>, StoreError>;

    /// A folder and all folders above it that are missing.
    ///
    /// # Errors
    /// `NotAFolder` when something else has one of these names.
    fn create_dir_all(&self, dir: &Path) -> Result<(), StoreError>;

    /// Replaces or makes a file, in one go.
    ///
    /// The folder must exist. A link is replaced itself, not what it points to.
    ///
    /// # Errors
    /// The file is then the old one (or still missing), and no temporary file is left unless the
    /// process died. Only if the very last step, syncing the folder, failed is it the new one.
    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError>;

    /// As [`Store::write_atomic`], for what is too large for memory: `fill` writes it, bit by bit.
    ///
    /// # Errors
    /// As `write_atomic`; an error of `fill` is told as one of writing.
    fn write_stream(
        &self,
        path: &Path,
        fill: &mut dyn FnMut(&mut (dyn io::Write + Send)) -> io::Result<()>,
    ) -> Result<(), StoreError>;

    /// Adds `bytes` at the end of a file, made if missing; on return they survive a power loss.
    ///
    /// One writer at a time: hold a lock.
    ///
    /// # Errors
    /// What was added is cut off again. If that fails too, or the process dies, a part of `bytes`
    /// may stay at the end: give each record a checksum and drop a torn last one when reading.
    fn append_sync(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError>;

    /// Copies a file as [`Store::write_atomic`] would write it, a piece at a time.
    ///
    /// # Errors
    /// As `write_atomic`; about `from` only `NotFound` and `NotARegularFile` are told by name.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// A new empty hidden folder beside `to`, to be filled and then given to
    /// [`Store::rename_dir`].
    ///
    /// While the [`Staging`] lives, no sweep touches the folder. Once it is dropped, a folder not
    /// yet renamed or removed is a stray.
    ///
    /// # Errors
    /// `BadName` when `to` has no or too long a name; the system's.
    fn stage_dir(&self, to: &Path) -> Result<Staging, StoreError>;

    /// Gives a finished folder its final name, which may be that of an empty folder.
    ///
    /// Both must be on the same disk; [`Store::stage_dir`] sees to that. All files in `from` must
    /// have been written by this store, so that they are synced.
    ///
    /// # Errors
    /// The folder `to` is then as it was. `NotEmpty` when there is something in it; `NotAFolder` when
    /// either is something else; `BadName` when the name of `to` is too long.
    fn rename_dir(&self, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// Gives a finished folder the name of another, and takes along all files of that one that are
    /// not `owned` by its writer: only owned files are removed.
    ///
    /// As [`Store::rename_dir`] otherwise. While a folder is being replaced there is a moment without
    /// one, and then one in which the other files come back: the old folder is moved aside, the new
    /// one renamed, the other files moved, the rest removed. When a process dies meanwhile,
    /// [`Store::sweep`] or [`Store::recover`] puts the old folder back or does the rest.
    ///
    /// # Errors
    /// The folder `to` is then the old one (or still missing). `Taken` when a file that is not owned
    /// has the name of one in `from`; `ALink` when `to` is a link to a folder with files that are not
    /// owned; `NotAFolder` when either is something else; `BadName` when the name of `to` is too long.
    fn replace_dir(&self, from: &Path, to: &Path, owned: &Owned) -> Result<(), StoreError>;

    /// Ends a replacement of this folder that was cut off, as [`Store::sweep`] does for all folders
    /// in one.
    ///
    /// # Errors
    /// The system's.
    fn recover(&self, dir: &Path) -> Result<(), StoreError>;

    /// Deletes a file, a link (not what it points to), or a folder with all in it.
    ///
    /// A folder disappears as a whole; should deleting its content fail or be cut off, a sweep
    /// does the rest. Deleting what is not there is no error.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> Result<(), StoreError>;

    /// The lock of a file, made if missing: one holder at a time, in all processes.
    ///
    /// Freed when the guard is dropped or its process ends, however it ends. The file stays.
    /// Use a file that serves only as a lock: Windows lets nobody else read a locked one.
    ///
    /// # Errors
    /// `Held` at once if somebody else has it; `Other` on network drives that know no locks.
    fn lock(&self, path: &Path) -> Result<LockGuard, StoreError>;

    /// Bytes that can still be written in a folder.
    ///
    /// # Errors
    /// `NotFound`, or the system's.
    fn free_space(&self, dir: &Path) -> Result<u64, StoreError>;

    /// Clears away what dead processes left in `dir`, but not in the folders in it: deletes stray
    /// temporary files and folders, and ends folder swaps that were cut off. Files that were not the
    /// writer's are moved into the folder that is in place; where that folder is not the one that
    /// was to replace them, the former folder gets a name like `NAME.recovered-1`.
    ///
    /// For the start of a program. What a living process is writing stays, as do files that only
    /// look similar. A missing folder is clean.
    ///
    /// # Errors
    /// The first one; all entries have been tried.
    fn sweep(&self, dir: &Path) -> Result<Swept, StoreError>;
}

/// A file open for reading.
pub trait ReadSeek: io::Read + io::Seek + Send {}

impl<T: io::Read + io::Seek + Send> ReadSeek for T {}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; never seen where links are followed.
    Link,
    /// A pipe, a socket, a device.
    Other,
}

/// What is known of a file or folder without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Length of a file in bytes; says nothing for anything else.
    pub len: u64,
    /// Last change, where the system knows it.
    pub modified: Option<SystemTime>,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the folder.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: FileKind,
    /// Length of a file in bytes; says nothing for anything else.
    pub len: u64,
}

/// Holds a lock until it is dropped.
#[must_use = "the lock is freed when this is dropped"]
pub struct LockGuard {
    path: PathBuf,
    _held: Box<dyn Any + Send + Sync>,
}

impl LockGuard {
    /// A guard of the file `path` that frees the lock by dropping `held`.
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

/// A hidden folder being filled; from [`Store::stage_dir`].
#[derive(Debug)]
#[must_use = "the folder is a stray once this is dropped"]
pub struct Staging {
    path: PathBuf,
    _hold: LockGuard,
}

impl Staging {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Stray temporary files and folders deleted.
    pub removed: usize,
    /// Folders put back because a swap had been cut off before the new one was in place.
    pub restored: Vec<PathBuf>,
}
