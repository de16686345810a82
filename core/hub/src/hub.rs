//! The model hub, by hf-hub, and what other programs have already fetched from it.
//!
//! hf-hub follows the environment: `HF_ENDPOINT` for a mirror, `HF_HOME` for where its files lie, and
//! the usual proxy variables; `HF_HUB_OFFLINE` turns it off. It knows neither time limits nor
//! cancelling, so it runs on a thread of its own, which is left behind when it stays silent for too
//! long; what it then still writes lies in a hidden folder that nobody reads.

use super::install::install;
use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, Source, TICK, no, tell};
use hf_hub::Cache;
use hf_hub::api::Progress;
use hf_hub::api::sync::ApiBuilder;
use nearsay_store::Store;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long the hub may take for its first sign of life, and between two later ones.
const FIRST: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(60);

/// Takes the model from the hub's files on this machine; no network.
pub(super) fn from_cache(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let none = || no(model, Source::HubCache, "the model is not among them");
    let cache = Cache::from_env().model(model.hub.clone().ok_or_else(none)?);
    let mut read = |name: &str, size: u64| {
        let path = cache.get(name).ok_or_else(none)?;
        // Something may be wrong with these files, but not with ours: never a reason to give up.
        store
            .read(&path, size)
            .map_err(|error| no(model, Source::HubCache, error.to_string()))
    };
    install(store, model, target, &mut read, on_event)
}

/// What the thread tells.
enum News {
    /// A file begins.
    Begun,
    /// So many bytes more.
    Bytes(u64),
    /// A file is complete.
    File(String, PathBuf),
    /// It cannot go on.
    Failed(String),
    /// All files are complete.
    Complete,
}

struct Reporter(Sender<News>);

impl Reporter {
    fn tell(&self, news: News) {
        // Nobody listens any more when the wait was given up; the thread ends by itself then.
        self.0.send(news).ok();
    }
}

impl Progress for Reporter {
    fn init(&mut self, _size: usize, _name: &str) {
        self.tell(News::Begun);
    }

    fn update(&mut self, size: usize) {
        self.tell(News::Bytes(size as u64));
    }

    fn finish(&mut self) {}
}

/// Fetches the model from the hub.
pub(super) fn fetch(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let no = |reason: &str| no(model, Source::Hub, reason);
    let name = model.hub.clone().ok_or_else(|| no("it does not have it"))?;
    if std::env::var_os("HF_HUB_OFFLINE").is_some_and(|value| value != "0") {
        return Err(no("it is turned off by HF_HUB_OFFLINE"));
    }
    // Not the hub's own folder: the model would lie on the disk twice.
    let staging = store.stage_dir(&target.with_file_name("hub"))?;
    let files = download(model, name, staging.path(), on_event).and_then(|files| {
        let mut read = |name: &str, size: u64| match files.get(name) {
            Some(path) => Ok(store.read(path, size)?),
            None => Err(no(&format!("{name} did not arrive"))),
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
    let no = |reason: String| no(model, Source::Hub, reason);
    let wanted: Vec<String> = model.fetched.iter().map(|file| file.name.clone()).collect();
    let folder = folder.to_owned();
    let (send, receive) = channel();
    std::thread::Builder::new()
        .name("model hub".into())
        .spawn(move || {
            let reporter = Reporter(send);
            let outcome = fetch_all(&name, folder, &wanted, &reporter);
            reporter.tell(outcome.map_or_else(News::Failed, |()| News::Complete));
        })
        .map_err(|error| no(format!("no thread for it ({error})")))?;
    let (mut files, mut done, total) = (HashMap::new(), 0, model.size());
    let (mut heard, mut patience, mut shown) = (Instant::now(), FIRST, Instant::now());
    loop {
        match receive.recv_timeout(TICK) {
            Ok(News::Begun) => patience = SILENCE,
            Ok(News::Bytes(bytes)) => done += bytes,
            Ok(News::File(name, path)) => {
                files.insert(name, path);
            }
            Ok(News::Failed(reason)) => return Err(no(reason)),
            Ok(News::Complete) => return Ok(files),
            Err(RecvTimeoutError::Timeout) if heard.elapsed() > patience => {
                return Err(no(format!("no answer for {} seconds", patience.as_secs())));
            }
            Err(RecvTimeoutError::Timeout) => {
                tell(on_event, ObtainEvent::Fetching { done, total })?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return Err(no("it failed unexpectedly".into())),
        }
        heard = Instant::now();
        if shown.elapsed() >= TICK {
            shown = Instant::now();
            tell(on_event, ObtainEvent::Fetching { done, total })?;
        }
    }
}

fn fetch_all(
    name: &str,
    folder: PathBuf,
    wanted: &[String],
    reporter: &Reporter,
) -> Result<(), String> {
    let api = ApiBuilder::from_env()
        .with_cache_dir(folder)
        .with_token(None)
        .with_progress(false)
        .with_retries(0)
        .build()
        .map_err(|error| format!("it cannot be asked ({error})"))?;
    let repository = api.model(name.to_owned());
    for file in wanted {
        let path = repository
            .download_with_progress(file, Reporter(reporter.0.clone()))
            .map_err(|error| format!("it did not give {file} ({error})"))?;
        reporter.tell(News::File(file.clone(), path));
    }
    Ok(())
}
