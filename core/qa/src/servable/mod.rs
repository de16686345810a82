//! The model directory: writing, verifying, opening and searching it.
//!
//! Nearsay, `SentenceTransformer(path)` and text-embeddings-inference (transformers only) read the same directory.
//!
//! ```text
//! model/
//!   nearsay.json            format version, settings, training report, confidence rule, scoring, SHA-256 of every file
//!   modules.json            Transformer, Pooling, Dense (unless the head is the identity), Normalize;
//!                           for static embeddings: StaticEmbedding, Dense, Normalize
//!   config.json  model.safetensors  tokenizer.json …       the transformer, copied
//!   0_StaticEmbedding/      for static embeddings: model.safetensors and tokenizer.json
//!   sentence_bert_config.json  config_sentence_transformers.json  1_Pooling/config.json
//!   2_Dense/  3_Dense/ …    the head, folded into as few Dense modules as possible, mostly one
//!   answers.jsonl           every answer with its paraphrases
//!   answers.safetensors     vectors of answers and paraphrases
//!   plain.safetensors       with document expansion: vectors of the answers before expansion; with prototypes: of all
//!                           texts before expansion and moves
//!   README.md               model card
//!   edits.jsonl             journal of edits that aren't in the other files yet
//! ```
//!
//! - [`Export`] writes a trained model.
//! - [`Reissue`] writes a model again with other answers, or with none. A model without answers lacks
//!   `answers.jsonl` and `answers.safetensors`; [`Servable::open_model`] and [`TextModel::open`] open it.
//! - [`copy`] copies a model to another directory.
//! - [`Servable::edited`] edits single answers of an opened model. A [`Journal`] saves the edits without rewriting the
//!   directory, which would take as long as copying the model.
//! - [`AnswerIndex`] searches the answers and [evaluates](AnswerIndex::evaluate) test questions.
//!
//! **Hybrid search.** With `"words": {"weight": 0.3, "by": "answer"}` in `nearsay.json`, [`Servable::ask`] adds the
//! weighted BM25 score ([`Bm25Index`](nearsay_text::bm25::Bm25Index)) of an answer and its paraphrases to the cosine
//! similarity of the answer's nearest text. Without `by`, as in older models, each text has its own BM25 score. With
//! `"near": true`, texts that say nearly the same as the question score up to another weight. The
//! BM25 index isn't stored; it is rebuilt from the texts when the model is opened. Other readers use the vectors alone.
//!
//! **Document expansion.** With `"expansion": {"weight": 0.5, "towards": "alike"}`, the answer vectors in
//! `answers.safetensors` are shifted towards the questions of their nearest neighbours, or with `"own"` towards their
//! own questions ([`expansion`](nearsay_search::expansion)). Readers that compare with these vectors need nothing else.
//! [`Servable::load_unexpanded`] reads the vectors before expansion, which updates need.
//!
//! **Prototypes.** With `"prototype": {"prior": 2.0, "sharpness": 0.0}`, the vectors of paraphrases in `answers.safetensors` are moved
//! towards the mean of their answer's paraphrases ([`prototype`](nearsay_search::prototype)), and `plain.safetensors` has
//! the vectors of all texts before.
//!
//! **Confidence.** `threshold`, `own_text`, `no_answer`, `calibration` and `calibrator` are the fields of
//! [`Confidence`].
//!
//! **Compatibility.** Older format versions stay readable; newer ones are rejected with an error. The files of
//! sentence-transformers follow the schema of its versions up to 5.3. The directory contains safetensors, JSON and text
//! only, nothing that can run code. `core/qa/NOTES.md` has the reasons for these choices.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use candle_core::Device;
//! use nearsay::{nearsay_store::DiskStore, servable::Servable};
//!
//! let model = Servable::open(&DiskStore, "model".as_ref(), &Device::Cpu)?;
//! for found in model.ask("Can I run a cluster for a week?", 3)? {
//!     println!("{:.3} {}", found.score, found.answer.answer);
//! }
//! # Ok(()) }
//! ```

mod answers;
mod card;
mod copy;
mod dense;
mod edit;
mod error;
mod in_memory;
mod journal;
mod manifest;
mod owned;
mod reissue;
mod text_model;
mod vectors;
mod version;
mod write;

pub use crate::answer_index::{
    AnswerHit, AnswerSet, By, Confidence, KnownAnswer, Outcome, Threshold, Words,
};
pub use copy::{copy, fingerprint};
pub use edit::{Edit, EditError};
pub use error::ServableError;
pub use in_memory::InMemory;
pub use journal::Journal;
pub use manifest::{FileEntry, Manifest};
pub use owned::{check_target, lock_target, remove};
pub use reissue::{Data, Reissue};
pub use text_model::TextModel;
pub use write::{Export, ExportEncoder};

use crate::answer_index::AnswerIndex;
use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_search::index::Index;
use nearsay_store::Store;
use std::{path::Path, sync::Arc, thread};

/// An opened model with its answers, ready to search.
pub struct Servable {
    model: Arc<TextModel>,
    index: AnswerIndex,
    manifest: Manifest,
}

impl Servable {
    /// Opens a model, verifies the hash of every file, and applies the edits in its journal.
    ///
    /// Takes time linear in the size of the files, on two threads. The files of the answers are hashed while they are
    /// read.
    ///
    /// # Errors
    /// If a file is missing, changed or unsupported, or if the model has a newer format; [`ServableError::ModelOnly`]
    /// if the model has no answers.
    pub fn open(store: &dyn Store, dir: &Path, device: &Device) -> Result<Self, ServableError> {
        Self::open_with(store, dir, device, Precision::F32)
    }

    /// Like [`open`](Self::open), but sets the precision of a transformer, if the device supports it. The stored answer
    /// vectors keep their precision.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
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
        // The vectors are the largest file and take longest to hash, so a second thread reads them.
        let (vectors, rest) = thread::scope(|scope| {
            let read = || vectors::read(store, dir, &manifest, answers::VECTORS);
            let thread = thread::Builder::new().name("vectors".to_owned());
            let reading = thread.spawn_scoped(scope, read);
            let rest = || -> Result<_, ServableError> {
                manifest.verify_all_but(&manifest::DATA, store, dir)?;
                let model = TextModel::open_with(store, dir, device, precision)?;
                let answers = answers::read_answers(store, dir, &manifest)?;
                let words = manifest.words.filter(|words| words.weight > 0.0);
                let lexical = words.map(|words| words.of(&answers.texts(), &answers.owners()));
                let lexical = lexical.transpose().map_err(|e| changed(&e.to_string()))?;
                let words = lexical.zip(words);
                Ok((model, answers, words))
            };
            let rest = rest();
            let vectors = match reading {
                Ok(thread) => match thread.join() {
                    Ok(vectors) => vectors,
                    Err(panic) => std::panic::resume_unwind(panic),
                },
                // No thread could be started.
                Err(_) => read(),
            };
            (vectors, rest)
        });
        let ((model, answers, words), vectors) = (rest?, vectors?);
        let owners = answers.owners();
        if (vectors.rows(), vectors.columns()) != (owners.len(), model.dim()) {
            return Err(changed("doesn't match the answers and the model"));
        }
        let index = Index::new(vectors, owners).and_then(|index| match words {
            Some((lexical, words)) => words.attach(lexical, index),
            None => Ok(index),
        });
        let index = index.and_then(|index| {
            let confidence = manifest
                .confidence
                .clone()
                .with_languages(model.languages());
            let scoring = manifest.scoring();
            AnswerIndex::from_parts(Arc::new(answers), index, None, scoring, confidence)
        });
        let mut opened = Self {
            model: Arc::new(model),
            index: index.map_err(|e| changed(&e.to_string()))?,
            manifest,
        };
        let edits = journal::read(store, dir)?;
        if edits.is_empty() {
            return Ok(opened);
        }
        opened.load_unexpanded(store, dir)?;
        opened.edited(&edits)
    }

    /// Opens a model without loading its answers, so that it encodes texts but finds no answers. Verifies all files
    /// except those of the answers.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) except [`ServableError::ModelOnly`].
    pub fn open_model(
        store: &dyn Store,
        dir: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ServableError> {
        let manifest = Manifest::read(store, dir)?;
        manifest.verify_all_but(&manifest::DATA, store, dir)?;
        let model = TextModel::open_with(store, dir, device, precision)?;
        let index = AnswerIndex::empty(model.dim(), manifest.scoring());
        Ok(Self {
            index: index.with_confidence(manifest.confidence.clone()),
            model: Arc::new(model),
            manifest,
        })
    }

    /// Opens a model like [`open_with`](Self::open_with), or like [`open_model`](Self::open_model) if it has no answers.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) except [`ServableError::ModelOnly`].
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

    /// The answers and their paraphrases.
    #[must_use]
    pub fn answers(&self) -> &AnswerSet {
        self.index.answers()
    }

    /// The index of the answers, for search and evaluation.
    #[must_use]
    pub fn answer_index(&self) -> &AnswerIndex {
        &self.index
    }

    /// The search index: vectors of all texts, and the BM25 index of a hybrid model.
    #[must_use]
    pub fn index(&self) -> &Index {
        self.index.index()
    }

    /// The manifest, `nearsay.json`.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Loads the vectors of the answers before expansion, which updates and evaluations need, but search doesn't. Does
    /// nothing without document expansion. Pass the `store` and `dir` that the model was opened with.
    ///
    /// # Errors
    /// If the file is missing or changed.
    pub fn load_unexpanded(&mut self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        let raw_rows = self.index.scoring().raw_rows(self.answers());
        let (Some(rows), None) = (raw_rows, self.index.unexpanded()) else {
            return Ok(());
        };
        if !self.manifest.has_answers() {
            return Ok(());
        }
        let vectors = vectors::read(store, dir, &self.manifest, answers::PLAIN)?;
        if (vectors.rows(), vectors.columns()) != (rows, self.index().dim()) {
            return Err(ServableError::changed(
                answers::PLAIN,
                "doesn't match the answers and the model",
            ));
        }
        self.index.set_unexpanded(Some(vectors));
        Ok(())
    }

    /// Splits the model into its text encoder and its answer index.
    #[must_use]
    pub fn into_parts(self) -> (Arc<TextModel>, AnswerIndex) {
        (self.model, self.index)
    }

    /// Returns the best `k` answers to a question, best first, by dense scores, and by keyword scores too in a hybrid
    /// model.
    ///
    /// # Errors
    /// If the question can't be encoded.
    pub fn ask(&self, question: &str, k: usize) -> Result<Vec<AnswerHit<'_>>, ServableError> {
        let vector = self.model.encode(&[question])?;
        Ok(self.index.search(question, vector.row(0), k))
    }

    /// Like [`ask`](Self::ask), with the question's vector from [`TextModel::encode`].
    #[must_use]
    pub fn ask_encoded(&self, question: &str, vector: &[f32], k: usize) -> Vec<AnswerHit<'_>> {
        self.index.search(question, vector, k)
    }

    /// Returns the `k` answers nearest to a vector from [`TextModel::encode`], nearest first, by dense scores alone. In a
    /// hybrid model their confidence is lower than in [`ask`](Self::ask).
    #[must_use]
    pub fn nearest(&self, vector: &[f32], k: usize) -> Vec<AnswerHit<'_>> {
        self.index.search_dense(vector, k)
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
