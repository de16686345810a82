//! Damaged and hostile files of every format: no panic, no lost records, no deep recursion.

use super::super::*;
use super::check_counts;
use core::ops::ControlFlow;
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Names and contents of the test files.
static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
});

fn read_named(name: &str, bytes: &[u8]) -> Result<Faq, ReadError> {
    let options = ReadOptions {
        file_name: Some(name.to_owned()),
        ..ReadOptions::default()
    };
    let faq = crate::read(bytes, &options, &mut |_| ControlFlow::Continue(()));
    if let Ok(faq) = &faq
        && faq.counts.unlisted == 0
    {
        check_counts(faq);
    }
    faq
}

#[test]
fn read_limits_the_nesting_of_every_format() {
    let depth = 100_000;
    for (name, open, close) in [
        ("a.json", "[", "]"),
        ("a.json", "{\"a\":", "}"),
        ("a.js", "x = [[", "]]"),
        ("a.yml", "[", "]"),
        ("a.yml", "- ", ""),
        ("a.toml", "a=[", "]"),
        ("a.xml", "<a>", "</a>"),
        ("a.xml", "<a b=\"", ""),
        ("a.md", "> ", ""),
        ("a.md", "**", ""),
        ("a.txt", "{", "}"),
        ("a.js", "x = {a:<b>", ""),
        ("a.js", "x = [(", ""),
    ] {
        let file = format!("{}{}", open.repeat(depth), close.repeat(depth));
        let begin = Instant::now();
        let _ = read_named(name, file.as_bytes());
        assert!(begin.elapsed() < Duration::from_secs(20), "{name} {open}");
    }
}

#[test]
fn read_takes_linear_time_for_repeated_notation() {
    for (name, piece) in [
        ("a.json", "[{\"question\": \"a\", \"answer\": \"b"),
        ("a.js", "x = [{a: \"b\"},"),
        ("a.js", "x = [\"b\n"),
        ("a.md", "# a?\n\nb\n\n"),
        ("a.md", "**a?** b\n"),
        ("a.md", "<summary>a\n"),
        ("a.txt", "a?\n\nb\n\n"),
        ("a.txt", "x: a?\ny: b\n"),
        ("a.rst", "a?\n---\n\nb\n\n"),
        ("a.rst", ".. code::\n\n  b\n"),
        ("a.wiki", "== a? ==\n[[b|\n"),
        ("a.xml", "<a>b</a>"),
        ("a.yml", "- question: a\n  answer: b\n"),
        ("a.toml", "[[a]]\nquestion = \"a\"\nanswer = \"b\"\n"),
    ] {
        let begin = Instant::now();
        let _ = read_named(name, piece.repeat(200_000 / piece.len()).as_bytes());
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{name} {piece:?}"
        );
    }
}

/// A change to the bytes of a file.
#[derive(Clone, Debug)]
enum Change {
    Delete(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..6),
        "[\\[\\]{}<>\"'`:,;|#*=\\-\\\\\n\r\t &?/().]{1,6}".prop_map(String::into_bytes),
    ];
    prop_oneof![
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (any::<usize>(), piece).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<usize>(), 1usize..200).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let size = bytes.len() + 1;
    match change {
        Change::Delete(at, length) => {
            let at = at % size;
            let end = (at + length).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        Change::Insert(at, piece) => {
            let at = at % size;
            bytes.splice(at..at, piece.iter().copied());
        }
        Change::Repeat(at, length) => {
            let at = at % size;
            let end = (at + length).min(bytes.len());
            let piece = bytes[at.min(end)..end].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn read_accounts_for_damaged_files(
        file in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec(change(), 1..6),
        keeps_name in any::<bool>(),
    ) {
        let (name, bytes) = file.get(&FILES);
        let mut bytes = bytes.clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        let _ = read_named(if keeps_name { name } else { "" }, &bytes);
    }
}
