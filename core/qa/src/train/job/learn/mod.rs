//! Training a head, token embeddings, a transformer, or an encoder of the caller's.
//!
//! A first fit selects the number of epochs. Heads and token embeddings are then trained once more for each fold of
//! a cross-validation, which decides whether to keep the trained model and how to rank answers. Models that take
//! longer, or have many questions, are judged by the first fit alone, which leaves out the questions of one fold.
//! Heads, token embeddings, and transformers on small data are at last refitted on all training pairs.

mod encoder;
mod head;
mod network;
mod table;
mod validate;

use super::{Job, exam::Exam, folds::Fold, ranking::Graded, texts::Places};
use crate::train::{Event, Fit, Fitted, ModelSelection, Pairs, Settings, TrainError, data::Texts};
use nearsay_core::{head::Folded, loss::LossKind, matrix::Matrix};

/// Some of the pairs of a fit, for a further fit that saves and measures nothing.
struct Selection<X> {
    train: Pairs<X>,
    vectors: Option<Pairs>,
    guide: Option<Pairs>,
}

impl<X: Texts> Selection<X> {
    /// The pairs with these numbers.
    fn of(fit: &Fit<'_, X>, numbers: &[usize]) -> Self {
        let select = |pairs: Option<&Pairs>| pairs.map(|pairs| pairs.select(numbers));
        Self {
            train: fit.train.select(numbers),
            vectors: select(fit.vectors),
            guide: select(fit.guide),
        }
    }

    /// All pairs.
    fn all(fit: &Fit<'_, X>) -> Self {
        Self::of(fit, &(0..fit.train.len()).collect::<Vec<_>>())
    }

    fn fit<'f>(&'f self, fit: &Fit<'f, X>, settings: &'f Settings) -> Fit<'f, X> {
        Fit {
            vectors: self.vectors.as_ref(),
            guide: self.guide.as_ref(),
            loss: fit.loss.clone(),
            ..Fit::new(settings, &self.train, fit.control)
        }
    }
}

/// Result of training.
pub(super) struct Learned {
    /// Evaluation of the model, and how to rank answers.
    pub(super) graded: Graded,
    /// The same questions, asked of the base model.
    pub(super) base: Exam,
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
    /// A fit on the training pairs; `validation` are the pairs that it leaves out, if not those of the default split.
    fn fit<'f, X>(
        &'f self,
        train: &'f Pairs<X>,
        val: &'f Pairs<X>,
        validation: Option<&'f [usize]>,
    ) -> Fit<'f, X>
    where
        X: Texts,
    {
        Fit {
            val: Some(val).filter(|val| !val.is_empty()),
            validation,
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

    /// Keeps the base model, which is graded unless it was.
    fn unchanged(
        &self,
        fitted: Fitted,
        place: &Places<'_>,
        folds: &[Fold],
        graded: Option<(Graded, Exam)>,
    ) -> Result<Learned, TrainError> {
        let (graded, base) = match graded {
            Some(graded) => graded,
            None => self.grade_base(place, folds)?,
        };
        Ok(Learned {
            graded,
            base,
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

/// Progress of one of several further fits, in place of the events of its epochs.
fn refit_events(on_event: &mut dyn FnMut(Event), number: usize, fits: usize) -> impl FnMut(Event) {
    let of_all = move |share: f32| (number as f32 + share) / fits as f32;
    let left = move |eta_s: f64, share: f32| {
        // The fits take equally long.
        let total = eta_s / f64::from(1.0 - share.min(0.99));
        eta_s + total * (fits - number - 1) as f64
    };
    move |event| match event {
        Event::Batch {
            epoch,
            epochs,
            done,
            total,
            eta_s,
        } => {
            let share = (epoch as f32 + done as f32 / total.max(1) as f32) / epochs.max(1) as f32;
            on_event(Event::Refit {
                share: of_all(share),
                eta_s: left(eta_s, share),
            });
        }
        Event::Epoch(epoch) => {
            let share = (epoch.epoch + 1) as f32 / epoch.epochs.max(1) as f32;
            on_event(Event::Refit {
                share: of_all(share),
                eta_s: left(epoch.eta_s, share),
            });
        }
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
        let mut tell = refit_events(&mut on_event, 1, 2);
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
            share: 0.6875,
            eta_s: 2.5,
        };
        assert_eq!(told, [again, Event::note("Paused in round 2.")]);
    }
}
