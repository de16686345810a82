//! The library's FAQ, to try things with: made up by us, and in every copy of the program.

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

/// A new copy of the sample, as a project of this name with an import of that name.
#[must_use]
pub fn document(name: &str, import: &str) -> Document {
    let mut document = Document::named(name, 1);
    document.options.sample = true;
    let mut rows = read(FAQ);
    let place: HashMap<String, usize> = rows
        .iter()
        .enumerate()
        .map(|(number, row)| (row.answer.clone(), number))
        .collect();
    for further in read(QUESTIONS) {
        if let Some(row) = place.get(&further.answer).and_then(|n| rows.get_mut(*n)) {
            row.questions.extend(further.questions);
        }
    }
    let import = Import {
        name: import.to_owned(),
        read: rows.len(),
        put_away: true,
        ..Import::default()
    };
    let edit = merge::edit(&document, "", vec![Incoming { import, rows }]);
    document.apply(&edit);
    document
}

fn read(jsonl: &str) -> Vec<Row> {
    let whole = faq::read_jsonl(jsonl.as_bytes(), &ReadOptions::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    // Our own file: a test sees to it that it can be read.
    whole
        .unwrap_or_default()
        .rows
        .into_iter()
        .map(rows::from_faq)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_there_and_enough_to_train_on() {
        let sample = document("Library", "the sample");
        assert!(sample.entries.len() > 300, "{}", sample.entries.len());
        let counts = sample.counts();
        assert!(counts.questions > 1000 && counts.is_enough(), "{counts:?}");
        assert_eq!(sample.examples().len(), 3);
        let aside = counts.aside as f64 / counts.questions as f64;
        assert!((0.1..0.3).contains(&aside), "{aside}");
    }
}
