//! Files of every shape: what a person would read from them.

use super::super::*;
use super::check_counts;
use core::ops::ControlFlow;
use serde::Deserialize;
use std::path::PathBuf;

/// What a person reads from a file.
#[derive(Deserialize)]
struct Case {
    file: String,
    /// Number of pairs; 0 for a file that is refused.
    pairs: usize,
    /// Number of paraphrases in all rows together.
    paraphrases: Option<usize>,
    /// Questions and answers among them.
    texts: Vec<String>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read_file(name: &str) -> Result<Faq, ReadError> {
    let options = ReadOptions {
        file_name: Some(name.to_owned()),
        ..ReadOptions::default()
    };
    let bytes = std::fs::read(folder().join("cases").join(name)).unwrap();
    let faq = crate::read(&bytes[..], &options, &mut |_| ControlFlow::Continue(()));
    if let Ok(faq) = &faq {
        check_counts(faq);
    }
    faq
}

/// Compares a case with what is read; returns the difference.
fn compare(case: &Case) -> Result<(), String> {
    let faq = match read_file(&case.file) {
        Ok(faq) => faq,
        Err(error) if case.pairs == 0 => {
            return match error.fix() {
                "" => Err(format!("no remedy in: {error}")),
                _ => Ok(()),
            };
        }
        Err(error) => return Err(error.to_string()),
    };
    let issues: Vec<String> = faq.issues.iter().map(Issue::to_string).collect();
    if faq.rows.len() != case.pairs {
        return Err(format!("{} pairs, {issues:?}", faq.rows.len()));
    }
    let paraphrases: usize = faq.rows.iter().map(|row| row.paraphrases.len()).sum();
    if case
        .paraphrases
        .is_some_and(|expected| expected != paraphrases)
    {
        return Err(format!("{paraphrases} paraphrases"));
    }
    let texts: Vec<&str> = faq
        .rows
        .iter()
        .flat_map(|row| row.all_questions().chain([row.answer.as_str()]))
        .collect();
    match case
        .texts
        .iter()
        .find(|text| !texts.contains(&text.as_str()))
    {
        Some(missing) => Err(format!("no text {missing:?} among {texts:?}")),
        None => Ok(()),
    }
}

#[test]
fn read_finds_the_pairs_that_a_person_finds() {
    let table = std::fs::read(folder().join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&table).unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let difference = compare(case).err()?;
            Some(format!(
                "{}: expected {} pairs: {difference}",
                case.file, case.pairs
            ))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn read_takes_wrapped_lists_of_any_size() {
    let rows = (0..15_000).map(|i| {
        format!("{{\"question\": \"How {i}?\", \"answer\": \"So {i}, and more of it in one sentence that is as long as many answers are.\"}}")
    });
    let file = format!(
        "{{\"faqs\": [\n{}\n]}}",
        rows.collect::<Vec<_>>().join(",\n")
    );
    assert!(file.len() > 1_000_000);
    let faq = crate::read(file.as_bytes(), &ReadOptions::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    let faq = faq.unwrap();
    assert_eq!((faq.rows.len(), faq.counts.left_out), (15_000, 0));
    assert_eq!(faq.rows[1].line, 3);
}
