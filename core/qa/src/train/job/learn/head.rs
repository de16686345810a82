use super::{Job, Learned, Selection, refit_events};
use crate::train::{
    Event, Fit, Fitted, TrainError,
    fit::validation_score,
    job::texts::Places,
    learner::{head::train_custom_head, train_head},
    whiten::{half_whitening, whitened},
};
use nearsay_core::{
    candle::{TrainableHead, text::SharedHead, through, to_matrix, to_tensor},
    head::{Dense, Folded, Head, Mode, Weights},
    matrix::Matrix,
};

impl Job<'_, '_> {
    /// Trains a head over the vectors of `place`.
    pub(in crate::train::job) fn learn_head(
        &self,
        place: &Places<'_>,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let folds = self.folds();
        let left_out = Self::left_out(&folds);
        let left_out = left_out.as_deref();
        let (mut train, val) = (place.pairs(self.rows)?, place.pairs(self.held_out)?);
        let mut val = self.watched(&train, val, left_out);
        let to_beat = validation_score(self.settings, &train, left_out)?;
        let custom = self.head.as_ref().map(Custom::new).transpose()?;
        let guide = self.guide(place)?;
        let whitening = if self.settings.whiten && custom.is_none() {
            half_whitening(&[&train.anchors, &train.positives])?
        } else {
            None
        };
        if let Some(layer) = &whitening {
            for side in [&mut train, &mut val] {
                *side = whitened(layer, side)?;
            }
        }
        let fit = Fit {
            // Without either, the untrained head is the base model.
            to_beat: to_beat.filter(|_| whitening.is_some() || custom.is_some()),
            guide: guide.as_ref(),
            vectors: self.settings.neighbours.then_some(&train),
            ..self.fit(&train, &val, left_out)
        };
        let finish = |weights: &Weights, pairs: usize| match &custom {
            Some(head) => head.finish(weights, place.vectors),
            None => {
                let share = self.settings.shrinkage_factor(pairs);
                self.finish(weights, whitening.as_ref(), share, place)
            }
        };
        let train = |fit: &Fit<'_>, resume, on_event: &mut dyn FnMut(Event)| match &custom {
            Some(head) => head.train(fit, self, resume, on_event),
            None => train_head(fit, self.device, resume, on_event),
        };
        let mut fitted = train(&fit, resume, on_event)?;
        let Some(epoch) = fitted.kept_epoch else {
            return self.unchanged(fitted, place, &folds, None);
        };
        let pairs = fit.train.len();
        let chosen = finish(&fitted.weights, pairs)?;
        let settings = self.refit_settings(epoch);
        let fits = folds.len() + 1;
        let is_stopped = fitted.stopped;
        let exam = self.examine(place, &folds, &chosen.1, &mut |number, numbers| {
            if is_stopped {
                return Ok(None);
            }
            let part = Selection::of(&fit, numbers);
            let mut on_event = refit_events(on_event, number, fits);
            let fitted = train(&part.fit(&fit, &settings), false, &mut on_event)?;
            if fitted.stopped {
                return Ok(None);
            }
            Ok(Some(finish(&fitted.weights, numbers.len())?.1))
        })?;
        let (is_kept, graded, base) = self.decide(place, exam)?;
        if !is_kept {
            return self.unchanged(fitted, place, &folds, Some((graded, base)));
        }
        let mut last = chosen;
        let mut is_refitted = false;
        if to_beat.is_some() && !fitted.stopped && !self.control.stopping() {
            let all = Selection::all(&fit);
            let mut on_event = refit_events(on_event, fits - 1, fits);
            let refit = train(&all.fit(&fit, &settings), false, &mut on_event)?;
            if !refit.stopped {
                last = finish(&refit.weights, pairs)?;
                fitted.weights = refit.weights;
                is_refitted = true;
            }
        }
        if !is_refitted && custom.is_some() {
            // The head has the weights of the last fit.
            last = finish(&fitted.weights, pairs)?;
        }
        let (head, vectors) = last;
        Ok(Learned {
            graded,
            base,
            head,
            table: None,
            network: None,
            fitted,
            vectors,
            is_new_encoder: false,
        })
    }

    /// The folded head of these weights behind the whitening, interpolated from the identity by
    /// `share`; and all vectors through it.
    fn finish(
        &self,
        weights: &Weights,
        before: Option<&Dense>,
        share: f32,
        place: &Places<'_>,
    ) -> Result<(Folded, Matrix), TrainError> {
        let head = TrainableHead::new(&self.settings.head, weights, self.device)?;
        let mut folded = head.head().fold()?;
        if let Some(layer) = before {
            folded = Folded::Layers(vec![layer.clone()]).then(folded)?;
        }
        let folded = folded.interpolate_from_identity(share);
        let vectors = if let Some(layers) = folded.layers() {
            through(layers, place.vectors)?
        } else {
            let vectors = to_tensor(place.vectors, self.device)?;
            to_matrix(&head.head().forward(&vectors, Mode::Eval)?.detach())?
        };
        Ok((folded, vectors))
    }
}

/// A head of the caller's, trained in place.
struct Custom<'a> {
    head: &'a SharedHead,
    trainable: TrainableHead,
    initial: Weights,
}

impl<'a> Custom<'a> {
    fn new(head: &'a SharedHead) -> Result<Self, TrainError> {
        let trainable = TrainableHead::from_head(Box::new(SharedHead::clone(head)))?;
        Ok(Self {
            head,
            initial: trainable.weights()?,
            trainable,
        })
    }

    /// Trains the head from its initial weights.
    fn train(
        &self,
        fit: &Fit<'_>,
        job: &Job<'_, '_>,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Fitted, TrainError> {
        self.trainable.set_weights(&self.initial)?;
        train_custom_head(fit, self.head, job.device, resume, on_event)
    }

    /// Sets the weights; the folded head, and all vectors through it.
    fn finish(&self, weights: &Weights, vectors: &Matrix) -> Result<(Folded, Matrix), TrainError> {
        self.trainable.set_weights(weights)?;
        let folded = self.head.fold()?;
        let vectors = if let Some(layers) = folded.layers() {
            through(layers, vectors)?
        } else {
            let device = self.trainable.variables().first();
            let device = device.map_or(&candle_core::Device::Cpu, |variable| variable.device());
            let vectors = to_tensor(vectors, device)?;
            to_matrix(&self.head.forward(&vectors, Mode::Eval)?.detach())?
        };
        Ok((folded, vectors))
    }
}
