//! Fuzz tests with malicious models: files are corrupted and their hashes updated. Whatever a file contains, the process
//! must not panic, and all scores must be finite.
//!
//! `NEARSAY_MUTATIONS=20000 cargo test -p nearsay --lib hostile -- --nocapture` runs more mutations.

use super::{
    AnswerSet, Confidence, Export, ExportEncoder, Manifest, Servable, TextModel,
    tests::{head, write_by},
};
use candle_core::Device;
use nearsay_core::{head::Folded, matrix::Matrix};
use nearsay_faq::Row;
use nearsay_model::sha256_hex;
use nearsay_store::{MemStore, Store as _};
use nearsay_text::{
    compact::{StaticEmbeddings, StaticEncoder},
    wordpiece::{Vocabulary, WordPiece},
};
use std::path::{Path, PathBuf};

const DIR: &str = "model";
const MANIFEST: &str = "nearsay.json";
/// Mutations of each model, unless `NEARSAY_MUTATIONS` is set.
const MUTATIONS: usize = 1_000;
/// Replacements for JSON numbers.
const ODD: [&str; 9] = [
    "0",
    "-1",
    "1e999",
    "null",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "\"\"",
    "[[[[]]]]",
];

/// A hybrid model of a transformer, with a head and document expansion.
fn network() -> MemStore {
    let store = MemStore::new();
    write_by(
        &store,
        &head(),
        Some(0.5),
        Some(nearsay_search::expansion::Rule::ALIKE),
    )
    .unwrap();
    store
}

/// A model of static embeddings.
fn table() -> MemStore {
    let tokens = Vocabulary::parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nab").unwrap();
    let words = WordPiece::new(tokens);
    let values = (0..7 * 4).map(|i| (i as f32 * 0.7).sin()).collect();
    let table = StaticEmbeddings::Full(Matrix::new(7, 4, values).unwrap());
    let row = |line, question: &str, answer: &str| Row {
        line,
        question: question.into(),
        answer: answer.into(),
        ..Row::default()
    };
    let answers = AnswerSet::of(&[row(1, "a b", "b"), row(2, "b ab", "ab ab")]);
    let encoder = StaticEncoder::new(words.clone(), table.clone()).unwrap();
    let store = MemStore::new();
    let export = Export {
        encoder: ExportEncoder::Static {
            words: &words,
            table,
        },
        encoder_name: "tiny",
        head: &Folded::Identity,
        answers: &answers,
        vectors: &encoder.encode_all(&answers.texts()),
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
        report: serde_json::Value::Null,
    };
    export.write(&store, DIR.as_ref()).unwrap();
    store
}

/// Corrupts a file in one to three places.
fn spoiled(bytes: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.usize(1..=3) {
        if bytes.is_empty() {
            bytes.push(rng.u8(..));
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..9) {
            0 => bytes[at] ^= 1 << rng.u8(..8),
            1 => bytes[at] = rng.u8(..),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, rng.u8(..)),
            4 => {
                let end = (at + rng.usize(1..64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = rng.usize(..=bytes.len());
                bytes.splice(to..to, part);
            }
            5 => {
                let end = (at + rng.usize(1..16)).min(bytes.len());
                bytes.drain(at..end);
            }
            // A non-finite or huge float, at any aligned place.
            6 => {
                let value = *rng.choice(&[f32::NAN, f32::INFINITY, f32::MAX]).unwrap();
                let at = at / 4 * 4;
                for (byte, new) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
                    *byte = new;
                }
            }
            // A number in JSON.
            7 => number(&mut bytes, at, rng),
            // The length of a header.
            _ => {
                let length = *rng.choice(&[0u64, 1, 1 << 20, 1 << 40, u64::MAX]).unwrap();
                for (byte, new) in bytes.iter_mut().zip(length.to_le_bytes()) {
                    *byte = new;
                }
            }
        }
    }
    bytes
}

/// Replaces the next number in a text by one of [`ODD`].
fn number(bytes: &mut Vec<u8>, at: usize, rng: &mut fastrand::Rng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(is_digit).map(|i| at + i) else {
        return;
    };
    let length = bytes[start..]
        .iter()
        .take_while(|byte| is_digit(byte))
        .count();
    let odd = ODD[rng.usize(..ODD.len())].bytes();
    bytes.splice(start..start + length, odd);
}

/// Writes a file and updates its entry in the manifest.
fn put(store: &MemStore, name: &str, bytes: &[u8]) {
    let dir = Path::new(DIR);
    store.write_atomic(&dir.join(name), bytes).unwrap();
    if name == MANIFEST {
        return;
    }
    let manifest = store.read(&dir.join(MANIFEST), 1 << 20).unwrap();
    let mut manifest = Manifest::parse(&manifest).unwrap();
    if let Some(entry) = manifest.files.get_mut(name) {
        entry.bytes = bytes.len() as u64;
        entry.sha256 = sha256_hex(bytes);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        store.write_atomic(&dir.join(MANIFEST), &manifest).unwrap();
    }
}

/// Opens the model and asks questions; returns whether it could be opened.
fn try_it(store: &MemStore) -> bool {
    let vectors = TextModel::open(store, DIR.as_ref(), &Device::Cpu)
        .and_then(|model| model.encode(&["a b", "ab", ""]));
    if let Ok(vectors) = vectors {
        assert!(vectors.is_finite(), "{vectors:?}");
    }
    let Ok(model) = Servable::open(store, DIR.as_ref(), &Device::Cpu) else {
        return false;
    };
    for question in ["a b", "ab", "", "what? 🙂"] {
        if let Ok(found) = model.ask(question, 5) {
            assert!(
                found.iter().all(|found| found.score.is_finite()),
                "{found:?}"
            );
        }
    }
    true
}

#[test]
fn corrupted_files_never_panic() {
    let mutations = std::env::var("NEARSAY_MUTATIONS").ok();
    let mutations = mutations.map_or(MUTATIONS, |n| n.parse().unwrap());
    for (kind, folder) in [("network", network()), ("table", table())] {
        assert!(try_it(&folder), "the unchanged model");
        let edits = r#"{"n":0}"#;
        let files: Vec<(PathBuf, Vec<u8>)> = folder.files().into_iter().collect();
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut opened, mut refused) = (0, 0);
        for _ in 0..mutations {
            let store = folder.snapshot();
            let (path, bytes) = rng.choice(&files).unwrap();
            let name = path.strip_prefix(DIR).ok().and_then(Path::to_str);
            match name.filter(|_| rng.u8(..50) > 0) {
                Some(name) => put(&store, name, &spoiled(bytes, &mut rng)),
                // A corrupted journal.
                None => {
                    let journal = spoiled(edits.as_bytes(), &mut rng);
                    store
                        .write_atomic(&Path::new(DIR).join("edits.jsonl"), &journal)
                        .unwrap();
                }
            }
            if try_it(&store) {
                opened += 1;
            } else {
                refused += 1;
            }
        }
        println!(
            "{kind}: of {mutations} corrupted models {refused} were rejected, {opened} opened"
        );
        assert!(refused > mutations / 4 && opened > 0);
    }
}

/// The hashes match, so only a check of the values can find the error.
#[test]
fn open_rejects_non_finite_weights() {
    for (folder, name) in [
        (network(), "model.safetensors"),
        (network(), "2_Dense/model.safetensors"),
        (network(), "answers.safetensors"),
        (table(), "0_StaticEmbedding/model.safetensors"),
        (table(), "answers.safetensors"),
    ] {
        let bytes = folder.read(&Path::new(DIR).join(name), 1 << 20).unwrap();
        for value in [f32::NAN, f32::INFINITY] {
            let store = folder.snapshot();
            let mut spoiled = bytes.clone();
            let end = spoiled.len();
            spoiled[end - 4..].copy_from_slice(&value.to_le_bytes());
            put(&store, name, &spoiled);
            let error = Servable::open(&store, DIR.as_ref(), &Device::Cpu);
            let error = error.err().expect(name).to_string();
            assert!(
                error.contains("number") || error.contains("not finite"),
                "{name}: {error}"
            );
        }
    }
}
