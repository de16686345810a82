//! The tutorial's own data, where it is at hand (it states no licence, so it is not in this
//! repository): the first line of its table, and its four check questions.

use nearsay_tests::{app, minilm, shared_data};
use serde_json::Value;

/// What the tutorial asks of its model at the end, and what it expects.
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

#[test]
fn the_tutorials_first_epoch_and_its_check_questions() {
    let Some(data) = shared_data() else { return };
    let data = data.join("cloud_faq");
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    // Two threads: this is about figures to three digits, not bits, and there is much to embed.
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
            "{part} {figure}: {found}, not {expected}"
        );
    }

    // PyTorch over the same pools: 0.6715 among the 2,125 validation answers, 0.5275 among all.
    let report = &events.last().unwrap()["report"];
    let all = report["after"]["recall@1"].as_f64().unwrap();
    assert!(
        (all - 0.5275).abs() <= 0.002,
        "recall@1 of all answers: {all}"
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
