//! A store that simulates faults.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Entry, ErrorKind, FileKind, LockGuard, Metadata, ReadSeek, Sink, Steps};

/// Fault that a [`FaultStore`] simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full. Half of a write is stored. Afterwards no free space is reported, but later
    /// steps succeed, as small ones may on a full disk.
    Full,
    /// Permission is denied.
    Denied,
    /// The device reports an error.
    Io,
    /// Half of a write is stored, then the device reports an error; other steps fail as a whole.
    ShortWrite,
    /// The process dies. Half of a write is stored, half of a folder is deleted, other steps don't
    /// happen, and every later step fails, so that nothing can be cleaned up.
    Crash,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::Denied,
        Self::Io,
        Self::ShortWrite,
        Self::Crash,
    ];

    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Denied => io::ErrorKind::PermissionDenied.into(),
            Self::Io => io::Error::other("the device reported an error (simulated)"),
            Self::ShortWrite => io::ErrorKind::WriteZero.into(),
            Self::Crash => ErrorKind::Crashed.into(),
        }
    }

    /// Whether half of a step happens.
    fn is_partial(self, step: Step) -> bool {
        match step {
            Step::Write => matches!(self, Self::Full | Self::ShortWrite | Self::Crash),
            Step::Delete => self == Self::Crash,
            _ => false,
        }
    }
}

/// Steps that a [`FaultStore`] counts; named after the methods of [`Steps`] and [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented at the methods of the same names")]
pub enum Step {
    Stat,
    Kind,
    Entries,
    OpenRead,
    /// Reading from a file opened for reading.
    Read,
    CreateNew,
    OpenAppend,
    Write,
    Truncate,
    Sync,
    MakeDir,
    Rename,
    Delete,
    SyncDir,
    TryLock,
    FreeBytes,
}

impl Step {
    /// Whether the step may change the content of the disk or its durability.
    pub fn changes(self) -> bool {
        !matches!(
            self,
            Self::Stat | Self::Kind | Self::Entries | Self::OpenRead | Self::Read | Self::FreeBytes
        )
    }
}

/// Wrapper that makes another store fail at its n-th step.
///
/// An operation of a [`Store`](super::Store) consists of several steps. A loop over n until
/// [`FaultStore::fired`] stays false makes each of them fail once; see the example in
/// [`store`](super).
///
/// Clones share their state, so that a test can keep one and pass another to the tested code.
#[derive(Clone, Debug)]
pub struct FaultStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    armed: Option<Armed>,
    /// The fault, once it has happened.
    fired: Option<Fault>,
    log: Vec<(Step, PathBuf)>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    /// Number of steps before the fault.
    left: usize,
    only_changes: bool,
}

impl<S: Steps> FaultStore<S> {
    /// Wraps `inner`, without a planned fault.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// Plans a fault at the `n`-th step from now, counted from 1.
    pub fn fail_step(&self, n: usize, fault: Fault) {
        self.arm(n, fault, false);
    }

    /// Plans a fault at the `n`-th step from now that [changes](Step::changes) something.
    pub fn fail_change(&self, n: usize, fault: Fault) {
        self.arm(n, fault, true);
    }

    /// Ends a crash or a full disk and cancels planned faults, like a restart of the program.
    pub fn heal(&self) {
        let mut plan = lock_plan(&self.plan);
        plan.armed = None;
        plan.fired = None;
    }

    /// Whether the planned fault has happened.
    pub fn fired(&self) -> bool {
        lock_plan(&self.plan).fired.is_some()
    }

    /// Returns the steps so far in order, including the one that failed.
    pub fn log(&self) -> Vec<(Step, PathBuf)> {
        lock_plan(&self.plan).log.clone()
    }

    /// Number of steps so far.
    pub fn steps(&self) -> usize {
        lock_plan(&self.plan).log.len()
    }

    /// The wrapped store.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn arm(&self, n: usize, fault: Fault, only_changes: bool) {
        let mut plan = lock_plan(&self.plan);
        plan.fired = None;
        plan.armed = Some(Armed {
            fault,
            left: n.saturating_sub(1),
            only_changes,
        });
    }

    fn count_step(&self, step: Step, path: &Path) -> Result<(), Failure> {
        count_step(&self.plan, step, path)
    }
}

fn lock_plan(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Simulated failure of a step.
struct Failure {
    error: io::Error,
    /// Whether half of the step happens.
    half: bool,
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Counts a step.
///
/// # Errors
/// When the fault is planned for this step, or after a crash.
fn count_step(plan: &Mutex<Plan>, step: Step, path: &Path) -> Result<(), Failure> {
    let mut plan = lock_plan(plan);
    if plan.fired == Some(Fault::Crash) {
        return Err(Failure {
            error: Fault::Crash.error(),
            half: false,
        });
    }
    plan.log.push((step, path.to_owned()));
    if let Some(armed) = &mut plan.armed
        && (step.changes() || !armed.only_changes)
    {
        if armed.left == 0 {
            let fault = armed.fault;
            plan.armed = None;
            plan.fired = Some(fault);
            return Err(Failure {
                error: fault.error(),
                half: fault.is_partial(step),
            });
        }
        armed.left -= 1;
    }
    Ok(())
}

impl<S: Steps> Steps for FaultStore<S> {
    fn stat(&self, path: &Path) -> io::Result<Metadata> {
        self.count_step(Step::Stat, path)?;
        self.inner.stat(path)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.count_step(Step::Kind, path)?;
        self.inner.kind(path)
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.count_step(Step::Entries, dir)?;
        self.inner.entries(dir)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        self.count_step(Step::OpenRead, path)?;
        Ok(Box::new(FaultReader {
            inner: self.inner.open_read(path)?,
            plan: Arc::clone(&self.plan),
            path: path.to_owned(),
        }))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.count_step(Step::CreateNew, path)?;
        Ok(self.wrap_sink(self.inner.create_new(path)?, path))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.count_step(Step::OpenAppend, path)?;
        Ok(self.wrap_sink(self.inner.open_append(path)?, path))
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.count_step(Step::MakeDir, dir)?;
        self.inner.make_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.count_step(Step::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.count_step(Step::Rename, b)?;
        self.inner.exchange(a, b)
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        let Err(failure) = self.count_step(Step::Delete, path) else {
            return self.inner.delete(path);
        };
        if failure.half && self.inner.kind(path)? == FileKind::Folder {
            let entries = self.inner.entries(path)?;
            for entry in entries.iter().take(entries.len().div_ceil(2)) {
                self.inner.delete(&path.join(&entry.name))?;
            }
        }
        Err(failure.error)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.count_step(Step::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockGuard> {
        self.count_step(Step::TryLock, path)?;
        self.inner.try_lock(path)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.count_step(Step::FreeBytes, dir)?;
        if lock_plan(&self.plan).fired == Some(Fault::Full) {
            return Ok(0);
        }
        self.inner.free_bytes(dir)
    }
}

impl<S: Steps> FaultStore<S> {
    fn wrap_sink(&self, inner: Box<dyn Sink>, path: &Path) -> Box<dyn Sink> {
        Box::new(FaultSink {
            inner,
            plan: Arc::clone(&self.plan),
            path: path.to_owned(),
        })
    }
}

struct FaultReader {
    inner: Box<dyn ReadSeek>,
    plan: Arc<Mutex<Plan>>,
    path: PathBuf,
}

impl io::Read for FaultReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        count_step(&self.plan, Step::Read, &self.path)?;
        self.inner.read(buffer)
    }
}

impl io::Seek for FaultReader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

struct FaultSink {
    inner: Box<dyn Sink>,
    plan: Arc<Mutex<Plan>>,
    path: PathBuf,
}

impl Sink for FaultSink {
    fn start(&self) -> u64 {
        self.inner.start()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Err(failure) = count_step(&self.plan, Step::Write, &self.path) else {
            return self.inner.write(bytes);
        };
        if failure.half {
            self.inner
                .write(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        }
        Err(failure.error)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        count_step(&self.plan, Step::Truncate, &self.path)?;
        self.inner.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        count_step(&self.plan, Step::Sync, &self.path)?;
        self.inner.sync()
    }
}
