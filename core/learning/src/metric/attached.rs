use super::{Accumulator, Mean, Metric, Ranks, Targets};
use crate::{distance::Distance, sample::BatchError, tensor::Tensor};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

/// Stage of a training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Batches that update the weights.
    Train,
    /// Batches evaluated after each epoch.
    Validation,
    /// Batches evaluated once, after training.
    Test,
}

impl Stage {
    /// Name in logs, as in Quaterion: `train`, `validation` or `test`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Scope of an attached metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Single batches. The value of an epoch is the mean over its batches, with equal weight for a
    /// smaller last batch, as in Quaterion. The default.
    #[default]
    Batches,
    /// All samples of an epoch as one batch: each embedding ranks all others. The embeddings of the
    /// epoch are kept in memory; in the training stage they date from the step of their batch.
    Epoch,
}

/// A named metric with the stages it applies to.
///
/// Defaults: [`Stage::Train`] and [`Stage::Validation`], [`Over::Batches`].
/// Source: `quaterion/eval/attached_metric.py`.
pub struct Attached {
    name: String,
    metric: Box<dyn Metric<Batch = Ranks>>,
    stages: Vec<Stage>,
    over: Over,
    means: Vec<(Stage, Mean)>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("name", &self.name)
            .field("stages", &self.stages)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl Attached {
    /// Attaches a metric as `{name}_train` and `{name}_validation`.
    #[must_use]
    pub fn new(name: impl Into<String>, metric: impl Metric<Batch = Ranks> + 'static) -> Self {
        Self {
            name: name.into(),
            metric: Box::new(metric),
            stages: alloc::vec![Stage::Train, Stage::Validation],
            over: Over::default(),
            means: Vec::new(),
        }
    }

    /// Sets the stages.
    #[must_use]
    pub fn at(mut self, stages: &[Stage]) -> Self {
        self.stages = stages.to_vec();
        self
    }

    /// Sets the scope.
    #[must_use]
    pub fn over(mut self, over: Over) -> Self {
        self.over = over;
        self
    }

    fn applies_to(&self, stage: Stage, over: Over) -> bool {
        self.over == over && self.stages.contains(&stage)
    }

    /// Value of the metric for one batch.
    fn compute_batch(&mut self, ranks: &Ranks) -> Option<f32> {
        self.metric.reset();
        self.metric.update(ranks);
        let value = self.metric.compute();
        self.metric.reset();
        value
    }

    fn mean_mut(&mut self, stage: Stage) -> &mut Mean {
        let position = self.means.iter().position(|(s, _)| *s == stage);
        let position = position.unwrap_or_else(|| {
            self.means.push((stage, Mean::default()));
            self.means.len() - 1
        });
        &mut self.means[position].1
    }
}

/// A metric value of one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// `{name}_{stage}`, for example `rp@1_validation`.
    pub name: String,
    /// Value; `None` if no batch had anything to count.
    pub value: Option<f32>,
}

/// The metrics of a training run: collects the batches of all stages and returns one [`Figure`] per
/// metric and epoch.
///
/// A batch is ranked once for all metrics, and only in stages that have a metric. Each stage has its
/// own state, so batches of different stages may be interleaved.
///
/// # Example
///
/// ```
/// use nearsay_core::{distance::Cosine, matrix::Matrix, metric::{Attached, AttachedMetrics, Over, RetrievalPrecision, RetrievalReciprocalRank, Stage}, sample::PairTargets};
///
/// let mut metrics = AttachedMetrics::<Matrix, PairTargets>::new(
///     &Cosine,
///     vec![
///         Attached::new("rp@1", RetrievalPrecision::new(1)),
///         Attached::new("rrk", RetrievalReciprocalRank::default())
///             .at(&[Stage::Validation])
///             .over(Over::Epoch),
///     ],
/// );
/// let x = Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.9]]).unwrap();
/// metrics.update(Stage::Train, &x, &PairTargets::positives(2)).unwrap();
/// let figures = metrics.finish(Stage::Train).unwrap();
/// assert_eq!(figures.len(), 1);
/// assert_eq!((figures[0].name.as_str(), figures[0].value), ("rp@1_train", Some(1.0)));
/// ```
pub struct AttachedMetrics<'a, T, G> {
    distance: &'a dyn Distance<T>,
    attached: Vec<Attached>,
    epochs: Vec<(Stage, Accumulator<T, G>)>,
}

impl<'a, T: Tensor, G: Targets> AttachedMetrics<'a, T, G> {
    /// Creates metrics that rank by `distance`.
    #[must_use]
    pub fn new(distance: &'a dyn Distance<T>, attached: Vec<Attached>) -> Self {
        Self {
            distance,
            attached,
            epochs: Vec::new(),
        }
    }

    /// Adds a batch of a stage: embeddings `[OBJECTS · n, d]` and the targets of its `n` samples.
    ///
    /// # Errors
    /// If embeddings and targets differ in size, or the tensor back end fails.
    pub fn update(
        &mut self,
        stage: Stage,
        embeddings: &T,
        targets: &G,
    ) -> Result<(), BatchError<T::Error>> {
        if self.has_metric(stage, Over::Batches) {
            let ranks = targets.rank(self.distance, &embeddings.detach())?;
            for attached in &mut self.attached {
                if attached.applies_to(stage, Over::Batches)
                    && let Some(value) = attached.compute_batch(&ranks)
                {
                    attached.mean_mut(stage).add(f64::from(value));
                }
            }
        }
        if self.has_metric(stage, Over::Epoch) {
            let position = self.epochs.iter().position(|(s, _)| *s == stage);
            let position = position.unwrap_or_else(|| {
                self.epochs.push((stage, Accumulator::default()));
                self.epochs.len() - 1
            });
            self.epochs[position].1.update(embeddings, targets);
        }
        Ok(())
    }

    /// Ends an epoch of a stage: returns its figures in the order of the metrics and clears its
    /// state.
    ///
    /// # Errors
    /// If embeddings and targets differ in size, or the tensor back end fails.
    pub fn finish(&mut self, stage: Stage) -> Result<Vec<Figure>, BatchError<T::Error>> {
        let position = self.epochs.iter().position(|(s, _)| *s == stage);
        let epoch = match position.map(|position| self.epochs.swap_remove(position).1) {
            Some(epoch) => match epoch.embeddings()? {
                Some(all) => epoch.targets().rank(self.distance, &all)?,
                None => Ranks::default(),
            },
            None => Ranks::default(),
        };
        let mut figures = Vec::new();
        for attached in &mut self.attached {
            if !attached.stages.contains(&stage) {
                continue;
            }
            let value = match attached.over {
                Over::Batches => core::mem::take(attached.mean_mut(stage)).value(),
                Over::Epoch => attached.compute_batch(&epoch),
            };
            figures.push(Figure {
                name: format!("{}_{stage}", attached.name),
                value,
            });
        }
        Ok(figures)
    }

    fn has_metric(&self, stage: Stage, over: Over) -> bool {
        self.attached.iter().any(|a| a.applies_to(stage, over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        distance::Cosine,
        matrix::Matrix,
        metric::{RetrievalPrecision, RetrievalRPrecision},
        sample::PairTargets,
    };

    fn vectors(angles: &[f32]) -> Matrix {
        let rows: Vec<[f32; 2]> = angles.iter().map(|a| [a.cos(), a.sin()]).collect();
        Matrix::from_rows(&rows).unwrap()
    }

    fn values(figures: &[Figure]) -> Vec<(&str, Option<f32>)> {
        figures.iter().map(|f| (f.name.as_str(), f.value)).collect()
    }

    #[test]
    fn attached_metrics_average_batches_or_rank_whole_epoch() {
        let rp = || RetrievalPrecision::new(1);
        let mut metrics = AttachedMetrics::<Matrix, PairTargets>::new(
            &Cosine,
            alloc::vec![
                Attached::new("rp@1", rp()),
                Attached::new("all", rp()).over(Over::Epoch),
                Attached::new("test", rp()).at(&[Stage::Test]),
            ],
        );
        // Each batch alone is perfect; in the epoch, the second pair lies within the first one.
        let batches = [vectors(&[0.0, 2.0, 0.3, 2.1]), vectors(&[0.1, 0.12])];
        for (batch, n) in batches.iter().zip([2, 1]) {
            let targets = PairTargets::positives(n);
            metrics.update(Stage::Train, batch, &targets).unwrap();
        }
        metrics
            .update(Stage::Validation, &batches[1], &PairTargets::positives(1))
            .unwrap();
        let train = metrics.finish(Stage::Train).unwrap();
        let expected = [("rp@1_train", Some(1.0)), ("all_train", Some(4.0 / 6.0))];
        assert_eq!(values(&train), expected);
        let validation = metrics.finish(Stage::Validation).unwrap();
        let expected = [
            ("rp@1_validation", Some(1.0)),
            ("all_validation", Some(1.0)),
        ];
        assert_eq!(values(&validation), expected);
        // The next epoch starts empty.
        let train = metrics.finish(Stage::Train).unwrap();
        assert_eq!(values(&train), [("rp@1_train", None), ("all_train", None)]);
    }

    #[test]
    fn attached_metrics_weigh_batches_equally() {
        let rrp = Attached::new("rrp", RetrievalRPrecision::default()).at(&[Stage::Validation]);
        let mut metrics = AttachedMetrics::<Matrix, Vec<u64>>::new(&Cosine, alloc::vec![rrp]);
        let batches = [
            (vectors(&[0.0, 0.1, 1.0, 1.1]), alloc::vec![0, 0, 1, 1]),
            (vectors(&[0.0, 0.1, 0.15]), alloc::vec![0, 1, 0]),
            (vectors(&[0.0, 0.1]), alloc::vec![0, 1]),
        ];
        for (batch, groups) in &batches {
            metrics.update(Stage::Validation, batch, groups).unwrap();
            metrics.update(Stage::Train, batch, groups).unwrap();
        }
        // Values 1 and 0; the third batch has nothing to count, so it has no value.
        let found = metrics.finish(Stage::Validation).unwrap();
        assert_eq!(values(&found), [("rrp_validation", Some(0.5))]);
        assert!(metrics.finish(Stage::Train).unwrap().is_empty());
    }
}
