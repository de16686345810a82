//! Time from program start to visible window, with a project whose model is MiniLM with a head.

use crate::speed::{
    Bench, Failure,
    rounds::Spread,
    table::{Goal, Table},
};
use serde::Deserialize;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Seconds reported by `tests/window/start.py`.
#[derive(Deserialize)]
struct Start {
    window: f64,
    answer: f64,
}

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../window/run"))
        .arg(crate::built_nearsay()?)
        .arg("--start")
        .arg(bench.data.model()?)
        .args(["--passes", &bench.passes.to_string()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    // The first line names the encoder of the project's model.
    let lines = String::from_utf8(output.stdout)?;
    let starts: Vec<Start> = lines
        .lines()
        .skip(1)
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let window = Spread::of(starts.iter().map(|start| start.window).collect());
    let answer = Spread::of(starts.iter().map(|start| start.answer).collect());
    println!("first answer in the window after {answer} s, polled every half second");
    let note = "a real window under Xvfb, files in the system's cache";
    table.found(Goal::Window, window, note);
    Ok(())
}
