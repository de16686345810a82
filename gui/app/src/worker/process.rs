//! A child process with line-based output. The end of its error output is kept for error reports.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{Builder, sleep},
    time::{Duration, Instant},
};

use crate::{state::UserError, text};

/// Number of lines of error output to keep.
const STDERR_LINES: usize = 50;
/// Maximum length of a line in bytes; longer lines are split, so that memory use stays bounded.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// Interval of checking whether the child has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time after closing its output until the child is killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after the end of the child until its error output is no longer awaited.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);

/// Result of a child process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exit {
    /// The exit code is 0.
    pub success: bool,
    /// Exit status for error reports, such as "exit status: 1" or "signal: 9 (SIGKILL)".
    pub status: String,
    /// A signal ended it.
    pub killed: bool,
    /// The last lines of its error output.
    pub stderr_tail: String,
}

/// A running child process, killed on drop.
pub(super) struct ChildProcess {
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
}

/// Kills a child process.
#[derive(Clone)]
pub(super) struct Killer(Arc<Mutex<Child>>);

impl Killer {
    pub(super) fn kill(&self) {
        if let Err(error) = lock(&self.0).kill() {
            tracing::warn!(%error, "cannot kill the child process");
        }
    }
}

impl ChildProcess {
    /// Starts `command`. On a thread called `name`, `on_line` receives each line of its output, then
    /// `on_end` its result.
    pub(super) fn start(
        name: &str,
        mut command: Command,
        mut on_line: impl FnMut(&str) + Send + 'static,
        on_end: impl FnOnce(Exit) + Send + 'static,
    ) -> Result<Self, UserError> {
        let cannot =
            |error: std::io::Error| text::error::no_engine().with_detail(error.to_string());
        let mut child = command.spawn().map_err(cannot)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self {
            child: Arc::new(Mutex::new(child)),
            stdin,
        };
        let stderr_tail = Arc::new(Mutex::new(VecDeque::new()));

        let tail = Arc::clone(&stderr_tail);
        let stderr_reader = Builder::new()
            .name(format!("{name}-errors"))
            .spawn(move || read_lines(stderr, |line| push_line(&tail, line)))
            .map_err(cannot)?;

        let child = Arc::clone(&process.child);
        Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                read_lines(stdout, &mut on_line);
                let status = wait_for_exit(&child);
                // A grandchild may keep the error output open, so the wait is limited.
                let since = Instant::now();
                while !stderr_reader.is_finished() && since.elapsed() < STDERR_TIMEOUT {
                    sleep(POLL_INTERVAL);
                }
                let tail = lock(&stderr_tail)
                    .iter()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n");
                on_end(describe_exit(status, tail));
            })
            .map_err(cannot)?;
        Ok(process)
    }

    /// Writes a line to the child's input.
    pub(super) fn write_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let written = stdin
                .write_all(format!("{line}\n").as_bytes())
                .and_then(|()| stdin.flush());
            // The thread that reads the output reports the end of the child.
            if let Err(error) = written {
                tracing::warn!(%error, line, "cannot write to the child process");
            }
        }
    }

    /// A handle that can kill the child later.
    pub(super) fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.child))
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.killer().kill();
    }
}

fn read_lines(pipe: Option<impl Read>, mut on_line: impl FnMut(&str)) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut reader)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut bytes)
        {
            Ok(0) => return,
            Err(error) => {
                tracing::warn!(%error, "cannot read the output of the child process");
                return;
            }
            Ok(_) => on_line(String::from_utf8_lossy(&bytes).trim_end()),
        }
    }
}

fn push_line(lines: &Mutex<VecDeque<String>>, line: &str) {
    let mut lines = lock(lines);
    if lines.len() == STDERR_LINES {
        lines.pop_front();
    }
    lines.push_back(line.to_owned());
}

/// Waits for the end of the child. The lock is free in between, so that the child can be killed.
fn wait_for_exit(child: &Mutex<Child>) -> Option<ExitStatus> {
    let since = Instant::now();
    loop {
        let mut child = lock(child);
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if since.elapsed() > EXIT_TIMEOUT => {
                if let Err(error) = child.kill() {
                    tracing::warn!(%error, "cannot kill the child process");
                }
                return child
                    .wait()
                    .inspect_err(|error| {
                        tracing::warn!(%error, "cannot wait for the child process");
                    })
                    .ok();
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot wait for the child process");
                return None;
            }
        }
        drop(child);
        sleep(POLL_INTERVAL);
    }
}

fn describe_exit(status: Option<ExitStatus>, stderr_tail: String) -> Exit {
    Exit {
        success: status.is_some_and(|status| status.success()),
        killed: status.is_some_and(|status| status.code().is_none()),
        status: status.map_or_else(|| "unknown".to_owned(), |status| status.to_string()),
        stderr_tail,
    }
}

/// Locks a mutex even if it is poisoned: its value is valid at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
