//! Embeddings cached on disk, keyed by model and content, so that each text is embedded only once.
//!
//! Each model has a directory named by its fingerprint. The directory holds chunks of at most
//! [`CHUNK_LEN`] entries: safetensors files that are written once and never changed. A chunk has the
//! SHA-256 of every content (`keys`, `[n, 32]` u8; the content of a text is its UTF-8 bytes) and its
//! embedding (`vectors`, `[n, d]` f32). A killed run loses at most one chunk.
//!
//! A lookup reads each chunk once and stops as soon as everything is found. Memory holds the result,
//! 37 bytes per content for the index, and one chunk.
//!
//! [`EmbeddingCache`] also implements [`VectorStore`] for
//! [`CachePolicy::Disk`](nearsay_core::encoder::CachePolicy::Disk). Unlike Quaterion's `save_dir`, it
//! detects changed texts and models, and stores no pickles.

mod pace;
mod pending;

use self::{pace::Pace, pending::PendingResult};
use nearsay_core::{
    encoder::{BoxError, VectorStore},
    matrix::Matrix,
};
use nearsay_store::{ErrorKind, Store, StoreError};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Instant,
};
use thiserror::Error;

/// Maximum number of embeddings in a chunk file, and the unit of work lost when a run is killed.
pub const CHUNK_LEN: usize = 1024;

/// Maximum size of a chunk file in bytes. Larger files are treated as damaged.
const MAX_CHUNK_BYTES: u64 = 1 << 28;

type Key = [u8; 32];

/// Progress callback of long work: takes the number of items done and the total. [`ControlFlow::Break`] stops the work.
pub type OnProgress<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// Function that embeds `n` texts as `[n, d]`. Returns `None` if the callback stopped it.
pub type Encode<'a> =
    dyn FnMut(&[&str], &mut OnProgress<'_>) -> Result<Option<Matrix>, BoxError> + 'a;

/// Like [`Encode`], but takes indices of contents.
type EncodeIndices<'a> =
    dyn FnMut(&[usize], &mut OnProgress<'_>) -> Result<Option<Matrix>, BoxError> + 'a;

/// Cooperative pausing and cancelling of long work.
pub trait Interrupt {
    /// Blocks while the work is paused; returns whether to continue.
    fn wait(&self) -> bool;

    /// Whether the work was cancelled.
    fn stopping(&self) -> bool;
}

/// Never pauses or cancels.
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

/// Error of embedding through a cache.
#[derive(Debug, Error)]
pub enum CacheError {
    /// The encoder failed, or returned a matrix of the wrong shape.
    #[error("{0}")]
    Encoder(#[source] BoxError),
    /// A cache file could not be read or written.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Cached embeddings of one model.
pub struct EmbeddingCache<'a> {
    store: &'a dyn Store,
    dir: PathBuf,
    dim: usize,
}

/// Progress of [`EmbeddingCache::embed`]. Equal texts count once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Number of texts done, including those found in the cache.
    pub done: usize,
    /// Total number of texts.
    pub total: usize,
    /// Estimated seconds left, from the texts embedded in this run without pauses. `None` until the
    /// first text is embedded.
    pub eta_s: Option<f64>,
}

impl Progress {
    /// Progress of work that started at `begun`, with the remaining time estimated from the pace since then.
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

/// Result of [`EmbeddingCache::embed`].
#[derive(Debug, Default)]
pub struct Embedded {
    /// Embeddings of the texts in the given order, `[n, d]`.
    pub embeddings: Matrix,
    /// Number of distinct texts embedded in this run; the others were in the cache.
    pub fresh: usize,
    /// Number of damaged chunks that were deleted.
    pub damaged: usize,
}

impl<'a> EmbeddingCache<'a> {
    /// Creates the cache of a model in the directory `root/fingerprint`. `dim` is the embedding
    /// dimension.
    #[must_use]
    pub fn new(store: &'a dyn Store, root: &Path, fingerprint: &str, dim: usize) -> Self {
        Self {
            store,
            dir: root.join(fingerprint),
            dim,
        }
    }

    /// Embeds all texts, encoding only those that aren't in the cache.
    ///
    /// Returns `None` if `control` cancels the work; completed chunks stay in the cache.
    ///
    /// # Errors
    /// If the store or the encoder fails.
    pub fn embed(
        &self,
        texts: &[&str],
        encode: &mut Encode<'_>,
        control: &dyn Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Embedded>, CacheError> {
        let contents: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let mut encode = |indices: &[usize], report: &mut OnProgress<'_>| {
            let texts: Vec<&str> = indices.iter().map(|&i| texts[i]).collect();
            encode(&texts, report)
        };
        self.embed_contents(&contents, &mut encode, control, on_progress)
    }

    /// Like [`embed`](Self::embed), for contents of any kind.
    fn embed_contents(
        &self,
        contents: &[&[u8]],
        encode: &mut EncodeIndices<'_>,
        control: &dyn Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Embedded>, CacheError> {
        self.store.create_dir_all(&self.dir)?;
        self.store.sweep(&self.dir)?;
        let mut wanted = PendingResult::new(contents, self.dim);
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
            if let Some((keys, vectors)) = self.read_chunk(&path)? {
                for (key, vector) in keys.iter().zip(vectors.iter_rows()) {
                    wanted.fill(key, vector);
                }
            } else {
                self.store.remove(&path)?;
                done.damaged += 1;
            }
            on_progress(Progress {
                done: total - wanted.left,
                total,
                eta_s: None,
            });
        }

        let fresh = wanted.missing_indices();
        let mut pace = Pace::new(total, fresh.len());
        for (chunk, indices) in fresh.chunks(CHUNK_LEN).enumerate() {
            let before = chunk * CHUNK_LEN;
            if !pace.exclude_pause(|| control.wait()) {
                return Ok(None);
            }
            let mut report = |done: usize, _total: usize| {
                on_progress(pace.progress(before + done));
                if pace.exclude_pause(|| control.wait()) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let Some(vectors) = encode(indices, &mut report).map_err(CacheError::Encoder)? else {
                return Ok(None);
            };
            if vectors.rows() != indices.len() || vectors.columns() != self.dim {
                return Err(CacheError::Encoder(
                    format!(
                        "the encoder returned a matrix of shape [{}, {}] instead of [{}, {}]",
                        vectors.rows(),
                        vectors.columns(),
                        indices.len(),
                        self.dim
                    )
                    .into(),
                ));
            }
            let keys: Vec<Key> = indices.iter().map(|&i| wanted.keys[i]).collect();
            self.write_chunk(&keys, &vectors)?;
            for (key, vector) in keys.iter().zip(vectors.iter_rows()) {
                wanted.fill(key, vector);
            }
            done.fresh += indices.len();
            on_progress(pace.progress(before + indices.len()));
        }
        if wanted.left > 0 {
            return Ok(None);
        }
        done.embeddings = Matrix::new(contents.len(), self.dim, wanted.result).unwrap_or_default();
        Ok(Some(done))
    }

    /// Reads a chunk; `None` if it is damaged or has another dimension.
    fn read_chunk(&self, path: &Path) -> Result<Option<(Vec<Key>, Matrix)>, CacheError> {
        let bytes = match self.store.read(path, MAX_CHUNK_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => match error.kind {
                // Another process may have deleted the same damaged chunk.
                ErrorKind::NotFound => return Ok(Some((Vec::new(), Matrix::default()))),
                ErrorKind::TooLarge { .. } | ErrorKind::NotARegularFile => return Ok(None),
                _ => return Err(error.into()),
            },
        };
        Ok(self.parse_chunk(&bytes))
    }

    fn parse_chunk(&self, bytes: &[u8]) -> Option<(Vec<Key>, Matrix)> {
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

    fn write_chunk(&self, keys: &[Key], vectors: &Matrix) -> Result<(), CacheError> {
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

impl VectorStore for EmbeddingCache<'_> {
    fn vectors(
        &self,
        contents: &[&[u8]],
        encode: &mut dyn FnMut(&[usize]) -> Result<Matrix, BoxError>,
    ) -> Result<Matrix, BoxError> {
        let mut encode = |indices: &[usize], _: &mut OnProgress<'_>| encode(indices).map(Some);
        let done = self.embed_contents(contents, &mut encode, &Uninterrupted, &mut |_| {})?;
        // `Uninterrupted` never cancels, so there is always a result.
        done.map(|done| done.embeddings)
            .ok_or_else(|| "embedding was stopped".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_core::encoder::{CachePolicy, Cached, Encoder};
    use nearsay_store::{Fault, FaultStore, MemStore};
    use std::cell::Cell;

    /// Encoder that returns (text length, factor) and counts the texts.
    struct Counting {
        factor: f32,
        asked: Cell<usize>,
    }

    impl Counting {
        fn new(factor: f32) -> Self {
            let asked = Cell::new(0);
            Self { factor, asked }
        }
    }

    /// Error of encoding the text “bad”.
    #[derive(Debug)]
    struct Refused;

    impl std::fmt::Display for Refused {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("refused")
        }
    }

    impl std::error::Error for Refused {}

    impl Encoder<Matrix> for Counting {
        type Input = str;
        type Error = Refused;

        fn dim(&self) -> usize {
            2
        }

        fn trainable(&self) -> bool {
            false
        }

        fn encode(&self, batch: &[&str]) -> Result<Matrix, Refused> {
            self.asked.set(self.asked.get() + batch.len());
            if batch.contains(&"bad") {
                return Err(Refused);
            }
            let data = batch
                .iter()
                .flat_map(|text| [text.len() as f32, self.factor]);
            Ok(Matrix::new(batch.len(), 2, data.collect()).unwrap())
        }
    }

    /// Cancels when its flag is set.
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
    fn cached_encoder_reuses_embeddings_of_another_run() {
        let store = MemStore::new();
        let cached = |encoder| {
            let cache = EmbeddingCache::new(&store, Path::new("cache"), "counting", 2);
            let policy = CachePolicy::Disk {
                store: Box::new(cache),
                like: Matrix::from_rows(&[[0.0]]).unwrap(),
            };
            Cached::text(encoder, policy).unwrap()
        };
        let first = Counting::new(5.0);
        let texts = ["a", "bb", "a", "ccc"];
        let expected = cached(&first).encode(&texts).unwrap();
        assert_eq!(expected.data(), [1.0, 5.0, 2.0, 5.0, 1.0, 5.0, 3.0, 5.0]);
        assert_eq!(first.asked.get(), 3);
        let second = Counting::new(5.0);
        let again = cached(&second);
        assert_eq!(again.encode(&texts).unwrap(), expected);
        assert_eq!(second.asked.get(), 0);
        // Only the edited text is embedded.
        again.encode(&["a", "bb!"]).unwrap();
        assert_eq!(second.asked.get(), 1);
        // `EmbeddingCache::embed` uses the same keys.
        let (app, seen) = embed_as(&store, "counting", &["bb!", "ccc"]).unwrap();
        assert_eq!(
            (app.embeddings.data(), seen),
            (&[3.0, 5.0, 3.0, 5.0][..], 0)
        );
    }

    #[test]
    fn cached_encoder_returns_the_encoder_error() {
        let store = MemStore::new();
        let cache = EmbeddingCache::new(&store, Path::new("cache"), "counting", 2);
        let policy = CachePolicy::Disk {
            store: Box::new(cache),
            like: Matrix::from_rows(&[[0.0]]).unwrap(),
        };
        let cached = Cached::text(Counting::new(5.0), policy).unwrap();
        let error = cached.encode(&["bad"]).unwrap_err();
        assert_eq!(error.to_string(), "refused");
    }

    /// Embeds a text as (length, 1) and counts the texts.
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
    fn embed_reuses_embeddings_of_earlier_runs() {
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
    fn embed_replaces_damaged_chunks() {
        let store = MemStore::new();
        embed(&store, &["a", "bb"]).unwrap();
        let dir = Path::new("cache/model");
        let name = store.list(dir).unwrap().remove(0).name;
        let mut bytes = store.read(&dir.join(&name), MAX_CHUNK_BYTES).unwrap();
        bytes.truncate(bytes.len() - 3);
        store.write_atomic(&dir.join(&name), &bytes).unwrap();
        let (again, seen) = embed(&store, &["a", "bb"]).unwrap();
        assert_eq!((again.damaged, again.fresh, seen), (1, 2, 2));
        assert_eq!(embed(&store, &["a", "bb"]).unwrap().1, 0);
    }

    #[test]
    fn embed_keeps_completed_chunks_when_cancelled() {
        let store = MemStore::new();
        let texts: Vec<String> = (0..2 * CHUNK_LEN).map(|i| format!("text {i}")).collect();
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
        assert_eq!(seen, CHUNK_LEN);
        assert_eq!(embed(&store, &texts).unwrap().1, CHUNK_LEN);
    }

    #[test]
    fn progress_estimates_time_from_fresh_texts_only() {
        let store = MemStore::new();
        let texts: Vec<String> = (0..4 * CHUNK_LEN).map(|i| format!("text {i}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        embed(&store, &texts[..3 * CHUNK_LEN]).unwrap();
        let cache = EmbeddingCache::new(&store, Path::new("cache"), "model", 2);
        let (mut seen, mut reported) = (0, Vec::new());
        cache
            .embed(
                &texts,
                &mut |texts, report| {
                    assert!(report(CHUNK_LEN / 2, CHUNK_LEN).is_continue());
                    Ok(Some(encode(&mut seen, texts)))
                },
                &Uninterrupted,
                &mut |progress| reported.push(progress),
            )
            .unwrap();
        let (found, fresh): (Vec<Progress>, Vec<Progress>) = reported
            .into_iter()
            .partition(|at| at.done <= 3 * CHUNK_LEN);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|progress| progress.eta_s.is_none()));
        let done: Vec<usize> = fresh.iter().map(|progress| progress.done).collect();
        assert_eq!(done, [3 * CHUNK_LEN + CHUNK_LEN / 2, 4 * CHUNK_LEN]);
        assert_eq!(fresh[1].eta_s, Some(0.0));
        assert!(fresh[0].eta_s > Some(0.0));
    }

    #[test]
    fn embed_recovers_from_any_fault() {
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
