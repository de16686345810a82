//! Long work: keeping the project, reading files, listing rows, training, answering.
//!
//! Each job runs on a named thread or in a child process, talks by [`Event`]s over a channel, can
//! be cancelled, and wakes the window when it has something to say. Training is a child process of
//! this very program, so that neither a crash nor a lack of memory nor a kill takes the window
//! along.

mod adopting;
mod answers;
mod dialog;
mod engine;
mod keeper;
mod lister;
mod probe;
mod process;
mod read;
mod thread;
mod training;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

pub use answers::{AnswersEvent, BatchWanted, DEBOUNCE, ExportWanted, TOP, Wanted};
pub use dialog::{FileDialog, Picking, SystemDialog};
pub use engine::{Engine, PATIENCE, TrainRequest};
pub use keeper::{OpenedProject, Which};
pub use lister::ListWanted;
pub use process::Exit;
pub use read::{ReadDone, Reading, Taken};

use nearsay::train;

use crate::state::{Listing, Picked, Review, Side, UserError};
use nearsay_project::{Adopted, Document, Entries, Preferences, journal::Record};

/// Progress does not redraw the window more often than this.
const REPAINT_EVERY: Duration = Duration::from_millis(50);

/// What a job has to say.
#[derive(Debug)]
pub enum Event {
    /// A project was opened, or could not be.
    Opened(Box<Result<OpenedProject, UserError>>),
    /// This much of an exported folder was copied, between 0 and 1.
    Adopting(f32),
    /// A project was made of an exported folder, or could not be.
    Adopted(Box<Result<Adopted, UserError>>),
    /// How fast this machine is, in billions of operations a second.
    Probed(f64),
    /// All edits are on disk, or cannot be written.
    Kept(Option<UserError>),
    /// The file dialog was closed, with or without files.
    Picked(Picked, Vec<PathBuf>),
    /// This much of the files was read, between 0 and 1.
    Reading(f32),
    /// Files were read.
    Read(Box<ReadDone>),
    /// The rows of the table.
    Listed(Listing),
    /// What could be mended.
    Reviewed(Box<Review>),
    /// The thread that answers said something.
    Answers(AnswersEvent),
    /// What a training is given was written, or could not be.
    Prepared(Box<Result<TrainRequest, UserError>>),
    /// The training child said something, so many seconds after its start.
    Training {
        /// Seconds since the start.
        at_s: f64,
        /// What it said.
        event: train::Event,
    },
    /// The training child ended.
    TrainingEnded(Exit),
}

/// Wakes the window: at once (zero) or within the given time.
pub type Wake = Arc<dyn Fn(Duration) + Send + Sync>;

/// Where the events of one job go. Events of a job that was replaced are dropped.
#[derive(Clone)]
pub(crate) struct Outlet {
    sender: Sender<(Slot, u64, Event)>,
    wake: Wake,
    slot: Slot,
    ticket: u64,
}

impl Outlet {
    /// Says something that the window should show at once.
    pub(crate) fn send(&self, event: Event) {
        self.send_within(event, Duration::ZERO);
    }

    /// Says something that may wait for the next regular redraw.
    pub(crate) fn progress(&self, event: Event) {
        self.send_within(event, REPAINT_EVERY);
    }

    fn send_within(&self, event: Event, delay: Duration) {
        // Nobody listens any more when the window is gone: then there is nobody to tell.
        self.sender.send((self.slot, self.ticket, event)).ok();
        (self.wake)(delay);
    }
}

/// One kind of job; there is at most one live job of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Project,
    Folder,
    Probe,
    Dialog,
    Read,
    Rows,
    Answers,
    Training,
}

/// Preferences to be written. Threads write them one after the other, and always the newest.
#[derive(Default)]
struct Unwritten {
    newest: Mutex<Option<Preferences>>,
    turn: Mutex<()>,
}

impl Unwritten {
    fn put(&self, preferences: Preferences) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(preferences);
    }

    fn write(&self, data_dir: &std::path::Path) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.newest.lock().map_or(None, |mut newest| newest.take());
        if let Some(preferences) = newest {
            // Should the disk be full: they are only preferences.
            preferences.save(&nearsay_store::DiskStore, data_dir).ok();
        }
    }
}

/// All workers of the window.
pub struct Workers {
    engine: Engine,
    dialog: Box<dyn FileDialog>,
    wake: Wake,
    sender: Sender<(Slot, u64, Event)>,
    inbox: Receiver<(Slot, u64, Event)>,
    tickets: [u64; 8],
    project: Option<keeper::Handle>,
    reading: Option<Arc<AtomicBool>>,
    rows: Option<lister::Handle>,
    answers: Option<answers::Handle>,
    training: Option<training::Handle>,
    preferences: Arc<Unwritten>,
}

impl Workers {
    /// No job yet. `wake` is called whenever there is an event to fetch.
    pub fn new(engine: Engine, dialog: Box<dyn FileDialog>, wake: Wake) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self {
            engine,
            dialog,
            wake,
            sender,
            inbox,
            tickets: [0; 8],
            project: None,
            reading: None,
            rows: None,
            answers: None,
            training: None,
            preferences: Arc::default(),
        }
    }

    /// The next event, oldest first; `None` when there is none.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let (slot, ticket, event) = self.inbox.try_recv().ok()?;
            if self.tickets[slot as usize] != ticket {
                continue;
            }
            if matches!(event, Event::TrainingEnded(_)) {
                self.training = None;
            }
            return Some(event);
        }
    }

    /// The app's data folder.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.engine.data_dir
    }

    /// Opens a project in place of the one that is open, which is written to its end first.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(&mut self, which: Which) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Project);
        let last = self.project.take();
        let data_dir = self.engine.data_dir.clone();
        self.project = Some(keeper::start(which, data_dir, last, outlet)?);
        Ok(())
    }

    /// Makes a project of an exported folder, beside the one that is open.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn adopt(&mut self, folder: PathBuf) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Folder);
        adopting::start(folder, self.engine.data_dir.clone(), outlet)
    }

    /// Keeps what happened to the project.
    pub fn keep(&self, record: Record) {
        if let Some(project) = &self.project {
            project.keep(record);
        }
    }

    /// Everything that was to be kept is on disk.
    pub fn has_kept_all(&self) -> bool {
        let project = self.project.as_ref();
        project.is_none_or(keeper::Handle::has_kept_all)
    }

    /// Tries to write again what could not be written.
    pub fn keep_again(&self) {
        if let Some(project) = &self.project {
            project.again();
        }
    }

    /// Writes everything to its end. For when the window closes.
    pub fn finish(&mut self) {
        self.training = None;
        self.answers = None;
        if let Some(project) = self.project.take() {
            project.finish();
        }
        self.preferences.write(&self.engine.data_dir);
    }

    /// Measures how fast this machine is.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn probe(&mut self) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Probe);
        probe::start(outlet)
    }

    /// Keeps preferences, on a thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn keep_preferences(&self, preferences: Preferences) -> Result<(), UserError> {
        let data_dir = self.engine.data_dir.clone();
        let unwritten = Arc::clone(&self.preferences);
        unwritten.put(preferences);
        let save = move || unwritten.write(&data_dir);
        thread::start("preferences", save, || {})
    }

    /// Opens a file dialog of the system. Call it from the window's own thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn pick(&mut self, what: Picked) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Dialog);
        dialog::start(what, self.dialog.pick(what), outlet)
    }

    /// Reads files or a text to be taken into the project, which is `base` at this revision; what is
    /// still being read is forgotten.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn read(
        &mut self,
        reading: Reading,
        base: Document,
        revision: u64,
    ) -> Result<(), UserError> {
        let stop = Arc::new(AtomicBool::new(false));
        if let Some(last) = self.reading.replace(Arc::clone(&stop)) {
            last.store(true, Ordering::Relaxed);
        }
        let outlet = self.outlet(Slot::Read);
        read::start(reading, (base, revision), stop, outlet)
    }

    /// Works out the rows of the table, and what could be mended.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn list(&mut self, wanted: ListWanted) -> Result<(), UserError> {
        let rows = match self.rows.take() {
            Some(rows) => rows,
            None => lister::start(self.outlet(Slot::Rows))?,
        };
        rows.list(wanted);
        self.rows = Some(rows);
        Ok(())
    }

    /// Lets these models answer.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn use_models(&mut self, wanted: Wanted) -> Result<(), UserError> {
        self.tell_answers(answers::Note::Use(wanted))
    }

    /// Lets this be searched.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn search_in(&mut self, revision: u64, entries: Entries) -> Result<(), UserError> {
        self.tell_answers(answers::Note::Entries(revision, entries))
    }

    /// Asks a question; a newer one within the debounce time takes its place.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn ask(&mut self, question: &str, side: Side) -> Result<(), UserError> {
        let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        self.tell_answers(answers::Note::Ask(question, side))
    }

    /// Answers a file of questions.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn answer_file(&mut self, wanted: BatchWanted) -> Result<(), UserError> {
        self.tell_answers(answers::Note::Batch(wanted))
    }

    /// Writes the model to a folder.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn export(&mut self, wanted: ExportWanted) -> Result<(), UserError> {
        self.tell_answers(answers::Note::Export(wanted))
    }

    fn tell_answers(&mut self, note: answers::Note) -> Result<(), UserError> {
        let answers = match self.answers.take() {
            Some(answers) => answers,
            None => answers::start(self.engine.data_dir.clone(), self.outlet(Slot::Answers))?,
        };
        answers.say(note);
        self.answers = Some(answers);
        Ok(())
    }

    /// Writes what a training needs, on a thread; then [`Event::Prepared`] asks for its start.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn prepare_training(
        &mut self,
        entries: Entries,
        request: TrainRequest,
    ) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Training);
        training::prepare(entries, request, outlet)
    }

    /// Starts the training child.
    ///
    /// # Errors
    /// When the child cannot be started.
    pub fn train(&mut self, request: &TrainRequest) -> Result<(), UserError> {
        let outlet = self.outlet(Slot::Training);
        self.training = Some(training::start(&self.engine, request, outlet)?);
        Ok(())
    }

    /// Asks the training to stop and keep its best; it is ended by force if it does not.
    pub fn stop_training(&mut self) {
        if let Some(training) = &mut self.training {
            training.stop();
        }
    }

    /// Lets the training wait, or go on.
    pub fn pause_training(&mut self, pause: bool) {
        if let Some(training) = &mut self.training {
            training.say(if pause { "pause" } else { "resume" });
        }
    }

    /// A training child is alive.
    pub fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Deletes folders of models nobody needs any more, on a thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn forget_models(&self, dirs: Vec<PathBuf>) -> Result<(), UserError> {
        use nearsay::servable;
        use nearsay_store::DiskStore;
        if dirs.is_empty() {
            return Ok(());
        }
        let remove = move || {
            for dir in dirs {
                // What stays behind only takes room.
                servable::remove(&DiskStore, &dir).ok();
            }
        };
        thread::start("tidying", remove, || {})
    }

    fn outlet(&mut self, slot: Slot) -> Outlet {
        let ticket = &mut self.tickets[slot as usize];
        *ticket += 1;
        Outlet {
            sender: self.sender.clone(),
            wake: Arc::clone(&self.wake),
            slot,
            ticket: *ticket,
        }
    }
}
