//! The report of a training run: settings, figures before and after, findings.

use super::settings::Settings;
pub use crate::answer_index::{Difference, PoolFigures, TopicChange};
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

/// Figures of one task before and after training, on the same questions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The model of before; see [`Report::compared_with`].
    pub before: PoolFigures,
    /// The trained model as served.
    pub after: PoolFigures,
    /// Result of a paired test; `None` if the model of before was asked other questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// The model that a trained model is compared with.
///
/// In JSON: `base_encoder`, `built_in`, `previous`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedWith {
    /// The untrained base encoder with the keyword search of the recipe.
    #[default]
    BaseEncoder,
    /// The untrained built-in encoder with keyword search.
    BuiltIn,
    /// An earlier trained model, by the outcomes of its own training.
    Previous,
}

/// How the figures of a report were measured.
///
/// In JSON: `{"cross_validation": {"folds": 10}}`, `"held_out"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Models were trained for the measurement alone, each without the questions that it was asked. The model of the
    /// run is trained on all questions.
    CrossValidation {
        /// Number of models. One model is asked a part of the questions, several models are asked all of them.
        folds: usize,
    },
    /// The model of the run was asked questions that it is not trained on.
    HeldOut,
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
    /// Known answers asked for in new words: a question is held out, its answer and its other paraphrases stay in the
    /// index. The figure closest to daily use. `None` if no answer has paraphrases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_answers: Option<Comparison>,
    /// New answers: all questions of an answer are held out, and the answers alone are searched, as in Quaterion's
    /// tutorial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_answers: Option<Comparison>,
    /// Result of a paired test on the questions that decide: those about known answers if at least half of the
    /// questions are, otherwise all. `None` if nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// The model that [`known_answers`](Self::known_answers), [`new_answers`](Self::new_answers) and
    /// [`difference`](Self::difference) compare with.
    #[serde(default)]
    pub compared_with: ComparedWith,
    /// How the figures were measured; `None` if nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Questions searched among the answers alone by the base encoder without keyword scores: held-out questions, or the
    /// questions of [`new_answers`](Self::new_answers) if nothing was held out.
    pub before: Option<PoolFigures>,
    /// The questions of [`before`](Self::before) searched among the answers alone by the trained model as served, with
    /// hybrid search and document expansion if the model uses them.
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

impl Report {
    /// The figures to judge the model by: those of known answers, or else those of new answers.
    #[must_use]
    pub fn headline(&self) -> Option<Comparison> {
        self.known_answers.or(self.new_answers)
    }
}
