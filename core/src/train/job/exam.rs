//! Asking the questions kept aside.

use super::{
    Job,
    texts::{Places, ways},
};
use crate::{
    calibration::Calibration,
    candle::to_tensor,
    index::Index,
    matrix::Matrix,
    metric::{Metric as _, PoolMetrics, rank_pool, score_pool},
    servable::{AnswerSet, Checked, HeldOut, Threshold, check},
    train::{PoolFigures, TrainError, data::answer_groups},
};
use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

/// Right answers needed before a threshold is measured rather than taken from experience.
const MIN_FOR_THRESHOLD: usize = 20;

/// Questions needed before it is said how probably an answer is right.
const MIN_FOR_CALIBRATION: usize = 20;

/// Questions kept aside and the pool they are asked of, as pooled vectors.
pub(super) struct Exam {
    questions: Matrix,
    pool: Matrix,
    right: Vec<Vec<usize>>,
}

/// What came of it.
pub(super) struct Asked {
    pub(super) figures: Option<PoolFigures>,
    pub(super) threshold: Threshold,
}

impl Job<'_, '_> {
    /// The questions kept aside, to be asked of all answers.
    pub(super) fn exam(&self, place: &Places<'_>, answers: &AnswerSet) -> Result<Exam, TrainError> {
        let questions: Vec<&str> = ways(self.held_out).map(|(way, _)| way).collect();
        let pool: Vec<&str> = answers
            .iter()
            .map(|answer| answer.answer.as_str())
            .collect();
        let known = answer_groups(
            pool.iter()
                .copied()
                .chain(self.held_out.iter().map(|row| row.answer.as_str())),
        );
        let number: HashMap<u64, usize> = known.iter().take(pool.len()).copied().zip(0..).collect();
        let mut right = Vec::with_capacity(questions.len());
        for (row, group) in self.held_out.iter().zip(&known[pool.len()..]) {
            let answer = number.get(group).copied();
            right.extend(row.ways_to_ask().map(|_| answer.into_iter().collect()));
        }
        Ok(Exam {
            questions: place.rows(&questions)?,
            pool: place.rows(&pool)?,
            right,
        })
    }

    /// Asks the questions kept aside.
    pub(super) fn ask(&self, exam: &Exam) -> Result<Asked, TrainError> {
        if exam.right.is_empty() {
            return Ok(Asked {
                figures: None,
                threshold: Threshold::USUAL,
            });
        }
        let place = |matrix| to_tensor(matrix, self.device);
        let (questions, pool) = (place(&exam.questions)?, place(&exam.pool)?);
        let mut metrics = PoolMetrics::default();
        let mut right_first = Vec::new();
        score_pool(&questions, &pool, &exam.right, &mut |scores| {
            let ranks = rank_pool(scores);
            if ranks.first() == Some(&1) {
                right_first.extend(scores.scores.iter().copied().reduce(f32::max));
            }
            metrics.update(&ranks);
        })?;
        Ok(Asked {
            figures: PoolFigures::of(&metrics, exam.pool.rows()),
            threshold: threshold(right_first, exam.right.len()),
        })
    }

    /// How probably an answer of the finished model is right. `texts` are those of the answers,
    /// `vectors` start with theirs.
    pub(super) fn calibrate(
        &self,
        exam: &Exam,
        answers: &AnswerSet,
        texts: &[&str],
        vectors: &Matrix,
    ) -> Result<Option<Calibration>, TrainError> {
        if exam.right.len() < MIN_FOR_CALIBRATION {
            return Ok(None);
        }
        let held_out: HashSet<&str> = ways(self.held_out).map(|(way, _)| way).collect();
        let without: Vec<u32> = (0u32..)
            .zip(texts)
            .filter(|(vector, text)| answers.wording(*vector).is_some() && held_out.contains(*text))
            .map(|(vector, _)| vector)
            .collect();
        let (rows, columns) = (texts.len(), vectors.columns());
        let data = vectors.data()[..rows * columns].to_vec();
        let index = Matrix::new(rows, columns, data)
            .and_then(|vectors| Index::new(vectors, answers.owners()))
            .map_err(|error| TrainError::Encoder(error.into()))?;
        let questions: Vec<HeldOut<'_>> = exam
            .questions
            .iter_rows()
            .zip(&exam.right)
            .filter_map(|(vector, right)| {
                let right = *right.first()? as u32;
                Some(HeldOut { vector, right })
            })
            .collect();
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let checked = check(&index, &without, &questions, go_on)
            .map_err(|error| TrainError::Encoder(error.into()))?;
        let outcomes: Vec<(f32, bool)> = checked.iter().map(Checked::outcome).collect();
        Ok(Calibration::fit(&outcomes))
    }
}

/// The score that nine of ten questions reach whose first answer was right.
fn threshold(mut right_first: Vec<f32>, questions: usize) -> Threshold {
    if right_first.len() < MIN_FOR_THRESHOLD {
        return Threshold::USUAL;
    }
    right_first.sort_by(f32::total_cmp);
    Threshold {
        score: right_first[right_first.len() / 10],
        questions,
    }
}
