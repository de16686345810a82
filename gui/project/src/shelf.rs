//! All projects, which were opened last, and what somebody prefers.

use std::path::{Path, PathBuf};

use nearsay_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::ProjectError;

const PREFERENCES: &str = "settings.json";
const PROJECTS: &str = "projects";
/// So many recent projects are listed.
const RECENTS: usize = 10;

/// The colour scheme of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Appearance {
    /// Follow the system.
    #[default]
    System,
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
    Dark,
}

/// A project that was opened before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recent {
    /// Its folder.
    pub dir: PathBuf,
    /// Its name when it was last seen.
    pub name: String,
    /// It is not there any more; found out at every start.
    #[serde(skip)]
    pub gone: bool,
}

/// How fast this machine was, the last time it did something.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pace {
    /// Pairs a second the built-in encoder learned from, over all rounds.
    pub quick: Option<f64>,
    /// Texts a second the language model read.
    pub reading: Option<f64>,
    /// Pairs a second a layer on top of it learned from, over all rounds.
    #[serde(alias = "thorough")]
    pub balanced: Option<f64>,
    /// Pairs a second it learned from itself, over all rounds, reading the texts anew included.
    #[serde(rename = "network")]
    pub thorough: Option<f64>,
    /// Billions of operations a second of a matrix product: a guess for what was never done.
    pub guess: Option<f64>,
}

/// What somebody prefers, and what the app remembers from one start to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Light, dark, or as the system says.
    pub appearance: Appearance,
    /// Size of text, in per cent.
    pub text_size: u16,
    /// Projects, the last opened first.
    pub recents: Vec<Recent>,
    /// How fast this machine is.
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
    /// The sizes text may have, in per cent.
    pub const SIZES: [u16; 7] = [80, 90, 100, 125, 150, 175, 200];

    /// What was kept; the usual when there is nothing or it cannot be read.
    #[must_use]
    pub fn load(store: &dyn Store, data: &Path) -> Self {
        let mut found: Self = store
            .read(&data.join(PREFERENCES), 1 << 20)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if !Self::SIZES.contains(&found.text_size) {
            found.text_size = 100;
        }
        for recent in &mut found.recents {
            recent.gone = !store.exists(&recent.dir).unwrap_or(false);
        }
        found
    }

    /// Keeps them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&self, store: &dyn Store, data: &Path) -> Result<(), ProjectError> {
        store.create_dir_all(data)?;
        let bytes = serde_json::to_vec_pretty(self)?;
        Ok(store.write_atomic(&data.join(PREFERENCES), &bytes)?)
    }

    /// A project was opened, or has another name.
    pub fn opened(&mut self, dir: &Path, name: &str) {
        self.recents.retain(|recent| recent.dir != dir);
        let recent = Recent {
            dir: dir.to_owned(),
            name: name.to_owned(),
            gone: false,
        };
        self.recents.insert(0, recent);
        self.recents.truncate(RECENTS);
    }
}

/// The folder of all projects.
#[must_use]
pub fn projects(data: &Path) -> PathBuf {
    data.join(PROJECTS)
}

/// A folder for a new project of this name that nobody has yet.
///
/// # Errors
/// When the disk does not say what is there.
pub fn new_dir(store: &dyn Store, data: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let slug: String = name
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .take(40)
        .collect();
    let slug = match slug.trim_matches('-') {
        "" => "project",
        slug => slug,
    };
    let projects = projects(data);
    for number in 1_u32.. {
        let dir = match number {
            1 => projects.join(slug),
            _ => projects.join(format!("{slug}-{number}")),
        };
        if !store.exists(&dir)? {
            return Ok(dir);
        }
    }
    Ok(projects.join(slug))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_store::MemStore;

    #[test]
    fn bad_settings_never_stop_the_app() {
        let store = MemStore::new();
        let data = Path::new("/data");
        assert_eq!(Preferences::load(&store, data), Preferences::default());
        store.create_dir_all(data).unwrap();
        store
            .write_atomic(&data.join(PREFERENCES), b"{\"text_size\": 9000}")
            .unwrap();
        assert_eq!(Preferences::load(&store, data).text_size, 100);
        let mut kept = Preferences {
            text_size: 150,
            ..Preferences::default()
        };
        kept.opened(Path::new("/data/projects/a"), "A");
        kept.save(&store, data).unwrap();
        let found = Preferences::load(&store, data);
        assert_eq!(found.text_size, 150);
        assert!(found.recents[0].gone);
    }

    #[test]
    fn a_pace_of_before_is_that_of_the_layer_it_was_measured_on() {
        let kept = r#"{"quick": 3.0, "reading": 4.0, "thorough": 5.0, "guess": 6.0}"#;
        let pace: Pace = serde_json::from_str(kept).unwrap();
        assert_eq!((pace.balanced, pace.thorough), (Some(5.0), None));
        let pace = Pace {
            thorough: Some(7.0),
            ..pace
        };
        let kept = serde_json::to_string(&pace).unwrap();
        assert_eq!(serde_json::from_str::<Pace>(&kept).unwrap(), pace);
    }

    #[test]
    fn two_projects_of_one_name_have_two_folders() {
        let store = MemStore::new();
        let first = new_dir(&store, Path::new("/d"), "Häufige Fragen!").unwrap();
        store.create_dir_all(&first).unwrap();
        let second = new_dir(&store, Path::new("/d"), "Häufige Fragen!").unwrap();
        assert_eq!(first, Path::new("/d/projects/h-ufige-fragen"));
        assert_ne!(first, second);
        assert!(
            new_dir(&store, Path::new("/d"), "…")
                .unwrap()
                .ends_with("project")
        );
    }
}
