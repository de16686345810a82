//! Embedding many texts: time, memory and resuming after `kill -9`.
//!
//! ```sh
//! cargo run --release -p nearsay-bench -- scale [MINILM_DIR]
//! ```
//!
//! SYNTHETIC: the texts are numbered sentences. A child process embeds them with the compact encoder
//! through the same cache as the app, is killed when half of them are done, and is started again. With
//! MINILM_DIR, smaller numbers of texts follow with that transformer. Memory is the peak of the second
//! process, which holds texts and results.

use crate::{Failure, child_command, peak_memory_mb};
use candle_core::Device;
use nearsay::{
    cache::{EmbeddingCache, OnProgress, Progress, Uninterrupted},
    servable::TextModel,
};
use nearsay_store::DiskStore;
use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
    time::Instant,
};

const COMPACT: [usize; 3] = [10_000, 100_000, 1_000_000];
const NETWORK: [usize; 2] = [2_048, 8_192];

/// Runs the `scale` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|text| text.to_string_lossy())
        .collect();
    match arguments.iter().map(|text| &**text).collect::<Vec<_>>()[..] {
        ["embed", texts, cache, model] => embed(texts, cache.as_ref(), model),
        [] => curve("compact", &COMPACT),
        [model] => curve("compact", &COMPACT).and_then(|()| curve(model, &NETWORK)),
        _ => Err("expected at most one argument, a model directory".into()),
    }?;
    Ok(true)
}

/// Embeds in a child process; prints progress and, at the end, the cost.
fn embed(texts: &str, cache: &Path, model: &str) -> Result<(), Failure> {
    let started = Instant::now();
    let model = match model {
        "compact" => TextModel::of_static(nearsay_text::compact::built_in::encoder()?),
        path => TextModel::open(&DiskStore, path.as_ref(), &Device::Cpu)?,
    };
    let texts: Vec<String> = (0..texts.parse()?).map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cache = EmbeddingCache::new(&DiskStore, cache, "scale", model.pooled_dim());
    let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
        Ok(Some(model.pooled(texts, on_progress)?))
    };
    let mut out = std::io::stdout();
    let mut guess = None;
    let mut on_progress = |at: Progress| {
        writeln!(out, "{} {}", at.done, at.total).ok();
        // The estimate when a quarter is left is compared with the time that follows.
        if let (None, Some(eta)) = (guess, at.eta_s)
            && at.done > at.total * 3 / 4
        {
            guess = Some((eta, Instant::now()));
        }
    };
    let embedded = cache
        .embed(&texts, &mut encode, &Uninterrupted, &mut on_progress)?
        .ok_or("embedding was stopped")?;
    let (eta, then) = guess.unwrap_or((0.0, Instant::now()));
    println!(
        "took {} {} {} {} {}",
        started.elapsed().as_secs_f64(),
        embedded.fresh,
        peak_memory_mb().unwrap_or_default(),
        eta,
        then.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn text(number: usize) -> String {
    format!(
        "Synthetic question {number}: how do I get form {} from desk {} when the office on floor {} is closed?",
        number % 9_973,
        number % 89,
        number % 31
    )
}

fn curve(model: &str, counts: &[usize]) -> Result<(), Failure> {
    println!(
        "SYNTHETIC texts, {}",
        if model == "compact" {
            "compact encoder"
        } else {
            "transformer"
        }
    );
    for &texts in counts {
        let dir = tempfile::tempdir()?;
        let child = || -> Result<_, Failure> {
            let mut child = child_command("scale")?
                .args(["embed", &texts.to_string()])
                .arg(dir.path())
                .arg(model)
                .stdout(Stdio::piped())
                .spawn()?;
            let out = child.stdout.take().ok_or("no output")?;
            Ok((child, BufReader::new(out).lines().map_while(Result::ok)))
        };
        let started = Instant::now();
        let (mut first, lines) = child()?;
        let done = |line: &String| -> Option<usize> { line.split(' ').next()?.parse().ok() };
        let half = lines
            .filter_map(|line| done(&line))
            .find(|done| *done >= texts / 2);
        first.kill()?;
        first.wait()?;
        let killed = started.elapsed().as_secs_f64();
        half.ok_or("it finished before it could be killed")?;

        let (mut second, lines) = child()?;
        let last = lines.last().ok_or("the second run printed nothing")?;
        if !second.wait()?.success() {
            return Err("the second run failed".into());
        }
        let numbers: Vec<f64> = last
            .split(' ')
            .skip(1)
            .filter_map(|x| x.parse().ok())
            .collect();
        let [took, fresh, memory, eta, came] = numbers[..] else {
            return Err(last.into());
        };
        println!(
            "{texts:>9}: killed after {killed:.1} s with at least half done; then {fresh} more in {took:.1} s; \
             {:.0} texts a second in all; peak memory {memory:.0} MB; estimate with a quarter left {eta:.1} s, \
             actual {came:.1} s",
            texts as f64 / (killed + took),
        );
    }
    Ok(())
}
