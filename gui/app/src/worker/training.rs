//! The training process.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::Builder,
    time::{Duration, Instant},
};

use nearsay::train;
use nearsay_faq::Row;
use nearsay_store::{DiskStore, Store as _};

use super::{
    Engine, Event, EventSender, TrainRequest,
    process::{ChildProcess, Killer},
    thread,
};
use crate::{state::UserError, text};
use nearsay_project::{Entries, EntryId, Paraphrase};

const STOP: &str = "stop";

/// A running training. Dropping it kills the process.
pub(super) struct TrainingWorker {
    /// Lines for the process; written on a thread, since its input may block.
    lines: Sender<&'static str>,
}

impl TrainingWorker {
    /// Starts the training process.
    pub(super) fn start(
        engine: &Engine,
        request: &TrainRequest,
        events: EventSender,
    ) -> Result<Self, UserError> {
        let began = Instant::now();
        let (ended, end) = mpsc::channel();
        let progress_events = events.clone();
        let process = ChildProcess::start(
            "training",
            engine.train_command(request),
            move |line| {
                if let Some(event) = parse_event(line) {
                    progress_events.send_progress(Event::Training {
                        at_s: began.elapsed().as_secs_f64(),
                        event,
                    });
                }
            },
            move |exit| {
                if !exit.success {
                    tracing::warn!(status = exit.status, "the training process failed");
                }
                if ended.send(()).is_err() {
                    tracing::debug!("the training was not being stopped");
                }
                events.send(Event::TrainingEnded(exit));
            },
        )?;
        let (lines, inbox) = mpsc::channel();
        let stop_timeout = engine.stop_timeout(request.effort);
        Builder::new()
            .name("training-input".to_owned())
            .spawn(move || forward_lines(process, &inbox, &end, stop_timeout))
            .map_err(thread::start_error)?;
        Ok(Self { lines })
    }

    /// Asks the training to stop. The process is killed if it doesn't end in time.
    pub(super) fn stop(&self) {
        self.send_line(STOP);
    }

    /// Sends a line to the process.
    pub(super) fn send_line(&self, line: &'static str) {
        if self.lines.send(line).is_err() {
            tracing::debug!(line, "the training has ended already");
        }
    }
}

/// Writes the training and held-out questions as files for the training process.
pub(super) fn prepare(
    entries: Entries,
    request: TrainRequest,
    events: EventSender,
) -> Result<(), UserError> {
    let panic_events = events.clone();
    thread::start(
        "training-data",
        move || {
            let result = write_files(&entries, request);
            events.send(Event::Prepared(Box::new(result)));
        },
        move || panic_events.send(Event::Prepared(Box::new(Err(text::error::broken())))),
    )
}

fn write_files(entries: &Entries, request: TrainRequest) -> Result<TrainRequest, UserError> {
    // A resumed training needs the questions its checkpoint was trained on, without later edits.
    if request.resume && DiskStore.exists(&request.train)? {
        let held_out = match request.held_out {
            Some(held_out) if DiskStore.exists(&held_out)? => Some(held_out),
            _ => None,
        };
        return Ok(TrainRequest {
            held_out,
            ..request
        });
    }
    if request.held_out.is_none() {
        DiskStore.write_atomic(&request.train, &encode_rows(entries, |_| true)?)?;
        return Ok(request);
    }
    // If writing fails in between, old held-out questions must not remain beside new training questions.
    if let Some(held_out) = &request.held_out {
        DiskStore.remove(held_out)?;
    }
    DiskStore.write_atomic(&request.train, &encode_rows(entries, |way| !way.held_out)?)?;
    let rows = encode_rows(entries, |way| way.held_out)?;
    let held_out = match &request.held_out {
        Some(held_out) if !rows.is_empty() => {
            DiskStore.write_atomic(held_out, &rows)?;
            Some(held_out.clone())
        }
        _ => None,
    };
    Ok(TrainRequest {
        held_out,
        ..request
    })
}

/// Encodes the chosen questions, with their answers, as JSON lines. A question with several right answers belongs to each
/// of them.
fn encode_rows(
    entries: &Entries,
    is_chosen: impl Fn(&Paraphrase) -> bool,
) -> Result<Vec<u8>, UserError> {
    let mut also: BTreeMap<EntryId, Vec<String>> = BTreeMap::new();
    for paraphrase in entries.values().flat_map(|entry| &entry.paraphrases) {
        for id in paraphrase
            .also_right
            .iter()
            .filter(|_| is_chosen(paraphrase))
        {
            also.entry(*id).or_default().push(paraphrase.text.clone());
        }
    }
    let mut bytes = Vec::new();
    for ((id, entry), line) in entries.iter().zip(1..) {
        let own = entry
            .paraphrases
            .iter()
            .filter(|paraphrase| is_chosen(paraphrase))
            .map(|paraphrase| paraphrase.text.clone());
        let mut questions = own.chain(also.remove(id).unwrap_or_default());
        let Some(question) = questions.next() else {
            continue;
        };
        let row = Row {
            line,
            question,
            paraphrases: questions.collect(),
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
}

/// Parses an event of the training process; `None` for other lines and unknown events.
fn parse_event(line: &str) -> Option<train::Event> {
    serde_json::from_str(line).ok()
}

/// Forwards lines to the process until the [`TrainingWorker`] is dropped. After a stop, waits for the
/// end of the process.
fn forward_lines(
    mut process: ChildProcess,
    lines: &Receiver<&'static str>,
    end: &Receiver<()>,
    stop_timeout: Duration,
) {
    while let Ok(line) = lines.recv() {
        process.write_line(line);
        if line == STOP {
            return kill_after(stop_timeout, &process.killer(), end);
        }
    }
}

fn kill_after(timeout: Duration, killer: &Killer, end: &Receiver<()>) {
    if end.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("the training didn't stop in time and is killed");
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
