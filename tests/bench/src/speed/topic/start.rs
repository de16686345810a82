//! Time from process start to first answer, with a MiniLM model of the cloud FAQ. The files are in the
//! system's cache.

use crate::speed::{
    Bench, Failure,
    data::Cloud,
    rounds::{Contestant, Cost, Rounds},
    table::{Goal, Table},
};
use nearsay::{
    servable::{AnswerSet, ExportEncoder},
    train::data::normalized,
};
use nearsay_core::{head::Folded, matrix::Matrix};
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use nearsay_tests::write_model;
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
        let mut command = crate::nearsay_command()?;
        first_answer(command.arg("ask").arg(&model).arg(QUESTION))
    })];
    if let Some(mut command) = script(bench, &cloud)? {
        // The first run fills the system's cache; our model is in it already.
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
        // The processor time of the child is not measured.
        true => Ok(Cost { cpu: 0.0, ..cost }),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// Writes a model as `nearsay train` does, without a head.
fn export(bench: &Bench, answers: &AnswerSet, dir: &Path) -> Result<(), Failure> {
    let files = ModelFiles::open(&DiskStore, bench.data.model()?)?;
    let vectors = bench.data.vectors(&answers.texts())?;
    let encoder = ("minilm", ExportEncoder::Network(&files));
    Ok(write_model(
        dir,
        encoder,
        &Folded::Identity,
        answers,
        &vectors,
    )?)
}

/// Command of the peer's script with the answers and their vectors; `None` without Python.
fn script(bench: &Bench, cloud: &Cloud) -> Result<Option<Command>, Failure> {
    let mut command = match bench.peers.python("start.py") {
        Ok(command) => command,
        Err(error) => {
            crate::print_warning(&format!("the Python script is not measured: {error}"));
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
