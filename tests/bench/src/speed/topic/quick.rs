//! Recipe `quick` from cached vectors, until the held-out questions exceed the figures with which the
//! tutorial ends after 500 epochs.

use super::head::{fit, pairs};
use crate::speed::{
    Bench, Failure, print_warning,
    rounds::{Cost, Spread},
    table::{Goal, Table},
};
use nearsay::train::{
    BatchFigures, Control, Pairs, Recipe, Settings,
    whiten::{half_whitening, whitened},
};
use std::time::Instant;

/// Last row of the tutorial's table, by its recipe in Nearsay: rp@1 and rrk of the held-out questions,
/// in batches of 1,024.
const TUTORIAL: BatchFigures = BatchFigures {
    rp_1: 0.6991,
    rrk: 0.7766,
};

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let (train, val) = pairs(&bench.data)?;
    let settings = Settings::of(Recipe::Quick, train.anchors.columns());
    let mut times = Vec::with_capacity(bench.passes);
    for _ in 0..bench.passes {
        match beyond(&settings, &train, &val)? {
            Some(seconds) => times.push(seconds),
            None => {
                print_warning("quick ended below the tutorial's figures");
                let never = Spread::only(f64::INFINITY);
                table.found(Goal::Quick, never, "not reached");
                return Ok(());
            }
        }
    }
    let spread = Spread::of(times);
    println!("exceeds the tutorial's figures after {spread} s");
    table.found(Goal::Quick, spread, "including evaluation after each epoch");
    Ok(())
}

/// Seconds until both figures exceed the tutorial's in the same epoch.
fn beyond(settings: &Settings, train: &Pairs, val: &Pairs) -> Result<Option<f64>, Failure> {
    let control = Control::new();
    let started = Instant::now();
    let (mut reached, mut best) = (None, BatchFigures::default());
    let (cost, ()) = Cost::measure(|| {
        let layer = half_whitening(&[&train.anchors, &train.positives])?;
        let layer = layer.ok_or("the vectors are all the same")?;
        let (train, val) = (whitened(&layer, train)?, whitened(&layer, val)?);
        fit(settings, &train, &val, &control, &mut |epoch| {
            let Some(figures) = epoch.val else { return };
            if figures.rp_1 > best.rp_1 {
                best = figures;
            }
            let better = figures.rp_1 > TUTORIAL.rp_1 && figures.rrk > TUTORIAL.rrk;
            if better && reached.is_none() {
                reached = Some((started.elapsed().as_secs_f64(), epoch.epoch + 1, figures));
            }
        })
    })?;
    match reached {
        Some((seconds, epochs, figures)) => println!(
            "epoch {epochs}: rp@1 {:.4}, rrk {:.4} after {seconds:.2} s; the whole run {:.2} s, best \
             rp@1 {:.4}",
            figures.rp_1, figures.rrk, cost.wall, best.rp_1
        ),
        None => println!("best rp@1 {:.4}, rrk {:.4}", best.rp_1, best.rrk),
    }
    Ok(reached.map(|(seconds, ..)| seconds))
}
