//! Choice of the prototype scoring of an index on its own paraphrases.

use super::{
    AnswerIndex, Pool, Query, Scoring, TestQuery,
    tuning::{is_gain, mean},
};
use nearsay_core::matrix::ShapeError;
use nearsay_search::prototype::Prototype;

/// Number of folds. An answer of up to five paraphrases loses one at a time.
const FOLDS: usize = 5;

/// Maximum number of questions. More don't change the choice.
const QUESTIONS: usize = 1_500;

/// Settings compared with [`Prototype::USUAL`], as the prior and the sharpness, and no prototypes.
const OTHERS: [Option<(f32, f32)>; 6] = [
    None,
    Some((8.0, 0.0)),
    Some((0.5, 0.0)),
    Some((2.0, 1.5)),
    Some((2.0, 3.0)),
    Some((2.0, 6.0)),
];

impl AnswerIndex {
    /// Chooses the prototypes with the best mean reciprocal rank of the index's own paraphrases, each asked while it is
    /// held out. Returns [`Prototype::USUAL`] unless the gain exceeds one standard error, and `None` if no answer has
    /// two paraphrases, so that prototypes would change nothing.
    ///
    /// Fold `f` of five holds out the paraphrases `f`, `f + 5`, … of every answer with two or more. `scoring` has the
    /// other settings.
    ///
    /// # Errors
    /// The errors of [`evaluate`](Self::evaluate).
    pub fn choose_prototype(&self, scoring: Scoring) -> Result<Option<Prototype>, ShapeError> {
        let folds = self.paraphrase_folds();
        if folds.is_empty() {
            return Ok(None);
        }
        let ask = |prototype| -> Result<Vec<f64>, ShapeError> {
            let mut ranks = Vec::new();
            for questions in &folds {
                let scoring = Scoring {
                    prototype,
                    ..scoring
                };
                let evaluation = self.evaluate_with(questions, scoring)?;
                ranks.extend(evaluation.reciprocal_ranks());
            }
            Ok(ranks)
        };
        let usual = ask(Some(Prototype::USUAL))?;
        let mut best = (Some(Prototype::USUAL), usual.clone());
        for other in OTHERS {
            let prototype = other.map(|(prior, sharpness)| Prototype { prior, sharpness });
            let ranks = ask(prototype)?;
            if mean(&ranks) > mean(&best.1) {
                best = (prototype, ranks);
            }
        }
        if is_gain(&usual, &best.1) {
            Ok(best.0)
        } else {
            Ok(Some(Prototype::USUAL))
        }
    }

    /// Paraphrases of answers with at least two, in folds of which each leaves every answer some; none if there are none.
    fn paraphrase_folds(&self) -> Vec<Vec<TestQuery<'static>>> {
        let texts = (0..).take(self.answers.texts_len());
        let several = texts.filter_map(|text| {
            let (answer, paraphrase) = self.answers.place(text)?;
            let known = self.answers.get(answer)?;
            (paraphrase > 0 && known.questions.len() > 1).then(|| {
                let query = TestQuery {
                    query: Query::Paraphrase(text),
                    right: self.answers.answers_of_group(answer),
                    pool: Pool::All,
                };
                (paraphrase as usize % FOLDS, query)
            })
        });
        let several: Vec<(usize, TestQuery<'static>)> = several.collect();
        // A stride that shares no factor with the number of folds takes questions from all of them.
        let mut stride = several.len().div_ceil(QUESTIONS).max(1);
        if stride.is_multiple_of(FOLDS) {
            stride += 1;
        }
        let mut folds = vec![Vec::new(); FOLDS];
        for (fold, query) in several.into_iter().step_by(stride) {
            folds[fold].push(query);
        }
        folds.retain(|questions| !questions.is_empty());
        folds
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AnswerSet, KnownAnswer, Words};
    use super::*;
    use nearsay_core::matrix::Matrix;
    use nearsay_search::{
        expansion::{Expansion, Kind, Own, Rule, Texts},
        index::normalize,
    };
    use std::sync::Arc;

    const ANSWERS: usize = 12;
    const DIM: usize = 24;

    /// Answers of `paraphrases` each, whose vectors lie around a centre of their own with noise of this size.
    fn noisy(paraphrases: usize, noise: f32, scoring: Scoring) -> AnswerIndex {
        let mut random = fastrand::Rng::with_seed(5);
        let mut rows = Vec::new();
        let known = (0..ANSWERS).map(|answer| {
            let centre: Vec<f32> = (0..DIM).map(|_| random.f32() - 0.5).collect();
            let mut questions = Vec::new();
            for text in 0..=paraphrases {
                let vector = centre.iter().map(|x| x + noise * (random.f32() - 0.5));
                let mut vector: Vec<f32> = vector.collect();
                normalize(&mut vector);
                rows.push(vector);
                if text > 0 {
                    questions.push(format!("question {answer} {text}"));
                }
            }
            KnownAnswer {
                answer: format!("answer {answer}"),
                questions,
                row: 0,
                source: None,
            }
        });
        let answers = Arc::new(AnswerSet::from_known(known.collect()));
        let vectors = Matrix::from_rows(&rows).unwrap();
        AnswerIndex::build(answers, vectors, scoring).unwrap()
    }

    fn with(prior: f32) -> Scoring {
        Scoring {
            hybrid: Some(Words::by_answer(0.1)),
            expansion: Some(Rule::OWN),
            prototype: Some(Prototype {
                prior,
                sharpness: 0.0,
            }),
        }
    }

    #[test]
    fn folds_leave_every_answer_a_paraphrase() {
        for paraphrases in [2, 5, 12] {
            let index = noisy(paraphrases, 1.0, Scoring::default());
            let folds = index.paraphrase_folds();
            let asked: usize = folds.iter().map(Vec::len).sum();
            assert_eq!(
                (asked, folds.len()),
                (ANSWERS * paraphrases, FOLDS.min(paraphrases))
            );
            for fold in folds {
                let of_first = fold.iter().filter(|query| query.right == [0]).count();
                assert!((1..paraphrases).contains(&of_first));
            }
        }
    }

    #[test]
    fn single_paraphrases_choose_no_prototypes() {
        let index = noisy(1, 1.0, Scoring::default());
        assert_eq!(index.choose_prototype(Scoring::default()).unwrap(), None);
    }

    #[test]
    fn default_stays_unless_clearly_beaten() {
        let index = noisy(4, 0.1, Scoring::default());
        let chosen = index.choose_prototype(Scoring::default()).unwrap();
        assert_eq!(chosen, Some(Prototype::USUAL));
    }

    #[test]
    fn mean_of_noisy_paraphrases_beats_nearest() {
        let index = noisy(8, 2.5, Scoring::default());
        let folds = index.paraphrase_folds();
        let right = |prototype| {
            let scoring = Scoring {
                prototype,
                ..Scoring::default()
            };
            let asked = folds
                .iter()
                .map(|fold| index.evaluate_with(fold, scoring).unwrap());
            let right = asked.flat_map(|found| found.outcomes);
            right
                .filter(super::super::QuestionOutcome::is_right)
                .count()
        };
        let (nearest, mean) = (right(None), right(Some(Prototype::USUAL)));
        assert!(mean > nearest + ANSWERS / 2, "{mean} {nearest}");
    }

    #[test]
    fn held_out_paraphrases_are_part_of_no_prototype() {
        let index = noisy(3, 1.0, with(2.0));
        let asked = [1u32, 5];
        let questions = asked.map(|text| TestQuery {
            query: Query::Paraphrase(text),
            right: vec![index.answers().place(text).unwrap().0],
            pool: Pool::All,
        });
        let found = index.evaluate(&questions).unwrap().outcomes;
        // An index that never had these paraphrases.
        let mut known: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
        known[0].questions.remove(0);
        known[1].questions.remove(0);
        let raw = index.raw_vectors();
        let rows = (0..raw.rows()).filter(|&text| !asked.contains(&(text as u32)));
        let rows: Vec<&[f32]> = rows.map(|text| raw.row(text)).collect();
        let vectors = Matrix::from_rows(&rows).unwrap();
        let without = AnswerSet::from_known(known).into();
        let without = AnswerIndex::build(without, vectors, with(2.0)).unwrap();
        for (text, found) in asked.into_iter().zip(found) {
            let name = index.answers().text(text as usize).unwrap();
            let first = without.search(name, raw.row(text as usize), 1)[0];
            let given = found.given.unwrap();
            assert_eq!(first.number, given.answer);
            assert!((first.score - given.score).abs() < 1e-5);
        }
    }

    #[test]
    fn update_keeps_raw_vectors_and_moves_all_again() {
        let index = noisy(3, 1.0, with(2.0));
        let raw = index.raw_vectors().into_owned();
        assert_ne!(&raw, index.index().vectors());
        let never = |_: &[&str]| -> Result<Matrix, ShapeError> { panic!("all texts are known") };
        let same = index
            .update_with(Arc::clone(index.answers()), &mut { never })
            .unwrap();
        assert_eq!(same.index().vectors(), index.index().vectors());
        assert_eq!(*same.raw_vectors(), raw);
        // Without one of its paraphrases, an answer has another prototype; other answers keep theirs.
        let mut known: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
        known[0].questions.pop();
        let edited = AnswerSet::from_known(known).into();
        let edited = index.update_with(edited, &mut { never }).unwrap();
        let (vectors, former) = (edited.index().vectors(), index.index().vectors());
        assert_ne!(vectors.row(1), former.row(1));
        assert_eq!(vectors.row(4), former.row(5));
        let (owners, mut kinds) = (index.answers().owners(), index.answers().kinds());
        kinds[3] = Kind::KeptAside;
        let mut expected = raw.clone();
        Prototype::USUAL
            .apply(&mut expected, &owners, &kinds)
            .unwrap();
        assert_eq!(vectors.row(1), expected.row(1));
        let texts = Texts {
            vectors: &raw,
            owners: &owners,
            kinds: &kinds,
        };
        Expansion::of(Rule::OWN, &texts)
            .and_then(|own| own.apply_to(&[0], &owners, &mut expected, Own::Counts))
            .unwrap();
        assert_eq!(vectors.row(0), expected.row(0));
    }
}
