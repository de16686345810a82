//! Answers added, replaced and removed one at a time.

use super::{AnswerSet, KnownAnswer, Servable, ServableError, Words};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_model::sha256_hex;
use nearsay_search::expansion::{Expansion, Own, Rule, Texts};
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
        let mut numbered = (0..).zip(self.answers.iter());
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
        let planned = plan(&self.answers, edits)?;
        let fresh = planned.iter().filter(|planned| planned.former.is_none());
        let fresh: Vec<&str> = fresh.flat_map(|planned| planned.answer.texts()).collect();
        let encoded = match fresh.is_empty() {
            true => Matrix::zeros(0, self.model.dim()),
            false => self.model.encode(&fresh)?,
        };
        let vectors = self.index.vectors();
        let starts = self.answers.starts();
        let plain = match (self.manifest.expansion, &self.plain) {
            (None, _) => None,
            (Some(by), Some(plain)) => Some((by, plain)),
            (Some(_), None) => {
                let why = "was not read: only a folder opened by its journal is edited";
                return Err(ServableError::changed(super::answers::PLAIN, why));
            }
        };
        let mut encoded = encoded.iter_rows();
        let mut data = Vec::with_capacity(vectors.data().len());
        let mut own = Vec::new();
        let mut fresh = Vec::new();
        for (number, planned) in planned.iter().enumerate() {
            let texts = planned.answer.texts().count();
            let begun = data.len();
            match planned.former.and_then(|number| starts.get(number)) {
                Some(&start) => {
                    (start..start + texts).for_each(|row| data.extend_from_slice(vectors.row(row)));
                }
                None => {
                    fresh.push(number);
                    let rows = encoded.by_ref().take(texts);
                    rows.for_each(|row| data.extend_from_slice(row));
                }
            }
            match (plain, planned.former) {
                (Some((_, plain)), Some(former)) => own.extend_from_slice(plain.row(former)),
                (Some(_), None) => own.extend_from_slice(&data[begun..begun + self.model.dim()]),
                (None, _) => {}
            }
        }
        let answers = AnswerSet::from_known(planned.into_iter().map(|p| p.answer).collect());
        let owners = answers.owners();
        let inside = |e: ShapeError| ServableError::changed(super::answers::VECTORS, e);
        let dim = self.model.dim();
        let mut vectors = Matrix::new(owners.len(), dim, data).map_err(inside)?;
        let plain = match plain {
            Some((weight, _)) => {
                let plain = Matrix::new(answers.len(), dim, own).map_err(inside)?;
                move_fresh(weight, &answers, &plain, &fresh, &mut vectors).map_err(inside)?;
                Some(plain)
            }
            None => None,
        };
        let words = self.manifest.words;
        let index = Words::index(words, vectors, owners, &answers.texts()).map_err(inside)?;
        Ok(Self {
            model: Arc::clone(&self.model),
            answers,
            index,
            plain,
            manifest: self.manifest.clone(),
        })
    }
}

/// Moves the new ones among answers by a rule; `plain` has all answers' vectors as the model makes them.
fn move_fresh(
    rule: Rule,
    answers: &AnswerSet,
    plain: &Matrix,
    fresh: &[usize],
    vectors: &mut Matrix,
) -> Result<(), ShapeError> {
    if fresh.is_empty() {
        return Ok(());
    }
    let starts = answers.starts();
    let mut unmoved = vectors.clone();
    for (&start, vector) in starts.iter().zip(plain.iter_rows()) {
        unmoved.row_mut(start).copy_from_slice(vector);
    }
    let (owners, kinds) = (answers.owners(), answers.kinds());
    let expansion = Expansion::of(
        rule,
        &Texts {
            vectors: &unmoved,
            owners: &owners,
            kinds: &kinds,
        },
    )?;
    let fresh: Vec<usize> = fresh.iter().map(|&answer| starts[answer]).collect();
    let mut moved = unmoved;
    expansion.apply_to(&fresh, &owners, &mut moved, Own::Counts)?;
    for text in fresh {
        vectors.row_mut(text).copy_from_slice(moved.row(text));
    }
    Ok(())
}

/// An answer that will be there, and its number among those that are there now.
struct Planned {
    answer: KnownAnswer,
    former: Option<usize>,
}

fn plan(answers: &AnswerSet, edits: &[Edit]) -> Result<Vec<Planned>, EditError> {
    let mut ids: Vec<String> = answers.iter().map(KnownAnswer::id).collect();
    let mut planned: Vec<Planned> = answers
        .iter()
        .enumerate()
        .map(|(number, answer)| Planned {
            answer: answer.clone(),
            former: Some(number),
        })
        .collect();
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
        let mut new = Planned {
            answer: answer.clone(),
            former: None,
        };
        match place {
            Some(place) => {
                new.answer.row = planned[place].answer.row;
                planned[place] = new;
                ids[place] = id;
            }
            None => {
                planned.push(new);
                ids.push(id);
            }
        }
    }
    Ok(planned)
}
