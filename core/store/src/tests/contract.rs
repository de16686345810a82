//! Behaviour that every store must have.

use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use super::{ALL, kind};
use crate::*;

/// Runs `test` on each kind of store, each in its own folder.
fn on_each(test: impl Fn(&dyn Store, &Path)) {
    test(&MemStore::new(), Path::new("/"));
    let folder = tempfile::tempdir().unwrap();
    test(&DiskStore, folder.path());
    let folder = tempfile::tempdir().unwrap();
    test(&FaultStore::new(DiskStore), folder.path());
}

#[test]
fn write_atomic_creates_and_replaces_files() {
    on_each(|store, root| {
        let file = root.join("a.json");
        assert!(!store.exists(&file).unwrap());
        assert_eq!(kind(store.read(&file, ALL)), ErrorKind::NotFound);
        for content in ["", "one", "another, longer", "x"] {
            store.write_atomic(&file, content.as_bytes()).unwrap();
            assert_eq!(store.read(&file, ALL).unwrap(), content.as_bytes());
        }
        assert!(store.exists(&file).unwrap());
        let metadata = store.metadata(&file).unwrap();
        assert_eq!((metadata.kind, metadata.len), (FileKind::File, 1));
        assert!(metadata.modified.is_some());
    });
}

#[test]
fn write_stream_is_all_or_nothing() {
    on_each(|store, root| {
        let file = root.join("a");
        let lines = |n: usize| {
            move |out: &mut (dyn Write + Send)| (0..n).try_for_each(|_| out.write_all(b"line\n"))
        };
        store.write_stream(&file, &mut lines(30_000)).unwrap();
        assert_eq!(store.read(&file, ALL).unwrap(), b"line\n".repeat(30_000));
        let failed = store.write_stream(&file, &mut |out| {
            lines(40_000)(out)?;
            Err(std::io::Error::other("no more"))
        });
        assert!(failed.unwrap_err().to_string().contains("no more"));
        assert_eq!(store.metadata(&file).unwrap().len, 150_000);
        assert_eq!(store.list(root).unwrap().len(), 1);
        store.write_stream(&file, &mut lines(0)).unwrap();
        assert_eq!(store.read(&file, ALL).unwrap(), b"");
    });
}

#[test]
fn operations_fail_without_parent_folder() {
    on_each(|store, root| {
        let file = root.join("no").join("file");
        assert_eq!(kind(store.write_atomic(&file, b"x")), ErrorKind::NotFound);
        assert_eq!(kind(store.append_sync(&file, b"x")), ErrorKind::NotFound);
        assert_eq!(kind(store.lock(&file)), ErrorKind::NotFound);
        assert_eq!(kind(store.stage_dir(&file)), ErrorKind::NotFound);
        assert_eq!(kind(store.list(&root.join("no"))), ErrorKind::NotFound);
        assert!(store.list(root).unwrap().is_empty());
    });
}

#[test]
fn read_enforces_the_limit() {
    on_each(|store, root| {
        let file = root.join("a");
        store.write_atomic(&file, &[7; 100]).unwrap();
        assert_eq!(store.read(&file, 100).unwrap(), [7; 100]);
        assert_eq!(
            kind(store.read(&file, 99)),
            ErrorKind::TooLarge {
                len: 100,
                limit: 99
            }
        );
    });
}

#[test]
fn open_supports_seeking() {
    on_each(|store, root| {
        let file = root.join("a");
        store.write_atomic(&file, b"0123456789").unwrap();
        let mut stream = store.open(&file).unwrap();
        assert_eq!(stream.seek(SeekFrom::End(-3)).unwrap(), 7);
        let mut end = String::new();
        stream.read_to_string(&mut end).unwrap();
        assert_eq!(end, "789");
    });
}

#[test]
fn operations_distinguish_files_and_folders() {
    on_each(|store, root| {
        let (file, folder) = (root.join("file"), root.join("folder"));
        store.write_atomic(&file, b"x").unwrap();
        store.create_dir_all(&folder).unwrap();
        let refused = ErrorKind::NotARegularFile;
        assert_eq!(kind(store.read(&folder, ALL)), refused);
        assert_eq!(store.open(&folder).err().unwrap().kind, refused);
        assert_eq!(kind(store.write_atomic(&folder, b"x")), refused);
        assert_eq!(kind(store.append_sync(&folder, b"x")), refused);
        assert_eq!(kind(store.copy(&folder, &file)), refused);
        assert_eq!(kind(store.copy(&file, &folder)), refused);
        assert_eq!(kind(store.lock(&folder)), refused);
        let refused = ErrorKind::NotAFolder;
        assert_eq!(kind(store.list(&file)), refused);
        assert_eq!(kind(store.create_dir_all(&file)), refused);
        assert_eq!(kind(store.create_dir_all(&file.join("b"))), refused);
        assert_eq!(kind(store.rename_dir(&file, &folder)), refused);
        assert_eq!(kind(store.rename_dir(&folder, &file)), refused);
        assert!(!store.exists(&file.join("b")).unwrap());
        assert_eq!(store.read(&file, ALL).unwrap(), b"x");
    });
}

#[test]
fn create_dir_all_creates_parents() {
    on_each(|store, root| {
        let dir = root.join("a").join("b").join("c");
        store.create_dir_all(&dir).unwrap();
        store.create_dir_all(&dir).unwrap();
        assert_eq!(store.metadata(&dir).unwrap().kind, FileKind::Folder);
    });
}

#[test]
fn append_sync_appends() {
    on_each(|store, root| {
        let file = root.join("journal");
        store.append_sync(&file, b"one\n").unwrap();
        store.append_sync(&file, b"two\n").unwrap();
        assert_eq!(store.read(&file, ALL).unwrap(), b"one\ntwo\n");
    });
}

#[test]
fn copy_replaces_the_whole_file() {
    on_each(|store, root| {
        let (from, to) = (root.join("from"), root.join("to"));
        let content: Vec<u8> = (0..200_001_u32).map(|i| (i % 251) as u8).collect();
        store.write_atomic(&from, &content).unwrap();
        store.copy(&from, &to).unwrap();
        store.copy(&from, &to).unwrap();
        assert!(store.read(&to, ALL).unwrap() == content);
        let missing = store.copy(&root.join("no"), &to).unwrap_err();
        assert_eq!(missing.path, root.join("no"));
        assert_eq!(store.list(root).unwrap().len(), 2);
    });
}

#[test]
fn list_is_sorted_and_hides_temporary_names() {
    on_each(|store, root| {
        for name in ["b", "a", "C", ".hidden", ".x-1-2.nearsay.part"] {
            store.append_sync(&root.join(name), b"x").unwrap();
        }
        store.create_dir_all(&root.join("aa")).unwrap();
        let list = store.list(root).unwrap();
        let names: Vec<_> = list.iter().map(|e| e.name.to_str().unwrap()).collect();
        assert_eq!(names, [".hidden", "C", "a", "aa", "b"]);
        assert_eq!((list[2].kind, list[2].len), (FileKind::File, 1));
        assert_eq!(list[3].kind, FileKind::Folder);
    });
}

#[test]
fn remove_deletes_files_and_folders() {
    on_each(|store, root| {
        let (file, dir) = (root.join("file"), root.join("dir"));
        store.remove(&file).unwrap();
        store.write_atomic(&file, b"x").unwrap();
        store.remove(&file).unwrap();
        store.create_dir_all(&dir.join("deep")).unwrap();
        store
            .write_atomic(&dir.join("deep").join("f"), b"x")
            .unwrap();
        store.remove(&dir).unwrap();
        assert!(store.list(root).unwrap().is_empty());
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
    });
}

#[test]
fn lock_is_exclusive() {
    on_each(|store, root| {
        let file = root.join("lock");
        let guard = store.lock(&file).unwrap();
        assert_eq!(guard.path(), file);
        assert_eq!(kind(store.lock(&file)), ErrorKind::Held);
        drop(guard);
        drop(store.lock(&file).unwrap());
        assert!(store.exists(&file).unwrap());
    });
}

#[test]
fn rename_dir_publishes_a_staged_folder() {
    on_each(|store, root| {
        let to = root.join("model");
        for content in ["one", "two"] {
            let staging = store.stage_dir(&to).unwrap();
            let file = staging.path().join("head");
            store.write_atomic(&file, content.as_bytes()).unwrap();
            assert_eq!(store.sweep(root).unwrap(), Swept::default());
            let owned = Owned::new(["head"]);
            store.replace_dir(staging.path(), &to, &owned).unwrap();
            assert_eq!(
                store.read(&to.join("head"), ALL).unwrap(),
                content.as_bytes()
            );
        }
        drop(store.stage_dir(&to).unwrap()); // abandoned
        assert_eq!(store.list(root).unwrap().len(), 1);
        assert_eq!(store.sweep(root).unwrap().removed, 1);

        let staging = store.stage_dir(&to).unwrap();
        store.remove(staging.path()).unwrap(); // discarded
        drop(staging);
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
        assert_eq!(
            kind(store.rename_dir(&root.join("no"), &to)),
            ErrorKind::NotFound
        );
        assert_eq!(store.read(&to.join("head"), ALL).unwrap(), b"two");
    });
}

#[test]
fn rename_dir_rejects_moving_a_folder_into_itself() {
    on_each(|store, root| {
        let dir = root.join("a");
        store.create_dir_all(&dir.join("b")).unwrap();
        store.write_atomic(&dir.join("f"), b"x").unwrap();
        store.rename_dir(&dir, &dir).unwrap();
        assert_eq!(
            kind(store.rename_dir(&dir, &dir.join("b"))),
            ErrorKind::Other
        );
        assert_eq!(store.read(&dir.join("f"), ALL).unwrap(), b"x");
        assert!(store.exists(&dir.join("b")).unwrap());
    });
}

#[test]
fn store_accepts_unusual_and_long_names() {
    on_each(|store, root| {
        let long = "n".repeat(255);
        let wide = "ü".repeat(127);
        for name in [
            "Fragen und Antworten",
            "質問",
            "🦀",
            "e\u{301}",
            "a'\"b",
            &long,
            &wide,
        ] {
            let file = root.join(name);
            store.write_atomic(&file, name.as_bytes()).unwrap();
            assert_eq!(store.read(&file, ALL).unwrap(), name.as_bytes());
            store.remove(&file).unwrap();
            store.create_dir_all(&file).unwrap();
            store.remove(&file).unwrap();
        }
        let too_long = root.join("n".repeat(256));
        assert_eq!(
            kind(store.write_atomic(&too_long, b"x")),
            ErrorKind::BadName
        );
        assert_eq!(kind(store.stage_dir(&root.join(&long))), ErrorKind::BadName);
        assert_eq!(kind(store.remove(Path::new("/"))), ErrorKind::BadName);
        assert!(store.list(root).unwrap().is_empty());
    });
}

#[test]
fn free_space_is_positive() {
    on_each(|store, root| {
        assert!(store.free_space(root).unwrap() > 0);
        assert_eq!(
            kind(store.free_space(&root.join("no"))),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn sweep_removes_only_stale_temporary_files() {
    on_each(|store, root| {
        for stray in [".a-1-0.nearsay.part", ".b-c-99999999-7.nearsay.part"] {
            store.append_sync(&root.join(stray), b"half").unwrap();
        }
        let trash = root.join(".t-1-3.nearsay.part");
        store.create_dir_all(&trash.join("deep")).unwrap();
        let kept = ["a", ".part", ".a-1-0.part", ".a-x-0.nearsay.part", "b.old"];
        for name in kept {
            store.append_sync(&root.join(name), b"mine").unwrap();
        }
        store.create_dir_all(&root.join(".c.old")).unwrap();
        let swept = store.sweep(root).unwrap();
        assert_eq!((swept.removed, swept.restored), (3, vec![]));
        assert_eq!(store.list(root).unwrap().len(), kept.len() + 1);
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
        assert_eq!(store.sweep(&root.join("no")).unwrap(), Swept::default());
    });
}

#[test]
fn sweep_completes_interrupted_swaps() {
    on_each(|store, root| {
        for (dir, content) in [(".a.nearsay.old", "1"), (".b.nearsay.old", "1"), ("b", "2")] {
            store.create_dir_all(&root.join(dir)).unwrap();
            let file = root.join(dir).join("f");
            store.write_atomic(&file, content.as_bytes()).unwrap();
        }
        let swept = store.sweep(root).unwrap();
        assert_eq!((swept.removed, swept.restored), (1, vec![root.join("a")]));
        assert_eq!(store.read(&root.join("a").join("f"), ALL).unwrap(), b"1");
        assert_eq!(store.read(&root.join("b").join("f"), ALL).unwrap(), b"2");
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
    });
}

#[test]
fn rename_dir_ignores_leftovers_of_an_earlier_swap() {
    on_each(|store, root| {
        for (dir, content) in [(".d.nearsay.old", "1"), ("d", "2"), ("new", "3")] {
            store.create_dir_all(&root.join(dir)).unwrap();
            let file = root.join(dir).join("f");
            store.write_atomic(&file, content.as_bytes()).unwrap();
        }
        store
            .replace_dir(&root.join("new"), &root.join("d"), &Owned::new(["f"]))
            .unwrap();
        assert_eq!(store.read(&root.join("d").join("f"), ALL).unwrap(), b"3");
        assert_eq!(store.sweep(root).unwrap(), Swept::default());
    });
}

#[test]
fn sweep_keeps_files_being_written() {
    fn test<S: Steps>(store: &S, root: &Path) {
        let part = names::part_path(&root.join("a")).unwrap();
        let sink = store.create_new(&part).unwrap();
        assert_eq!(store.sweep(root).unwrap().removed, 0);
        drop(sink);
        assert_eq!(store.sweep(root).unwrap().removed, 1);
    }
    test(&MemStore::new(), Path::new("/"));
    test(&DiskStore, tempfile::tempdir().unwrap().path());
}

#[test]
fn stale_temp_name_with_same_pid_is_skipped() {
    on_each(|store, root| {
        // The next counters of this process, some of which other tests may use.
        let part = names::part_path(&root.join("a")).unwrap();
        let name = part.file_name().unwrap().to_str().unwrap();
        let (stem, n) = name
            .strip_suffix(".nearsay.part")
            .unwrap()
            .rsplit_once('-')
            .unwrap();
        let n: u64 = n.parse().unwrap();
        for n in n..n + 300 {
            let stray = root.join(format!("{stem}-{n}.nearsay.part"));
            store.append_sync(&stray, b"stray").unwrap();
        }
        store.write_atomic(&root.join("a"), b"x").unwrap();
        assert_eq!(store.read(&root.join("a"), ALL).unwrap(), b"x");
    });
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    #[test]
    fn write_atomic_uses_default_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, usual) = (folder.path().join("ours"), folder.path().join("usual"));
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&usual)
            .unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        DiskStore.write_atomic(&ours, b"x").unwrap();
        assert_eq!(mode(&ours), mode(&usual));
        DiskStore.copy(&ours, &folder.path().join("copy")).unwrap();
        assert_eq!(mode(&folder.path().join("copy")), mode(&usual));
    }

    #[test]
    fn operations_reject_pipes_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        DiskStore.write_atomic(&file, b"x").unwrap();
        let refused = ErrorKind::NotARegularFile;
        assert_eq!(kind(DiskStore.read(&pipe, ALL)), refused);
        assert_eq!(DiskStore.open(&pipe).err().unwrap().kind, refused);
        assert_eq!(kind(DiskStore.write_atomic(&pipe, b"x")), refused);
        assert_eq!(kind(DiskStore.append_sync(&pipe, b"x")), refused);
        assert_eq!(kind(DiskStore.copy(&file, &pipe)), refused);
        assert_eq!(kind(DiskStore.copy(&pipe, &file)), refused);
        assert_eq!(kind(DiskStore.lock(&pipe)), refused);
        let list = DiskStore.list(folder.path()).unwrap();
        assert_eq!(list[1].kind, FileKind::Other);
        DiskStore.remove(&pipe).unwrap();
        assert!(!DiskStore.exists(&pipe).unwrap());
    }

    #[test]
    fn read_rejects_devices_and_endless_files() {
        let zero = Path::new("/dev/zero");
        assert_eq!(kind(DiskStore.read(zero, ALL)), ErrorKind::NotARegularFile);
        // A regular file with content that reports length 0.
        let status = Path::new("/proc/self/status");
        if status.exists() {
            assert!(!DiskStore.read(status, ALL).unwrap().is_empty());
            let error = kind(DiskStore.read(status, 10));
            assert!(matches!(error, ErrorKind::TooLarge { limit: 10, .. }));
        }
    }

    #[test]
    fn remove_does_not_follow_links() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, dir) = (folder.path().join("kept"), folder.path().join("dir"));
        DiskStore.create_dir_all(&kept).unwrap();
        DiskStore.create_dir_all(&dir).unwrap();
        DiskStore.write_atomic(&kept.join("f"), b"x").unwrap();
        symlink(&kept, dir.join("to-folder")).unwrap();
        symlink(kept.join("f"), dir.join("to-file")).unwrap();
        let link = folder.path().join("link");
        symlink(&kept, &link).unwrap();
        DiskStore.remove(&link).unwrap();
        DiskStore.remove(&dir).unwrap();
        assert_eq!(DiskStore.read(&kept.join("f"), ALL).unwrap(), b"x");
        assert_eq!(DiskStore.list(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn read_follows_links_and_write_replaces_them() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        DiskStore.write_atomic(&file, b"one").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(DiskStore.read(&link, ALL).unwrap(), b"one");
        DiskStore.write_atomic(&link, b"two").unwrap();
        assert_eq!(DiskStore.read(&link, ALL).unwrap(), b"two");
        assert_eq!(DiskStore.read(&file, ALL).unwrap(), b"one");

        let looped = folder.path().join("loop");
        symlink(&looped, &looped).unwrap();
        assert_eq!(kind(DiskStore.read(&looped, ALL)), ErrorKind::Other);
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        assert!(!DiskStore.exists(&folder.path().join("dangling")).unwrap());
    }

    #[test]
    fn store_accepts_names_that_are_not_utf8() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        DiskStore.write_atomic(&name, b"x").unwrap();
        assert_eq!(DiskStore.read(&name, ALL).unwrap(), b"x");
        DiskStore.remove(&name).unwrap();
        // Restored after an interrupted swap.
        let old = names::old_path(&name).unwrap();
        DiskStore.create_dir_all(&old).unwrap();
        let swept = DiskStore.sweep(folder.path()).unwrap();
        assert_eq!(swept.restored, [name]);
    }
}
