//! Learning: a head, the table of a static encoder, or a network.

use super::{
    Job,
    ranking::Ranking,
    telling,
    texts::{Places, bags},
};
use crate::{
    cache::Progress,
    candle::{
        TrainableHead,
        bert::{
            SentenceEncoder,
            finetune::{FineTuner, Products},
        },
        through, to_matrix, to_tensor,
    },
    compact::{StaticEncoder, Table},
    head::{Dense, Folded, Mode, Weights},
    matrix::Matrix,
    model::ModelFiles,
    train::{
        Event, Fit, Fitted, Keep, Pairs, Settings, TrainError,
        data::Texts,
        fit::slice_score,
        learner::{Learner as _, NetworkLearner, TableLearner, train_head},
        whiten::{half_whitening, whitened},
    },
};
use std::{ops::ControlFlow, time::Instant};

/// How much of the way from the network as it was to the one that was learned is gone in the end. Measured on a
/// slice of training questions: 0.7 finds more right answers than 1, and stays nearer to a network that is good
/// at questions unlike the file's. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", 2022.
const ALONG: f32 = 0.7;

/// What was learned.
pub(super) struct Learned {
    /// How answers are to be ranked.
    pub(super) ranking: Ranking,
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

    /// A head over the vectors of `place`.
    ///
    /// When the best epoch was chosen on a slice, the head then learns once more for as many epochs from all
    /// pairs, that slice included.
    pub(super) fn learn_head(
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
        let mut fitted = train_head(&fit, self.device, resume, on_event)?;
        let chosen = self.finish(&fitted.weights, whitening.as_ref(), place)?;
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
            let settings = Settings {
                epochs: epoch + 1,
                keep: Keep::Last,
                ..self.settings.clone()
            };
            let again = Fit {
                settings: &settings,
                val: None,
                checkpoint: None,
                to_beat: None,
                ..fit
            };
            let again = train_head(&again, self.device, false, &mut |_| {})?;
            if !again.stopped {
                last = self.finish(&again.weights, whitening.as_ref(), place)?;
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

    /// The head of some weights behind what comes before it, folded, and all vectors through both.
    fn finish(
        &self,
        weights: &Weights,
        before: Option<&Dense>,
        place: &Places<'_>,
    ) -> Result<(Folded, Matrix), TrainError> {
        let head = TrainableHead::new(&self.settings.head, weights, self.device)?;
        let mut folded = head.head().fold()?;
        if let Some(layer) = before {
            folded = Folded::Layers(vec![layer.clone()]).then(folded)?;
        }
        let vectors = match folded.layers() {
            Some(layers) => through(layers, place.vectors)?,
            None => {
                let vectors = to_tensor(place.vectors, self.device)?;
                to_matrix(&head.head().forward(&vectors, Mode::Eval)?.detach())?
            }
        };
        Ok((folded, vectors))
    }

    pub(super) fn learn_table(
        &self,
        encoder: &StaticEncoder<'_>,
        place: &Places<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let mut write = |text: &str, ids: &mut Vec<u32>| -> Result<(), TrainError> {
            encoder.words().ids_into(text, ids);
            Ok(())
        };
        let train = bags(self.rows, &mut write)?;
        let val = bags(self.held_out, &mut write)?;
        let mut learner = TableLearner::new(self.settings, encoder.table(), &[&train, &val]);
        let tokens = learner.tokens().to_vec();
        let fitted = self.fit(&train, &val).run(&mut learner, resume, on_event)?;
        let mut table = encoder.table().full();
        for (token, row) in tokens
            .iter()
            .zip(fitted.weights.iter().flat_map(|w| w.value.iter_rows()))
        {
            table.row_mut(*token as usize).copy_from_slice(row);
        }
        let vectors = encoder.encode_by(&Table::Full(table.clone()), texts);
        let learned = Places {
            vectors: &vectors,
            ..place.clone()
        };
        if fitted.kept_epoch.is_none() || !self.is_better(place, &learned)? {
            return self.unchanged(fitted, place);
        }
        Ok(Learned {
            ranking: self.ranking(&learned)?,
            fitted,
            head: Folded::Identity,
            table: Some(table),
            network: None,
            vectors,
        })
    }

    /// The network of some files; `place` has the vectors of all texts as it is.
    pub(super) fn learn_network(
        &self,
        files: &ModelFiles<'_>,
        place: &Places<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        if !self.device.is_cpu() {
            on_event(Event::note(
                "A network learns on the processor; the graphics card is used for reading only.",
            ));
        }
        let tuner = FineTuner::load(files, 0, Products::Bf16, 0)?;
        let mut write = |text: &str, ids: &mut Vec<u32>| -> Result<(), TrainError> {
            ids.extend(tuner.token_ids(text)?);
            Ok(())
        };
        let train = bags(self.rows, &mut write)?;
        let val = bags(self.held_out, &mut write)?;
        let Some(mut learner) = NetworkLearner::new(self.settings, tuner) else {
            return Err(TrainError::Setting(
                "a network learns by in-batch negatives over cosines only".into(),
            ));
        };
        let vectors = match self.settings.neighbours {
            true => Some(place.pairs(self.rows)?),
            false => None,
        };
        let fit = Fit {
            vectors: vectors.as_ref(),
            ..self.fit(&train, &val)
        };
        let start = learner.snapshot()?.weights;
        let fitted = fit.run(&mut learner, resume, on_event)?;
        if fitted.kept_epoch.is_none() {
            return self.unchanged(fitted, place);
        }
        learner.keep(&between(start, &fitted.weights, ALONG))?;
        let weights = learner.tuner().to_safetensors()?;
        drop(learner);
        let tuned =
            SentenceEncoder::load(&files.clone().with_weights(weights.clone()), self.device)?;
        // Whoever stops the run keeps what was learned, and needs its vectors.
        let (started, mut tell) = (Instant::now(), telling(on_event));
        let vectors = tuned.encode_all(texts, &mut |done, total| {
            let left = started.elapsed().as_secs_f64() / done.max(1) as f64 * (total - done) as f64;
            let eta_s = (done > 0).then_some(left);
            tell(Progress { done, total, eta_s });
            ControlFlow::Continue(())
        })?;
        let learned = Places {
            vectors: &vectors,
            ..place.clone()
        };
        if !self.is_better(place, &learned)? {
            return self.unchanged(fitted, place);
        }
        Ok(Learned {
            ranking: self.ranking(&learned)?,
            fitted,
            head: Folded::Identity,
            table: None,
            network: Some(weights),
            vectors,
        })
    }
}

/// The weights a share of the way from one state to another of the same network.
fn between(mut from: Weights, to: &Weights, share: f32) -> Weights {
    for (from, to) in from.iter_mut().zip(to) {
        let numbers = from.value.data_mut().iter_mut().zip(to.value.data());
        numbers.for_each(|(a, b)| *a += share * (b - *a));
    }
    from
}
