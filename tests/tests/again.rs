//! Model directories written by older versions stay readable: `tests/data` keeps some, byte for byte.

use candle_core::Device;
use nearsay::servable::{Reissue, Servable};
use nearsay_project::{Folder, adopt};
use nearsay_store::{DiskStore, Store};
use nearsay_tests::{app, json_lines, run_ok, test_file};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Format 1 as first released: dense search only.
const FIRST: &str = "format-1-first";
/// Format 1 with hybrid search, document expansion, raw vectors and calibration.
const FULL: &str = "format-1-full";
/// Format 1 with confidence as a softmax over the best scores.
const SHARE: &str = "format-1-share";

fn old_model(name: &str) -> PathBuf {
    test_file("data").join(name)
}

fn open(dir: &Path) -> Servable {
    Servable::open(&DiskStore, dir, &Device::Cpu).unwrap()
}

/// Question, best answer, its score in [`FIRST`] and in the others.
const ASKED: [(&str, &str, f32, f32); 3] = [
    ("lost my card", "tell the desk", 0.801_425_7, 0.968_729_7),
    ("may i bring a dog", "on a lead", 0.854_085_7, 0.908_146_9),
    // The text of the answer itself, which the others expand.
    ("tell the desk", "tell the desk", 1.0, 1.078_756_3),
];

/// Words of the project made of a model directory.
const LABELS: adopt::Labels<'static> = adopt::Labels {
    unnamed: "New project",
    import: str::to_owned,
    described: "model directory",
    no_question: "no question",
    no_question_fix: "add one",
};

#[test]
fn old_models_keep_answers_and_scores() {
    for (name, full) in [(FIRST, false), (FULL, true), (SHARE, true)] {
        let folder = open(&old_model(name));
        let manifest = folder.manifest();
        assert_eq!(manifest.format, 1);
        assert_eq!(manifest.expansion.is_some(), full);
        assert_eq!(manifest.words.is_some(), full);
        assert_eq!(manifest.confidence.calibration.is_some(), full);
        assert_eq!(manifest.confidence.no_answer.is_some(), name == SHARE);
        for (question, answer, first, last) in ASKED {
            let found = folder.ask(question, 1).unwrap()[0];
            assert_eq!(found.answer.answer, answer, "{name}: {question}");
            let expected = if full { last } else { first };
            let near = (found.score - expected).abs() < 1e-5;
            assert!(near, "{name}: {question}: {}", found.score);
        }
        let mut ask = app!();
        ask.arg("ask")
            .arg(old_model(name))
            .arg(ASKED[0].0)
            .arg("--json");
        let best = json_lines(&run_ok(&mut ask))[0]["answers"][0]["answer"].clone();
        assert_eq!(best, ASKED[0].1);
    }
}

#[test]
fn old_models_become_projects_and_current_models() {
    for name in [FIRST, FULL, SHARE] {
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DiskStore);
        let adopted = adopt::adopt(
            &store,
            data.path(),
            &old_model(name),
            &LABELS,
            &mut |_, _| {},
        )
        .unwrap();
        assert_eq!(adopted.answers, 4);
        let project = Folder::open(store, &adopted.dir).unwrap();
        assert_eq!(project.document.entries.len(), 4);

        let today = data.path().join("today");
        let mut former = open(&old_model(name));
        former
            .load_unexpanded(&DiskStore, &old_model(name))
            .unwrap();
        let manifest = former.manifest();
        let reissue = Reissue {
            from: &old_model(name),
            data: Some(former.answer_index().into()),
            confidence: &manifest.confidence,
            words: manifest.words,
            expansion: manifest.expansion,
            prototype: manifest.prototype,
        };
        reissue.write(&DiskStore, &today).unwrap();
        let score = |folder: &Servable| folder.ask(ASKED[2].0, 1).unwrap()[0].score;
        assert_eq!(score(&open(&today)), score(&former));
    }
}
