//! Training a head, token embeddings, a transformer, or an encoder of the caller's.
//!
//! After model selection, heads, and transformers on small data, are refitted on all training pairs for
//! the selected number of epochs. The selection results, whether to keep the model and how to rank
//! answers, come from the first fit.

mod encoder;
mod head;
mod network;
mod table;

use super::{Job, ranking::Ranking, texts::Places};
use crate::train::{Event, Fit, Fitted, ModelSelection, Pairs, Settings, TrainError, data::Texts};
use nearsay_core::{head::Folded, loss::LossKind, matrix::Matrix};

/// Result of training.
pub(super) struct Learned {
    /// How to rank answers.
    pub(super) ranking: Ranking,
    pub(super) fitted: Fitted,
    pub(super) head: Folded,
    pub(super) table: Option<Matrix>,
    /// The fine-tuned transformer's weights as a safetensors file.
    pub(super) network: Option<Vec<u8>>,
    /// Vectors of all texts after training, with the head.
    pub(super) vectors: Matrix,
    /// Whether the encoder itself changed.
    pub(super) is_new_encoder: bool,
}

impl Job<'_, '_> {
    fn fit<'f, X>(&'f self, train: &'f Pairs<X>, val: &'f Pairs<X>) -> Fit<'f, X>
    where
        X: Texts,
    {
        Fit {
            val: Some(val).filter(|val| !val.is_empty()),
            checkpoint: self.checkpoint.clone(),
            loss: self.loss.clone(),
            ..Fit::new(self.settings, train, self.control)
        }
    }

    /// Base vectors of the training pairs, if the loss has a guide.
    fn guide(&self, place: &Places<'_>) -> Result<Option<Pairs>, TrainError> {
        if self.settings.loss != LossKind::GuidedRanking || !self.loss.is_from_settings() {
            return Ok(None);
        }
        place.pairs(self.rows).map(Some)
    }

    /// The settings of the refit on all pairs, up to the best epoch.
    fn refit_settings(&self, best: usize) -> Settings {
        Settings {
            epochs: best + 1,
            selection: ModelSelection::Last,
            ..self.settings.clone()
        }
    }

    /// The refit on all pairs, which saves and measures nothing.
    fn refit<'f, X>(fit: &Fit<'f, X>, settings: &'f Settings) -> Fit<'f, X> {
        Fit {
            vectors: fit.vectors,
            guide: fit.guide,
            loss: fit.loss.clone(),
            ..Fit::new(settings, fit.train, fit.control)
        }
    }

    /// Keeps the base model.
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
            is_new_encoder: false,
        })
    }
}

/// Progress of the refit, in place of the events of its epochs.
fn refit_events(on_event: &mut dyn FnMut(Event)) -> impl FnMut(Event) {
    move |event| match event {
        Event::Batch {
            epoch,
            epochs,
            done,
            total,
            eta_s,
        } => on_event(Event::Refit {
            share: (epoch as f32 + done as f32 / total.max(1) as f32) / epochs.max(1) as f32,
            eta_s,
        }),
        Event::Epoch(epoch) => on_event(Event::Refit {
            share: (epoch.epoch + 1) as f32 / epoch.epochs.max(1) as f32,
            eta_s: epoch.eta_s,
        }),
        Event::Note(_) => on_event(event),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refit_events_report_the_fraction_done() {
        let mut told = Vec::new();
        let mut on_event = |event| told.push(event);
        let mut tell = refit_events(&mut on_event);
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
        let again = Event::Refit {
            share: 0.375,
            eta_s: 2.5,
        };
        assert_eq!(told, [again, Event::note("Paused in round 2.")]);
    }
}
