//! Validation of a trained model: the folds, the questions asked of each fold's model, and the verdict.

use crate::{
    servable::AnswerSet,
    train::{
        Pairs, TrainError, Trainable,
        data::{Texts, answer_groups},
        job::{
            Job,
            exam::{self, Exam, Questions},
            folds::{self, Fold},
            ranking::Graded,
            texts::{Places, ways},
        },
        settings::{Purpose, seed},
    },
};
use nearsay_core::matrix::Matrix;
use std::sync::Arc;

/// Fraction of the questions of known answers that a model is judged by if it is refitted on all data.
const KNOWN: f64 = 0.2;

/// Trains for the fold of a number on the pairs of some numbers, and returns the vectors of all texts; `None` if it was
/// stopped.
type TrainFold<'a> = dyn FnMut(usize, &[usize]) -> Result<Option<Matrix>, TrainError> + 'a;

impl Job<'_, '_> {
    /// The folds to evaluate a trained model with; empty if the settings validate nothing or there are too few answers.
    pub(in crate::train::job) fn folds(&self) -> Vec<Fold> {
        let Some(fraction) = self.settings.selection.validation_fraction() else {
            return Vec::new();
        };
        let seed = seed(self.settings.seed, Purpose::Validation, 0);
        let is_cheap = self.settings.trainable != Trainable::FullModel;
        let many = if is_cheap {
            folds::cross_validation(self.rows, seed)
        } else {
            Vec::new()
        };
        if !many.is_empty() {
            return many;
        }
        let is_refitted = is_cheap || self.settings.refits_on_all_data();
        let known = if is_refitted {
            fraction.max(KNOWN)
        } else {
            fraction
        };
        let single = folds::single(self.rows, fraction, known, seed);
        single.into_iter().collect()
    }

    /// The questions that the first fit leaves out, if the folds say so rather than the default split.
    pub(super) fn left_out(folds: &[Fold]) -> Option<Vec<usize>> {
        match folds {
            [fold] => Some(fold.held_out()),
            _ => None,
        }
    }

    /// Pairs to watch during the first fit, which doesn't train on them: the held-out pairs, or the pairs of its
    /// validation split.
    pub(super) fn watched<X: Texts>(
        &self,
        train: &Pairs<X>,
        held_out: Pairs<X>,
        left_out: Option<&[usize]>,
    ) -> Pairs<X> {
        let split;
        let numbers = match left_out {
            Some(numbers) => numbers,
            None => {
                split = self.settings.validation_split(&train.subgroups);
                &split
            }
        };
        if self.held_out.is_empty() && !numbers.is_empty() {
            train.select(numbers)
        } else {
            held_out
        }
    }

    /// Asks the questions of the folds. `first` has the vectors of all texts after the first fit.
    pub(in crate::train::job) fn examine(
        &self,
        place: &Places<'_>,
        folds: &[Fold],
        first: &Matrix,
        train: &mut TrainFold<'_>,
    ) -> Result<Exam, TrainError> {
        let answers = Arc::new(AnswerSet::of(self.rows));
        let mut exam = Exam::new();
        let mut add = |fold: &Fold, vectors: &Matrix| -> Result<(), TrainError> {
            let index = exam::index(&answers, &place.with(vectors))?;
            exam.add(index, Questions::of_fold(&answers, self.rows, fold));
            Ok(())
        };
        if let [fold] = folds {
            add(fold, first)?;
            return Ok(exam);
        }
        let pairs = ways(self.rows).count();
        for (number, fold) in folds.iter().enumerate() {
            match train(number, &fold.rest(pairs))? {
                Some(vectors) => add(fold, &vectors)?,
                None => break,
            }
        }
        if exam.is_empty() && !folds.is_empty() {
            // Stopped: only the first fit is left to judge by.
            let groups = answer_groups(ways(self.rows).map(|(_, row)| row.answer.as_str()));
            let fold = Fold {
                new: self.settings.validation_split(&groups),
                ..Fold::default()
            };
            let index = exam::index(&answers, &place.with(first))?;
            exam.add(index, Questions::of_fold(&answers, self.rows, &fold));
        }
        Ok(exam)
    }

    /// Grades a trained model; the base model instead if that is not to be kept. Returns whether it is kept.
    pub(in crate::train::job) fn decide(
        &self,
        place: &Places<'_>,
        trained: Exam,
    ) -> Result<(bool, Graded, Exam), TrainError> {
        let base = self.base_exam(place, &trained)?;
        let trained = self.grade(trained)?;
        let base = self.grade(base)?;
        let is_kept = self.is_kept(&base, &trained);
        let base_exam = base.exam.clone();
        let graded = if is_kept { trained } else { base };
        Ok((is_kept, graded, base_exam))
    }

    /// The questions of an exam, asked of the base model.
    fn base_exam(&self, place: &Places<'_>, exam: &Exam) -> Result<Exam, TrainError> {
        let answers = Arc::new(AnswerSet::of(self.rows));
        Ok(exam.asked_of(&exam::index(&answers, place)?))
    }

    /// Grades the base model by the questions of the folds.
    pub(super) fn grade_base(
        &self,
        place: &Places<'_>,
        folds: &[Fold],
    ) -> Result<(Graded, Exam), TrainError> {
        let mut exam = Exam::new();
        let answers = Arc::new(AnswerSet::of(self.rows));
        let index = exam::index(&answers, place)?;
        for fold in folds {
            let questions = Questions::of_fold(&answers, self.rows, fold);
            exam.add(Arc::clone(&index), questions);
        }
        Ok((self.grade(exam.clone())?, exam))
    }
}
