use super::{Job, Learned, once_more};
use crate::train::{
    Event, Fit, TrainError,
    fit::slice_score,
    job::texts::Places,
    learner::train_head,
    whiten::{half_whitening, whitened},
};
use nearsay_core::{
    candle::{TrainableHead, through, to_matrix, to_tensor},
    head::{Dense, Folded, Mode, Weights},
    matrix::Matrix,
};

impl Job<'_, '_> {
    /// A head over the vectors of `place`.
    pub(in crate::train::job) fn learn_head(
        &self,
        place: &Places<'_>,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let (mut train, mut val) = (place.pairs(self.rows)?, place.pairs(self.held_out)?);
        let to_beat = slice_score(self.settings, &train)?;
        let whitening = match self.settings.whiten {
            true => half_whitening(&[&train.anchors, &train.positives])?,
            false => None,
        };
        if let Some(layer) = &whitening {
            for side in [&mut train, &mut val] {
                *side = whitened(layer, side)?;
            }
        }
        let fit = Fit {
            to_beat: whitening.as_ref().and(to_beat),
            vectors: self.settings.neighbours.then_some(&train),
            ..self.fit(&train, &val)
        };
        let share = self.settings.share_kept(train.len());
        let finish = |weights: &Weights| self.finish(weights, whitening.as_ref(), share, place);
        let mut fitted = train_head(&fit, self.device, resume, on_event)?;
        let chosen = finish(&fitted.weights)?;
        let learned = Places {
            vectors: &chosen.1,
            ..place.clone()
        };
        let epoch = match fitted.kept_epoch {
            Some(epoch) if self.is_better(place, &learned)? => epoch,
            _ => return self.unchanged(fitted, place),
        };
        let ranking = self.ranking(&learned)?;
        let mut last = chosen;
        if to_beat.is_some() && !fitted.stopped {
            let settings = self.again(epoch);
            let again = Self::from_all(&fit, &settings);
            let again = train_head(&again, self.device, false, &mut once_more(on_event))?;
            if !again.stopped {
                last = finish(&again.weights)?;
                fitted.weights = again.weights;
            }
        }
        let (head, vectors) = last;
        Ok(Learned {
            ranking,
            head,
            table: None,
            network: None,
            fitted,
            vectors,
        })
    }

    /// The head of some weights behind what comes before it, folded, this share of the way from changing
    /// nothing; and all vectors through it.
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
        let folded = folded.from_identity(share);
        let vectors = match folded.layers() {
            Some(layers) => through(layers, place.vectors)?,
            None => {
                let vectors = to_tensor(place.vectors, self.device)?;
                to_matrix(&head.head().forward(&vectors, Mode::Eval)?.detach())?
            }
        };
        Ok((folded, vectors))
    }
}
