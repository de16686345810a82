use super::{Job, Learned};
use crate::train::{
    Event, Fit, Pairs, TrainError,
    data::answer_groups,
    fit::validation_score,
    job::texts::{Places, ways},
    learner::{EncoderLearner, Learner as _},
    objective::Objective,
};
use nearsay_core::{
    candle::text::{SharedEncoder, WithHead, embed_all},
    head::Folded,
    matrix::Matrix,
};
use nearsay_faq::Row;
use std::{ops::ControlFlow, sync::Arc};

impl Job<'_, '_> {
    /// Trains an encoder of the caller's, and the head behind it if there is one, in place.
    pub(in crate::train::job) fn learn_encoder(
        &self,
        encoder: &SharedEncoder,
        place: &Places<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let base = place.pairs(self.rows)?;
        let folds = self.folds();
        let left_out = Self::left_out(&folds);
        let left_out = left_out.as_deref();
        let to_beat = validation_score(self.settings, &base, left_out)?;
        let guide = self.guide(place)?;
        let train = text_pairs(self.rows)?;
        let val = self.watched(&train, text_pairs(self.held_out)?, left_out);
        let model: SharedEncoder = match &self.head {
            Some(head) => Arc::new(WithHead {
                encoder: Arc::clone(encoder),
                head: Arc::clone(head),
            }),
            None => Arc::clone(encoder),
        };
        let (groups, dim) = (train.groups(), model.dim());
        let objective = Objective::new(self.settings, &self.loss, groups, dim, self.device)?;
        let learner = EncoderLearner::new(self.settings, model.clone(), objective, self.device);
        let mut learner = learner?;
        let initial = learner.snapshot()?.weights;
        let fit = Fit {
            to_beat: to_beat.filter(|_| self.head.is_some()),
            vectors: self.settings.neighbours.then_some(&base),
            guide: guide.as_ref(),
            ..self.fit(&train, &val, left_out)
        };
        let fitted = fit.run(&mut learner, resume, on_event)?;
        learner.set_weights(&fitted.weights)?;
        let vectors = embed_everything(&model, texts)?;
        let mut graded = None;
        if fitted.kept_epoch.is_some() {
            let exam = self.examine(place, &folds, &vectors, &mut |_, _| Ok(None))?;
            let (is_kept, of_kept, base) = self.decide(place, exam)?;
            if is_kept {
                return Ok(Learned {
                    graded: of_kept,
                    base,
                    fitted,
                    head: Folded::Identity,
                    table: None,
                    network: None,
                    vectors,
                    is_new_encoder: true,
                });
            }
            graded = Some((of_kept, base));
        }
        learner.set_weights(&initial)?;
        self.unchanged(fitted, place, &folds, graded)
    }
}

fn embed_everything(model: &SharedEncoder, texts: &[&str]) -> Result<Matrix, TrainError> {
    let vectors = embed_all(&**model, texts, &mut |_, _| ControlFlow::Continue(()));
    Ok(vectors.map_err(TrainError::Encoder)?.unwrap_or_default())
}

/// Every question with its answer.
fn text_pairs(rows: &[Row]) -> Result<Pairs<Vec<String>>, TrainError> {
    let questions = ways(rows).map(|(way, _)| way.to_owned()).collect();
    let answers: Vec<String> = ways(rows).map(|(_, row)| row.answer.clone()).collect();
    let groups = answer_groups(answers.iter().map(String::as_str));
    Ok(Pairs::new(questions, answers, groups)?)
}
