//! The compact encoder from end to end: train, evaluate, ask, distil.

use nearsay_core::matrix::{Matrix, dot};
use nearsay_tests::{app, json_lines as lines, needs, run_ok, sample_file, write_file};
use nearsay_text::compact::{CompactFile, StaticEncoder};
use serde_json::{Value, json};
use std::path::Path;

/// Trains a model and returns the report.
fn train(file: &Path, out: &Path, more: &[&str]) -> Value {
    let mut command = app!();
    command.arg("train").arg(file).arg("--out").arg(out);
    command.args(["--json", "--seed", "1"]).args(more);
    let events = lines(&run_ok(&mut command));
    events.last().unwrap()["report"].clone()
}

fn accuracy_at_1(figures: &Value) -> f64 {
    figures["recall@1"].as_f64().unwrap()
}

fn eval(model: &Path, file: &Path, more: &[&Path]) -> f64 {
    let mut command = app!();
    command.arg("eval").arg(model).arg(file).arg("--json");
    for pool in more {
        command.arg("--pool").arg(pool);
    }
    accuracy_at_1(&lines(&run_ok(&mut command))[0])
}

#[test]
fn compact_model_trains_asks_and_evaluates_without_download() {
    let dir = tempfile::tempdir().unwrap();
    let faq = sample_file("library_faq.jsonl");
    let text = std::fs::read_to_string(&faq).unwrap();
    let row: Value = serde_json::from_str(text.lines().nth(40).unwrap()).unwrap();
    let question = row["question"].as_str().unwrap();
    for (recipe, learns) in [("quick", "table"), ("quaterion", "head")] {
        let model = dir.path().join(recipe);
        let epochs: &[&str] = match recipe {
            "quaterion" => &["--epochs", "3"],
            _ => &[],
        };
        let options = [&["--encoder", "compact", "--recipe", recipe], epochs].concat();
        let report = train(&faq, &model, &options);
        assert_eq!(report["settings"]["learns"], learns, "{recipe}");
        assert_eq!(report["encoder"], "compact");
        assert!(
            accuracy_at_1(&report["after"]) >= accuracy_at_1(&report["before"]) - 0.03,
            "{report}"
        );

        let asked = lines(&run_ok(
            app!().arg("ask").arg(&model).arg(question).arg("--json"),
        ));
        assert_eq!(asked[0]["answers"][0]["answer"], row["answer"], "{recipe}");
        assert_eq!(asked[0]["answers"][0]["question"], question);
        let found = eval(&model, &sample_file("library_questions.jsonl"), &[]);
        assert!(found > 0.2, "{recipe}: {found}");
    }
    // A static model can be the encoder of another training run …
    let again = dir.path().join("again");
    let start = dir.path().join("quick");
    let report = train(&faq, &again, &["--encoder", start.to_str().unwrap()]);
    assert_eq!(report["settings"]["learns"], "table");
    // … unless it has a projection head.
    let mut command = app!();
    command.arg("train").arg(&faq).arg("--out").arg(&again);
    let start = dir.path().join("quaterion");
    let output = command.arg("--encoder").arg(start).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("trained layer"),
        "{stderr}"
    );
}

#[test]
fn ask_and_eval_use_keyword_scores_only_if_manifest_enables_them() {
    let dir = tempfile::tempdir().unwrap();
    let faq = sample_file("library_faq.jsonl");
    let questions = sample_file("library_questions.jsonl");
    let model = dir.path().join("model");
    train(&faq, &model, &["--encoder", "compact"]);
    let question = "reserve a room for the chess club";
    let ask = || {
        lines(&run_ok(
            app!().arg("ask").arg(&model).arg(question).arg("--json"),
        ))
        .remove(0)
    };
    let say = || {
        let output = run_ok(app!().arg("ask").arg(&model).arg(question));
        String::from_utf8(output.stdout).unwrap()
    };
    let measure = |pool: &[&Path]| {
        let mut command = app!();
        command
            .arg("eval")
            .arg(&model)
            .arg(&questions)
            .arg("--json");
        for pool in pool {
            command.arg("--pool").arg(pool);
        }
        lines(&run_ok(&mut command)).remove(0)
    };
    let manifest = model.join("nearsay.json");
    let say_words = |words: Value| {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let mut said: Value = serde_json::from_str(&text).unwrap();
        said["words"] = words;
        write_file(&manifest, said.to_string());
    };
    say_words(Value::Null);
    let answers = ask()["answers"].as_array().unwrap().clone();
    for answer in &answers {
        assert_eq!(answer["score"], answer["meaning"]);
        assert_eq!(answer["words"], 0.0);
        assert_eq!(answer["shared"], Value::Array(Vec::new()));
    }
    assert!(!say().contains("same words"));
    let (own, pool) = (measure(&[]), measure(&[&faq]));
    assert!(own.get("without_words").is_none() && pool.get("without_words").is_none());

    say_words(json!({"weight": 0.5}));
    let answers = ask()["answers"].as_array().unwrap().clone();
    let number = |answer: &Value, key: &str| answer[key].as_f64().unwrap();
    for answer in &answers {
        let sum = number(answer, "meaning") + number(answer, "words");
        assert!((number(answer, "score") - sum).abs() < 1e-6, "{answer}");
    }
    assert!(number(&answers[0], "words") > 0.0, "{answers:?}");
    let shared = answers[0]["shared"].as_array().unwrap();
    assert!(shared.contains(&Value::from("chess")), "{answers:?}");
    let said = say();
    assert!(
        said.contains("same meaning 0.") && said.contains("same words 0."),
        "{said}"
    );
    assert!(said.contains("same words 0.09: chess"), "{said}");
    // `eval` reports hybrid search, and dense search next to it.
    for (with, without) in [(measure(&[]), own), (measure(&[&faq]), pool)] {
        assert_eq!(with["without_words"], without);
        assert_ne!(with["mrr@10"], without["mrr@10"]);
        assert_eq!(with["questions"], 749);
    }
    let mut command = app!();
    let said = run_ok(command.arg("eval").arg(&model).arg(&questions));
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.matches("recall@1 ").count(), 2, "{said}");
    assert!(said.contains("\nwithout words\n"), "{said}");
}

#[test]
fn training_with_same_seed_gives_identical_embeddings() {
    let dir = tempfile::tempdir().unwrap();
    let table = |name: &str| {
        let model = dir.path().join(name);
        train(
            &sample_file("library_faq.jsonl"),
            &model,
            &["--encoder", "compact"],
        );
        std::fs::read(model.join("0_StaticEmbedding/model.safetensors")).unwrap()
    };
    assert!(table("a") == table("b"));
}

mod needs_test_data {
    use super::*;

    /// Asks the validation questions of the cloud FAQ, among the 2,125 validation answers.
    #[test]
    #[ignore = "needs NEARSAY_TEST_DATA"]
    fn compact_encoder_reaches_accuracy_on_cloud_faq() {
        let dir = tempfile::tempdir().unwrap();
        let data = needs::test_data("cloud_faq");
        let [faq, val] = ["train", "val"].map(|part| data.join(format!("{part}.jsonl")));
        let model = dir.path().join("model");
        let options = ["--encoder", "compact", "--val", val.to_str().unwrap()];
        let report = train(&faq, &model, &options);
        assert!(report["train_s"].as_f64().unwrap() > 0.0);
        let after = eval(&model, &val, &[&val]);
        assert!(after >= 0.60, "after training: {after}");
        // The base encoder: a learning rate far too small to change it.
        let still = dir.path().join("still");
        let report = train(
            &faq,
            &still,
            &[&options[..], &["--lr", "1e-12", "--epochs", "1"]].concat(),
        );
        let before = eval(&still, &val, &[&val]);
        assert!(before >= 0.48, "base encoder: {before}");
        assert!(accuracy_at_1(&report["after"]) >= 0.34);
    }
}

/// Compares similarities, not bytes: the processor's rounding may rotate axes of nearly equal
/// variance.
#[test]
#[ignore = "needs MiniLM"]
fn distill_reproduces_built_in_encoder() {
    needs::minilm();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("encoder.bin");
    let mut command = app!();
    command.env_remove("RAYON_NUM_THREADS");
    command.arg("distill").arg("--out").arg(&file);
    run_ok(command.arg("--texts").arg(sample_file("library_faq.jsonl")));
    let bytes = std::fs::read(&file).unwrap();
    let committed = nearsay_text::compact::built_in::FILE;
    assert_eq!(bytes.len(), committed.len());
    let (a, b) = (CompactFile::parse(&bytes), CompactFile::parse(committed));
    assert_eq!(a.unwrap().vocabulary_text(), b.unwrap().vocabulary_text());
    let texts: Vec<String> = std::fs::read_to_string(sample_file("library_faq.jsonl"))
        .unwrap()
        .lines()
        .take(80)
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["question"].as_str().unwrap().to_owned()
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embed = |bytes| -> Matrix {
        let encoder = StaticEncoder::from_bytes(bytes).unwrap();
        let rows = encoder.encode_all(&texts);
        nearsay_core::tensor::Tensor::normalize_rows(&rows).unwrap()
    };
    let (a, b) = (embed(&bytes), embed(committed));
    for i in 0..texts.len() {
        for j in 0..i {
            let (x, y) = (dot(a.row(i), a.row(j)), dot(b.row(i), b.row(j)));
            assert!((x - y).abs() < 0.01, "{} / {}: {x} {y}", texts[i], texts[j]);
        }
    }
    if bytes != committed {
        println!("same similarities, but not the same bytes on this machine");
    }
}
