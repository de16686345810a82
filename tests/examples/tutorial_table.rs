//! Our table beside the tutorial's, from the events of a run:
//!
//! ```sh
//! cargo run --release -- train TRAIN.jsonl --val VAL.jsonl --recipe quaterion \
//!     --epochs 500 --seed 42 --out model --json \
//!   | cargo run --release -p nearsay-tests --example tutorial_table
//! ```
//!
//! Ends with an error when a figure is further off than it may be: 0.002 in the first epoch, which
//! only the head's random start can change, 0.004 later.

use nearsay::train::{Epoch, Event};
use std::{io::BufRead as _, process::ExitCode};

/// (epoch, train rp@1, train rrk, val rp@1, val rrk) as the tutorial prints them, the first with a
/// digit more.
const TUTORIAL: [(usize, [f32; 4]); 6] = [
    (0, [0.6495, 0.7319, 0.6586, 0.7411]),
    (100, [0.665, 0.746, 0.673, 0.754]),
    (200, [0.677, 0.757, 0.682, 0.763]),
    (300, [0.686, 0.765, 0.688, 0.768]),
    (400, [0.695, 0.772, 0.694, 0.773]),
    (500, [0.701, 0.778, 0.700, 0.777]),
];

fn main() -> ExitCode {
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
        eprintln!("the run did not finish");
        return ExitCode::FAILURE;
    };
    println!(
        "| epoch | train rp@1 | rrk | val rp@1 | rrk | tutorial: train rp@1 | rrk | val rp@1 | rrk | furthest off |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut good = true;
    for (number, theirs) in TUTORIAL {
        // The tutorial counts its last line as epoch 500; 500 epochs from 0 end with 499.
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
            println!("| {number} | not reached, or nothing was kept aside |");
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
        "\nReading the texts took {:.1} s, learning {:.1} s, which is {:.3} s an epoch with its metrics.",
        report.embed_s,
        report.train_s,
        report.train_s / epochs.len().max(1) as f64
    );
    if let (Some(before), Some(after)) = (&report.before, &report.after) {
        println!(
            "{} questions asked of all {} answers: recall@1 {:.4} before, {:.4} after; mrr@10 {:.4} \
             before, {:.4} after.",
            after.questions,
            after.pool,
            before.recall_1,
            after.recall_1,
            before.mrr_10,
            after.mrr_10
        );
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
