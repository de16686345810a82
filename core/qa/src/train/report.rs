//! The report of a training run: settings, figures before and after, findings.

use super::settings::Settings;
pub use crate::answer_index::{PoolFigures, TopicChange};
use serde::{Deserialize, Serialize};

/// The tutorial's batch metrics over an epoch, weighted by batch size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchFigures {
    /// Retrieval precision at 1: fraction of embeddings whose nearest neighbour is the other half of their pair.
    #[serde(rename = "rp@1")]
    pub rp_1: f32,
    /// Retrieval reciprocal rank: mean of 1 / rank of the other half of the pair.
    pub rrk: f32,
}

/// Findings about the data from the held-out questions; at most ten entries per list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Topics with more or fewer right answers than before, largest loss first.
    #[serde(rename = "sources")]
    pub topics: Vec<TopicChange>,
    /// Over-retrieved answers, most frequent first.
    #[serde(rename = "hubs")]
    pub over_retrieved: Vec<OverRetrievedAnswer>,
    /// Confused pairs of answers, most frequent first.
    #[serde(rename = "twins")] // language: allow
    pub confused: Vec<ConfusedAnswers>,
}

/// An over-retrieved answer: it comes first for questions of other answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverRetrievedAnswer {
    /// Line of the answer in the FAQ file.
    pub row: u64,
    /// Text of the answer.
    pub answer: String,
    /// Number of held-out questions that wrongly got this answer.
    pub questions: usize,
}

/// A confused pair: two answers that the model mistakes for each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusedAnswers {
    /// Lines of the answers in the FAQ file.
    pub rows: [u64; 2],
    /// Texts of the answers.
    pub answers: [String; 2],
    /// Cosine similarity, in `[−1, 1]`.
    pub similarity: f32,
    /// Number of held-out questions of one answer that got the other.
    pub questions: usize,
}

/// Result of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Path of the model directory.
    pub dir: String,
    /// Name of the base encoder, for example `minilm`.
    pub encoder: String,
    /// The settings used.
    pub settings: Settings,
    /// Number of training pairs.
    pub train_rows: usize,
    /// Number of held-out pairs.
    pub held_out: usize,
    /// Number of epochs trained.
    pub epochs: usize,
    /// Epoch of the selected state, from 0; `None` for the untrained state.
    pub kept_epoch: Option<usize>,
    /// Whether the run was stopped before its last epoch.
    pub stopped: bool,
    /// Held-out questions searched among all answers by the base encoder.
    pub before: Option<PoolFigures>,
    /// Held-out questions searched among all answers by the trained model as served, with hybrid search and
    /// document expansion if the model uses them.
    pub after: Option<PoolFigures>,
    /// Weight of the keyword score in hybrid search; `None` for dense search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<f32>,
    /// `after` without keyword scores; `None` if `after` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_words: Option<PoolFigures>,
    /// Weight of [document expansion](nearsay_search::expansion); `None` if the answers aren't expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<f32>,
    /// `after` without document expansion; `None` if the answers aren't expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_expansion: Option<PoolFigures>,
    /// Findings about the data.
    #[serde(default)]
    pub findings: Findings,
    /// The tutorial's batch metrics on the training pairs in the last epoch.
    pub train: Option<BatchFigures>,
    /// The tutorial's batch metrics on the held-out pairs after the last epoch.
    pub val: Option<BatchFigures>,
    /// Number of texts embedded in this run; the others came from the cache.
    pub fresh_texts: usize,
    /// Seconds spent embedding texts.
    pub embed_s: f64,
    /// Seconds spent on training, including validation.
    pub train_s: f64,
}
