//! Edits that add, replace or remove single answers.

use super::{AnswerSet, KnownAnswer, Servable, ServableError};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_model::sha256_hex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change to the answers of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Appends an answer.
    Add(KnownAnswer),
    /// Replaces an answer.
    Replace {
        /// [`KnownAnswer::id`] of the answer to replace.
        id: String,
        /// The new answer. Its `row` is ignored; the new answer gets that of the old one.
        answer: KnownAnswer,
    },
    /// Removes an answer.
    Remove {
        /// [`KnownAnswer::id`] of the answer to remove.
        id: String,
    },
}

/// Reason why an edit is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No answer has this id.
    #[error(
        "there is no answer with the id “{id}”; it may have been changed or removed in the meantime: read the answer \
         again and use its present id"
    )]
    Unknown {
        /// The unknown id.
        id: String,
    },
    /// Another answer has an equal text.
    #[error("another answer, “{id}”, has this text already; add the questions to that answer")]
    Twice {
        /// Id of the existing answer.
        id: String,
    },
    /// The answer or one of its questions is blank.
    #[error("an answer and its questions must not be empty")]
    Blank,
    /// The edit would remove the only answer.
    #[error("this is the only answer; add another one before you remove it")]
    Last,
}

impl KnownAnswer {
    /// Id of the answer: the first 16 hexadecimal digits of the SHA-256 of its text after [`faq::normalize`].
    ///
    /// Unlike the answer's number, the id stays stable across restarts, retraining, reordering and machines, without
    /// being stored. Changing the text changes the id, so a client that edits an outdated answer gets an error.
    /// Answers of equal text share an id; edits apply to the first of them.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = sha256_hex(faq::normalize(&self.answer).as_bytes());
        id.truncate(16);
        id
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.answer)
            .chain(&self.questions)
            .map(String::as_str)
    }
}

impl Servable {
    /// Number of the answer with this [`KnownAnswer::id`]; `None` if no answer has it.
    ///
    /// Takes time linear in the total length of the answers, whose ids are computed on each call.
    #[must_use]
    pub fn number_of(&self, id: &str) -> Option<u32> {
        let mut numbered = (0..).zip(self.answers().iter());
        numbered
            .find(|(_, answer)| answer.id() == id)
            .map(|(number, _)| number)
    }

    /// Returns a model with the edits applied. The new model shares the encoder with this one, and the model directory
    /// stays unchanged.
    ///
    /// Encodes only new texts, but rebuilds the whole index, so time and memory don't depend on the number of edits.
    ///
    /// # Errors
    /// If an edit is rejected, or if the texts can't be encoded.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, ServableError> {
        let scoring = self.index.scoring();
        if scoring.raw_rows(self.answers()).is_some() && self.index.unexpanded().is_none() {
            let why = "wasn't loaded; open the model through its journal to edit it";
            return Err(ServableError::changed(super::answers::PLAIN, why));
        }
        let answers = AnswerSet::from_known(plan(self.answers(), edits)?);
        let inside = |e: ShapeError| ServableError::changed(super::answers::VECTORS, e);
        let mut update = self.index.update(answers.into()).map_err(inside)?;
        let fresh = update.next(usize::MAX);
        let encoded = if fresh.is_empty() {
            Matrix::zeros(0, self.model.dim())
        } else {
            self.model.encode(&fresh)?
        };
        update.push(encoded).map_err(inside)?;
        Ok(Self {
            model: Arc::clone(&self.model),
            index: update.finish(&self.index).map_err(inside)?,
            manifest: self.manifest.clone(),
        })
    }
}

/// Applies edits to a list of answers.
fn plan(answers: &AnswerSet, edits: &[Edit]) -> Result<Vec<KnownAnswer>, EditError> {
    let mut planned: Vec<KnownAnswer> = answers.iter().cloned().collect();
    let mut ids: Vec<String> = planned.iter().map(KnownAnswer::id).collect();
    for edit in edits {
        let find = |id: &str| {
            let place = ids.iter().position(|known| known == id);
            place.ok_or_else(|| EditError::Unknown { id: id.into() })
        };
        let (place, answer) = match edit {
            Edit::Add(answer) => (None, Some(answer)),
            Edit::Replace { id, answer } => (Some(find(id)?), Some(answer)),
            Edit::Remove { id } => (Some(find(id)?), None),
        };
        let Some(answer) = answer else {
            if planned.len() == 1 {
                return Err(EditError::Last);
            }
            if let Some(place) = place {
                planned.remove(place);
                ids.remove(place);
            }
            continue;
        };
        if answer.texts().any(|text| text.trim().is_empty()) {
            return Err(EditError::Blank);
        }
        let id = answer.id();
        if ids.iter().position(|known| *known == id) != place && ids.contains(&id) {
            return Err(EditError::Twice { id });
        }
        let mut answer = answer.clone();
        if let Some(place) = place {
            answer.row = planned[place].row;
            planned[place] = answer;
            ids[place] = id;
        } else {
            planned.push(answer);
            ids.push(id);
        }
    }
    Ok(planned)
}
