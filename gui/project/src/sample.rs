//! The sample project: a fictional library's FAQ, built into the program.

use std::{collections::HashMap, ops::ControlFlow};

use nearsay_faq as faq;
use nearsay_faq::ReadOptions;

use super::{
    Document, Import,
    merge::{self, Incoming, Row},
    rows,
};

static FAQ: &str = include_str!("../../../data/library_faq.jsonl");
static QUESTIONS: &str = include_str!("../../../data/library_questions.jsonl");

/// Makes a copy of the sample, given the names of the project and of its import.
#[must_use]
pub fn create_document(name: &str, import: &str) -> Document {
    let mut document = Document::named(name, 1);
    document.options.sample = true;
    let mut rows = read_rows(FAQ);
    let positions: HashMap<String, usize> = rows
        .iter()
        .enumerate()
        .map(|(number, row)| (row.answer.clone(), number))
        .collect();
    for further in read_rows(QUESTIONS) {
        if let Some(row) = positions
            .get(&further.answer)
            .and_then(|n| rows.get_mut(*n))
        {
            row.questions.extend(further.questions);
        }
    }
    let import = Import {
        name: import.to_owned(),
        read: rows.len(),
        dismissed: true,
        ..Import::default()
    };
    let edit = merge::add_files(&document, "", vec![Incoming { import, rows }]);
    document.apply(&edit);
    document
}

fn read_rows(jsonl: &str) -> Vec<Row> {
    let faq = faq::read_jsonl(jsonl.as_bytes(), &ReadOptions::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    // A test reads the built-in files, so an error cannot occur here.
    faq.unwrap_or_default()
        .rows
        .into_iter()
        .map(rows::from_faq)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_is_large_enough_to_train_on() {
        let sample = create_document("Library", "the sample");
        assert!(sample.entries.len() > 300, "{}", sample.entries.len());
        let counts = sample.counts();
        assert!(counts.questions > 1000 && counts.is_enough(), "{counts:?}");
        assert_eq!(sample.example_questions().len(), 3);
        let share = counts.held_out as f64 / counts.questions as f64;
        assert!((0.1..0.3).contains(&share), "{share}");
    }
}
