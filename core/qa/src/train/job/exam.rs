//! Evaluation on held-out questions and on the validation split.

use super::{
    Job,
    texts::{Places, ways},
};
use crate::{
    answer_index::{AnswerIndex, Pool, Query, Scoring, TestQuery, is_gain},
    servable::{AnswerSet, KnownAnswer},
    train::{ModelSelection, TrainError, data::answer_groups},
};
use std::{collections::HashSet, sync::Arc};

/// Scores of the validation split held at once.
const SCORES: usize = 16 << 20;
/// Maximum number of questions of the validation split. More don't change which weight is selected.
const QUESTIONS: usize = 1_500;

/// The answers trained on, and test questions about some of them.
pub(super) struct Slice {
    answers: Arc<AnswerSet>,
    pub(super) questions: Vec<TestQuery<'static>>,
}

impl Slice {
    /// Builds an index of the answers without keyword scores or expansion.
    pub(super) fn index(&self, place: &Places<'_>) -> Result<AnswerIndex, TrainError> {
        index(&self.answers, place)
    }
}

/// Builds an index of answers without keyword scores or expansion.
pub(super) fn index(
    answers: &Arc<AnswerSet>,
    place: &Places<'_>,
) -> Result<AnswerIndex, TrainError> {
    let vectors = place.rows(&answers.texts())?;
    Ok(AnswerIndex::build(
        Arc::clone(answers),
        vectors,
        Scoring::default(),
    )?)
}

/// Makes test queries of questions and their answers; only answers are searched, no paraphrases.
fn of_answers_alone(answers: &AnswerSet, asked: &[(&str, &str)]) -> Vec<TestQuery<'static>> {
    let alone = |query: TestQuery<'_>| match query.query {
        Query::Paraphrase(text) => Some(TestQuery {
            query: Query::Paraphrase(text),
            pool: Pool::Answers,
            right: query.right,
        }),
        Query::New { .. } => None,
    };
    let queries = answers.test_queries(asked, None);
    queries.into_iter().filter_map(alone).collect()
}

impl Job<'_, '_> {
    /// Test queries of the held-out questions, searched among all answers.
    pub(super) fn held_out(&self, answers: &AnswerSet) -> Vec<TestQuery<'static>> {
        let asked = ways(self.held_out).map(|(way, row)| (way, row.answer.as_str()));
        of_answers_alone(answers, &asked.collect::<Vec<_>>())
    }

    /// The validation split, searched among the training answers; `None` without a split.
    pub(super) fn slice(&self) -> Option<Slice> {
        let rows: Vec<_> = ways(self.rows).collect();
        let groups = answer_groups(rows.iter().map(|(_, row)| row.answer.as_str()));
        let kept = self.settings.validation_split(&groups);
        if kept.is_empty() {
            return None;
        }
        let answers = AnswerSet::of(self.rows);
        let most = (SCORES / answers.len().max(1)).clamp(1, QUESTIONS);
        // Sample evenly, since a file is often sorted by topic.
        let every = kept.len().div_ceil(most);
        let asked = || kept.iter().step_by(every).map(|&pair| rows[pair]);
        let split: HashSet<u64> = kept.iter().map(|&pair| groups[pair]).collect();
        let asked_texts: HashSet<&str> = asked().map(|(way, _)| way).collect();
        // Questions of the split that aren't sampled must not help either.
        let answers = answers.iter().zip(0..).map(|(answer, group)| {
            let mut answer: KnownAnswer = answer.clone();
            if split.contains(&group) {
                answer
                    .questions
                    .retain(|question| asked_texts.contains(question.as_str()));
            }
            answer
        });
        let answers = AnswerSet::from_known(answers.collect());
        let asked = asked().map(|(way, row)| (way, row.answer.as_str()));
        Some(Slice {
            questions: of_answers_alone(&answers, &asked.collect::<Vec<_>>()),
            answers: answers.into(),
        })
    }

    /// Whether the trained model is better than the model before on the validation split: its mean gain in
    /// reciprocal rank exceeds one standard error.
    ///
    /// A few questions therefore seldom replace a working model. `false` without a split; always `true` for
    /// [`ModelSelection::Last`].
    pub(super) fn is_better(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<bool, TrainError> {
        let asked = self.asked_of_both(before, after)?;
        Ok(self.settings.selection == ModelSelection::Last
            || asked.is_some_and(|[before, after]| is_gain(&before, &after)))
    }

    /// Whether the trained model is worse by more than one standard error. `true` without a split, never for
    /// [`ModelSelection::Last`].
    pub(super) fn is_worse(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<bool, TrainError> {
        let asked = self.asked_of_both(before, after)?;
        Ok(self.settings.selection != ModelSelection::Last
            && asked.is_none_or(|[before, after]| is_gain(&after, &before)))
    }

    /// Reciprocal ranks of the validation questions before and after training; `None` without a split.
    fn asked_of_both(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<Option<[Vec<f64>; 2]>, TrainError> {
        let Some(slice) = self.slice() else {
            return Ok(None);
        };
        let ranks = |place| -> Result<_, TrainError> {
            let asked = slice.index(place)?.evaluate(&slice.questions)?;
            Ok(asked.reciprocal_ranks())
        };
        Ok(Some([ranks(before)?, ranks(after)?]))
    }
}
