//! Preferences of the user, and what the app stores from one start to the next.

use std::path::{Path, PathBuf};

use nearsay_store::{ErrorKind, Store};
use serde::{Deserialize, Serialize};

use super::ProjectError;

const PREFERENCES: &str = "settings.json";
const MAX_RECENTS: usize = 10;
const MAX_BYTES: u64 = 1 << 20;

/// The colour scheme of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Appearance {
    /// The system's scheme.
    #[default]
    System,
    Light,
    Dark,
}

/// A project that was opened before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recent {
    pub dir: PathBuf,
    /// Its name when it was last open.
    pub name: String,
    /// The directory is missing; checked at every start.
    #[serde(skip)]
    pub gone: bool,
}

/// Speeds measured on this machine, for estimates of training time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pace {
    /// Training pairs per second over all epochs, with [`Effort::Quick`](super::Effort::Quick).
    pub quick: Option<f64>,
    /// Texts per second that the larger encoder embeds.
    pub reading: Option<f64>,
    /// Training pairs per second over all epochs, with [`Effort::Balanced`](super::Effort::Balanced).
    #[serde(alias = "thorough")]
    pub balanced: Option<f64>,
    /// Training pairs per second over all epochs, with [`Effort::Thorough`](super::Effort::Thorough),
    /// embedding after each epoch included. Older files have the key `thorough` for `balanced`.
    #[serde(rename = "network")]
    pub thorough: Option<f64>,
    /// Speed of a matrix product in GFLOP/s: the basis of a guess before anything else was measured.
    pub guess: Option<f64>,
}

/// Preferences and recent projects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub appearance: Appearance,
    /// Per cent; one of [`Self::SIZES`].
    pub text_size: u16,
    /// The most recently opened project first.
    pub recents: Vec<Recent>,
    pub pace: Pace,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            appearance: Appearance::System,
            text_size: 100,
            recents: Vec::new(),
            pace: Pace::default(),
        }
    }
}

impl Preferences {
    /// The available text sizes, in per cent.
    pub const SIZES: [u16; 7] = [80, 90, 100, 125, 150, 175, 200];

    /// Loads the preferences. Missing or unreadable ones become the defaults, so that they never keep
    /// the app from starting.
    #[must_use]
    pub fn load(store: &dyn Store, data: &Path) -> Self {
        let mut found = Self::read(store, data).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read the preferences");
            Self::default()
        });
        if !Self::SIZES.contains(&found.text_size) {
            found.text_size = 100;
        }
        for recent in &mut found.recents {
            recent.gone = !store.exists(&recent.dir).unwrap_or(false);
        }
        found
    }

    fn read(store: &dyn Store, data: &Path) -> Result<Self, ProjectError> {
        match store.read(&data.join(PREFERENCES), MAX_BYTES) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the preferences into the data directory.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, store: &dyn Store, data: &Path) -> Result<(), ProjectError> {
        store.create_dir_all(data)?;
        let bytes = serde_json::to_vec_pretty(self)?;
        Ok(store.write_atomic(&data.join(PREFERENCES), &bytes)?)
    }

    /// Puts a project first among the recent ones, under its current name.
    pub fn add_recent(&mut self, dir: &Path, name: &str) {
        self.recents.retain(|recent| recent.dir != dir);
        let recent = Recent {
            dir: dir.to_owned(),
            name: name.to_owned(),
            gone: false,
        };
        self.recents.insert(0, recent);
        self.recents.truncate(MAX_RECENTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_store::MemStore;

    #[test]
    fn load_replaces_bad_settings_by_defaults() {
        let store = MemStore::new();
        let data = Path::new("/data");
        assert_eq!(Preferences::load(&store, data), Preferences::default());
        store.create_dir_all(data).unwrap();
        store
            .write_atomic(&data.join(PREFERENCES), b"{\"text_size\": 9000}")
            .unwrap();
        assert_eq!(Preferences::load(&store, data).text_size, 100);
        let mut preferences = Preferences {
            text_size: 150,
            ..Preferences::default()
        };
        preferences.add_recent(Path::new("/data/projects/a"), "A");
        preferences.save(&store, data).unwrap();
        let found = Preferences::load(&store, data);
        assert_eq!(found.text_size, 150);
        assert!(found.recents[0].gone);
    }

    #[test]
    fn pace_reads_thorough_of_older_files_as_balanced() {
        let older = r#"{"quick": 3.0, "reading": 4.0, "thorough": 5.0, "guess": 6.0}"#;
        let pace: Pace = serde_json::from_str(older).unwrap();
        assert_eq!((pace.balanced, pace.thorough), (Some(5.0), None));
        let pace = Pace {
            thorough: Some(7.0),
            ..pace
        };
        let written = serde_json::to_string(&pace).unwrap();
        assert_eq!(serde_json::from_str::<Pace>(&written).unwrap(), pace);
    }
}
