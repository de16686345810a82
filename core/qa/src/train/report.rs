//! Before and after, on questions that were kept aside.

use super::settings::Settings;
use nearsay_core::metric::PoolMetrics;
use serde::{Deserialize, Serialize};

/// The tutorial's batch metrics over an epoch, weighted by batch size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchFigures {
    /// Retrieval precision: share of embeddings whose nearest other one is their own pair's.
    #[serde(rename = "rp@1")]
    pub rp_1: f32,
    /// Retrieval reciprocal rank: mean of 1 / rank of the pair's other half.
    pub rrk: f32,
}

/// Retrieval over a pool of answers, as a report keeps it. All in `[0, 1]`, more is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolFigures {
    /// Questions asked.
    pub questions: usize,
    /// Distinct answers in the pool.
    pub pool: usize,
    /// Share of questions with a right answer first.
    #[serde(rename = "recall@1")]
    pub recall_1: f32,
    /// Share of questions with a right answer among the first five.
    #[serde(rename = "recall@5")]
    pub recall_5: f32,
    /// Share of questions with a right answer among the first ten.
    #[serde(rename = "recall@10")]
    pub recall_10: f32,
    /// Mean reciprocal rank of the first right answer, 0 beyond ten.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f32,
    /// Normalised discounted cumulative gain up to ten.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f32,
}

impl PoolFigures {
    /// The figures of what was measured over a pool of this many answers; `None` without questions.
    #[must_use]
    pub fn of(metrics: &PoolMetrics, pool: usize) -> Option<Self> {
        Some(Self {
            questions: metrics.questions(),
            pool,
            recall_1: metrics.accuracy_at(1)?,
            recall_5: metrics.accuracy_at(5)?,
            recall_10: metrics.accuracy_at(10)?,
            mrr_10: metrics.mrr_10()?,
            ndcg_10: metrics.ndcg_10()?,
        })
    }
}

/// What a run found out about the data, on the questions kept aside; each list is at most ten long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Sources that are answered better or worse than before, the worst first.
    pub sources: Vec<SourceChange>,
    /// Answers given where others are right, the most often first.
    pub hubs: Vec<Hub>,
    /// Answers that are nearly the same and taken for one another, the most often first.
    pub twins: Vec<Twins>,
}

/// A source of questions before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceChange {
    /// Its name in the data.
    pub source: String,
    /// Its questions kept aside.
    pub questions: usize,
    /// How many of them found a right answer first as the encoder was.
    pub before: usize,
    /// How many do now.
    pub after: usize,
}

/// An answer that attracts questions of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hub {
    /// Its line in the data.
    pub row: u64,
    /// Its text.
    pub answer: String,
    /// Questions kept aside that got it and have another.
    pub questions: usize,
}

/// Two answers that cannot be told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Twins {
    /// Their lines in the data.
    pub rows: [u64; 2],
    /// Their texts.
    pub answers: [String; 2],
    /// Cosine similarity, in `[−1, 1]`.
    pub similarity: f32,
    /// Questions kept aside of one that got the other.
    pub questions: usize,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where the model was written.
    pub dir: String,
    /// Name of the encoder, for example `minilm`.
    pub encoder: String,
    /// The settings used.
    pub settings: Settings,
    /// Pairs trained on.
    pub train_rows: usize,
    /// Pairs kept aside.
    pub held_out: usize,
    /// Epochs done.
    pub epochs: usize,
    /// The epoch whose state was kept; none when that is the untrained head.
    pub kept_epoch: Option<usize>,
    /// Whether somebody stopped the run before its end.
    pub stopped: bool,
    /// The questions kept aside asked of all answers, by the encoder as it was.
    pub before: Option<PoolFigures>,
    /// The same, after training, as the model is served: with words where it has them.
    pub after: Option<PoolFigures>,
    /// What words count for beside the vectors; none when vectors alone are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<f32>,
    /// As `after`, words left out; none when that is what `after` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_words: Option<PoolFigures>,
    /// How far answers are moved towards the questions of answers like them
    /// ([`expansion`](nearsay_search::expansion)); none when they are compared as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<f32>,
    /// As `after`, answers as they are; none when that is what `after` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_expansion: Option<PoolFigures>,
    /// What it found out about the data.
    #[serde(default)]
    pub findings: Findings,
    /// The tutorial's batch metrics on the training pairs in the last epoch.
    pub train: Option<BatchFigures>,
    /// The tutorial's batch metrics on the pairs kept aside after the last epoch.
    pub val: Option<BatchFigures>,
    /// Texts that had to be embedded; the others were found saved.
    pub fresh_texts: usize,
    /// Seconds spent embedding texts.
    pub embed_s: f64,
    /// Seconds spent learning, measuring included.
    pub train_s: f64,
}
