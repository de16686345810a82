//! Replacing a folder without losing files of other writers.
//!
//! The writer names its own files ([`Owned`]). All other entries are renamed from the old folder
//! into the new one, so that they aren't copied and keep their permissions, links and times.
//!
//! 1. The list of owned names is saved in the new folder.
//! 2. The new folder is renamed to the name of old folders and exchanges it with the old folder, so that
//!    readers find one of the two at any time. On systems that can't exchange names, the old folder is
//!    renamed aside first, and then the new one takes its name.
//! 3. Each entry that isn't owned is moved from the old folder into the new one.
//! 4. The old folder, which has only owned files left, is deleted, and then the list.
//!
//! If the process dies during step 2 or earlier, the old folder is still there, aside or in place. A list in
//! the folder aside says that it is the new one. Later, the list in the folder in place lets
//! [`complete_replacement`] finish steps 3 and 4.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::files::{create_dirs, ignore_not_found, read_limited, replace_file, with_context};
use super::names;
use super::{ErrorKind, FileKind, Operation, Steps, StoreError};

/// Time between looks at a replacement by another process, and their number.
const WAIT: Duration = Duration::from_millis(20);
const MAX_WAITS: usize = 250;

/// Maximum size of the list of owned names, in bytes.
const MAX_LIST_BYTES: u64 = 1 << 24;

/// Files of a folder that its writer may replace or remove.
///
/// Names are relative to the folder, separated by `/`. A name may also be that of an empty folder
/// that the writer created; the folder is removed only while it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned(BTreeSet<PathBuf>);

impl Owned {
    /// Creates a set of names. Names that lead out of the folder are ignored.
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let path = |name: T| {
            let name = name.as_ref();
            let inside = Path::new(name)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            (inside && !name.is_empty() && !name.contains(['\n', '\r'])).then(|| name.into())
        };
        Self(names.into_iter().filter_map(path).collect())
    }

    /// The owned paths, relative to the folder.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    fn has(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    fn has_below(&self, folder: &Path) -> bool {
        self.0.iter().any(|path| path.starts_with(folder))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let lines = self.0.iter().filter_map(|path| path.to_str());
        lines
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .into()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self::new(String::from_utf8_lossy(bytes).lines())
    }
}

/// Replaces `to` by `from` and keeps entries that aren't owned.
pub(super) fn replace_dir<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
    owned: &Owned,
) -> Result<(), StoreError> {
    let error = || with_context(Operation::Move, to);
    let old = names::old_path(to).map_err(|kind| error()(kind.into()))?;
    if from == to {
        return Ok(());
    }
    if store.kind(from).map_err(error())? != FileKind::Folder {
        return Err(error()(ErrorKind::NotAFolder.into()));
    }
    let is_link = match store.kind(to) {
        Ok(kind) => kind == FileKind::Link,
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(error()(e)),
    };
    let own_hold = names::hold_of(from);
    for _ in 0..MAX_WAITS {
        if store.kind(&old).is_err() || !is_being_replaced(store, to, own_hold.as_deref()) {
            break;
        }
        std::thread::sleep(WAIT);
    }
    recover_abandoned(store, to).map_err(error())?;
    let replaces = match store.stat(to) {
        Ok(metadata) if metadata.kind == FileKind::Folder => true,
        Ok(_) => return Err(error()(ErrorKind::NotAFolder.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(error()(e)),
    };
    if replaces && !to.starts_with(from) && !from.starts_with(to) {
        let others = find_others(store, to, owned).map_err(error())?;
        if is_link && !others.is_empty() {
            return Err(error()(ErrorKind::ALink.into()));
        }
        for path in &others {
            match store.kind(&from.join(path)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.kind() != io::ErrorKind::NotADirectory => return Err(error()(e)),
                // A file of the new folder has the name of this entry or of one of its parents.
                _ => {
                    return Err(with_context(Operation::Move, &to.join(path))(
                        ErrorKind::Taken.into(),
                    ));
                }
            }
        }
        replace_file(store, &from.join(names::OWNED), |sink| {
            sink.write(&owned.to_bytes())
        })
        .map_err(error())?;
    }
    swap_dirs(store, from, to, replaces.then_some((&*old, owned))).map_err(error())
}

/// Renames `from` to a folder that is missing or empty.
pub(super) fn rename_dir<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
) -> Result<(), StoreError> {
    replace_dir(store, from, to, &Owned::default()).map_err(|error| match error.kind {
        ErrorKind::Taken => StoreError::new(Operation::Move, to, ErrorKind::NotEmpty.into()),
        _ => error,
    })
}

fn swap_dirs<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
    old_and_owned: Option<(&Path, &Owned)>,
) -> io::Result<()> {
    match old_and_owned {
        Some((old, _)) => put_in_place(store, from, to, old)?,
        None => store.rename(from, to)?,
    }
    let mut moved = Vec::new();
    let mut complete = || {
        store.sync_dir(names::parent_dir(to))?;
        if names::parent_dir(from) != names::parent_dir(to) {
            store.sync_dir(names::parent_dir(from))?;
        }
        match old_and_owned {
            Some((old, owned)) => move_others(store, old, to, owned, &mut moved),
            None => Ok(()),
        }
    };
    if let Err(e) = complete() {
        if let Some((old, _)) = old_and_owned {
            undo_swap(store, (from, to, old), &moved).ok();
        }
        return Err(e);
    }
    if let Some((old, _)) = old_and_owned {
        // The folder is in place, so failures to clean up are left to the next sweep.
        delete_old(store, old, to).ok();
    }
    if let Some(hold) = names::hold_of(from) {
        store.delete(&hold).ok();
    }
    Ok(())
}

/// Puts the folder `from` in place of `to`, which becomes `old`.
fn put_in_place<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
    old: &Path,
) -> io::Result<()> {
    store.rename(from, old)?;
    match store.exchange(old, to) {
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {}
        done => return done.inspect_err(|_| drop(store.rename(old, from))),
    }
    store.rename(old, from)?;
    store.rename(to, old)?;
    store
        .rename(from, to)
        .inspect_err(|_| drop(store.rename(old, to)))
}

/// Restores the old folder with all entries that were moved out of it.
fn undo_swap<S: Steps + ?Sized>(
    store: &S,
    (from, to, old): (&Path, &Path, &Path),
    moved: &[(PathBuf, PathBuf)],
) -> io::Result<()> {
    for (path, now) in moved.iter().rev() {
        store.rename(&to.join(now), &old.join(path))?;
    }
    match store.exchange(old, to) {
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {
            store.rename(to, from)?;
            store.rename(old, to)?;
        }
        done => done.and_then(|()| store.rename(old, from))?,
    }
    store.sync_dir(names::parent_dir(to))
}

/// Deletes an old folder with its owned files, and then the list of owned names.
fn delete_old<S: Steps + ?Sized>(store: &S, old: &Path, to: &Path) -> io::Result<()> {
    ignore_not_found(store.delete(old))?;
    ignore_not_found(store.delete(&to.join(names::OWNED)))
}

/// Finds the topmost entries of a folder that aren't owned.
fn find_others<S: Steps + ?Sized>(
    store: &S,
    dir: &Path,
    owned: &Owned,
) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for (name, kind) in list_entries(store, &dir.join(&below))? {
            let path = below.join(&name);
            match kind {
                FileKind::Folder if owned.has_below(&path) => open.push(path),
                FileKind::File | FileKind::Link if owned.has(&path) => {}
                _ if path == Path::new(names::OWNED) => {}
                _ => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

fn list_entries<S: Steps + ?Sized>(store: &S, dir: &Path) -> io::Result<Vec<(OsString, FileKind)>> {
    let entries = store.entries(dir)?.into_iter();
    Ok(entries.map(|entry| (entry.name, entry.kind)).collect())
}

/// Moves entries that aren't owned from an old folder into its replacement. Adds the old and new
/// path of each to `moved`.
fn move_others<S: Steps + ?Sized>(
    store: &S,
    old: &Path,
    to: &Path,
    owned: &Owned,
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for path in find_others(store, old, owned)? {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        create_dirs(store, &to.join(&folder))?;
        let now = find_free_name(store, to, &path)?;
        match store.rename(&old.join(&path), &to.join(&now)) {
            // Another process that cleans up moved the entry first.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            done => done?,
        }
        moved.push((path, now));
        folders.insert(folder);
    }
    // Sync the new places first, so that a power loss never loses an entry.
    for folder in &folders {
        store.sync_dir(&to.join(folder))?;
    }
    for folder in &folders {
        ignore_not_found(store.sync_dir(&old.join(folder)))?;
    }
    Ok(())
}

/// Finds a free name in `dir`: `path`, or `path` with the suffix `.recovered-N`.
fn find_free_name<S: Steps + ?Sized>(store: &S, dir: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut free = path.to_owned();
    for n in 1_u64.. {
        match store.kind(&dir.join(&free)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => break,
            found => found?,
        };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".recovered-{n}"));
        free.set_file_name(name);
    }
    Ok(free)
}

/// Whether another process is about to replace `to`: it holds the lock of a folder that it fills for
/// `to`. `own_hold` is the lock of the caller.
pub(super) fn is_being_replaced<S: Steps + ?Sized>(
    store: &S,
    to: &Path,
    own_hold: Option<&Path>,
) -> bool {
    let parent = names::parent_dir(to);
    let Ok(entries) = store.entries(parent) else {
        return false; // the caller's next step reports the error
    };
    let is_held = |hold: &Path| {
        let lock = store.try_lock(hold);
        lock.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    let holds = entries
        .iter()
        .filter(|entry| entry.kind == FileKind::File && names::is_hold_for(&entry.name, to))
        .map(|entry| parent.join(&entry.name));
    holds
        .filter(|hold| own_hold != Some(hold))
        .any(|hold| is_held(&hold))
}

/// Completes an interrupted replacement of `to`, if there is one and no other process is at it.
pub(super) fn recover<S: Steps + ?Sized>(store: &S, to: &Path) -> io::Result<()> {
    let has_old = names::old_path(to).is_ok_and(|old| store.kind(&old).is_ok());
    if has_old && is_being_replaced(store, to, None) {
        return Ok(());
    }
    recover_abandoned(store, to)
}

fn recover_abandoned<S: Steps + ?Sized>(store: &S, to: &Path) -> io::Result<()> {
    let Ok(old) = names::old_path(to) else {
        return Ok(()); // the name is too long for a replacement
    };
    match store.kind(&old) {
        Ok(FileKind::Folder | FileKind::Link) => complete_replacement(store, &old, to).map(|_| ()),
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Completes a replacement of `to` whose old folder is still at `old`. If the new folder is not in
/// place, restores the old one and returns `true`. Otherwise moves entries that aren't owned into
/// the new folder and deletes the rest. Deletes a new folder that has not been exchanged yet.
pub(super) fn complete_replacement<S: Steps + ?Sized>(
    store: &S,
    old: &Path,
    to: &Path,
) -> io::Result<bool> {
    match store.kind(to) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return store.rename(old, to).map(|()| true);
        }
        Err(e) => return Err(e),
    }
    match read_limited(store, &to.join(names::OWNED), MAX_LIST_BYTES) {
        Ok(bytes) => {
            let owned = Owned::from_bytes(&bytes);
            move_others(store, old, to, &owned, &mut Vec::new())?;
            delete_old(store, old, to)?;
        }
        Err(e) if is_missing(&e) && store.kind(&old.join(names::OWNED)).is_ok() => {
            ignore_not_found(store.delete(old))?;
        }
        // The folder in place isn't the replacement, or an older version wrote it.
        Err(e) if is_missing(&e) => {
            if has_all_names(store, old, to)? {
                ignore_not_found(store.delete(old))?;
            } else {
                let name = to.file_name().map(PathBuf::from).unwrap_or_default();
                let parent = names::parent_dir(to);
                store.rename(old, &parent.join(find_free_name(store, parent, &name)?))?;
            }
        }
        Err(e) => return Err(e),
    }
    Ok(false)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether every entry of `old` has a counterpart of the same kind in `to`.
fn has_all_names<S: Steps + ?Sized>(store: &S, old: &Path, to: &Path) -> io::Result<bool> {
    if store.kind(old)? != FileKind::Folder {
        return Ok(true); // deleting a link keeps its target
    }
    for (name, kind) in list_entries(store, old)? {
        match store.kind(&to.join(&name)) {
            Ok(there) if there != kind => return Ok(false),
            Ok(_) => {}
            Err(e) if is_missing(&e) => return Ok(false),
            Err(e) => return Err(e),
        }
        if kind == FileKind::Folder && !has_all_names(store, &old.join(&name), &to.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}
