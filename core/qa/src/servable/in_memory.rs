use super::{
    AnswerSet, Confidence, Manifest, Servable, ServableError, TextModel, Words, answers, manifest,
    version, write::expanded,
};
use nearsay_core::matrix::Matrix;
use nearsay_search::expansion::Rule;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Everything a model answers with, before it is saved.
pub struct InMemory {
    /// The encoder with the layers behind it.
    pub model: TextModel,
    /// Name of the encoder.
    pub encoder: String,
    /// The answers with their paraphrases.
    pub answers: AnswerSet,
    /// The pooled vector of each of the set's texts, before the layers, `[n, d]`.
    pub vectors: Matrix,
    /// When an answer is confident, and how probably it is right.
    pub confidence: Confidence,
    /// Keyword search beside the vectors; none for search by vectors alone.
    pub words: Option<Words>,
    /// Document expansion; none for unexpanded answers.
    pub expansion: Option<Rule>,
}

impl Servable {
    /// A model in memory, which answers as it would after being saved and opened.
    ///
    /// # Errors
    /// When vectors and answers differ in number, or a weight is out of range.
    pub fn in_memory(parts: InMemory) -> Result<Self, ServableError> {
        let wrong = |error: &dyn std::fmt::Display| {
            ServableError::changed(answers::VECTORS, error.to_string())
        };
        let words = Words::sound(parts.words)?;
        let expansion = manifest::sound(parts.expansion)?;
        let vectors = parts.model.finish(parts.vectors)?;
        let (vectors, plain) = match expansion {
            Some(rule) => {
                let (moved, plain) =
                    expanded(rule, &parts.answers, &vectors).map_err(|e| wrong(&e))?;
                (moved, Some(plain))
            }
            None => (vectors, None),
        };
        let (texts, owners) = (parts.answers.texts(), parts.answers.owners());
        let index = Words::index(words, vectors, owners, &texts).map_err(|e| wrong(&e))?;
        Ok(Self {
            model: Arc::new(parts.model),
            answers: parts.answers,
            index,
            plain,
            manifest: Manifest {
                format: version::FORMAT,
                written_by: env!("CARGO_PKG_VERSION").into(),
                encoder: parts.encoder,
                confidence: parts.confidence,
                words,
                expansion,
                report: Value::Null,
                files: BTreeMap::new(),
            },
        })
    }
}
