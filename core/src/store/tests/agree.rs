//! Memory and disk do the same, whatever is asked of them.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::ALL;
use crate::store::names::Ours;
use crate::store::*;

/// All files below `dir` with their content, temporary ones included.
fn tree(store: &dyn Steps, dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in store.entries(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            FileKind::Folder => {
                found.push((path.clone(), "folder".into()));
                found.extend(tree(store, &path));
            }
            FileKind::File => {
                let bytes = store.read(&path, ALL).unwrap();
                found.push((path, String::from_utf8(bytes).unwrap()));
            }
            other => found.push((path, format!("{other:?}"))),
        }
    }
    found.sort();
    found
}

#[derive(Clone, Debug)]
enum Act {
    Write(usize, u8),
    Append(usize, u8),
    MakeDirs(usize),
    Copy(usize, usize),
    RenameDir(usize, usize),
    ReplaceDir(usize, usize),
    Remove(usize),
    Read(usize),
    List(usize),
    Lock(usize),
}

const PATHS: [&str; 7] = ["a", "b", "d", "d/a", "d/e", "d/e/f", "x/y"];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let path = || 0..PATHS.len();
    let act = prop_oneof![
        (path(), any::<u8>()).prop_map(|(p, n)| Act::Write(p, n)),
        (path(), any::<u8>()).prop_map(|(p, n)| Act::Append(p, n)),
        path().prop_map(Act::MakeDirs),
        (path(), path()).prop_map(|(p, q)| Act::Copy(p, q)),
        (path(), path()).prop_map(|(p, q)| Act::RenameDir(p, q)),
        (path(), path()).prop_map(|(p, q)| Act::ReplaceDir(p, q)),
        path().prop_map(Act::Remove),
        path().prop_map(Act::Read),
        path().prop_map(Act::List),
        path().prop_map(Act::Lock),
    ];
    prop::collection::vec(act, 1..25)
}

/// What came of it, without paths.
fn perform(store: &dyn Store, root: &Path, act: &Act) -> Result<String, ErrorKind> {
    let at = |i: &usize| root.join(PATHS[*i]);
    let text = |n: &u8| format!("{n} ");
    let done = match act {
        Act::Write(p, n) => store.write_atomic(&at(p), text(n).as_bytes()),
        Act::Append(p, n) => store.append_sync(&at(p), text(n).as_bytes()),
        Act::MakeDirs(p) => store.create_dir_all(&at(p)),
        Act::Copy(p, q) => store.copy(&at(p), &at(q)),
        Act::RenameDir(p, q) => store.rename_dir(&at(p), &at(q)),
        Act::ReplaceDir(p, q) => store.replace_dir(&at(p), &at(q), &Owned::new(["a", "e/f"])),
        Act::Remove(p) => store.remove(&at(p)),
        Act::Read(p) => {
            let bytes = store.read(&at(p), ALL).map_err(|e| e.kind)?;
            return Ok(String::from_utf8(bytes).unwrap());
        }
        Act::List(p) => {
            let list = store.list(&at(p)).map_err(|e| e.kind)?;
            let names = list.iter().map(|e| (&e.name, e.kind));
            return Ok(format!("{:?}", names.collect::<Vec<_>>()));
        }
        Act::Lock(p) => store.lock(&at(p)).map(drop),
    };
    done.map(|()| String::new()).map_err(|e| e.kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn memory_does_as_the_disk_does(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        let mem = MemStore::new();
        for act in &acts {
            let on_disk = perform(&DiskStore, folder.path(), act);
            let in_memory = perform(&mem, Path::new("/"), act);
            prop_assert_eq!(on_disk, in_memory, "{:?}", act);
        }
        let relative = |root: &Path, tree: Vec<(PathBuf, String)>| -> Vec<_> {
            tree.into_iter()
                .map(|(path, content)| (path.strip_prefix(root).unwrap().to_owned(), content))
                .collect()
        };
        prop_assert_eq!(
            relative(folder.path(), tree(&DiskStore, folder.path())),
            relative(Path::new("/"), tree(&mem, Path::new("/")))
        );
    }

    #[test]
    fn any_name_is_classified_without_trouble(name in "\\PC{0,40}") {
        let path = Path::new("folder").join(&name);
        if let Ok(part) = names::part(&path) {
            let is_part = matches!(names::ours(part.file_name().unwrap()), Some(Ours::Part));
            prop_assert!(is_part);
            prop_assert_eq!(names::parent(&part), names::parent(&path));
        }
        names::ours(name.as_ref());
    }
}
