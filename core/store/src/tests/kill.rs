//! Killing a process while it writes.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::ALL;
use crate::*;

const KILL_DIR: &str = "NEARSAY_STORE_KILL_DIR";

/// Writes a file and replaces a directory until the parent kills this process, or ends itself.
fn write_until_killed(root: &Path) {
    std::thread::Builder::new()
        .name("parent watch".to_owned())
        .spawn(|| {
            std::io::stdin().read_line(&mut String::new()).ok();
            std::process::exit(1);
        })
        .unwrap();
    for n in (0..=u8::MAX).cycle() {
        DiskStore
            .write_atomic(&root.join("f"), &vec![n; 300_000])
            .unwrap();
        let dir = root.join("d");
        let staging = DiskStore.stage_dir(&dir).unwrap();
        for file in ["a", "b"] {
            DiskStore
                .write_atomic(&staging.path().join(file), &[n; 1000])
                .unwrap();
        }
        let owned = Owned::new(["a", "b"]);
        DiskStore.replace_dir(staging.path(), &dir, &owned).unwrap();
        if n == 0 {
            DiskStore
                .write_atomic(&dir.join("notes"), b"not ours")
                .unwrap();
        }
        DiskStore.append_sync(&root.join("ready"), b"").unwrap();
    }
}

/// Waits for a condition; panics if it takes so long that the child must hang.
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(5), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn killed_process_leaves_old_or_new_content() {
    if let Some(root) = std::env::var_os(KILL_DIR) {
        return write_until_killed(root.as_ref());
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut strays = 0;
    let mut noted = false;
    for attempt in 0..25 {
        // This same test, which is the child once the variable is set.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--exact")
            .arg(format!(
                "{module}::killed_process_leaves_old_or_new_content"
            ))
            .env(KILL_DIR, root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ready = root.join("ready");
        wait_until("the child writes", || DiskStore.exists(&ready).unwrap());
        // Kill during a file write or a directory write, after a varying number of looks.
        let kind = [FileKind::File, FileKind::Folder][attempt % 2];
        let mut looks = 0;
        wait_until("the child is in the middle of a write", || {
            looks += 1;
            let unfinished = DiskStore.entries(root).is_ok_and(|entries| {
                entries.iter().any(|entry| {
                    let name = names::classify_name(&entry.name);
                    entry.kind == kind && matches!(name, Some(names::TempName::Part))
                })
            });
            unfinished && looks > attempt
        });
        child.kill().unwrap();
        child.wait().unwrap();
        DiskStore.remove(&ready).unwrap();
        let swept = DiskStore.sweep(root).unwrap();
        strays += swept.removed + swept.restored.len();
        for (file, len) in [("f", 300_000), ("d/a", 1000), ("d/b", 1000)] {
            if DiskStore.exists(&root.join(file)).unwrap() {
                let bytes = DiskStore.read(&root.join(file), ALL).unwrap();
                assert_eq!(bytes.len(), len, "attempt {attempt}");
                assert!(bytes.iter().all(|b| *b == bytes[0]), "attempt {attempt}");
            }
        }
        if DiskStore.exists(&root.join("d")).unwrap() {
            let of = |file| DiskStore.read(&root.join("d").join(file), ALL).unwrap();
            assert_eq!(of("a"), of("b"), "attempt {attempt}");
            // The notes are written only once and must never get lost.
            noted |= DiskStore.exists(&root.join("d").join("notes")).unwrap();
            let notes = DiskStore.exists(&root.join("d").join("notes")).unwrap();
            assert!(notes || !noted, "attempt {attempt}: notes are gone");
        }
        let left = DiskStore.entries(root).unwrap();
        assert!(left.iter().all(|e| names::classify_name(&e.name).is_none()));
    }
    assert!(strays > 0, "no kill interrupted a write");
    assert!(DiskStore.exists(&root.join("d")).unwrap());
}
