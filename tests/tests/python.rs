//! Model directories that Python's sentence-transformers loads unchanged.

use candle_core::Device;
use nearsay::servable::{AnswerSet, ExportEncoder};
use nearsay_bert::SentenceEncoder;
use nearsay_core::{
    head::{Folded, Head, HeadConfig, Weight},
    matrix::Matrix,
};
use nearsay_faq::Row;
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use nearsay_tests::{
    app, json_lines, needs, run_ok, sample_file, test_file, write_file, write_model,
};
use serde_json::Value;
use std::{fs::File, ops::ControlFlow, path::PathBuf, process::Command};

/// Rows of the library sample that become answers.
const ANSWERS: usize = 20;

/// A head as training leaves it: close to its start, but with every weight moved.
fn trained_head(config: &HeadConfig) -> Folded {
    let mut random = fastrand::Rng::with_seed(1);
    let weights: Vec<Weight> = config
        .init(1)
        .into_iter()
        .map(|weight| Weight {
            value: Matrix::from_fn(
                weight.value.rows(),
                weight.value.columns(),
                |row, column| weight.value.row(row)[column] + 0.1 * (random.f32() - 0.5),
            ),
            name: weight.name,
        })
        .collect();
    let head: Box<dyn Head<Matrix>> = config
        .build(&weights, |weight| Ok(weight.value.clone()))
        .unwrap();
    let folded = head.fold().unwrap();
    assert!(matches!(folded, Folded::Layers(_)), "{config:?}");
    folded
}

/// Texts that tokenizers treat differently, and questions and answers of the library sample.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = ["a", "Где книга?", "図書館はどこですか", "🙂 naïve café"]
        .map(String::from)
        .into();
    texts.push("word ".repeat(400));
    for row in sample_rows().into_iter().take(100) {
        texts.extend([row.question, row.answer]);
    }
    texts
}

fn sample_rows() -> Vec<Row> {
    let file = std::fs::read_to_string(sample_file("library_faq.jsonl")).unwrap();
    let rows = file.lines().zip(1..).map(|(text, line)| {
        let row: Value = serde_json::from_str(text).unwrap();
        Row {
            line,
            question: row["question"].as_str().unwrap().into(),
            answer: row["answer"].as_str().unwrap().into(),
            ..Row::default()
        }
    });
    rows.collect()
}

/// Asserts that sentence-transformers and `nearsay encode` give the same vectors for each model.
fn assert_same_vectors(models: &[PathBuf]) {
    let python = needs::python(
        &["NEARSAY_PYTHON"],
        &["sentence_transformers"],
        "tests/python/requirements.txt",
    );
    let dir = tempfile::tempdir().unwrap();
    let texts_file = dir.path().join("texts");
    write_file(&texts_file, texts().join("\n") + "\n");
    let mut compare = Command::new(python);
    compare
        .arg(test_file("python/same_vectors.py"))
        .arg(&texts_file);
    for (number, model) in models.iter().enumerate() {
        let mut encode = app!();
        encode.arg("encode").arg(model).arg("--json");
        let vectors = run_ok(encode.stdin(File::open(&texts_file).unwrap()));
        assert_eq!(json_lines(&vectors).len(), texts().len());
        let vectors_file = dir.path().join(number.to_string());
        write_file(&vectors_file, vectors.stdout);
        compare.args([model, &vectors_file]);
    }
    let output = run_ok(&mut compare);
    println!("{}", String::from_utf8_lossy(&output.stdout));
}

/// A square head of either recipe, and one that changes the dimension.
fn heads(dim: usize) -> [(&'static str, HeadConfig); 3] {
    let linear = HeadConfig::Linear {
        in_dim: dim,
        out_dim: 32,
        bias: true,
    };
    let skip_connection = HeadConfig::SkipConnection {
        dim,
        layers: 1,
        skip_dropout: 0.0,
    };
    [
        ("residual", HeadConfig::Residual { dim }),
        ("skip connection", skip_connection),
        ("linear", linear),
    ]
}

#[test]
#[ignore = "needs MiniLM and a Python with sentence-transformers"]
fn sentence_transformers_gives_same_vectors_for_transformer_with_head() {
    let files = ModelFiles::open(&DiskStore, &needs::minilm()).unwrap();
    let encoder = SentenceEncoder::load(&files, &Device::Cpu).unwrap();
    let answers = AnswerSet::of(&sample_rows()[..ANSWERS]);
    let vectors = encoder
        .encode_all(&answers.texts(), &mut |_, _| ControlFlow::Continue(()))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let models = heads(384).map(|(name, head)| {
        let model = dir.path().join(name);
        let encoder = ("minilm", ExportEncoder::Network(&files));
        write_model(&model, encoder, &trained_head(&head), &answers, &vectors).unwrap();
        assert!(model.join("2_Dense").is_dir());
        model
    });
    assert_same_vectors(&models);
}

#[test]
#[ignore = "needs a Python with sentence-transformers"]
fn sentence_transformers_gives_same_vectors_for_static_embeddings_with_head() {
    let encoder = nearsay_text::compact::built_in::encoder().unwrap();
    let answers = AnswerSet::of(&sample_rows()[..ANSWERS]);
    let vectors = encoder.encode_all(&answers.texts());
    let dir = tempfile::tempdir().unwrap();
    let models = heads(256).map(|(name, head)| {
        let model = dir.path().join(name);
        let written = ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: encoder.embeddings().clone(),
        };
        let head = trained_head(&head);
        write_model(&model, ("compact", written), &head, &answers, &vectors).unwrap();
        assert!(model.join("1_Dense").is_dir());
        model
    });
    assert_same_vectors(&models);
}

#[test]
#[ignore = "needs a Python with sentence-transformers"]
fn sentence_transformers_gives_same_vectors_for_trained_static_embeddings() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let mut train = app!();
    train.arg("train").arg(sample_file("library_faq.jsonl"));
    train.arg("--out").arg(&model);
    run_ok(train.args(["--encoder", "compact", "--seed", "1", "--epochs", "20"]));
    assert_same_vectors(&[model]);
}

#[test]
#[ignore = "needs MiniLM and a Python with sentence-transformers"]
fn sentence_transformers_gives_same_vectors_for_trained_transformer_model() {
    needs::minilm();
    let dir = tempfile::tempdir().unwrap();
    let models = ["quick", "quaterion"].map(|recipe| {
        let model = dir.path().join(recipe);
        let mut train = app!();
        train.arg("train").arg(sample_file("library_faq.jsonl"));
        train.arg("--out").arg(&model);
        train.args(["--encoder", "minilm", "--recipe", recipe]);
        run_ok(train.args(["--seed", "1", "--epochs", "20"]));
        model
    });
    assert_same_vectors(&models);
}
