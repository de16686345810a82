//! Layer 8: the exported folder: write, verify, load, answer.
//!
//! One folder, three readers: Nearsay, `SentenceTransformer(path)` and text-embeddings-inference (networks).
//!
//! ```text
//! model/
//!   nearsay.json            format version, settings, report, when an answer is sure, what words count for,
//!                           SHA-256 of every file
//!   modules.json            Transformer, Pooling, Dense (if the head changes anything), Normalize;
//!                           with a table for an encoder: StaticEmbedding, Dense, Normalize
//!   config.json  model.safetensors  tokenizer.json …       the encoder, copied
//!   0_StaticEmbedding/      with a table for an encoder: model.safetensors and tokenizer.json
//!   sentence_bert_config.json  config_sentence_transformers.json  1_Pooling/config.json
//!   2_Dense/  3_Dense/ …    the head, folded into as few layers as say it, mostly one
//!   answers.jsonl           every answer with its known wordings
//!   answers.safetensors     the vectors of both
//!   plain.safetensors       with expansion only: the vectors of answers as the model makes them
//!   README.md               a model card in plain words
//!   edits.jsonl             while it is served: edits that are not in the other files yet
//! ```
//!
//! [`Export`] writes what was trained. [`Reissue`] writes a folder anew with other answers, or without
//! any: `answers.jsonl` and `answers.safetensors` are then left out, and only the model is loaded
//! ([`Servable::open_model`], [`TextModel::open`]). [`copy`] takes a folder along to another place.
//! [`Servable::edited`] changes single answers of an opened one, and a [`Journal`]
//! keeps such edits beside the files, since writing the folder anew takes as long as copying its model.
//! [`check`] asks questions kept aside and says what became of each.
//!
//! With words (`"words": {"weight": 0.3, "by": "answer"}` in `nearsay.json`), [`Servable::ask`] adds to the cosine of
//! an answer's nearest text what the answer and its wordings share with the question
//! ([`Bm25Index`](nearsay_text::bm25::Bm25Index)), of this weight; without `by`, as older folders have it, what each text
//! shares by itself. Nothing of it is in the folder but this: the texts are read when it is opened. Other readers
//! use the vectors alone.
//!
//! With expansion (`"expansion": {"weight": 0.5, "towards": "alike"}`), the vectors of answers in
//! `answers.safetensors` are moved towards the questions of answers like them, or with `"own"` towards their own
//! ([`expansion`](nearsay_search::expansion)); whoever compares with these has all of it. [`Servable::plain_vectors`] has
//! them as they were, to go on with other answers.
//!
//! When an answer is sure, and how probably it is right, goes by `threshold`, `own_text`, `no_answer` and
//! `calibration` ([`Confidence`]).
//!
//! A folder of an older version of the format opens for ever, one of a newer version is refused with words;
//! `version` has the steps from each to the next.
//!
//! The sentence-transformers part follows the schema that its versions up to 5.3 write, because old
//! and new versions, and text-embeddings-inference, read it; what newer versions write is read by
//! themselves only. The `Dense` module stands right after pooling and `Normalize` last, since some
//! servers ignore their order. A head with activations becomes several `Dense` modules, the last
//! number being `Normalize`'s; of their activations text-embeddings-inference knows only the
//! identity and tanh, of poolings the mean and `[CLS]`, and it reads networks only, no tables.
//!
//! Only safetensors, JSON and text: nothing that can run code.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use candle_core::Device;
//! use crate::servable::Servable;
//! use nearsay_store::DiskStore;
//!
//! let model = Servable::open(&DiskStore, "model".as_ref(), &Device::Cpu)?;
//! for found in model.ask("Can I run a cluster for a week?", 3)? {
//!     println!("{:.3} {}", found.score, found.answer.answer);
//! }
//! # Ok(()) }
//! ```

mod answers;
mod card;
mod check;
mod confidence;
mod copy;
mod dense;
mod edit;
mod error;
mod expander;
mod in_memory;
mod journal;
mod manifest;
mod owned;
mod reissue;
mod text_model;
mod vectors;
mod version;
mod write;

pub use answers::{AnswerSet, KnownAnswer};
pub use check::{Checked, HeldOut, check};
pub use confidence::{Confidence, Outcome};
pub use copy::{copy, fingerprint};
pub use edit::{Edit, EditError};
pub use error::ServableError;
pub use expander::Expander;
pub use in_memory::InMemory;
pub use journal::Journal;
pub use manifest::{By, FileEntry, Manifest, Threshold, Words};
pub use owned::{check_target, remove};
pub use reissue::{Data, Reissue};
pub use text_model::TextModel;
pub use write::{Export, ExportEncoder};

use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_core::matrix::Matrix;
use nearsay_search::{
    expansion::Kind,
    index::{Hit, Index},
};
use nearsay_store::Store;
use std::{path::Path, sync::Arc, thread};

/// A loaded folder, ready to answer.
pub struct Servable {
    model: Arc<TextModel>,
    answers: AnswerSet,
    index: Index,
    /// Vectors of answers as the model makes them, where the index has them moved and who edits needs them.
    plain: Option<Matrix>,
    manifest: Manifest,
}

/// An answer to a question.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The answer, with its known wordings.
    pub answer: &'a KnownAnswer,
    /// How near the question is: `meaning + words`.
    pub score: f32,
    /// Cosine similarity to the nearest of the answer's texts, in `[−1, 1]`.
    pub meaning: f32,
    /// What the words add that the question shares with the answer and its wordings, from 0 to the weight of words.
    pub words: f32,
    /// Number of the nearest text and its vector.
    pub vector: u32,
    /// The known wording that text is; none when it is the answer itself.
    pub wording: Option<&'a str>,
    /// How probably it is right, in `(0, 1)`; none when the folder does not say.
    pub probability: Option<f32>,
    /// Whether it is sure enough to be given without a warning.
    pub sure: bool,
}

impl Servable {
    /// Loads a folder, checking that every file is the one that was written, with the edits made while it
    /// was served.
    ///
    /// Takes time in the bytes of its files, on two threads, and memory for what it keeps; the files of
    /// the answers are read once, hashed as they come.
    ///
    /// # Errors
    /// When a file is missing, changed, of a newer format, or asks for something unsupported; when the
    /// folder was written without its data.
    pub fn open(store: &dyn Store, dir: &Path, device: &Device) -> Result<Self, ServableError> {
        Self::open_with(store, dir, device, Precision::F32)
    }

    /// As [`open`](Self::open), a network computing in this precision if it can. The vectors in the
    /// folder stay as they are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        store: &dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ServableError> {
        let changed = |why: &str| ServableError::changed(answers::VECTORS, why);
        let manifest = Manifest::read(store, dir)?;
        if !manifest.has_answers() {
            return Err(ServableError::ModelOnly { dir: dir.into() });
        }
        // The vectors are most of it, and hashing takes longest: meanwhile comes the rest.
        let (vectors, rest) = thread::scope(|scope| {
            let read = || vectors::read(store, dir, &manifest, answers::VECTORS);
            let thread = thread::Builder::new().name("vectors".to_owned());
            let reading = thread.spawn_scoped(scope, read);
            let rest = || -> Result<_, ServableError> {
                manifest.verify_all_but(&manifest::DATA, store, dir)?;
                let model = TextModel::open_with(store, dir, device, precision)?;
                let answers = AnswerSet::read(store, dir, &manifest)?;
                let words = manifest.words.filter(|words| words.weight > 0.0);
                let lexical = words.map(|words| words.of(&answers.texts(), &answers.owners()));
                let lexical = lexical.transpose().map_err(|e| changed(&e.to_string()))?;
                let words = lexical.zip(words.map(|words| words.weight));
                Ok((model, answers, words))
            };
            let rest = rest();
            let vectors = match reading {
                Ok(thread) => match thread.join() {
                    Ok(vectors) => vectors,
                    Err(panic) => std::panic::resume_unwind(panic),
                },
                // No thread to be had.
                Err(_) => read(),
            };
            (vectors, rest)
        });
        let ((model, answers, words), vectors) = (rest?, vectors?);
        let owners = answers.owners();
        if (vectors.rows(), vectors.columns()) != (owners.len(), model.dim()) {
            return Err(changed("does not go with the answers and the model"));
        }
        let index = Index::new(vectors, owners).and_then(|index| match words {
            Some((words, weight)) => index.with_words(words, weight),
            None => Ok(index),
        });
        let index = index.map_err(|e| changed(&e.to_string()))?;
        let mut opened = Self {
            model: Arc::new(model),
            answers,
            index,
            plain: None,
            manifest,
        };
        match journal::read(store, dir)? {
            edits if edits.is_empty() => Ok(opened),
            edits => {
                opened.keep_plain(store, dir)?;
                opened.edited(&edits)
            }
        }
    }

    /// Loads the model of a folder and leaves its answers where they are, if it has any: what comes of it
    /// encodes and finds nothing. Every file but those of the answers is checked.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for a folder without its data.
    pub fn open_model(
        store: &dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ServableError> {
        let manifest = Manifest::read(store, dir)?;
        manifest.verify_all_but(&manifest::DATA, store, dir)?;
        let model = TextModel::open_with(store, dir, device, precision)?;
        let index = Index::new(Matrix::zeros(0, model.dim()), Vec::new());
        let index = index.map_err(|e| ServableError::changed(answers::VECTORS, e))?;
        Ok(Self {
            model: Arc::new(model),
            answers: AnswerSet::default(),
            index,
            plain: None,
            manifest,
        })
    }

    /// As [`open`](Self::open), or as [`open_model`](Self::open_model) where the folder was written without
    /// its data.
    ///
    /// # Errors
    /// As these, but for a folder without its data.
    pub fn open_any(
        store: &dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ServableError> {
        match Self::open_with(store, dir, device, precision) {
            Err(ServableError::ModelOnly { .. }) => Self::open_model(store, dir, device, precision),
            opened => opened,
        }
    }

    /// The model that turns texts into vectors.
    #[must_use]
    pub fn model(&self) -> &TextModel {
        &self.model
    }

    /// The answers and their known wordings.
    #[must_use]
    pub fn answers(&self) -> &AnswerSet {
        &self.answers
    }

    /// The vectors that are searched, with the words of their texts if the folder has words.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What the folder says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The unit vectors of answers as the model makes them, `[answers, dim]`, where the index has them moved;
    /// none where it has not. They are read from the folder now, so `store` and `dir` are to be those it was
    /// opened with.
    ///
    /// # Errors
    /// When the file is missing or not the one that was written.
    pub fn plain_answers(
        &self,
        store: &dyn Store,
        dir: &Path,
    ) -> Result<Option<Matrix>, ServableError> {
        if self.manifest.expansion.is_none() || self.plain.is_some() {
            return Ok(self.plain.clone());
        }
        let plain = vectors::read(store, dir, &self.manifest, answers::PLAIN)?;
        match (plain.rows(), plain.columns()) == (self.answers.len(), self.index.dim()) {
            true => Ok(Some(plain)),
            false => Err(ServableError::changed(
                answers::PLAIN,
                "does not go with the answers and the model",
            )),
        }
    }

    /// Reads what an edit needs, and keeps it.
    fn keep_plain(&mut self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        self.plain = self.plain_answers(store, dir)?;
        Ok(())
    }

    /// The unit vectors of [`AnswerSet::texts`] as the model makes them, `[n, dim]`: those of the index, but
    /// for answers that were moved.
    ///
    /// # Errors
    /// As [`plain_answers`](Self::plain_answers).
    pub fn plain_vectors(&self, store: &dyn Store, dir: &Path) -> Result<Matrix, ServableError> {
        let mut vectors = self.index.vectors().clone();
        if let Some(plain) = self.plain_answers(store, dir)? {
            let kinds = self.answers.kinds().into_iter().enumerate();
            let of_answers = kinds.filter(|(_, kind)| *kind == Kind::Answer);
            for ((text, _), vector) in of_answers.zip(plain.iter_rows()) {
                vectors.row_mut(text).copy_from_slice(vector);
            }
        }
        Ok(vectors)
    }

    /// What it is made of, for who goes on with other answers: the model, the answers, and the vectors
    /// of [`AnswerSet::texts`].
    #[must_use]
    pub fn into_parts(self) -> (Arc<TextModel>, AnswerSet, Index) {
        (self.model, self.answers, self.index)
    }

    /// The `k` answers nearest to a question, nearest first, by its words too if the folder has words.
    ///
    /// # Errors
    /// When the question cannot be encoded.
    pub fn ask(&self, question: &str, k: usize) -> Result<Vec<Found<'_>>, ServableError> {
        let vector = self.model.encode(&[question])?;
        Ok(self.ask_encoded(question, vector.row(0), k))
    }

    /// As [`ask`](Self::ask), of a question whose vector by [`TextModel::encode`] is known.
    #[must_use]
    pub fn ask_encoded(&self, question: &str, vector: &[f32], k: usize) -> Vec<Found<'_>> {
        let hits = self
            .index
            .ask(question, vector, self.manifest.confidence.needs(k));
        self.found(vector, &hits, k)
    }

    /// The `k` answers nearest to a vector of [`TextModel::encode`], nearest first, by vectors alone. Where
    /// words count, answers are less sure than with them.
    #[must_use]
    pub fn nearest(&self, vector: &[f32], k: usize) -> Vec<Found<'_>> {
        let needs = self.manifest.confidence.needs(k);
        self.found(vector, &self.index.search(vector, needs), k)
    }

    /// The first `k` of all that must be known about them, found by a vector.
    fn found(&self, vector: &[f32], hits: &[Hit], k: usize) -> Vec<Found<'_>> {
        let confidence = &self.manifest.confidence;
        let standings = confidence.standings(&self.index, vector, hits);
        let sureness = confidence.sureness(&standings);
        let found = |(hit, sureness): (&Hit, f32)| {
            Some(Found {
                answer: self.answers.get(hit.answer)?,
                score: hit.score,
                meaning: hit.meaning,
                words: hit.words,
                vector: hit.vector,
                wording: self.answers.wording(hit.vector),
                probability: confidence.probability(sureness),
                sure: confidence.is_sure(sureness),
            })
        };
        hits.iter()
            .zip(sureness)
            .take(k)
            .filter_map(found)
            .collect()
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
