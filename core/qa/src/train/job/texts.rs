//! Texts of rows and the indices of their vectors.

use crate::train::{Pairs, TrainError, bags::Bags, data::answer_groups};
use nearsay_core::matrix::Matrix;
use nearsay_faq::Row;
use std::collections::HashMap;

/// All questions and paraphrases, each with its row.
pub(super) fn ways(rows: &[Row]) -> impl Iterator<Item = (&str, &Row)> {
    rows.iter()
        .flat_map(|row| row.all_questions().map(move |way| (way, row)))
}

/// Maps each text to the row of its vector.
#[derive(Clone)]
pub(super) struct Places<'a> {
    pub(super) of: HashMap<&'a str, usize>,
    pub(super) vectors: &'a Matrix,
}

impl<'a> Places<'a> {
    /// The same texts with other vectors.
    pub(super) fn with<'v>(&self, vectors: &'v Matrix) -> Places<'v>
    where
        'a: 'v,
    {
        Places {
            of: self.of.clone(),
            vectors,
        }
    }

    /// The pooled vectors of texts, `[n, d]`.
    pub(super) fn rows(&self, texts: &[&str]) -> Result<Matrix, TrainError> {
        let mut data = Vec::with_capacity(texts.len() * self.vectors.columns());
        for text in texts {
            let Some(&row) = self.of.get(text) else {
                return Err(TrainError::Encoder(
                    format!("{text:?} was not embedded").into(),
                ));
            };
            data.extend_from_slice(self.vectors.row(row));
        }
        Matrix::new(texts.len(), self.vectors.columns(), data)
            .map_err(|error| TrainError::Encoder(error.into()))
    }

    /// Pairs of the vectors of a question and its answer.
    pub(super) fn pairs(&self, rows: &[Row]) -> Result<Pairs, TrainError> {
        let anchors: Vec<&str> = ways(rows).map(|(way, _)| way).collect();
        let positives: Vec<&str> = ways(rows).map(|(_, row)| row.answer.as_str()).collect();
        let subgroups = answer_groups(positives.iter().copied());
        Pairs::new(self.rows(&anchors)?, self.rows(&positives)?, subgroups)
            .map_err(|error| TrainError::Encoder(error.into()))
    }
}

/// Appends the token ids of a text to a list.
type Write<'a> = dyn FnMut(&str, &mut Vec<u32>) -> Result<(), TrainError> + 'a;

/// Pairs of the token ids of a question and its answer; `write` appends the ids of a text to a list.
pub(super) fn bags(rows: &[Row], write: &mut Write<'_>) -> Result<Pairs<Bags>, TrainError> {
    let (mut anchors, mut positives) = (Bags::new(), Bags::new());
    for (way, row) in ways(rows) {
        let mut failed = Ok(());
        anchors.push(|ids| failed = write(way, ids));
        failed?;
        let mut failed = Ok(());
        positives.push(|ids| failed = write(&row.answer, ids));
        failed?;
    }
    let subgroups = answer_groups(ways(rows).map(|(_, row)| row.answer.as_str()));
    Pairs::new(anchors, positives, subgroups).map_err(|error| TrainError::Encoder(error.into()))
}
