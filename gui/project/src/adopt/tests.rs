//! Directories on disk, adopted as projects.

use nearsay::servable::{Confidence, Edit, Export, ExportEncoder, Journal, KnownAnswer, Reissue};
use nearsay_core::head::Folded;
use nearsay_store::{DiskStore, Fault, FaultStore};
use tempfile::tempdir;

use super::*;

const FAQ: [(&str, &[&str]); 3] = [
    ("At nine.", &["When do you open?", "Opening hours?"]),
    ("Behind the house.", &["Where can I park?"]),
    ("Ask at the desk.", &[]),
];

const LABELS: Labels<'_> = Labels {
    unnamed: "My FAQ",
    import: |folder| format!("answers of {folder}"),
    described: "an exported folder",
    no_question: "no question for this answer",
    no_question_fix: "Write a question",
};

fn write(dir: &Path) {
    let encoder = nearsay_text::compact::built_in::encoder().unwrap();
    let known = |(answer, questions): &(&str, &[&str])| KnownAnswer {
        answer: (*answer).to_owned(),
        questions: questions.iter().map(|&way| way.to_owned()).collect(),
        row: 4,
        source: Some("Visit".to_owned()),
    };
    let answers = AnswerSet::from_known(FAQ.iter().map(known).collect());
    Export {
        encoder: ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: encoder.embeddings().clone(),
        },
        encoder_name: "compact",
        head: &Folded::Identity,
        answers: &answers,
        vectors: &encoder.encode_all(&answers.texts()),
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
        report: serde_json::Value::Null,
    }
    .write(&DiskStore, dir)
    .unwrap();
}

fn put(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    DiskStore
        .write_atomic(path.as_ref(), content.as_ref())
        .unwrap();
}

fn disk() -> Arc<dyn Store> {
    Arc::new(DiskStore)
}

fn entries(document: &Document) -> Vec<(String, Vec<String>)> {
    let texts = |entry: &crate::Entry| {
        let ways = entry.paraphrases.iter().map(|way| way.text.clone());
        (entry.answer.clone(), ways.collect())
    };
    document
        .entries
        .values()
        .map(|entry| texts(entry))
        .collect()
}

#[test]
fn adopt_takes_answers_edits_and_model() {
    let dir = tempdir().unwrap();
    let (from, data) = (dir.path().join("front-desk"), dir.path().join("data"));
    write(&from);
    let opened = Journal::open(&DiskStore, &from, &Device::Cpu, Precision::F32);
    let (mut journal, _) = opened.unwrap();
    let answer = KnownAnswer {
        answer: "On the tenth floor.".to_owned(),
        questions: vec!["Is there a roof garden?".to_owned()],
        row: 0,
        source: None,
    };
    journal.append(&Edit::Add(answer)).unwrap();
    drop(journal);
    let mut copied = 0;
    let adopted = adopt(&disk(), &data, &from, &LABELS, &mut |done, _| copied = done).unwrap();
    assert_eq!((adopted.answers, adopted.known), (4, false));
    assert_eq!(adopted.folder, "front-desk");
    assert!(copied > 1_000_000, "{copied}");
    let opened = Folder::open(disk(), &adopted.dir).unwrap();
    assert!(opened.restored_s.is_none() && opened.folder.is_some());
    assert_eq!(opened.document.options.name, "Front desk");
    let found = entries(&opened.document);
    assert_eq!(found.len(), 4);
    assert_eq!(found[0].1, FAQ[0].1);
    assert_eq!(found[3].1, ["Is there a roof garden?"]);
    // An answer without questions becomes its own question, and the import reports it.
    assert_eq!(found[2].1, ["Ask at the desk."]);
    let import = opened.document.imports.values().next().unwrap();
    assert_eq!((import.problems.len(), import.dismissed), (1, false));
    let entry = opened.document.entries.values().next().unwrap();
    assert_eq!(entry.source.as_deref(), Some("Visit"));
    assert_eq!(entry.paraphrases[0].line, 4);
    let model = opened.models.current.unwrap();
    assert_eq!(model.imported, Some(ImportedModel::default()));
    drop(opened.folder);
    // The same directory under another name gives the same project.
    let renamed = dir.path().join("other");
    std::fs::rename(&from, &renamed).unwrap();
    let again = adopt(&disk(), &data, &renamed, &LABELS, &mut |_, _| {}).unwrap();
    assert_eq!((&again.dir, again.known), (&adopted.dir, true));
    // A rewritten directory gives another project.
    std::fs::remove_dir_all(&renamed).unwrap();
    write(&renamed);
    let manifest = renamed.join("nearsay.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    put(&manifest, text.replace("\"compact\"", "\"another\""));
    let other = adopt(&disk(), &data, &renamed, &LABELS, &mut |_, _| {}).unwrap();
    assert!(!other.known && other.dir != adopted.dir);
}

#[test]
fn adopt_accepts_a_model_without_answers() {
    let dir = tempdir().unwrap();
    let (from, bare) = (dir.path().join("whole"), dir.path().join("bare"));
    write(&from);
    let only = Reissue {
        from: &from,
        data: None,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
    };
    only.write(&DiskStore, &bare).unwrap();
    let adopted = adopt(&disk(), dir.path(), &bare, &LABELS, &mut |_, _| {}).unwrap();
    assert_eq!(adopted.answers, 0);
    let opened = Folder::open(disk(), &adopted.dir).unwrap();
    assert!(opened.document.entries.is_empty() && opened.document.imports.is_empty());
    assert!(opened.models.current.is_some());
}

#[test]
fn choose_effort_matches_encoder_and_trained_part() {
    let manifest = |encoder: &str, learns: &str| {
        let text = format!(
            r#"{{"format": 1, "written_by": "0.1.0", "encoder": "{encoder}", "files": {{}},
            "threshold": {{"score": 0.5, "questions": 0}},
            "report": {{"settings": {{"learns": "{learns}"}}}}}}"#
        );
        Manifest::parse(text.as_bytes()).unwrap()
    };
    for (encoder, learns, expected) in [
        ("compact", "table", Effort::Quick),
        ("minilm", "head", Effort::Balanced),
        ("minilm", "network", Effort::Thorough),
        ("custom", "network", Effort::Quick),
    ] {
        assert_eq!(
            choose_effort(&manifest(encoder, learns)),
            expected,
            "{encoder} {learns}"
        );
    }
}

#[test]
fn adopt_leaves_no_partial_project_on_error() {
    let dir = tempdir().unwrap();
    let (from, data) = (dir.path().join("desk"), dir.path().join("data"));
    let adopt_error = || {
        let error = adopt(&disk(), &data, &from, &LABELS, &mut |_, _| {}).unwrap_err();
        let left = DiskStore
            .list(&library::projects_dir(&data))
            .unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
        match error {
            ProjectError::Model { dir, source } if dir == from => source,
            error => panic!("{error}"),
        }
    };
    assert!(matches!(adopt_error(), ServableError::NotAModel { .. }));
    write(&from);
    let manifest = std::fs::read_to_string(from.join("nearsay.json")).unwrap();
    let newer = manifest.replacen("\"format\": 1", "\"format\": 9", 1);
    put(from.join("nearsay.json"), newer);
    assert!(matches!(adopt_error(), ServableError::Newer { .. }));
    put(from.join("nearsay.json"), manifest);
    let weights = from.join("0_StaticEmbedding/model.safetensors");
    let table = std::fs::read(&weights).unwrap();
    put(weights.clone(), &table[1..]);
    let shorter = adopt_error().to_string();
    assert!(
        shorter.contains("model.safetensors is shorter"),
        "{shorter}"
    );
    std::fs::remove_file(&weights).unwrap();
    let missing = adopt_error().to_string();
    assert!(
        missing.contains("model.safetensors is missing"),
        "{missing}"
    );
    put(weights, table);
    for step in [2, 5, 20] {
        let store = Arc::new(FaultStore::new(DiskStore));
        store.fail_step(step, Fault::Full);
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        assert!(
            adopt(&shared, &data, &from, &LABELS, &mut |_, _| {}).is_err(),
            "{step}"
        );
        let left = DiskStore
            .list(&library::projects_dir(&data))
            .unwrap_or_default();
        assert!(left.is_empty(), "{step}: {left:?}");
    }
    assert!(adopt(&disk(), &data, &from, &LABELS, &mut |_, _| {}).is_ok());
}
