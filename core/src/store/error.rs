//! What can go wrong at the door to disk, in words a user can act on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reading a file.
    Read,
    /// Asking for kind, length or time of change.
    Look,
    /// Listing a folder.
    List,
    /// Making a folder.
    MakeFolder,
    /// Writing a whole file.
    Write,
    /// Adding to the end of a file.
    Append,
    /// Copying a file.
    Copy,
    /// Giving a folder its final name.
    Move,
    /// Deleting a file or a folder.
    Remove,
    /// Taking a lock.
    Lock,
    /// Asking how much space is free.
    FreeSpace,
    /// Clearing away what an earlier run left behind.
    Sweep,
}

impl Operation {
    /// Fits after "Cannot".
    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Look => "look this up",
            Self::List => "list the folder",
            Self::MakeFolder => "make the folder",
            Self::Write => "save",
            Self::Append => "add to the file",
            Self::Copy => "copy",
            Self::Move => "put the folder in place",
            Self::Remove => "delete",
            Self::Lock => "take the lock",
            Self::FreeSpace => "ask for free space",
            Self::Sweep => "clear away old temporary files",
        }
    }
}

/// Why it failed, as far as a caller or a user can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing has this name, or the folder it should be in is missing.
    NotFound,
    /// The system does not allow it, or the disk is read-only.
    Denied,
    /// No room left on the disk, or the user's quota is used up. Numbers are bytes, where known.
    Full {
        /// How much the whole operation needs.
        needed: Option<u64>,
        /// How much was free after the failure.
        free: Option<u64>,
    },
    /// The file is longer than the caller accepts.
    TooLarge {
        /// Length of the file in bytes, as far as it was read.
        len: u64,
        /// Longest length accepted.
        limit: u64,
    },
    /// The file fits the limit, but memory for it could not be had.
    NoMemory {
        /// Bytes asked for.
        needed: u64,
    },
    /// A folder, a pipe, a device or the like where a file is needed.
    NotARegularFile,
    /// Something else where a folder is needed.
    NotAFolder,
    /// A folder with files in it where a missing or empty one is needed.
    NotEmpty,
    /// A file or folder of another writer has the name of one that is to be written.
    Taken,
    /// A symbolic link to a folder that holds files of other writers.
    ALink,
    /// Not usable as a name: empty, too long, or of characters the system refuses.
    BadName,
    /// Somebody else holds the lock.
    Held,
    /// A [`FaultStore`](super::FaultStore) has crashed on purpose.
    Crashed,
    /// Anything else; the source tells.
    Other,
}

impl ErrorKind {
    fn of(error: &io::Error) -> Self {
        if let Some(kind) = error.get_ref().and_then(|e| e.downcast_ref::<Self>()) {
            return *kind;
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                needed: None,
                free: None,
            },
            io::ErrorKind::IsADirectory => Self::NotARegularFile,
            io::ErrorKind::NotADirectory => Self::NotAFolder,
            io::ErrorKind::InvalidFilename => Self::BadName,
            io::ErrorKind::WouldBlock => Self::Held,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "it does not exist",
            Self::Denied => "permission is missing",
            Self::Full { .. } => "the disk is full",
            Self::TooLarge { .. } => "the file is too large",
            Self::NoMemory { .. } => "there is not enough memory",
            Self::NotARegularFile => "it is not an ordinary file",
            Self::NotAFolder => "it is not a folder",
            Self::NotEmpty => "there are files in it",
            Self::Taken => "Nearsay needs this name, and the file here was not written by it",
            Self::ALink => "it is a link to a folder with other files in it",
            Self::BadName => "the name cannot be used",
            Self::Held => "it is in use elsewhere",
            Self::Crashed => "a crash was simulated",
            Self::Other => "the system reported an error",
        })
    }
}

impl std::error::Error for ErrorKind {}

/// Lets a [`Steps`](super::Steps) implementation report a kind the system has no word for.
impl From<ErrorKind> for io::Error {
    fn from(kind: ErrorKind) -> Self {
        Self::other(kind)
    }
}

/// An operation of a [`Store`](super::Store) that failed.
///
/// Displayed, it says what happened and what to do next; the path comes last.
///
/// ```
/// # use nearsay_core::store::{MemStore, Store as _, StoreError, ErrorKind};
/// let error: StoreError = MemStore::new().read("faq.csv".as_ref(), 100).unwrap_err();
/// assert_eq!(error.kind, ErrorKind::NotFound);
/// assert_eq!(
///     error.to_string(),
///     "Cannot read: it does not exist. Check whether it was moved or renamed: faq.csv"
/// );
/// ```
#[derive(Debug)]
pub struct StoreError {
    /// What was being done.
    pub what: Operation,
    /// To which file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub kind: ErrorKind,
    /// The system's own error, where there was one.
    pub source: Option<io::Error>,
}

impl StoreError {
    pub(crate) fn new(what: Operation, path: &Path, error: io::Error) -> Self {
        let kind = ErrorKind::of(&error);
        let ours = error.get_ref().is_some_and(|e| e.is::<ErrorKind>());
        Self {
            what,
            path: path.to_owned(),
            kind,
            source: (!ours).then_some(error),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.what.verb();
        match self.kind {
            ErrorKind::Full { needed, free } => {
                f.write_str("The disk is full")?;
                match (needed, free) {
                    (Some(needed), Some(free)) => write!(
                        f,
                        ": {} are needed and {} are free",
                        size(needed, true),
                        size(free, false)
                    )?,
                    (Some(needed), None) => write!(f, ": {} are needed", size(needed, true))?,
                    (None, Some(free)) => write!(f, ": {} are free", size(free, false))?,
                    (None, None) => {}
                }
                f.write_str(". Free some space and try again")?;
            }
            ErrorKind::TooLarge { len, limit } => write!(
                f,
                "Cannot {verb}: the file has {}, and at most {} are read. Choose a smaller file",
                size(len, true),
                size(limit, false)
            )?,
            ErrorKind::NoMemory { needed } => write!(
                f,
                "Cannot {verb}: {} of memory could not be had. Close other programs and try again",
                size(needed, true)
            )?,
            ErrorKind::Other => {
                match &self.source {
                    Some(source) => write!(f, "Cannot {verb}: {source}")?,
                    None => write!(f, "Cannot {verb}: {}", self.kind)?,
                }
                f.write_str(". Try again, or choose another place")?;
            }
            kind => {
                let next = match kind {
                    ErrorKind::NotFound => "Check whether it was moved or renamed",
                    ErrorKind::Denied => "Change its permissions, or choose another place",
                    ErrorKind::NotARegularFile => "Choose a file, not a folder or a device",
                    ErrorKind::NotAFolder => "Choose a folder",
                    ErrorKind::NotEmpty => "Choose a new or an empty folder",
                    ErrorKind::Taken => "Move or rename it, or choose another folder",
                    ErrorKind::ALink => "Give the folder that it points to",
                    ErrorKind::BadName => "Choose a shorter, simpler name",
                    ErrorKind::Held => "Close the other window or program, then try again",
                    _ => "Start again",
                };
                write!(f, "Cannot {verb}: {kind}. {next}")?;
            }
        }
        f.write_str(": ")?;
        // A name may hold line breaks or terminal codes; the message must not.
        for c in self.path.to_string_lossy().chars() {
            let c = if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            };
            fmt::Write::write_char(f, c)?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

/// "90 MB", rounded up or down.
fn size(bytes: u64, up: bool) -> String {
    let (unit, name) = match bytes {
        0..1_000 => (1, "bytes"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let count = if up {
        bytes.div_ceil(unit)
    } else {
        bytes / unit
    };
    format!("{count} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(what: Operation, kind: ErrorKind) -> String {
        StoreError {
            what,
            path: "some/where".into(),
            kind,
            source: None,
        }
        .to_string()
    }

    #[test]
    fn messages_say_what_and_what_next() {
        let full = |needed, free| told(Operation::Write, ErrorKind::Full { needed, free });
        assert_eq!(
            full(Some(90_000_000), Some(12_999_999)),
            "The disk is full: 90 MB are needed and 12 MB are free. \
             Free some space and try again: some/where"
        );
        assert_eq!(
            full(None, None),
            "The disk is full. Free some space and try again: some/where"
        );
        assert_eq!(
            told(
                Operation::Read,
                ErrorKind::TooLarge {
                    len: 1_500,
                    limit: 999
                }
            ),
            "Cannot read: the file has 2 KB, and at most 999 bytes are read. \
             Choose a smaller file: some/where"
        );
        assert_eq!(
            told(Operation::Lock, ErrorKind::Held),
            "Cannot take the lock: it is in use elsewhere. \
             Close the other window or program, then try again: some/where"
        );
    }

    #[test]
    fn control_characters_of_a_name_stay_out_of_the_message() {
        let error = StoreError::new(
            Operation::Read,
            Path::new("a\n\u{1b}[2J"),
            io::ErrorKind::NotFound.into(),
        );
        assert!(!error.to_string().chars().any(char::is_control));
    }

    #[test]
    fn our_kinds_survive_the_way_through_an_io_error() {
        let error = StoreError::new(
            Operation::Lock,
            Path::new("x"),
            ErrorKind::NotAFolder.into(),
        );
        assert_eq!(error.kind, ErrorKind::NotAFolder);
        assert!(error.source.is_none());
    }
}
