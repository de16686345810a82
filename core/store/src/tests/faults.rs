//! Behaviour when any single step fails with any fault.

use std::path::{Path, PathBuf};

use super::{ALL, kind};
use crate::*;

/// State after a fault, or after a run without one.
struct After<'a> {
    /// The store after recovery from the fault.
    store: &'a dyn Steps,
    root: &'a Path,
    /// The fault; `None` for a crash with power loss.
    fault: Option<Fault>,
    result: &'a Result<(), StoreError>,
    at: String,
}

/// Makes `act` fail at each of its steps with each fault, on disk and in memory, and in memory with
/// power loss, too. `check` inspects the state after each fault.
fn every_fault(
    setup: impl Fn(&dyn Store, &Path),
    act: impl Fn(&dyn Store, &Path) -> Result<(), StoreError>,
    check: impl Fn(&After<'_>),
) {
    for fault in Fault::ALL {
        for new in [MemStore::new, MemStore::without_exchange] {
            let memory = || (new(), "/".into(), ());
            each_step(fault, memory, &setup, &act, |a, mem| {
                let after_power_loss = mem.after_power_loss(); // before `check` changes anything
                check(a);
                if fault == Fault::Crash {
                    check(&After {
                        store: &after_power_loss,
                        fault: None,
                        at: format!("{}, power lost", a.at),
                        ..*a
                    });
                }
            });
        }
        let disk = || {
            let folder = tempfile::tempdir().unwrap();
            (DiskStore, folder.path().to_owned(), folder)
        };
        each_step(fault, disk, &setup, &act, |a, _| check(a));
    }
}

fn each_step<S: Steps, G>(
    fault: Fault,
    fresh: impl Fn() -> (S, PathBuf, G),
    setup: &impl Fn(&dyn Store, &Path),
    act: &impl Fn(&dyn Store, &Path) -> Result<(), StoreError>,
    check: impl Fn(&After<'_>, &S),
) {
    for n in 1.. {
        assert!(n < 1000, "too many steps");
        let (store, root, _guard) = fresh();
        let store = FaultStore::new(store);
        setup(&store, &root);
        store.fail_step(n, fault);
        let result = act(&store, &root);
        let fired = store.fired();
        store.heal();
        let after = After {
            store: store.inner(),
            root: &root,
            fault: Some(fault),
            result: &result,
            at: format!("{fault:?} at step {n}: {:?}", store.log()),
        };
        check(&after, store.inner());
        if !fired {
            result.unwrap();
            break;
        }
        // A repetition without faults succeeds.
        after.store.sweep(&root).unwrap();
        act(store.inner(), &root).unwrap();
    }
}

impl After<'_> {
    fn read(&self, name: &str) -> Option<String> {
        let path = self.root.join(name);
        let there = self.store.exists(&path).unwrap();
        there.then(|| String::from_utf8(self.store.read(&path, ALL).unwrap()).unwrap())
    }

    /// Counts temporary names in the root.
    fn count_strays(&self) -> usize {
        let entries = self.store.entries(self.root).unwrap();
        entries
            .iter()
            .filter(|e| names::classify_name(&e.name).is_some())
            .count()
    }

    /// Asserts that no temporary names are left, after a sweep if the process died.
    fn assert_clean(&self) {
        if matches!(self.fault, Some(Fault::Crash) | None) {
            self.store.sweep(self.root).unwrap();
        }
        assert_eq!(self.count_strays(), 0, "{}", self.at);
    }
}

#[test]
fn write_atomic_leaves_old_or_new_file_after_any_fault() {
    every_fault(
        |store, root| store.write_atomic(&root.join("f"), b"old").unwrap(),
        |store, root| store.write_atomic(&root.join("f"), b"new!"),
        |after| {
            let content = after.read("f").unwrap();
            assert!(["old", "new!"].contains(&content.as_str()), "{}", after.at);
            if after.result.is_ok() {
                assert_eq!(content, "new!", "{}", after.at);
            }
            after.assert_clean();
        },
    );
}

#[test]
fn write_atomic_creates_all_or_nothing_after_any_fault() {
    every_fault(
        |_, _| {},
        |store, root| store.write_atomic(&root.join("f"), b"new!"),
        |after| {
            let content = after.read("f");
            assert!(content.is_none_or(|c| c == "new!"), "{}", after.at);
            after.assert_clean();
        },
    );
}

#[test]
fn copy_leaves_old_or_new_file_after_any_fault() {
    let long = "0123456789".repeat(20_000); // several pieces
    every_fault(
        |store, root| {
            store
                .write_atomic(&root.join("a"), long.as_bytes())
                .unwrap();
            store.write_atomic(&root.join("b"), b"old").unwrap();
        },
        |store, root| store.copy(&root.join("a"), &root.join("b")),
        |after| {
            assert!(after.read("a").unwrap() == long);
            let content = after.read("b").unwrap();
            assert!(content == "old" || content == long, "{}", after.at);
            after.assert_clean();
        },
    );
}

#[test]
fn append_sync_keeps_old_content_after_any_fault() {
    for old in ["", "one\n"] {
        every_fault(
            |store, root| {
                if !old.is_empty() {
                    store.append_sync(&root.join("f"), old.as_bytes()).unwrap();
                }
            },
            |store, root| store.append_sync(&root.join("f"), b"two\n"),
            |after| {
                let content = after.read("f").unwrap_or_default();
                let whole = format!("{old}two\n");
                if matches!(after.fault, Some(Fault::Crash) | None) {
                    assert!(content.starts_with(old), "{}", after.at);
                    assert!(whole.starts_with(&content), "{}", after.at);
                } else {
                    assert!(content == old || content == whole, "{}", after.at);
                }
                if after.result.is_ok() {
                    assert_eq!(content, whole, "{}", after.at);
                }
                after.assert_clean();
                // Start the repetition from an empty file.
                after.store.remove(&after.root.join("f")).unwrap();
            },
        );
    }
}

/// Stages and publishes a folder of two files.
fn publish(store: &dyn Store, root: &Path, content: &str) -> Result<(), StoreError> {
    let to = root.join("d");
    let staging = store.stage_dir(&to)?;
    let done = (|| {
        store.write_atomic(&staging.path().join("a"), content.as_bytes())?;
        store.create_dir_all(&staging.path().join("deep"))?;
        store.write_atomic(&staging.path().join("deep").join("b"), content.as_bytes())?;
        store.replace_dir(staging.path(), &to, &Owned::new(["a", "deep/b"]))
    })();
    if done.is_err() {
        store.remove(staging.path()).ok();
    }
    done
}

#[test]
fn rename_dir_leaves_old_or_new_folder_after_any_fault() {
    every_fault(
        |store, root| publish(store, root, "old").unwrap(),
        |store, root| publish(store, root, "new"),
        |after| {
            if matches!(after.fault, Some(Fault::Crash) | None) {
                after.store.sweep(after.root).unwrap();
            }
            let content = (after.read("d/a").unwrap(), after.read("d/deep/b").unwrap());
            assert_eq!(content.0, content.1, "{}", after.at);
            assert!(["old", "new"].contains(&content.0.as_str()), "{}", after.at);
            if after.result.is_ok() {
                assert_eq!(content.0, "new", "{}", after.at);
            }
            after.store.sweep(after.root).unwrap();
            assert_eq!(after.count_strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn rename_dir_creates_all_or_nothing_after_any_fault() {
    every_fault(
        |_, _| {},
        |store, root| publish(store, root, "new"),
        |after| {
            let content = (after.read("d/a"), after.read("d/deep/b"));
            assert_eq!(content.0, content.1, "{}", after.at);
            assert!(content.0.is_none_or(|c| c == "new"), "{}", after.at);
            after.store.sweep(after.root).unwrap();
            assert_eq!(after.count_strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn remove_deletes_all_or_nothing_after_any_fault() {
    every_fault(
        |store, root| publish(store, root, "x").unwrap(),
        |store, root| store.remove(&root.join("d")),
        |after| {
            let content = (after.read("d/a"), after.read("d/deep/b"));
            assert_eq!(content.0, content.1, "{}", after.at);
            assert_eq!(
                after.store.exists(&after.root.join("d")).unwrap(),
                content.0.is_some(),
                "{}",
                after.at
            );
            if after.result.is_ok() {
                assert!(content.0.is_none(), "{}", after.at);
            }
            after.store.sweep(after.root).unwrap();
            assert_eq!(after.count_strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn sweep_can_be_repeated_after_any_fault() {
    every_fault(
        |store, root| {
            for (dir, content) in [
                (".d.nearsay.old", "1"),
                (".e.nearsay.old", "1"),
                ("e", "2"),
                (".t-1-3.nearsay.part", "3"),
            ] {
                store.create_dir_all(&root.join(dir)).unwrap();
                let file = root.join(dir).join("f");
                store.write_atomic(&file, content.as_bytes()).unwrap();
            }
            let stray = root.join(".x-1-2.nearsay.part");
            store.append_sync(&stray, b"x").unwrap();
            drop(store.stage_dir(&root.join("s")).unwrap());
        },
        |store, root| store.sweep(root).map(|_| ()),
        |after| {
            after.store.sweep(after.root).unwrap();
            assert_eq!(after.read("d/f").unwrap(), "1", "{}", after.at);
            assert_eq!(after.read("e/f").unwrap(), "2", "{}", after.at);
            assert_eq!(after.count_strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn create_dir_all_can_be_repeated_after_any_fault() {
    every_fault(
        |_, _| {},
        |store, root| store.create_dir_all(&root.join("a").join("b")),
        |after| {
            let made = after.store.exists(&after.root.join("a").join("b")).unwrap();
            assert!(made || after.result.is_err(), "{}", after.at);
        },
    );
}

#[test]
fn full_disk_error_states_sizes() {
    let store = FaultStore::new(MemStore::new());
    store.fail_step(3, Fault::Full);
    let error = store.write_atomic(Path::new("f"), &[0; 5000]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The disk is full (5 KB needed, 0 bytes free). Free some space and try again: f"
    );
}

#[test]
fn faults_map_to_error_kinds() {
    for (fault, expected) in [
        (Fault::Denied, ErrorKind::Denied),
        (Fault::Io, ErrorKind::Other),
        (Fault::ShortWrite, ErrorKind::Other),
        (Fault::Crash, ErrorKind::Crashed),
    ] {
        let store = FaultStore::new(MemStore::new());
        store.fail_change(2, fault); // the write itself
        assert_eq!(kind(store.write_atomic(Path::new("f"), b"xy")), expected);
        assert_eq!(
            kind(store.read(Path::new("g"), ALL)),
            match fault {
                Fault::Crash => ErrorKind::Crashed,
                _ => ErrorKind::NotFound,
            }
        );
    }
}

#[test]
fn write_atomic_syncs_content_before_rename_and_folder_after() {
    let store = FaultStore::new(MemStore::new());
    store.write_atomic(Path::new("f"), b"x").unwrap();
    let steps: Vec<Step> = store.log().into_iter().map(|(step, _)| step).collect();
    assert_eq!(
        steps,
        [
            Step::Stat,
            Step::CreateNew,
            Step::Write,
            Step::Sync,
            Step::Rename,
            Step::SyncDir
        ]
    );
    assert_eq!(store.steps(), 6);
}

#[test]
fn mem_store_loses_unsynced_content_on_power_loss() {
    let mem = MemStore::new();
    mem.create_new(Path::new("f")).unwrap().write(b"x").unwrap();
    assert!(mem.after_power_loss().files().is_empty());
    mem.sync_dir(Path::new("/")).unwrap();
    let files = mem.after_power_loss().files();
    assert_eq!(files, [(PathBuf::from("f"), vec![])].into());
    assert_eq!(mem.snapshot().files()[Path::new("f")], b"x");
}
