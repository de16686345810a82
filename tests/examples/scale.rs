//! Embedding many texts: time, memory, and going on after `kill -9`:
//!
//! ```sh
//! cargo run --release -p nearsay-tests --example scale [MINILM_FOLDER]
//! ```
//!
//! SYNTHETIC: the texts are made up of numbered words. Each number of them is embedded through the same
//! cache as the app's, by the compact encoder, in a process of its own that is killed once half of them
//! are done and started again; then, should a model's folder be given, smaller numbers by that network.
//! Memory is the peak of the second process, which holds texts and result.

use candle_core::Device;
use nearsay::{
    cache::{EmbeddingCache, Progress, Uninterrupted},
    servable::TextModel,
};
use nearsay_store::DiskStore;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    ops::ControlFlow,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

const COMPACT: [usize; 3] = [10_000, 100_000, 1_000_000];
const NETWORK: [usize; 2] = [2_048, 8_192];

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["embed", texts, cache, model] => embed(texts, cache.as_ref(), model),
        [] => curve("compact", &COMPACT),
        [model] => curve("compact", &COMPACT).and_then(|()| curve(model, &NETWORK)),
        _ => Err("give no more than the folder of a model".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// In a process of its own: embeds and tells how far it is, and at the end what it took.
fn embed(texts: &str, cache: &Path, model: &str) -> Result<(), Failure> {
    let started = Instant::now();
    let model = match model {
        "compact" => TextModel::of_static(nearsay_text::compact::built_in::encoder()?),
        path => TextModel::open(&DiskStore, path.as_ref(), &Device::Cpu)?,
    };
    let texts: Vec<String> = (0..texts.parse()?).map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cache = EmbeddingCache::new(&DiskStore, cache, "scale", model.pooled_dim());
    let mut encode = |texts: &[&str], tell: &mut dyn FnMut(usize) -> bool| {
        let mut tell = |done, _| match tell(done) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        Ok(Some(model.pooled(texts, &mut tell)?))
    };
    let mut out = std::io::stdout();
    let mut guess = None;
    let mut on_progress = |at: Progress| {
        writeln!(out, "{} {}", at.done, at.total).ok();
        // The first half of what is left tells how long the second takes.
        if let (None, Some(eta)) = (guess, at.eta_s)
            && at.done > at.total * 3 / 4
        {
            guess = Some((eta, Instant::now()));
        }
    };
    let embedded = cache
        .embed(&texts, &mut encode, &Uninterrupted, &mut on_progress)?
        .ok_or("it was stopped")?;
    let (eta, then) = guess.unwrap_or((0.0, Instant::now()));
    println!(
        "took {} {} {} {} {}",
        started.elapsed().as_secs_f64(),
        embedded.fresh,
        peak_memory().unwrap_or_default(),
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
            "network"
        }
    );
    for &texts in counts {
        let dir = tempfile::tempdir()?;
        let child = || -> Result<_, Failure> {
            let mut child = Command::new(std::env::current_exe()?)
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
        half.ok_or("it ended before it was killed")?;

        let (mut second, lines) = child()?;
        let last = lines.last().ok_or("nothing was told")?;
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
             {:.0} texts a second in all; peak memory {memory:.0} MB; {eta:.1} s foretold with a quarter left, \
             {came:.1} s came",
            texts as f64 / (killed + took),
        );
    }
    Ok(())
}

/// In megabytes, where the system says it.
fn peak_memory() -> Option<f64> {
    let status = String::from_utf8(std::fs::read("/proc/self/status").ok()?).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1e3)
}
