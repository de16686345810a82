//! Workers: long tasks that run beside the window.
//!
//! Each worker is a named thread or a child process. It sends [`Event`]s over a channel, and requests a
//! redraw with each. Training runs in a child process of the same program, so that the window survives
//! its crashes and its lack of memory.

mod adopt;
mod answers;
mod dialog;
mod engine;
mod event;
mod listing;
mod preferences;
mod process;
mod project;
mod read;
mod speed;
mod thread;
mod training;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
};

pub use answers::{AnswersEvent, BatchWanted, DEBOUNCE, ExportWanted, TOP, Wanted};
pub use dialog::{FileDialog, Picking, SystemDialog};
pub use engine::{BUILT_IN, Engine, PATIENCE, TrainRequest};
pub use event::{Event, RequestRepaint};
pub use listing::ListRequest;
pub use process::Exit;
pub use project::{OpenedProject, ProjectSource};
pub use read::{ReadOutcome, ReadRequest, ReadRows};

use crate::state::{Picked, Side, UserError};
use event::{EventSender, TicketedEvent, WorkerKind};
use listing::ListWorker;
use nearsay::servable;
use nearsay_project::{Document, Entries, Preferences, journal::Record};
use nearsay_store::{DiskStore, Store as _};
use preferences::UnsavedPreferences;
use project::ProjectWorker;
use training::TrainingWorker;

/// All workers of the window.
pub struct Workers {
    engine: Engine,
    dialog: Box<dyn FileDialog>,
    request_repaint: RequestRepaint,
    sender: Sender<TicketedEvent>,
    inbox: Receiver<TicketedEvent>,
    /// Latest ticket of each [`WorkerKind`].
    tickets: [u64; WorkerKind::COUNT],
    project: Option<ProjectWorker>,
    /// Cancels the files being read.
    cancel_read: Option<Arc<AtomicBool>>,
    listing: Option<ListWorker>,
    answers: Option<answers::Handle>,
    training: Option<TrainingWorker>,
    preferences: Arc<UnsavedPreferences>,
}

impl Workers {
    /// Creates the workers without starting any. `request_repaint` is called after every event.
    pub fn new(
        engine: Engine,
        dialog: Box<dyn FileDialog>,
        request_repaint: RequestRepaint,
    ) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self {
            engine,
            dialog,
            request_repaint,
            sender,
            inbox,
            tickets: [0; WorkerKind::COUNT],
            project: None,
            cancel_read: None,
            listing: None,
            answers: None,
            training: None,
            preferences: Arc::default(),
        }
    }

    /// Takes the oldest event of the current workers.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let (kind, ticket, event) = self.inbox.try_recv().ok()?;
            if self.tickets[kind as usize] != ticket {
                continue;
            }
            if matches!(event, Event::TrainingEnded(_)) {
                self.training = None;
            }
            return Some(event);
        }
    }

    /// The app's data directory.
    pub fn data_dir(&self) -> &Path {
        &self.engine.data_dir
    }

    /// Opens a project after saving and closing the open one.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn open_project(&mut self, source: ProjectSource) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Project);
        let previous = self.project.take();
        let data_dir = self.engine.data_dir.clone();
        self.project = Some(ProjectWorker::start(source, data_dir, previous, events)?);
        Ok(())
    }

    /// Makes a project from an exported directory. The open project stays open.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn adopt(&mut self, folder: PathBuf) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Adopt);
        adopt::start(folder, self.engine.data_dir.clone(), events)
    }

    /// Saves a change of the open project.
    pub fn save_record(&self, record: Record) {
        if let Some(project) = &self.project {
            project.save(record);
        }
    }

    /// Whether all changes of the open project are on disk.
    pub fn is_all_saved(&self) -> bool {
        self.project
            .as_ref()
            .is_none_or(ProjectWorker::is_all_saved)
    }

    /// Retries a failed save at once.
    pub fn retry_save(&self) {
        if let Some(project) = &self.project {
            project.retry();
        }
    }

    /// Stops the workers and saves everything before the window closes.
    pub fn finish(&mut self) {
        self.training = None;
        self.answers = None;
        if let Some(project) = self.project.take() {
            project.finish();
        }
        self.preferences.save(&self.engine.data_dir);
    }

    /// Measures the speed of this machine.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn measure_speed(&mut self) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Speed);
        speed::start(events)
    }

    /// Saves preferences on a thread.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn save_preferences(&self, preferences: Preferences) -> Result<(), UserError> {
        let data_dir = self.engine.data_dir.clone();
        let unsaved = Arc::clone(&self.preferences);
        unsaved.set(preferences);
        thread::start("preferences", move || unsaved.save(&data_dir), || {})
    }

    /// Opens a file dialog of the system. Must be called on the window's thread.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn pick_files(&mut self, what: Picked) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Dialog);
        dialog::start(what, self.dialog.pick(what), events)
    }

    /// Reads files or pasted text, and makes the edit that adds the rows to the project `base`. Cancels
    /// a previous request.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn read(
        &mut self,
        request: ReadRequest,
        base: Document,
        revision: u64,
    ) -> Result<(), UserError> {
        let cancel = Arc::new(AtomicBool::new(false));
        if let Some(previous) = self.cancel_read.replace(Arc::clone(&cancel)) {
            previous.store(true, Ordering::Relaxed);
        }
        let events = self.new_sender(WorkerKind::Read);
        read::start(request, (base, revision), cancel, events)
    }

    /// Lists the rows of the table, and looks for suggestions if the project has changed.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn list_rows(&mut self, request: ListRequest) -> Result<(), UserError> {
        let listing = match self.listing.take() {
            Some(listing) => listing,
            None => ListWorker::start(self.new_sender(WorkerKind::Listing))?,
        };
        listing.request(request);
        self.listing = Some(listing);
        Ok(())
    }

    /// Sets the models that answer.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn use_models(&mut self, wanted: Wanted) -> Result<(), UserError> {
        self.request_answers(answers::Note::Use(wanted))
    }

    /// Sets the entries to search.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn search_in(&mut self, revision: u64, entries: Entries) -> Result<(), UserError> {
        self.request_answers(answers::Note::Entries(revision, entries))
    }

    /// Asks a question. A newer question within the debounce time replaces it.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn ask(&mut self, question: &str, side: Side) -> Result<(), UserError> {
        let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        self.request_answers(answers::Note::Ask(question, side))
    }

    /// Answers a file of questions.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn answer_file(&mut self, wanted: BatchWanted) -> Result<(), UserError> {
        self.request_answers(answers::Note::Batch(wanted))
    }

    /// Exports the model to a directory.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn export(&mut self, wanted: ExportWanted) -> Result<(), UserError> {
        self.request_answers(answers::Note::Export(wanted))
    }

    fn request_answers(&mut self, note: answers::Note) -> Result<(), UserError> {
        let answers = match self.answers.take() {
            Some(answers) => answers,
            None => answers::start(
                self.engine.data_dir.clone(),
                self.new_sender(WorkerKind::Answers),
            )?,
        };
        answers.say(note);
        self.answers = Some(answers);
        Ok(())
    }

    /// Writes the input files of a training. [`Event::Prepared`] then carries the request for
    /// [`Self::train`].
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn prepare_training(
        &mut self,
        entries: Entries,
        request: TrainRequest,
    ) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Training);
        training::prepare(entries, request, events)
    }

    /// Starts the training process.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn train(&mut self, request: &TrainRequest) -> Result<(), UserError> {
        let events = self.new_sender(WorkerKind::Training);
        self.training = Some(TrainingWorker::start(&self.engine, request, events)?);
        Ok(())
    }

    /// Asks the training to stop and to keep its best model. The process is killed if it doesn't end in
    /// time.
    pub fn stop_training(&mut self) {
        if let Some(training) = &self.training {
            training.stop();
        }
    }

    /// Pauses or resumes the training.
    pub fn pause_training(&mut self, pause: bool) {
        if let Some(training) = &self.training {
            training.send_line(if pause { "pause" } else { "resume" });
        }
    }

    /// Whether a training process is alive.
    pub fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Deletes model directories on a thread.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn delete_models(&self, dirs: Vec<PathBuf>) -> Result<(), UserError> {
        if dirs.is_empty() {
            return Ok(());
        }
        let delete = move || {
            for dir in dirs {
                if let Err(error) = servable::remove(&DiskStore, &dir) {
                    tracing::warn!(%error, dir = %dir.display(), "cannot delete an old model");
                }
                if let Err(error) = DiskStore.remove(&nearsay_project::folder::outcomes_of(&dir)) {
                    tracing::warn!(%error, dir = %dir.display(), "cannot delete old test results");
                }
            }
        };
        thread::start("delete-models", delete, || {})
    }

    /// Makes the sender of a new worker, which replaces the previous one of its kind.
    fn new_sender(&mut self, kind: WorkerKind) -> EventSender {
        let ticket = &mut self.tickets[kind as usize];
        *ticket += 1;
        EventSender {
            sender: self.sender.clone(),
            request_repaint: Arc::clone(&self.request_repaint),
            kind,
            ticket: *ticket,
        }
    }
}
