//! Whether training on few pairs makes a model worse than its base encoder.
//!
//! Draws thirty random subsets of the cloud FAQ's train.jsonl for each of `--sizes`, counted in pairs.
//! Each subset is measured before and after training with the questions of 20 % of its answers, which
//! are held out, searched among all its answers. This is repeated five times with other splits and
//! seeds, or done once where a transformer trains, which takes long. The gain of a subset is the mean
//! over its runs. The table shows the mean over the subsets with its standard error, the number of
//! subsets that lose, and the largest loss.

use super::{
    Failure, Quality,
    encoder::Encoder,
    figures::mean_and_error,
    sets::{Sets, WITHHELD},
};
use nearsay::train::{PoolFigures, Recipe, Settings, Trainable};
use nearsay_faq::{Row, split};

const SUBSETS: u64 = 30;
const REPEATS: u64 = 5;

/// Figures of a run: before training, after it, and after it by dense search alone.
struct Ended {
    before: PoolFigures,
    after: PoolFigures,
    meaning: PoolFigures,
}

pub fn run(quality: &Quality, sets: &Sets) -> Result<(), Failure> {
    let rows = sets.cloud_train()?;
    println!("{SUBSETS} subsets each; gains in hundredths, ± one standard error");
    println!(
        "\n| pairs | encoder | recipe | accuracy@1 before | gain | mrr@10 before | gain | dense: gain in \
         mrr@10 | subsets that lose mrr@10 | the most lost | runs that lose | runs that gain |"
    );
    println!("|{}", " --- |".repeat(12));
    for encoder in &quality.encoders {
        let mut done: Vec<Settings> = Vec::new();
        for &recipe in &quality.arguments.recipes {
            let settings = encoder.settings(recipe, 1);
            let under = |recipe| {
                let mut settings = settings.clone();
                settings.recipe = recipe;
                settings
            };
            if done.iter().any(|done| *done == under(done.recipe)) {
                continue;
            }
            for &size in &quality.arguments.sizes {
                one_size(encoder, recipe, &rows, size)?;
            }
            done.push(settings);
        }
    }
    Ok(())
}

fn one_size(encoder: &Encoder, recipe: Recipe, rows: &[Row], size: usize) -> Result<(), Failure> {
    let repeats = match encoder.settings(recipe, 1).trainable {
        Trainable::FullModel => 1,
        Trainable::Head | Trainable::TokenEmbeddings => REPEATS,
    };
    let mut subsets: Vec<Vec<Ended>> = Vec::new();
    for number in 1..=SUBSETS {
        let subset = subset(rows, size, number);
        let runs = (1..=repeats).map(|seed| run_once(encoder, recipe, &subset, seed));
        subsets.push(runs.collect::<Result<_, _>>()?);
    }
    let of_subsets = |value: fn(&Ended) -> f32| -> Vec<f64> {
        let mean = |runs: &Vec<Ended>| {
            runs.iter().map(|run| f64::from(value(run))).sum::<f64>() / runs.len() as f64
        };
        subsets.iter().map(mean).collect()
    };
    let told = |value: fn(&Ended) -> f32| match mean_and_error(&of_subsets(value)) {
        Some((mean, error)) => format!("{:+.1} ± {:.1}", mean * 100.0, error * 100.0),
        None => "–".into(),
    };
    let before = |value: fn(&Ended) -> f32| match mean_and_error(&of_subsets(value)) {
        Some((mean, _)) => format!("{mean:.3}"),
        None => "–".into(),
    };
    let gain = |run: &Ended| run.after.mrr_10 - run.before.mrr_10;
    let gains = of_subsets(gain);
    let worst = gains.iter().copied().fold(0.0, f64::min);
    let runs = || subsets.iter().flatten().map(gain);
    println!(
        "| {size} | {} | {recipe} | {} | {} | {} | {} | {} | {} of {SUBSETS} | {:.1} | {} of {} | {} |",
        encoder.name,
        before(|run| run.before.recall_1),
        told(|run| run.after.recall_1 - run.before.recall_1),
        before(|run| run.before.mrr_10),
        told(gain),
        told(|run| run.meaning.mrr_10 - run.before.mrr_10),
        gains.iter().filter(|gain| **gain < 0.0).count(),
        worst * 100.0,
        runs().filter(|gain| *gain < 0.0).count(),
        SUBSETS * repeats,
        runs().filter(|gain| *gain > 0.0).count(),
    );
    Ok(())
}

/// Random subset of the rows for a seed.
fn subset(rows: &[Row], size: usize, number: u64) -> Vec<Row> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    fastrand::Rng::with_seed(number << 16 | size as u64).shuffle(&mut places);
    let chosen = places.into_iter().take(size);
    chosen.map(|place| rows[place].clone()).collect()
}

fn run_once(encoder: &Encoder, recipe: Recipe, rows: &[Row], seed: u64) -> Result<Ended, Failure> {
    let parts = split(rows, WITHHELD, seed)?;
    let take = |numbers: &[usize]| -> Vec<Row> {
        numbers.iter().map(|&number| rows[number].clone()).collect()
    };
    let settings = encoder.settings(recipe, seed);
    let report = encoder
        .learn(&settings, &take(&parts.train), &take(&parts.held_out))?
        .report;
    let (Some(before), Some(after)) = (report.before, report.after) else {
        return Err("nothing was asked".into());
    };
    Ok(Ended {
        before,
        after,
        meaning: report.without_words.unwrap_or(after),
    })
}
