//! Killing a process while it writes.

use std::path::PathBuf;

use super::ALL;
use crate::*;

const KILL_DIR: &str = "NEARSAY_STORE_KILL_DIR";

#[test]
#[ignore = "child process of the test below"]
fn writes_until_killed() {
    let Some(root) = std::env::var_os(KILL_DIR).map(PathBuf::from) else {
        return;
    };
    for n in 0_u8.. {
        DiskStore
            .write_atomic(&root.join("f"), &vec![n; 300_000])
            .unwrap();
        if n == 0 {
            DiskStore.append_sync(&root.join("ready"), b"").unwrap();
        }
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
        if n == u8::MAX {
            break; // the parent kills this process long before
        }
    }
}

#[test]
fn killed_process_leaves_old_or_new_content() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut strays = 0;
    let mut noted = false;
    for attempt in 0..25_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "store::tests::kill::writes_until_killed",
            ])
            .env(KILL_DIR, root)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ready = root.join("ready");
        for _ in 0..20_000 {
            if DiskStore.exists(&ready).unwrap() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_millis(attempt * 7 % 60));
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
    assert!(
        strays > 0,
        "no kill interrupted a write, so nothing was tested"
    );
    assert!(DiskStore.exists(&root.join("d")).unwrap());
}
