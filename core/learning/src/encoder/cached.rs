use super::{BoxError, CachePolicy, CachedError, Encoder, NotFrozen, Rows, VectorStore};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{
    borrow::Cow,
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::cell::RefCell;

/// Vectors in memory, by content.
struct Kept<T> {
    numbers: BTreeMap<Vec<u8>, usize>,
    /// Where the encoder's tensors are.
    device: Rows<T>,
    /// In main memory.
    host: Rows<Matrix>,
    /// A tensor of the device that vectors in main memory go to, once there is one.
    like: Option<T>,
}

impl<T: Tensor> Kept<T> {
    fn on_device<E>(
        &mut self,
        contents: &[&[u8]],
        rows: T,
    ) -> Result<(), CachedError<E, T::Error>> {
        self.device.push(rows).map_err(CachedError::Tensor)?;
        self.number(contents);
        Ok(())
    }

    fn on_host<E>(
        &mut self,
        contents: &[&[u8]],
        rows: Matrix,
    ) -> Result<(), CachedError<E, T::Error>> {
        self.host.push(rows).map_err(CachedError::Memory)?;
        self.number(contents);
        Ok(())
    }

    fn number(&mut self, contents: &[&[u8]]) {
        for content in contents {
            let next = self.numbers.len();
            self.numbers.insert(content.to_vec(), next);
        }
    }

    /// The rows of these numbers, on the device.
    fn gather<E>(&self, numbers: &[usize]) -> Result<Option<T>, CachedError<E, T::Error>> {
        match (
            self.host.gather(numbers).map_err(CachedError::Memory)?,
            &self.like,
        ) {
            (Some(rows), Some(like)) => {
                let (n, d) = rows.dims();
                let placed = like.constant(rows.data(), n, d);
                placed.map(Some).map_err(CachedError::Tensor)
            }
            _ => self.device.gather(numbers).map_err(CachedError::Tensor),
        }
    }
}

/// How an input's content is found.
type Key<'a, I> = Box<dyn for<'r> Fn(&'r I) -> Cow<'r, [u8]> + 'a>;

/// A frozen encoder that computes each vector once.
///
/// Equal contents have one vector, within a batch too. With `u` different contents of length `l` and
/// vectors of length `d` it holds `u · (4d + l)` bytes; a batch of `n` costs `O(n · l · log u)`.
///
/// Source: `quaterion/train/cache`.
pub struct Cached<'a, T: Tensor, E: Encoder<T>> {
    encoder: E,
    key: Key<'a, E::Input>,
    policy: CachePolicy<'a, T>,
    kept: RefCell<Kept<T>>,
}

impl<'a, T: Tensor, E: Encoder<T, Input = str>> Cached<'a, T, E> {
    /// A cache of texts.
    ///
    /// # Errors
    /// When the encoder is trainable.
    pub fn text(encoder: E, policy: CachePolicy<'a, T>) -> Result<Self, NotFrozen> {
        Self::new(encoder, policy, |text| Cow::Borrowed(text.as_bytes()))
    }
}

impl<'a, T: Tensor, E: Encoder<T>> Cached<'a, T, E> {
    /// A cache of any inputs. `key` gives the content of an input: all that its vector depends on, so
    /// that inputs of equal content have equal vectors. The number of a row is no content.
    ///
    /// # Errors
    /// When the encoder is trainable.
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
            kept: RefCell::new(Kept {
                numbers: BTreeMap::new(),
                device: Rows::default(),
                host: Rows::default(),
                like,
            }),
        })
    }

    /// Number of vectors held in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.kept.borrow().numbers.len()
    }

    /// Encodes what is not kept yet, at most `batch` inputs (at least 1) at once, so that later batches
    /// are only read. Quaterion does this before the first epoch.
    ///
    /// With [`CachePolicy::Disk`] the store is looked through once; batches that are encoded without
    /// this look through it each.
    ///
    /// # Errors
    /// What encoder, store or the tensor library report.
    pub fn fill(
        &self,
        inputs: &[&E::Input],
        batch: usize,
    ) -> Result<(), CachedError<E::Error, T::Error>> {
        if matches!(self.policy, CachePolicy::None) {
            return Ok(());
        }
        let keys: Vec<Cow<'_, [u8]>> = inputs.iter().map(|input| (self.key)(input)).collect();
        self.learn(inputs, &keys, batch.max(1))
    }

    fn learn(
        &self,
        inputs: &[&E::Input],
        keys: &[Cow<'_, [u8]>],
        batch: usize,
    ) -> Result<(), CachedError<E::Error, T::Error>> {
        let missing: Vec<usize> = {
            let known = &self.kept.borrow().numbers;
            let mut seen = BTreeSet::new();
            (0..keys.len())
                .filter(|&place| !known.contains_key(&*keys[place]) && seen.insert(&keys[place]))
                .collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        if let CachePolicy::Disk { store, .. } = &self.policy {
            let contents: Vec<&[u8]> = missing.iter().map(|&place| &*keys[place]).collect();
            let vectors = self.through_store(&**store, inputs, &missing, &contents, batch)?;
            return self.kept.borrow_mut().on_host(&contents, vectors);
        }
        for missing in missing.chunks(batch) {
            let contents: Vec<&[u8]> = missing.iter().map(|&place| &*keys[place]).collect();
            let vectors = self.encode_at(inputs, missing)?;
            let mut kept = self.kept.borrow_mut();
            if matches!(self.policy, CachePolicy::Memory) {
                let values = vectors.to_vec().map_err(CachedError::Tensor)?;
                let matrix = Matrix::new(missing.len(), self.encoder.dim(), values);
                if kept.like.is_none() {
                    let first = vectors.select_rows(&[0]).map_err(CachedError::Tensor)?;
                    kept.like = Some(first.detach());
                }
                kept.on_host(&contents, matrix.map_err(CachedError::Memory)?)?;
            } else {
                kept.on_device(&contents, vectors)?;
            }
        }
        Ok(())
    }

    /// The vectors of the inputs at these places, fresh from the encoder.
    fn encode_at(
        &self,
        inputs: &[&E::Input],
        places: &[usize],
    ) -> Result<T, CachedError<E::Error, T::Error>> {
        let inputs: Vec<&E::Input> = places.iter().map(|&place| inputs[place]).collect();
        let vectors = self.encoder.encode(&inputs).map_err(CachedError::Encoder)?;
        self.check(inputs.len(), vectors.dims())?;
        Ok(vectors.detach())
    }

    fn check(
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

    /// The vectors of what is missing in memory, out of the store or through it from the encoder.
    fn through_store(
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
                let places: Vec<usize> = numbers.iter().map(|&number| missing[number]).collect();
                let vectors = self.encode_at(inputs, &places);
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
        self.check(contents.len(), vectors.dims())?;
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
        self.learn(batch, &keys, batch.len())?;
        let kept = self.kept.borrow();
        let numbers: Vec<usize> = keys
            .iter()
            .filter_map(|key| kept.numbers.get(&**key).copied())
            .collect();
        match kept.gather(&numbers)? {
            Some(rows) => {
                self.check(batch.len(), rows.dims())?;
                Ok(rows)
            }
            None => Err(CachedError::Shape {
                expected: (batch.len(), self.encoder.dim()),
                found: (0, 0),
            }),
        }
    }
}
