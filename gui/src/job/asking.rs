//! The answering child: one question at a time, and only the newest.

use std::{
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use super::{Engine, Event, Outlet, process::Process, protocol, thread};
use crate::state::{Reply, Trouble};

/// How long typing must rest before a question is asked.
pub const DEBOUNCE: Duration = Duration::from_millis(120);
/// With nothing to ask, the thread only looks up this often.
const IDLE: Duration = Duration::from_secs(3600);

enum Note {
    Question(String),
    Line(String),
    Ended,
}

/// A child that answers. It ends when this is dropped.
pub(super) struct Handle {
    notes: Sender<Note>,
}

impl Handle {
    /// Asks, after the debounce time, unless a newer question comes.
    pub(super) fn ask(&self, question: &str) {
        // One line is one question.
        let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        self.notes.send(Note::Question(question)).ok();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.notes.send(Note::Ended).ok();
    }
}

/// Starts the child on the model in `dir`.
pub(super) fn start(engine: &Engine, dir: &Path, outlet: Outlet) -> Result<Handle, Trouble> {
    let (notes, inbox) = mpsc::channel();
    let (lines, ended, at_end) = (notes.clone(), notes.clone(), outlet.clone());
    let process = Process::start(
        "answering",
        engine.ask(dir),
        move |line| {
            lines.send(Note::Line(line.to_owned())).ok();
        },
        move |exit| {
            ended.send(Note::Ended).ok();
            at_end.send(Event::AskingEnded(exit));
        },
    )?;
    thread::start("asking", move || converse(process, &inbox, &outlet), || {})?;
    Ok(Handle { notes })
}

/// The question the child is working on.
struct Open {
    question: String,
    since: Instant,
}

fn converse(mut process: Process, inbox: &Receiver<Note>, outlet: &Outlet) {
    let mut next: Option<(String, Instant)> = None;
    let mut open: Option<Open> = None;
    loop {
        let rest = match (&next, &open) {
            (Some((_, due)), None) => due.saturating_duration_since(Instant::now()),
            _ => IDLE,
        };
        match inbox.recv_timeout(rest) {
            Ok(Note::Question(question)) if question.is_empty() => next = None,
            Ok(Note::Question(question)) => next = Some((question, Instant::now() + DEBOUNCE)),
            Ok(Note::Line(line)) => {
                let Some(said) = protocol::reply(&line) else {
                    continue;
                };
                let Some(Open { question, since }) = open.take() else {
                    continue;
                };
                // Newest wins: an answer to an older question is never shown.
                if next.is_none() {
                    let took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                    outlet.send(Event::Answered(said.map(|reply| Reply {
                        question,
                        took_ms,
                        ..reply
                    })));
                }
            }
            Ok(Note::Ended) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if open.is_none()
                    && let Some((question, _)) = next.take()
                {
                    process.say(&question);
                    open = Some(Open {
                        question,
                        since: Instant::now(),
                    });
                }
            }
        }
    }
}
