//! What must hold when any single step fails, in any way.

use std::path::{Path, PathBuf};

use super::{ALL, kind};
use crate::store::*;

/// After a fault, or after the last step without one.
struct After<'a> {
    /// The store, with the fault over.
    store: &'a dyn Steps,
    root: &'a Path,
    /// `None` if the power went with it.
    fault: Option<Fault>,
    result: &'a Result<(), StoreError>,
    at: String,
}

/// Makes `act` fail at each of its steps with each fault, on disk and in memory, and in memory
/// with the power lost too; `check` looks at what is left.
fn every_fault(
    setup: impl Fn(&dyn Store, &Path),
    act: impl Fn(&dyn Store, &Path) -> Result<(), StoreError>,
    check: impl Fn(&After<'_>),
) {
    for fault in Fault::ALL {
        let memory = || (MemStore::new(), "/".into(), ());
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
        assert!(n < 1000, "there is no end to it");
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
        // And then it works.
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

    /// Temporary names in the root.
    fn strays(&self) -> usize {
        let entries = self.store.entries(self.root).unwrap();
        entries
            .iter()
            .filter(|e| names::ours(&e.name).is_some())
            .count()
    }

    /// Nothing of ours may be left: at once, or, if the process died, after a sweep.
    fn clean(&self) {
        if matches!(self.fault, Some(Fault::Crash) | None) {
            self.store.sweep(self.root).unwrap();
        }
        assert_eq!(self.strays(), 0, "{}", self.at);
    }
}

#[test]
fn a_file_is_old_or_new_after_any_fault() {
    every_fault(
        |store, root| store.write_atomic(&root.join("f"), b"old").unwrap(),
        |store, root| store.write_atomic(&root.join("f"), b"new!"),
        |after| {
            let content = after.read("f").unwrap();
            assert!(["old", "new!"].contains(&content.as_str()), "{}", after.at);
            if after.result.is_ok() {
                assert_eq!(content, "new!", "{}", after.at);
            }
            after.clean();
        },
    );
}

#[test]
fn a_new_file_is_whole_or_missing_after_any_fault() {
    every_fault(
        |_, _| {},
        |store, root| store.write_atomic(&root.join("f"), b"new!"),
        |after| {
            let content = after.read("f");
            assert!(content.is_none_or(|c| c == "new!"), "{}", after.at);
            after.clean();
        },
    );
}

#[test]
fn a_copy_is_old_or_new_after_any_fault() {
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
            after.clean();
        },
    );
}

#[test]
fn an_addition_is_there_or_not_and_the_rest_unharmed_after_any_fault() {
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
                after.clean();
                // Makes the repetition the only one.
                after.store.remove(&after.root.join("f")).unwrap();
            },
        );
    }
}

/// Stages, fills and swaps in a folder of two files.
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
fn a_folder_is_old_or_new_after_any_fault() {
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
            assert_eq!(after.strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn a_new_folder_is_whole_or_missing_after_any_fault() {
    every_fault(
        |_, _| {},
        |store, root| publish(store, root, "new"),
        |after| {
            let content = (after.read("d/a"), after.read("d/deep/b"));
            assert_eq!(content.0, content.1, "{}", after.at);
            assert!(content.0.is_none_or(|c| c == "new"), "{}", after.at);
            after.store.sweep(after.root).unwrap();
            assert_eq!(after.strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn a_folder_is_there_as_a_whole_or_gone_after_any_fault() {
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
            assert_eq!(after.strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn a_sweep_can_be_cut_off_anywhere_and_repeated() {
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
            assert_eq!(after.strays(), 0, "{}", after.at);
        },
    );
}

#[test]
fn making_folders_can_be_cut_off_anywhere_and_repeated() {
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
fn a_full_disk_is_told_with_numbers() {
    let store = FaultStore::new(MemStore::new());
    store.fail_step(3, Fault::Full);
    let error = store.write_atomic(Path::new("f"), &[0; 5000]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The disk is full: 5 KB are needed and 0 bytes are free. \
         Free some space and try again: f"
    );
}

#[test]
fn each_fault_is_told_as_what_it_is() {
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
fn content_is_synced_before_the_name_and_the_name_before_the_end() {
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
fn without_a_sync_the_memory_disk_loses_it() {
    let mem = MemStore::new();
    mem.create_new(Path::new("f")).unwrap().write(b"x").unwrap();
    assert!(mem.after_power_loss().files().is_empty());
    mem.sync_dir(Path::new("/")).unwrap();
    let files = mem.after_power_loss().files();
    assert_eq!(files, [(PathBuf::from("f"), vec![])].into());
    assert_eq!(mem.snapshot().files()[Path::new("f")], b"x");
}
