//! How fast the compact encoder is:
//!
//! ```sh
//! cargo build --release && cargo run --release -p nearsay-tests --example compact_speed [TEXTS.jsonl]
//! ```
//!
//! - texts a second on two threads (the questions and answers of TEXTS.jsonl, by default our sample);
//! - from a cold start of the program to the first answer, out of a folder of 10,000 answers. The
//!   answers are made up of the texts' words, since only their number and length matter here.
//!
//! Times are of the machine it runs on and differ by a third from run to run on a busy one; the median
//! of several runs is printed, with the least and the most.

use nearsay::servable::{AnswerSet, Confidence, Export, ExportEncoder, TextModel};
use nearsay_core::head::Folded;
use nearsay_faq::Row;
use nearsay_store::DiskStore;
use nearsay_tests::sample;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

const ANSWERS: usize = 10_000;
const RUNS: usize = 9;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let texts = texts(&given.unwrap_or_else(|| sample("library_faq.jsonl")))?;
    let dir = tempfile::tempdir()?;
    let model = dir.path().join("model");
    export(&texts, &model)?;

    let opened = TextModel::open(&DiskStore, &model, &candle_core::Device::Cpu)?;
    // Enough of them for a second or so.
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
    print("texts a second", &format!("{threads} threads"), speeds, 0);

    let program = program()?;
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
    Ok(())
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

/// A folder of [`ANSWERS`] answers with one question each.
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
    let export = Export {
        encoder: ExportEncoder::Static {
            words: encoder.words(),
            table: encoder.table().clone(),
        },
        encoder_name: "compact",
        head: &Folded::Identity,
        answers: &answers,
        vectors: &vectors,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        report: serde_json::Value::Null,
    };
    Ok(export.write(&DiskStore, dir)?)
}

/// The released program beside this example's folder.
fn program() -> Result<PathBuf, Failure> {
    let here = std::env::current_exe()?;
    let folder = here.ancestors().nth(2).ok_or("no target folder")?;
    let program = folder.join(format!("nearsay{}", std::env::consts::EXE_SUFFIX));
    match program.is_file() {
        true => Ok(program),
        false => Err(format!("build it first: there is no {}", program.display()).into()),
    }
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
