//! One fine-tuning step of all of MiniLM's layers: forward, ranking loss over 32 pairs, gradient, AdamW.

use crate::{
    Bench, Failure,
    rounds::{Contestant, Cost, Rounds},
    say_loudly,
    table::{Goal, Table},
};
use serde_json::json;

/// Pairs a step.
const PAIRS: usize = 32;
/// Steps a pass, each with pairs of its own.
const STEPS: usize = 4;

/// At what precision a step computes.
#[derive(Clone, Copy)]
enum Precision {
    Full,
    Reduced,
}

/// A step of ours: the questions and the answers of a batch.
type Step = Box<dyn FnMut(&[&str], &[&str]) -> Result<(), Failure>>;

/// PLUG IN: our own step, once core has it. Its texts should be tokenised beforehand, as the peers' are.
fn ours(_bench: &Bench, _precision: Precision) -> Result<Option<Step>, Failure> {
    Ok(None)
}

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let batches: Vec<[Vec<&str>; 2]> = cloud
        .train
        .chunks(PAIRS)
        .take(STEPS)
        .map(|rows| {
            let questions = rows.iter().map(|row| row.question.as_str());
            let answers = rows.iter().map(|row| row.answer.as_str());
            [questions.collect(), answers.collect()]
        })
        .collect();
    let batches = &batches;
    let shared = bench.data.share("batches.json", batches)?;
    for (precision, name, theirs, goal) in [
        (Precision::Full, "fp32", "PyTorch fp32", Goal::Thorough),
        (
            Precision::Reduced,
            "bf16",
            "PyTorch bf16 autocast",
            Goal::ThoroughReduced,
        ),
    ] {
        let mut contestants = Vec::new();
        match ours(bench, precision)? {
            Some(mut step) => {
                let mut pass = move || {
                    let (cost, ()) = Cost::measure(|| {
                        batches
                            .iter()
                            .try_for_each(|[questions, answers]| step(questions, answers))
                    })?;
                    Ok(cost.each(STEPS))
                };
                pass()?;
                contestants.push(Contestant::new("ours", pass));
            }
            None => say_loudly(&format!("there is no step of ours in {name} yet")),
        }
        let model = bench.data.model()?;
        let load = json!({ "precision": name, "model": model, "texts": shared });
        if let Some(peer) = bench.peers.start(theirs, "thorough.py", &load) {
            contestants.push(Contestant::peer(peer));
        }
        if contestants.is_empty() {
            continue;
        }
        let rounds = Rounds::run(bench.passes, contestants)?;
        rounds.print("step", 1);
        if let Some(times) = rounds.times_faster("ours", theirs) {
            table.found(goal, times, format!("of {theirs}"));
        }
    }
    Ok(())
}
