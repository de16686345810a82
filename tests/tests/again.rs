//! Folders written by former versions open for ever: `tests/data` keeps some, byte by byte.

use candle_core::Device;
use nearsay::servable::{Reissue, Servable};
use nearsay_project::{Folder, adopt};
use nearsay_store::{DiskStore, Store};
use nearsay_tests::{app, done, json_lines};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// As the first version of the format wrote it: neither words nor moved answers.
const FIRST: &str = "format-1-first";
/// As the same version came to write it: with words, moved answers, plain vectors and a calibration.
const FULL: &str = "format-1-full";
/// As it writes it since answers are as sure as they are ahead of others.
const SHARE: &str = "format-1-share";

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

fn open(dir: &Path) -> Servable {
    Servable::open(&DiskStore, dir, &Device::Cpu).unwrap()
}

/// The best answer to each question, with its score in the first folder and in the others.
const ASKED: [(&str, &str, f32, f32); 3] = [
    ("lost my card", "tell the desk", 0.801_425_7, 0.968_729_7),
    ("may i bring a dog", "on a lead", 0.854_085_7, 0.908_146_9),
    // By the answer itself, which is moved in the others.
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
fn former_folders_answer_as_they_did() {
    for (name, full) in [(FIRST, false), (FULL, true), (SHARE, true)] {
        let folder = open(&kept(name));
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
        ask.arg("ask").arg(kept(name)).arg(ASKED[0].0).arg("--json");
        let told = json_lines(&done(&mut ask))[0]["answers"][0]["answer"].clone();
        assert_eq!(told, ASKED[0].1);
    }
}

#[test]
fn former_folders_become_projects_and_folders_of_today() {
    for name in [FIRST, FULL, SHARE] {
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DiskStore);
        let adopted =
            adopt::adopt(&store, data.path(), &kept(name), &LABELS, &mut |_, _| {}).unwrap();
        assert_eq!(adopted.answers, 4);
        let project = Folder::open(store, &adopted.dir).unwrap();
        assert_eq!(project.document.entries.len(), 4);

        let today = data.path().join("today");
        let mut former = open(&kept(name));
        former.load_unexpanded(&DiskStore, &kept(name)).unwrap();
        let manifest = former.manifest();
        let reissue = Reissue {
            from: &kept(name),
            data: Some(former.answer_index().into()),
            confidence: &manifest.confidence,
            words: manifest.words,
            expansion: manifest.expansion,
        };
        reissue.write(&DiskStore, &today).unwrap();
        let score = |folder: &Servable| folder.ask(ASKED[2].0, 1).unwrap()[0].score;
        assert_eq!(score(&open(&today)), score(&former));
    }
}
