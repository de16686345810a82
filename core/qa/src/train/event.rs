//! Events of a run: one JSON line each with `nearsay train --json`.

use super::report::{BatchFigures, Report};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One pass over the training pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, from 0.
    pub epoch: usize,
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Mean loss of the training pairs, each batch measured before its update.
    pub loss: f32,
    /// Training pairs, each batch measured before its update.
    pub train: BatchFigures,
    /// Held-out pairs, measured after the epoch; none when nothing is held out.
    pub val: Option<BatchFigures>,
    /// Seconds left at the present pace, at most.
    pub eta_s: f64,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The base model is being downloaded, in bytes.
    Model {
        /// Bytes received so far.
        done: u64,
        /// Bytes in all, 0 when unknown.
        total: u64,
        /// Source of the download.
        source: String,
    },
    /// Texts are being embedded.
    Embed {
        /// Texts done, including those found in the cache.
        done: usize,
        /// Texts in all.
        total: usize,
        /// Seconds left at the pace of the texts embedded in this run, those from the cache left out;
        /// absent before the first one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta_s: Option<f64>,
    },
    /// Progress within an epoch, about once a second.
    Batch {
        /// Number of the epoch, from 0.
        epoch: usize,
        /// Maximum number of epochs.
        epochs: usize,
        /// Batches of the epoch done.
        done: usize,
        /// Batches of the epoch in all.
        total: usize,
        /// Seconds left at the present pace, at most.
        eta_s: f64,
    },
    /// The end of an epoch.
    Epoch(Epoch),
    /// The state after this epoch is the best so far.
    Best {
        /// Number of the epoch, from 0.
        epoch: usize,
    },
    /// Progress of the refit on all data. `"again"` in JSON.
    #[serde(rename = "again", alias = "refit")]
    Refit {
        /// Fraction done, from 0 to 1.
        share: f32,
        /// Seconds left at the present pace.
        eta_s: f64,
    },
    /// A remark for the owner of the run.
    Note(Note),
    /// The run is over and its model is saved.
    Finished {
        /// Result of the run.
        report: Box<Report>,
    },
    /// The run failed.
    Failed {
        /// Description of the failure.
        error: String,
        /// What to do next.
        remedy: String,
    },
}

/// A remark about a run.
///
/// [`Display`](fmt::Display) is the English sentence. In JSON a note has that sentence as `text`, its
/// name as `note`, and its fields:
///
/// ```
/// use nearsay::train::{Event, Note};
///
/// let event = Event::Note(Note::Paused { epoch: 2, saved: true });
/// let json = serde_json::to_string(&event).unwrap();
/// assert_eq!(
///     json,
///     r#"{"event":"note","text":"Paused in epoch 3; everything is saved.","note":"paused","epoch":2,"saved":true}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "NoteLine", into = "NoteLine")]
#[non_exhaustive]
pub enum Note {
    /// The loss or a weight became NaN or infinite. The run continues from the last good state with
    /// half the learning rate.
    Diverged {
        /// Number of the epoch, from 0.
        epoch: usize,
        /// Learning rate of the next attempt.
        lr: f64,
        /// Further attempts after that one.
        retries_left: usize,
    },
    /// The run is paused.
    Paused {
        /// Number of the epoch, from 0.
        epoch: usize,
        /// Whether there is a checkpoint of this state.
        saved: bool,
    },
    /// The run continues from a checkpoint.
    Resumed {
        /// Number of the epoch, from 0.
        epoch: usize,
    },
    /// Too few distinct answers for a validation split.
    TooFewAnswers,
    /// Files of the embedding cache could not be read; their texts were embedded again.
    DamagedCache {
        /// Number of files.
        files: usize,
    },
    /// Fine-tuning runs on the CPU although another device was chosen.
    CpuOnly,
    /// This processor has no bfloat16 arithmetic, so fine-tuning is slower.
    NoBf16,
    /// Some held-out answers are training answers, too.
    SharedAnswers {
        /// Number of shared answers.
        shared: usize,
        /// Number of held-out answers.
        held_out: usize,
    },
    /// Any other remark.
    Other {
        /// The sentence.
        text: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diverged {
                epoch,
                lr,
                retries_left,
            } => {
                let epoch = epoch + 1;
                write!(
                    f,
                    "Training diverged in epoch {epoch}. Continuing from the last good state with a \
                     learning rate of {lr}; "
                )?;
                match retries_left {
                    0 => f.write_str("this is the last attempt."),
                    1 => f.write_str("one more attempt is left."),
                    n => write!(f, "{n} more attempts are left."),
                }
            }
            Self::Paused { epoch, saved } => {
                let saved = if *saved { "; everything is saved" } else { "" };
                write!(f, "Paused in epoch {}{saved}.", epoch + 1)
            }
            Self::Resumed { epoch } => write!(f, "Continuing in epoch {}.", epoch + 1),
            Self::TooFewAnswers => f.write_str(
                "There are too few distinct answers for a validation split, so the effect of training \
                 is not measured.",
            ),
            Self::DamagedCache { files } => write!(
                f,
                "{files} files of saved embeddings could not be read; their texts were embedded again."
            ),
            Self::CpuOnly => f.write_str(
                "The transformer trains on the CPU; the graphics card only computes embeddings.",
            ),
            Self::NoBf16 => f.write_str(
                "This processor has no bfloat16 arithmetic, so training takes longer.",
            ),
            Self::SharedAnswers { shared, held_out } => write!(
                f,
                "{shared} of the {held_out} held-out answers are also training answers, with other \
                 questions."
            ),
            Self::Other { text } => f.write_str(text),
        }
    }
}

/// A note as a JSON line has it.
#[derive(Serialize, Deserialize)]
struct NoteLine {
    text: String,
    #[serde(flatten)]
    kind: Option<NoteKind>,
}

/// The typed part of a note's line; the fields are those of [`Note`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
enum NoteKind {
    Diverged {
        epoch: usize,
        lr: f64,
        retries_left: usize,
    },
    Paused {
        epoch: usize,
        saved: bool,
    },
    Resumed {
        epoch: usize,
    },
    TooFewAnswers,
    DamagedCache {
        files: usize,
    },
    CpuOnly,
    NoBf16,
    SharedAnswers {
        shared: usize,
        held_out: usize,
    },
}

impl From<Note> for NoteLine {
    fn from(note: Note) -> Self {
        let text = note.to_string();
        let kind = match note {
            Note::Diverged {
                epoch,
                lr,
                retries_left,
            } => NoteKind::Diverged {
                epoch,
                lr,
                retries_left,
            },
            Note::Paused { epoch, saved } => NoteKind::Paused { epoch, saved },
            Note::Resumed { epoch } => NoteKind::Resumed { epoch },
            Note::TooFewAnswers => NoteKind::TooFewAnswers,
            Note::DamagedCache { files } => NoteKind::DamagedCache { files },
            Note::CpuOnly => NoteKind::CpuOnly,
            Note::NoBf16 => NoteKind::NoBf16,
            Note::SharedAnswers { shared, held_out } => {
                NoteKind::SharedAnswers { shared, held_out }
            }
            Note::Other { .. } => return Self { text, kind: None },
        };
        Self {
            text,
            kind: Some(kind),
        }
    }
}

impl From<NoteLine> for Note {
    fn from(NoteLine { text, kind }: NoteLine) -> Self {
        let Some(kind) = kind else {
            return Self::Other { text };
        };
        match kind {
            NoteKind::Diverged {
                epoch,
                lr,
                retries_left,
            } => Self::Diverged {
                epoch,
                lr,
                retries_left,
            },
            NoteKind::Paused { epoch, saved } => Self::Paused { epoch, saved },
            NoteKind::Resumed { epoch } => Self::Resumed { epoch },
            NoteKind::TooFewAnswers => Self::TooFewAnswers,
            NoteKind::DamagedCache { files } => Self::DamagedCache { files },
            NoteKind::CpuOnly => Self::CpuOnly,
            NoteKind::NoBf16 => Self::NoBf16,
            NoteKind::SharedAnswers { shared, held_out } => {
                Self::SharedAnswers { shared, held_out }
            }
        }
    }
}

impl Event {
    /// A note in free text.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note(Note::Other { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &Event) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn events_are_the_documented_json() {
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
        let refit = Event::Refit {
            share: 0.5,
            eta_s: 2.5,
        };
        assert_eq!(json(&refit), r#"{"event":"again","share":0.5,"eta_s":2.5}"#);
        let back: Event = serde_json::from_str(&json(&Event::Epoch(epoch))).unwrap();
        assert_eq!(back, Event::Epoch(epoch));
    }

    #[test]
    fn notes_keep_their_sentence_and_their_fields_in_json() {
        let free = Event::note("A remark.");
        assert_eq!(json(&free), r#"{"event":"note","text":"A remark."}"#);
        let notes = [
            Note::Diverged {
                epoch: 2,
                lr: 0.5,
                retries_left: 1,
            },
            Note::Paused {
                epoch: 0,
                saved: false,
            },
            Note::Resumed { epoch: 4 },
            Note::TooFewAnswers,
            Note::DamagedCache { files: 3 },
            Note::CpuOnly,
            Note::NoBf16,
            Note::SharedAnswers {
                shared: 1,
                held_out: 2,
            },
        ];
        for note in notes.map(Event::Note).into_iter().chain([free]) {
            let back: Event = serde_json::from_str(&json(&note)).unwrap();
            assert_eq!(back, note, "{}", json(&note));
        }
        let newer = r#"{"event":"note","text":"From a newer version.","note":"moon","phase":3}"#;
        let note: Event = serde_json::from_str(newer).unwrap();
        assert_eq!(note, Event::note("From a newer version."));
    }
}
