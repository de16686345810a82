//! What a run tells its owner beyond figures.

use super::{
    Job,
    exam::{Asked, Exam},
    texts::ways,
};
use crate::{
    servable::AnswerSet,
    train::report::{Findings, Hub, SourceChange, Twins},
};
use nearsay_core::matrix::dot;
use std::collections::BTreeMap;

/// No list is longer.
const MOST: usize = 10;
/// A source of fewer questions says nothing.
const MIN_QUESTIONS: usize = 10;
/// An answer given wrongly to fewer questions is no hub.
const MIN_WRONG: usize = 3;
/// From this cosine similarity on two answers are nearly the same.
const ALIKE: f32 = 0.85;

impl Job<'_, '_> {
    /// Looks at the questions kept aside, as they were answered before and after.
    pub(super) fn findings(
        &self,
        exam: &Exam<'_>,
        answers: &AnswerSet,
        before: &Asked,
        after: &Asked,
    ) -> Findings {
        Findings {
            sources: self.sources(before, after),
            hubs: hubs(exam, answers, after),
            twins: twins(exam, answers, after),
        }
    }

    /// The sources whose questions are answered better or worse than before, the worst first.
    fn sources(&self, before: &Asked, after: &Asked) -> Vec<SourceChange> {
        let mut sources = BTreeMap::<&str, SourceChange>::new();
        let asked = ways(self.held_out).zip(&before.given).zip(&after.given);
        for (((_, row), before), after) in asked {
            let Some(source) = row.source.as_deref() else {
                continue;
            };
            let change = sources.entry(source).or_insert_with(|| SourceChange {
                source: source.into(),
                ..SourceChange::default()
            });
            change.questions += 1;
            change.before += usize::from(before.is_right);
            change.after += usize::from(after.is_right);
        }
        let mut sources: Vec<SourceChange> = sources
            .into_values()
            .filter(|change| change.questions >= MIN_QUESTIONS && change.before != change.after)
            .collect();
        let gain = |change: &SourceChange| {
            (change.after as f64 - change.before as f64) / change.questions as f64
        };
        sources.sort_by(|a, b| gain(a).total_cmp(&gain(b)));
        // Both ends matter most.
        if sources.len() > MOST {
            sources.drain(MOST / 2..sources.len() - MOST / 2);
        }
        sources
    }
}

/// Answers that are given where others are right.
fn hubs(exam: &Exam<'_>, answers: &AnswerSet, after: &Asked) -> Vec<Hub> {
    let mut wrong = vec![0usize; exam.pool().len()];
    for given in after.given.iter().filter(|given| !given.is_right) {
        wrong[given.answer] += 1;
    }
    let mut hubs: Vec<(usize, usize)> = wrong.into_iter().enumerate().collect();
    hubs.retain(|(_, questions)| *questions >= MIN_WRONG);
    hubs.sort_by_key(|(answer, questions)| (usize::MAX - questions, *answer));
    hubs.truncate(MOST);
    let hub = |(answer, questions): (usize, usize)| {
        let known = answers.get(answer as u32)?;
        Some(Hub {
            row: known.row,
            answer: known.answer.clone(),
            questions,
        })
    };
    hubs.into_iter().filter_map(hub).collect()
}

/// Pairs of answers that are nearly the same and taken for one another.
fn twins(exam: &Exam<'_>, answers: &AnswerSet, after: &Asked) -> Vec<Twins> {
    let mut pairs = BTreeMap::<(usize, usize), (f32, usize)>::new();
    for (given, right) in after.given.iter().zip(exam.right()) {
        let Some(&right) = right.first().filter(|_| !given.is_right) else {
            continue;
        };
        let [a, b] = [right, given.answer].map(|answer| exam.pool_vectors().row(answer));
        let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
        let similarity = dot(a, b) / lengths.max(f32::MIN_POSITIVE);
        if similarity >= ALIKE {
            let pair = (right.min(given.answer), right.max(given.answer));
            pairs.entry(pair).or_insert((similarity, 0)).1 += 1;
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by(|(_, a), (_, b)| b.1.cmp(&a.1).then(b.0.total_cmp(&a.0)));
    pairs.truncate(MOST);
    let twins = |((a, b), (similarity, questions)): ((usize, usize), (f32, usize))| {
        let [a, b] = [answers.get(a as u32)?, answers.get(b as u32)?];
        Some(Twins {
            rows: [a.row, b.row],
            answers: [a.answer.clone(), b.answer.clone()],
            similarity,
            questions,
        })
    };
    pairs.into_iter().filter_map(twins).collect()
}
