//! Updates of an index to other answers, which embed only new texts.

use super::{AnswerIndex, Scoring};
use super::{AnswerSet, KnownAnswer, Words};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_search::expansion::{Expansion, Kind, Own, Rule, Texts, Towards};
use std::{collections::HashMap, sync::Arc};

/// An update in progress. The caller embeds the new texts in pieces of any size.
#[derive(Debug)]
pub struct Update {
    answers: Arc<AnswerSet>,
    dim: usize,
    /// Raw vectors of all texts; zero where still missing.
    vectors: Vec<f32>,
    /// Numbers of the texts to embed, ascending.
    missing: Vec<usize>,
    /// Number of `missing` texts that are embedded.
    done: usize,
    /// For each answer, the text of the old index whose expanded vector it keeps; empty without expansion.
    kept: Vec<Option<usize>>,
}

impl AnswerIndex {
    /// Starts an update to other answers. Texts that are already in this index keep their vectors.
    ///
    /// # Errors
    /// If the vectors before expansion aren't loaded.
    pub fn update(&self, answers: Arc<AnswerSet>) -> Result<Update, ShapeError> {
        self.need_unexpanded()?;
        let (dim, former) = (self.index.dim(), self.answers.texts());
        let known: HashMap<&str, usize> = former.iter().copied().zip(0..).collect();
        let mut vectors = vec![0.0; answers.texts_len() * dim];
        let mut missing = Vec::new();
        for (text, name) in answers.texts().into_iter().enumerate() {
            match known.get(name) {
                Some(&row) => {
                    let place = &mut vectors[text * dim..(text + 1) * dim];
                    place.copy_from_slice(self.raw_vector(row));
                }
                None => missing.push(text),
            }
        }
        let kept = match self.scoring.expansion {
            Some(_) => {
                let starts = self.answers.starts();
                let former = self.answers.iter().map(identity).zip(starts);
                let former: HashMap<_, usize> = former.collect();
                let kept = answers.iter().map(identity);
                kept.map(|answer| former.get(&answer).copied()).collect()
            }
            None => Vec::new(),
        };
        Ok(Update {
            answers,
            dim,
            vectors,
            missing,
            done: 0,
            kept,
        })
    }

    /// Builds the index of other answers. Calls `embed` once with all new texts, if there are any: `n` texts → `[n, dim]`
    /// unit vectors.
    ///
    /// # Errors
    /// If `embed` fails or returns another shape, or if the vectors before expansion aren't loaded.
    pub fn update_with<E: From<ShapeError>>(
        &self,
        answers: Arc<AnswerSet>,
        embed: &mut dyn FnMut(&[&str]) -> Result<Matrix, E>,
    ) -> Result<Self, E> {
        let mut update = self.update(answers)?;
        let texts = update.next(usize::MAX);
        if !texts.is_empty() {
            let vectors = embed(&texts)?;
            update.push(vectors)?;
        }
        Ok(update.finish(self)?)
    }

    /// Vector of a text before expansion and the move towards its prototype.
    pub(super) fn raw_vector(&self, text: usize) -> &[f32] {
        match &self.unexpanded {
            Some(raw) if self.scoring.prototype.is_some() => raw.row(text),
            Some(raw) if self.answers.wording(text as u32).is_none() => {
                raw.row(self.index.owners()[text] as usize)
            }
            _ => self.index.vectors().row(text),
        }
    }
}

/// Inputs of an answer's expanded vector: its text and the set of its questions.
fn identity(answer: &KnownAnswer) -> (&str, Vec<&str>) {
    let mut questions: Vec<&str> = answer.questions.iter().map(String::as_str).collect();
    questions.sort_unstable();
    questions.dedup();
    (&answer.answer, questions)
}

impl Update {
    /// Returns the next texts to embed, at most `n`; empty if all are done.
    #[must_use]
    pub fn next(&self, n: usize) -> Vec<&str> {
        let texts = self.missing[self.done..].iter().take(n);
        texts.filter_map(|&text| self.answers.text(text)).collect()
    }

    /// Number of texts embedded so far, and of all texts to embed.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.missing.len())
    }

    /// Adds the unit vectors of the [next](Self::next) texts, `[n, dim]`.
    ///
    /// # Errors
    /// If the vectors have another length, or if there are more vectors than texts left.
    pub fn push(&mut self, vectors: Matrix) -> Result<(), ShapeError> {
        let left = self.missing.len() - self.done;
        if vectors.rows() > left || vectors.columns() != self.dim {
            return Err(ShapeError {
                operation: "update",
                left: (vectors.rows(), vectors.columns()),
                right: (left, self.dim),
            });
        }
        // All texts are new, so the matrix needs no copy.
        if self.vectors.len() == vectors.data().len() {
            self.done += vectors.rows();
            self.vectors = vectors.into_data();
            return Ok(());
        }
        for vector in vectors.iter_rows() {
            let start = self.missing[self.done] * self.dim;
            self.vectors[start..start + self.dim].copy_from_slice(vector);
            self.done += 1;
        }
        Ok(())
    }

    /// Builds the updated index. `former` is the index that was updated; its scoring and confidence rule are kept.
    ///
    /// All current questions expand the answers whose text or questions changed. Other answers keep their expanded
    /// vectors, so that one edit doesn't change all scores.
    ///
    /// # Errors
    /// If texts are still missing.
    pub fn finish(self, former: &AnswerIndex) -> Result<AnswerIndex, ShapeError> {
        if self.done < self.missing.len() {
            return Err(ShapeError {
                operation: "update",
                left: (self.done, self.dim),
                right: (self.missing.len(), self.dim),
            });
        }
        let (answers, scoring) = (self.answers, former.scoring);
        let mut vectors = Matrix::new(answers.texts_len(), self.dim, self.vectors)?;
        let fresh: Vec<bool> = self.kept.iter().map(Option::is_none).collect();
        let unexpanded = place_some(&answers, &mut vectors, scoring, &fresh)?;
        let starts = answers.starts().into_iter().zip(&self.kept);
        for (text, row) in starts.filter_map(|(text, row)| Some((text, (*row)?))) {
            let vector = former.index.vectors().row(row);
            vectors.row_mut(text).copy_from_slice(vector);
        }
        let index = Words::index(scoring.hybrid, vectors, answers.owners(), &answers.texts())?;
        Ok(AnswerIndex {
            answers,
            index,
            unexpanded,
            scoring,
            confidence: former.confidence.clone(),
            cosine_spread: std::sync::OnceLock::new(),
        })
    }
}

/// Expands all answers and moves all paraphrases towards their prototypes, in the raw vectors of
/// [`AnswerSet::texts`], `[n, dim]`, in place. Returns the raw vectors that the index keeps, `[Scoring::raw_rows, dim]`.
pub(crate) fn place_vectors(
    answers: &AnswerSet,
    vectors: &mut Matrix,
    scoring: Scoring,
) -> Result<Option<Matrix>, ShapeError> {
    place_some(answers, vectors, scoring, &vec![true; answers.len()])
}

/// Like [`place_vectors`], but expands only the answers marked in `fresh`, `[answers]`.
fn place_some(
    answers: &AnswerSet,
    vectors: &mut Matrix,
    scoring: Scoring,
    fresh: &[bool],
) -> Result<Option<Matrix>, ShapeError> {
    let raw = match (scoring.prototype, scoring.expansion) {
        (Some(_), _) => vectors.clone(),
        (None, Some(_)) => own_vectors(answers, vectors)?,
        (None, None) => return Ok(None),
    };
    if let Some(rule) = scoring.expansion {
        expand_some(answers, vectors, rule, fresh)?;
    }
    if let Some(prototype) = scoring.prototype {
        prototype.apply(vectors, &answers.owners(), &answers.kinds())?;
    }
    Ok(Some(raw))
}

/// Copies the vectors of the answers themselves, `[answers, dim]`.
fn own_vectors(answers: &AnswerSet, vectors: &Matrix) -> Result<Matrix, ShapeError> {
    let starts = answers.starts().into_iter();
    let rows: Vec<&[f32]> = starts.map(|text| vectors.row(text)).collect();
    if rows.is_empty() {
        return Ok(Matrix::zeros(0, vectors.columns()));
    }
    Matrix::from_rows(&rows)
}

/// Expands the answers marked in `fresh`, `[answers]`, in place.
fn expand_some(
    answers: &AnswerSet,
    vectors: &mut Matrix,
    rule: Rule,
    fresh: &[bool],
) -> Result<(), ShapeError> {
    let texts = answers.starts().into_iter().zip(fresh);
    let texts: Vec<usize> = texts.filter_map(|(text, f)| f.then_some(text)).collect();
    if texts.is_empty() {
        return Ok(());
    }
    let (owners, mut kinds) = (answers.owners(), answers.kinds());
    if rule.towards == Towards::Own {
        // Only the questions of fresh answers are used, so leave out the others to avoid copying them.
        for (kind, owner) in kinds.iter_mut().zip(&owners) {
            if *kind == Kind::Question && !fresh[*owner as usize] {
                *kind = Kind::KeptAside;
            }
        }
    }
    let expansion = Expansion::of(
        rule,
        &Texts {
            vectors,
            owners: &owners,
            kinds: &kinds,
        },
    )?;
    expansion.apply_to(&texts, &owners, vectors, Own::Counts)
}
