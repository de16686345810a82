//! Measuring the state after an epoch: on the held-out pairs and on the validation split.

use super::Run;
use crate::train::{
    BatchFigures, ModelSelection, Pairs, Settings, TrainError,
    learner::{Batch, Learner},
};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    matrix::Matrix,
    metric::{
        Metric, PoolMetrics, RetrievalPrecision, RetrievalReciprocalRank, rank_right_answers,
        score_questions,
    },
    sample::PairTargets,
};

/// Pairs on the learner's device.
pub(super) struct Placed<P> {
    anchors: P,
    positives: P,
    subgroups: Vec<u64>,
}

impl<P> Placed<P> {
    pub(super) fn new<L: Learner<Placed = P>>(
        pairs: Pairs<L::Texts>,
        learner: &L,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            anchors: learner.place(pairs.anchors)?,
            positives: learner.place(pairs.positives)?,
            subgroups: pairs.subgroups,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.subgroups.len()
    }

    /// A batch of pairs, all with score 1, with its targets in `targets`.
    pub(super) fn batch<'a>(
        &'a self,
        pairs: &'a [u32],
        targets: &'a mut PairTargets,
    ) -> Batch<'a, P> {
        targets.scores.clear();
        targets.scores.resize(pairs.len(), 1.0);
        let subgroups = pairs.iter().map(|&pair| self.subgroups[pair as usize]);
        targets.subgroups.clear();
        targets.subgroups.extend(subgroups);
        Batch {
            anchors: &self.anchors,
            positives: &self.positives,
            pairs,
            targets,
        }
    }
}

/// The validation split, on which the best state is selected.
pub(super) struct Validation<P> {
    pub(super) questions: P,
    pub(super) pool: P,
    pub(super) answers: usize,
    pub(super) right: Vec<Vec<usize>>,
    pub(super) patience: usize,
}

impl<L: Learner> Run<'_, L> {
    /// Batch metrics of the held-out pairs, in batches of the training's size.
    pub(super) fn measure(&mut self) -> Result<Option<BatchFigures>, TrainError> {
        let Some(val) = &self.val else {
            return Ok(None);
        };
        let (mut rp_1, mut rrk) = (
            RetrievalPrecision::new(1),
            RetrievalReciprocalRank::default(),
        );
        let order: Vec<u32> = (0..val.len() as u32).collect();
        for pairs in order.chunks(self.fit.settings.batch) {
            let batch = val.batch(pairs, &mut self.targets);
            self.learner.rank(batch, &mut self.ranks)?;
            rp_1.update(&self.ranks);
            rrk.update(&self.ranks);
        }
        Ok(Some(figures(&rp_1, &rrk)))
    }

    /// MRR@10 of the present state on the validation split; `None` without one.
    pub(super) fn score(&mut self) -> Result<Option<f32>, TrainError> {
        let Some(validation) = &self.validation else {
            return Ok(None);
        };
        let learner = &mut *self.learner;
        let mut all = |texts, count: usize| {
            let rows: Vec<u32> = (0..count as u32).collect();
            learner.embed(texts, &rows)
        };
        let questions = all(&validation.questions, validation.right.len())?;
        let pool = all(&validation.pool, validation.answers)?;
        let mut metrics = PoolMetrics::default();
        score_questions(&questions, &pool, &validation.right, &mut |scores| {
            metrics.update(&rank_right_answers(scores));
        })?;
        Ok(metrics.mrr_10())
    }
}

/// MRR@10 of vectors on the validation split, by pair numbers or else that of the settings; `None` without one.
///
/// # Errors
/// When the vectors cannot be compared, which is a bug.
pub fn validation_score(
    settings: &Settings,
    train: &Pairs,
    validation: Option<&[usize]>,
) -> Result<Option<f32>, TrainError> {
    if !matches!(settings.selection, ModelSelection::BestOnValidation { .. }) {
        return Ok(None);
    }
    let kept = match validation {
        Some(kept) => kept.to_vec(),
        None => settings.validation_split(&train.subgroups),
    };
    if kept.is_empty() {
        return Ok(None);
    }
    let (pool, right) = train.pool();
    let right: Vec<Vec<usize>> = kept.iter().map(|&pair| vec![right[pair]]).collect();
    let place = |matrix: &Matrix| to_tensor(matrix, &Device::Cpu);
    let questions = place(&train.select(&kept).anchors)?;
    let mut metrics = PoolMetrics::default();
    score_questions(&questions, &place(&pool)?, &right, &mut |scores| {
        metrics.update(&rank_right_answers(scores));
    })?;
    Ok(metrics.mrr_10())
}

pub(super) fn figures(rp_1: &RetrievalPrecision, rrk: &RetrievalReciprocalRank) -> BatchFigures {
    BatchFigures {
        rp_1: rp_1.compute().unwrap_or_default(),
        rrk: rrk.compute().unwrap_or_default(),
    }
}
