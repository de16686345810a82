//! The real disk.
//!
//! Locks are `std`'s ([`File::try_lock`]): freed by the system when their holder dies, however it
//! dies. Free space is not in `std`; it comes from `fs4`, which is maintained, covers Unix and
//! Windows without C, and on Unix is a thin layer over `rustix`, which the app needs anyway.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::{Entry, ErrorKind, FileKind, LockGuard, Metadata, ReadSeek, Sink, Steps};

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskStore;

impl Steps for DiskStore {
    fn stat(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = fs::metadata(path)?;
        Ok(Metadata {
            kind: kind_of(metadata.file_type()),
            len: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        Ok(kind_of(fs::symlink_metadata(path)?.file_type()))
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Deleted since the folder was opened.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            entries.push(Entry {
                name: entry.file_name(),
                kind: kind_of(metadata.file_type()),
                len: metadata.len(),
            });
        }
        Ok(entries)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        // Before opening: a pipe without a writer would hang, a device might act on being opened.
        regular(&fs::metadata(path)?)?;
        let file = File::open(path)?;
        regular(&file.metadata()?)?;
        Ok(Box::new(file))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        // The default mode, 0666 less the umask: others may read what we write, if the user's
        // system is set so.
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // Only to tell a sweep that the writer lives; some network drives have no locks.
        file.try_lock().ok();
        Ok(Box::new(DiskSink {
            file,
            start: 0,
            new: true,
        }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let new = !regular_or_missing(path)?;
        // Not `append(true)`: Windows would then refuse to cut off a failed addition.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Box::new(DiskSink { file, start, new }))
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // On Windows a virus scanner or indexer may have the file open for a moment.
        let mut patience = if cfg!(windows) { 10 } else { 0 };
        loop {
            match fs::rename(from, to) {
                Err(e) if patience > 0 && e.kind() == io::ErrorKind::PermissionDenied => {
                    patience -= 1;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                done => return done,
            }
        }
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        match self.kind(path)? {
            FileKind::Folder => fs::remove_dir_all(path),
            // Windows deletes a link to a folder as a folder.
            FileKind::Link => fs::remove_file(path).or_else(|_| fs::remove_dir(path)),
            FileKind::File | FileKind::Other => fs::remove_file(path),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if cfg!(windows) {
            return Ok(()); // a folder cannot be opened there, and need not be
        }
        match File::open(dir)?.sync_all() {
            // Some network and FUSE file systems have no such thing.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockGuard> {
        regular_or_missing(path)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(LockGuard::new(path, Locked(file))),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        fs4::available_space(dir)
    }
}

fn kind_of(file_type: fs::FileType) -> FileKind {
    if file_type.is_symlink() {
        FileKind::Link
    } else if file_type.is_dir() {
        FileKind::Folder
    } else if file_type.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

fn regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(ErrorKind::NotARegularFile.into())
    }
}

/// Whether there is a file; anything else than a file or nothing is refused.
fn regular_or_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => regular(&metadata).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

struct DiskSink {
    file: File,
    start: u64,
    new: bool,
}

impl Sink for DiskSink {
    fn start(&self) -> u64 {
        self.start
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Length is written with the data; times and mode of an old file can wait.
        if self.new {
            self.file.sync_all()
        } else {
            self.file.sync_data()
        }
    }
}

/// Unlocks on drop rather than on close: a child process just being started may share the handle.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.unlock().ok();
    }
}
