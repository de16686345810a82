//! A model with many answers: time to open and to search it, and memory.
//!
//! ```sh
//! cargo run --release -p nearsay-bench -- big_folder [ANSWERS] [DIR]
//! ```
//!
//! SYNTHETIC: the answers are numbered sentences, their vectors random in clusters of a hundred. The
//! default, 1,000,000 answers of 384 dimensions, takes 2 GB of disk and 5 GB of memory. DIR keeps the
//! model for the next run.
//!
//! All files are read before the measurement, so that disk speed doesn't count. Searches alternate with
//! a flat f32 scan of the same vectors on as many threads, and with merely reading those vectors. Run
//! this on an idle machine.

use crate::{Failure, child_command, peak_memory_mb};
use nearsay::servable::{AnswerSet, ExportEncoder, KnownAnswer, Servable};
use nearsay_core::{
    head::Folded,
    matrix::{Matrix, dot},
};
use nearsay_search::index::{Hit, Index};
use nearsay_store::{DiskStore, Store as _};
use nearsay_tests::write_model;
use nearsay_text::{
    compact::{StaticEmbeddings, StaticEncoder},
    wordpiece::{Vocabulary, WordPiece},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Instant,
};

const DIM: usize = 384;
const CLUSTER: usize = 100;
const SEARCHES: usize = 200;
const TOP: usize = 10;

/// Runs the `big_folder` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let mut arguments = arguments.into_iter();
    let answers = match arguments.next() {
        Some(number) => number.to_string_lossy().parse()?,
        None => 1_000_000,
    };
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| temporary.path().join("model"));
    if arguments.next().is_some() {
        make(answers, &folder)?;
        return Ok(true);
    }
    if !DiskStore.exists(&folder)? {
        // In a child process, so that its memory doesn't count.
        let made = child_command("big_folder")?
            .arg(answers.to_string())
            .args([&folder, Path::new("make")])
            .status()?;
        if !made.success() {
            return Err("the model could not be written".into());
        }
    }
    warm(&folder)?;
    let started = Instant::now();
    let opened = Servable::open(&DiskStore, &folder, &candle_core::Device::Cpu)?;
    let took = started.elapsed().as_secs_f64();
    let index = opened.index();
    println!(
        "SYNTHETIC: {} answers of {DIM} numbers",
        opened.answers().len()
    );
    println!("open, every file hashed: {took:.2} s");
    println!("index: {:.0} MB", index.bytes() as f64 / 1e6);
    if let Some(peak) = peak_memory_mb() {
        println!("peak memory so far: {peak:.0} MB");
    }
    search(index);
    Ok(true)
}

fn make(answers: usize, folder: &Path) -> Result<(), Failure> {
    let mut random = fastrand::Rng::with_seed(7);
    let words = WordPiece::new(Vocabulary::parse("[UNK]\nsynthetic\nanswer")?);
    let table = StaticEmbeddings::Full(Matrix::from_fn(3, DIM, |_, _| random.f32() - 0.5));
    let encoder = StaticEncoder::new(words, table)?;
    let known = (0..answers).map(|number| KnownAnswer {
        answer: format!(
            "Synthetic answer {number}, as long as answers of an FAQ are: take the {} form to desk {}, \
             wait for {} minutes, and ask for the {} list before you leave by door {}.",
            number % 97,
            number % 89,
            number % 59,
            number % 31,
            number % 7
        ),
        questions: Vec::new(),
        row: number as u64 + 1,
        source: None,
    });
    let known = AnswerSet::from_known(known.collect());
    let mut middle = vec![0.0; DIM];
    let mut data = Vec::with_capacity(answers * DIM);
    for number in 0..answers {
        if number % CLUSTER == 0 {
            middle = (0..DIM).map(|_| random.f32() - 0.5).collect();
        }
        data.extend(middle.iter().map(|x| x + random.f32() - 0.5));
    }
    let vectors = Matrix::new(answers, DIM, data)?;
    let encoder = ExportEncoder::Static {
        words: encoder.tokenizer(),
        table: encoder.embeddings().clone(),
    };
    Ok(write_model(
        folder,
        ("synthetic", encoder),
        &Folded::Identity,
        &known,
        &vectors,
    )?)
}

/// Reads all files once, into the system's cache.
fn warm(folder: &Path) -> Result<(), Failure> {
    for file in DiskStore.list(folder)? {
        if file.len > 0 && file.kind == nearsay_store::FileKind::File {
            let mut file = DiskStore.open(&folder.join(file.name))?;
            std::io::copy(&mut *file, &mut std::io::sink())?;
        }
    }
    Ok(())
}

fn search(index: &Index) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut random = fastrand::Rng::with_seed(8);
    let (mut ours, mut flat, mut reading) = (Vec::new(), Vec::new(), Vec::new());
    let mut same = 0;
    for number in 0..SEARCHES {
        let near = index.vectors().row(random.usize(0..index.vectors().rows()));
        let query: Vec<f32> = near
            .iter()
            .map(|x| x + 0.05 * (random.f32() - 0.5))
            .collect();
        let started = Instant::now();
        let found = index.search(&query, TOP);
        ours.push(started.elapsed().as_secs_f64());
        if number % 10 == 0 {
            let started = Instant::now();
            let expected = flat_search(index, &query, threads);
            flat.push(started.elapsed().as_secs_f64());
            same += usize::from(found == expected);
            let started = Instant::now();
            std::hint::black_box(read(index.vectors().data(), threads));
            reading.push(started.elapsed().as_secs_f64());
        }
    }
    let bytes = size_of_val(index.vectors().data()) as f64;
    let [ours_50, ours_99] = [0.5, 0.99].map(|share| quantile(&mut ours, share));
    let [flat_50, reading_50] = [&mut flat, &mut reading].map(|times| quantile(times, 0.5));
    let ms = 1e3;
    println!(
        "search, top {TOP}: p50 {:.2} ms, p99 {:.2} ms",
        ours_50 * ms,
        ours_99 * ms
    );
    println!(
        "flat f32 scan, {threads} threads: p50 {:.2} ms, {:.1} times as long; same answers and scores in \
         {same} of {}",
        flat_50 * ms,
        flat_50 / ours_50,
        flat.len()
    );
    println!(
        "only reading the vectors: {:.2} ms, {:.1} GB/s; searching reads an eighth of that, at least \
         {:.2} ms",
        reading_50 * ms,
        bytes / reading_50 / 1e9,
        reading_50 * ms / 8.0
    );
}

/// Best hits by a scan of all vectors.
fn flat_search(index: &Index, query: &[f32], threads: usize) -> Vec<Hit> {
    let mut unit = query.to_vec();
    nearsay_search::index::normalize(&mut unit);
    let rows = index.vectors().rows();
    let mut hits = vec![(0u32, 0.0f32); rows];
    let part = rows.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (number, hits) in hits.chunks_mut(part).enumerate() {
            let unit = &unit;
            scope.spawn(move || {
                for (row, hit) in (number * part..).zip(hits) {
                    *hit = (row as u32, dot(index.vectors().row(row), unit));
                }
            });
        }
    });
    let nearer = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if hits.len() > TOP {
        hits.select_nth_unstable_by(TOP, nearer);
        hits.truncate(TOP);
    }
    hits.sort_by(nearer);
    let hit = |(vector, score)| Hit {
        answer: index.owners()[vector as usize],
        score,
        vector,
        meaning: score,
        words: 0.0,
    };
    hits.into_iter().map(hit).collect()
}

/// Reads the vectors without computing, to measure memory bandwidth.
fn read(values: &[f32], threads: usize) -> u32 {
    let sum = |values: &[f32]| {
        let mut sums = [0u32; 64];
        for values in values.as_chunks::<64>().0 {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum ^= value.to_bits();
            }
        }
        sums.iter().fold(0, |a, b| a ^ b)
    };
    std::thread::scope(|scope| {
        let parts = values.chunks(values.len().div_ceil(threads).max(1));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || sum(part))).collect();
        let sums = running.into_iter().filter_map(|thread| thread.join().ok());
        sums.fold(0, |a, b| a ^ b)
    })
}

fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = (times.len() as f64 * share) as usize;
    times[at.min(times.len() - 1)]
}
