use super::{Job, Learned, Selection, refit_events};
use crate::train::{
    Event, Fit, TrainError,
    job::texts::{Places, bags},
    learner::TableLearner,
};
use nearsay_core::{
    head::{Folded, Weights},
    matrix::Matrix,
};
use nearsay_text::compact::{StaticEmbeddings, StaticEncoder};

impl Job<'_, '_> {
    pub(in crate::train::job) fn learn_table(
        &self,
        encoder: &StaticEncoder<'_>,
        place: &Places<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let mut write = |text: &str, ids: &mut Vec<u32>| -> Result<(), TrainError> {
            encoder.tokenizer().ids_into(text, ids);
            Ok(())
        };
        let folds = self.folds();
        let left_out = Self::left_out(&folds);
        let left_out = left_out.as_deref();
        let train = bags(self.rows, &mut write)?;
        let val = self.watched(&train, bags(self.held_out, &mut write)?, left_out);
        let data = [&train, &val];
        let learner = || TableLearner::new(self.settings, &self.loss, encoder.embeddings(), &data);
        let guide = self.guide(place)?;
        let fit = Fit {
            guide: guide.as_ref(),
            ..self.fit(&train, &val, left_out)
        };
        let mut first = learner()?;
        let tokens = first.tokens().to_vec();
        let mut fitted = fit.run(&mut first, resume, on_event)?;
        drop(first);
        let finish = |weights: &Weights| -> (Matrix, Matrix) {
            let mut table = encoder.embeddings().to_matrix();
            let rows = weights.iter().flat_map(|weight| weight.value.iter_rows());
            for (token, row) in tokens.iter().zip(rows) {
                table.row_mut(*token as usize).copy_from_slice(row);
            }
            let vectors = encoder.encode_with(&StaticEmbeddings::Full(table.clone()), texts);
            (table, vectors)
        };
        let Some(epoch) = fitted.kept_epoch else {
            return self.unchanged(fitted, place, &folds, None);
        };
        let mut last = finish(&fitted.weights);
        let settings = self.refit_settings(epoch);
        let fits = folds.len() + 1;
        let is_stopped = fitted.stopped;
        let exam = self.examine(place, &folds, &last.1, &mut |number, numbers| {
            if is_stopped {
                return Ok(None);
            }
            let part = Selection::of(&fit, numbers);
            let mut on_event = refit_events(on_event, number, fits);
            let fitted = part
                .fit(&fit, &settings)
                .run(&mut learner()?, false, &mut on_event)?;
            Ok((!fitted.stopped).then(|| finish(&fitted.weights).1))
        })?;
        let (is_kept, graded, base) = self.decide(place, exam)?;
        if !is_kept {
            return self.unchanged(fitted, place, &folds, Some((graded, base)));
        }
        if self.settings.selection.validation_fraction().is_some()
            && !fitted.stopped
            && !self.control.stopping()
        {
            let all = Selection::all(&fit);
            let mut on_event = refit_events(on_event, fits - 1, fits);
            let refit = all
                .fit(&fit, &settings)
                .run(&mut learner()?, false, &mut on_event)?;
            if !refit.stopped {
                last = finish(&refit.weights);
                fitted.weights = refit.weights;
            }
        }
        let (table, vectors) = last;
        Ok(Learned {
            graded,
            base,
            fitted,
            head: Folded::Identity,
            table: Some(table),
            network: None,
            vectors,
            is_new_encoder: true,
        })
    }
}
