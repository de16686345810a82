//! Errors of store operations, with messages that tell users what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Store operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reading a file.
    Read,
    /// Querying kind, length or time of change.
    Look,
    /// Listing a folder.
    List,
    /// Creating a folder.
    MakeFolder,
    /// Writing a whole file.
    Write,
    /// Appending to a file.
    Append,
    /// Copying a file.
    Copy,
    /// Moving a folder to its final name.
    Move,
    /// Deleting a file or a folder.
    Remove,
    /// Taking a lock.
    Lock,
    /// Querying the free space.
    FreeSpace,
    /// Cleaning up after an earlier run.
    Sweep,
}

impl Operation {
    /// Verb phrase that completes "Cannot …".
    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Look => "get information about the file",
            Self::List => "list the folder",
            Self::MakeFolder => "create the folder",
            Self::Write => "save",
            Self::Append => "add to the file",
            Self::Copy => "copy",
            Self::Move => "move the folder",
            Self::Remove => "delete",
            Self::Lock => "lock the file",
            Self::FreeSpace => "determine the free space",
            Self::Sweep => "delete old temporary files",
        }
    }
}

/// Reason for a failure, as far as callers or users can act on it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file, or the folder that should contain it, doesn't exist.
    #[error("it does not exist")]
    NotFound,
    /// The system denies access, or the disk is read-only.
    #[error("permission denied")]
    Denied,
    /// The disk is full or the user's quota is exhausted. Sizes are in bytes, if known.
    #[error("the disk is full")]
    Full {
        /// Space that the whole operation needs.
        needed: Option<u64>,
        /// Free space after the failure.
        free: Option<u64>,
    },
    /// The file exceeds the caller's limit.
    #[error("the file is too large")]
    TooLarge {
        /// Length of the file in bytes, as far as known.
        len: u64,
        /// Maximum length in bytes.
        limit: u64,
    },
    /// The file is within the limit, but there isn't enough memory for it.
    #[error("there is not enough memory")]
    NoMemory {
        /// Number of bytes requested.
        needed: u64,
    },
    /// A folder, pipe or device was found instead of a regular file.
    #[error("it is not an ordinary file")]
    NotARegularFile,
    /// Something other than a folder was found.
    #[error("it is not a folder")]
    NotAFolder,
    /// The folder has files, but must be missing or empty.
    #[error("there are files in it")]
    NotEmpty,
    /// A file or folder of another writer has a name that is needed.
    #[error("Nearsay needs this name, but did not write the file that has it")]
    Taken,
    /// A symbolic link to a folder with files of other writers.
    #[error("it is a link to a folder with other files in it")]
    ALink,
    /// The name is empty, too long, or has characters that the system rejects.
    #[error("the name is not valid")]
    BadName,
    /// The lock is held elsewhere.
    #[error("another window or program is using it")]
    Held,
    /// A [`FaultStore`](super::FaultStore) simulated a crash.
    #[error("a crash was simulated")]
    Crashed,
    /// Any other reason, given by the source error.
    #[error("the system reported an error")]
    Other,
}

impl ErrorKind {
    fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "Check whether it was moved or renamed",
            Self::Denied => "Change its permissions, or choose another place",
            Self::Full { .. } => "Free some space and try again",
            Self::TooLarge { .. } => "Choose a smaller file",
            Self::NoMemory { .. } => "Close other programs and try again",
            Self::NotARegularFile => "Choose a file, not a folder or a device",
            Self::NotAFolder => "Choose a folder",
            Self::NotEmpty => "Choose a new or empty folder",
            Self::Taken => "Move or rename it, or choose another folder",
            Self::ALink => "Choose the folder that it points to",
            Self::BadName => "Choose a shorter, simpler name",
            Self::Held => "Close the other window or program, then try again",
            Self::Crashed => "Start again",
            Self::Other => "Try again, or choose another place",
        }
    }

    fn from_io(error: &io::Error) -> Self {
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

/// Lets a [`Steps`](super::Steps) implementation report kinds that [`io::ErrorKind`] lacks.
impl From<ErrorKind> for io::Error {
    fn from(kind: ErrorKind) -> Self {
        Self::other(kind)
    }
}

/// Failure of a [`Store`](super::Store) operation.
///
/// `Display` names the failure, the remedy and the path.
///
/// ```
/// # use nearsay_store::{MemStore, Store as _, StoreError, ErrorKind};
/// let error: StoreError = MemStore::new().read("faq.csv".as_ref(), 100).unwrap_err();
/// assert_eq!(error.kind, ErrorKind::NotFound);
/// assert_eq!(
///     error.to_string(),
///     "Cannot read: it does not exist. Check whether it was moved or renamed: faq.csv"
/// );
/// ```
#[derive(Debug, Error)]
#[error("{}: {}", self.describe(), printable_path(&self.path))]
pub struct StoreError {
    /// The failed operation.
    pub what: Operation,
    /// Affected file or folder.
    pub path: PathBuf,
    /// Reason for the failure.
    pub kind: ErrorKind,
    /// Error of the system, if there was one.
    pub source: Option<io::Error>,
}

impl StoreError {
    /// An error of an operation on a path.
    #[must_use]
    pub fn new(what: Operation, path: &Path, error: io::Error) -> Self {
        let kind = ErrorKind::from_io(&error);
        let wraps_kind = error.get_ref().is_some_and(|e| e.is::<ErrorKind>());
        Self {
            what,
            path: path.to_owned(),
            kind,
            source: (!wraps_kind).then_some(error),
        }
    }
}

impl StoreError {
    /// Describes the failure and the remedy, without the path and without a final full stop.
    fn describe(&self) -> String {
        let verb = self.what.verb();
        let remedy = self.kind.remedy();
        let reason = match self.kind {
            ErrorKind::Full { needed, free } => {
                let needed = needed.map(|n| format!("{} needed", format_size(n, Round::Up)));
                let free = free.map(|n| format!("{} free", format_size(n, Round::Down)));
                let sizes: Vec<String> = needed.into_iter().chain(free).collect();
                return if sizes.is_empty() {
                    format!("The disk is full. {remedy}")
                } else {
                    format!("The disk is full ({}). {remedy}", sizes.join(", "))
                };
            }
            ErrorKind::TooLarge { len, limit } => format!(
                "the file has {}, more than the limit of {}",
                format_size(len, Round::Up),
                format_size(limit, Round::Down)
            ),
            ErrorKind::NoMemory { needed } => {
                format!(
                    "{} of memory are not available",
                    format_size(needed, Round::Up)
                )
            }
            ErrorKind::Other => match &self.source {
                Some(source) => source.to_string(),
                None => self.kind.to_string(),
            },
            kind => kind.to_string(),
        };
        format!("Cannot {verb}: {reason}. {remedy}")
    }
}

/// Formats a path without control characters, since a name may hold line breaks or terminal codes.
fn printable_path(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

/// Formats a size in bytes with a decimal unit, rounded to an integer: `90 MB`.
fn format_size(bytes: u64, round: Round) -> String {
    let (unit, name) = match bytes {
        0..1_000 => (1, "bytes"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let count = match round {
        Round::Up => bytes.div_ceil(unit),
        Round::Down => bytes / unit,
    };
    format!("{count} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: Operation, kind: ErrorKind) -> String {
        StoreError {
            what,
            path: "some/where".into(),
            kind,
            source: None,
        }
        .to_string()
    }

    #[test]
    fn store_error_names_failure_and_remedy() {
        let full = |needed, free| message(Operation::Write, ErrorKind::Full { needed, free });
        assert_eq!(
            full(Some(90_000_000), Some(12_999_999)),
            "The disk is full (90 MB needed, 12 MB free). Free some space and try again: some/where"
        );
        assert_eq!(
            full(None, None),
            "The disk is full. Free some space and try again: some/where"
        );
        assert_eq!(
            message(
                Operation::Read,
                ErrorKind::TooLarge {
                    len: 1_500,
                    limit: 999
                }
            ),
            "Cannot read: the file has 2 KB, more than the limit of 999 bytes. \
             Choose a smaller file: some/where"
        );
        assert_eq!(
            message(Operation::Lock, ErrorKind::Held),
            "Cannot lock the file: another window or program is using it. \
             Close the other window or program, then try again: some/where"
        );
    }

    #[test]
    fn store_error_hides_control_characters_of_the_path() {
        let error = StoreError::new(
            Operation::Read,
            Path::new("a\n\u{1b}[2J"),
            io::ErrorKind::NotFound.into(),
        );
        assert!(!error.to_string().chars().any(char::is_control));
    }

    #[test]
    fn error_kind_survives_conversion_to_io_error() {
        let error = StoreError::new(
            Operation::Lock,
            Path::new("x"),
            ErrorKind::NotAFolder.into(),
        );
        assert_eq!(error.kind, ErrorKind::NotAFolder);
        assert!(error.source.is_none());
    }
}
