//! Revision of the project, arranged for the index.

use std::sync::Arc;

use nearsay::{
    answer_index::{Evaluation, Pool, Query, TestQuery},
    servable::{AnswerSet, KnownAnswer},
};
use nearsay_project::{Entries, EntryId, Paraphrase, RowId, Tally};

use crate::state::{Check, ConfusedPair, OverRetrieved, Verdict};

/// All texts of a revision: the answer of each entry, followed by its paraphrases.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) revision: u64,
    pub(super) entries: Entries,
    /// Entry of each answer, ascending.
    ids: Vec<EntryId>,
    /// Answers and paraphrases in the order of the index.
    pub(super) answers: Arc<AnswerSet>,
    /// Numbers of the texts that are test questions, ascending.
    pub(super) tests: Vec<u32>,
}

impl Layout {
    pub(super) fn of(revision: u64, entries: Entries) -> Self {
        let known = entries.values().zip(1..).map(|(entry, row)| KnownAnswer {
            answer: entry.answer.clone(),
            questions: entry
                .paraphrases
                .iter()
                .map(|way| way.text.clone())
                .collect(),
            row,
            source: entry.source.clone(),
        });
        let answers = AnswerSet::from_known(known.collect());
        let is_test = entries.values().flat_map(|entry| {
            let tests = entry.paraphrases.iter().map(|wording| wording.held_out);
            std::iter::once(false).chain(tests)
        });
        Self {
            revision,
            ids: entries.keys().copied().collect(),
            answers: Arc::new(answers),
            tests: (0..)
                .zip(is_test)
                .filter_map(|(text, is_test)| is_test.then_some(text))
                .collect(),
            entries,
        }
    }

    /// Returns the entry of an answer.
    pub(super) fn entry(&self, answer: u32) -> Option<EntryId> {
        self.ids.get(answer as usize).copied()
    }

    /// Returns the row of a text: that of a paraphrase, or the first row of an answer.
    pub(super) fn row(&self, text: u32) -> Option<RowId> {
        let (answer, paraphrase) = self.answers.place(text)?;
        Some(RowId {
            entry: self.entry(answer)?,
            paraphrase: paraphrase.saturating_sub(1),
        })
    }

    /// Returns the test questions of the revision.
    ///
    /// A test question is searched among all texts if its answer has another paraphrase outside the test set, otherwise
    /// among the answers alone, because the paraphrases of other answers would always win.
    pub(super) fn test_questions(&self) -> Vec<TestQuery<'static>> {
        let test = |&text: &u32| {
            let (answer, paraphrase) = self.answers.place(text)?;
            let entry = self.entries.get(&self.entry(answer)?)?;
            let also = &entry
                .paraphrases
                .get(paraphrase.checked_sub(1)? as usize)?
                .also_right;
            let also = also.iter().filter_map(|id| self.ids.binary_search(id).ok());
            let mut right: Vec<u32> = also.map(|number| number as u32).collect();
            right.push(answer);
            right.sort_unstable();
            right.dedup();
            let is_known = |wording: &Paraphrase| !wording.held_out;
            Some(TestQuery {
                query: Query::Paraphrase(text),
                right,
                pool: if entry.paraphrases.iter().any(is_known) {
                    Pool::All
                } else {
                    Pool::Answers
                },
            })
        };
        self.tests.iter().filter_map(test).collect()
    }

    /// Converts an evaluation of the test questions to rows and entries of the project.
    pub(super) fn check(&self, evaluation: Evaluation) -> Check {
        let enough = evaluation.outcomes.len() >= Tally::ENOUGH as usize;
        let outcomes = self.tests.iter().zip(&evaluation.outcomes);
        let verdicts = outcomes.map(|(&text, outcome)| Verdict {
            row: self.row(text).unwrap_or_default(),
            given: outcome.given.and_then(|hit| self.entry(hit.answer)),
            score: outcome.given.map_or(0.0, |hit| hit.score),
            confidence: outcome.probability.filter(|_| enough),
            rank: u32::try_from(outcome.rank).unwrap_or(u32::MAX),
        });
        let curve = evaluation.risk_coverage().filter(|_| enough);
        let consequence = |least: u8| {
            let at = curve.as_ref()?.at(f32::from(least) / 100.0);
            let of_100 = |part: usize, whole: usize| 100.0 * part as f32 / whole.max(1) as f32;
            Some((
                of_100(at.answered, at.questions),
                of_100(at.wrong, at.answered),
            ))
        };
        let over_retrieved = evaluation.over_retrieved.iter().filter_map(|found| {
            Some(OverRetrieved {
                entry: self.entry(found.answer)?,
                questions: found.questions,
            })
        });
        let confused = evaluation.confused.iter().filter_map(|pair| {
            let [one, other] = pair.answers;
            Some(ConfusedPair {
                entries: [self.entry(one)?, self.entry(other)?],
                questions: pair.questions,
            })
        });
        Check {
            verdicts: verdicts.collect(),
            risk_coverage: (0..=100).filter_map(consequence).collect(),
            over_retrieved: over_retrieved.collect(),
            confused: confused.collect(),
            calibration: enough.then_some(evaluation.confidence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Shared};

    #[test]
    fn test_questions_list_all_right_answers_and_choose_their_pool() {
        let wording = |text: &str, check, also: &[EntryId]| Paraphrase {
            text: text.to_owned(),
            held_out: check,
            also_right: also.to_vec(),
            ..Paraphrase::default()
        };
        let entry = |paraphrases| {
            Shared::new(Entry {
                paraphrases,
                ..Entry::default()
            })
        };
        let open = entry(vec![
            wording("open", false, &[]),
            wording("hours", true, &[9, 4]),
        ]);
        let alone = entry(vec![wording("parking", true, &[])]);
        let entries = [(4, alone), (7, open)].into_iter().collect();
        let layout = Layout::of(1, Shared::new(entries));
        let found = layout.test_questions();
        assert_eq!(layout.tests, [1, 4]);
        assert_eq!((&*found[0].right, found[0].pool), (&[0][..], Pool::Answers));
        assert_eq!((&*found[1].right, found[1].pool), (&[0, 1][..], Pool::All));
        let row = RowId {
            entry: 7,
            paraphrase: 1,
        };
        assert_eq!(layout.row(4), Some(row));
        assert_eq!(layout.row(2).map(|row| row.entry), Some(7));
    }
}
