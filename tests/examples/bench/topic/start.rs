//! From the start of a process to its first answer, out of a folder with MiniLM and the cloud FAQ's
//! answers. The files are in the system's cache, as after a first use that day.

use crate::{
    Bench, Failure,
    arguments::AS_NEARSAY,
    data::Cloud,
    rounds::{Contestant, Cost, Rounds},
    table::{Goal, Table},
};
use nearsay::{
    servable::{AnswerSet, Confidence, Export, ExportEncoder},
    train::data::normalized,
};
use nearsay_core::{head::Folded, matrix::Matrix};
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use std::{
    path::Path,
    process::{Command, Stdio},
};

const QUESTION: &str = "can i run a cluster or job for a long time?";

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let model = bench.data.path("model");
    let answers = AnswerSet::of(&cloud.rows());
    export(bench, &answers, &model)?;

    let mut contestants = vec![Contestant::new("ours", || {
        let mut command = Command::new(std::env::current_exe()?);
        first_answer(command.args([AS_NEARSAY, "ask"]).arg(&model).arg(QUESTION))
    })];
    if let Some(mut command) = script(bench, &cloud)? {
        // Once for the system's cache; ours was read when it was written.
        first_answer(&mut command)?;
        contestants.push(Contestant::new("Python script", move || {
            first_answer(&mut command)
        }));
    }
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("start", 1);
    let note = format!("{} answers, files in the system's cache", answers.len());
    table.found(Goal::FirstAnswer, rounds.median(0), note);
    Ok(())
}

fn first_answer(command: &mut Command) -> Result<Cost, Failure> {
    let (cost, output) = Cost::measure(|| Ok(command.stdin(Stdio::null()).output()?))?;
    match output.status.success() && !output.stdout.is_empty() {
        // The processor's time is the child's, which nobody has asked for.
        true => Ok(Cost { cpu: 0.0, ..cost }),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// A folder as `nearsay train` writes it, but for the head.
fn export(bench: &Bench, answers: &AnswerSet, dir: &Path) -> Result<(), Failure> {
    let files = ModelFiles::open(&DiskStore, bench.data.model()?)?;
    let vectors = bench.data.vectors(&answers.texts())?;
    let export = Export {
        encoder: ExportEncoder::Network(&files),
        encoder_name: "minilm",
        head: &Folded::Identity,
        answers,
        vectors: &vectors,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        report: serde_json::Value::Null,
    };
    Ok(export.write(&DiskStore, dir)?)
}

/// The peer's script with its answers and their vectors, if there is a Python for it.
fn script(bench: &Bench, cloud: &Cloud) -> Result<Option<Command>, Failure> {
    let mut command = match bench.peers.python("start.py") {
        Ok(command) => command,
        Err(error) => {
            crate::say_loudly(&format!("the Python script is not measured: {error}"));
            return Ok(None);
        }
    };
    let answers: Vec<&str> = cloud.texts();
    let vectors: Matrix = normalized(bench.data.vectors(&answers)?);
    command
        .arg(bench.data.model()?)
        .arg(bench.data.share("answers.json", &answers)?)
        .arg(bench.data.share_vectors("answers.f32", &vectors)?)
        .arg(QUESTION);
    Ok(Some(command))
}
