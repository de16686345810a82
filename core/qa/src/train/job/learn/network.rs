use super::{Job, Learned, Selection, refit_events};
use crate::{
    cache::Progress,
    train::{
        Event, Fit, Note, TrainError,
        data::answer_groups,
        job::{
            embed_events,
            texts::{Places, bags, ways},
        },
        learner::{Learner as _, NetworkLearner},
        objective::is_of_loss,
    },
};
use nearsay_bert::{
    SentenceEncoder,
    finetune::{FineTuner, MatmulPrecision},
};
use nearsay_core::{
    head::{Folded, Weights},
    matrix::Matrix,
};
use nearsay_model::ModelFiles;
use std::{ops::ControlFlow, time::Instant};

/// Weight of the fine-tuned transformer in the average with the base transformer. An average does better
/// on questions unlike the training data. Source: Wortsman et al., "Robust fine-tuning of zero-shot
/// models", 2022.
const ALONG: f32 = 0.7;

/// Below every score: some epoch is selected, and only then compared with the base transformer.
const ANY_EPOCH: f32 = -1.0;

/// A fine-tuned transformer, and its vectors of all texts.
struct Tuned {
    /// The weights as a safetensors file.
    weights: Vec<u8>,
    vectors: Matrix,
}

impl Job<'_, '_> {
    /// Fine-tunes the transformer in these files; `place` has the base vectors of all texts.
    ///
    /// The result is kept unless it is worse by more than chance on the questions that the first fit leaves out.
    pub(in crate::train::job) fn learn_network(
        &self,
        files: &ModelFiles<'_>,
        place: &Places<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        if !self.device.is_cpu() {
            on_event(Event::Note(Note::CpuOnly));
        }
        if MatmulPrecision::Bf16.supported() != MatmulPrecision::Bf16 {
            on_event(Event::Note(Note::NoBf16));
        }
        let groups = answer_groups(ways(self.rows).map(|(_, row)| row.answer.as_str()));
        let groups = groups.into_iter().max().map_or(0, |last| last as usize + 1);
        let mut learner = self.learner(files, groups)?;
        let mut write = |text: &str, ids: &mut Vec<u32>| -> Result<(), TrainError> {
            ids.extend(learner.tuner().token_ids(text)?);
            Ok(())
        };
        let train = bags(self.rows, &mut write)?;
        let folds = self.folds();
        let left_out = Self::left_out(&folds);
        let left_out = left_out.as_deref();
        let val = self.watched(&train, bags(self.held_out, &mut write)?, left_out);
        let vectors = self
            .settings
            .neighbours
            .then(|| place.pairs(self.rows))
            .transpose()?;
        let guide = self.guide(place)?;
        let fit = Fit {
            vectors: vectors.as_ref(),
            guide: guide.as_ref(),
            to_beat: Some(ANY_EPOCH),
            ..self.fit(&train, &val, left_out)
        };
        let mut start = learner.snapshot()?.weights;
        start.retain(|weight| !is_of_loss(weight));
        let mut fitted = fit.run(&mut learner, resume, on_event)?;
        let Some(epoch) = fitted.kept_epoch else {
            return self.unchanged(fitted, place, &folds, None);
        };
        let tuned = between(start.clone(), &fitted.weights, ALONG);
        let mut tuned = self.read(files, written(learner, &tuned)?, texts, on_event)?;
        let exam = self.examine(place, &folds, &tuned.vectors, &mut |_, _| Ok(None))?;
        let (is_kept, graded, base) = self.decide(place, exam)?;
        if !is_kept {
            return self.unchanged(fitted, place, &folds, Some((graded, base)));
        }
        if self.settings.refits_on_all_data() && !fitted.stopped {
            let settings = self.refit_settings(epoch);
            let all = Selection::all(&fit);
            let mut learner = self.learner(files, groups)?;
            let mut on_refit = refit_events(on_event, 0, 1);
            let refit = all
                .fit(&fit, &settings)
                .run(&mut learner, false, &mut on_refit)?;
            drop(on_refit);
            if !refit.stopped {
                let weights = written(learner, &between(start, &refit.weights, ALONG))?;
                tuned = self.read(files, weights, texts, on_event)?;
                fitted.weights = refit.weights;
            }
        }
        Ok(Learned {
            graded,
            base,
            fitted,
            head: Folded::Identity,
            table: None,
            network: Some(tuned.weights),
            vectors: tuned.vectors,
            is_new_encoder: true,
        })
    }

    /// A learner of the base transformer.
    fn learner(&self, files: &ModelFiles<'_>, groups: usize) -> Result<NetworkLearner, TrainError> {
        let tuner = FineTuner::load(files, 0, MatmulPrecision::Bf16, 0)?;
        NetworkLearner::new(self.settings, &self.loss, groups, tuner)
    }

    /// Embeds all texts with a transformer of these weights.
    fn read(
        &self,
        files: &ModelFiles<'_>,
        weights: Vec<u8>,
        texts: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Tuned, TrainError> {
        let tuned =
            SentenceEncoder::load(&files.clone().with_weights(weights.clone()), self.device)?;
        // Not stopped with the run: the selected weights need their vectors.
        let (started, mut on_progress) = (Instant::now(), embed_events(on_event));
        let vectors = tuned.encode_all(texts, &mut |done, total| {
            on_progress(Progress::since(started, done, total));
            ControlFlow::Continue(())
        })?;
        Ok(Tuned { weights, vectors })
    }
}

/// These weights as a safetensors file. Takes the learner, which is large, to drop it.
fn written(mut learner: NetworkLearner, weights: &Weights) -> Result<Vec<u8>, TrainError> {
    learner.keep(weights)?;
    Ok(learner.tuner().to_safetensors()?)
}

/// Weights interpolated from one state to another of the same transformer.
fn between(mut from: Weights, to: &Weights, share: f32) -> Weights {
    for (from, to) in from.iter_mut().zip(to) {
        let numbers = from.value.data_mut().iter_mut().zip(to.value.data());
        numbers.for_each(|(a, b)| *a += share * (b - *a));
    }
    from
}
