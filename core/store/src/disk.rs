//! The file system of the operating system.
//!
//! Locks come from [`File::try_lock`]; the system releases them when the holder dies. Free space
//! comes from `fs4` and the exchange of names from `rustix`, since `std` provides neither.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::{Entry, ErrorKind, FileKind, LockGuard, Metadata, ReadSeek, Sink, Steps};

/// Store on the file system of the operating system.
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
                // The entry was deleted after the folder was opened.
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
        // Check before opening, since a pipe without a writer blocks and a device may react.
        check_regular(&fs::metadata(path)?)?;
        let file = File::open(path)?;
        check_regular(&file.metadata()?)?;
        Ok(Box::new(file))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        // Permissions follow the user's umask.
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // The lock only tells sweeps that the writer is alive; some network drives have no locks.
        file.try_lock().ok();
        Ok(Box::new(DiskSink {
            file,
            start: 0,
            new: true,
        }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let new = !check_regular_or_missing(path)?;
        // With `append(true)`, Windows refuses to truncate a failed addition.
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
        // On Windows a virus scanner or indexer may briefly have the file open.
        let mut retries = if cfg!(windows) { 10 } else { 0 };
        loop {
            match fs::rename(from, to) {
                Err(e) if retries > 0 && e.kind() == io::ErrorKind::PermissionDenied => {
                    retries -= 1;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                done => return done,
            }
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        use rustix::{
            fs::{CWD, RenameFlags, renameat_with},
            io::Errno,
        };
        renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(|error| match error {
            // The kernel or the file system can't.
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => io::ErrorKind::Unsupported.into(),
            error => error.into(),
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
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
            return Ok(()); // folders can't be opened, and needn't be synced
        }
        match File::open(dir)?.sync_all() {
            // Some network and FUSE file systems can't sync folders.
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
        check_regular_or_missing(path)?;
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

fn check_regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(ErrorKind::NotARegularFile.into())
    }
}

/// Whether a regular file exists; fails if the path is something else.
fn check_regular_or_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => check_regular(&metadata).map(|()| true),
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
        // `sync_data` includes the length; times and mode of an existing file needn't be synced.
        if self.new {
            self.file.sync_all()
        } else {
            self.file.sync_data()
        }
    }
}

/// Releases the lock on drop rather than on close, since a child process being started may share
/// the handle.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.unlock().ok();
    }
}
