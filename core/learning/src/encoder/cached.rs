use super::{BoxError, CachePolicy, CachedError, Encoder, NotFrozen, Rows, VectorStore};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{
    borrow::Cow,
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::cell::RefCell;

/// Cached vectors by content.
struct Entries<T> {
    /// Row number by content.
    numbers: BTreeMap<Vec<u8>, usize>,
    /// Rows on the device of the encoder.
    device: Rows<T>,
    /// Rows in main memory.
    host: Rows<Matrix>,
    /// Tensor on the target device of rows in main memory, once known.
    like: Option<T>,
}

impl<T: Tensor> Entries<T> {
    fn insert_on_device<E>(
        &mut self,
        contents: &[&[u8]],
        rows: T,
    ) -> Result<(), CachedError<E, T::Error>> {
        self.device.push(rows).map_err(CachedError::Tensor)?;
        self.number_contents(contents);
        Ok(())
    }

    fn insert_on_host<E>(
        &mut self,
        contents: &[&[u8]],
        rows: Matrix,
    ) -> Result<(), CachedError<E, T::Error>> {
        self.host.push(rows).map_err(CachedError::Memory)?;
        self.number_contents(contents);
        Ok(())
    }

    fn number_contents(&mut self, contents: &[&[u8]]) {
        for content in contents {
            let next = self.numbers.len();
            self.numbers.insert(content.to_vec(), next);
        }
    }

    /// Gathers rows by number, on the device.
    fn gather<E>(&self, numbers: &[usize]) -> Result<Option<T>, CachedError<E, T::Error>> {
        match (
            self.host.gather(numbers).map_err(CachedError::Memory)?,
            &self.like,
        ) {
            (Some(rows), Some(like)) => {
                let (n, d) = rows.dims();
                let rows = like.constant(rows.data(), n, d);
                rows.map(Some).map_err(CachedError::Tensor)
            }
            _ => self.device.gather(numbers).map_err(CachedError::Tensor),
        }
    }
}

/// Function that returns the content of an input.
type Key<'a, I> = Box<dyn for<'r> Fn(&'r I) -> Cow<'r, [u8]> + 'a>;

/// Caches the vectors of a frozen encoder.
///
/// Inputs of equal content are encoded once, also within a batch. With `u` different contents of
/// length `l` and embedding length `d`, the cache takes `u · (4d + l)` bytes; a batch of `n` cached
/// inputs costs `O(n · l · log u)`.
///
/// Source: `quaterion/train/cache`.
pub struct Cached<'a, T: Tensor, E: Encoder<T>> {
    encoder: E,
    key: Key<'a, E::Input>,
    policy: CachePolicy<'a, T>,
    entries: RefCell<Entries<T>>,
}

impl<'a, T: Tensor, E: Encoder<T, Input = str>> Cached<'a, T, E> {
    /// Creates a cache for an encoder of texts.
    ///
    /// # Errors
    /// If the encoder is trainable.
    pub fn text(encoder: E, policy: CachePolicy<'a, T>) -> Result<Self, NotFrozen> {
        Self::new(encoder, policy, |text| Cow::Borrowed(text.as_bytes()))
    }
}

impl<'a, T: Tensor, E: Encoder<T>> Cached<'a, T, E> {
    /// Creates a cache for an encoder of any inputs.
    ///
    /// `key` returns the content of an input: everything that its vector depends on, so inputs of
    /// equal content have equal vectors. Don't use row numbers as keys.
    ///
    /// # Errors
    /// If the encoder is trainable.
    pub fn new(
        encoder: E,
        policy: CachePolicy<'a, T>,
        key: impl for<'r> Fn(&'r E::Input) -> Cow<'r, [u8]> + 'a,
    ) -> Result<Self, NotFrozen> {
        if encoder.trainable() {
            return Err(NotFrozen);
        }
        let like = match &policy {
            CachePolicy::Disk { like, .. } => Some(like.detach()),
            _ => None,
        };
        Ok(Self {
            encoder,
            key: Box::new(key),
            policy,
            entries: RefCell::new(Entries {
                numbers: BTreeMap::new(),
                device: Rows::default(),
                host: Rows::default(),
                like,
            }),
        })
    }

    /// Number of vectors in memory.
    #[must_use]
    pub fn cached_count(&self) -> usize {
        self.entries.borrow().numbers.len()
    }

    /// Encodes uncached inputs in batches of `batch` (at least 1), so that later batches need no
    /// encoding. Quaterion does this before the first epoch.
    ///
    /// With [`CachePolicy::Disk`] this reads the store once; without it, every batch with uncached
    /// inputs reads the store.
    ///
    /// # Errors
    /// The error of the encoder, the store or the tensor back end.
    pub fn fill(
        &self,
        inputs: &[&E::Input],
        batch: usize,
    ) -> Result<(), CachedError<E::Error, T::Error>> {
        if matches!(self.policy, CachePolicy::None) {
            return Ok(());
        }
        let keys: Vec<Cow<'_, [u8]>> = inputs.iter().map(|input| (self.key)(input)).collect();
        self.cache_missing(inputs, &keys, batch.max(1))
    }

    /// Encodes and stores the inputs whose keys aren't cached.
    fn cache_missing(
        &self,
        inputs: &[&E::Input],
        keys: &[Cow<'_, [u8]>],
        batch: usize,
    ) -> Result<(), CachedError<E::Error, T::Error>> {
        let missing: Vec<usize> = {
            let cached = &self.entries.borrow().numbers;
            let mut seen = BTreeSet::new();
            (0..keys.len())
                .filter(|&index| !cached.contains_key(&*keys[index]) && seen.insert(&keys[index]))
                .collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        if let CachePolicy::Disk { store, .. } = &self.policy {
            let contents: Vec<&[u8]> = missing.iter().map(|&index| &*keys[index]).collect();
            let vectors = self.load_or_encode(&**store, inputs, &missing, &contents, batch)?;
            return self.entries.borrow_mut().insert_on_host(&contents, vectors);
        }
        for missing in missing.chunks(batch) {
            let contents: Vec<&[u8]> = missing.iter().map(|&index| &*keys[index]).collect();
            let vectors = self.encode_at(inputs, missing)?;
            let mut entries = self.entries.borrow_mut();
            if matches!(self.policy, CachePolicy::Memory) {
                let values = vectors.to_vec().map_err(CachedError::Tensor)?;
                let matrix = Matrix::new(missing.len(), self.encoder.dim(), values);
                if entries.like.is_none() {
                    let first = vectors.select_rows(&[0]).map_err(CachedError::Tensor)?;
                    entries.like = Some(first.detach());
                }
                entries.insert_on_host(&contents, matrix.map_err(CachedError::Memory)?)?;
            } else {
                entries.insert_on_device(&contents, vectors)?;
            }
        }
        Ok(())
    }

    /// Encodes the inputs at the given indices.
    fn encode_at(
        &self,
        inputs: &[&E::Input],
        indices: &[usize],
    ) -> Result<T, CachedError<E::Error, T::Error>> {
        let inputs: Vec<&E::Input> = indices.iter().map(|&index| inputs[index]).collect();
        let vectors = self.encoder.encode(&inputs).map_err(CachedError::Encoder)?;
        self.check_shape(inputs.len(), vectors.dims())?;
        Ok(vectors.detach())
    }

    fn check_shape(
        &self,
        rows: usize,
        found: (usize, usize),
    ) -> Result<(), CachedError<E::Error, T::Error>> {
        let expected = (rows, self.encoder.dim());
        if found == expected {
            Ok(())
        } else {
            Err(CachedError::Shape { expected, found })
        }
    }

    /// Returns the vectors of the inputs at `missing` from the store, which encodes those it lacks.
    fn load_or_encode(
        &self,
        store: &dyn VectorStore,
        inputs: &[&E::Input],
        missing: &[usize],
        contents: &[&[u8]],
        batch: usize,
    ) -> Result<Matrix, CachedError<E::Error, T::Error>> {
        let mut failed = None;
        let mut encode = |numbers: &[usize]| -> Result<Matrix, BoxError> {
            let mut data = Vec::with_capacity(numbers.len() * self.encoder.dim());
            for numbers in numbers.chunks(batch) {
                let indices: Vec<usize> = numbers.iter().map(|&number| missing[number]).collect();
                let vectors = self.encode_at(inputs, &indices);
                match vectors.and_then(|v| v.to_vec().map_err(CachedError::Tensor)) {
                    Ok(values) => data.extend(values),
                    Err(error) => {
                        failed = Some(error);
                        return Err("the encoder failed".into());
                    }
                }
            }
            Ok(Matrix::new(numbers.len(), self.encoder.dim(), data)?)
        };
        let vectors = store.vectors(contents, &mut encode);
        if let Some(error) = failed {
            return Err(error);
        }
        let vectors = vectors.map_err(CachedError::Store)?;
        self.check_shape(contents.len(), vectors.dims())?;
        Ok(vectors)
    }
}

impl<T: Tensor, E: Encoder<T>> Encoder<T> for Cached<'_, T, E> {
    type Input = E::Input;
    type Error = CachedError<E::Error, T::Error>;

    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&E::Input]) -> Result<T, Self::Error> {
        if matches!(self.policy, CachePolicy::None) || batch.is_empty() {
            return self.encoder.encode(batch).map_err(CachedError::Encoder);
        }
        let keys: Vec<Cow<'_, [u8]>> = batch.iter().map(|input| (self.key)(input)).collect();
        self.cache_missing(batch, &keys, batch.len())?;
        let entries = self.entries.borrow();
        let numbers: Vec<usize> = keys
            .iter()
            .filter_map(|key| entries.numbers.get(&**key).copied())
            .collect();
        match entries.gather(&numbers)? {
            Some(rows) => {
                self.check_shape(batch.len(), rows.dims())?;
                Ok(rows)
            }
            None => Err(CachedError::Shape {
                expected: (batch.len(), self.encoder.dim()),
                found: (0, 0),
            }),
        }
    }
}
