//! Figures of a training run next to those of Quaterion's tutorial, from the run's events.
//!
//! ```sh
//! cargo run --release -- train TRAIN.jsonl --val VAL.jsonl --recipe quaterion \
//!     --epochs 500 --seed 42 --out model --json \
//!   | cargo run --release -p nearsay-bench -- tutorial_table
//! ```
//!
//! Fails if a figure differs by more than 0.002 in the first epoch, which depends only on the random
//! initial weights, or by more than 0.004 later.

use crate::Failure;
use nearsay::train::{Epoch, Event};
use std::{ffi::OsString, io::BufRead as _};

/// (epoch, train rp@1, train rrk, val rp@1, val rrk) as the tutorial prints them; the first row has one
/// more digit.
const TUTORIAL: [(usize, [f32; 4]); 6] = [
    (0, [0.6495, 0.7319, 0.6586, 0.7411]),
    (100, [0.665, 0.746, 0.673, 0.754]),
    (200, [0.677, 0.757, 0.682, 0.763]),
    (300, [0.686, 0.765, 0.688, 0.768]),
    (400, [0.695, 0.772, 0.694, 0.773]),
    (500, [0.701, 0.778, 0.700, 0.777]),
];

/// Runs the `tutorial_table` command.
pub fn main(_: Vec<OsString>) -> Result<bool, Failure> {
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut report = None;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Event::Epoch(epoch)) => {
                eprint!("\repoch {} of {}", epoch.epoch + 1, epoch.epochs);
                epochs.push(epoch);
            }
            Ok(Event::Finished { report: done }) => report = Some(done),
            Ok(Event::Failed { error, remedy }) => eprintln!("\n{error}\n{remedy}"),
            _ => {}
        }
    }
    eprintln!();
    let Some(report) = report else {
        return Err("the run did not finish".into());
    };
    println!(
        "| epoch | train rp@1 | rrk | val rp@1 | rrk | tutorial: train rp@1 | rrk | val rp@1 | rrk | largest difference |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut good = true;
    for (number, theirs) in TUTORIAL {
        // The tutorial numbers its last row 500; 500 epochs from 0 end with 499.
        let epoch = epochs
            .iter()
            .rfind(|epoch| epoch.epoch == number || epoch.epoch + 1 == number);
        let Some(Epoch {
            epoch,
            train,
            val: Some(val),
            ..
        }) = epoch
        else {
            println!("| {number} | not reached, or no held-out data |");
            good = false;
            continue;
        };
        let ours = [train.rp_1, train.rrk, val.rp_1, val.rrk];
        let off = ours
            .iter()
            .zip(&theirs)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        good &= off <= if number == 0 { 0.002 } else { 0.004 };
        let row = |figures: &[f32; 4]| figures.map(|x| format!("{x:.4}")).join(" | ");
        println!("| {epoch} | {} | {} | {off:.4} |", row(&ours), row(&theirs));
    }
    println!(
        "\nEmbedding took {:.1} s, training {:.1} s: {:.3} s per epoch with metrics.",
        report.embed_s,
        report.train_s,
        report.train_s / epochs.len().max(1) as f64
    );
    if let (Some(before), Some(after)) = (&report.before, &report.after) {
        println!(
            "{} questions among all {} answers: accuracy@1 {:.4} before, {:.4} after; mrr@10 {:.4} \
             before, {:.4} after.",
            after.questions,
            after.pool,
            before.recall_1,
            after.recall_1,
            before.mrr_10,
            after.mrr_10
        );
    }
    Ok(good)
}
