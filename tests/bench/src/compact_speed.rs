//! Speed of the compact encoder.
//!
//! ```sh
//! cargo build --release && cargo run --release -p nearsay-bench -- compact_speed [TEXTS.jsonl]
//! ```
//!
//! - Texts per second on all threads, for the questions and answers of TEXTS.jsonl; by default those
//!   of the library sample.
//! - Seconds from a cold start of the program to the first answer of a model with 10,000 synthetic
//!   answers.
//!
//! Prints the median of several runs with the smallest and the largest. On a busy machine, runs differ
//! by a third.

use crate::{Failure, built_nearsay};
use nearsay::servable::{AnswerSet, ExportEncoder, TextModel};
use nearsay_core::head::Folded;
use nearsay_faq::Row;
use nearsay_store::DiskStore;
use nearsay_tests::{sample_file, write_model};
use std::{
    ffi::OsString,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

const ANSWERS: usize = 10_000;
const RUNS: usize = 9;

/// Runs the `compact_speed` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let given = arguments.first().map(PathBuf::from);
    let texts = texts(&given.unwrap_or_else(|| sample_file("library_faq.jsonl")))?;
    let dir = tempfile::tempdir()?;
    let model = dir.path().join("model");
    export(&texts, &model)?;

    let opened = TextModel::open(&DiskStore, &model, &candle_core::Device::Cpu)?;
    // Enough texts for about a second.
    let many: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .cycle()
        .take(200_000)
        .collect();
    let threads = rayon_threads();
    let speeds = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let rows = opened.pooled(&many, &mut |_, _| ControlFlow::Continue(()))?;
            assert_eq!(rows.rows(), many.len());
            Ok(many.len() as f64 / started.elapsed().as_secs_f64())
        })
        .collect::<Result<Vec<f64>, Failure>>()?;
    print("texts per second", &format!("{threads} threads"), speeds, 0);

    let program = built_nearsay()?;
    let starts = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let output = Command::new(&program)
                .arg("ask")
                .arg(&model)
                .arg(&texts[0])
                .stdin(Stdio::null())
                .output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            Ok(started.elapsed().as_secs_f64())
        })
        .collect::<Result<Vec<f64>, Failure>>()?;
    print(
        "seconds to the first answer",
        &format!("{ANSWERS} answers"),
        starts,
        3,
    );
    Ok(true)
}

fn texts(file: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(file)?;
    let mut texts = Vec::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        for key in ["question", "answer"] {
            texts.extend(row[key].as_str().map(str::to_owned));
        }
    }
    Ok(texts)
}

/// Writes a model of [`ANSWERS`] answers with one question each.
fn export(texts: &[String], dir: &Path) -> Result<(), Failure> {
    let encoder = nearsay_text::compact::built_in::encoder()?;
    let text = |number: usize| format!("{} {number}", texts[number % texts.len()]);
    let rows: Vec<Row> = (0..ANSWERS)
        .map(|number| Row {
            line: number as u64 + 1,
            question: text(2 * number),
            answer: text(2 * number + 1),
            ..Row::default()
        })
        .collect();
    let answers = AnswerSet::of(&rows);
    let vectors = encoder.encode_all(&answers.texts());
    let written = ExportEncoder::Static {
        words: encoder.tokenizer(),
        table: encoder.embeddings().clone(),
    };
    Ok(write_model(
        dir,
        ("compact", written),
        &Folded::Identity,
        &answers,
        &vectors,
    )?)
}

fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn print(what: &str, how: &str, mut values: Vec<f64>, digits: usize) {
    values.sort_by(f64::total_cmp);
    let (least, middle, most) = (
        values[0],
        values[values.len() / 2],
        values[values.len() - 1],
    );
    println!("{what} ({how}): {middle:.digits$} ({least:.digits$} to {most:.digits$})");
}
