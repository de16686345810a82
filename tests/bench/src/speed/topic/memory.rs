//! Peak memory of embedding the whole cloud FAQ, in a separate process each.

use crate::speed::{
    Bench, EMBED, Failure, print_warning,
    rounds::{Cost, Spread, seconds},
    table::{Goal, Table},
};
use candle_core::Device;
use nearsay_bert::SentenceEncoder;
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use serde_json::{Value, json};
use std::{
    ops::ControlFlow,
    path::Path,
    process::{Command, Stdio},
};

/// Maximum number of rounds: each takes a minute, and the peak hardly changes.
const PASSES: usize = 2;

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let texts = bench.data.share("everything.json", &cloud.texts())?;
    let model = bench.data.model()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.passes.min(PASSES) {
        let mut command = crate::child_command("speed")?;
        ours.push(peak("ours", command.arg(EMBED).arg(model).arg(&texts))?);
        match bench.peers.python("memory.py") {
            Ok(mut python) => theirs.push(peak(
                "sentence-transformers",
                python.arg(model).arg(&texts),
            )?),
            Err(error) => print_warning(&format!("sentence-transformers is not measured: {error}")),
        }
    }
    if theirs.is_empty() {
        return Ok(());
    }
    let each = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours);
    let times = Spread::of(each.collect());
    let (ours, theirs) = (Spread::of(ours).middle, Spread::of(theirs).middle);
    let note = format!("{ours:.0} MB, PyTorch {theirs:.0} MB");
    table.found(Goal::Memory, times, note);
    Ok(())
}

/// Runs a process that prints its cost; returns its peak memory in MB.
fn peak(name: &str, command: &mut Command) -> Result<f64, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let peak = told["peak_mb"].as_f64().ok_or("the reply lacks peak_mb")?;
    let cost = Cost::of(&told)?;
    println!(
        "{name}: {peak:.0} MB, {}, processor {}",
        seconds(cost.wall),
        seconds(cost.cpu)
    );
    Ok(peak)
}

/// Embeds the texts in the child process.
pub fn embed(model: &Path, texts: &Path) -> Result<(), Failure> {
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let files = ModelFiles::open(&DiskStore, model)?;
    let encoder = SentenceEncoder::load(&files, &Device::Cpu)?;
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let (cost, _) = Cost::measure(|| Ok(encoder.encode_all(&texts, go_on)?))?;
    let peak = crate::peak_memory_mb().ok_or("this system does not report peak memory")?;
    let reply = json!({ "wall": cost.wall, "cpu": cost.cpu, "peak_mb": peak });
    println!("{reply}");
    Ok(())
}
