use super::{Servable, ServableError, answers};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_search::expansion::{Expansion, Own};
use nearsay_store::Store;
use std::{collections::HashMap, path::Path};

/// Moves answers the way those of a folder were moved, whether they are in it or not.
#[derive(Clone, Debug)]
pub struct Expander {
    expansion: Expansion,
    /// The folder's answers, by their normalised text.
    groups: HashMap<String, u64>,
}

impl Expander {
    /// Moves answers, given their texts and their unit vectors as the model makes them, `[n, d]`.
    ///
    /// # Errors
    /// When there is not one vector a text, or they are not the model's.
    pub fn apply(
        &self,
        answers: &[&str],
        vectors: &mut Matrix,
        own: Own,
    ) -> Result<(), ShapeError> {
        let group = |answer: &&str| self.groups.get(&faq::normalize(answer)).copied();
        let nobody = u64::MAX;
        let groups: Vec<u64> = answers.iter().map(|a| group(a).unwrap_or(nobody)).collect();
        self.expansion.apply(vectors, &groups, own)
    }
}

impl Servable {
    /// What moved the folder's answers; none when they are compared as they are.
    ///
    /// Known wordings that are in `without` are as if they were not there: those that are going to be asked, so
    /// that nothing is measured by what it was helped by. `store` and `dir` are to be those it was opened
    /// with.
    ///
    /// # Errors
    /// As [`plain_vectors`](Self::plain_vectors).
    pub fn expander(
        &self,
        store: &dyn Store,
        dir: &Path,
        without: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Expander>, ServableError> {
        let Some(rule) = self.manifest.expansion else {
            return Ok(None);
        };
        let vectors = self.plain_vectors(store, dir)?;
        let (texts, owners) = (self.answers.texts(), self.answers.owners());
        let dim = vectors.columns();
        let (mut answers, mut questions, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut answer = 0;
        for (text, owner) in owners.into_iter().enumerate() {
            match self.answers.wording(text as u32) {
                // Its wordings follow.
                None => answer = text,
                Some(_) if without(texts[text]) => {}
                Some(_) => {
                    answers.extend_from_slice(vectors.row(answer));
                    questions.extend_from_slice(vectors.row(text));
                    groups.push(u64::from(owner));
                }
            }
        }
        let inside = |error: ShapeError| ServableError::changed(answers::VECTORS, error);
        let matrix = |data| Matrix::new(groups.len(), dim, data).map_err(inside);
        let (answers, questions) = (matrix(answers)?, matrix(questions)?);
        let expansion = Expansion::new(rule, answers, questions, groups).map_err(inside)?;
        let known = self
            .answers
            .iter()
            .map(|known| faq::normalize(&known.answer));
        Ok(Some(Expander {
            expansion,
            groups: known.zip(0..).collect(),
        }))
    }
}
