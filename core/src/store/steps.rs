//! What a store asks of the system below it: single steps, each of which happens or fails.

use std::fmt;
use std::io;
use std::path::Path;

use super::{Entry, FileKind, LockGuard, Metadata, ReadSeek};

/// The single steps out of which every [`Store`](super::Store) operation is made.
///
/// Whatever implements this is a `Store`. The careful part (temporary file, sync, rename, undo)
/// is written once above these steps, so a [`FaultStore`](super::FaultStore) can break it between
/// any two of them. Only stores implement or call this; everything else uses `Store`.
///
/// # Errors
///
/// Steps fail with the system's error, or with an [`ErrorKind`](super::ErrorKind) inside an
/// [`io::Error`] where the system has no word for it.
#[expect(clippy::missing_errors_doc, reason = "told once, above")]
pub trait Steps: Send + Sync + fmt::Debug {
    /// Kind, length and time of change; follows links.
    fn stat(&self, path: &Path) -> io::Result<Metadata>;

    /// Kind of the entry itself; follows no link.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// All entries of a folder, in any order.
    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// A regular file from its start; anything else is refused without waiting for it.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>>;

    /// A new file, locked against [`Steps::try_lock`] while the sink lives, where locks exist.
    ///
    /// Fails with `AlreadyExists` when the name is taken.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// The end of a regular file, made empty if missing.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// One folder in an existing one.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;

    /// Another name for a file or folder, in one go; a file replaces a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// A file, a link (not what it points to), or a folder with all in it. Missing is an error.
    fn delete(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder survive a power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The lock of a file, made if missing; fails with `WouldBlock` when it is held.
    fn try_lock(&self, path: &Path) -> io::Result<LockGuard>;

    /// Bytes this user can still write in a folder.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// A file open for writing.
#[expect(clippy::missing_errors_doc, reason = "told at `Steps`")]
pub trait Sink: Send {
    /// Length when it was opened.
    fn start(&self) -> u64;

    /// Adds all of `bytes` at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file back to `len` bytes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Makes the content survive a power loss.
    fn sync(&mut self) -> io::Result<()>;
}
