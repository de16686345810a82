//! The names of what a store leaves beside a target while it works, and how to know them again.
//!
//! For a target `NAME`:
//!
//! | name | is |
//! | --- | --- |
//! | `.NAME-<pid>-<n>.nearsay.part` | a file or folder being built, or a folder being deleted |
//! | `.NAME-<pid>-<n>.nearsay.hold` | locked while a folder of that name is being built |
//! | `.NAME.nearsay.old` | the former folder, while a new one takes its name |
//! | `NAME/.nearsay.owned` | the files of the former folder that need not be kept, meanwhile |

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ErrorKind;

const PART: &str = ".nearsay.part";
const HOLD: &str = ".nearsay.hold";
const OLD: &str = ".nearsay.old";

/// In a folder that is replacing another: the list of the former one's files that need not be kept.
pub(super) const OWNED: &str = ".nearsay.owned";

/// File systems take 255 bytes (or more); `.` and the longest ending must fit too.
const LONGEST: usize = 255 - 1 - OLD.len();

/// How much of `NAME` a temporary name repeats: enough to recognise it, short enough to fit.
const REPEATED: usize = 100;

/// One of the names above.
pub(super) enum Ours {
    Part,
    Hold,
    Old,
    Owned,
}

/// Which of our names this is, if any.
pub(super) fn ours(name: &OsStr) -> Option<Ours> {
    let bytes = name.as_encoded_bytes();
    if !bytes.starts_with(b".") {
        return None;
    }
    if bytes.ends_with(OLD.as_bytes()) && bytes.len() > OLD.len() + 1 {
        return Some(Ours::Old);
    }
    let name = name.to_str()?;
    if name == OWNED {
        return Some(Ours::Owned);
    }
    let (stem, kind) = match (name.strip_suffix(PART), name.strip_suffix(HOLD)) {
        (Some(stem), _) => (stem, Ours::Part),
        (_, Some(stem)) => (stem, Ours::Hold),
        _ => return None,
    };
    let mut ends = stem.rsplit('-');
    let number = |s: Option<&str>| s.is_some_and(|s| s.parse::<u64>().is_ok());
    (number(ends.next()) && number(ends.next()) && ends.next().is_some()).then_some(kind)
}

/// A temporary name beside `target`, new at each call.
pub(super) fn part(target: &Path) -> Result<PathBuf, ErrorKind> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = file_name(target)?.to_string_lossy();
    let end = (0..=REPEATED)
        .rev()
        .find(|&end| name.is_char_boundary(end))
        .unwrap_or(0);
    let name = name.get(..end).unwrap_or(&name);
    let (pid, n) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Ok(target.with_file_name(format!(".{name}-{pid}-{n}{PART}")))
}

/// `.….hold` for `.….part`.
pub(super) fn hold_of(part: &Path) -> Option<PathBuf> {
    other_ending(part, PART, HOLD)
}

/// `.….part` for `.….hold`.
pub(super) fn part_of(hold: &Path) -> Option<PathBuf> {
    other_ending(hold, HOLD, PART)
}

fn other_ending(path: &Path, from: &str, to: &str) -> Option<PathBuf> {
    let stem = path.file_name()?.to_str()?.strip_suffix(from)?;
    Some(path.with_file_name(format!("{stem}{to}")))
}

/// Where the former `target` waits while a new one takes its name.
pub(super) fn old(target: &Path) -> Result<PathBuf, ErrorKind> {
    let name = file_name(target)?;
    if name.len() > LONGEST {
        return Err(ErrorKind::BadName);
    }
    let mut old = OsString::from(".");
    old.push(name);
    old.push(OLD);
    Ok(target.with_file_name(old))
}

/// The target whose former self `old` is.
pub(super) fn target_of_old(old: &Path) -> Option<PathBuf> {
    // Ending and dot are ASCII, so cutting them off leaves a valid name; `to_str` alone would
    // lose names that are not UTF-8, which `write_atomic` can still handle.
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

/// The folder `path` is in; `.` for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
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
    fn a_temporary_name_is_known_again_and_fits() {
        for name in [
            "a",
            "project.json",
            "-1-2-",
            &"é".repeat(127),
            &"𝄞".repeat(60),
        ] {
            let part = part(Path::new(name)).unwrap();
            let part_name = part.file_name().unwrap();
            assert!(part_name.len() <= 255, "{part:?}");
            assert!(matches!(ours(part_name), Some(Ours::Part)), "{part:?}");
            let hold = hold_of(&part).unwrap();
            assert!(matches!(ours(hold.file_name().unwrap()), Some(Ours::Hold)));
            assert_eq!(part_of(&hold).unwrap(), part);
        }
    }

    #[test]
    fn an_old_name_leads_back_to_its_target() {
        for name in ["a", "run.1", "é".repeat(100).as_str()] {
            let target = Path::new("folder").join(name);
            let old = old(&target).unwrap();
            assert!(matches!(ours(old.file_name().unwrap()), Some(Ours::Old)));
            assert_eq!(target_of_old(&old).unwrap(), target);
        }
        assert_eq!(old(Path::new("..")), Err(ErrorKind::BadName));
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(old(Path::new(&long)), Err(ErrorKind::BadName));
    }

    #[test]
    fn names_of_others_are_not_ours() {
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
            assert!(ours(OsStr::new(name)).is_none(), "{name}");
        }
    }
}
