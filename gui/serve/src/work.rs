//! Worker threads that encode texts, and their bounded queue.
//!
//! A worker encodes the waiting texts, up to [`BATCH_SIZE`], in one batch: a single question starts at once, and under
//! load the cost per text drops.

use super::{ServeError, metrics::Metrics, problem::Problem};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Texts per batch; the last job of a batch may exceed it.
const BATCH_SIZE: usize = 32;

/// The current model; edits replace it.
pub(super) struct LiveModel(RwLock<Arc<Servable>>);

impl LiveModel {
    pub(super) fn new(model: Servable) -> Self {
        Self(RwLock::new(Arc::new(model)))
    }

    pub(super) fn get(&self) -> Arc<Servable> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, model: Servable) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
    }
}

pub(super) struct Queue {
    capacity: usize,
    /// One permit per text.
    permits: Arc<Semaphore>,
    jobs: SyncSender<Box<dyn Job>>,
}

/// Texts to encode and the continuation for their vectors.
trait Job: Send {
    fn texts(&self) -> &[String];
    /// Whether a request still waits for the result.
    fn is_awaited(&self) -> bool;
    fn finish(self: Box<Self>, model: &Servable, vectors: Result<Matrix, Problem>);
}

struct Pending<T, F> {
    texts: Vec<String>,
    then: F,
    reply: oneshot::Sender<Result<T, Problem>>,
    permit: OwnedSemaphorePermit,
}

impl<T, F> Job for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send,
{
    fn texts(&self) -> &[String] {
        &self.texts
    }

    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn finish(self: Box<Self>, model: &Servable, vectors: Result<Matrix, Problem>) {
        let Self {
            texts,
            then,
            reply,
            permit,
        } = *self;
        let result = vectors.and_then(|vectors| then(model, texts, vectors));
        // Released first: a client with its reply may send the next request.
        drop(permit);
        // The request may have timed out.
        reply.send(result).ok();
    }
}

impl Queue {
    /// Starts the workers; they end with the queue.
    pub(super) fn start(
        capacity: usize,
        live: &Arc<LiveModel>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let (jobs, waiting) = sync_channel(capacity);
        let waiting = Arc::new(Mutex::new(waiting));
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for number in 0..workers {
            let (live, waiting, metrics) = (live.clone(), waiting.clone(), metrics.clone());
            thread::Builder::new()
                .name(format!("model {number}"))
                .spawn(move || run_worker(&live, &waiting, &metrics))
                .map_err(ServeError::Start)?;
        }
        Ok(Self {
            capacity,
            permits: Arc::new(Semaphore::new(capacity)),
            jobs,
        })
    }

    /// Encodes a text on a worker, which then calls `then`.
    ///
    /// # Errors
    /// If the queue is full, or the model or `then` fails.
    pub(super) async fn encode_one<T: Send + 'static>(
        &self,
        text: String,
        then: impl FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| Problem::overloaded())?;
        self.run(vec![text], permit, then).await
    }

    /// Encodes many texts in chunks, so that other requests are served in between.
    ///
    /// # Errors
    /// As [`encode_one`](Self::encode_one).
    pub(super) async fn encode_many<T: Send + 'static>(
        &self,
        texts: Vec<String>,
        then: impl Fn(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Clone + Send + 'static,
    ) -> Result<Vec<T>, Problem> {
        let mut results = Vec::new();
        let mut texts = texts.into_iter();
        loop {
            let chunk: Vec<String> = texts.by_ref().take(BATCH_SIZE).collect();
            let count = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            if chunk.is_empty() {
                return Ok(results);
            }
            let permits = Arc::clone(&self.permits);
            // Only the first chunk may be rejected; an admitted request waits for its turn.
            let permit = if results.is_empty() {
                permits.try_acquire_many_owned(count).ok()
            } else {
                permits.acquire_many_owned(count).await.ok()
            };
            let permit = permit.ok_or_else(Problem::overloaded)?;
            results.push(self.run(chunk, permit, then.clone()).await?);
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        texts: Vec<String>,
        permit: OwnedSemaphorePermit,
        then: impl FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, result) = oneshot::channel();
        let job = Box::new(Pending {
            texts,
            then,
            reply,
            permit,
        });
        // The channel has a slot per permit, and each job holds at least one permit.
        self.jobs.try_send(job).map_err(|_| Problem::overloaded())?;
        // The sender is dropped without a reply if the worker panics.
        result.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Number of texts waiting or being encoded.
    pub(super) fn waiting(&self) -> usize {
        self.capacity - self.permits.available_permits()
    }
}

fn run_worker(live: &LiveModel, waiting: &Mutex<Receiver<Box<dyn Job>>>, metrics: &Metrics) {
    while let Some(batch) = next_batch(waiting) {
        if batch.is_empty() {
            continue;
        }
        metrics.record_batch(batch.iter().map(|job| job.texts().len()).sum());
        // The panic handler has printed the cause, and `run` reports the failure to the client.
        if catch_unwind(AssertUnwindSafe(|| encode_batch(&live.get(), batch))).is_err() {
            tracing::error!("a worker panicked; its requests failed");
        }
    }
}

/// Waits for a job and takes further ones, up to a batch. `None` if the queue is closed.
fn next_batch(waiting: &Mutex<Receiver<Box<dyn Job>>>) -> Option<Vec<Box<dyn Job>>> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = vec![waiting.recv().ok()?];
    let mut texts = batch[0].texts().len();
    while texts < BATCH_SIZE
        && let Ok(job) = waiting.try_recv()
    {
        texts += job.texts().len();
        batch.push(job);
    }
    batch.retain(|job| job.is_awaited());
    Some(batch)
}

fn encode_batch(model: &Servable, batch: Vec<Box<dyn Job>>) {
    let texts = batch.iter().flat_map(|job| job.texts());
    let texts: Vec<&str> = texts.map(String::as_str).collect();
    let vectors = model.model().encode(&texts);
    if let Err(error) = &vectors {
        tracing::error!("{error}");
    }
    let mut first = 0;
    for job in batch {
        let count = job.texts().len();
        let vectors = vectors.as_ref().map_err(|_| Problem::internal());
        let own = vectors.map(|vectors| {
            let row = |row, column| vectors.row(first + row)[column];
            Matrix::from_fn(count, vectors.columns(), row)
        });
        first += count;
        job.finish(model, own);
    }
}
