//! Searching the project: one thread that keeps the models, makes the project's texts ready, answers
//! questions, and checks the models by the questions kept aside.
//!
//! It is a thread and not a child process because it searches what is on the screen, edits of a
//! moment ago included, and hands over no more than five answers at a time. The models it opens are
//! our own, whose every file is checked against its SHA-256 first. Work that takes long is done in
//! small pieces, between which the newest question comes first.

mod batch;
mod bench;
mod export;
mod layout;
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

/// How many answers a question gets.
pub const TOP: usize = 5;
/// Typing need not rest longer than this before a question is asked.
pub const DEBOUNCE: Duration = Duration::from_millis(120);

/// Who answers so quickly is asked at every key: nobody types faster.
const QUICK: Duration = Duration::from_millis(30);

/// An error that the project's own texts and models cannot cause.
fn inside(error: impl std::fmt::Display) -> UserError {
    text::error::broken().with_detail(error.to_string())
}

/// Which models are to answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The trained model's folder; none: only the encoder as it came.
    pub dir: Option<PathBuf>,
    /// That model came in a folder: what it learned from nobody knows, so it is not checked.
    pub elsewhere: bool,
}

/// Where to export to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportWanted {
    /// The folder.
    pub to: PathBuf,
    /// The answers go along.
    pub with_data: bool,
    /// Below this chance, in hundredths, an answer is given with a warning.
    pub silence: u8,
}

/// A file of questions to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWanted {
    /// The questions' file.
    pub from: PathBuf,
    /// Below this chance, in hundredths, there is no good answer.
    pub silence: u8,
}

/// What the thread has to say.
#[derive(Debug)]
pub enum AnswersEvent {
    /// Texts are being made ready for a side.
    Preparing(Side, usize, usize),
    /// All texts of this revision can be searched on this side.
    Ready(Side, u64),
    /// The newest question was answered, or could not be.
    Answered(Result<Reply, UserError>),
    /// The questions kept aside were asked.
    Checked {
        /// Of whom.
        side: Side,
        /// Of which revision.
        revision: u64,
        /// Of the model in this folder.
        dir: Option<PathBuf>,
        /// What came of it.
        check: Box<Check>,
    },
    /// A model could not be opened.
    NoModel(Side, UserError),
    /// The language model of this name, which the trained one grew from, is not on this machine: before is
    /// the built-in encoder.
    OtherBefore(String),
    /// So many questions of a file are answered, of so many.
    BatchAt(usize, usize),
    /// A file of questions was answered: where the answers are.
    BatchDone(Result<PathBuf, UserError>),
    /// A folder was exported.
    Exported(Box<Result<Exported, UserError>>),
}

/// A wish.
#[derive(Debug)]
pub(super) enum Note {
    Use(Wanted),
    Entries(u64, Entries),
    Ask(String, Side),
    Batch(BatchWanted),
    Export(ExportWanted),
    End,
}

/// The thread. It ends when this is dropped.
pub(super) struct Handle {
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Says a wish.
    pub(super) fn say(&self, note: Note) {
        self.notes.send(note).ok();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.say(Note::End);
        // It looks up between two small pieces of work.
        drop(self.thread.take());
    }
}

/// Starts the thread.
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

/// How long typing must rest after an answer that took so long.
fn rest(took: Duration) -> Duration {
    took.saturating_sub(QUICK).min(DEBOUNCE)
}

/// Everything the thread has.
struct Room {
    data_dir: PathBuf,
    outlet: EventSender,
    layout: Layout,
    wanted: Option<Wanted>,
    before: Option<Bench>,
    /// It is still to be opened: the trained model comes first, and its network may be another.
    before_due: bool,
    after: Option<Bench>,
    /// A question, and when it may be asked.
    question: Option<(String, Side, Instant)>,
    /// How long the last answer took: the longer, the longer must typing rest, so that quick models
    /// answer at every key and slow ones only when it is worth it.
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
            // All that was said meanwhile comes first; then the question; then one piece of work.
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
                None => Duration::from_secs(3600),
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
        // Both, since each may have a network, or they share one: more would be twice the memory.
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
            Ok((bench, missing)) => {
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

    /// Asks the question if its time has come and there is somebody to ask.
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

    /// Does one piece of work; false when there is none.
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
                Ok(bench::Step::Checked(check)) => {
                    let dir = bench.dir().map(PathBuf::from);
                    let revision = self.layout.revision;
                    self.say(AnswersEvent::Checked {
                        side,
                        revision,
                        dir,
                        check: Box::new(check),
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
