//! Findings of an evaluation as a report quotes them: with texts and lines of the data.

use crate::{
    answer_index::{ConfusedPair, Findings, OverRetrieved},
    servable::{AnswerSet, KnownAnswer},
    train::report::{self, Hub, Twins},
};

/// Findings about answers, by their texts.
pub(super) fn quoted(found: Findings, answers: &AnswerSet) -> report::Findings {
    let hub = |OverRetrieved { answer, questions }| {
        let KnownAnswer { row, answer, .. } = answers.get(answer)?.clone();
        Some(Hub {
            row,
            answer,
            questions,
        })
    };
    let twins = |pair: ConfusedPair| {
        let [a, b] = [answers.get(pair.answers[0])?, answers.get(pair.answers[1])?];
        Some(Twins {
            rows: [a.row, b.row],
            answers: [a.answer.clone(), b.answer.clone()],
            similarity: pair.similarity,
            questions: pair.questions,
        })
    };
    report::Findings {
        sources: found.topics,
        hubs: found.over_retrieved.into_iter().filter_map(hub).collect(),
        twins: found.confused.into_iter().filter_map(twins).collect(),
    }
}
