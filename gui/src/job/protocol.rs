//! The JSON lines that the children speak. Unknown events and fields are ignored, so that an
//! engine may learn to say more.

use serde::Deserialize;

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
        /// Seconds left, once the first was turned.
        #[serde(default)]
        eta_s: Option<f64>,
    },
    /// A round goes on.
    Batch {
        /// At most so many rounds.
        epochs: u64,
        /// Its steps done.
        done: u64,
        /// Its steps in all.
        total: u64,
        /// Seconds left.
        #[serde(default)]
        eta_s: Option<f64>,
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
    /// It learns once more, from all pairs.
    Again {
        /// How much of that is done, between 0 and 1.
        share: f32,
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

/// The report at the end, as far as the window needs it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct TrainReport {
    /// Pairs learned from.
    #[serde(default)]
    pub train_rows: u64,
    /// Rounds done.
    #[serde(default)]
    pub epochs: u64,
    /// Texts that had to be read.
    #[serde(default)]
    pub fresh_texts: u64,
    /// Seconds spent reading them.
    #[serde(default)]
    pub embed_s: f64,
    /// Seconds spent learning.
    #[serde(default)]
    pub train_s: f64,
}

/// The event in one line; `None` when the line is none.
pub(super) fn train_event(line: &str) -> Option<TrainEvent> {
    serde_json::from_str(line)
        .ok()
        .filter(|event| *event != TrainEvent::Unknown)
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
            Some(TrainEvent::Embed {
                done: 3,
                total: 9,
                eta_s: None
            })
        );
    }

    #[test]
    fn a_round_tells_how_far_it_is() {
        let line = r#"{"event":"batch","epoch":1,"epochs":4,"done":30,"total":186,"eta_s":200.5}"#;
        let expected = TrainEvent::Batch {
            epochs: 4,
            done: 30,
            total: 186,
            eta_s: Some(200.5),
        };
        assert_eq!(train_event(line), Some(expected));
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
}
