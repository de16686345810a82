//! What a run tells while it goes, one JSON line each with `--json`.

use super::report::{BatchFigures, Report};
use serde::{Deserialize, Serialize};

/// One pass over the training pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 0.
    pub epoch: usize,
    /// How many there are at most.
    pub epochs: usize,
    /// Mean loss of the training pairs, each batch measured before its update.
    pub loss: f32,
    /// Training pairs, each batch measured before its update.
    pub train: BatchFigures,
    /// Pairs kept aside, measured after the epoch; none when nothing is kept aside.
    pub val: Option<BatchFigures>,
    /// Seconds left at most, at the present pace.
    pub eta_s: f64,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The model is being fetched, in bytes.
    Model {
        /// Bytes here so far.
        done: u64,
        /// Bytes in all, 0 when not known.
        total: u64,
        /// Where they come from.
        source: String,
    },
    /// Texts are being embedded.
    Embed {
        /// Texts done, those found in the cache among them.
        done: usize,
        /// Texts in all.
        total: usize,
        /// Seconds left at the pace of the texts embedded in this run; absent before the first was.
        /// Texts found in the cache do not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta_s: Option<f64>,
    },
    /// An epoch goes on; told about once a second.
    Batch {
        /// The epoch's number, from 0.
        epoch: usize,
        /// How many there are at most.
        epochs: usize,
        /// Its batches done.
        done: usize,
        /// Its batches in all.
        total: usize,
        /// Seconds left at most, at the present pace.
        eta_s: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// The state after this epoch is the best so far.
    Best {
        /// Its number, from 0.
        epoch: usize,
    },
    /// It learns once more, from all pairs, those kept out of it before among them.
    Again {
        /// How much of that is done, from 0 to 1.
        share: f32,
        /// Seconds left, at the present pace.
        eta_s: f64,
    },
    /// Something the owner should know, in words.
    Note {
        /// The words.
        text: String,
    },
    /// The run is over and its model is written.
    Finished {
        /// What came of it.
        report: Box<Report>,
    },
    /// The run could not be finished.
    Failed {
        /// What happened and where.
        error: String,
        /// What to do next.
        remedy: String,
    },
}

impl Event {
    /// A note of these words.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_documented_json() {
        let json = |event: &Event| serde_json::to_string(event).unwrap();
        let embed = |eta_s| Event::Embed {
            done: 1,
            total: 2,
            eta_s,
        };
        assert_eq!(
            json(&embed(None)),
            r#"{"event":"embed","done":1,"total":2}"#
        );
        assert_eq!(
            json(&embed(Some(2.5))),
            r#"{"event":"embed","done":1,"total":2,"eta_s":2.5}"#
        );
        let back: Event = serde_json::from_str(&json(&embed(None))).unwrap();
        assert_eq!(back, embed(None));
        let figures = BatchFigures {
            rp_1: 0.5,
            rrk: 0.75,
        };
        let epoch = Epoch {
            epoch: 3,
            epochs: 5,
            loss: 1.5,
            train: figures,
            val: None,
            eta_s: 2.0,
        };
        assert_eq!(
            json(&Event::Epoch(epoch)),
            r#"{"event":"epoch","epoch":3,"epochs":5,"loss":1.5,"train":{"rp@1":0.5,"rrk":0.75},"val":null,"eta_s":2.0}"#
        );
        let again = Event::Again {
            share: 0.5,
            eta_s: 2.5,
        };
        assert_eq!(json(&again), r#"{"event":"again","share":0.5,"eta_s":2.5}"#);
        let back: Event = serde_json::from_str(&json(&Event::Epoch(epoch))).unwrap();
        assert_eq!(back, Event::Epoch(epoch));
    }
}
