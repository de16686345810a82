//! Sharing batches among the processor's cores.
//!
//! One worker for each core, and inside a worker everything runs on its own thread: small batches
//! stay in the core's cache and nobody waits for anybody. candle always asks gemm for as many threads
//! as there are cores; a rayon pool of one thread around each worker makes gemm's share just that.

use super::batch::{Batch, Feeder};
use super::ragged::Space;
use super::{EncodeError, Inner};
use candle_core::Device;
use nearsay_core::matrix::Matrix;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Tokens in a batch on the processor: 256 to 4,096 are equally fast, so small enough for progress to be
/// told often and for the cores to end together.
const TOKENS_CPU: usize = 1_024;
/// And on a graphics card, which wants larger ones.
const TOKENS_GPU: usize = 16_384;

/// Threads that wait for work.
pub(super) struct Workers {
    pools: Vec<ThreadPool>,
    budget: usize,
}

impl Workers {
    /// One for each core, or a single one to feed a graphics card.
    pub(super) fn new(device: &Device) -> Result<Self, EncodeError> {
        let (count, budget) = if device.is_cpu() {
            (candle_core::utils::get_num_threads(), TOKENS_CPU)
        } else {
            (1, TOKENS_GPU)
        };
        let pools = (0..count)
            .map(|number| {
                ThreadPoolBuilder::new()
                    .num_threads(1)
                    .thread_name(move |_| format!("encoder {number}"))
                    .build()
            })
            .collect::<Result<_, _>>()
            .map_err(candle_core::Error::wrap)?;
        Ok(Self { pools, budget })
    }

    /// Encodes all texts; see [`SentenceEncoder::encode_all`](super::SentenceEncoder::encode_all).
    pub(super) fn run(
        &self,
        inner: &Arc<Inner>,
        dims: usize,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        let mut rows = vec![0f32; texts.len() * dims];
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let feeder = Feeder::new(
            owned,
            self.pools.len(),
            self.budget,
            inner.texts.max_tokens(),
        );
        let feeder = Arc::new(Mutex::new(feeder));
        let stop = Arc::new(AtomicBool::new(false));
        let (send, receive) = sync_channel(2 * self.pools.len());
        for pool in &self.pools {
            let (inner, feeder, stop) = (inner.clone(), feeder.clone(), stop.clone());
            let send = send.clone();
            pool.spawn(move || {
                let mut space = Space::default();
                while !stop.load(Ordering::Relaxed) {
                    // A panic must neither end the process nor leave the caller waiting.
                    let done = catch_unwind(AssertUnwindSafe(|| step(&inner, &feeder, &mut space)))
                        .unwrap_or(Err(EncodeError::Panicked));
                    let Some(done) = done.transpose() else { break };
                    let failed = done.is_err();
                    if send.send(done).is_err() || failed {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut count = 0;
        while let Ok(done) = receive.recv() {
            // Returning drops the receiver: who still works then finds nobody to send to.
            let (places, vectors) = done.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            for (place, vector) in places.iter().zip(vectors.chunks_exact(dims)) {
                rows[place * dims..(place + 1) * dims].copy_from_slice(vector);
            }
            count += places.len();
            if on_progress(count, texts.len()).is_break() && count < texts.len() {
                stop.store(true, Ordering::Relaxed);
                return Err(EncodeError::Cancelled);
            }
        }
        if count < texts.len() {
            return Err(EncodeError::Panicked);
        }
        Ok(Matrix::new(texts.len(), dims, rows)?)
    }
}

/// One batch: the places of its texts and their vectors.
type Done = (Vec<usize>, Vec<f32>);

fn step(
    inner: &Inner,
    feeder: &Mutex<Feeder<String>>,
    space: &mut Space,
) -> Result<Option<Done>, EncodeError> {
    let next = feeder
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .next(&inner.texts)?;
    let Some(Batch { places, ids }) = next else {
        return Ok(None);
    };
    let vectors = inner.network.forward(&ids, space)?;
    if vectors.iter().any(|value| !value.is_finite()) {
        return Err(EncodeError::NotFinite);
    }
    Ok(Some((places, vectors)))
}
