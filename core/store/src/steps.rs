//! The file system below a store, as single steps that succeed or fail as a whole.

use std::fmt;
use std::io;
use std::path::Path;

use super::{Entry, FileKind, LockGuard, Metadata, ReadSeek};

/// File system steps of which all [`Store`](super::Store) operations consist.
///
/// Every type that implements `Steps` is a `Store`. The atomic operations are implemented once on
/// top of these steps, so that a [`FaultStore`](super::FaultStore) can interrupt them between any
/// two steps. Only stores should implement or call this trait; other code uses `Store`.
///
/// # Errors
///
/// Steps fail with a system error, or with an [`io::Error`] that wraps an
/// [`ErrorKind`](super::ErrorKind).
#[expect(clippy::missing_errors_doc, reason = "documented at the trait")]
pub trait Steps: Send + Sync + fmt::Debug {
    /// Returns kind, length and modification time; follows links.
    fn stat(&self, path: &Path) -> io::Result<Metadata>;

    /// Returns the kind of the entry itself; doesn't follow links.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// Lists all entries of a folder in any order.
    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// Opens a regular file at its start; rejects anything else without blocking.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>>;

    /// Creates a file, locked against [`Steps::try_lock`] while the sink exists, if the system
    /// supports locks.
    ///
    /// Fails with `AlreadyExists` if the name is taken.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// Opens a regular file at its end, creating it if missing.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// Creates a folder in an existing one.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;

    /// Renames a file or folder atomically; a file replaces a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Exchanges the names of two existing entries in one step, if the system can; fails with
    /// `Unsupported` if not.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Deletes a file, a link (not its target), or a folder with its content; fails if missing.
    fn delete(&self, path: &Path) -> io::Result<()>;

    /// Syncs the names in a folder, so that they survive a power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Locks a file, creating it if missing; fails with `WouldBlock` if the lock is held.
    fn try_lock(&self, path: &Path) -> io::Result<LockGuard>;

    /// Returns the free space for the user in bytes.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// A file opened for writing.
#[expect(clippy::missing_errors_doc, reason = "documented at `Steps`")]
pub trait Sink: Send {
    /// Length of the file when it was opened.
    fn start(&self) -> u64;

    /// Appends all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Truncates the file to `len` bytes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Syncs the content, so that it survives a power loss.
    fn sync(&mut self) -> io::Result<()>;
}
