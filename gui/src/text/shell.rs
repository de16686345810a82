//! Rail, status line, drops and the window itself.

use std::path::Path;

use super::data::READABLE;
use crate::state::{Appearance, Step};

/// The program's name.
pub const APP: &str = "Nearsay";
/// Under the name while no file is open.
pub const TAGLINE: &str = "answers from your FAQ";
/// Nothing runs.
pub const READY: &str = "Ready";
/// The choice of light and dark.
pub const APPEARANCE: &str = "Appearance";
/// Ends the training that runs.
pub const STOP: &str = "Stop";
/// A drop or an open while a training runs.
pub const BUSY: &str = "Training is running. Stop it first, or wait until it is done";
/// More than one file was dropped.
pub const ONE_FILE: &str = "I open one file at a time: this is the first of them";
/// The window closes as soon as the training has kept its best.
pub const CLOSING: &str = "Closing. The training keeps its best first";

/// The window's title.
pub fn title(project: Option<&str>) -> String {
    project.map_or_else(|| APP.to_owned(), |project| format!("{project} — {APP}"))
}

/// The name of a step.
pub fn step(step: Step) -> &'static str {
    match step {
        Step::Data => "Data",
        Step::Train => "Train",
        Step::Ask => "Ask",
    }
}

/// The key that shows a step.
pub fn step_key(step: Step) -> &'static str {
    match step {
        Step::Data => "Ctrl+1",
        Step::Train => "Ctrl+2",
        Step::Ask => "Ctrl+3",
    }
}

/// The name of an appearance.
pub fn appearance(appearance: Appearance) -> &'static str {
    match appearance {
        Appearance::System => "System",
        Appearance::Light => "Light",
        Appearance::Dark => "Dark",
    }
}

/// What a drop of these files will do: a headline and a line below it.
pub fn drop_promise(paths: &[&Path], busy: bool) -> (String, String) {
    if busy {
        return (
            "Training is running".to_owned(),
            "Stop it first, or wait until it is done".to_owned(),
        );
    }
    let Some(first) = paths.first() else {
        return ("Open this file".to_owned(), String::new());
    };
    let name = file_name(first);
    if !is_readable(first) {
        return (format!("I cannot read {name}"), super::data::readable());
    }
    let more = if paths.len() > 1 {
        ONE_FILE.to_owned()
    } else {
        "Its questions and answers are shown at once".to_owned()
    };
    (format!("Open {name}"), more)
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The file's ending is one we read. Files without an ending may be anything: those are tried.
pub fn is_readable(path: &Path) -> bool {
    path.extension().is_none_or(|ending| {
        let ending = ending.to_string_lossy().to_lowercase();
        READABLE.contains(&ending.as_str())
    })
}
