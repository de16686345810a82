//! The training child.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::Builder,
    time::{Duration, Instant},
};

use nearsay::train;
use nearsay_faq::Row;
use nearsay_store::{DiskStore, Store as _};

use super::{
    Engine, Event, Outlet, TrainRequest,
    process::{Killer, Process},
    thread,
};
use crate::{state::UserError, text};
use nearsay_project::{Entries, Wording};

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

/// Writes the questions to learn from and those kept aside, as files for the child.
pub(super) fn prepare(
    entries: Entries,
    request: TrainRequest,
    outlet: Outlet,
) -> Result<(), UserError> {
    let broken = outlet.clone();
    thread::start(
        "training-data",
        move || {
            let result = write(&entries, request);
            outlet.send(Event::Prepared(Box::new(result)));
        },
        move || broken.send(Event::Prepared(Box::new(Err(text::error::broken())))),
    )
}

fn write(entries: &Entries, request: TrainRequest) -> Result<TrainRequest, UserError> {
    // As they were when the training began: what was edited since would not go with what it saved.
    if request.go_on && DiskStore.exists(&request.train)? {
        let check = match request.check {
            Some(check) if DiskStore.exists(&check)? => Some(check),
            _ => None,
        };
        return Ok(TrainRequest { check, ..request });
    }
    // An older file must not go with a newer one.
    if let Some(check) = &request.check {
        DiskStore.remove(check)?;
    }
    let rows = |check: bool| -> Result<Vec<u8>, UserError> {
        let mut bytes = Vec::new();
        for (entry, line) in entries.values().zip(1..) {
            let mine = |wording: &&Wording| wording.check == check;
            let mut ways = entry
                .wordings
                .iter()
                .filter(mine)
                .map(|way| way.text.clone());
            let Some(question) = ways.next() else {
                continue;
            };
            let row = Row {
                line,
                question,
                paraphrases: ways.collect(),
                answer: entry.answer.clone(),
                source: entry.source.clone(),
                filename: None,
                id: None,
            };
            let json = serde_json::to_vec(&row)
                .map_err(|error| text::error::broken().with_detail(error.to_string()))?;
            bytes.extend(json);
            bytes.push(b'\n');
        }
        Ok(bytes)
    };
    DiskStore.write_atomic(&request.train, &rows(false)?)?;
    let checking = rows(true)?;
    let check = match &request.check {
        Some(check) if !checking.is_empty() => {
            DiskStore.write_atomic(check, &checking)?;
            Some(check.clone())
        }
        _ => None,
    };
    Ok(TrainRequest { check, ..request })
}

/// Starts the training.
pub(super) fn start(
    engine: &Engine,
    request: &TrainRequest,
    outlet: Outlet,
) -> Result<Handle, UserError> {
    let began = Instant::now();
    let (ended, end) = mpsc::channel();
    let tell = outlet.clone();
    let process = Process::start(
        "training",
        engine.train(request),
        move |line| {
            if let Some(event) = parse_event(line) {
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
    let patience = engine.patience(request.effort);
    Builder::new()
        .name("training-minder".to_owned())
        .spawn(move || mind(process, &said, &end, patience))
        .map_err(|error| text::error::no_thread().with_detail(error.to_string()))?;
    Ok(Handle { lines })
}

/// The event in a line of the child's output; `None` for other lines and for events of a newer program.
fn parse_event(line: &str) -> Option<train::Event> {
    serde_json::from_str(line).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_event_ignores_unknown_events_and_fields() {
        assert_eq!(parse_event(r#"{"event":"moon","phase":3}"#), None);
        assert_eq!(parse_event("Loading…"), None);
        assert_eq!(
            parse_event(r#"{"event":"embed","done":3,"total":9,"device":"cpu"}"#),
            Some(train::Event::Embed {
                done: 3,
                total: 9,
                eta_s: None
            })
        );
    }

    #[test]
    fn parse_event_reads_epochs_without_validation() {
        let line = r#"{"event":"epoch","epoch":2,"epochs":9,"loss":0.25,"train":{"rp@1":0.5,"rrk":0.6},"val":null,"eta_s":3}"#;
        let Some(train::Event::Epoch(epoch)) = parse_event(line) else {
            panic!("{line}");
        };
        assert_eq!((epoch.epoch, epoch.train.rp_1, epoch.val), (2, 0.5, None));
    }
}
