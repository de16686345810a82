//! Replacing a folder without losing files that its writer did not make.
//!
//! The writer names its own files ([`Owned`]). All other entries are moved from the old folder into
//! the new one, by renaming, so that they cost no copy and keep their permissions, links and times.
//!
//! 1. The list of owned names is saved in the new folder.
//! 2. The old folder is renamed aside, and the new one takes its name.
//! 3. Each entry that is not owned moves from the old folder into the new one.
//! 4. The old folder, which now holds owned files only, is deleted, and then the list.
//!
//! A process that dies before step 2 ends leaves the old folder, aside or in place. After it, the
//! list in the new folder tells [`end`] how to go on with steps 3 and 4.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::names;
use super::whole::{at, make_all, missing_is_fine, read_within, replace_file};
use super::{ErrorKind, FileKind, Operation, Steps, StoreError};

/// Longest list of owned names that is read back.
const LIMIT: u64 = 1 << 24;

/// The files of a folder that its writer may replace or remove.
///
/// Names are relative to the folder, with `/` between the parts. A name may also be that of a
/// folder the writer made without files; it goes only while it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned(BTreeSet<PathBuf>);

impl Owned {
    /// These names. Those that lead out of the folder own nothing.
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

/// Swaps `from` in for `to` and takes along what is not owned.
pub(super) fn replace_dir<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
    owned: &Owned,
) -> Result<(), StoreError> {
    let error = || at(Operation::Move, to);
    let old = names::old(to).map_err(|kind| error()(kind.into()))?;
    if from == to {
        return Ok(());
    }
    if store.kind(from).map_err(error())? != FileKind::Folder {
        return Err(error()(ErrorKind::NotAFolder.into()));
    }
    let link = match store.kind(to) {
        Ok(kind) => kind == FileKind::Link,
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(error()(e)),
    };
    recover(store, to).map_err(error())?;
    let replaces = match store.stat(to) {
        Ok(metadata) if metadata.kind == FileKind::Folder => true,
        Ok(_) => return Err(error()(ErrorKind::NotAFolder.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(error()(e)),
    };
    if replaces && !to.starts_with(from) && !from.starts_with(to) {
        let others = others(store, to, owned).map_err(error())?;
        if link && !others.is_empty() {
            return Err(error()(ErrorKind::ALink.into()));
        }
        for path in &others {
            match store.kind(&from.join(path)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.kind() != io::ErrorKind::NotADirectory => return Err(error()(e)),
                // A file of the new folder has this name, or that of a folder on the way.
                _ => return Err(at(Operation::Move, &to.join(path))(ErrorKind::Taken.into())),
            }
        }
        replace_file(store, &from.join(names::OWNED), |sink| {
            sink.write(&owned.to_bytes())
        })
        .map_err(error())?;
    }
    swap(store, from, to, replaces.then_some((&*old, owned))).map_err(error())
}

/// Gives `from` the name of a folder that is missing or empty.
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

fn swap<S: Steps + ?Sized>(
    store: &S,
    from: &Path,
    to: &Path,
    former: Option<(&Path, &Owned)>,
) -> io::Result<()> {
    if let Some((old, _)) = former {
        store.rename(to, old)?;
    }
    if let Err(e) = store.rename(from, to) {
        if let Some((old, _)) = former {
            store.rename(old, to).ok();
        }
        return Err(e);
    }
    let mut moved = Vec::new();
    let mut complete = || {
        store.sync_dir(names::parent(to))?;
        if names::parent(from) != names::parent(to) {
            store.sync_dir(names::parent(from))?;
        }
        match former {
            Some((old, owned)) => take_along(store, old, to, owned, &mut moved),
            None => Ok(()),
        }
    };
    if let Err(e) = complete() {
        if let Some((old, _)) = former {
            undo(store, (from, to, old), &moved).ok();
        }
        return Err(e);
    }
    if let Some((old, _)) = former {
        // The folder is in place; what cannot be deleted now is left to the next sweep.
        discard(store, old, to).ok();
    }
    if let Some(hold) = names::hold_of(from) {
        store.delete(&hold).ok();
    }
    Ok(())
}

/// Puts the old folder back with all that was moved out of it.
fn undo<S: Steps + ?Sized>(
    store: &S,
    (from, to, old): (&Path, &Path, &Path),
    moved: &[(PathBuf, PathBuf)],
) -> io::Result<()> {
    for (path, now) in moved.iter().rev() {
        store.rename(&to.join(now), &old.join(path))?;
    }
    store.rename(to, from)?;
    store.rename(old, to)?;
    store.sync_dir(names::parent(to))
}

/// Deletes a former folder with the owned files in it, and then the list of them.
fn discard<S: Steps + ?Sized>(store: &S, old: &Path, to: &Path) -> io::Result<()> {
    missing_is_fine(store.delete(old))?;
    missing_is_fine(store.delete(&to.join(names::OWNED)))
}

/// The topmost entries of a folder that are not owned.
fn others<S: Steps + ?Sized>(store: &S, dir: &Path, owned: &Owned) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for (name, kind) in entries(store, &dir.join(&below))? {
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

fn entries<S: Steps + ?Sized>(store: &S, dir: &Path) -> io::Result<Vec<(OsString, FileKind)>> {
    let entries = store.entries(dir)?.into_iter();
    Ok(entries.map(|entry| (entry.name, entry.kind)).collect())
}

/// Moves what is not owned from a former folder into the one that took its place; `moved` gets each
/// path with the one it has now.
fn take_along<S: Steps + ?Sized>(
    store: &S,
    old: &Path,
    to: &Path,
    owned: &Owned,
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for path in others(store, old, owned)? {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        make_all(store, &to.join(&folder))?;
        let now = free_name(store, to, &path)?;
        match store.rename(&old.join(&path), &to.join(&now)) {
            // Another process that clears up was faster.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            done => done?,
        }
        moved.push((path, now));
        folders.insert(folder);
    }
    // First where they are now, so that a power loss never leaves them nowhere.
    for folder in &folders {
        store.sync_dir(&to.join(folder))?;
    }
    for folder in &folders {
        missing_is_fine(store.sync_dir(&old.join(folder)))?;
    }
    Ok(())
}

/// `path`, or one like it that nothing in `dir` has yet.
fn free_name<S: Steps + ?Sized>(store: &S, dir: &Path, path: &Path) -> io::Result<PathBuf> {
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

/// Ends a replacement of `to` that was cut off.
pub(super) fn recover<S: Steps + ?Sized>(store: &S, to: &Path) -> io::Result<()> {
    let Ok(old) = names::old(to) else {
        return Ok(()); // a name that no replacement can have had
    };
    match store.kind(&old) {
        Ok(FileKind::Folder | FileKind::Link) => end(store, &old, to).map(|_| ()),
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Ends a replacement of `to` whose former folder is still at `old`: puts it back if the new one is
/// not in place, which is `true`, or else moves what is not owned over and deletes the rest.
pub(super) fn end<S: Steps + ?Sized>(store: &S, old: &Path, to: &Path) -> io::Result<bool> {
    match store.kind(to) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return store.rename(old, to).map(|()| true);
        }
        Err(e) => return Err(e),
    }
    match read_within(store, &to.join(names::OWNED), LIMIT) {
        Ok(bytes) => {
            let owned = Owned::from_bytes(&bytes);
            take_along(store, old, to, &owned, &mut Vec::new())?;
            discard(store, old, to)?;
        }
        // Not the folder that replaced this one, or one of a version that replaced all.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            if has_all_names(store, old, to)? {
                missing_is_fine(store.delete(old))?;
            } else {
                let name = to.file_name().map(PathBuf::from).unwrap_or_default();
                let parent = names::parent(to);
                store.rename(old, &parent.join(free_name(store, parent, &name)?))?;
            }
        }
        Err(e) => return Err(e),
    }
    Ok(false)
}

/// Whether everything in `old` has its counterpart in `to`.
fn has_all_names<S: Steps + ?Sized>(store: &S, old: &Path, to: &Path) -> io::Result<bool> {
    if store.kind(old)? != FileKind::Folder {
        return Ok(true); // a link: what it points to stays
    }
    for (name, kind) in entries(store, old)? {
        match store.kind(&to.join(&name)) {
            Ok(there) if there != kind => return Ok(false),
            Ok(_) => {}
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(false);
            }
            Err(e) => return Err(e),
        }
        if kind == FileKind::Folder && !has_all_names(store, &old.join(&name), &to.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}
