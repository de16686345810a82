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

/// Why samples could not be turned into embeddings, or these be used: `D` is the data set's error, `E`
/// the encoder's, `T` the tensor library's.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError<D, E, T> {
    /// A sample could not be read.
    Dataset(D),
    /// The encoder failed.
    Encoder(E),
    /// The encoder gave a tensor of another shape than it promised.
    Shape {
        /// `(objects, length of a vector)`.
        expected: (usize, usize),
        /// `(rows, columns)` given.
        found: (usize, usize),
    },
    /// The batch cannot be used, or the tensor library failed.
    Batch(BatchError<T>),
}

impl<D: fmt::Display, E: fmt::Display, T: fmt::Display> fmt::Display for LoadError<D, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dataset(error) => error.fmt(f),
            Self::Encoder(error) => error.fmt(f),
            Self::Shape { expected, found } => write!(
                f,
                "the encoder gave {}×{} numbers for {} objects of {} each",
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

/// Everything that can go wrong between data set `D`, encoder `E` and tensor library `T`.
pub(crate) type Failure<D, E, T> =
    LoadError<<D as Dataset>::Error, <E as Encoder<T>>::Error, <T as Tensor>::Error>;

/// The embeddings of `n` samples, `[OBJECTS · n, d]`, and what is known of them.
pub type Encoded<T, S> = (T, <S as Sample>::Targets);

/// Reads and encodes samples: `n` of them → embeddings `[OBJECTS · n, d]` without gradient, and what is
/// known of them.
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

/// Where a sample's embeddings are: object `i` in row `first + i · step`; and its targets' place.
#[derive(Clone, Copy, Debug)]
struct Place {
    first: usize,
    step: usize,
    targets: usize,
}

/// A data set behind a frozen encoder that is read once: embeddings and targets are remembered, and
/// from the second pass on batches come from memory alone.
///
/// With many epochs over a frozen encoder, reading rows for nothing but their labels costs more than
/// the training itself when rows are pictures or lie on a slow disk. Embeddings are kept where the
/// encoder's tensors are: `n · OBJECTS · d` numbers for `n` samples. A sample is known by its number, so
/// the data set must not change meanwhile; what changes in between runs is
/// [`Cached`](crate::encoder::Cached)'s business.
///
/// Source: `quaterion/dataset/label_cache_dataset.py`, which does this when all encoders are cached; to
/// have several encoders, put them together first ([`crate::encoder`]).
pub struct Remembered<T, D: Dataset<Sample: Sample>, E> {
    dataset: D,
    encoder: E,
    places: BTreeMap<usize, Place>,
    targets: <D::Sample as Sample>::Targets,
    rows: Rows<T>,
}

impl<T, D: Dataset<Sample: Sample>, E> fmt::Debug for Remembered<T, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("samples", &self.dataset.len())
            .field("known", &self.places.len())
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
    /// Remembers what `encoder` makes of `dataset`.
    ///
    /// # Errors
    /// When the encoder is trainable.
    pub fn new(dataset: D, encoder: E) -> Result<Self, NotFrozen> {
        if encoder.trainable() {
            return Err(NotFrozen);
        }
        Ok(Self {
            dataset,
            encoder,
            places: BTreeMap::new(),
            targets: Default::default(),
            rows: Rows::default(),
        })
    }

    /// Number of samples remembered.
    #[must_use]
    pub fn known(&self) -> usize {
        self.places.len()
    }

    /// Reads and encodes what is not known yet, at most `batch` samples (at least 1) at once.
    ///
    /// # Errors
    /// What data set, encoder or the tensor library report.
    pub fn fill(&mut self, batch: usize) -> Result<(), Failure<D, E, T>> {
        let all: Vec<usize> = (0..self.dataset.len()).collect();
        all.chunks(batch.max(1))
            .try_for_each(|numbers| self.learn(numbers))
    }

    /// The batch of these samples: embeddings `[OBJECTS · n, d]` (the first objects of all, then the
    /// second ones) and what is known of them. Samples that are not known yet are read and encoded.
    ///
    /// # Errors
    /// [`BatchError::Empty`] for an empty batch; what data set, encoder or the tensor library report.
    pub fn batch(&mut self, numbers: &[usize]) -> Result<Encoded<T, D::Sample>, Failure<D, E, T>> {
        self.learn(numbers)?;
        let places: Vec<Place> = numbers
            .iter()
            .filter_map(|number| self.places.get(number).copied())
            .collect();
        let rows: Vec<usize> = (0..<D::Sample as Sample>::Targets::OBJECTS)
            .flat_map(|object| {
                places
                    .iter()
                    .map(move |place| place.first + object * place.step)
            })
            .collect();
        let targets: Vec<usize> = places.iter().map(|place| place.targets).collect();
        let embeddings = self.rows.gather(&rows);
        let embeddings = embeddings.map_err(|error| LoadError::Batch(BatchError::Tensor(error)))?;
        match embeddings {
            Some(embeddings) if !rows.is_empty() => Ok((embeddings, self.targets.select(&targets))),
            _ => Err(LoadError::Batch(BatchError::Empty)),
        }
    }

    fn learn(&mut self, numbers: &[usize]) -> Result<(), Failure<D, E, T>> {
        let missing: BTreeSet<usize> = numbers
            .iter()
            .copied()
            .filter(|number| !self.places.contains_key(number))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<usize> = missing.into_iter().collect();
        let (embeddings, targets) = encode_samples(&self.dataset, &self.encoder, &missing)?;
        let (first, known) = (self.rows.count(), self.targets.samples());
        let pushed = self.rows.push(embeddings);
        pushed.map_err(|error| LoadError::Batch(BatchError::Tensor(error)))?;
        self.targets.append(&targets);
        for (i, &number) in missing.iter().enumerate() {
            let place = Place {
                first: first + i,
                step: missing.len(),
                targets: known + i,
            };
            self.places.insert(number, place);
        }
        Ok(())
    }
}
