//! Equivalence of the memory and disk stores for random operations.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::ALL;
use crate::names::TempName;
use crate::*;

/// Lists all files below `dir` with their content, including temporary ones.
fn list_tree(store: &dyn Steps, dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in store.entries(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            FileKind::Folder => {
                found.push((path.clone(), "folder".into()));
                found.extend(list_tree(store, &path));
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
enum Action {
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

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let path = || 0..PATHS.len();
    let action = prop_oneof![
        (path(), any::<u8>()).prop_map(|(p, n)| Action::Write(p, n)),
        (path(), any::<u8>()).prop_map(|(p, n)| Action::Append(p, n)),
        path().prop_map(Action::MakeDirs),
        (path(), path()).prop_map(|(p, q)| Action::Copy(p, q)),
        (path(), path()).prop_map(|(p, q)| Action::RenameDir(p, q)),
        (path(), path()).prop_map(|(p, q)| Action::ReplaceDir(p, q)),
        path().prop_map(Action::Remove),
        path().prop_map(Action::Read),
        path().prop_map(Action::List),
        path().prop_map(Action::Lock),
    ];
    prop::collection::vec(action, 1..25)
}

/// Performs an operation; returns its result without paths.
fn perform(store: &dyn Store, root: &Path, action: &Action) -> Result<String, ErrorKind> {
    let at = |i: &usize| root.join(PATHS[*i]);
    let text = |n: &u8| format!("{n} ");
    let done = match action {
        Action::Write(p, n) => store.write_atomic(&at(p), text(n).as_bytes()),
        Action::Append(p, n) => store.append_sync(&at(p), text(n).as_bytes()),
        Action::MakeDirs(p) => store.create_dir_all(&at(p)),
        Action::Copy(p, q) => store.copy(&at(p), &at(q)),
        Action::RenameDir(p, q) => store.rename_dir(&at(p), &at(q)),
        Action::ReplaceDir(p, q) => store.replace_dir(&at(p), &at(q), &Owned::new(["a", "e/f"])),
        Action::Remove(p) => store.remove(&at(p)),
        Action::Read(p) => {
            let bytes = store.read(&at(p), ALL).map_err(|e| e.kind)?;
            return Ok(String::from_utf8(bytes).unwrap());
        }
        Action::List(p) => {
            let list = store.list(&at(p)).map_err(|e| e.kind)?;
            let names = list.iter().map(|e| (&e.name, e.kind));
            return Ok(format!("{:?}", names.collect::<Vec<_>>()));
        }
        Action::Lock(p) => store.lock(&at(p)).map(drop),
    };
    done.map(|()| String::new()).map_err(|e| e.kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn mem_store_behaves_like_disk_store(actions in actions()) {
        let folder = tempfile::tempdir().unwrap();
        let mem = MemStore::new();
        for action in &actions {
            let on_disk = perform(&DiskStore, folder.path(), action);
            let in_memory = perform(&mem, Path::new("/"), action);
            prop_assert_eq!(on_disk, in_memory, "{:?}", action);
        }
        let relative = |root: &Path, tree: Vec<(PathBuf, String)>| -> Vec<_> {
            tree.into_iter()
                .map(|(path, content)| (path.strip_prefix(root).unwrap().to_owned(), content))
                .collect()
        };
        prop_assert_eq!(
            relative(folder.path(), list_tree(&DiskStore, folder.path())),
            relative(Path::new("/"), list_tree(&mem, Path::new("/")))
        );
    }

    #[test]
    fn temporary_names_are_recognized_for_any_target(name in "\\PC{0,40}") {
        let path = Path::new("folder").join(&name);
        if let Ok(part) = names::part_path(&path) {
            let is_part = matches!(names::classify_name(part.file_name().unwrap()), Some(TempName::Part));
            prop_assert!(is_part);
            prop_assert_eq!(names::parent_dir(&part), names::parent_dir(&path));
        }
        names::classify_name(name.as_ref());
    }
}
