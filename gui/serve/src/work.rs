//! The model at work: a bounded number of texts waits, one thread a core takes them in batches.
//!
//! A worker takes what waits, up to [`BATCH`] texts, and encodes it at once: a lone question waits for
//! nobody, and the more there are, the less each costs.

use super::{metrics::Metrics, problem::Problem};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use nearsay_message::UserError;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Texts that are encoded at once, or a few more.
const BATCH: usize = 32;

/// The answers as they are now.
pub(super) struct Live(RwLock<Arc<Servable>>);

impl Live {
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

/// Work that waits for the model.
pub(super) struct Queue {
    texts: usize,
    room: Arc<Semaphore>,
    jobs: SyncSender<Box<dyn Job>>,
}

/// Texts, and what is made of their vectors.
trait Job: Send {
    fn texts(&self) -> &[String];
    /// Whether somebody still waits for it.
    fn wanted(&self) -> bool;
    fn finish(self: Box<Self>, model: &Servable, vectors: Result<Matrix, Problem>);
}

struct Pending<T, F> {
    texts: Vec<String>,
    then: F,
    reply: oneshot::Sender<Result<T, Problem>>,
    room: OwnedSemaphorePermit,
}

impl<T, F> Job for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send,
{
    fn texts(&self) -> &[String] {
        &self.texts
    }

    fn wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn finish(self: Box<Self>, model: &Servable, vectors: Result<Matrix, Problem>) {
        let Self {
            texts,
            then,
            reply,
            room,
        } = *self;
        let done = vectors.and_then(|vectors| then(model, texts, vectors));
        // Who has the reply may ask again at once.
        drop(room);
        reply.send(done).ok();
    }
}

impl Queue {
    /// Starts the workers; they end with the queue.
    pub(super) fn start(
        texts: usize,
        live: &Arc<Live>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, UserError> {
        let (jobs, waiting) = sync_channel(texts);
        let waiting = Arc::new(Mutex::new(waiting));
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for number in 0..workers {
            let (live, waiting, metrics) = (live.clone(), waiting.clone(), metrics.clone());
            thread::Builder::new()
                .name(format!("answers {number}"))
                .spawn(move || work(&live, &waiting, &metrics))
                .map_err(|error| {
                    UserError::new(format_args!("no thread could be started ({error})"), "")
                })?;
        }
        Ok(Self {
            texts,
            room: Arc::new(Semaphore::new(texts)),
            jobs,
        })
    }

    /// Encodes a text on a worker and makes something of it there.
    ///
    /// # Errors
    /// At once, when too many texts wait already; else as the model or `then` say.
    pub(super) async fn one<T: Send + 'static>(
        &self,
        text: String,
        then: impl FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| Problem::overloaded())?;
        self.run(vec![text], room, then).await
    }

    /// The same of many texts, a piece of them after the other, so that others get their turn between.
    ///
    /// # Errors
    /// As [`one`](Self::one).
    pub(super) async fn many<T: Send + 'static>(
        &self,
        texts: Vec<String>,
        each: impl Fn(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Clone + Send + 'static,
    ) -> Result<Vec<T>, Problem> {
        let mut done = Vec::new();
        let mut texts = texts.into_iter();
        loop {
            let piece: Vec<String> = texts.by_ref().take(BATCH).collect();
            let count = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.room);
            let room = match (piece.is_empty(), done.is_empty()) {
                (true, _) => return Ok(done),
                (false, true) => room.try_acquire_many_owned(count).ok(),
                // Who has been let in waits: one piece of a request at a time.
                (false, false) => room.acquire_many_owned(count).await.ok(),
            };
            let room = room.ok_or_else(Problem::overloaded)?;
            done.push(self.run(piece, room, each.clone()).await?);
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        texts: Vec<String>,
        room: OwnedSemaphorePermit,
        then: impl FnOnce(&Servable, Vec<String>, Matrix) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, done) = oneshot::channel();
        let job = Box::new(Pending {
            texts,
            then,
            reply,
            room,
        });
        // It has room for as many jobs as there is room for texts.
        self.jobs.try_send(job).map_err(|_| Problem::overloaded())?;
        // Without a reply it was dropped: the worker panicked.
        done.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Texts that wait or are being encoded.
    pub(super) fn waiting(&self) -> usize {
        self.texts - self.room.available_permits()
    }
}

fn work(live: &Live, waiting: &Mutex<Receiver<Box<dyn Job>>>, metrics: &Metrics) {
    while let Some(batch) = next(waiting) {
        if batch.is_empty() {
            continue;
        }
        metrics.batch(batch.iter().map(|job| job.texts().len()).sum());
        // What panicked has said so itself, on stderr; who waited for it is told by `run`.
        catch_unwind(AssertUnwindSafe(|| answer(&live.get(), batch))).ok();
    }
}

/// What waits, up to a batch; waits for something when nothing does. None when there will be no more.
fn next(waiting: &Mutex<Receiver<Box<dyn Job>>>) -> Option<Vec<Box<dyn Job>>> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = vec![waiting.recv().ok()?];
    let mut texts = batch[0].texts().len();
    while texts < BATCH
        && let Ok(job) = waiting.try_recv()
    {
        texts += job.texts().len();
        batch.push(job);
    }
    batch.retain(|job| job.wanted());
    Some(batch)
}

fn answer(model: &Servable, batch: Vec<Box<dyn Job>>) {
    let texts = batch.iter().flat_map(|job| job.texts());
    let texts: Vec<&str> = texts.map(String::as_str).collect();
    let vectors = model.model().encode(&texts);
    if let Err(error) = &vectors {
        eprintln!("nearsay: {error}");
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
