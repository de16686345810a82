//! The JSON lines that the children speak. Unknown events and fields are ignored, so that an
//! engine may learn to say more.

use std::path::PathBuf;

use serde::Deserialize;

use crate::state::{Answer, Figures, Outcome, Reply, Trouble};

/// One event of `train --json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum TrainEvent {
    /// Getting the base model: bytes.
    Model {
        /// Bytes so far.
        #[serde(default)]
        done: u64,
        /// All bytes.
        #[serde(default)]
        total: u64,
        /// Where from.
        #[serde(default)]
        source: String,
    },
    /// Turning texts into vectors.
    Embed {
        /// Texts so far.
        done: u64,
        /// All texts.
        total: u64,
    },
    /// One round of learning is over.
    Epoch {
        /// Which, counted from 0.
        epoch: u64,
        /// At most so many.
        #[serde(default)]
        epochs: u64,
        /// How wrong the model was.
        #[serde(default)]
        loss: Option<f64>,
        /// On the questions it trains on.
        #[serde(default)]
        train: Option<Shares>,
        /// On the questions kept aside.
        #[serde(default)]
        val: Option<Shares>,
        /// Seconds left.
        #[serde(default)]
        eta_s: Option<f64>,
    },
    /// This round is the best so far.
    Best {
        /// Which, counted from 0.
        epoch: u64,
    },
    /// A remark for the user.
    Note {
        /// What it says.
        text: String,
    },
    /// It is done and the model is saved.
    Finished {
        /// What came of it.
        #[serde(default)]
        report: TrainReport,
    },
    /// It could not be done.
    Failed {
        /// What happened.
        #[serde(default)]
        error: String,
        /// What to do about it.
        #[serde(default)]
        remedy: Option<String>,
    },
    /// Something newer than this window.
    #[serde(other)]
    Unknown,
}

/// Batch-wise shares of one round.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Shares {
    /// Right answer first, between 0 and 1.
    #[serde(default, rename = "rp@1")]
    pub first: Option<f64>,
}

/// The report at the end, as far as the window shows it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct TrainReport {
    /// Held-out questions before training.
    #[serde(default)]
    before: Option<Recall>,
    /// Held-out questions after training.
    #[serde(default)]
    after: Option<Recall>,
    /// How many.
    #[serde(default)]
    held_out: Option<u64>,
    /// The model's folder.
    #[serde(default)]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
struct Recall {
    #[serde(default, rename = "recall@1")]
    first: Option<f64>,
    #[serde(default, rename = "recall@5")]
    top5: Option<f64>,
}

impl From<TrainReport> for Outcome {
    fn from(report: TrainReport) -> Self {
        let figures = |recall: Option<Recall>| {
            let Recall { first, top5 } = recall.unwrap_or_default();
            Figures { first, top5 }
        };
        Self {
            before: figures(report.before),
            after: figures(report.after),
            held_out: report.held_out.unwrap_or(0),
            dir: report.dir,
        }
    }
}

/// The event in one line; `None` when the line is none.
pub(super) fn train_event(line: &str) -> Option<TrainEvent> {
    serde_json::from_str(line)
        .ok()
        .filter(|event| *event != TrainEvent::Unknown)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Failed {
        error: String,
        #[serde(default)]
        remedy: Option<String>,
    },
    Answers {
        answers: Vec<SaidAnswer>,
        #[serde(default)]
        confident: bool,
    },
}

#[derive(Deserialize)]
struct SaidAnswer {
    answer: String,
    #[serde(default)]
    question: Option<String>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    row: Option<u64>,
}

/// What the answering child said in one line; `None` when the line is no answer.
pub(super) fn reply(line: &str) -> Option<Result<Reply, Trouble>> {
    Some(match serde_json::from_str(line).ok()? {
        Said::Failed { error, remedy } => Err(Trouble::new(error, remedy.unwrap_or_default())),
        Said::Answers { answers, confident } => Ok(Reply {
            answers: answers.into_iter().map(Answer::from).collect(),
            confident,
            ..Reply::default()
        }),
    })
}

impl From<SaidAnswer> for Answer {
    fn from(said: SaidAnswer) -> Self {
        let score = said.score.filter(|score| score.is_finite()).unwrap_or(0.0);
        Self {
            answer: said.answer,
            question: said.question,
            score,
            row: said.row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_events_and_fields_are_ignored() {
        assert_eq!(train_event(r#"{"event":"moon","phase":3}"#), None);
        assert_eq!(train_event("Loading…"), None);
        assert_eq!(
            train_event(r#"{"event":"embed","done":3,"total":9,"device":"cpu"}"#),
            Some(TrainEvent::Embed { done: 3, total: 9 })
        );
    }

    #[test]
    fn an_epoch_may_lack_a_check() {
        let line = r#"{"event":"epoch","epoch":2,"epochs":9,"loss":null,"train":{"rp@1":0.5,"rrk":0.6},"val":null,"eta_s":3}"#;
        let Some(TrainEvent::Epoch {
            train, val, loss, ..
        }) = train_event(line)
        else {
            panic!()
        };
        assert_eq!(
            (train.and_then(|shares| shares.first), val, loss),
            (Some(0.5), None, None)
        );
    }

    #[test]
    fn a_reply_is_answers_or_an_error() {
        let good = reply(
            r#"{"question":"q","answers":[{"answer":"a","question":null,"score":0.5,"row":3}],"confident":true}"#,
        );
        assert!(
            matches!(good, Some(Ok(reply)) if reply.confident && reply.answers[0].row == Some(3))
        );
        let bad = reply(r#"{"error":"No model","remedy":"Train first"}"#);
        assert!(matches!(bad, Some(Err(trouble)) if trouble.fix == "Train first"));
        assert!(reply("noise").is_none());
    }
}
