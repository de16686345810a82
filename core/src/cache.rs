//! Layer 6: embeddings on disk, keyed by model and content: what was embedded once is never embedded
//! again.
//!
//! A folder for each model (its fingerprint), in it pieces of at most [`PIECE`] contents, each a
//! safetensors file that is written once and never changed, with the SHA-256 of every content
//! (`keys`, `[n, 32]` bytes; of a text, its UTF-8 bytes) and its embedding (`vectors`, `[n, d]` f32).
//! A run that is killed loses at most one piece.
//!
//! Each piece is read once and then forgotten, until nothing is wanted any more, so time is linear in
//! the contents and in the pieces there are. Memory holds the result, which fills up as work is done,
//! 37 bytes a content to find it by, and one piece.
//!
//! [`EmbeddingCache`] is what the app embeds whole FAQs with, and the
//! [`VectorStore`] behind [`CachePolicy::Disk`](crate::encoder::CachePolicy::Disk). Unlike
//! Quaterion's `save_dir` it notices when a text or the model changes, and holds no pickles.

use crate::{
    encoder::{BoxError, VectorStore},
    matrix::Matrix,
    store::{ErrorKind, Store, StoreError},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};
use std::{
    fmt::{self, Write as _},
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Contents in a piece: some seconds of work.
pub const PIECE: usize = 1024;

/// No piece is longer; one that claims to be is not ours.
const LIMIT: u64 = 1 << 28;

type Key = [u8; 32];

/// Callback of long work, with the items done and their number. [`ControlFlow::Break`] stops the work.
pub type OnProgress<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// Turns texts into embeddings, `n` texts → `[n, d]`; `None` when the callback stopped it.
pub type Encode<'a> =
    dyn FnMut(&[&str], &mut OnProgress<'_>) -> Result<Option<Matrix>, BoxError> + 'a;

/// As [`Encode`], but by numbers of contents.
type EncodeNumbers<'a> =
    dyn FnMut(&[usize], &mut OnProgress<'_>) -> Result<Option<Matrix>, BoxError> + 'a;

/// Somebody who may want long work to wait or to end.
pub trait Interrupt {
    /// Waits as long as the work is paused; returns whether it is to go on.
    fn wait(&self) -> bool;

    /// Whether the work is to end.
    fn stopping(&self) -> bool;
}

/// Nobody interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uninterrupted;

impl Interrupt for Uninterrupted {
    fn wait(&self) -> bool {
        true
    }

    fn stopping(&self) -> bool {
        false
    }
}

/// Why embeddings could not be had.
#[derive(Debug)]
pub enum CacheError {
    /// The encoder failed, or gave something else than it was asked for.
    Encoder(BoxError),
    /// Something could not be read or written.
    Store(StoreError),
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoder(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CacheError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encoder(error) => Some(error.as_ref()),
            Self::Store(error) => Some(error),
        }
    }
}

impl From<StoreError> for CacheError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The saved embeddings of one model.
pub struct EmbeddingCache<'a> {
    store: &'a dyn Store,
    dir: PathBuf,
    dim: usize,
}

/// How far [`EmbeddingCache::embed`] is, counting equal texts once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Texts done, those found among them.
    pub done: usize,
    /// Texts in all.
    pub total: usize,
    /// Seconds left at the pace of those embedded in this run, pauses left out; those found were no
    /// work, and say nothing of the others. None before the first was embedded.
    pub eta_s: Option<f64>,
}

impl Progress {
    /// Progress of work begun at some time, with the time left at the pace since then.
    #[must_use]
    pub fn since(begun: Instant, done: usize, total: usize) -> Self {
        let left = total.saturating_sub(done) as f64;
        let eta_s = begun.elapsed().as_secs_f64() / done.max(1) as f64 * left;
        Self {
            done,
            total,
            eta_s: (done > 0).then_some(eta_s),
        }
    }
}

/// What [`EmbeddingCache::embed`] did.
#[derive(Debug, Default)]
pub struct Embedded {
    /// One row a text, in the order given, `[n, d]`.
    pub embeddings: Matrix,
    /// Texts that had to be embedded; the others were found.
    pub fresh: usize,
    /// Pieces that could not be read and were thrown away.
    pub damaged: usize,
}

impl<'a> EmbeddingCache<'a> {
    /// The cache of a model under `root`, by its fingerprint; `dim` is the length of an embedding.
    #[must_use]
    pub fn new(store: &'a dyn Store, root: &Path, fingerprint: &str, dim: usize) -> Self {
        Self {
            store,
            dir: root.join(fingerprint),
            dim,
        }
    }

    /// The embeddings of all texts; `None` when stopped before the end (what was done is saved).
    ///
    /// # Errors
    /// When the store or the encoder fails.
    pub fn embed(
        &self,
        texts: &[&str],
        encode: &mut Encode<'_>,
        control: &dyn Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Embedded>, CacheError> {
        let contents: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let mut encode = |numbers: &[usize], on_progress: &mut OnProgress<'_>| {
            let texts: Vec<&str> = numbers.iter().map(|&number| texts[number]).collect();
            encode(&texts, on_progress)
        };
        self.embed_contents(&contents, &mut encode, control, on_progress)
    }

    /// As [`embed`](Self::embed), for contents of any kind.
    fn embed_contents(
        &self,
        contents: &[&[u8]],
        encode: &mut EncodeNumbers<'_>,
        control: &dyn Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Embedded>, CacheError> {
        self.store.create_dir_all(&self.dir)?;
        self.store.sweep(&self.dir)?;
        let mut wanted = Wanted::new(contents, self.dim);
        let total = wanted.left;
        let mut done = Embedded::default();

        for entry in self.store.list(&self.dir)? {
            if wanted.left == 0 || control.stopping() {
                break;
            }
            let path = self.dir.join(&entry.name);
            if path
                .extension()
                .is_none_or(|extension| extension != "safetensors")
            {
                continue;
            }
            match self.read(&path)? {
                Some((keys, vectors)) => {
                    for (key, vector) in keys.iter().zip(vectors.iter_rows()) {
                        wanted.place(key, vector);
                    }
                }
                None => {
                    self.store.remove(&path)?;
                    done.damaged += 1;
                }
            }
            on_progress(Progress {
                done: total - wanted.left,
                total,
                eta_s: None,
            });
        }

        let fresh = wanted.fresh();
        let mut pace = Pace::new(total, fresh.len());
        for (piece, list) in fresh.chunks(PIECE).enumerate() {
            let before = piece * PIECE;
            if !pace.pausing(|| control.wait()) {
                return Ok(None);
            }
            let mut on_encoded = |done: usize, _total: usize| {
                on_progress(pace.progress(before + done));
                if pace.pausing(|| control.wait()) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let Some(vectors) = encode(list, &mut on_encoded).map_err(CacheError::Encoder)? else {
                return Ok(None);
            };
            if vectors.rows() != list.len() || vectors.columns() != self.dim {
                return Err(CacheError::Encoder(
                    format!(
                        "the encoder gave {}×{} numbers for {} inputs of {} each",
                        vectors.rows(),
                        vectors.columns(),
                        list.len(),
                        self.dim
                    )
                    .into(),
                ));
            }
            let keys: Vec<Key> = list.iter().map(|number| wanted.keys[*number]).collect();
            self.write(&keys, &vectors)?;
            for (key, vector) in keys.iter().zip(vectors.iter_rows()) {
                wanted.place(key, vector);
            }
            done.fresh += list.len();
            on_progress(pace.progress(before + list.len()));
        }
        if wanted.left > 0 {
            return Ok(None);
        }
        done.embeddings = Matrix::new(contents.len(), self.dim, wanted.result).unwrap_or_default();
        Ok(Some(done))
    }

    /// One piece; `None` when it is damaged or of another width.
    fn read(&self, path: &Path) -> Result<Option<(Vec<Key>, Matrix)>, CacheError> {
        let bytes = match self.store.read(path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) => match error.kind {
                // Another window may have thrown the same damaged piece away.
                ErrorKind::NotFound => return Ok(Some((Vec::new(), Matrix::default()))),
                ErrorKind::TooLarge { .. } | ErrorKind::NotARegularFile => return Ok(None),
                _ => return Err(error.into()),
            },
        };
        Ok(self.parse(&bytes))
    }

    fn parse(&self, bytes: &[u8]) -> Option<(Vec<Key>, Matrix)> {
        let file = SafeTensors::deserialize(bytes).ok()?;
        let (keys, vectors) = (file.tensor("keys").ok()?, file.tensor("vectors").ok()?);
        let n = *keys.shape().first()?;
        if keys.shape() != [n, 32] || keys.dtype() != Dtype::U8 {
            return None;
        }
        if vectors.shape() != [n, self.dim] || vectors.dtype() != Dtype::F32 {
            return None;
        }
        let keys = keys
            .data()
            .chunks_exact(32)
            .map(Key::try_from)
            .collect::<Result<_, _>>()
            .ok()?;
        let vectors = Matrix::from_le_bytes(n, self.dim, vectors.data()).ok()?;
        vectors.is_finite().then_some((keys, vectors))
    }

    fn write(&self, keys: &[Key], vectors: &Matrix) -> Result<(), CacheError> {
        let key_bytes = keys.concat();
        let vector_bytes = vectors.to_le_bytes();
        let view = |dtype, shape, data| {
            TensorView::new(dtype, shape, data).map_err(|e| CacheError::Encoder(e.into()))
        };
        let tensors = [
            ("keys", view(Dtype::U8, vec![keys.len(), 32], &key_bytes)?),
            (
                "vectors",
                view(Dtype::F32, vec![keys.len(), self.dim], &vector_bytes)?,
            ),
        ];
        let bytes =
            safetensors::serialize(tensors, None).map_err(|e| CacheError::Encoder(e.into()))?;
        let mut name = String::new();
        for byte in &Sha256::digest(&key_bytes)[..8] {
            write!(name, "{byte:02x}").ok();
        }
        self.store
            .write_atomic(&self.dir.join(name).with_extension("safetensors"), &bytes)?;
        Ok(())
    }
}

/// The result while it comes to be, and what of it is still missing.
struct Wanted {
    /// What each content is found by.
    keys: Vec<Key>,
    /// Numbers of contents in the order of their keys, equal ones in their own.
    by_key: Vec<u32>,
    /// Whether a content is the first of its equals and missing.
    missing: Vec<bool>,
    /// How many are.
    left: usize,
    dim: usize,
    result: Vec<f32>,
}

impl Wanted {
    fn new(contents: &[&[u8]], dim: usize) -> Self {
        let key = |content: &&[u8]| Key::from(Sha256::digest(content));
        let keys: Vec<Key> = contents.iter().map(key).collect();
        let mut by_key: Vec<u32> = (0..keys.len() as u32).collect();
        by_key.sort_unstable_by_key(|number| (&keys[*number as usize], *number));
        let mut missing = vec![false; keys.len()];
        let equals = by_key.chunk_by(|a, b| keys[*a as usize] == keys[*b as usize]);
        for first in equals.filter_map(|equals| equals.first()) {
            missing[*first as usize] = true;
        }
        Self {
            left: missing.iter().filter(|missing| **missing).count(),
            missing,
            // The system gives zeros only where they are touched.
            result: vec![0.0; keys.len() * dim],
            keys,
            by_key,
            dim,
        }
    }

    /// Puts a vector to all contents of a key, if they lack it.
    fn place(&mut self, key: &Key, vector: &[f32]) {
        let Range { start, end } = self.equals(key);
        let rows = &self.by_key[start..end];
        let Some(first) = rows.first().map(|first| *first as usize) else {
            return;
        };
        if !self.missing[first] {
            return;
        }
        self.missing[first] = false;
        self.left -= 1;
        for row in rows {
            let at = *row as usize * self.dim;
            self.result[at..at + self.dim].copy_from_slice(vector);
        }
    }

    /// Where the contents of a key stand in `by_key`.
    fn equals(&self, key: &Key) -> Range<usize> {
        let of = |number: &u32| &self.keys[*number as usize];
        let start = self.by_key.partition_point(|number| of(number) < key);
        let rest = self.by_key[start..].iter();
        start..start + rest.take_while(|number| of(number) == key).count()
    }

    /// The contents that nobody has, in their order, equal ones once.
    fn fresh(&self) -> Vec<usize> {
        (0..self.missing.len())
            .filter(|number| self.missing[*number])
            .collect()
    }
}

/// How fast fresh texts are embedded, and so how long the rest takes.
struct Pace {
    total: usize,
    fresh: usize,
    begun: Instant,
    paused: Duration,
}

impl Pace {
    /// From now on `fresh` texts are embedded, of `total`.
    fn new(total: usize, fresh: usize) -> Self {
        Self {
            total,
            fresh,
            begun: Instant::now(),
            paused: Duration::ZERO,
        }
    }

    /// Does what may be a pause.
    fn pausing(&mut self, pause: impl FnOnce() -> bool) -> bool {
        let begun = Instant::now();
        let go_on = pause();
        self.paused += begun.elapsed();
        go_on
    }

    /// Where it is once so many of the fresh texts are embedded.
    fn progress(&self, embedded: usize) -> Progress {
        let worked = self
            .begun
            .elapsed()
            .saturating_sub(self.paused)
            .as_secs_f64();
        let left = self.fresh.saturating_sub(embedded) as f64;
        Progress {
            done: self.total - self.fresh + embedded,
            total: self.total,
            eta_s: (embedded > 0).then(|| worked / embedded as f64 * left),
        }
    }
}

impl VectorStore for EmbeddingCache<'_> {
    fn vectors(
        &self,
        contents: &[&[u8]],
        encode: &mut dyn FnMut(&[usize]) -> Result<Matrix, BoxError>,
    ) -> Result<Matrix, BoxError> {
        let mut encode = |numbers: &[usize], _: &mut OnProgress<'_>| encode(numbers).map(Some);
        let done = self.embed_contents(contents, &mut encode, &Uninterrupted, &mut |_| {})?;
        // Nobody stops it, so there is always a result.
        done.map(|done| done.embeddings)
            .ok_or_else(|| "embedding was stopped".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encoder::{CachePolicy, Cached, Encoder, tests::Counting},
        store::{Fault, FaultStore, MemStore},
    };
    use std::cell::Cell;

    /// Stops when told to.
    #[derive(Default)]
    struct Stop(Cell<bool>);

    impl Interrupt for Stop {
        fn wait(&self) -> bool {
            !self.0.get()
        }

        fn stopping(&self) -> bool {
            self.0.get()
        }
    }

    #[test]
    fn a_cached_encoder_finds_what_another_run_embedded() {
        let store = MemStore::new();
        let cached = |encoder| {
            let cache = EmbeddingCache::new(&store, Path::new("cache"), "counting", 2);
            let policy = CachePolicy::Disk {
                store: Box::new(cache),
                like: Matrix::from_rows(&[[0.0]]).unwrap(),
            };
            Cached::text(encoder, policy).unwrap()
        };
        let first = Counting::new(5.0, false);
        let texts = ["a", "bb", "a", "ccc"];
        let expected = cached(&first).encode(&texts).unwrap();
        assert_eq!(expected.data(), [1.0, 5.0, 2.0, 5.0, 1.0, 5.0, 3.0, 5.0]);
        assert_eq!(first.asked.get(), 3);
        let second = Counting::new(5.0, false);
        let again = cached(&second);
        assert_eq!(again.encode(&texts).unwrap(), expected);
        assert_eq!(second.asked.get(), 0);
        // An edited text is embedded, the others are not.
        again.encode(&["a", "bb!"]).unwrap();
        assert_eq!(second.asked.get(), 1);
        // The app embeds texts by the same keys.
        let (app, seen) = embed_as(&store, "counting", &["bb!", "ccc"]).unwrap();
        assert_eq!(
            (app.embeddings.data(), seen),
            (&[3.0, 5.0, 3.0, 5.0][..], 0)
        );
    }

    #[test]
    fn the_encoders_own_error_comes_back() {
        let store = MemStore::new();
        let cache = EmbeddingCache::new(&store, Path::new("cache"), "counting", 2);
        let policy = CachePolicy::Disk {
            store: Box::new(cache),
            like: Matrix::from_rows(&[[0.0]]).unwrap(),
        };
        let cached = Cached::text(Counting::new(5.0, false), policy).unwrap();
        let error = cached.encode(&["bad"]).unwrap_err();
        assert_eq!(error.to_string(), "will not read \"bad\"");
    }

    /// An encoder that counts what it is asked: the vector of a text is (its length, 1).
    fn encode(seen: &mut usize, texts: &[&str]) -> Matrix {
        *seen += texts.len();
        let rows: Vec<[f32; 2]> = texts.iter().map(|text| [text.len() as f32, 1.0]).collect();
        Matrix::from_rows(&rows).unwrap()
    }

    fn embed(store: &dyn Store, texts: &[&str]) -> Result<(Embedded, usize), CacheError> {
        embed_as(store, "model", texts)
    }

    fn embed_as(
        store: &dyn Store,
        model: &str,
        texts: &[&str],
    ) -> Result<(Embedded, usize), CacheError> {
        let mut seen = 0;
        let cache = EmbeddingCache::new(store, Path::new("cache"), model, 2);
        let done = cache.embed(
            texts,
            &mut |texts, _| Ok(Some(encode(&mut seen, texts))),
            &Uninterrupted,
            &mut |_| {},
        )?;
        Ok((done.unwrap(), seen))
    }

    #[test]
    fn the_second_run_embeds_nothing() {
        let store = MemStore::new();
        let texts = ["a", "bbb", "a", "cc"];
        let (first, seen) = embed(&store, &texts).unwrap();
        assert_eq!((first.fresh, seen), (3, 3));
        assert_eq!(
            first.embeddings.data(),
            [1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 2.0, 1.0]
        );
        let (second, seen) = embed(&store, &texts).unwrap();
        assert_eq!((second.fresh, seen), (0, 0));
        assert_eq!(second.embeddings, first.embeddings);
        let (third, seen) = embed(&store, &["dddd", "cc"]).unwrap();
        assert_eq!((third.fresh, seen), (1, 1));
        assert_eq!(third.embeddings.data(), [4.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn a_damaged_piece_is_embedded_again() {
        let store = MemStore::new();
        embed(&store, &["a", "bb"]).unwrap();
        let dir = Path::new("cache/model");
        let name = store.list(dir).unwrap().remove(0).name;
        let mut bytes = store.read(&dir.join(&name), LIMIT).unwrap();
        bytes.truncate(bytes.len() - 3);
        store.write_atomic(&dir.join(&name), &bytes).unwrap();
        let (again, seen) = embed(&store, &["a", "bb"]).unwrap();
        assert_eq!((again.damaged, again.fresh, seen), (1, 2, 2));
        assert_eq!(embed(&store, &["a", "bb"]).unwrap().1, 0);
    }

    #[test]
    fn stopping_keeps_what_was_done() {
        let store = MemStore::new();
        let texts: Vec<String> = (0..2 * PIECE).map(|i| format!("text {i}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let control = Stop::default();
        let mut seen = 0;
        let cache = EmbeddingCache::new(&store, Path::new("cache"), "model", 2);
        let stopped = cache.embed(
            &texts,
            &mut |texts, _| {
                control.0.set(true);
                Ok(Some(encode(&mut seen, texts)))
            },
            &control,
            &mut |_| {},
        );
        assert!(stopped.unwrap().is_none());
        assert_eq!(seen, PIECE);
        assert_eq!(embed(&store, &texts).unwrap().1, PIECE);
    }

    /// Half of the texts are found at once and say nothing of how long the others take.
    #[test]
    fn time_left_is_told_from_fresh_work_alone() {
        let store = MemStore::new();
        let texts: Vec<String> = (0..4 * PIECE).map(|i| format!("text {i}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        embed(&store, &texts[..3 * PIECE]).unwrap();
        let cache = EmbeddingCache::new(&store, Path::new("cache"), "model", 2);
        let (mut seen, mut told) = (0, Vec::new());
        cache
            .embed(
                &texts,
                &mut |texts, tell| {
                    assert!(tell(PIECE / 2, PIECE).is_continue());
                    Ok(Some(encode(&mut seen, texts)))
                },
                &Uninterrupted,
                &mut |progress| told.push(progress),
            )
            .unwrap();
        let (found, fresh): (Vec<Progress>, Vec<Progress>) =
            told.into_iter().partition(|at| at.done <= 3 * PIECE);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|progress| progress.eta_s.is_none()));
        let done: Vec<usize> = fresh.iter().map(|progress| progress.done).collect();
        assert_eq!(done, [3 * PIECE + PIECE / 2, 4 * PIECE]);
        assert_eq!(fresh[1].eta_s, Some(0.0));
        assert!(fresh[0].eta_s > Some(0.0));
    }

    #[test]
    fn pauses_do_not_count_as_work() {
        let mut pace = Pace::new(30, 20);
        pace.begun -= Duration::from_secs(70);
        pace.paused += Duration::from_secs(60);
        let progress = pace.progress(5);
        assert_eq!((progress.done, progress.total), (15, 30));
        let eta = progress.eta_s.unwrap();
        assert!((30.0..40.0).contains(&eta), "{eta}");
        assert_eq!(pace.progress(0).eta_s, None);
    }

    #[test]
    fn whatever_fails_the_next_run_is_right() {
        let texts = ["a", "bb", "ccc"];
        for fault in [Fault::Full, Fault::Io, Fault::ShortWrite, Fault::Crash] {
            for n in 1.. {
                let store = FaultStore::new(MemStore::new());
                store.fail_step(n, fault);
                let first = embed(&store, &texts);
                if !store.fired() {
                    first.unwrap();
                    break;
                }
                store.heal();
                let (again, _) = embed(&store, &texts).unwrap();
                assert_eq!(again.embeddings.data(), [1.0, 1.0, 2.0, 1.0, 3.0, 1.0]);
            }
        }
    }
}
