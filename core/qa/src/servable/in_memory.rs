use super::{
    AnswerSet, Confidence, Manifest, Servable, ServableError, TextModel, Words, answers, manifest,
    version,
};
use crate::answer_index::AnswerIndex;
use nearsay_core::matrix::Matrix;
use nearsay_search::{expansion::Rule, prototype::Prototype};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Parts of a model in memory.
pub struct InMemory {
    /// The encoder and its dense layers.
    pub model: TextModel,
    /// Name of the encoder.
    pub encoder: String,
    /// The answers with their paraphrases.
    pub answers: AnswerSet,
    /// Pooled vectors of the texts of `answers`, before the dense layers, `[n, d]`.
    pub vectors: Matrix,
    /// Confidence rule.
    pub confidence: Confidence,
    /// Keyword scoring; `None` or a weight of 0 for dense search.
    pub words: Option<Words>,
    /// Document expansion; `None` or a weight of 0 for unexpanded answers.
    pub expansion: Option<Rule>,
    /// Prototype scoring; `None` to compare with the nearest paraphrase alone.
    pub prototype: Option<Prototype>,
}

impl Servable {
    /// Builds a model in memory. It answers as if it had been saved and opened.
    ///
    /// # Errors
    /// If `vectors` doesn't have one row for each text, or if a weight isn't a number from 0 to 4.
    pub fn in_memory(parts: InMemory) -> Result<Self, ServableError> {
        let scoring = manifest::sound_scoring(parts.words, parts.expansion, parts.prototype)?;
        let vectors = parts.model.finish(parts.vectors)?;
        let index = AnswerIndex::build(Arc::new(parts.answers), vectors, scoring)
            .map_err(|error| ServableError::changed(answers::VECTORS, error))?;
        let confidence = parts
            .confidence
            .clone()
            .with_languages(parts.model.languages());
        Ok(Self {
            model: Arc::new(parts.model),
            index: index.with_confidence(confidence),
            manifest: Manifest {
                format: version::FORMAT,
                written_by: env!("CARGO_PKG_VERSION").into(),
                encoder: parts.encoder,
                confidence: parts.confidence,
                words: scoring.hybrid,
                expansion: scoring.expansion,
                prototype: scoring.prototype,
                report: Value::Null,
                files: BTreeMap::new(),
            },
        })
    }
}
