//! What stands out in an evaluation, as a report quotes it: with texts and lines of the data.

use super::{Job, texts::ways};
use crate::{
    answer_index::{Evaluation, TopicChange},
    servable::AnswerSet,
    train::report::{Findings, Hub, Twins},
};

impl Job<'_, '_> {
    /// What stands out among the held-out questions, compared with the base encoder.
    pub(super) fn findings(
        &self,
        before: &Evaluation,
        after: &Evaluation,
        answers: &AnswerSet,
    ) -> Findings {
        let topics = ways(self.held_out).map(|(_, row)| row.source.as_deref());
        let outcomes = before.outcomes.iter().zip(&after.outcomes);
        let topics = topics.zip(outcomes).filter_map(|(topic, (before, after))| {
            Some((topic?, before.is_right(), after.is_right()))
        });
        let over_retrieved = after.over_retrieved.iter().filter_map(|found| {
            let known = answers.get(found.answer)?;
            Some(Hub {
                row: known.row,
                answer: known.answer.clone(),
                questions: found.questions,
            })
        });
        let confused = after.confused.iter().filter_map(|pair| {
            let [a, b] = [answers.get(pair.answers[0])?, answers.get(pair.answers[1])?];
            Some(Twins {
                rows: [a.row, b.row],
                answers: [a.answer.clone(), b.answer.clone()],
                similarity: pair.similarity,
                questions: pair.questions,
            })
        });
        Findings {
            sources: TopicChange::of(topics),
            hubs: over_retrieved.collect(),
            twins: confused.collect(),
        }
    }
}
