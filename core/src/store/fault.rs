//! A store that fails on purpose.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Entry, ErrorKind, FileKind, LockGuard, Metadata, ReadSeek, Sink, Steps};

/// How a [`FaultStore`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full. Half of a write arrives. From then on no space is reported free, but
    /// later steps succeed, as small ones may on a full disk.
    Full,
    /// Permission is missing.
    Denied,
    /// The device reports an error.
    Io,
    /// Half of a write arrives, then the device reports an error; any other step fails as a whole.
    ShortWrite,
    /// The process dies. Half of a write arrives, half of a folder is deleted, any other step does
    /// not happen, and every later step fails too: nothing can be cleaned up.
    Crash,
}

impl Fault {
    /// All of them.
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

    /// Whether half of a step happens rather than nothing.
    fn halves(self, step: Step) -> bool {
        match step {
            Step::Write => matches!(self, Self::Full | Self::ShortWrite | Self::Crash),
            Step::Delete => self == Self::Crash,
            _ => false,
        }
    }
}

/// The single steps a [`FaultStore`] counts; named after [`Steps`] and [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "told at the methods of the same names")]
pub enum Step {
    Stat,
    Kind,
    Entries,
    OpenRead,
    /// One piece from a file open for reading.
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
    /// Whether it may change what is on the disk, or whether that lasts.
    pub fn changes(self) -> bool {
        !matches!(
            self,
            Self::Stat | Self::Kind | Self::Entries | Self::OpenRead | Self::Read | Self::FreeBytes
        )
    }
}

/// Another store that can be made to fail at its n-th step.
///
/// An operation of a [`Store`](super::Store) is several steps, and the fault can fall between any
/// two, so a loop over n until [`FaultStore::fired`] stays false has tried them all. See the
/// example at [`store`](super).
///
/// A clone is another handle: one in the code under test, one in the test.
#[derive(Clone, Debug)]
pub struct FaultStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    armed: Option<Armed>,
    /// The fault that has happened.
    fired: Option<Fault>,
    log: Vec<(Step, PathBuf)>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    /// Steps before it.
    left: usize,
    only_changes: bool,
}

impl<S: Steps> FaultStore<S> {
    /// Does all that `inner` does, and counts.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// From now on the `n`-th step fails, once; the first is 1.
    pub fn fail_step(&self, n: usize, fault: Fault) {
        self.arm(n, fault, false);
    }

    /// From now on the `n`-th step that [changes](Step::changes) something fails, once.
    pub fn fail_change(&self, n: usize, fault: Fault) {
        self.arm(n, fault, true);
    }

    /// No more faults, and a crash or a full disk is over, as at the next start of the program.
    pub fn heal(&self) {
        let mut plan = lock(&self.plan);
        plan.armed = None;
        plan.fired = None;
    }

    /// Whether the fault has happened.
    pub fn fired(&self) -> bool {
        lock(&self.plan).fired.is_some()
    }

    /// The steps so far, in order, including the one that failed.
    pub fn log(&self) -> Vec<(Step, PathBuf)> {
        lock(&self.plan).log.clone()
    }

    /// How many steps there were so far.
    pub fn steps(&self) -> usize {
        lock(&self.plan).log.len()
    }

    /// The store below.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn arm(&self, n: usize, fault: Fault, only_changes: bool) {
        let mut plan = lock(&self.plan);
        plan.fired = None;
        plan.armed = Some(Armed {
            fault,
            left: n.saturating_sub(1),
            only_changes,
        });
    }

    fn check(&self, step: Step, path: &Path) -> Result<(), Stop> {
        check(&self.plan, step, path)
    }
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a step does not happen, and whether half of it does.
struct Stop {
    error: io::Error,
    half: bool,
}

impl From<Stop> for io::Error {
    fn from(stop: Stop) -> Self {
        stop.error
    }
}

/// Counts a step; an error if it is the one to fail, or the process is dead already.
fn check(plan: &Mutex<Plan>, step: Step, path: &Path) -> Result<(), Stop> {
    let mut plan = lock(plan);
    if plan.fired == Some(Fault::Crash) {
        return Err(Stop {
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
            return Err(Stop {
                error: fault.error(),
                half: fault.halves(step),
            });
        }
        armed.left -= 1;
    }
    Ok(())
}

impl<S: Steps> Steps for FaultStore<S> {
    fn stat(&self, path: &Path) -> io::Result<Metadata> {
        self.check(Step::Stat, path)?;
        self.inner.stat(path)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.check(Step::Kind, path)?;
        self.inner.kind(path)
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.check(Step::Entries, dir)?;
        self.inner.entries(dir)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        self.check(Step::OpenRead, path)?;
        Ok(Box::new(FaultReader {
            inner: self.inner.open_read(path)?,
            plan: Arc::clone(&self.plan),
            path: path.to_owned(),
        }))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.check(Step::CreateNew, path)?;
        Ok(self.sink(self.inner.create_new(path)?, path))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.check(Step::OpenAppend, path)?;
        Ok(self.sink(self.inner.open_append(path)?, path))
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Step::MakeDir, dir)?;
        self.inner.make_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Step::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        let Err(stop) = self.check(Step::Delete, path) else {
            return self.inner.delete(path);
        };
        if stop.half && self.inner.kind(path)? == FileKind::Folder {
            let entries = self.inner.entries(path)?;
            for entry in entries.iter().take(entries.len().div_ceil(2)) {
                self.inner.delete(&path.join(&entry.name))?;
            }
        }
        Err(stop.error)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Step::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockGuard> {
        self.check(Step::TryLock, path)?;
        self.inner.try_lock(path)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.check(Step::FreeBytes, dir)?;
        if lock(&self.plan).fired == Some(Fault::Full) {
            return Ok(0);
        }
        self.inner.free_bytes(dir)
    }
}

impl<S: Steps> FaultStore<S> {
    fn sink(&self, inner: Box<dyn Sink>, path: &Path) -> Box<dyn Sink> {
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
        check(&self.plan, Step::Read, &self.path)?;
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
        let Err(stop) = check(&self.plan, Step::Write, &self.path) else {
            return self.inner.write(bytes);
        };
        if stop.half {
            self.inner
                .write(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        }
        Err(stop.error)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        check(&self.plan, Step::Truncate, &self.path)?;
        self.inner.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        check(&self.plan, Step::Sync, &self.path)?;
        self.inner.sync()
    }
}
