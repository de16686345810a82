//! From the start of the program to its window, in a project whose model is MiniLM with a head.

use crate::{
    Bench, Failure,
    rounds::Spread,
    table::{Goal, Table},
};
use serde::Deserialize;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Seconds, as `tests/window/start.py` tells them.
#[derive(Deserialize)]
struct Start {
    window: f64,
    answer: f64,
}

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let here = std::env::current_exe()?;
    let built = here.parent().and_then(Path::parent).unwrap_or(&here);
    let program = built.join("nearsay");
    if !program.is_file() {
        let hint = "`cargo build --release -p nearsay` makes it";
        return Err(format!("there is no {}; {hint}", program.display()).into());
    }
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("window/run"))
        .arg(program)
        .arg("--start")
        .arg(bench.data.model()?)
        .args(["--passes", &bench.passes.to_string()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    // The first line says which encoder the project's model has.
    let lines = String::from_utf8(output.stdout)?;
    let starts: Vec<Start> = lines
        .lines()
        .skip(1)
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let window = Spread::of(starts.iter().map(|start| start.window).collect());
    let answer = Spread::of(starts.iter().map(|start| start.answer).collect());
    println!("first answer in the window after {answer} s, looked for every half second");
    let note = "a real window under Xvfb, files in the system's cache";
    table.found(Goal::Window, window, note);
    Ok(())
}
