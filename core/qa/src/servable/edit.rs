//! Answers added, replaced and removed one at a time.

use super::{AnswerSet, KnownAnswer, Servable, ServableError};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_model::sha256_hex;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A change of the answers of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// One more answer, after all others.
    Add(KnownAnswer),
    /// Another answer in the place of this one.
    Replace {
        /// [`KnownAnswer::id`] of the answer.
        id: String,
        /// What stands there from now on; its row stays the former's.
        answer: KnownAnswer,
    },
    /// One answer less.
    Remove {
        /// [`KnownAnswer::id`] of the answer.
        id: String,
    },
}

/// Why an edit cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// No answer has this id.
    Unknown {
        /// The id asked for.
        id: String,
    },
    /// An answer of the same text is there already.
    Twice {
        /// Its id.
        id: String,
    },
    /// The answer or one of its wordings is empty.
    Blank,
    /// Nothing would be left to answer with.
    Last,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id } => write!(
                f,
                "there is no answer with the id “{id}”; it may have been changed or removed since it \
                 was read: ask again for the answer and take the id that comes with it"
            ),
            Self::Twice { id } => write!(
                f,
                "there is an answer of this text already, “{id}”; add the wordings to that one"
            ),
            Self::Blank => write!(f, "an answer and its wordings must not be empty"),
            Self::Last => write!(
                f,
                "this is the only answer; add another one before you remove it"
            ),
        }
    }
}

impl std::error::Error for EditError {}

impl KnownAnswer {
    /// A name made of the answer's text: 16 hexadecimal digits of the SHA-256 of [`faq::normalize`].
    ///
    /// It is the same after a restart, in a folder trained anew, in another order or on another machine,
    /// which a number in the list is not, and needs nothing in the folder. An answer of another text has
    /// another id, so that who changes what has changed meanwhile is told so. Answers of equal text share
    /// theirs; edits then mean the first of them.
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
    /// The number of the answer with this [`KnownAnswer::id`].
    ///
    /// Takes time in the length of all answers.
    #[must_use]
    pub fn number_of(&self, id: &str) -> Option<u32> {
        let mut numbered = (0..).zip(self.answers().iter());
        numbered
            .find(|(_, answer)| answer.id() == id)
            .map(|(number, _)| number)
    }

    /// The same with other answers; the model is shared, the folder stays as it is.
    ///
    /// Takes time and memory of the whole index, however few edits there are: what is searched is made
    /// anew. Only new texts are encoded.
    ///
    /// # Errors
    /// When an edit cannot be made, or its texts cannot be encoded.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, ServableError> {
        if self.manifest.expansion.is_some() && self.index.unexpanded().is_none() {
            let why = "was not read: only a folder opened by its journal is edited";
            return Err(ServableError::changed(super::answers::PLAIN, why));
        }
        let answers = AnswerSet::from_known(plan(self.answers(), edits)?);
        let inside = |e: ShapeError| ServableError::changed(super::answers::VECTORS, e);
        let mut update = self.index.update(answers.into()).map_err(inside)?;
        let fresh = update.next(usize::MAX);
        let encoded = match fresh.is_empty() {
            true => Matrix::zeros(0, self.model.dim()),
            false => self.model.encode(&fresh)?,
        };
        update.push(encoded).map_err(inside)?;
        Ok(Self {
            model: Arc::clone(&self.model),
            index: update.finish(&self.index).map_err(inside)?,
            manifest: self.manifest.clone(),
        })
    }
}

/// The answers that will be there.
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
        match place {
            Some(place) => {
                answer.row = planned[place].row;
                planned[place] = answer;
                ids[place] = id;
            }
            None => {
                planned.push(answer);
                ids.push(id);
            }
        }
    }
    Ok(planned)
}
