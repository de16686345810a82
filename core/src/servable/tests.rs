use super::*;
use crate::{
    candle::bert::{SentenceEncoder, tiny_tokenizer},
    faq::Row,
    head::{HeadConfig, Linear},
    matrix::Matrix,
    model::tests::{folder, whole},
    store::{Fault, FaultStore, MemStore},
    tensor::Tensor as _,
};
use serde_json::{Value, json};
use std::ops::ControlFlow;

const DIM: usize = 4;

/// A store with a tiny model in `base`.
fn base() -> MemStore {
    folder("base", &whole(&tiny_tokenizer()))
}

fn rows() -> Vec<Row> {
    let row = |line, question: &str, answer: &str| Row {
        line,
        question: question.into(),
        answer: answer.into(),
        ..Row::default()
    };
    vec![
        row(1, "a b", "b"),
        row(2, "b ab", "ab ab"),
        row(3, "a a a", "B"),
    ]
}

fn head() -> Linear {
    let config = HeadConfig::SkipConnection {
        dim: DIM,
        layers: 1,
        skip_dropout: 0.0,
    };
    let mut weights = config.init(3);
    weights[0].value = Matrix::new(1, DIM, vec![0.5; DIM]).unwrap();
    config
        .build(&weights, |weight| Ok(weight.value.clone()))
        .unwrap()
        .fold()
        .unwrap()
        .unwrap()
}

fn pooled(store: &dyn Store, texts: &[&str]) -> Matrix {
    let files = ModelFiles::open(store, "base".as_ref()).unwrap();
    let encoder = SentenceEncoder::load(&files, &Device::Cpu).unwrap();
    encoder
        .encode_all(texts, &mut |_, _| ControlFlow::Continue(()))
        .unwrap()
}

fn write(store: &dyn Store, head: Option<&Linear>) -> Result<(), ServableError> {
    let answers = AnswerSet::of(&rows());
    // The encoder is read before anything fails on purpose.
    let base = base();
    let encoder = ModelFiles::open(&base, "base".as_ref()).unwrap();
    let vectors = pooled(&base, &answers.texts());
    let export = Export {
        encoder: ExportEncoder::Network(&encoder),
        encoder_name: "tiny",
        head,
        answers: &answers,
        vectors: &vectors,
        threshold: Threshold {
            score: 0.25,
            questions: 40,
        },
        report: json!({"after": {"recall@1": 0.5}}),
    };
    export.write(store, "model".as_ref())
}

fn open(store: &dyn Store) -> Result<Servable, ServableError> {
    Servable::open(store, "model".as_ref(), &Device::Cpu)
}

#[test]
fn what_is_written_answers() {
    for head in [None, Some(head())] {
        let store = MemStore::new();
        write(&store, head.as_ref()).unwrap();
        let model = open(&store).unwrap();
        // Equal answers are one; its known wordings are both rows' questions.
        assert_eq!(model.answers().len(), 2);
        assert_eq!(model.answers().get(0).unwrap().questions, ["a b", "a a a"]);
        for (text, answer, wording) in [
            ("b", 0, None),
            ("a a a", 0, Some("a a a")),
            ("b ab", 1, Some("b ab")),
        ] {
            let found = model.ask(text, 5).unwrap();
            assert_eq!(
                found[0].answer,
                model.answers().get(answer).unwrap(),
                "{text}"
            );
            assert_eq!(found[0].wording, wording, "{text}");
            assert!((found[0].score - 1.0).abs() < 1e-5);
            assert_eq!(found.len(), 2);
        }
        assert!(model.confident(0.25) && !model.confident(0.24));
        assert_eq!(model.manifest().report["after"]["recall@1"], 0.5);
    }
}

#[test]
fn vectors_go_through_the_head_and_are_unit() {
    let (store, head) = (MemStore::new(), head());
    write(&store, Some(&head)).unwrap();
    let found = open(&store)
        .unwrap()
        .model()
        .encode(&["ab b", "a"])
        .unwrap();
    let pooled = pooled(&base(), &["ab b", "a"]);
    let expected = pooled
        .matmul_t(&head.weight)
        .unwrap()
        .add(&head.bias)
        .unwrap()
        .normalize_rows()
        .unwrap();
    for (a, b) in found.data().iter().zip(expected.data()) {
        assert!((a - b).abs() < 1e-6);
    }
    let plain = MemStore::new();
    write(&plain, None).unwrap();
    assert!(!plain.exists("model/2_Dense".as_ref()).unwrap());
    assert!(plain.exists("model/3_Normalize".as_ref()).unwrap());
}

#[test]
fn the_card_is_honest_about_what_it_does_not_know() {
    let store = MemStore::new();
    write(&store, None).unwrap();
    let card = store.read("model/README.md".as_ref(), 1 << 20).unwrap();
    let card = String::from_utf8(card).unwrap();
    assert!(card.contains("2 answers with 3 known wordings"), "{card}");
    assert!(
        !card.contains("How good it is"),
        "there were no figures before training"
    );
}

/// Every file, changed in each of three ways: refused by name.
#[test]
fn a_changed_file_is_refused_by_name() {
    let whole = MemStore::new();
    write(&whole, Some(&head())).unwrap();
    let names: Vec<String> = open(&whole)
        .unwrap()
        .manifest()
        .files
        .keys()
        .cloned()
        .collect();
    assert!(names.len() > 10);
    for name in names {
        let path = Path::new("model").join(&name);
        let bytes = whole.read(&path, 1 << 20).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        let longer = [&bytes[..], b"x"].concat();
        for changed in [&bytes[..bytes.len() - 1], &flipped, &longer] {
            let store = whole.snapshot();
            store.write_atomic(&path, changed).unwrap();
            let error = open(&store).err().unwrap().to_string();
            assert!(error.contains(&name), "{name}: {error}");
        }
        let store = whole.snapshot();
        store.remove(&path).unwrap();
        let error = open(&store).err().unwrap().to_string();
        assert!(
            error.contains(&name) && error.contains("missing"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_folder_that_is_no_model_is_refused_with_words() {
    let store = base();
    let error = Servable::open(&store, "base".as_ref(), &Device::Cpu)
        .err()
        .unwrap();
    assert!(matches!(error, ServableError::NotAModel { .. }), "{error}");
    let error = Servable::open(&store, "nowhere".as_ref(), &Device::Cpu)
        .err()
        .unwrap();
    assert!(matches!(error, ServableError::NotAModel { .. }), "{error}");
}

/// Whatever step of writing fails, there is the former model or the new one, whole.
#[test]
fn a_failed_export_leaves_the_former_model() {
    let before = MemStore::new();
    write(&before, None).unwrap();
    let dense = |store: &dyn Store| {
        open(store).map(|model| model.manifest().files.contains_key("2_Dense/config.json"))
    };
    let mut failed = 0;
    for fault in [Fault::Full, Fault::Crash] {
        for n in 1.. {
            let store = FaultStore::new(before.snapshot());
            store.fail_step(n, fault);
            let written = write(&store, Some(&head()));
            let fired = store.fired();
            store.heal();
            if !fired {
                written.unwrap();
                assert!(dense(&store).unwrap());
                break;
            }
            store.sweep(Path::new("")).unwrap();
            // Opening checks every file: the former or the new one, nothing between.
            let is_new = dense(&store).unwrap();
            assert!(is_new || written.is_err());
            failed += 1;
        }
    }
    assert!(failed > 10);
}

#[test]
fn an_empty_set_of_answers_is_refused() {
    let base = base();
    let files = ModelFiles::open(&base, "base".as_ref()).unwrap();
    let export = Export {
        encoder: &files,
        encoder_name: "tiny",
        head: None,
        answers: &AnswerSet::default(),
        vectors: &Matrix::default(),
        threshold: Threshold::USUAL,
        report: Value::Null,
    };
    let error = export
        .write(&MemStore::new(), "model".as_ref())
        .unwrap_err();
    assert!(matches!(error, ServableError::NoAnswers));
}
