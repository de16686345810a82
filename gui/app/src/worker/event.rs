//! Events: messages from the workers to the window.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use nearsay::train;

use super::{AnswersEvent, Exit, OpenedProject, ReadOutcome, TrainRequest};
use crate::state::{Listing, Picked, Review, UserError};
use nearsay_project::Adopted;

/// Shortest time between two redraws for progress events.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// Message of a worker.
#[derive(Debug)]
pub enum Event {
    /// Result of opening a project.
    Opened(Box<Result<OpenedProject, UserError>>),
    /// Fraction of an exported directory that was copied.
    Adopting(f32),
    /// Result of making a project from an exported directory.
    Adopted(Box<Result<Adopted, UserError>>),
    /// Speed of this machine in GFLOP/s.
    SpeedMeasured(f64),
    /// The latest edits were saved, or the error of saving them.
    Saved(Option<UserError>),
    /// The file dialog was closed. The list is empty if it was cancelled.
    Picked(Picked, Vec<PathBuf>),
    /// Fraction of the files that was read.
    Reading(f32),
    /// Result of reading files.
    Read(Box<ReadOutcome>),
    /// Rows of the table.
    Listed(Listing),
    /// Suggestions for the data.
    Reviewed(Box<Review>),
    /// Message of the thread that answers questions.
    Answers(AnswersEvent),
    /// Result of writing the input files of a training.
    Prepared(Box<Result<TrainRequest, UserError>>),
    /// Message of the training process.
    Training {
        /// Seconds since the process started.
        at_s: f64,
        event: train::Event,
    },
    /// The training process ended.
    TrainingEnded(Exit),
}

/// Requests a redraw of the window within the given time.
pub type RequestRepaint = Arc<dyn Fn(Duration) + Send + Sync>;

/// Event with the worker and the ticket it comes from.
pub(super) type TicketedEvent = (WorkerKind, u64, Event);

/// Sends the events of one worker. Once a new worker of the same kind has started, events of the old
/// one are dropped.
#[derive(Clone)]
pub(crate) struct EventSender {
    pub(super) sender: Sender<TicketedEvent>,
    pub(super) request_repaint: RequestRepaint,
    pub(super) kind: WorkerKind,
    pub(super) ticket: u64,
}

impl EventSender {
    /// Sends an event that is shown at once.
    pub(crate) fn send(&self, event: Event) {
        self.send_within(event, Duration::ZERO);
    }

    /// Sends a progress event, which may be shown a little later.
    pub(crate) fn send_progress(&self, event: Event) {
        self.send_within(event, PROGRESS_INTERVAL);
    }

    fn send_within(&self, event: Event, delay: Duration) {
        // The receiver is gone once the window is closed; then nothing has to be redrawn.
        if self.sender.send((self.kind, self.ticket, event)).is_ok() {
            (self.request_repaint)(delay);
        }
    }
}

/// Kind of worker; at most one of each kind is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerKind {
    Project,
    Adopt,
    Speed,
    Dialog,
    Read,
    Listing,
    Answers,
    Training,
}

impl WorkerKind {
    pub(super) const COUNT: usize = 8;
}
