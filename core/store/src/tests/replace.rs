//! Keeping files of other writers when a folder is replaced.

use std::path::Path;

use super::{ALL, kind};
use crate::*;

fn owned() -> Owned {
    Owned::new(["a", "deep/b", "empty"])
}

/// Creates a folder with owned files and files of others.
fn create_mixed(store: &dyn Store, root: &Path) {
    for folder in ["d/deep", "d/empty", "d/photos/old", "d/none"] {
        store.create_dir_all(&root.join(folder)).unwrap();
    }
    for file in ["d/a", "d/deep/b"] {
        store.write_atomic(&root.join(file), b"old").unwrap();
    }
    for file in OTHERS {
        store
            .write_atomic(&root.join(file), file.as_bytes())
            .unwrap();
    }
}

const OTHERS: [&str; 4] = ["d/.git", "d/deep/notes", "d/photos/p", "d/photos/old/q"];

/// Replaces `d` by a folder of one file.
fn replace_d(store: &dyn Store, root: &Path) -> Result<(), StoreError> {
    let to = root.join("d");
    let staging = store.stage_dir(&to)?;
    let written = store
        .write_atomic(&staging.path().join("a"), b"new")
        .and_then(|()| store.replace_dir(staging.path(), &to, &owned()));
    if written.is_err() {
        store.remove(staging.path()).ok();
    }
    written
}

fn assert_others_kept(store: &dyn Store, root: &Path, at: &str) {
    for file in OTHERS {
        let found = store.read(&root.join(file), ALL);
        assert_eq!(found.unwrap(), file.as_bytes(), "{file}: {at}");
    }
    assert!(store.exists(&root.join("d/none")).unwrap(), "{at}");
}

#[test]
fn replace_dir_keeps_files_that_are_not_owned() {
    fn test(store: &dyn Store, root: &Path) {
        create_mixed(store, root);
        for _ in 0..2 {
            replace_d(store, root).unwrap();
            assert_others_kept(store, root, "replaced");
            assert_eq!(store.read(&root.join("d/a"), ALL).unwrap(), b"new");
            assert!(!store.exists(&root.join("d/deep/b")).unwrap());
            assert!(!store.exists(&root.join("d/empty")).unwrap());
            assert!(!store.exists(&root.join("d").join(names::OWNED)).unwrap());
            assert_eq!(store.list(root).unwrap().len(), 1);
            assert_eq!(store.sweep(root).unwrap(), Swept::default());
        }
    }
    test(&MemStore::new(), Path::new("/"));
    test(&DiskStore, tempfile::tempdir().unwrap().path());
}

#[test]
fn replace_dir_loses_no_file_of_others_after_any_fault() {
    let mut crashes = 0;
    for fault in Fault::ALL {
        for n in 1.. {
            assert!(n < 1000, "too many steps");
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            let store = FaultStore::new(DiskStore);
            create_mixed(&store, root);
            store.fail_step(n, fault);
            let done = replace_d(&store, root);
            let fired = store.fired();
            store.heal();
            let at = format!("{fault:?} at step {n}: {:?}", store.log().last());
            if done.is_err() && fault != Fault::Crash {
                assert_others_kept(&DiskStore, root, &at);
            }
            crashes += usize::from(fault == Fault::Crash);
            DiskStore.sweep(root).unwrap();
            assert_others_kept(&DiskStore, root, &at);
            let new = DiskStore.read(&root.join("d/a"), ALL).unwrap() == b"new";
            let old = DiskStore.exists(&root.join("d/deep/b")).unwrap();
            assert!(new != old, "{at}");
            assert!(new || done.is_err(), "{at}");
            assert_eq!(DiskStore.list(root).unwrap().len(), 1, "{at}");
            if !fired {
                done.unwrap();
                break;
            }
            replace_d(&DiskStore, root).unwrap();
            assert_others_kept(&DiskStore, root, &at);
        }
    }
    assert!(crashes > 20);
}

#[test]
fn replace_dir_completes_an_interrupted_replacement() {
    for n in 1.. {
        let disk = MemStore::new();
        create_mixed(&disk, Path::new("/"));
        let store = FaultStore::new(disk.clone());
        store.fail_step(n, Fault::Crash);
        let done = replace_d(&store, Path::new("/"));
        if !store.fired() {
            done.unwrap();
            break;
        }
        replace_d(&disk, Path::new("/")).unwrap();
        assert_others_kept(&disk, Path::new("/"), &n.to_string());
    }
}

#[test]
fn replace_dir_rejects_names_of_other_files() {
    let store = MemStore::new();
    create_mixed(&store, Path::new(""));
    for (file, taken) in [
        ("photos", "d/photos"),
        ("deep/notes", "d/deep/notes"),
        ("deep", "d/deep/notes"),
    ] {
        let staging = store.stage_dir("d".as_ref()).unwrap();
        let file = staging.path().join(file);
        store.create_dir_all(file.parent().unwrap()).unwrap();
        store.write_atomic(&file, b"new").unwrap();
        let error = store
            .replace_dir(staging.path(), "d".as_ref(), &owned())
            .unwrap_err();
        assert_eq!(
            (error.kind, &*error.path),
            (ErrorKind::Taken, Path::new(taken))
        );
        store.remove(staging.path()).unwrap();
        assert_others_kept(&store, Path::new(""), taken);
        assert_eq!(store.read("d/a".as_ref(), ALL).unwrap(), b"old");
    }
}

#[test]
fn rename_dir_replaces_an_empty_folder_only() {
    let store = MemStore::new();
    let (new, to) = (Path::new("new"), Path::new("d"));
    store.create_dir_all(new).unwrap();
    store.write_atomic(&new.join("f"), b"new").unwrap();
    store.create_dir_all(to).unwrap();
    store.write_atomic(&to.join("f"), b"old").unwrap();
    assert_eq!(kind(store.rename_dir(new, to)), ErrorKind::NotEmpty);
    assert_eq!(store.read(&to.join("f"), ALL).unwrap(), b"old");
    store.remove(&to.join("f")).unwrap();
    store.rename_dir(new, to).unwrap();
    assert_eq!(store.read(&to.join("f"), ALL).unwrap(), b"new");
    assert_eq!(store.sweep(Path::new("")).unwrap(), Swept::default());
}

/// A crash left the old folder aside, and the user created a new one with its name.
#[test]
fn sweep_keeps_an_old_folder_that_was_not_replaced() {
    let store = MemStore::new();
    for (dir, file) in [(".d.nearsay.old", "photo"), ("d", "a")] {
        store.create_dir_all(dir.as_ref()).unwrap();
        store
            .write_atomic(&Path::new(dir).join(file), b"x")
            .unwrap();
    }
    store.sweep(Path::new("")).unwrap();
    assert!(store.exists("d.recovered-1/photo".as_ref()).unwrap());
    assert_eq!(store.list("d".as_ref()).unwrap().len(), 1);
}

#[test]
fn owned_ignores_names_outside_of_the_folder() {
    let owned = Owned::new(["a", "b/c", "../x", "/etc", "", "a/../b", "a\nb", "."]);
    assert_eq!(owned, Owned::new(["a", "b/c"]));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn replace_dir_keeps_links_and_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        create_mixed(&DiskStore, root);
        symlink("photos", root.join("d/link")).unwrap();
        let run = root.join("d/photos/p");
        std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o751)).unwrap();
        replace_d(&DiskStore, root).unwrap();
        let link = std::fs::read_link(root.join("d/link")).unwrap();
        assert_eq!(link, Path::new("photos"));
        assert_eq!(
            std::fs::metadata(&run).unwrap().permissions().mode() & 0o777,
            0o751
        );
    }

    #[test]
    fn replace_dir_rejects_links_to_folders_with_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        create_mixed(&DiskStore, root);
        std::fs::rename(root.join("d"), root.join("real")).unwrap();
        symlink("real", root.join("d")).unwrap();
        assert_eq!(kind(replace_d(&DiskStore, root)), ErrorKind::ALink);
        assert_others_kept(&DiskStore, root, "refused");
    }
}

#[test]
fn replaced_folder_is_never_missing() {
    // Each step before the one that fails has left a folder in place.
    for n in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let store = FaultStore::new(DiskStore);
        create_mixed(&store, root);
        store.fail_step(n, Fault::Crash);
        replace_d(&store, root).ok();
        if !store.fired() {
            break;
        }
        // Before any recovery, as another program finds it.
        let has_old = root.join("d/deep/b").is_file();
        let is_new = std::fs::read(root.join("d/a")).is_ok_and(|bytes| bytes == b"new");
        assert!(has_old != is_new, "step {n}: {:?}", store.log().last());
    }
}

#[test]
fn sweep_leaves_a_running_replacement_alone() {
    fn test(store: &dyn Store, root: &Path) {
        create_mixed(store, root);
        let (d, old) = (root.join("d"), root.join(".d.nearsay.old"));
        // Another process fills a folder for `d` and has just moved the old one aside.
        let staging = store.stage_dir(&d).unwrap();
        store.rename_dir(&d, &old).unwrap();
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
        store.recover(&d).unwrap();
        assert!(!store.exists(&d).unwrap());
        // The process dies.
        drop(staging);
        assert_eq!(store.sweep(root).unwrap().restored, [d]);
        assert_others_kept(store, root, "restored");
    }
    test(&MemStore::new(), Path::new("/"));
    test(&DiskStore, tempfile::tempdir().unwrap().path());
}
