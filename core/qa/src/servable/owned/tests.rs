use super::*;
use crate::servable::{Edit, Journal, KnownAnswer, Reissue, tests as folder};
use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_store::{Fault, FaultStore, MemStore};

const OTHERS: [&str; 4] = [
    "model/Dockerfile",
    "model/.git/HEAD",
    "model/1_Pooling/notes.txt",
    "model/photos/a.jpg",
];

/// A model directory with unrelated files and an empty subdirectory.
fn mixed() -> MemStore {
    let store = MemStore::new();
    folder::write(&store, &folder::head()).unwrap();
    for file in OTHERS {
        let file = Path::new(file);
        store.create_dir_all(file.parent().unwrap()).unwrap();
        store.write_atomic(file, b"mine").unwrap();
    }
    store.create_dir_all("model/empty".as_ref()).unwrap();
    store
}

fn others_are_there(store: &dyn Store, at: &str) {
    for file in OTHERS {
        assert_eq!(
            store.read(file.as_ref(), 9).unwrap(),
            b"mine",
            "{file} {at}"
        );
    }
    assert!(store.exists("model/empty".as_ref()).unwrap(), "{at}");
}

#[test]
fn export_keeps_unrelated_files_in_model() {
    let store = mixed();
    folder::write(&store, &nearsay_core::head::Folded::Identity).unwrap();
    others_are_there(&store, "after");
    let model = folder::open(&store).unwrap();
    assert!(!model.manifest().files.contains_key("2_Dense/config.json"));
    assert!(!store.exists("model/2_Dense".as_ref()).unwrap());
    let mut normalize = store.list("model".as_ref()).unwrap();
    normalize.retain(|entry| entry.name.to_string_lossy().ends_with("_Normalize"));
    assert_eq!(normalize.len(), 1);
}

#[test]
fn export_rejects_directory_of_unrelated_files() {
    for manifest in [None, Some(&b"{}"[..]), Some(b"no JSON")] {
        let store = MemStore::new();
        store.create_dir_all("model".as_ref()).unwrap();
        let faq = Path::new("model/faq.jsonl");
        store.write_atomic(faq, b"mine").unwrap();
        if let Some(bytes) = manifest {
            let path = Path::new("model").join(manifest::NAME);
            store.write_atomic(&path, bytes).unwrap();
        }
        let before = store.files();
        let refused = [
            check_target(&store, "model".as_ref()),
            folder::write(&store, &folder::head()),
        ];
        for error in refused.map(Result::unwrap_err) {
            assert!(matches!(error, ServableError::Occupied { .. }), "{error}");
            assert!(error.to_string().contains("faq.jsonl"), "{error}");
        }
        assert_eq!(store.files(), before);
    }
}

#[test]
fn check_target_accepts_missing_directory_empty_directory_and_model() {
    let store = mixed();
    store.create_dir_all("new".as_ref()).unwrap();
    for dir in ["model", "new", "missing"] {
        check_target(&store, dir.as_ref()).unwrap();
    }
    assert!(check_target(&store, "model/Dockerfile".as_ref()).is_err());
}

#[test]
fn export_never_overwrites_unrelated_file() {
    let store = mixed();
    folder::write(&store, &nearsay_core::head::Folded::Identity).unwrap();
    store.create_dir_all("model/2_Dense".as_ref()).unwrap();
    let mine = Path::new("model/2_Dense/config.json");
    store.write_atomic(mine, b"mine").unwrap();
    let error = folder::write(&store, &folder::head()).unwrap_err();
    assert!(error.to_string().contains("2_Dense"), "{error}");
    assert_eq!(store.read(mine, 9).unwrap(), b"mine");
    folder::open(&store).unwrap();
    others_are_there(&store, "refused");
}

#[test]
fn fold_keeps_unrelated_files_after_any_fault() {
    let store = mixed();
    {
        let opened = Journal::open(&store, "model".as_ref(), &Device::Cpu, Precision::F32);
        let (mut journal, _) = opened.unwrap();
        let answer = KnownAnswer {
            answer: "a b a".into(),
            questions: vec!["ab".into()],
            row: 0,
            source: None,
        };
        journal.append(&Edit::Add(answer)).unwrap();
    }
    let before = store;
    for n in 1.. {
        assert!(n < 2000, "there is no end to it");
        let store = FaultStore::new(before.snapshot());
        store.fail_change(n, Fault::Crash);
        let opened = Journal::open(&store, "model".as_ref(), &Device::Cpu, Precision::F32);
        let folded = opened.map(drop);
        let fired = store.fired();
        store.heal();
        store.sweep("".as_ref()).unwrap();
        others_are_there(&store, &format!("crash at change {n}"));
        assert_eq!(folder::open(&store).unwrap().answers().len(), 3);
        if !fired {
            folded.unwrap();
            assert!(!store.exists("model/edits.jsonl".as_ref()).unwrap());
            break;
        }
    }
}

#[test]
fn reissue_without_data_keeps_unrelated_files() {
    let store = mixed();
    let confidence = folder::open(&store).unwrap().manifest().confidence.clone();
    let only = Reissue {
        from: "model".as_ref(),
        data: None,
        confidence: &confidence,
        words: None,
        expansion: None,
        prototype: None,
    };
    only.write(&store, "model".as_ref()).unwrap();
    others_are_there(&store, "without data");
    assert!(!store.exists("model/answers.jsonl".as_ref()).unwrap());
}

#[test]
fn remove_keeps_unrelated_files() {
    let store = mixed();
    remove(&store, "model".as_ref()).unwrap();
    others_are_there(&store, "removed");
    assert_eq!(store.files().len(), OTHERS.len());
    // Without a model, `remove` does nothing.
    remove(&store, "model".as_ref()).unwrap();
    others_are_there(&store, "left");
    let store = MemStore::new();
    folder::write(&store, &folder::head()).unwrap();
    remove(&store, "model".as_ref()).unwrap();
    assert!(!store.exists("model".as_ref()).unwrap());
}

#[test]
fn lock_target_refuses_a_model_that_is_edited() {
    let missing = lock_target(&MemStore::new(), "model".as_ref());
    assert!(missing.unwrap().is_none());
    let store = mixed();
    let held = lock_target(&store, "model".as_ref()).unwrap();
    assert!(held.is_some());
    let error = lock_target(&store, "model".as_ref()).unwrap_err();
    assert!(matches!(error, ServableError::Busy { .. }), "{error}");
    drop(held);
    store
        .append_sync("model/edits.jsonl".as_ref(), b"{}\n")
        .unwrap();
    let error = lock_target(&store, "model".as_ref()).unwrap_err();
    assert!(error.to_string().contains("--to jsonl"), "{error}");
}
