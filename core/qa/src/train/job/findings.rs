//! Findings of an evaluation for the report, with texts and lines of the FAQ file.

use super::{Job, texts::ways};
use crate::{
    answer_index::{Evaluation, TopicChange},
    servable::AnswerSet,
    train::report::{ConfusedAnswers, Findings, OverRetrievedAnswer},
};

impl Job<'_, '_> {
    /// Findings about the held-out questions, compared with the base encoder.
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
            Some(OverRetrievedAnswer {
                row: known.row,
                answer: known.answer.clone(),
                questions: found.questions,
            })
        });
        let confused_answers = after.confused.iter().filter_map(|pair| {
            let [a, b] = [answers.get(pair.answers[0])?, answers.get(pair.answers[1])?];
            Some(ConfusedAnswers {
                rows: [a.row, b.row],
                answers: [a.answer.clone(), b.answer.clone()],
                similarity: pair.similarity,
                questions: pair.questions,
            })
        });
        Findings {
            topics: TopicChange::of(topics),
            over_retrieved: over_retrieved.collect(),
            confused: confused_answers.collect(),
        }
    }
}
