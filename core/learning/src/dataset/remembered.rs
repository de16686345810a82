use super::{Dataset, Sample, collate};
use crate::{
    encoder::{Encoder, NotFrozen, Rows},
    metric::Targets,
    sample::BatchError,
    tensor::Tensor,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{borrow::Borrow, error::Error, fmt};

/// Error of loading and encoding samples; `D` is the data set's error, `E` the encoder's and `T` the
/// tensor back end's.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError<D, E, T> {
    /// Reading a sample failed.
    Dataset(D),
    /// The encoder failed.
    Encoder(E),
    /// The encoder returned a tensor of the wrong shape.
    Shape {
        /// `(objects, embedding length)`.
        expected: (usize, usize),
        /// Actual `(rows, columns)`.
        found: (usize, usize),
    },
    /// The batch is invalid, or the tensor back end failed.
    Batch(BatchError<T>),
}

impl<D: fmt::Display, E: fmt::Display, T: fmt::Display> fmt::Display for LoadError<D, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dataset(error) => error.fmt(f),
            Self::Encoder(error) => error.fmt(f),
            Self::Shape { expected, found } => write!(
                f,
                "the encoder returned a {}×{} tensor; expected {}×{}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Batch(error) => error.fmt(f),
        }
    }
}

impl<D: Error + 'static, E: Error + 'static, T: Error + 'static> Error for LoadError<D, E, T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Dataset(error) => Some(error),
            Self::Encoder(error) => Some(error),
            Self::Batch(error) => Some(error),
            Self::Shape { .. } => None,
        }
    }
}

/// [`LoadError`] of data set `D`, encoder `E` and tensor `T`.
pub(crate) type Failure<D, E, T> =
    LoadError<<D as Dataset>::Error, <E as Encoder<T>>::Error, <T as Tensor>::Error>;

/// Embeddings `[OBJECTS · n, d]` of `n` samples, and their targets.
pub type Encoded<T, S> = (T, <S as Sample>::Targets);

/// Reads and encodes `n` samples; returns embeddings `[OBJECTS · n, d]` without gradient, and targets.
pub(crate) fn encode_samples<T, D, E>(
    dataset: &D,
    encoder: &E,
    numbers: &[usize],
) -> Result<Encoded<T, D::Sample>, Failure<D, E, T>>
where
    T: Tensor,
    D: Dataset,
    D::Sample: Sample<Object: Borrow<E::Input>>,
    E: Encoder<T>,
{
    let samples = dataset.samples(numbers).map_err(LoadError::Dataset)?;
    let (objects, targets) = collate(samples.iter().map(AsRef::as_ref));
    let inputs: Vec<&E::Input> = objects.into_iter().map(Borrow::borrow).collect();
    let embeddings = encoder.encode(&inputs).map_err(LoadError::Encoder)?;
    let expected = (inputs.len(), encoder.dim());
    if embeddings.dims() != expected {
        return Err(LoadError::Shape {
            expected,
            found: embeddings.dims(),
        });
    }
    Ok((embeddings.detach(), targets))
}

/// Location of a sample: object `i` is in row `first + i · step`.
#[derive(Clone, Copy, Debug)]
struct Location {
    first: usize,
    step: usize,
    /// Index of the sample in the targets.
    targets: usize,
}

/// Data set and frozen encoder, with embeddings and targets cached in memory.
///
/// The first pass reads and encodes each sample; later passes only read memory. Over many epochs with a
/// frozen encoder, reading rows just for their labels (pictures, a slow disk) can take longer than
/// training. The embeddings take `n · OBJECTS · d` numbers for `n` samples on the device of the encoder.
/// The key is the sample number, so the data set must not change; for data that changes between runs
/// use [`Cached`](crate::encoder::Cached).
///
/// Source: `quaterion/dataset/label_cache_dataset.py`, which applies if all encoders are cached. To use
/// several encoders, combine them first ([`crate::encoder`]).
pub struct Remembered<T, D: Dataset<Sample: Sample>, E> {
    dataset: D,
    encoder: E,
    locations: BTreeMap<usize, Location>,
    targets: <D::Sample as Sample>::Targets,
    rows: Rows<T>,
}

impl<T, D: Dataset<Sample: Sample>, E> fmt::Debug for Remembered<T, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("samples", &self.dataset.len())
            .field("cached", &self.locations.len())
            .finish_non_exhaustive()
    }
}

impl<T, D, E> Remembered<T, D, E>
where
    T: Tensor,
    D: Dataset,
    D::Sample: Sample<Object: Borrow<E::Input>>,
    E: Encoder<T>,
{
    /// Creates an empty cache of the embeddings of `dataset`.
    ///
    /// # Errors
    /// If the encoder is trainable.
    pub fn new(dataset: D, encoder: E) -> Result<Self, NotFrozen> {
        if encoder.trainable() {
            return Err(NotFrozen);
        }
        Ok(Self {
            dataset,
            encoder,
            locations: BTreeMap::new(),
            targets: Default::default(),
            rows: Rows::default(),
        })
    }

    /// Number of cached samples.
    #[must_use]
    pub fn cached_count(&self) -> usize {
        self.locations.len()
    }

    /// Reads and encodes all uncached samples, in batches of `batch` (at least 1).
    ///
    /// # Errors
    /// The error of the data set, the encoder or the tensor back end.
    pub fn fill(&mut self, batch: usize) -> Result<(), Failure<D, E, T>> {
        let all: Vec<usize> = (0..self.dataset.len()).collect();
        all.chunks(batch.max(1))
            .try_for_each(|numbers| self.cache_missing(numbers))
    }

    /// Returns a batch by sample numbers: embeddings `[OBJECTS · n, d]` (all first objects, then all
    /// second objects) and targets. Uncached samples are read and encoded.
    ///
    /// # Errors
    /// [`BatchError::Empty`] for an empty batch; the error of the data set, the encoder or the tensor
    /// back end.
    pub fn batch(&mut self, numbers: &[usize]) -> Result<Encoded<T, D::Sample>, Failure<D, E, T>> {
        self.cache_missing(numbers)?;
        let locations: Vec<Location> = numbers
            .iter()
            .filter_map(|number| self.locations.get(number).copied())
            .collect();
        let rows: Vec<usize> = (0..<D::Sample as Sample>::Targets::OBJECTS)
            .flat_map(|object| {
                locations
                    .iter()
                    .map(move |location| location.first + object * location.step)
            })
            .collect();
        let targets: Vec<usize> = locations.iter().map(|location| location.targets).collect();
        let embeddings = self.rows.gather(&rows);
        let embeddings = embeddings.map_err(|error| LoadError::Batch(BatchError::Tensor(error)))?;
        match embeddings {
            Some(embeddings) if !rows.is_empty() => Ok((embeddings, self.targets.select(&targets))),
            _ => Err(LoadError::Batch(BatchError::Empty)),
        }
    }

    fn cache_missing(&mut self, numbers: &[usize]) -> Result<(), Failure<D, E, T>> {
        let missing: BTreeSet<usize> = numbers
            .iter()
            .copied()
            .filter(|number| !self.locations.contains_key(number))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<usize> = missing.into_iter().collect();
        let (embeddings, targets) = encode_samples(&self.dataset, &self.encoder, &missing)?;
        let (first, cached) = (self.rows.count(), self.targets.samples());
        let pushed = self.rows.push(embeddings);
        pushed.map_err(|error| LoadError::Batch(BatchError::Tensor(error)))?;
        self.targets.append(&targets);
        for (i, &number) in missing.iter().enumerate() {
            let location = Location {
                first: first + i,
                step: missing.len(),
                targets: cached + i,
            };
            self.locations.insert(number, location);
        }
        Ok(())
    }
}
