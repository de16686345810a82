//! The training child.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::Builder,
    time::{Duration, Instant},
};

use super::{
    Engine, Event, Outlet, TrainRequest,
    process::{Killer, Process},
    protocol,
};
use crate::{state::Trouble, text};

/// A running training. Dropping it ends the child by force.
pub(super) struct Handle {
    /// Lines for the child; written on a thread, since a pipe may be full.
    lines: Sender<&'static str>,
}

impl Handle {
    /// Asks it to stop, and ends it by force if it has not in time.
    pub(super) fn stop(&mut self) {
        self.say(STOP);
    }

    /// Says one line to it.
    pub(super) fn say(&mut self, line: &'static str) {
        // The minding thread is gone when the child is: then there is nobody to tell.
        self.lines.send(line).ok();
    }
}

const STOP: &str = "stop";

/// Starts the training.
pub(super) fn start(
    engine: &Engine,
    request: &TrainRequest,
    outlet: Outlet,
) -> Result<Handle, Trouble> {
    let began = Instant::now();
    let (ended, end) = mpsc::channel();
    let tell = outlet.clone();
    let process = Process::start(
        "training",
        engine.train(request),
        move |line| {
            if let Some(event) = protocol::train_event(line) {
                tell.progress(Event::Training {
                    at_s: began.elapsed().as_secs_f64(),
                    event,
                });
            }
        },
        move |exit| {
            ended.send(()).ok();
            outlet.send(Event::TrainingEnded(exit));
        },
    )?;
    let (lines, said) = mpsc::channel();
    let patience = engine.patience;
    Builder::new()
        .name("training-minder".to_owned())
        .spawn(move || mind(process, &said, &end, patience))
        .map_err(|error| text::trouble::no_thread().with_detail(error.to_string()))?;
    Ok(Handle { lines })
}

/// Passes lines on to the child until the handle is dropped; after "stop" waits for its end.
fn mind(
    mut process: Process,
    said: &Receiver<&'static str>,
    end: &Receiver<()>,
    patience: Duration,
) {
    while let Ok(line) = said.recv() {
        process.say(line);
        if line == STOP {
            return kill_late(&process.killer(), end, patience);
        }
    }
}

fn kill_late(killer: &Killer, end: &Receiver<()>, patience: Duration) {
    if end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        killer.kill();
    }
}
