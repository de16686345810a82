use super::{Accumulator, Mean, Metric, Ranks, Targets};
use crate::{distance::Distance, sample::BatchError, tensor::Tensor};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

/// A part of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The batches that are learned from.
    Train,
    /// The batches that are only measured, after each epoch.
    Validation,
    /// The batches that are measured once, at the end.
    Test,
}

impl Stage {
    /// Its name in a log: `train`, `validation` or `test`, Quaterion's names.
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

/// Over what an attached metric is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Each batch for itself; the figure of an epoch is the mean of its batches' figures, a small
    /// last batch weighing as much as the others. What Quaterion's attached metrics log, and the
    /// default.
    #[default]
    Batches,
    /// All samples of an epoch as if they were one batch: each embedding ranks all others. Keeps the
    /// embeddings of the epoch; those of the training stage are as they were when their batch came.
    Epoch,
}

/// A metric with a name, and the stages it is for.
///
/// Both [`Stage::Train`] and [`Stage::Validation`] by default, computed [`Over::Batches`].
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
    /// A metric to be logged as `{name}_train` and `{name}_validation`.
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

    /// The same metric for these stages only.
    #[must_use]
    pub fn at(mut self, stages: &[Stage]) -> Self {
        self.stages = stages.to_vec();
        self
    }

    /// The same metric computed over single batches or a whole epoch.
    #[must_use]
    pub fn over(mut self, over: Over) -> Self {
        self.over = over;
        self
    }

    fn is_for(&self, stage: Stage, over: Over) -> bool {
        self.over == over && self.stages.contains(&stage)
    }

    /// The figure of one batch.
    fn figure(&mut self, ranks: &Ranks) -> Option<f32> {
        self.metric.reset();
        self.metric.update(ranks);
        let figure = self.metric.compute();
        self.metric.reset();
        figure
    }

    fn mean(&mut self, stage: Stage) -> &mut Mean {
        let place = self.means.iter().position(|(of, _)| *of == stage);
        let place = place.unwrap_or_else(|| {
            self.means.push((stage, Mean::default()));
            self.means.len() - 1
        });
        &mut self.means[place].1
    }
}

/// A figure of one epoch, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// `{name}_{stage}`, for example `rp@1_validation`.
    pub name: String,
    /// The figure; `None` when there was nothing to count.
    pub value: Option<f32>,
}

/// The metrics of a training: takes in the batches of all stages, gives the figures of each epoch.
///
/// A batch is ranked once for all metrics, and not at all in stages that no metric is for. Each stage
/// has its own state, so batches of different stages may come in any order.
///
/// # Example
///
/// ```
/// use crate::{distance::Cosine, matrix::Matrix, metric::{Attached, AttachedMetrics, Over, RetrievalPrecision, RetrievalReciprocalRank, Stage}, sample::PairTargets};
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
    /// Metrics that rank by this distance.
    #[must_use]
    pub fn new(distance: &'a dyn Distance<T>, attached: Vec<Attached>) -> Self {
        Self {
            distance,
            attached,
            epochs: Vec::new(),
        }
    }

    /// Takes in a batch: embeddings `[OBJECTS · n, d]` and what is known of its `n` samples.
    ///
    /// # Errors
    /// When embeddings and targets do not go together, or the tensor library fails.
    pub fn update(
        &mut self,
        stage: Stage,
        embeddings: &T,
        targets: &G,
    ) -> Result<(), BatchError<T::Error>> {
        if self.wants(stage, Over::Batches) {
            let ranks = targets.rank(self.distance, &embeddings.detach())?;
            for attached in &mut self.attached {
                if attached.is_for(stage, Over::Batches)
                    && let Some(figure) = attached.figure(&ranks)
                {
                    attached.mean(stage).add(f64::from(figure));
                }
            }
        }
        if self.wants(stage, Over::Epoch) {
            let place = self.epochs.iter().position(|(of, _)| *of == stage);
            let place = place.unwrap_or_else(|| {
                self.epochs.push((stage, Accumulator::default()));
                self.epochs.len() - 1
            });
            self.epochs[place].1.update(embeddings, targets);
        }
        Ok(())
    }

    /// The figures of a stage's epoch, in the order the metrics were given; forgets the epoch.
    ///
    /// # Errors
    /// When embeddings and targets do not go together, or the tensor library fails.
    pub fn finish(&mut self, stage: Stage) -> Result<Vec<Figure>, BatchError<T::Error>> {
        let place = self.epochs.iter().position(|(of, _)| *of == stage);
        let epoch = match place.map(|place| self.epochs.swap_remove(place).1) {
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
                Over::Batches => core::mem::take(attached.mean(stage)).value(),
                Over::Epoch => attached.figure(&epoch),
            };
            figures.push(Figure {
                name: format!("{}_{stage}", attached.name),
                value,
            });
        }
        Ok(figures)
    }

    fn wants(&self, stage: Stage, over: Over) -> bool {
        self.attached.iter().any(|a| a.is_for(stage, over))
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
    fn batches_give_their_mean_and_an_epoch_ranks_all() {
        let rp = || RetrievalPrecision::new(1);
        let mut metrics = AttachedMetrics::<Matrix, PairTargets>::new(
            &Cosine,
            alloc::vec![
                Attached::new("rp@1", rp()),
                Attached::new("all", rp()).over(Over::Epoch),
                Attached::new("test", rp()).at(&[Stage::Test]),
            ],
        );
        // Alone, each batch is perfect; together, the pair of the second lies within the first's.
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
        // The next epoch starts from nothing.
        let train = metrics.finish(Stage::Train).unwrap();
        assert_eq!(values(&train), [("rp@1_train", None), ("all_train", None)]);
    }

    #[test]
    fn every_batch_weighs_the_same() {
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
        // 1, 0 of 2, and a batch that has nothing to count and so no figure.
        let found = metrics.finish(Stage::Validation).unwrap();
        assert_eq!(values(&found), [("rrp_validation", Some(0.5))]);
        assert!(metrics.finish(Stage::Train).unwrap().is_empty());
    }
}
