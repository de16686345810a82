//! Downloads from the model hub with hf-hub, and copies that other programs downloaded.
//!
//! Environment variables: `HF_ENDPOINT` selects a mirror, `HF_HOME` the directory of downloaded files,
//! `HF_HUB_OFFLINE` disables downloads, and the usual proxy variables apply.
//!
//! hf-hub supports neither timeouts nor cancellation. It therefore runs on a thread of its own, which is abandoned
//! when it makes no progress for too long; files that it writes afterwards are in a hidden directory that is not read.

use super::install::install;
use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, TICK, report};
use hf_hub::Cache;
use hf_hub::api::Progress;
use hf_hub::api::sync::ApiBuilder;
use nearsay_store::Store;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Time limit until the first download starts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time limit between two pieces of data.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// Remedy for an unreachable hub.
const CHECK_CONNECTION: &str =
    "check the network connection and the proxy settings, or set HF_ENDPOINT to a mirror";

/// Installs the model from the hub's cache on this machine, without network access.
pub(super) fn from_cache(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let not_cached = || ObtainError::unavailable("the cache doesn't contain the model");
    let cache = Cache::from_env().model(model.hub.clone().ok_or_else(not_cached)?);
    let mut read = |name: &str, size: u64| {
        let path = cache.get(name).ok_or_else(not_cached)?;
        // Not a store error, which would end the search: other sources may work if the cache is damaged.
        store
            .read(&path, size)
            .map_err(|error| ObtainError::unavailable(error.to_string()))
    };
    install(store, model, target, &mut read, on_event)
}

/// Message of the download thread.
enum Message {
    /// The download of a file started.
    Started,
    /// This number of bytes arrived.
    Bytes(u64),
    /// A file is complete: its name and path.
    File(String, PathBuf),
    /// The download failed, with the reason.
    Failed(String),
    /// All files are complete.
    Complete,
}

struct Reporter(Sender<Message>);

impl Reporter {
    fn send(&self, message: Message) {
        // Fails after a timeout or a cancellation; the thread then ends with its download.
        self.0.send(message).ok();
    }
}

impl Progress for Reporter {
    fn init(&mut self, _size: usize, _name: &str) {
        self.send(Message::Started);
    }

    fn update(&mut self, size: usize) {
        self.send(Message::Bytes(size as u64));
    }

    fn finish(&mut self) {}
}

/// Downloads and installs the model from the hub.
pub(super) fn fetch(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let name = model
        .hub
        .clone()
        .ok_or_else(|| ObtainError::unavailable("the hub doesn't have the model"))?;
    if std::env::var_os("HF_HUB_OFFLINE").is_some_and(|value| value != "0") {
        return Err(ObtainError::unavailable(
            "downloads are disabled by HF_HUB_OFFLINE; unset it to download the model",
        ));
    }
    // Not the hub's own cache, which would keep a second copy of the model.
    let staging = store.stage_dir(&target.with_file_name("hub"))?;
    let files = download(model, name, staging.path(), on_event).and_then(|files| {
        let mut read = |name: &str, size: u64| match files.get(name) {
            Some(path) => Ok(store.read(path, size)?),
            None => Err(ObtainError::unavailable(format!(
                "{name} was not downloaded"
            ))),
        };
        install(store, model, target, &mut read, on_event)
    });
    store.remove(staging.path()).ok();
    files
}

fn download(
    model: &KnownModel,
    name: String,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<HashMap<String, PathBuf>, ObtainError> {
    let names: Vec<String> = model.fetched.iter().map(|file| file.name.clone()).collect();
    let folder = folder.to_owned();
    let (send, receive) = channel();
    std::thread::Builder::new()
        .name("model hub".into())
        .spawn(move || {
            let reporter = Reporter(send);
            let outcome = download_files(&name, folder, &names, &reporter);
            reporter.send(outcome.map_or_else(Message::Failed, |()| Message::Complete));
        })
        .map_err(|error| {
            ObtainError::unavailable(format!("the download thread can't start ({error})"))
        })?;
    let (mut files, mut done, total) = (HashMap::new(), 0, model.size());
    let mut timeout = CONNECT_TIMEOUT;
    let (mut last_message, mut last_report) = (Instant::now(), Instant::now());
    loop {
        match receive.recv_timeout(TICK) {
            Ok(Message::Started) => timeout = STALL_TIMEOUT,
            Ok(Message::Bytes(bytes)) => done += bytes,
            Ok(Message::File(name, path)) => {
                files.insert(name, path);
            }
            Ok(Message::Failed(reason)) => return Err(ObtainError::unavailable(reason)),
            Ok(Message::Complete) => return Ok(files),
            Err(RecvTimeoutError::Timeout) if last_message.elapsed() > timeout => {
                return Err(ObtainError::unavailable(format!(
                    "no response for {} seconds; {CHECK_CONNECTION}",
                    timeout.as_secs()
                )));
            }
            Err(RecvTimeoutError::Timeout) => {
                report(on_event, ObtainEvent::Fetching { done, total })?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(ObtainError::unavailable(
                    "the download ended with an internal error",
                ));
            }
        }
        last_message = Instant::now();
        if last_report.elapsed() >= TICK {
            last_report = Instant::now();
            report(on_event, ObtainEvent::Fetching { done, total })?;
        }
    }
}

/// Downloads files of a model to `folder`.
fn download_files(
    name: &str,
    folder: PathBuf,
    names: &[String],
    reporter: &Reporter,
) -> Result<(), String> {
    let api = ApiBuilder::from_env()
        .with_cache_dir(folder)
        .with_token(None)
        .with_progress(false)
        .with_retries(0)
        .build()
        .map_err(|error| format!("the client can't start ({error}); check HF_ENDPOINT"))?;
    let repository = api.model(name.to_owned());
    for file in names {
        let path = repository
            .download_with_progress(file, Reporter(reporter.0.clone()))
            .map_err(|error| format!("downloading {file} failed ({error}); {CHECK_CONNECTION}"))?;
        reporter.send(Message::File(file.clone(), path));
    }
    Ok(())
}
