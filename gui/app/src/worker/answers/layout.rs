//! Revision of the project, arranged for the index.

use std::sync::Arc;

use nearsay::{
    answer_index::{Evaluation, Pool, Query, TestQuery},
    servable::{AnswerSet, KnownAnswer},
};
use nearsay_project::{Entries, EntryId, RowId, Tally, held_out::ENOUGH_TO_HOLD_OUT};
use nearsay_search::calibration::Silence;

use crate::state::{Check, ConfusedPair, OverRetrieved, Verdict};

/// Number of folds of a small project.
const FOLDS: usize = 10;

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

    /// Returns the test questions of the revision in folds, to ask of a model that was trained on none of them.
    ///
    /// A small project has every question asked once, in ten folds, so that its figure doesn't depend on which questions
    /// happen to be held out; the questions of a fold aren't searched while they are asked.
    pub(super) fn folds(&self) -> Vec<Vec<u32>> {
        let is_question = |text: &u32| self.answers.wording(*text).is_some();
        let all: Vec<u32> = (0..self.answers.texts_len() as u32)
            .filter(is_question)
            .collect();
        if all.len() >= ENOUGH_TO_HOLD_OUT {
            return vec![self.tests.clone()];
        }
        let mut folds = vec![Vec::new(); FOLDS];
        for (place, text) in all.into_iter().enumerate() {
            folds[place % FOLDS].push(text);
        }
        folds.retain(|fold| !fold.is_empty());
        folds
    }

    /// Converts texts to test questions.
    ///
    /// A test question is searched among all texts if its answer has another paraphrase outside of `texts`, which is
    /// ascending, otherwise among the answers alone, because the paraphrases of other answers would always win.
    pub(super) fn test_questions(&self, texts: &[u32]) -> Vec<TestQuery<'static>> {
        let test = |&text: &u32| {
            let (answer, paraphrase) = self.answers.place(text)?;
            let start = text - paraphrase;
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
            let siblings = start + 1..=start + entry.paraphrases.len() as u32;
            let mut siblings = siblings.filter(|text| texts.binary_search(text).is_err());
            Some(TestQuery {
                query: Query::Paraphrase(text),
                right,
                pool: if siblings.next().is_some() {
                    Pool::All
                } else {
                    Pool::Answers
                },
            })
        };
        texts.iter().filter_map(test).collect()
    }

    /// Converts an evaluation of texts to rows and entries of the project.
    pub(super) fn check(&self, texts: &[u32], evaluation: Evaluation) -> Check {
        let enough = evaluation.outcomes.len() >= Tally::ENOUGH as usize;
        let outcomes = texts.iter().zip(&evaluation.outcomes);
        let verdicts = outcomes.map(|(&text, outcome)| Verdict {
            row: self.row(text).unwrap_or_default(),
            given: outcome.given.and_then(|hit| self.entry(hit.answer)),
            score: outcome.given.map_or(0.0, |hit| hit.score),
            confidence: outcome.probability.filter(|_| enough),
            rank: u32::try_from(outcome.rank).unwrap_or(u32::MAX),
        });
        let curve = evaluation.risk_coverage().filter(|_| enough);
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
            figures: None,
            verdicts: verdicts.collect(),
            risk_coverage: curve.as_ref().map_or_else(Vec::new, consequences),
            over_retrieved: over_retrieved.collect(),
            confused: confused.collect(),
            calibration: enough.then_some(evaluation.confidence),
        }
    }
}

/// For each abstain threshold from 0 to 100 per cent, the percentage of questions answered and the percentage of these
/// answers that are wrong.
pub(super) fn consequences(curve: &Silence) -> Vec<(f32, f32)> {
    let of_100 = |part: usize, whole: usize| 100.0 * part as f32 / whole.max(1) as f32;
    let consequence = |least: u8| {
        let at = curve.at(f32::from(least) / 100.0);
        (
            of_100(at.answered, at.questions),
            of_100(at.wrong, at.answered),
        )
    };
    (0..=100).map(consequence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Paraphrase, Shared};

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
        let found = layout.test_questions(&layout.tests);
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

    #[test]
    fn folds_ask_every_question_of_a_small_project_once() {
        let project = |questions: usize| {
            let wording = |number: usize| Paraphrase {
                text: format!("question {number}"),
                held_out: number.is_multiple_of(5),
                ..Paraphrase::default()
            };
            let entry = |id: usize| Entry {
                paraphrases: vec![wording(2 * id), wording(2 * id + 1)],
                ..Entry::default()
            };
            let entries = (0..questions / 2).map(|id| (id as EntryId, Shared::new(entry(id))));
            Layout::of(1, Shared::new(entries.collect()))
        };
        let small = project(498);
        let folds = small.folds();
        assert_eq!(folds.len(), FOLDS);
        assert_eq!(folds.iter().map(Vec::len).sum::<usize>(), 498);
        for fold in &folds {
            // The other question of each answer stays known.
            let questions = small.test_questions(fold);
            assert!(questions.iter().all(|question| question.pool == Pool::All));
        }
        let large = project(500);
        assert_eq!(large.folds(), std::slice::from_ref(&large.tests));
        assert_eq!(large.tests.len(), 100);
    }
}
