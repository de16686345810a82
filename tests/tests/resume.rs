//! `kill -9` in the middle of a training, then `--resume`: the same weights, bit for bit.

use nearsay_tests::{app, minilm, sample};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

struct Running {
    child: Child,
    stdin: ChildStdin,
    events: Box<dyn Iterator<Item = Value>>,
}

/// By the recipe of one of the encoders: `quick`, or `compact quick`.
fn command(recipe: &str, out: &Path) -> Command {
    let (encoder, recipe) = recipe.split_once(' ').unwrap_or(("minilm", recipe));
    // A table learns so quickly that only small steps leave time to stop it.
    let batch = if encoder == "compact" { "2" } else { "64" };
    let mut command = app!();
    command
        .arg("train")
        .arg(sample("library_faq.jsonl"))
        .arg("--out")
        .arg(out);
    command.args(["--encoder", encoder, "--recipe", recipe]);
    // By this seed all of them learn something that is kept.
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

/// Everything that was learned, as bytes.
fn learned(model: &Path) -> Vec<Vec<u8>> {
    let layer = "2_Dense/model.safetensors";
    let layer = match model.join(layer).exists() {
        true => layer,
        // A table that was learned has none behind it.
        false => "0_StaticEmbedding/model.safetensors",
    };
    [layer, "answers.safetensors"]
        .map(|name| std::fs::read(model.join(name)).unwrap())
        .into()
}

/// Pauses after some epochs, so that the state is saved at that very step, and kills.
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
    assert!(!out.exists(), "no model is written before the end");
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights() {
    minilm();
    let dir = tempfile::tempdir().unwrap();
    for (recipe, epoch) in [("quaterion", 3), ("quick", 3), ("compact quick", 0)] {
        let whole = dir.path().join(format!("{recipe}-whole"));
        finish(command(recipe, &whole));
        let killed = dir.path().join(format!("{recipe}-killed"));
        kill_at(recipe, epoch, &killed);
        let mut again = command(recipe, &killed);
        again.arg("--resume");
        let events = finish(again);
        let going_on = events.iter().any(|event| {
            event["text"]
                .as_str()
                .is_some_and(|text| text.starts_with("Continuing in epoch"))
        });
        assert!(going_on, "{recipe} went on from the saved state");
        assert_eq!(learned(&killed), learned(&whole), "{recipe}");
    }
}

/// Killed at any moment, the folder is absent or whole, and the same command finishes the work.
#[test]
fn killed_at_any_moment_nothing_is_broken() {
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("model");
    let whole = dir.path().join("whole");
    finish(command("quick", &whole));
    for events in [1, 2, 4, 7, 11, 16] {
        let mut running = start(command("quick", &out));
        running.events.by_ref().take(events).for_each(drop);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        if out.exists() {
            assert_eq!(learned(&out), learned(&whole));
        }
    }
    let mut again = command("quick", &out);
    again.arg("--resume");
    finish(again);
    assert_eq!(learned(&out), learned(&whole));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(
        left.len(),
        2,
        "nothing but the two models is left: {left:?}"
    );
}

#[test]
fn two_trainings_never_write_one_model() {
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("model");
    let mut first = start(command("quaterion", &out));
    first.stdin.write_all(b"pause\n").unwrap();
    let paused = first.events.any(|event| {
        event["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("Paused"))
    });
    assert!(paused);
    let second = command("quaterion", &out).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("another training is writing"), "{words}");
    first.stdin.write_all(b"resume\nstop\n").unwrap();
    let last = first.events.last().unwrap();
    assert_eq!(last["report"]["stopped"], true);
    assert!(first.child.wait().unwrap().success());
}
