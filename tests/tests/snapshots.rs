//! Long texts that users read or scripts parse, compared with `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test -p nearsay-tests --test snapshots` updates the snapshots.

use nearsay::servable::{Reissue, Servable};
use nearsay_store::DiskStore;
use nearsay_tests::{app, run_ok, test_file, write_file};
use serde_json::Value;
use std::process::Command;

fn stdout(command: &mut Command) -> String {
    // `--help` shows the values of these.
    command
        .env_remove("NEARSAY_DATA")
        .env_remove("NEARSAY_TOKEN");
    let text = String::from_utf8(run_ok(command).stdout).unwrap();
    // The name of the binary in the usage line.
    text.replace("nearsay-under-test", "nearsay")
}

#[test]
fn help_of_every_command() {
    insta::assert_snapshot!("help", stdout(app!().arg("--help")));
    for command in [
        "train", "eval", "ask", "check", "encode", "serve", "export", "model", "distill",
    ] {
        let help = stdout(app!().args([command, "--help"]));
        insta::assert_snapshot!(format!("help-{command}"), help);
    }
}

#[test]
fn check_report_of_file_with_issues() {
    let dir = tempfile::tempdir().unwrap();
    write_file(
        &dir.path().join("faq.csv"),
        "question,answer,topic\n\
         Where is the desk?,On the first floor.,Building\n\
         Where is the desk?,On the first floor.,Building\n\
         Where is the desk?,In the basement.,Building\n\
         When is it open?,,Hours\n\
         ,From nine to five.,Hours\n",
    );
    let mut check = app!();
    check.current_dir(dir.path()).args(["check", "faq.csv"]);
    insta::assert_snapshot!("check", stdout(&mut check));
    let report: Value = serde_json::from_str(&stdout(check.arg("--json"))).unwrap();
    let report = serde_json::to_string_pretty(&report).unwrap();
    insta::assert_snapshot!("check-json", report);
}

/// A model with hybrid search, document expansion and calibrated confidence.
#[test]
fn model_card_and_manifest() {
    let old = test_file("data/format-1-share");
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("model");
    let mut model = Servable::open(&DiskStore, &old, &candle_core::Device::Cpu).unwrap();
    model.load_unexpanded(&DiskStore, &old).unwrap();
    let manifest = model.manifest();
    let reissue = Reissue {
        from: &old,
        data: Some(model.answer_index().into()),
        confidence: &manifest.confidence,
        words: manifest.words,
        expansion: manifest.expansion,
        prototype: manifest.prototype,
    };
    reissue.write(&DiskStore, &new).unwrap();
    let read = |name| std::fs::read_to_string(new.join(name)).unwrap();
    insta::assert_snapshot!("model-card", read("README.md"));
    insta::assert_snapshot!("manifest", without_hashes(&read("nearsay.json")));
}

/// A manifest with placeholders for the sizes and hashes of its files.
fn without_hashes(manifest: &str) -> String {
    let lines = manifest.lines().map(|line| match line.split_once(": ") {
        Some((key, _)) if key.ends_with("\"sha256\"") || key.ends_with("\"bytes\"") => {
            format!("{key}: …")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
