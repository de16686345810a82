//! Temporary names that a store uses beside a target.
//!
//! For a target `NAME`:
//!
//! | name | purpose |
//! | --- | --- |
//! | `.NAME-<pid>-<n>.nearsay.part` | file or folder being written, or folder being deleted |
//! | `.NAME-<pid>-<n>.nearsay.hold` | lock file held while a folder of that name is being filled |
//! | `.NAME.nearsay.old` | old folder while a new one replaces it |
//! | `NAME/.nearsay.owned` | list of the old folder's files that needn't be kept, during a replacement |

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ErrorKind;

const PART: &str = ".nearsay.part";
const HOLD: &str = ".nearsay.hold";
const OLD: &str = ".nearsay.old";

/// File in a replacing folder that lists the files of the old folder that needn't be kept.
pub(super) const OWNED: &str = ".nearsay.owned";

/// Maximum length of a target's name: file systems allow 255 bytes or more, which must also fit `.`
/// and the longest suffix.
const MAX_NAME: usize = 255 - 1 - OLD.len();

/// Maximum number of bytes of `NAME` that a temporary name repeats.
const MAX_PREFIX: usize = 100;

/// Kind of a temporary name.
pub(super) enum TempName {
    Part,
    Hold,
    Old,
    Owned,
}

/// Classifies a temporary name; `None` for other names.
pub(super) fn classify_name(name: &OsStr) -> Option<TempName> {
    let bytes = name.as_encoded_bytes();
    if !bytes.starts_with(b".") {
        return None;
    }
    if bytes.ends_with(OLD.as_bytes()) && bytes.len() > OLD.len() + 1 {
        return Some(TempName::Old);
    }
    let name = name.to_str()?;
    if name == OWNED {
        return Some(TempName::Owned);
    }
    let (stem, kind) = match (name.strip_suffix(PART), name.strip_suffix(HOLD)) {
        (Some(stem), _) => (stem, TempName::Part),
        (_, Some(stem)) => (stem, TempName::Hold),
        _ => return None,
    };
    let mut ends = stem.rsplit('-');
    let number = |s: Option<&str>| s.is_some_and(|s| s.parse::<u64>().is_ok());
    (number(ends.next()) && number(ends.next()) && ends.next().is_some()).then_some(kind)
}

/// Creates a temporary path beside `target`, different for each call.
pub(super) fn part_path(target: &Path) -> Result<PathBuf, ErrorKind> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let prefix = prefix(target)?;
    let (pid, n) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Ok(target.with_file_name(format!("{prefix}{pid}-{n}{PART}")))
}

/// Start of the temporary names of `target`.
fn prefix(target: &Path) -> Result<String, ErrorKind> {
    let name = file_name(target)?.to_string_lossy();
    let end = (0..=MAX_PREFIX)
        .rev()
        .find(|&end| name.is_char_boundary(end))
        .unwrap_or(0);
    Ok(format!(".{}-", name.get(..end).unwrap_or(&name)))
}

/// Whether `name` is that of a `.hold` file for `target`. Targets that share their first
/// [`MAX_PREFIX`] bytes share these names.
pub(super) fn is_hold_for(name: &OsStr, target: &Path) -> bool {
    matches!(classify_name(name), Some(TempName::Hold))
        && prefix(target).is_ok_and(|prefix| {
            let rest = name.to_str().and_then(|name| name.strip_prefix(&*prefix));
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
}

/// Converts a `.part` path to its `.hold` path.
pub(super) fn hold_of(part: &Path) -> Option<PathBuf> {
    replace_suffix(part, PART, HOLD)
}

/// Converts a `.hold` path to its `.part` path.
pub(super) fn part_of(hold: &Path) -> Option<PathBuf> {
    replace_suffix(hold, HOLD, PART)
}

fn replace_suffix(path: &Path, from: &str, to: &str) -> Option<PathBuf> {
    let stem = path.file_name()?.to_str()?.strip_suffix(from)?;
    Some(path.with_file_name(format!("{stem}{to}")))
}

/// Path of the old `target` while a new one replaces it.
pub(super) fn old_path(target: &Path) -> Result<PathBuf, ErrorKind> {
    let name = file_name(target)?;
    if name.len() > MAX_NAME {
        return Err(ErrorKind::BadName);
    }
    let mut old = OsString::from(".");
    old.push(name);
    old.push(OLD);
    Ok(target.with_file_name(old))
}

/// Target of an `.old` path.
pub(super) fn target_of_old(old: &Path) -> Option<PathBuf> {
    // On Unix, work on bytes to support names that aren't UTF-8.
    let name = old.file_name()?;
    #[cfg(unix)]
    let name = {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = name.as_bytes();
        OsStr::from_bytes(bytes.strip_prefix(b".")?.strip_suffix(OLD.as_bytes())?)
    };
    #[cfg(not(unix))]
    let name = name.to_str()?.strip_prefix('.')?.strip_suffix(OLD)?;
    Some(old.with_file_name(name))
}

/// Parent folder of `path`; `.` for a bare name.
pub(super) fn parent_dir(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn file_name(path: &Path) -> Result<&OsStr, ErrorKind> {
    path.file_name().ok_or(ErrorKind::BadName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_path_is_classified_and_short_enough() {
        for name in [
            "a",
            "project.json",
            "-1-2-",
            &"é".repeat(127),
            &"𝄞".repeat(60),
        ] {
            let part = part_path(Path::new(name)).unwrap();
            let part_name = part.file_name().unwrap();
            assert!(part_name.len() <= 255, "{part:?}");
            assert!(
                matches!(classify_name(part_name), Some(TempName::Part)),
                "{part:?}"
            );
            let hold = hold_of(&part).unwrap();
            assert!(matches!(
                classify_name(hold.file_name().unwrap()),
                Some(TempName::Hold)
            ));
            assert_eq!(part_of(&hold).unwrap(), part);
        }
    }

    #[test]
    fn old_path_round_trips() {
        for name in ["a", "run.1", "é".repeat(100).as_str()] {
            let target = Path::new("folder").join(name);
            let old = old_path(&target).unwrap();
            assert!(matches!(
                classify_name(old.file_name().unwrap()),
                Some(TempName::Old)
            ));
            assert_eq!(target_of_old(&old).unwrap(), target);
        }
        assert_eq!(old_path(Path::new("..")), Err(ErrorKind::BadName));
        let long = "x".repeat(MAX_NAME + 1);
        assert_eq!(old_path(Path::new(&long)), Err(ErrorKind::BadName));
    }

    #[test]
    fn classify_name_rejects_similar_names() {
        for name in [
            "a.part",
            ".a.part",
            ".a-1-2.part",
            ".a-1.nearsay.part",
            ".a-1-x.nearsay.part",
            "a-1-2.nearsay.part",
            ".nearsay.old",
            "..nearsay.old.x",
            "a.nearsay.old",
            ".old",
        ] {
            assert!(classify_name(OsStr::new(name)).is_none(), "{name}");
        }
    }
}
