//! FAQ, compact encoder, projection head and index, with `alloc` only.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use nearsay_core::{
    encoder::Encoder,
    head::{Head, HeadConfig, HeadError, Mode},
    matrix::{Matrix, ShapeError},
};
use nearsay_search::index::{Hit, Index};
use nearsay_text::compact::{CompactError, StaticEncoder};

extern crate alloc;

/// Questions and their answers.
pub const FAQ: [(&str, &str); 8] = [
    (
        "What does membership cost?",
        "Nothing for people of the town; others pay €25 a year.",
    ),
    (
        "How long may I keep a book?",
        "Three weeks. You can renew it twice, online or at the desk.",
    ),
    (
        "I lost my library card. What now?",
        "Block it in your account or ring us; a new card is €3.",
    ),
    (
        "When is the library open?",
        "Tuesday to Saturday, from ten in the morning to six.",
    ),
    (
        "May I bring my dog?",
        "Guide dogs are welcome; other animals wait outside.",
    ),
    (
        "Is there Wi-Fi, and is it free?",
        "Yes: choose the network Aldermere and accept the terms.",
    ),
    (
        "Can I print or copy documents?",
        "At the machines by the entrance, ten cents a page.",
    ),
    (
        "Where can I park my car?",
        "Behind the building; the first two hours are free.",
    ),
];

/// Paraphrased questions with the number of the expected answer.
pub const ASKED: [(&str, u32); 8] = [
    ("how much does a membership cost me", 0),
    ("May I keep these books LONGER?", 1),
    ("My card is lost!", 2),
    ("Are you open on Saturday?", 3),
    ("Are dogs welcome in the library?", 4),
    ("free wi\u{2011}fi?", 5),
    ("a machine that prints", 6),
    ("parking cars", 7),
];

/// Compact encoder, read in place; a microcontroller reads it from flash memory.
static ENCODER: &[u8] = nearsay_text::compact::built_in::FILE;

/// Returns the answer nearest to a question, with any encoder.
///
/// # Errors
/// Returns `Err` for errors of the encoder and `Ok(Err(…))` for errors of the head.
pub fn answer<E: Encoder<Matrix, Input = str>>(
    encoder: &E,
    head: &dyn Head<Matrix>,
    index: &Index,
    question: &str,
) -> Result<Result<Option<Hit>, HeadError<ShapeError>>, E::Error> {
    let question = encoder.encode(&[question])?;
    let question = head.forward(&question, Mode::Eval);
    Ok(question.map(|question| index.search(question.row(0), 1).first().copied()))
}

/// Help desk: encoder, projection head and index.
pub struct Desk {
    encoder: StaticEncoder<'static>,
    head: Box<dyn Head<Matrix>>,
    index: Index,
}

impl Desk {
    /// Opens the encoder, builds the head and embeds the FAQ: each answer is found by its text and its question.
    ///
    /// # Errors
    /// Returns an error if the encoder is invalid or its dimension doesn't fit the head or the index.
    pub fn open() -> Result<Self, DeskError> {
        let texts: Vec<&str> = FAQ.iter().flat_map(|&(q, a)| [q, a]).collect();
        let encoder = StaticEncoder::from_bytes(ENCODER)?;
        // An untrained residual head is the identity; load the weights of a trained head here.
        let config = HeadConfig::Residual { dim: encoder.dim() };
        let head = config.build(&config.init(0), |weight| Ok(weight.value.clone()))?;
        let known = head.forward(&encoder.encode_all(&texts), Mode::Eval)?;
        let owners = (0..texts.len() as u32).map(|text| text / 2).collect();
        Ok(Self {
            index: Index::new(known, owners)?,
            encoder,
            head,
        })
    }

    /// Returns the nearest answer to a question with its cosine similarity, in `[−1, 1]`.
    ///
    /// # Errors
    /// Returns an error if the dimensions of encoder, head and index differ.
    pub fn answer(&self, question: &str) -> Result<Option<(&'static str, f32)>, DeskError> {
        let answered = answer(&self.encoder, &*self.head, &self.index, question);
        let hit = answered.unwrap_or_else(|never| match never {})?;
        Ok(hit.map(|hit| (FAQ[hit.answer as usize].1, hit.score)))
    }
}

/// Error when opening a [`Desk`] or answering a question.
#[derive(Debug)]
pub enum DeskError {
    /// The encoder is invalid.
    Encoder(CompactError),
    /// The head can't be built or applied.
    Head(HeadError<ShapeError>),
    /// Vectors differ in dimension.
    Shape(ShapeError),
}

impl From<CompactError> for DeskError {
    fn from(error: CompactError) -> Self {
        Self::Encoder(error)
    }
}

impl From<HeadError<ShapeError>> for DeskError {
    fn from(error: HeadError<ShapeError>) -> Self {
        Self::Head(error)
    }
}

impl From<ShapeError> for DeskError {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error)
    }
}

impl fmt::Display for DeskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoder(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
            Self::Shape(error) => error.fmt(f),
        }
    }
}
