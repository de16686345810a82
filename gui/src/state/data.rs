//! The opened FAQ: its rows and what was wrong with it.

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Trouble;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The question, in one known wording.
    pub question: String,
    /// It is a further way to ask the question above.
    pub further: bool,
    /// Its answer.
    pub answer: String,
    /// Where the row stands in the file, counted from 1.
    pub line: usize,
    /// Where the answer comes from, when the file says so.
    pub source: Option<String>,
}

/// What became of a row that was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// It is not among the rows.
    LeftOut,
    /// It is, but not as it stood in the file.
    Changed,
    /// Good to know; nothing was lost.
    Note,
}

/// One row that was left out or changed, or a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Left out or changed.
    pub kind: ProblemKind,
    /// Where, counted from 1; `None` when it concerns the whole file.
    pub line: Option<usize>,
    /// Why, in plain words.
    pub reason: String,
    /// What to do about it; may be empty.
    pub fix: String,
    /// The beginning of the row.
    pub excerpt: String,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dataset {
    /// The file.
    pub path: PathBuf,
    /// Its name, as shown.
    pub name: String,
    /// What kind of file it is and what was taken from where, in one line.
    pub described: String,
    /// The good rows, each way to ask one.
    pub rows: Vec<Row>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
    /// How many rows of the file were read.
    pub read: usize,
    /// How many of them not to the letter.
    pub changed: usize,
    /// How many were left out.
    pub left_out: usize,
    /// Some rows say where they come from.
    pub has_source: bool,
    /// How many different answers the rows have.
    pub answers: usize,
    /// The folder its model belongs into.
    pub model_dir: PathBuf,
    /// That folder holds a trained model already.
    pub trained_before: bool,
}

impl Dataset {
    /// Fewest questions that a model can learn from.
    pub const FEWEST_ROWS: usize = 8;
    /// Fewest different answers that a model can learn to tell apart.
    pub const FEWEST_ANSWERS: usize = 2;

    /// There is enough to train on.
    pub fn is_enough(&self) -> bool {
        self.rows.len() >= Self::FEWEST_ROWS && self.answers >= Self::FEWEST_ANSWERS
    }

    /// Up to three questions from all over the file, short ones first: something to try.
    pub fn examples(&self) -> Vec<&str> {
        let third = self.rows.len().div_ceil(3).max(1);
        let mut seen = HashSet::new();
        self.rows
            .chunks(third)
            .filter_map(|part| {
                let start = part.len() / 3;
                let near = part.iter().cycle().skip(start).take(part.len().min(20));
                near.map(|row| row.question.as_str())
                    .min_by_key(|question| question.chars().count().abs_diff(36))
            })
            .filter(|question| seen.insert(*question))
            .collect()
    }
}

/// The Data step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Data {
    /// The opened file.
    pub set: Option<Dataset>,
    /// A file that is being read, by name.
    pub reading: Option<String>,
    /// How much of it is read, between 0 and 1.
    pub read_share: f32,
    /// Why the last file could not be opened.
    pub trouble: Option<Trouble>,
    /// A file dialog is open.
    pub dialog_open: bool,
    /// A dialog ended without a file: the path box is offered beside the button.
    pub path_offered: bool,
    /// What stands in the path box.
    pub typed_path: String,
    /// All problems are listed, not the first few.
    pub all_problems: bool,
}
