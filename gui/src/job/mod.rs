//! Long work: reading files, file dialogs, training, answering.
//!
//! Each job runs on a named thread or in a child process, talks by [`Event`]s over a channel, can
//! be cancelled, and wakes the window when it has something to say. Training and answering are
//! child processes of this very program, so that neither a crash nor a lack of memory nor a kill
//! takes the window along.

mod asking;
mod dialog;
mod engine;
mod process;
mod project;
mod protocol;
mod read;
mod thread;
mod training;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

pub use asking::DEBOUNCE;
pub use dialog::{FileDialog, Picking, SystemDialog};
pub use engine::{Engine, PATIENCE, TrainRequest};
pub use process::Exit;
pub use project::model_dir;
pub use protocol::{TrainEvent, TrainReport};

use crate::state::{Dataset, Reply, Trouble};

/// Progress does not redraw the window more often than this.
const REPAINT_EVERY: Duration = Duration::from_millis(50);

/// What a job has to say.
#[derive(Debug)]
pub enum Event {
    /// The file dialog was closed, with or without a file.
    Picked(Option<PathBuf>),
    /// This much of a file was read, between 0 and 1.
    Reading(f32),
    /// A file was read, or could not be.
    Read(Box<Result<Dataset, Trouble>>),
    /// The training child said something, so many seconds after its start.
    Training {
        /// Seconds since the start.
        at_s: f64,
        /// What it said.
        event: TrainEvent,
    },
    /// The training child ended.
    TrainingEnded(Exit),
    /// The newest question was answered, or could not be.
    Answered(Result<Reply, Trouble>),
    /// The answering child ended.
    AskingEnded(Exit),
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
    Dialog,
    Read,
    Training,
    Asking,
}

/// All jobs of the window.
pub struct Jobs {
    engine: Engine,
    dialog: Box<dyn FileDialog>,
    wake: Wake,
    sender: Sender<(Slot, u64, Event)>,
    inbox: Receiver<(Slot, u64, Event)>,
    tickets: [u64; 4],
    reading: Option<Arc<AtomicBool>>,
    training: Option<training::Handle>,
    asking: Option<asking::Handle>,
}

impl Jobs {
    /// No job yet. `wake` is called whenever there is an event to fetch.
    pub fn new(engine: Engine, dialog: Box<dyn FileDialog>, wake: Wake) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self {
            engine,
            dialog,
            wake,
            sender,
            inbox,
            tickets: [0; 4],
            reading: None,
            training: None,
            asking: None,
        }
    }

    /// The next event, oldest first; `None` when there is none.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let (slot, ticket, event) = self.inbox.try_recv().ok()?;
            if self.tickets[slot as usize] != ticket {
                continue;
            }
            match event {
                Event::TrainingEnded(_) => self.training = None,
                Event::AskingEnded(_) => self.asking = None,
                _ => {}
            }
            return Some(event);
        }
    }

    /// Opens the system's file dialog. Call it from the window's own thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn pick_file(&mut self) -> Result<(), Trouble> {
        let outlet = self.outlet(Slot::Dialog);
        dialog::start(self.dialog.pick(), outlet)
    }

    /// Reads an FAQ file; a file that is still being read is forgotten.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn read(&mut self, path: PathBuf) -> Result<(), Trouble> {
        let stop = Arc::new(AtomicBool::new(false));
        if let Some(last) = self.reading.replace(Arc::clone(&stop)) {
            last.store(true, Ordering::Relaxed);
        }
        let outlet = self.outlet(Slot::Read);
        read::start(path, self.engine.data_dir.clone(), stop, outlet)
    }

    /// Starts the training child.
    ///
    /// # Errors
    /// When the child cannot be started.
    pub fn train(&mut self, request: &TrainRequest) -> Result<(), Trouble> {
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

    /// Starts a child that answers from the model in `dir`, in place of the last one.
    ///
    /// # Errors
    /// When the child cannot be started.
    pub fn start_asking(&mut self, dir: &std::path::Path) -> Result<(), Trouble> {
        self.stop_asking();
        let outlet = self.outlet(Slot::Asking);
        self.asking = Some(asking::start(&self.engine, dir, outlet)?);
        Ok(())
    }

    /// Asks a question; a newer one within the debounce time takes its place.
    pub fn ask(&mut self, question: &str) {
        if let Some(asking) = &self.asking {
            asking.ask(question);
        }
    }

    /// Ends the answering child.
    pub fn stop_asking(&mut self) {
        self.asking = None;
        self.tickets[Slot::Asking as usize] += 1;
    }

    /// A training child is alive.
    pub fn is_training(&self) -> bool {
        self.training.is_some()
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
