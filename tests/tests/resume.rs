//! `kill -9` during training, then `--resume`: the weights are bit-identical to an uninterrupted run.

use nearsay_tests::{app, needs, sample_file};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A training process, with its events and the stdin that takes commands.
struct Running {
    child: Child,
    stdin: ChildStdin,
    events: Box<dyn Iterator<Item = Value>>,
}

/// Command that trains by a recipe of MiniLM, such as `quick`, or of the compact encoder: `compact quick`.
fn command(recipe: &str, out: &Path) -> Command {
    let (encoder, recipe) = recipe.split_once(' ').unwrap_or(("minilm", recipe));
    // Static embeddings train so fast that only small batches leave time to stop the run.
    let batch = if encoder == "compact" { "2" } else { "64" };
    let mut command = app!();
    command
        .arg("train")
        .arg(sample_file("library_faq.jsonl"))
        .arg("--out")
        .arg(out);
    command.args(["--encoder", encoder, "--recipe", recipe]);
    // With this seed, every recipe keeps its trained model.
    command.args(["--seed", "1", "--epochs", "30", "--batch", batch, "--json"]);
    command
}

fn start(mut command: Command) -> Running {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let events = Box::new(lines.map(|line| serde_json::from_str(&line).unwrap()));
    Running {
        child,
        stdin,
        events,
    }
}

fn finish(mut command: Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Trained weights and answer vectors, as bytes.
fn learned(model: &Path) -> Vec<Vec<u8>> {
    let trained = [
        "2_Dense/model.safetensors",
        "1_Dense/model.safetensors",
        "0_StaticEmbedding/model.safetensors",
    ];
    let trained = trained.into_iter().find(|name| model.join(name).exists());
    [trained.unwrap(), "answers.safetensors"]
        .map(|name| std::fs::read(model.join(name)).unwrap())
        .into()
}

/// Pauses after an epoch, so that the state of that step is saved, then kills the process.
fn kill_at(recipe: &str, epoch: u64, out: &Path) {
    let mut running = start(command(recipe, out));
    for event in running.events.by_ref() {
        if event["event"] == "epoch" && event["epoch"] == epoch {
            running.stdin.write_all(b"pause\n").unwrap();
        }
        if event["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("Paused"))
        {
            break;
        }
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(!out.exists(), "the model is written only at the end");
}

#[test]
fn resumed_run_of_compact_encoder_reaches_same_weights() {
    assert_resumes_to_same_weights(&[("compact quick", 0), ("compact quaterion", 1)]);
}

#[test]
#[ignore = "needs MiniLM"]
fn resumed_run_of_minilm_reaches_same_weights() {
    needs::minilm();
    assert_resumes_to_same_weights(&[("quaterion", 3), ("quick", 3)]);
}

fn assert_resumes_to_same_weights(recipes: &[(&str, u64)]) {
    let dir = tempfile::tempdir().unwrap();
    for &(recipe, epoch) in recipes {
        let whole = dir.path().join(format!("{recipe}-whole"));
        finish(command(recipe, &whole));
        let killed = dir.path().join(format!("{recipe}-killed"));
        kill_at(recipe, epoch, &killed);
        let mut again = command(recipe, &killed);
        again.arg("--resume");
        let events = finish(again);
        let resumed = events.iter().any(|event| {
            event["text"]
                .as_str()
                .is_some_and(|text| text.starts_with("Going on in round"))
        });
        assert!(resumed, "{recipe} continued from the saved state");
        assert_eq!(learned(&killed), learned(&whole), "{recipe}");
    }
}

#[test]
fn killed_run_of_compact_encoder_leaves_whole_model_or_none() {
    assert_killed_run_leaves_whole_model_or_none("compact quick");
}

#[test]
#[ignore = "needs MiniLM"]
fn killed_run_of_minilm_leaves_whole_model_or_none() {
    needs::minilm();
    assert_killed_run_leaves_whole_model_or_none("quick");
}

/// Kills runs at different moments. Afterwards, the same command finishes the work.
fn assert_killed_run_leaves_whole_model_or_none(recipe: &str) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("model");
    let whole = dir.path().join("whole");
    finish(command(recipe, &whole));
    for events in [1, 2, 4, 7, 11, 16] {
        let mut running = start(command(recipe, &out));
        running.events.by_ref().take(events).for_each(drop);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        if out.exists() {
            assert_eq!(learned(&out), learned(&whole));
        }
    }
    let mut again = command(recipe, &out);
    again.arg("--resume");
    finish(again);
    assert_eq!(learned(&out), learned(&whole));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(left.len(), 2, "only the two models are left: {left:?}");
}

#[test]
fn second_run_with_same_output_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("model");
    let mut first = start(command("compact quaterion", &out));
    first.stdin.write_all(b"pause\n").unwrap();
    let paused = first.events.any(|event| {
        event["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("Paused"))
    });
    assert!(paused);
    let second = command("compact quaterion", &out).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("another training is writing"), "{words}");
    first.stdin.write_all(b"resume\nstop\n").unwrap();
    let last = first.events.last().unwrap();
    assert_eq!(last["report"]["stopped"], true);
    assert!(first.child.wait().unwrap().success());
}
