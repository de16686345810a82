//! A child process whose output is read line by line and whose last words are kept.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{Builder, sleep},
    time::{Duration, Instant},
};

use crate::{state::UserError, text};

/// How many lines of the child's error output are kept.
const LAST_WORDS: usize = 50;
/// No line of ours is longer; a longer one is cut, so that it cannot fill the memory.
const LONGEST_LINE: u64 = 16 << 20;
/// How often a child that closed its output is looked after.
const POLL: Duration = Duration::from_millis(20);
/// How long a child may live on after it closed its output.
const LINGER: Duration = Duration::from_secs(10);

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exit {
    /// It ended by itself and said that all went well.
    pub success: bool,
    /// How it ended, for a report: "exit status: 1", "signal: 9 (SIGKILL)".
    pub status: String,
    /// It was ended from outside: by the system, or by somebody.
    pub killed: bool,
    /// The last lines of its error output.
    pub last_words: String,
}

/// A running child. It is ended by force when this is dropped.
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
}

/// Ends a child by force.
#[derive(Clone)]
pub(super) struct Killer(Arc<Mutex<Child>>);

impl Killer {
    pub(super) fn kill(&self) {
        // It may have ended just now: then there is nothing left to end.
        lock(&self.0).kill().ok();
    }
}

impl Process {
    /// Starts `command`. `line` gets each line of its output, then `end` how it ended, both on a
    /// thread called `name`.
    pub(super) fn start(
        name: &str,
        mut command: Command,
        mut line: impl FnMut(&str) + Send + 'static,
        end: impl FnOnce(Exit) + Send + 'static,
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
        let last_words = Arc::new(Mutex::new(VecDeque::new()));

        let words = Arc::clone(&last_words);
        let listener = Builder::new()
            .name(format!("{name}-errors"))
            .spawn(move || each_line(stderr, |line| remember(&words, line)))
            .map_err(cannot)?;

        let child = Arc::clone(&process.child);
        Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                each_line(stdout, &mut line);
                let status = wait(&child);
                // A grandchild may hold the error output open: then its last words stay unsaid.
                let patience = Instant::now();
                while !listener.is_finished() && patience.elapsed() < Duration::from_secs(1) {
                    sleep(POLL);
                }
                let words = lock(&last_words)
                    .iter()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n");
                end(describe(status, words));
            })
            .map_err(cannot)?;
        Ok(process)
    }

    /// Writes one line to the child.
    pub(super) fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            // A child that is gone hears nothing; its end is reported by the reading thread.
            stdin
                .write_all(format!("{line}\n").as_bytes())
                .and_then(|()| stdin.flush())
                .ok();
        }
    }

    /// Something that can end the child later.
    pub(super) fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.child))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.killer().kill();
    }
}

fn each_line(pipe: Option<impl Read>, mut line: impl FnMut(&str)) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => line(String::from_utf8_lossy(&bytes).trim_end()),
        }
    }
}

fn remember(words: &Mutex<VecDeque<String>>, line: &str) {
    let mut words = lock(words);
    if words.len() == LAST_WORDS {
        words.pop_front();
    }
    words.push_back(line.to_owned());
}

/// Waits without holding the lock, so that the child can be killed meanwhile.
fn wait(child: &Mutex<Child>) -> Option<ExitStatus> {
    let since = Instant::now();
    loop {
        let mut child = lock(child);
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if since.elapsed() > LINGER => {
                child.kill().ok();
                return child.wait().ok();
            }
            Ok(None) => {}
            Err(_) => return None,
        }
        drop(child);
        sleep(POLL);
    }
}

fn describe(status: Option<ExitStatus>, last_words: String) -> Exit {
    Exit {
        success: status.is_some_and(|status| status.success()),
        killed: status.is_some_and(|status| status.code().is_none()),
        status: status.map_or_else(|| "unknown".to_owned(), |status| status.to_string()),
        last_words,
    }
}

/// A lock that outlives a panic elsewhere: what it guards is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
