use super::*;
use nearsay_bert::{SentenceEncoder, test_util::tiny_tokenizer};
use nearsay_core::{
    head::{Activation, Dense, Folded, HeadConfig},
    matrix::Matrix,
    tensor::Tensor as _,
};
use nearsay_faq::Row;
use nearsay_model::{
    ModelFiles,
    test_util::{folder, tiny_model_files},
};
use nearsay_search::{
    calibration::Calibration,
    expansion::{Own, Rule, Texts},
};
use nearsay_store::{Fault, FaultStore, MemStore};
use nearsay_text::bm25::Bm25Index;
use serde_json::{Value, json};
use std::ops::ControlFlow;

const DIM: usize = 4;

/// A store with a tiny model in `base`.
fn base() -> MemStore {
    folder("base", &tiny_model_files(&tiny_tokenizer()))
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

pub(super) fn head() -> Folded {
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
}

fn fold(config: &HeadConfig) -> Folded {
    config
        .build(&config.init(3), |weight| Ok(weight.value.clone()))
        .unwrap()
        .fold()
        .unwrap()
}

/// A head with every activation, to another length and back.
fn deep_head() -> Folded {
    let parts = Activation::ALL.into_iter().flat_map(|activation| {
        [
            HeadConfig::Linear {
                in_dim: DIM,
                out_dim: 6,
                bias: true,
            },
            HeadConfig::Activate { dim: 6, activation },
            HeadConfig::Linear {
                in_dim: 6,
                out_dim: DIM,
                bias: true,
            },
        ]
    });
    let mut parts: Vec<HeadConfig> = parts.collect();
    parts.pop(); // the output length is 6
    fold(&HeadConfig::Sequential { parts })
}

/// Text of a file in the written model.
fn text(store: &dyn Store, name: &str) -> String {
    let bytes = store.read(&Path::new("model").join(name), 1 << 20).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn pooled(store: &dyn Store, texts: &[&str]) -> Matrix {
    let files = ModelFiles::open(store, "base".as_ref()).unwrap();
    let encoder = SentenceEncoder::load(&files, &Device::Cpu).unwrap();
    encoder
        .encode_all(texts, &mut |_, _| ControlFlow::Continue(()))
        .unwrap()
}

pub(super) fn write(store: &dyn Store, head: &Folded) -> Result<(), ServableError> {
    write_with(store, head, None)
}

pub(super) fn write_with(
    store: &dyn Store,
    head: &Folded,
    words: Option<f32>,
) -> Result<(), ServableError> {
    write_by(store, head, words, None)
}

pub(super) fn write_by(
    store: &dyn Store,
    head: &Folded,
    words: Option<f32>,
    expansion: Option<Rule>,
) -> Result<(), ServableError> {
    let answers = AnswerSet::of(&rows());
    // A store of its own, so that injected faults don't hit the source encoder.
    let base = base();
    let encoder = ModelFiles::open(&base, "base".as_ref()).unwrap();
    let vectors = pooled(&base, &answers.texts());
    let confidence = confidence();
    let export = Export {
        encoder: ExportEncoder::Network(&encoder),
        encoder_name: "tiny",
        head,
        answers: &answers,
        vectors: &vectors,
        confidence: &confidence,
        words: words.map(Words::by_answer),
        expansion,
        prototype: None,
        report: json!({"after": {"recall@1": 0.5}, "findings": {"hubs": [{"answer": "ab ab"}]}}),
    };
    export.write(store, "model".as_ref())
}

fn confidence() -> Confidence {
    Confidence {
        threshold: Threshold {
            sureness: 0.75,
            questions: 40,
        },
        own_text: 0.5,
        no_answer: Some(0.5),
        calibration: Calibration::fit(&[(0.1, false), (0.4, true), (0.7, true)]),
        ..Confidence::USUAL
    }
}

pub(super) fn open(store: &dyn Store) -> Result<Servable, ServableError> {
    Servable::open(store, "model".as_ref(), &Device::Cpu)
}

#[test]
fn exported_model_answers_known_questions() {
    for head in [Folded::Identity, head()] {
        let store = MemStore::new();
        write(&store, &head).unwrap();
        let model = open(&store).unwrap();
        // Equal answers are merged with the questions of both rows.
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
            assert_eq!(found[0].paraphrase, wording, "{text}");
            assert!((found[0].score - 1.0).abs() < 1e-5);
            assert_eq!(found.len(), 2);
        }
        assert_eq!(model.manifest().confidence, confidence());
        assert_eq!(model.manifest().report["after"]["recall@1"], 0.5);
        assert_eq!(model.manifest().words, None);
        assert!(!text(&store, "nearsay.json").contains("words"));
        assert!(!text(&store, "README.md").contains("vectors alone"));
    }
}

#[test]
fn keyword_scores_use_stored_weight() {
    let store = MemStore::new();
    write_with(&store, &head(), Some(0.5)).unwrap();
    assert!(text(&store, "nearsay.json").contains("\"weight\": 0.5"));
    assert!(text(&store, "README.md").contains("compare vectors only"));
    let model = open(&store).unwrap();
    assert_eq!(model.manifest().words, Some(Words::by_answer(0.5)));
    assert_eq!(model.index().words_weight(), 0.5);
    let (texts, owners) = (model.answers().texts(), model.answers().owners());
    let lexical = Bm25Index::grouped(&texts, &owners).unwrap();
    for question in ["b ab", "a a a", "ab b a"] {
        let vector = model.model().encode(&[question]).unwrap();
        let expected = model.index().ask(question, vector.row(0), 2);
        let found = model.ask(question, 2).unwrap();
        for (found, hit) in found.iter().zip(&expected) {
            assert_eq!(found.score, found.dense_score + found.keyword_score);
            assert_eq!((found.score, found.text), (hit.score, hit.vector));
            let words = lexical.scores(question)[owners[found.text as usize] as usize];
            let near = lexical.near_texts(question);
            let near = near.iter().find(|near| near.text == found.text);
            let near = near.map_or(0.0, |near| near.closeness);
            assert_eq!(found.keyword_score, 0.5 * words + 0.5 * near);
        }
        assert!(found[0].keyword_score > 0.0, "{question}");
        let alone = model.nearest(vector.row(0), 2);
        assert!(
            alone
                .iter()
                .all(|found| found.keyword_score == 0.0 && found.score == found.dense_score)
        );
    }
    // Older models have neither `by` nor `near`: they compute keyword scores for each text, without near texts.
    let manifest = text(&store, "nearsay.json");
    let mut former = manifest.clone();
    for part in [",\n    \"by\": \"answer\"", ",\n    \"near\": true"] {
        assert!(former.contains(part), "{part}");
        former = former.replace(part, "");
    }
    let place = Path::new("model/nearsay.json");
    store.write_atomic(place, former.as_bytes()).unwrap();
    let former = open(&store).unwrap();
    let alone = Bm25Index::new(&texts);
    let found = former.ask("b ab", 2).unwrap();
    let words = |found: &AnswerHit<'_>| 0.5 * alone.scores("b ab")[found.text as usize];
    assert!(
        found
            .iter()
            .all(|found| found.keyword_score == words(found))
    );
    assert_ne!(
        found[0].keyword_score,
        model.ask("b ab", 2).unwrap()[0].keyword_score
    );
    store.write_atomic(place, manifest.as_bytes()).unwrap();
    // `Reissue` writes its own weight.
    for (words, expected) in [(Some(0.25), 0.25), (Some(0.0), 0.0), (None, 0.0)] {
        let reissue = Reissue {
            from: "model".as_ref(),
            data: Some(Data {
                answers: model.answers(),
                vectors: model.index().vectors(),
                plain: None,
            }),
            confidence: &Confidence::USUAL,
            words: words.map(Words::by_answer),
            expansion: None,
            prototype: None,
        };
        reissue.write(&store, "other".as_ref()).unwrap();
        let other = Servable::open(&store, "other".as_ref(), &Device::Cpu).unwrap();
        assert_eq!(other.index().words_weight(), expected);
        assert_eq!(other.manifest().words.is_some(), expected > 0.0);
    }
    for words in [-0.5, 4.5, f32::NAN] {
        let error = write_with(&store, &head(), Some(words)).unwrap_err();
        assert!(matches!(error, ServableError::Weight { .. }), "{error}");
        let reissue = Reissue {
            from: "model".as_ref(),
            data: None,
            confidence: &Confidence::USUAL,
            words: Some(Words::by_answer(words)),
            expansion: None,
            prototype: None,
        };
        let error = reissue.write(&store, "third".as_ref()).unwrap_err();
        assert!(matches!(error, ServableError::Weight { .. }), "{error}");
    }
    assert!(!store.exists("third".as_ref()).unwrap());
    assert_eq!(open(&store).unwrap().index().words_weight(), 0.5);
}

#[test]
fn expanded_and_unexpanded_vectors_are_both_stored() {
    let (plain, store) = (MemStore::new(), MemStore::new());
    write(&plain, &head()).unwrap();
    write_by(&store, &head(), None, Some(Rule::ALIKE)).unwrap();
    assert!(!plain.exists("model/plain.safetensors".as_ref()).unwrap());
    let (mut as_made, mut model) = (open(&plain).unwrap(), open(&store).unwrap());
    let dir: &Path = "model".as_ref();
    as_made.load_unexpanded(&plain, dir).unwrap();
    assert_eq!(as_made.answer_index().unexpanded(), None);
    model.load_unexpanded(&store, dir).unwrap();
    let vectors = as_made.index().vectors();
    let near = |a: &Matrix, b: &Matrix| {
        let pairs = a.data().iter().zip(b.data());
        a.dims() == b.dims() && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6)
    };
    let index = model.answer_index();
    assert!(near(&index.raw_vectors(), vectors));
    let set = model.answers();
    let (owners, kinds) = (set.owners(), set.kinds());
    let texts = Texts {
        vectors,
        owners: &owners,
        kinds: &kinds,
    };
    let moved = texts.expanded(Rule::ALIKE, Own::Counts).unwrap();
    assert!(near(model.index().vectors(), &moved));
    assert!(!near(&moved, vectors));
    // Other vectors get an equal expansion, which leaves out the excluded questions.
    let expander = |without: &dyn Fn(&str) -> bool| {
        let mut answers = index.unexpanded().unwrap().clone();
        let groups: Vec<u64> = (0..answers.rows() as u64).collect();
        let found = index.expansion(without).unwrap().unwrap();
        found.apply(&mut answers, &groups, Own::Counts).unwrap();
        answers
    };
    let all = expander(&|_| false);
    assert!(near(
        &Matrix::from_rows(&[moved.row(0)]).unwrap(),
        &Matrix::from_rows(&[all.row(0)]).unwrap()
    ));
    assert!(!near(&all, &expander(&|wording| wording == "a b")));
    let none = as_made.answer_index().expansion(&|_| false).unwrap();
    assert!(none.is_none());

    // `Reissue` writes the given vectors, and none without data.
    let again = Reissue {
        from: dir,
        data: Some(index.into()),
        confidence: &Confidence::USUAL,
        words: None,
        expansion: Some(Rule::ALIKE),
        prototype: None,
    };
    again.write(&store, "again".as_ref()).unwrap();
    let mut other = Servable::open(&store, "again".as_ref(), &Device::Cpu).unwrap();
    assert!(near(other.index().vectors(), &moved));
    other.load_unexpanded(&store, "again".as_ref()).unwrap();
    assert_eq!(other.answer_index().unexpanded(), index.unexpanded());
    let without = Reissue {
        data: Some(Data {
            plain: None,
            ..again.data.unwrap()
        }),
        ..again
    };
    let error = without.write(&store, "again".as_ref()).unwrap_err();
    assert!(error.to_string().contains("lacks"), "{error}");
    let only = Reissue {
        data: None,
        ..again
    };
    only.write(&store, "only".as_ref()).unwrap();
    assert!(!store.exists("only/plain.safetensors".as_ref()).unwrap());

    // Opening doesn't read the file; `load_unexpanded` detects that it was changed.
    let path = Path::new("model/plain.safetensors");
    store.write_atomic(path, b"something else").unwrap();
    let mut model = open(&store).unwrap();
    let error = model.load_unexpanded(&store, dir).unwrap_err().to_string();
    assert!(error.contains("plain.safetensors"), "{error}");
    for weight in [-0.5, 4.5, f32::NAN] {
        let error = write_by(
            &store,
            &head(),
            None,
            Some(Rule {
                weight,
                ..Rule::ALIKE
            }),
        )
        .unwrap_err();
        assert!(matches!(error, ServableError::Weight { .. }), "{error}");
    }
}

#[test]
fn encode_applies_head_and_normalizes() {
    for (head, dim) in [(head(), DIM), (deep_head(), 6)] {
        let store = MemStore::new();
        write(&store, &head).unwrap();
        let model = open(&store).unwrap();
        assert_eq!(model.model().dim(), dim);
        let found = model.model().encode(&["ab b", "a"]).unwrap();
        let mut expected = pooled(&base(), &["ab b", "a"]);
        for layer in head.layers().unwrap() {
            expected = layer.forward(&expected).unwrap();
        }
        let expected = expected.normalize_rows().unwrap();
        assert_eq!(found.dims(), (2, dim));
        for (a, b) in found.data().iter().zip(expected.data()) {
            assert!((a - b).abs() < 1e-6);
        }
    }
    let plain = MemStore::new();
    write(&plain, &Folded::Identity).unwrap();
    assert!(!plain.exists("model/2_Dense".as_ref()).unwrap());
    assert!(plain.exists("model/3_Normalize".as_ref()).unwrap());
}

/// The exact names and content of the files of a single linear layer, which scripts of users read.
#[test]
fn single_layer_keeps_file_format() {
    let store = MemStore::new();
    write(&store, &head()).unwrap();
    let modules: Value = serde_json::from_str(&text(&store, "modules.json")).unwrap();
    let module = |idx: usize, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        json!({"idx": idx, "name": idx.to_string(), "path": path, "type": kind})
    };
    assert_eq!(
        modules,
        json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Dense", "Dense"),
            module(3, "3_Normalize", "Normalize"),
        ])
    );
    assert_eq!(
        text(&store, "2_Dense/config.json"),
        "{\n  \"activation_function\": \"torch.nn.modules.linear.Identity\",\n  \"bias\": true,\n  \
         \"in_features\": 4,\n  \"out_features\": 4\n}"
    );
    assert!(store.exists("model/3_Normalize".as_ref()).unwrap());
    assert!(!store.exists("model/3_Dense".as_ref()).unwrap());
    assert!(text(&store, "README.md").contains("with a layer trained on this FAQ"));
}

#[test]
fn dense_modules_have_numbers_and_activation_names() {
    let store = MemStore::new();
    write(&store, &deep_head()).unwrap();
    // The first linear parts have no activation and are folded into the next layer.
    let activations: Vec<String> = (2..6)
        .map(|number| {
            let config = text(&store, &format!("{number}_Dense/config.json"));
            let config: Value = serde_json::from_str(&config).unwrap();
            config["activation_function"].as_str().unwrap().into()
        })
        .collect();
    assert_eq!(
        activations,
        ["ReLU", "Tanh", "GELU", "Sigmoid"]
            .map(|name| format!("torch.nn.modules.activation.{name}"))
    );
    let modules: Value = serde_json::from_str(&text(&store, "modules.json")).unwrap();
    assert_eq!(modules[6]["path"], "6_Normalize");
    assert_eq!(modules[6]["type"], "sentence_transformers.models.Normalize");
    assert!(store.exists("model/6_Normalize".as_ref()).unwrap());
    assert!(text(&store, "README.md").contains("with 4 layers trained on this FAQ"));
}

#[test]
fn export_rejects_head_that_does_not_fold() {
    let softmax = HeadConfig::SoftmaxEmbeddings {
        dim: DIM,
        groups: 2,
        size: 3,
    };
    let store = MemStore::new();
    let error = write(&store, &fold(&softmax)).unwrap_err();
    assert!(matches!(error, ServableError::Head { .. }));
    let said = error.to_string();
    assert!(
        said.contains("cannot be exported") && said.contains("softmax"),
        "{said}"
    );
    assert!(!store.exists("model".as_ref()).unwrap());
}

/// Models of other programs may have unsupported activations.
#[test]
fn open_names_unsupported_activation() {
    let store = base();
    let put = |name: &str, content: &Value| {
        let path = Path::new("base").join(name);
        store.create_dir_all(path.parent().unwrap()).unwrap();
        store
            .write_atomic(&path, content.to_string().as_bytes())
            .unwrap();
    };
    let kind = |name: &str| format!("sentence_transformers.models.{name}");
    put(
        "modules.json",
        &json!([
            {"path": "", "type": kind("Transformer")},
            {"path": "1_Pooling", "type": kind("Pooling")},
            {"path": "2_Dense", "type": kind("Dense")},
        ]),
    );
    put(
        "1_Pooling/config.json",
        &json!({"word_embedding_dimension": DIM}),
    );
    let layer = Dense {
        weight: Matrix::identity(DIM),
        bias: Matrix::zeros(1, DIM),
        activation: Activation::Identity,
    };
    let [_, (weights, bytes)] = dense::to_files("2_Dense", &layer).unwrap();
    let load = |activation: &str| {
        put(
            "2_Dense/config.json",
            &json!({"in_features": DIM, "out_features": DIM, "activation_function": activation}),
        );
        store
            .write_atomic(&Path::new("base").join(&weights), &bytes)
            .unwrap();
        TextModel::open(&store, "base".as_ref(), &Device::Cpu)
    };
    assert!(load("torch.nn.modules.activation.Tanh").is_ok());
    for unknown in ["torch.nn.modules.activation.Mish", "elsewhere.Identity"] {
        let said = load(unknown).err().unwrap().to_string();
        assert!(said.contains(unknown), "{said}");
    }
}

#[test]
fn card_leaves_out_missing_figures() {
    let store = MemStore::new();
    write(&store, &Folded::Identity).unwrap();
    let card = store.read("model/README.md".as_ref(), 1 << 20).unwrap();
    let card = String::from_utf8(card).unwrap();
    assert!(card.contains("2 answers and 3 questions"), "{card}");
    assert!(
        !card.contains("## Evaluation"),
        "there were no figures before training"
    );
}

/// Changes every file in each of three ways.
#[test]
fn open_names_changed_file() {
    let whole = MemStore::new();
    write(&whole, &deep_head()).unwrap();
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
fn open_rejects_directory_without_model() {
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

/// Readers that only encode must reject newer formats, too.
#[test]
fn all_readers_reject_newer_format() {
    let store = MemStore::new();
    write(&store, &head()).unwrap();
    let newer = text(&store, "nearsay.json").replacen("\"format\": 1", "\"format\": 2", 1);
    let path = Path::new("model/nearsay.json");
    store.write_atomic(path, newer.as_bytes()).unwrap();
    let dir = Path::new("model");
    let precision = nearsay_bert::Precision::F32;
    let refused = [
        open(&store).err(),
        Servable::open_model(&store, dir, &Device::Cpu, precision).err(),
        TextModel::open(&store, dir, &Device::Cpu).err(),
        copy(&store, dir, "copy".as_ref(), &mut |_, _| {}).err(),
    ];
    for error in refused {
        assert!(
            matches!(error, Some(ServableError::Newer { format: 2 })),
            "{error:?}"
        );
    }
}

/// After a fault in any step, the directory has the complete old or the complete new model.
#[test]
fn failed_export_keeps_old_model() {
    let before = MemStore::new();
    write(&before, &Folded::Identity).unwrap();
    let dense = |store: &dyn Store| {
        open(store).map(|model| model.manifest().files.contains_key("2_Dense/config.json"))
    };
    let mut failed = 0;
    for fault in [Fault::Full, Fault::Crash] {
        for n in 1.. {
            let store = FaultStore::new(before.snapshot());
            store.fail_step(n, fault);
            let written = write(&store, &head());
            let fired = store.fired();
            store.heal();
            if !fired {
                written.unwrap();
                assert!(dense(&store).unwrap());
                break;
            }
            store.sweep(Path::new("")).unwrap();
            // Opening verifies every file, so a mixture of both models would fail.
            let is_new = dense(&store).unwrap();
            assert!(is_new || written.is_err());
            failed += 1;
        }
    }
    assert!(failed > 10);
}

#[test]
fn export_rejects_empty_answer_set() {
    let base = base();
    let files = ModelFiles::open(&base, "base".as_ref()).unwrap();
    let export = Export {
        encoder: ExportEncoder::Network(&files),
        encoder_name: "tiny",
        head: &Folded::Identity,
        answers: &AnswerSet::default(),
        vectors: &Matrix::default(),
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
        report: Value::Null,
    };
    let error = export
        .write(&MemStore::new(), "model".as_ref())
        .unwrap_err();
    assert!(matches!(error, ServableError::NoAnswers));
}

/// Answers with new texts that aren't in the written model.
fn edited() -> AnswerSet {
    let known = |answer: &str, questions: &[&str]| KnownAnswer {
        answer: answer.into(),
        questions: questions.iter().map(|&question| question.into()).collect(),
        row: 1,
        source: None,
    };
    AnswerSet::from_known(vec![
        known("b", &["a b"]),
        known("ab a b", &["b b a", "a ab"]),
        known("b ab b", &[]),
    ])
}

fn names(model: &Manifest) -> Vec<&str> {
    model.files.keys().map(String::as_str).collect()
}

#[test]
fn reissue_writes_other_answers() {
    for (head, layers) in [
        (Folded::Identity, "with an encoder and"),
        (deep_head(), "with 4 layers"),
    ] {
        let store = MemStore::new();
        write(&store, &head).unwrap();
        let former = open(&store).unwrap();
        let answers = edited();
        let vectors = former.model().encode(&answers.texts()).unwrap();
        let reissue = Reissue {
            from: "model".as_ref(),
            data: Some(Data {
                answers: &answers,
                vectors: &vectors,
                plain: None,
            }),
            confidence: &Confidence::USUAL,
            words: None,
            expansion: None,
            prototype: None,
        };
        // To another directory, and over the source.
        for to in ["other", "model"] {
            reissue.write(&store, to.as_ref()).unwrap();
            let model = Servable::open(&store, to.as_ref(), &Device::Cpu).unwrap();
            assert_eq!(model.answers(), &answers);
            assert_eq!(model.ask("a ab", 1).unwrap()[0].paraphrase, Some("a ab"));
            assert_eq!(model.ask("a ab", 1).unwrap()[0].probability, None);
            assert_eq!(model.manifest().confidence, Confidence::USUAL);
            assert_eq!(model.manifest().report, former.manifest().report);
            assert_eq!(names(model.manifest()), names(former.manifest()));
            let unlike = ["answers.jsonl", "answers.safetensors", "README.md"];
            for (name, entry) in &former.manifest().files {
                let same = model.manifest().files[name] == *entry;
                assert_eq!(same, !unlike.contains(&name.as_str()), "{name}");
            }
            let card = store
                .read(&Path::new(to).join("README.md"), 1 << 20)
                .unwrap();
            let card = String::from_utf8(card).unwrap();
            assert!(card.contains("3 answers and 3 questions"), "{card}");
            assert!(card.contains(layers), "{card}");
        }
        let normalize = if head.layers().is_some_and(|layers| layers.len() > 1) {
            "other/6_Normalize"
        } else {
            "other/3_Normalize"
        };
        assert!(store.exists(normalize.as_ref()).unwrap());
    }
}

#[test]
fn reissue_without_data_has_no_answers() {
    let store = MemStore::new();
    write(&store, &head()).unwrap();
    let former = open(&store).unwrap();
    let only = Reissue {
        from: "model".as_ref(),
        data: None,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
    };
    only.write(&store, "only".as_ref()).unwrap();
    for name in ["answers.jsonl", "answers.safetensors"] {
        assert!(!store.exists(&Path::new("only").join(name)).unwrap());
    }
    let model = TextModel::open(&store, "only".as_ref(), &Device::Cpu).unwrap();
    let texts = ["ab b", "a"];
    assert_eq!(
        model.encode(&texts).unwrap(),
        former.model().encode(&texts).unwrap()
    );
    // The report's findings would quote texts of answers.
    let manifest = Manifest::read(&store, "only".as_ref()).unwrap();
    assert_eq!(manifest.report, json!({"after": {"recall@1": 0.5}}));
    let precision = nearsay_bert::Precision::F32;
    let opened = Servable::open_model(&store, "only".as_ref(), &Device::Cpu, precision).unwrap();
    assert!(opened.answers().is_empty() && opened.ask("a", 3).unwrap().is_empty());
    assert_eq!(
        opened.model().encode(&texts).unwrap(),
        former.model().encode(&texts).unwrap()
    );
    let said = Servable::open(&store, "only".as_ref(), &Device::Cpu)
        .err()
        .unwrap()
        .to_string();
    assert!(
        said.contains("without answers") && said.contains("export it with its data"),
        "{said}"
    );
    let card = store.read("only/README.md".as_ref(), 1 << 20).unwrap();
    let card = String::from_utf8(card).unwrap();
    assert!(
        card.contains("It contains no answers") && !card.contains("answers.jsonl"),
        "{card}"
    );
    // Answers can be added again.
    let answers = edited();
    let vectors = model.encode(&answers.texts()).unwrap();
    let again = Reissue {
        from: "only".as_ref(),
        data: Some(Data {
            answers: &answers,
            vectors: &vectors,
            plain: None,
        }),
        ..only
    };
    again.write(&store, "only".as_ref()).unwrap();
    assert!(Servable::open(&store, "only".as_ref(), &Device::Cpu).is_ok());
}

#[test]
fn reissue_rejects_mismatched_parts() {
    let store = MemStore::new();
    write(&store, &head()).unwrap();
    let answers = edited();
    let vectors = open(&store)
        .unwrap()
        .model()
        .encode(&answers.texts())
        .unwrap();
    let reissue = |store: &dyn Store, answers: &AnswerSet, vectors: &Matrix| {
        let data = Some(Data {
            answers,
            vectors,
            plain: None,
        });
        let reissue = Reissue {
            from: "model".as_ref(),
            data,
            confidence: &Confidence::USUAL,
            words: None,
            expansion: None,
            prototype: None,
        };
        let written = reissue.write(store, "other".as_ref());
        assert_eq!(written.is_ok(), store.exists("other".as_ref()).unwrap());
        written
    };
    let none = reissue(&store, &AnswerSet::default(), &Matrix::default());
    assert!(matches!(none, Err(ServableError::NoAnswers)));
    let (short, wide) = (Matrix::zeros(2, DIM), Matrix::zeros(6, DIM + 1));
    for vectors in [short, wide] {
        let error = reissue(&store, &answers, &vectors).unwrap_err().to_string();
        assert!(error.contains("answers.safetensors"), "{error}");
    }
    let changed = store.snapshot();
    changed
        .write_atomic("model/vocab.txt".as_ref(), b"[PAX]")
        .unwrap();
    let error = reissue(&changed, &answers, &vectors)
        .unwrap_err()
        .to_string();
    assert!(error.contains("vocab.txt"), "{error}");
    // `Reissue` doesn't read the old answers.
    let changed = store.snapshot();
    changed.remove("model/answers.jsonl".as_ref()).unwrap();
    reissue(&changed, &answers, &vectors).unwrap();
    let nowhere = Reissue {
        from: "nowhere".as_ref(),
        data: None,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
    };
    let error = nowhere.write(&store, "other".as_ref()).unwrap_err();
    assert!(matches!(error, ServableError::NotAModel { .. }), "{error}");
}

/// After a fault in any step, the directory has the complete old or the complete new model.
#[test]
fn failed_reissue_keeps_old_model() {
    let before = MemStore::new();
    write(&before, &head()).unwrap();
    let answers = edited();
    let vectors = open(&before)
        .unwrap()
        .model()
        .encode(&answers.texts())
        .unwrap();
    let mut failed = 0;
    for n in 1.. {
        let store = FaultStore::new(before.snapshot());
        store.fail_step(n, Fault::Crash);
        let reissue = Reissue {
            from: "model".as_ref(),
            data: Some(Data {
                answers: &answers,
                vectors: &vectors,
                plain: None,
            }),
            confidence: &Confidence::USUAL,
            words: None,
            expansion: None,
            prototype: None,
        };
        let written = reissue.write(&store, "model".as_ref());
        let fired = store.fired();
        store.heal();
        if !fired {
            written.unwrap();
            break;
        }
        store.sweep(Path::new("")).unwrap();
        let found = open(&store).unwrap().answers().len();
        assert!(found == 2 || (found == 3 && written.is_err()) || written.is_ok());
        failed += 1;
    }
    assert!(failed > 10);
}

#[test]
fn of_static_encodes_without_layers() {
    use nearsay_text::{
        compact::StaticEmbeddings,
        wordpiece::{Vocabulary, WordPiece},
    };
    let words = WordPiece::new(Vocabulary::parse("[UNK]\na\nb").unwrap());
    let rows = Matrix::from_rows(&[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]).unwrap();
    let encoder =
        nearsay_text::compact::StaticEncoder::new(words, StaticEmbeddings::Full(rows)).unwrap();
    let model = TextModel::of_static(encoder);
    assert!(model.is_static());
    assert_eq!((model.dim(), model.pooled_dim()), (2, 2));
    let found = model.encode(&["a b", "b"]).unwrap();
    assert_eq!(found, Matrix::from_rows(&[[0.6, 0.8], [0.0, 1.0]]).unwrap());
}

#[test]
fn static_embeddings_lie_in_subdirectory() {
    use nearsay_text::{
        compact::{StaticEmbeddings, StaticEncoder},
        wordpiece::{Vocabulary, WordPiece},
    };
    let words = || WordPiece::new(Vocabulary::parse("[UNK]\na\nb").unwrap());
    let rows = Matrix::from_rows(&[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]).unwrap();
    let answers = AnswerSet::of(&self::rows());
    let encoder = StaticEncoder::new(words(), StaticEmbeddings::Full(rows.clone())).unwrap();
    let store = MemStore::new();
    let export = Export {
        encoder: ExportEncoder::Static {
            words: &words(),
            table: StaticEmbeddings::Full(rows),
        },
        encoder_name: "tiny",
        head: &Folded::Identity,
        vectors: &encoder.encode_all(&answers.texts()),
        answers: &answers,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
        report: Value::Null,
    };
    export.write(&store, "model".as_ref()).unwrap();
    // sentence-transformers 3 and 4 load a first module with an empty path as a Transformer; StaticEmbedding needs 3.2.
    let modules: Value = serde_json::from_str(&text(&store, "modules.json")).unwrap();
    assert_eq!(modules[0]["path"], "0_StaticEmbedding");
    let about: Value =
        serde_json::from_str(&text(&store, "config_sentence_transformers.json")).unwrap();
    assert_eq!(about["__version__"]["sentence_transformers"], "3.2.0");
    let model = TextModel::open(&store, "model".as_ref(), &Device::Cpu).unwrap();
    assert_eq!(
        model.encode(&["a"]).unwrap(),
        encoder.encode_all(&["a"]).normalize_rows().unwrap()
    );
    // Older models have the files in the model directory itself.
    for file in ["model.safetensors", "tokenizer.json"] {
        let bytes = store
            .read(&Path::new("model/0_StaticEmbedding").join(file), 1 << 20)
            .unwrap();
        store
            .write_atomic(&Path::new("model").join(file), &bytes)
            .unwrap();
    }
    let before = modules.to_string().replace("0_StaticEmbedding", "");
    store
        .write_atomic("model/modules.json".as_ref(), before.as_bytes())
        .unwrap();
    let former = TextModel::open(&store, "model".as_ref(), &Device::Cpu).unwrap();
    assert_eq!(
        former.encode(&["a"]).unwrap(),
        model.encode(&["a"]).unwrap()
    );
}
