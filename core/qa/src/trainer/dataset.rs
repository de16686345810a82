use super::Error;
use nearsay_faq::{self as faq, Issue, ReadOptions, Row};
use nearsay_store::{DiskStore, Store as _};
use std::{io::BufReader, ops::ControlFlow, path::Path};

/// Questions with their answers.
///
/// ```
/// use nearsay::trainer::Dataset;
///
/// let data = Dataset::from_pairs([
///     ("When do you open?", "At nine."),
///     ("What are your opening hours?", "At nine."),
///     ("Is parking free?", "Yes, on weekends."),
/// ]);
/// let split = data.split(0.4, 42)?;
/// assert_eq!(split.train.len() + split.validation.len(), 3);
/// # Ok::<(), nearsay::trainer::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    rows: Vec<Row>,
    issues: Vec<Issue>,
}

/// A dataset to train on and one to evaluate with. No answer and no question is in both.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Split {
    /// Rows to train on.
    pub train: Dataset,
    /// Held-out rows.
    pub validation: Dataset,
}

impl Dataset {
    /// A dataset of pairs of a question and its answer. Equal answers are one answer with several
    /// paraphrases of its question.
    pub fn from_pairs<Q: Into<String>, A: Into<String>>(
        pairs: impl IntoIterator<Item = (Q, A)>,
    ) -> Self {
        let rows = pairs
            .into_iter()
            .zip(1..)
            .map(|((question, answer), line)| Row {
                line,
                question: question.into(),
                answer: answer.into(),
                ..Row::default()
            });
        Self::from_rows(rows.collect())
    }

    /// A dataset of rows.
    #[must_use]
    pub fn from_rows(rows: Vec<Row>) -> Self {
        Self {
            rows,
            issues: Vec::new(),
        }
    }

    /// Reads an FAQ file: spreadsheet, CSV, web page, document, PDF, JSON, Markdown or text.
    ///
    /// Rows that cannot be used are left out; [`issues`](Self::issues) lists them.
    ///
    /// # Errors
    /// When the file cannot be read, or has no row with a question and an answer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = BufReader::new(DiskStore.open(path.as_ref())?);
        let options = ReadOptions {
            file_name: Some(path.as_ref().display().to_string()),
            ..ReadOptions::default()
        };
        let faq = faq::read(file, &options, &mut |_| ControlFlow::Continue(()))?;
        if faq.rows.is_empty() {
            return Err(Error::NoRows);
        }
        Ok(Self {
            rows: faq.rows,
            issues: faq.issues,
        })
    }

    /// Holds out a fraction of the rows, with all rows that share an answer or a question. The same
    /// seed gives the same split.
    ///
    /// # Errors
    /// When the fraction is not between 0 and 1, or all rows share one answer.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<Split, Error> {
        let split = faq::split(&self.rows, fraction, seed)?;
        let take = |numbers: &[usize]| {
            let rows = numbers.iter().map(|&number| self.rows[number].clone());
            Self::from_rows(rows.collect())
        };
        Ok(Split {
            train: take(&split.train),
            validation: take(&split.held_out),
        })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Issues found while the file was read.
    #[must_use]
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
