//! Questions and answers, an encoder, a head and an index, with `alloc` only.

use alloc::{boxed::Box, collections::BTreeMap, collections::BTreeSet, string::String, vec::Vec};
use core::fmt;
use nearsay_core::{
    encoder::Encoder,
    head::{Head, HeadConfig, HeadError, Mode},
    index::{Hit, Index},
    matrix::{Matrix, ShapeError},
    wordpiece::{Vocabulary, VocabularyError, WordPiece},
};

extern crate alloc;

/// What the desk knows: questions and their answers.
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

/// Questions in other words, and the number of the answer each should find.
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

/// Length of a vector.
const DIM: usize = 128;

/// How frequent a token must be to count half, as a share of all tokens.
const FREQUENT: f32 = 0.01;

/// The number of the nearest answer to a question and how near it is, by any encoder.
///
/// # Errors
/// The encoder's, as `Ok(Err(…))` the head's.
pub fn answer<E: Encoder<Matrix, Input = str>>(
    encoder: &E,
    head: &dyn Head<Matrix>,
    index: &Index,
    question: &str,
) -> Result<Result<Option<Hit>, ShapeError>, E::Error> {
    let question = encoder.encode(&[question])?;
    let question = head.forward(&question, Mode::Eval);
    Ok(question.map(|question| index.search(question.row(0), 1).first().copied()))
}

/// All that is needed to answer.
pub struct Desk {
    encoder: WordVectors,
    head: Box<dyn Head<Matrix>>,
    index: Index,
}

impl Desk {
    /// Makes the encoder and the head, and embeds what is known: each answer is found by its own
    /// words and by those of its question.
    ///
    /// # Errors
    /// When the parts do not fit together.
    pub fn open() -> Result<Self, DeskError> {
        let texts: Vec<&str> = FAQ.iter().flat_map(|&(q, a)| [q, a]).collect();
        let encoder = WordVectors::of(&texts)?;
        // Untrained, this head changes nothing yet; here is where the weights of a trained one go.
        let config = HeadConfig::Residual { dim: encoder.dim() };
        let head = config.build(&config.init(0), |weight| Ok(weight.value.clone()))?;
        let known = head.forward(&encoder.encode(&texts)?, Mode::Eval)?;
        let owners = (0..texts.len() as u32).map(|text| text / 2).collect();
        Ok(Self {
            index: Index::new(known, owners)?,
            encoder,
            head,
        })
    }

    /// The nearest answer to a question and how near it is, in `[−1, 1]`.
    ///
    /// # Errors
    /// When encoder, head and index do not fit together.
    pub fn answer(&self, question: &str) -> Result<Option<(&'static str, f32)>, DeskError> {
        let hit = answer(&self.encoder, &*self.head, &self.index, question)??;
        Ok(hit.map(|hit| (FAQ[hit.answer as usize].1, hit.score)))
    }
}

/// Texts as weighted sums of token vectors, one vector of random signs a token: near texts share
/// tokens. Frequent tokens say little and count less, `a / (a + p)` with their share `p`.
///
/// Sources: Kanerva, Kristoferson and Holst, *Random indexing of text samples*, 2000; Arora, Liang
/// and Ma, *A simple but tough-to-beat baseline for sentence embeddings*, 2017 (the weights).
pub struct WordVectors {
    tokenizer: WordPiece,
    weights: Vec<f32>,
}

impl WordVectors {
    /// Takes vocabulary and weights from texts.
    ///
    /// # Errors
    /// Never for real texts; see [`Vocabulary::parse`].
    pub fn of(texts: &[&str]) -> Result<Self, VocabularyError> {
        let tokenizer = WordPiece::new(Vocabulary::parse(&vocabulary(texts))?);
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for text in texts {
            for id in tokenizer.ids(text) {
                *counts.entry(id).or_default() += 1.0;
            }
        }
        let all: f32 = counts.values().sum();
        let weight = |id| match counts.get(&id) {
            Some(count) => FREQUENT / (FREQUENT + count / all),
            // What no known text has is near to none of them.
            None => 0.0,
        };
        let tokens = 0..tokenizer.vocabulary().len() as u32;
        Ok(Self {
            weights: tokens.map(weight).collect(),
            tokenizer,
        })
    }
}

impl Encoder<Matrix> for WordVectors {
    type Input = str;
    type Error = ShapeError;

    fn dim(&self) -> usize {
        DIM
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&str]) -> Result<Matrix, ShapeError> {
        let mut data = alloc::vec![0.0; batch.len() * DIM];
        for (row, text) in data.chunks_exact_mut(DIM).zip(batch) {
            for id in self.tokenizer.ids(text) {
                let weight = self.weights[id as usize];
                for (place, x) in row.iter_mut().enumerate() {
                    *x += weight * sign(id, place);
                }
            }
        }
        Matrix::new(batch.len(), DIM, data)
    }
}

/// 1 or −1, at random but always the same for a token and a place: one bit of SplitMix64's output.
///
/// Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014.
fn sign(id: u32, place: usize) -> f32 {
    let number = u64::from(id) << 8 | (place as u64 / 64 + 1);
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    if z >> (place % 64) & 1 == 0 {
        -1.0
    } else {
        1.0
    }
}

/// A small `vocab.txt`: the words of the texts without a last `s`, and common endings.
fn vocabulary(texts: &[&str]) -> String {
    let words: BTreeSet<String> = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .map(|word| word.strip_suffix('s').unwrap_or(word).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let mut vocabulary = String::from("[UNK]\n##s\n##ed\n##ing\n");
    for word in words {
        vocabulary.push_str(&word);
        vocabulary.push('\n');
    }
    vocabulary
}

/// Why the desk cannot open or answer.
#[derive(Debug)]
pub enum DeskError {
    /// The vocabulary cannot be used.
    Vocabulary(VocabularyError),
    /// The head cannot be put together.
    Head(HeadError<ShapeError>),
    /// Vectors do not fit.
    Shape(ShapeError),
}

impl From<VocabularyError> for DeskError {
    fn from(error: VocabularyError) -> Self {
        Self::Vocabulary(error)
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
            Self::Vocabulary(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
            Self::Shape(error) => error.fmt(f),
        }
    }
}
