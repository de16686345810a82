use super::{Job, Learned};
use crate::train::{
    Event, Fit, TrainError,
    job::texts::{Places, bags},
    learner::TableLearner,
};
use nearsay_core::head::Folded;
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
        let train = bags(self.rows, &mut write)?;
        let val = bags(self.held_out, &mut write)?;
        let data = [&train, &val];
        let mut learner =
            TableLearner::new(self.settings, &self.loss, encoder.embeddings(), &data)?;
        let tokens = learner.tokens().to_vec();
        let guide = self.guide(place)?;
        let fit = Fit {
            guide: guide.as_ref(),
            ..self.fit(&train, &val)
        };
        let fitted = fit.run(&mut learner, resume, on_event)?;
        let mut table = encoder.embeddings().to_matrix();
        for (token, row) in tokens
            .iter()
            .zip(fitted.weights.iter().flat_map(|w| w.value.iter_rows()))
        {
            table.row_mut(*token as usize).copy_from_slice(row);
        }
        let vectors = encoder.encode_with(&StaticEmbeddings::Full(table.clone()), texts);
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
            is_new_encoder: true,
        })
    }
}
