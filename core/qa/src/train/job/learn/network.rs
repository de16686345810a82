use super::{Job, Learned, once_more};
use crate::{
    cache::Progress,
    train::{
        Event, Fit, TrainError,
        job::{
            telling,
            texts::{Places, bags},
        },
        learner::{Learner as _, NetworkLearner},
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

/// How much of the way from the network as it was to the one that was learned is gone in the end. Measured on a
/// slice of training questions: 0.7 finds more right answers than 1, and stays nearer to a network that is good
/// at questions unlike the file's. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", 2022.
const ALONG: f32 = 0.7;

/// Less than anything scores: some round is chosen, and then compared with the network as it was.
const ANY_ROUND: f32 = -1.0;

/// A network that learned, and what it makes of all texts.
struct Tuned {
    /// The bytes of its weights' file.
    weights: Vec<u8>,
    vectors: Matrix,
}

impl Job<'_, '_> {
    /// The network of some files; `place` has the vectors of all texts as it is.
    ///
    /// It is kept unless it is worse on the slice by more than chance. A slice tells what a network makes of
    /// pairs that it has not seen. Of what it makes of other wordings of the questions that it has seen, which is
    /// what it learns best from few pairs, no slice tells anything.
    pub(in crate::train::job) fn learn_network(
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
        if MatmulPrecision::Bf16.supported() != MatmulPrecision::Bf16 {
            on_event(Event::note(
                "This processor has no arithmetic in bfloat16, so that learning takes longer.",
            ));
        }
        let mut learner = self.learner(files)?;
        let mut write = |text: &str, ids: &mut Vec<u32>| -> Result<(), TrainError> {
            ids.extend(learner.tuner().token_ids(text)?);
            Ok(())
        };
        let train = bags(self.rows, &mut write)?;
        let val = bags(self.held_out, &mut write)?;
        let vectors = match self.settings.neighbours {
            true => Some(place.pairs(self.rows)?),
            false => None,
        };
        let fit = Fit {
            vectors: vectors.as_ref(),
            to_beat: Some(ANY_ROUND),
            ..self.fit(&train, &val)
        };
        let start = learner.snapshot()?.weights;
        let mut fitted = fit.run(&mut learner, resume, on_event)?;
        let Some(epoch) = fitted.kept_epoch else {
            return self.unchanged(fitted, place);
        };
        let tuned = between(start.clone(), &fitted.weights, ALONG);
        let mut tuned = self.read(files, written(learner, &tuned)?, texts, on_event)?;
        let learned = Places {
            vectors: &tuned.vectors,
            ..place.clone()
        };
        if self.is_worse(place, &learned)? {
            return self.unchanged(fitted, place);
        }
        let ranking = self.ranking(&learned)?;
        if self.settings.learns_again() && !fitted.stopped {
            let settings = self.again(epoch);
            let again = Self::from_all(&fit, &settings);
            let mut learner = self.learner(files)?;
            let again = again.run(&mut learner, false, &mut once_more(on_event))?;
            if !again.stopped {
                let weights = written(learner, &between(start, &again.weights, ALONG))?;
                tuned = self.read(files, weights, texts, on_event)?;
                fitted.weights = again.weights;
            }
        }
        Ok(Learned {
            ranking,
            fitted,
            head: Folded::Identity,
            table: None,
            network: Some(tuned.weights),
            vectors: tuned.vectors,
        })
    }

    /// The network as it is, ready to learn.
    fn learner(&self, files: &ModelFiles<'_>) -> Result<NetworkLearner, TrainError> {
        let tuner = FineTuner::load(files, 0, MatmulPrecision::Bf16, 0)?;
        NetworkLearner::new(self.settings, tuner).ok_or_else(|| {
            TrainError::Setting("a network learns by in-batch negatives over cosines only".into())
        })
    }

    /// What a network of these weights makes of all texts.
    fn read(
        &self,
        files: &ModelFiles<'_>,
        weights: Vec<u8>,
        texts: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Tuned, TrainError> {
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
        Ok(Tuned { weights, vectors })
    }
}

/// The bytes of these weights' file; the learner, which is large, is not needed any more.
fn written(mut learner: NetworkLearner, weights: &Weights) -> Result<Vec<u8>, TrainError> {
    learner.keep(weights)?;
    Ok(learner.tuner().to_safetensors()?)
}

/// The weights a share of the way from one state to another of the same network.
fn between(mut from: Weights, to: &Weights, share: f32) -> Weights {
    for (from, to) in from.iter_mut().zip(to) {
        let numbers = from.value.data_mut().iter_mut().zip(to.value.data());
        numbers.for_each(|(a, b)| *a += share * (b - *a));
    }
    from
}
