//! The sub-commands from end to end, on the library sample.

use nearsay_tests::{app, json_lines as lines, needs, run_ok, sample_file, write_file};
use serde_json::Value;
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

fn with_input(command: &mut Command, input: &str) -> Output {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn train(out: &Path, more: &[&str]) -> Output {
    let file = sample_file("library_faq.jsonl");
    run_ok(
        app!()
            .arg("train")
            .arg(file)
            .arg("--out")
            .arg(out)
            .arg("--json")
            .args(more),
    )
}

#[test]
#[ignore = "needs MiniLM"]
fn train_ask_eval_encode() {
    needs::minilm();
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let events = lines(&train(&model, &["--seed", "1"]));
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert!(of("embed") > 0 && of("epoch") > 0);
    let report = &events.last().unwrap()["report"];
    assert_eq!(report["settings"]["recipe"], "quick");
    let figure = |part: &str| report[part]["recall@1"].as_f64().unwrap();
    assert!(figure("after") >= figure("before") - 0.03, "{report}");
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "only the model is left: {names:?}");

    // The second run reads all embeddings from the cache.
    let again = lines(&train(&dir.path().join("again"), &["--seed", "1"]));
    assert_eq!(again.last().unwrap()["report"]["fresh_texts"], 0);

    // A known question gets its own answer, as an argument and from stdin.
    let faq = std::fs::read_to_string(sample_file("library_faq.jsonl")).unwrap();
    let row: Value = serde_json::from_str(faq.lines().nth(40).unwrap()).unwrap();
    let question = row["question"].as_str().unwrap();
    let asked = lines(&run_ok(
        app!().arg("ask").arg(&model).arg(question).args(["--json"]),
    ));
    assert_eq!(asked[0]["answers"][0]["answer"], row["answer"]);
    assert_eq!(asked[0]["answers"][0]["question"], question);
    assert_eq!(asked[0]["answers"][0]["row"], 41);
    assert_eq!(asked[0]["confident"], true);
    let input = format!("{question}\n\n");
    let asked = with_input(
        app!().arg("ask").arg(&model).args(["--json", "--top", "2"]),
        &input,
    );
    let asked = lines(&asked);
    assert_eq!(asked[0]["answers"].as_array().unwrap().len(), 2);
    assert_eq!(
        asked[1]["answers"].as_array().unwrap().len(),
        0,
        "an empty question"
    );

    // Paraphrased questions, in the model's own index.
    let questions = sample_file("library_questions.jsonl");
    let eval = |more: &[&Path]| {
        let mut command = app!();
        command
            .arg("eval")
            .arg(&model)
            .arg(&questions)
            .arg("--json");
        for pool in more {
            command.arg("--pool").arg(pool);
        }
        lines(&run_ok(&mut command)).remove(0)
    };
    let own = eval(&[]);
    assert_eq!(own["questions"], 749);
    assert_eq!(own["pool"], 317);
    assert!(own["recall@1"].as_f64().unwrap() > 0.45, "{own}");
    let pool = eval(&[&sample_file("library_faq.jsonl")]);
    assert_eq!(pool["questions"], 749);
    assert!(
        own["recall@1"].as_f64() > pool["recall@1"].as_f64(),
        "known paraphrases help"
    );

    // Vectors have unit length, one per line, equal in both output formats.
    let text = "Where can I park?\nЭ 漢字 🙂\n";
    let json = lines(&with_input(
        app!().arg("encode").arg(&model).arg("--json"),
        text,
    ));
    let plain = with_input(app!().arg("encode").arg(&model), text);
    let plain: Vec<Vec<f64>> = String::from_utf8(plain.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').map(|x| x.parse().unwrap()).collect())
        .collect();
    assert_eq!((json.len(), plain.len()), (2, 2));
    for (json, plain) in json.iter().zip(&plain) {
        let json: Vec<f64> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(&json, plain);
        let length: f64 = plain.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
}

#[test]
fn check_lists_issues_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faq.jsonl");
    write_file(
        &file,
        "{\"q\":\"a?\",\"a\":\"b\"}\n{\"q\":\"c?\"}\nrubbish\n",
    );
    let output = run_ok(app!().arg("check").arg(&file).arg("--json"));
    let report = lines(&output).remove(0);
    assert_eq!(report["counts"]["rows"], 1);
    let places: Vec<u64> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["line"].as_u64().unwrap())
        .collect();
    assert_eq!(places, [2, 3]);
    let plain = String::from_utf8(run_ok(app!().arg("check").arg(&file)).stdout).unwrap();
    assert!(plain.contains("line 2: no answer"), "{plain}");
}

/// Failures name the cause and the remedy, set the exit code, and leave no partial model.
#[test]
fn failures_name_cause_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let (missing, out) = (dir.path().join("missing.jsonl"), dir.path().join("model"));
    let fail = |command: &mut Command, code: i32| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let train = |file: &Path, more: &[&str]| {
        let mut command = app!();
        command
            .arg("train")
            .arg(file)
            .arg("--out")
            .arg(&out)
            .args(more);
        command
    };
    let words = fail(&mut train(&missing, &[]), 1);
    assert!(words.contains("missing.jsonl"), "{words}");
    let faq = sample_file("library_faq.jsonl");
    let words = fail(&mut train(&faq, &["--recipe", "best"]), 2);
    assert!(words.contains("quick, thorough, quaterion"), "{words}");
    let words = fail(&mut train(&faq, &["--encoder", "nothing-of-this-name"]), 1);
    assert!(words.contains("minilm"), "{words}");
    let words = fail(&mut train(&faq, &["--lr", "0"]), 1);
    assert!(words.contains("learning rate"), "{words}");
    let words = fail(app!().arg("ask").arg(dir.path()).arg("hello"), 1);
    assert!(words.contains("nearsay train"), "{words}");
    assert!(!out.exists());
    let json = train(&missing, &["--json"]).output().unwrap();
    let event = lines(&json).remove(0);
    assert_eq!(event["event"], "failed");
    assert!(event["error"].as_str().unwrap().contains("missing.jsonl"));
}

#[test]
fn empty_nearsay_data_is_ignored() {
    let output = run_ok(app!().env("NEARSAY_DATA", "").args(["model", "list"]));
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.starts_with("minilm"), "{list}");
}
