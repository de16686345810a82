use super::Sampler;
use crate::{
    dataset::{Dataset, Failure, LoadError, Sample, encode_samples},
    distance::Distance,
    encoder::Encoder,
    metric::{Accumulator, Metric, Ranks},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::borrow::Borrow;

/// Value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Name of the metric.
    pub name: String,
    /// Value; `None` if there was nothing to count.
    pub value: Option<f32>,
}

/// Mean and deviation of a metric over several measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Name of the metric.
    pub name: String,
    /// Mean of the measurements; `None` if no measurement had anything to count.
    pub mean: Option<f32>,
    /// Standard deviation of a single measurement, `√(Σ (xᵢ − mean)² / (n − 1))`; `None` for fewer than
    /// two measurements.
    pub deviation: Option<f32>,
    /// Number of measurements with something to count.
    pub measurements: usize,
}

/// Evaluates batch metrics over a whole data set.
///
/// Takes memory for all embeddings, `n · OBJECTS · d` numbers, and at most 16 MiB of distances.
///
/// Source: `quaterion/eval/evaluator.py`.
///
/// # Example
///
/// ```
/// use nearsay_core::{distance::Cosine, encoder::Encoder, evaluate::{Evaluator, PairSampler}, matrix::{Matrix, ShapeError}, metric::{RetrievalPrecision, RetrievalReciprocalRank}, sample::PairSample};
///
/// /// Frequency of each vowel.
/// struct Vowels;
///
/// impl Encoder<Matrix> for Vowels {
///     type Input = str;
///     type Error = ShapeError;
///     fn dim(&self) -> usize { 5 }
///     fn trainable(&self) -> bool { false }
///     fn encode(&self, batch: &[&str]) -> Result<Matrix, ShapeError> {
///         let count = |text: &str, vowel| text.matches(vowel).count() as f32;
///         let counts = batch.iter().flat_map(|text| ['a', 'e', 'i', 'o', 'u'].map(|v| count(text, v)));
///         Matrix::new(batch.len(), 5, counts.collect())
///     }
/// }
///
/// let pairs = vec![
///     PairSample::positive("banana", "a banal flag"),
///     PairSample::positive("seventeen", "even these"),
///     PairSample::positive("bonobo", "foot of dough"),
/// ];
/// let sampler = PairSampler { distinguish: true, ..Default::default() };
/// let mut evaluator = Evaluator::new(&Cosine, sampler)
///     .with("rp@1", RetrievalPrecision::new(1))
///     .with("rrk", RetrievalReciprocalRank::default());
/// let scores = evaluator.evaluate(&pairs, &Vowels).unwrap();
/// assert_eq!((scores[0].name.as_str(), scores[0].value), ("rp@1", Some(1.0)));
/// ```
pub struct Evaluator<'a, T, S> {
    distance: &'a dyn Distance<T>,
    sampler: S,
    metrics: Vec<(String, Box<dyn Metric<Batch = Ranks>>)>,
    seed: u64,
}

impl<'a, T: Tensor, S: Sampler> Evaluator<'a, T, S> {
    /// Creates an evaluator without metrics and with seed 42.
    #[must_use]
    pub fn new(distance: &'a dyn Distance<T>, sampler: S) -> Self {
        Self {
            distance,
            sampler,
            metrics: Vec::new(),
            seed: 42,
        }
    }

    /// Adds a metric.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        metric: impl Metric<Batch = Ranks> + 'static,
    ) -> Self {
        self.metrics.push((name.into(), Box::new(metric)));
        self
    }

    /// Sets the seed for drawing samples.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Encodes the data set and computes all metrics, in the order of their addition.
    ///
    /// # Errors
    /// [`BatchError::Empty`] for an empty data set; the error of the data set, the encoder or the tensor
    /// back end.
    pub fn evaluate<D, E>(
        &mut self,
        dataset: &D,
        encoder: &E,
    ) -> Result<Vec<Score>, Failure<D, E, T>>
    where
        D: Dataset,
        D::Sample: Sample<Object: Borrow<E::Input>, Targets = S::Targets>,
        E: Encoder<T>,
    {
        let all = self.encode(dataset, encoder)?;
        self.compute_scores(&all, self.seed)
            .map_err(LoadError::Batch)
    }

    /// Encodes the data set once and computes all metrics on `times` (at least 1) random samples, with
    /// consecutive seeds.
    ///
    /// Without a sample size all measurements are equal and all deviations 0.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_repeated<D, E>(
        &mut self,
        dataset: &D,
        encoder: &E,
        times: usize,
    ) -> Result<Vec<Estimate>, Failure<D, E, T>>
    where
        D: Dataset,
        D::Sample: Sample<Object: Borrow<E::Input>, Targets = S::Targets>,
        E: Encoder<T>,
    {
        let all = self.encode(dataset, encoder)?;
        let mut values: Vec<Vec<f32>> = self.metrics.iter().map(|_| Vec::new()).collect();
        for offset in 0..times.max(1) as u64 {
            let scores = self.compute_scores(&all, self.seed.wrapping_add(offset));
            for (values, score) in values.iter_mut().zip(scores.map_err(LoadError::Batch)?) {
                values.extend(score.value);
            }
        }
        let names = self.metrics.iter().map(|(name, _)| name.clone());
        Ok(names
            .zip(values)
            .map(|(name, values)| Estimate::from_values(name, &values))
            .collect())
    }

    fn encode<D, E>(
        &self,
        dataset: &D,
        encoder: &E,
    ) -> Result<Accumulator<T, S::Targets>, Failure<D, E, T>>
    where
        D: Dataset,
        D::Sample: Sample<Object: Borrow<E::Input>, Targets = S::Targets>,
        E: Encoder<T>,
    {
        let mut all = Accumulator::default();
        let numbers: Vec<usize> = (0..dataset.len()).collect();
        for numbers in numbers.chunks(self.sampler.batch().max(1)) {
            let (embeddings, targets) = encode_samples(dataset, encoder, numbers)?;
            all.update(&embeddings, &targets);
        }
        Ok(all)
    }

    fn compute_scores(
        &mut self,
        all: &Accumulator<T, S::Targets>,
        seed: u64,
    ) -> Result<Vec<Score>, BatchError<T::Error>> {
        let embeddings = all.embeddings()?.ok_or(BatchError::Empty)?;
        let ranks = self
            .sampler
            .rank(self.distance, &embeddings, all.targets(), seed)?;
        Ok(self
            .metrics
            .iter_mut()
            .map(|(name, metric)| {
                metric.reset();
                metric.update(&ranks);
                let value = metric.compute();
                metric.reset();
                Score {
                    name: name.clone(),
                    value,
                }
            })
            .collect())
    }
}

impl Estimate {
    fn from_values(name: String, values: &[f32]) -> Self {
        let n = values.len();
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
        let squares: f64 = values
            .iter()
            .map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean))
            .sum();
        Self {
            name,
            mean: (n > 0).then_some(mean as f32),
            deviation: (n > 1).then(|| libm::sqrt(squares / (n - 1) as f64) as f32),
            measurements: n,
        }
    }
}
