//! Search thread: keeps the models loaded, prepares the project's texts, answers questions and evaluates the models on
//! the test questions.
//!
//! Search is a thread rather than a child process because it needs the project as shown on screen, including unsaved
//! edits, and returns only a few answers per question. The SHA-256 of every model file is verified before use. Long
//! work is split into small steps, and a new question takes precedence over the next step.

mod batch;
mod bench;
mod evaluating;
mod export;
mod layout;
mod measured;
mod origin;

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender, TryRecvError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Event, EventSender};
use crate::{
    state::{Check, Exported, Reply, Side, UserError},
    text,
};
use bench::Bench;
use layout::Layout;
use nearsay_project::Entries;

/// Number of answers per question.
pub const TOP: usize = 5;
/// Longest pause in typing before a question is searched.
pub const DEBOUNCE: Duration = Duration::from_millis(120);

/// A model that answers within this time searches after every keystroke.
const QUICK: Duration = Duration::from_millis(30);

/// Wraps an internal error, which no project or model should cause.
fn inside(error: impl std::fmt::Display) -> UserError {
    text::error::broken().with_detail(error.to_string())
}

/// Models to search with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Directory of the trained model; `None` searches with the base encoder only.
    pub dir: Option<PathBuf>,
    /// The model was imported: its training data is unknown, so the test questions would overrate it.
    pub elsewhere: bool,
}

/// Settings of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportWanted {
    /// Target directory.
    pub to: PathBuf,
    /// Whether to include the answers.
    pub with_data: bool,
    /// Answers below this confidence, in percent, carry a warning.
    pub silence: u8,
}

/// Settings of a batch: a file of questions to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWanted {
    /// File with the questions.
    pub from: PathBuf,
    /// Answers below this confidence, in percent, are left out.
    pub silence: u8,
}

/// Events of the search thread.
#[derive(Debug)]
pub enum AnswersEvent {
    /// Progress of preparing texts for a side: texts done, texts in total.
    Preparing(Side, usize, usize),
    /// All texts of this revision are ready to search on this side.
    Ready(Side, u64),
    /// Result of the newest question.
    Answered(Result<Reply, UserError>),
    /// Evaluation on the test questions.
    Checked {
        /// Side of the model.
        side: Side,
        /// Revision of the project.
        revision: u64,
        /// Directory of the trained model; `None` for a base encoder.
        dir: Option<PathBuf>,
        /// Result of the evaluation.
        check: Box<Check>,
    },
    /// The model of this side can't be opened or used.
    NoModel(Side, UserError),
    /// The transformer with this name, the base encoder of the trained model, isn't on this computer. The built-in
    /// encoder takes its place on the "before" side.
    OtherBefore(String),
    /// Progress of a batch: questions answered, questions in total.
    BatchAt(usize, usize),
    /// End of a batch: path of the file with the answers.
    BatchDone(Result<PathBuf, UserError>),
    /// End of an export.
    Exported(Box<Result<Exported, UserError>>),
}

/// Request to the search thread.
#[derive(Debug)]
pub(super) enum Note {
    Use(Wanted),
    Entries(u64, Entries),
    Ask(String, Side),
    Batch(BatchWanted),
    Export(ExportWanted),
    End,
}

/// Handle of the search thread; dropping the handle ends the thread.
pub(super) struct Handle {
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Sends a request.
    pub(super) fn say(&self, note: Note) {
        self.notes.send(note).ok();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.say(Note::End);
        // Don't join: the thread finishes its current step before it reads `End`.
        drop(self.thread.take());
    }
}

/// Starts the search thread.
pub(super) fn start(data_dir: PathBuf, outlet: EventSender) -> Result<Handle, UserError> {
    let (notes, inbox) = mpsc::channel();
    let broken = outlet.clone();
    let thread = std::thread::Builder::new()
        .name("answers".to_owned())
        .spawn(move || {
            let work = std::panic::AssertUnwindSafe(|| Room::new(data_dir, outlet).live(&inbox));
            if std::panic::catch_unwind(work).is_err() {
                broken.send(Event::Answers(AnswersEvent::NoModel(
                    Side::After,
                    text::error::asking_ended(),
                )));
            }
        })
        .map_err(|error| text::error::no_thread().with_detail(error.to_string()))?;
    Ok(Handle {
        notes,
        thread: Some(thread),
    })
}

/// Returns the pause in typing to wait for, given how long the last answer took.
fn rest(took: Duration) -> Duration {
    took.saturating_sub(QUICK).min(DEBOUNCE)
}

/// State of the search thread.
struct Room {
    data_dir: PathBuf,
    outlet: EventSender,
    layout: Layout,
    wanted: Option<Wanted>,
    before: Option<Bench>,
    /// The base encoder is still to be opened. The trained model opens first, because it determines the encoder.
    before_due: bool,
    after: Option<Bench>,
    /// Pending question, and the earliest time to search for it.
    question: Option<(String, Side, Instant)>,
    /// Duration of the last search. Slow models wait for a longer pause in typing, fast ones answer every keystroke.
    took: Duration,
    workers: VecDeque<Note>,
}

impl Room {
    fn new(data_dir: PathBuf, outlet: EventSender) -> Self {
        Self {
            data_dir,
            outlet,
            layout: Layout::default(),
            wanted: None,
            before: None,
            before_due: false,
            after: None,
            question: None,
            took: Duration::ZERO,
            workers: VecDeque::new(),
        }
    }

    fn live(mut self, inbox: &Receiver<Note>) {
        loop {
            // Requests come first, then the question, then one step of work.
            loop {
                match inbox.try_recv() {
                    Ok(Note::End) | Err(TryRecvError::Disconnected) => return,
                    Ok(note) => self.hear(note),
                    Err(TryRecvError::Empty) => break,
                }
            }
            if self.ask_if_due() || self.work() {
                continue;
            }
            let rest = match &self.question {
                Some((_, _, due)) => due.saturating_duration_since(Instant::now()),
                None => Duration::from_hours(1),
            };
            match inbox.recv_timeout(rest) {
                Ok(Note::End) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Ok(note) => self.hear(note),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn say(&self, event: AnswersEvent) {
        self.outlet.send(Event::Answers(event));
    }

    fn hear(&mut self, note: Note) {
        match note {
            Note::Use(wanted) => self.use_models(wanted),
            Note::Entries(revision, entries) => {
                self.layout = Layout::of(revision, entries);
                for bench in [&mut self.before, &mut self.after].into_iter().flatten() {
                    bench.outdated();
                }
            }
            Note::Ask(question, _) if question.is_empty() => self.question = None,
            Note::Ask(question, side) => {
                self.question = Some((question, side, Instant::now() + rest(self.took)));
            }
            note @ (Note::Batch(_) | Note::Export(_)) => self.workers.push_back(note),
            Note::End => {}
        }
    }

    fn use_models(&mut self, wanted: Wanted) {
        if self.wanted.as_ref() == Some(&wanted) {
            return;
        }
        // Drop both models before opening new ones: each can hold a transformer, and old and new would double the memory.
        self.after = None;
        self.before = None;
        if let Some(dir) = &wanted.dir {
            match Bench::trained(dir) {
                Ok(bench) if wanted.elsewhere => self.after = Some(bench.learned_elsewhere()),
                Ok(bench) => self.after = Some(bench),
                Err(error) => self.say(AnswersEvent::NoModel(Side::After, error)),
            }
        }
        self.before_due = true;
        self.wanted = Some(wanted);
    }

    fn open_before(&mut self) {
        match origin::grew_from(self.after.as_ref(), &self.data_dir) {
            Ok((mut bench, missing)) => {
                if self.after.as_ref().is_some_and(Bench::is_measured) {
                    // The results of the model before come with those of the trained one.
                    bench.skip_evaluation();
                }
                self.before = Some(bench);
                if let Some(name) = missing {
                    self.say(AnswersEvent::OtherBefore(name));
                }
            }
            Err(error) => self.say(AnswersEvent::NoModel(Side::Before, error)),
        }
    }

    fn bench(&mut self, side: Side) -> Option<(&mut Bench, Side)> {
        match (side, self.after.is_some()) {
            (Side::After, true) => self.after.as_mut().map(|bench| (bench, Side::After)),
            _ => self.before.as_mut().map(|bench| (bench, Side::Before)),
        }
    }

    /// Searches for the pending question if it is due and a model is ready.
    fn ask_if_due(&mut self) -> bool {
        let Some((question, side, due)) = self.question.take() else {
            return false;
        };
        let layout = std::mem::take(&mut self.layout);
        let ready = self
            .bench(side)
            .is_some_and(|(bench, _)| bench.can_answer(&layout));
        let now = Instant::now();
        if due > now || !ready {
            self.layout = layout;
            self.question = Some((question, side, due));
            return false;
        }
        if let Some((bench, side)) = self.bench(side) {
            let reply = bench.ask(&layout, &question, TOP, side);
            self.took = now.elapsed();
            let took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
            self.say(AnswersEvent::Answered(
                reply.map(|reply| Reply { took_us, ..reply }),
            ));
        }
        self.layout = layout;
        true
    }

    /// Does one step of work; returns false if none is left.
    fn work(&mut self) -> bool {
        let data_dir = self.data_dir.clone();
        for side in [Side::After, Side::Before] {
            if side == Side::Before && std::mem::take(&mut self.before_due) {
                self.open_before();
                return true;
            }
            let bench = match side {
                Side::After => &mut self.after,
                Side::Before => &mut self.before,
            };
            let Some(bench) = bench else { continue };
            match bench.step(&self.layout, &data_dir) {
                Ok(bench::Step::Nothing) => {}
                Ok(bench::Step::Preparing(done, total)) => {
                    self.outlet
                        .send_progress(Event::Answers(AnswersEvent::Preparing(side, done, total)));
                    return true;
                }
                Ok(bench::Step::Ready) => {
                    let revision = self.layout.revision;
                    self.say(AnswersEvent::Ready(side, revision));
                    return true;
                }
                Ok(bench::Step::Checking) => return true,
                Ok(bench::Step::Checked(check, check_before)) => {
                    let dir = bench.dir().map(PathBuf::from);
                    let revision = self.layout.revision;
                    if let Some(check) = check_before {
                        self.say(AnswersEvent::Checked {
                            side: Side::Before,
                            revision,
                            dir: None,
                            check,
                        });
                    }
                    self.say(AnswersEvent::Checked {
                        side,
                        revision,
                        dir,
                        check,
                    });
                    return true;
                }
                Err(error) => {
                    match side {
                        Side::After => self.after = None,
                        Side::Before => self.before = None,
                    }
                    self.say(AnswersEvent::NoModel(side, error));
                    return true;
                }
            }
        }
        match self.workers.pop_front() {
            Some(Note::Batch(wanted)) => self.batch(&wanted),
            Some(Note::Export(wanted)) => self.export(&wanted),
            _ => return false,
        }
        true
    }
}
