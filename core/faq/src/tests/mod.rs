//! Tests of whole files: the message for each kind of mistake, and invariants for arbitrary bytes.

use super::*;

mod cases;
mod hostile;
mod json;
mod tables;
mod texts;

fn list_messages(faq: &Faq) -> Vec<String> {
    faq.issues.iter().map(Issue::to_string).collect()
}

/// Asserts that every record became a row or an issue, and that issues are printable.
fn check_counts(faq: &Faq) {
    let counts = &faq.counts;
    let count = |severity| {
        let issues = faq.issues.iter();
        issues.filter(|issue| issue.severity == severity).count() as u64
    };
    assert_eq!(counts.rows, faq.rows.len() as u64);
    assert_eq!(counts.records, counts.rows + counts.left_out);
    assert_eq!(counts.left_out, count(Severity::LeftOut));
    assert_eq!(counts.changed, count(Severity::Changed));
    assert_eq!(counts.notes, count(Severity::Note));
    if faq.format == FileFormat::JsonLines {
        assert_eq!(counts.lines, counts.records + counts.blank);
    }
    // Several values of a data file may stand on one line.
    let is_data = matches!(
        faq.format,
        FileFormat::JsonList
            | FileFormat::JsonObjects
            | FileFormat::NestedJson
            | FileFormat::Script
            | FileFormat::Yaml
            | FileFormat::Toml
            | FileFormat::Xml
            | FileFormat::FlashCards
            | FileFormat::Html
    );
    if !is_data {
        let mut lines: Vec<u64> = faq.rows.iter().map(|row| row.line).collect();
        let left_out = |p: &&Issue| p.severity == Severity::LeftOut;
        lines.extend(faq.issues.iter().filter(left_out).map(|p| p.line));
        let mut distinct = lines.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), lines.len(), "two records on one line");
        assert!(
            distinct
                .iter()
                .all(|line| (1..=counts.lines).contains(line))
        );
    }
    for issue in &faq.issues {
        assert!(issue.excerpt.chars().count() <= 80);
        assert!(!issue.to_string().chars().any(char::is_control));
    }
    serde_json::to_string(faq).unwrap();
}
