//! The data set of Quaterion's tutorial: the first row of the tutorial's table, and its four check
//! questions.
//!
//! The data set has no licence, so it isn't in this repository: `NEARSAY_TEST_DATA` names the
//! directory that holds `cloud_faq`.

use candle_core::Device;
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_model::ModelFiles;
use nearsay_search::index::Index;
use nearsay_store::DiskStore;
use nearsay_tests::{app, needs};
use serde_json::Value;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Questions that the tutorial asks its model at the end, with the expected answers.
const CHECKS: [(&str, &str); 4] = [
    (
        "what is the pricing of aws lambda functions powered by aws graviton2 processors?",
        "aws lambda functions powered by aws graviton2 processors are 20% cheaper compared to x86-based lambda functions",
    ),
    (
        "can i run a cluster or job for a long time?",
        "yes, you can run a cluster for as long as is required",
    ),
    (
        "what is the dell open manage system administrator suite (omsa)?",
        "omsa enables you to perform certain hardware configuration tasks and to monitor the hardware directly via the operating system",
    ),
    (
        "what are the differences between the event streams standard and event streams enterprise plans?",
        "to find out more information about the different event streams plans, see choosing your plan",
    ),
];

/// Accuracy@1 of the untrained encoder. Equal answers are one answer.
fn accuracy_at_1(
    precision: Precision,
    questions: &[&str],
    answers: &[&str],
    right: &[usize],
) -> f64 {
    let files = ModelFiles::open(&DiskStore, &needs::minilm()).unwrap();
    let encoder = SentenceEncoder::load_with(&files, &Device::Cpu, precision).unwrap();
    if encoder.precision() != precision {
        println!("this processor has no 8-bit products: `fast` computes in f32");
    }
    let mut go_on = |_, _| ControlFlow::Continue(());
    let vectors = encoder.encode_all(answers, &mut go_on).unwrap();
    let index = Index::new(vectors, (0..answers.len() as u32).collect()).unwrap();
    let asked = encoder.encode_all(questions, &mut go_on).unwrap();
    let found = asked.iter_rows().zip(right);
    let found =
        found.filter(|(vector, right)| index.search(vector, 1)[0].answer as usize == **right);
    found.count() as f64 / questions.len() as f64
}

mod needs_test_data {
    use super::*;

    #[test]
    #[ignore = "needs NEARSAY_TEST_DATA and MiniLM"]
    fn first_epoch_and_check_questions_match_tutorial() {
        let data = needs::test_data("cloud_faq");
        needs::minilm();
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        // All threads: three digits are compared, not bits, and there are 12,000 texts to embed.
        let output = app!()
            .env_remove("RAYON_NUM_THREADS")
            .arg("train")
            .arg(data.join("train.jsonl"))
            .arg("--val")
            .arg(data.join("val.jsonl"))
            .arg("--out")
            .arg(&model)
            .args([
                "--recipe",
                "quaterion",
                "--epochs",
                "1",
                "--seed",
                "42",
                "--json",
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let events: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let epoch = events
            .iter()
            .find(|event| event["event"] == "epoch")
            .unwrap();
        for (part, figure, expected) in [
            ("train", "rp@1", 0.6495),
            ("train", "rrk", 0.7319),
            ("val", "rp@1", 0.6586),
            ("val", "rrk", 0.7411),
        ] {
            let found = epoch[part][figure].as_f64().unwrap();
            assert!(
                (found - expected).abs() <= 0.002,
                "{part} {figure}: {found}, expected {expected}"
            );
        }

        // PyTorch on the same pools: 0.6715 among the 2,125 validation answers, 0.5275 among all.
        let report = &events.last().unwrap()["report"];
        let all = report["after"]["recall@1"].as_f64().unwrap();
        assert!(
            (all - 0.5275).abs() <= 0.002,
            "accuracy@1 among all answers: {all}"
        );

        let asked = app!()
            .arg("ask")
            .arg(&model)
            .args(CHECKS.map(|(question, _)| question))
            .args(["--top", "1", "--json"])
            .output()
            .unwrap();
        assert!(
            asked.status.success(),
            "{}",
            String::from_utf8_lossy(&asked.stderr)
        );
        let asked = String::from_utf8(asked.stdout).unwrap();
        for (line, (question, answer)) in asked.lines().zip(CHECKS) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["question"], question);
            assert_eq!(line["answers"][0]["answer"], answer);
        }
        assert_eq!(asked.lines().count(), CHECKS.len());
    }

    #[test]
    #[ignore = "needs NEARSAY_TEST_DATA and MiniLM"]
    fn fast_precision_keeps_accuracy() {
        let text =
            std::fs::read_to_string(needs::test_data("cloud_faq").join("val.jsonl")).unwrap();
        let rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let column = |name: &str| -> Vec<&str> {
            rows.iter().map(|row| row[name].as_str().unwrap()).collect()
        };
        let (questions, all) = (column("question"), column("answer"));
        let mut answers: Vec<&str> = Vec::new();
        let mut place = HashMap::new();
        let right: Vec<usize> = all
            .iter()
            .map(|answer| {
                *place.entry(*answer).or_insert_with(|| {
                    answers.push(answer);
                    answers.len() - 1
                })
            })
            .collect();
        let found = [Precision::F32, Precision::Fast]
            .map(|precision| accuracy_at_1(precision, &questions, &answers, &right));
        println!(
            "accuracy@1 of {} questions among {} answers: {:.4} in f32, {:.4} in fast precision",
            questions.len(),
            answers.len(),
            found[0],
            found[1]
        );
        assert!((found[0] - found[1]).abs() <= 0.003, "{found:?}");
    }
}
