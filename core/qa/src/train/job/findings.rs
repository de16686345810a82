//! Findings of an evaluation for the report, with texts and lines of the FAQ file.

use super::{exam::Exam, texts::ways};
use crate::{
    answer_index::{Evaluation, TopicChange},
    train::{
        Job,
        report::{ConfusedAnswers, Findings, OverRetrievedAnswer},
    },
};
use nearsay_faq::normalize;
use std::collections::HashMap;

/// Findings about the questions of an exam, compared with the ranks before.
pub(super) fn of(
    job: &Job<'_, '_>,
    exam: &Exam,
    after: &Evaluation,
    before: &[Option<usize>],
) -> Findings {
    let Some(answers) = exam.answers() else {
        return Findings::default();
    };
    let rows = [job.rows, job.held_out].map(ways).into_iter().flatten();
    let topics: HashMap<(&str, String), &str> = rows
        .filter_map(|(way, row)| Some(((way, normalize(&row.answer)), row.source.as_deref()?)))
        .collect();
    let outcomes = exam
        .asked_once()
        .into_iter()
        .zip(before)
        .zip(&after.outcomes);
    let topics = outcomes.filter_map(|(((question, answer), before), after)| {
        let answer = normalize(&answers.get(answer)?.answer);
        let topic = *topics.get(&(question, answer))?;
        Some((topic, (*before)? == 1, after.is_right()))
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
