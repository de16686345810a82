//! Learning: a head, the table of a static encoder, or a network.
//!
//! Where a slice of the training questions is kept aside, heads, and networks that had to do without many, learn
//! once more for as many rounds from all pairs. What is found out on the slice, whether to keep what was learned
//! and how to rank answers, is of the first learning.

mod head;
mod network;
mod table;

use super::{Job, texts::Places};
use crate::{
    answer_index::Scoring,
    train::{Event, Fit, Fitted, Keep, Pairs, Settings, TrainError, data::Texts},
};
use nearsay_core::{head::Folded, matrix::Matrix};

/// What was learned.
pub(super) struct Learned {
    /// How answers are to be ranked.
    pub(super) ranking: Scoring,
    pub(super) fitted: Fitted,
    pub(super) head: Folded,
    pub(super) table: Option<Matrix>,
    /// The learned network, as the bytes of its weights' file.
    pub(super) network: Option<Vec<u8>>,
    /// Vectors of all texts as they are after training, with the head.
    pub(super) vectors: Matrix,
}

impl Job<'_, '_> {
    fn fit<'f, X>(&'f self, train: &'f Pairs<X>, val: &'f Pairs<X>) -> Fit<'f, X>
    where
        X: Texts,
    {
        Fit {
            settings: self.settings,
            train,
            val: Some(val).filter(|val| !val.is_empty()),
            control: self.control,
            checkpoint: self.checkpoint.clone(),
            to_beat: None,
            vectors: None,
        }
    }

    /// The settings of learning once more from all pairs, up to the round that was best.
    fn again(&self, best: usize) -> Settings {
        Settings {
            epochs: best + 1,
            keep: Keep::Last,
            ..self.settings.clone()
        }
    }

    /// A run by these settings from all pairs, of which nothing is saved or measured.
    fn from_all<'f, X>(fit: &Fit<'f, X>, settings: &'f Settings) -> Fit<'f, X> {
        Fit {
            settings,
            train: fit.train,
            val: None,
            control: fit.control,
            checkpoint: None,
            to_beat: None,
            vectors: fit.vectors,
        }
    }

    /// What there was before is kept.
    fn unchanged(&self, fitted: Fitted, place: &Places<'_>) -> Result<Learned, TrainError> {
        Ok(Learned {
            ranking: self.ranking(place)?,
            head: Folded::Identity,
            table: None,
            network: None,
            fitted: Fitted {
                kept_epoch: None,
                ..fitted
            },
            vectors: place.vectors.clone(),
        })
    }
}

/// How far learning once more is, in place of what it tells of its own rounds.
fn once_more(on_event: &mut dyn FnMut(Event)) -> impl FnMut(Event) {
    move |event| match event {
        Event::Batch {
            epoch,
            epochs,
            done,
            total,
            eta_s,
        } => on_event(Event::Again {
            share: (epoch as f32 + done as f32 / total.max(1) as f32) / epochs.max(1) as f32,
            eta_s,
        }),
        Event::Epoch(epoch) => on_event(Event::Again {
            share: (epoch.epoch + 1) as f32 / epoch.epochs.max(1) as f32,
            eta_s: epoch.eta_s,
        }),
        Event::Note { .. } => on_event(event),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_once_more_is_told_by_its_share() {
        let mut told = Vec::new();
        let mut on_event = |event| told.push(event);
        let mut tell = once_more(&mut on_event);
        tell(Event::Batch {
            epoch: 1,
            epochs: 4,
            done: 5,
            total: 10,
            eta_s: 2.5,
        });
        tell(Event::Best { epoch: 1 });
        tell(Event::note("Paused in round 2."));
        drop(tell);
        let again = Event::Again {
            share: 0.375,
            eta_s: 2.5,
        };
        assert_eq!(told, [again, Event::note("Paused in round 2.")]);
    }
}
