//! Saving preferences on threads.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use nearsay_project::Preferences;
use nearsay_store::DiskStore;

/// The latest preferences that aren't saved yet. Several threads may save at the same time; each
/// writes the latest ones, one after the other.
#[derive(Default)]
pub(super) struct UnsavedPreferences {
    latest: Mutex<Option<Preferences>>,
    writing: Mutex<()>,
}

impl UnsavedPreferences {
    pub(super) fn set(&self, preferences: Preferences) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(preferences);
    }

    /// Saves the latest preferences, if any are unsaved. Losing preferences doesn't justify
    /// interrupting the user, so an error is only logged.
    pub(super) fn save(&self, data_dir: &Path) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = self
            .latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(preferences) = latest
            && let Err(error) = preferences.save(&DiskStore, data_dir)
        {
            tracing::warn!(%error, "cannot save the preferences");
        }
    }
}
