//! Encoding on all cores: one single-threaded worker per core.
//!
//! candle always requests as many gemm threads as there are cores. Each worker therefore runs in a rayon pool of one
//! thread, which limits gemm to that thread.

use super::batch::{Batch, Batcher};
use super::ragged::Buffers;
use super::{EncodeError, Inner};
use candle_core::Device;
use nearsay_core::matrix::Matrix;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Maximum number of tokens in a batch on the CPU. Small batches report progress often and let the cores finish at
/// about the same time.
const TOKENS_CPU: usize = 1_024;
/// Maximum number of tokens in a batch on a GPU, which needs larger batches to be busy.
const TOKENS_GPU: usize = 16_384;

/// Threads that encode batches.
pub(super) struct Workers {
    pools: Vec<ThreadPool>,
    max_tokens: usize,
}

impl Workers {
    /// Starts one worker per core, or a single worker for a GPU.
    pub(super) fn new(device: &Device) -> Result<Self, EncodeError> {
        let (count, max_tokens) = if device.is_cpu() {
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
        Ok(Self { pools, max_tokens })
    }

    /// Encodes all texts; see [`SentenceEncoder::encode_all`](super::SentenceEncoder::encode_all).
    pub(super) fn encode_all(
        &self,
        inner: &Arc<Inner>,
        dims: usize,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        let mut rows = vec![0f32; texts.len() * dims];
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let batcher = Batcher::new(
            owned,
            self.pools.len(),
            self.max_tokens,
            inner.tokenizer.max_tokens(),
        );
        let batcher = Arc::new(Mutex::new(batcher));
        let stop = Arc::new(AtomicBool::new(false));
        let (send, receive) = sync_channel(2 * self.pools.len());
        for pool in &self.pools {
            let (inner, batcher, stop) = (inner.clone(), batcher.clone(), stop.clone());
            let send = send.clone();
            pool.spawn(move || {
                let mut buffers = Buffers::default();
                while !stop.load(Ordering::Relaxed) {
                    // A panic must neither end the process nor leave the caller waiting.
                    let outcome = catch_unwind(AssertUnwindSafe(|| {
                        encode_next_batch(&inner, &batcher, &mut buffers)
                    }))
                    .unwrap_or(Err(EncodeError::Panicked));
                    let Some(outcome) = outcome.transpose() else {
                        break;
                    };
                    let failed = outcome.is_err();
                    if send.send(outcome).is_err() || failed {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut count = 0;
        while let Ok(outcome) = receive.recv() {
            // Returning drops the receiver, which also ends workers that are still busy.
            let (indices, vectors) =
                outcome.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            for (index, vector) in indices.iter().zip(vectors.chunks_exact(dims)) {
                rows[index * dims..(index + 1) * dims].copy_from_slice(vector);
            }
            count += indices.len();
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

/// Indices of the texts of a batch, and their vectors.
type EncodedBatch = (Vec<usize>, Vec<f32>);

/// Encodes the next batch; `None` if no texts are left.
fn encode_next_batch(
    inner: &Inner,
    batcher: &Mutex<Batcher<String>>,
    buffers: &mut Buffers,
) -> Result<Option<EncodedBatch>, EncodeError> {
    let next = batcher
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .next_batch(&inner.tokenizer)?;
    let Some(Batch { indices, ids }) = next else {
        return Ok(None);
    };
    Ok(Some((indices, inner.encode_ids(&ids, buffers)?)))
}
