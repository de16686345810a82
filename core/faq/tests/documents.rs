//! Documents as people make them: number of rows, paraphrases and three texts of each file.

#![allow(clippy::unwrap_used)] // A missing file should fail the test.

use nearsay_faq::{Faq, ReadError, ReadOptions, read};
use serde::Deserialize;
use std::io::{Cursor, Read as _, Write as _};
use std::{fs, ops::ControlFlow, path::Path};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Expected content of a file.
#[derive(Deserialize)]
struct Case {
    file: String,
    pairs: usize,
    #[serde(default)]
    paraphrases: usize,
    /// Texts that rows must contain as question, paraphrase, answer or topic.
    #[serde(default)]
    texts: Vec<String>,
    /// Part of the error message, for files that are refused.
    #[serde(default)]
    error: Option<String>,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents"))
}

fn read_bytes(bytes: &[u8], name: &str) -> Result<Faq, ReadError> {
    let options = ReadOptions {
        file_name: Some(name.to_owned()),
        ..ReadOptions::default()
    };
    read(bytes, &options, &mut |_| ControlFlow::Continue(()))
}

fn cases() -> Vec<Case> {
    let json = fs::read_to_string(folder().join("documents.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn check(case: &Case) -> Result<(), String> {
    let bytes = fs::read(folder().join(&case.file)).unwrap();
    let faq = match (read_bytes(&bytes, &case.file), &case.error) {
        (Ok(faq), None) => faq,
        (Err(error), Some(expected)) if error.to_string().contains(expected) => return Ok(()),
        (Ok(faq), Some(expected)) => {
            return Err(format!("{} rows instead of {expected:?}", faq.rows.len()));
        }
        (Err(error), _) => return Err(error.to_string()),
    };
    let paraphrases: usize = faq.rows.iter().map(|row| row.paraphrases.len()).sum();
    if (faq.rows.len(), paraphrases) != (case.pairs, case.paraphrases) {
        return Err(format!(
            "{} rows, {paraphrases} paraphrases",
            faq.rows.len()
        ));
    }
    let json = serde_json::to_value(&faq.rows).unwrap();
    let rows = json.as_array().unwrap();
    let mut texts: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.as_object())
        .flat_map(|row| row.values())
        .filter_map(|value| value.as_str())
        .collect();
    texts.extend(
        faq.rows
            .iter()
            .flat_map(|row| &row.paraphrases)
            .map(String::as_str),
    );
    for text in &case.texts {
        if !texts.contains(&text.as_str()) {
            return Err(format!("no text {text:?} in {texts:#?}"));
        }
    }
    Ok(())
}

#[test]
fn read_takes_from_documents_what_a_person_would() {
    let mut failures = Vec::new();
    for case in cases() {
        if let Err(failure) = check(&case) {
            failures.push(format!("{}: {failure}", case.file));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_document_has_a_case() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "documents.json")
        .collect();
    files.sort();
    let mut named: Vec<String> = cases().into_iter().map(|case| case.file).collect();
    named.sort();
    assert_eq!(files, named);
}

/// Damaged files of every format: read or refused, without panic, in time.
#[test]
fn read_survives_damaged_documents() {
    let mut random = fastrand::Rng::with_seed(7);
    for case in cases() {
        let bytes = fs::read(folder().join(&case.file)).unwrap();
        for number in 0..MUTATIONS {
            // The checksums of a package hide its parts from damage.
            let damaged = match number % 2 {
                0 => damage_part(&bytes, &mut random),
                _ => None,
            };
            let damaged = damaged.unwrap_or_else(|| damage(&bytes, &mut random));
            let started = std::time::Instant::now();
            let _ = read_bytes(&damaged, &case.file);
            let seconds = started.elapsed().as_secs_f64();
            assert!(seconds < 5.0, "{} took {seconds} s", case.file);
        }
    }
}

/// Damaged copies of each file.
const MUTATIONS: usize = 100;

/// Damages one part of a zip package, and packs the parts again; `None` for other files.
fn damage_part(bytes: &[u8], random: &mut fastrand::Rng) -> Option<Vec<u8>> {
    let mut package = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let chosen = random.usize(..package.len().max(1));
    for index in 0..package.len() {
        let mut part = package.by_index(index).ok()?;
        let mut content = Vec::new();
        part.read_to_end(&mut content).ok()?;
        if index == chosen {
            content = damage(&content, random);
        }
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(part.name().ok()?, options).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

fn damage(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes[at] = random.u8(..),
            2 => bytes[at] ^= 1 << random.u8(..8),
            3 => {
                let to = (at + random.usize(1..64)).min(bytes.len());
                bytes.drain(at..to);
            }
            4 => {
                let to = (at + random.usize(1..512)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                let from = random.usize(..=bytes.len());
                bytes.splice(from..from, piece.repeat(random.usize(1..20)));
            }
            _ => {
                let piece: Vec<u8> = (0..random.usize(1..8)).map(|_| random.u8(..)).collect();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
