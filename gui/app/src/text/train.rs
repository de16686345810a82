//! The Train page: a training run and its settings. For test results, see [`results`](super::results).

use super::{
    answers, count, duration, megabytes, number, of_hundred, percent, questions, time_left,
};
use crate::state::{Stage, Training};
use nearsay_project::{Counts, Effort, Models, estimate::Estimate, held_out::ENOUGH_TO_HOLD_OUT};

pub const TITLE: &str = "Train";
pub const TRAIN: &str = "Train";
pub const TRAIN_AGAIN: &str = "Train again";
pub const STOP: &str = "Stop and keep the best model";
pub const STOPPING: &str = "Stopping…";
pub const PAUSE: &str = "Pause";
pub const RESUME: &str = "Resume";
pub const PAUSED: &str = "Paused";
/// Continues an interrupted run from its last checkpoint.
pub const GO_ON: &str = "Continue";
/// Starts an interrupted run from the beginning.
pub const START_OVER: &str = "Start over";
pub const COPY_REPORT: &str = "Copy report";
pub const DETAILS: &str = "Details";
pub const NO_DATA: &str = "No data yet";
pub const NO_DATA_MORE: &str = "Open a file with questions and answers first.";
/// Title of the first plot.
pub const FIRST: &str = "Right answer first";
/// Unit of the first plot.
pub const FIRST_UNIT: &str = "of 100 questions, a rough guide during training";
/// Title of the second plot.
pub const ERROR: &str = "Error";
/// Unit of the second plot.
pub const ERROR_UNIT: &str = "lower is better";
pub const SERIES_TRAIN: &str = "training questions";
pub const SERIES_CHECK: &str = "test questions";
pub const SERIES_ERROR: &str = "training questions";
/// Label of the best point.
pub const BEST: &str = "best so far";
/// Instead of the plots, before the first epoch.
pub const NO_EPOCHS: &str = "The first epoch has not finished yet.";
pub const STAYS_HERE: &str = "Everything runs on this computer. Your data never leaves it.";
pub const CUT_OFF: &str = "Training was interrupted. You can continue where it stopped.";
pub const ADVANCED: &str = "Advanced settings";
pub const EPOCHS: &str = "Max. epochs";
pub const EPOCHS_HINT: &str =
    "How many passes training makes through your data. It stops earlier when nothing improves.";
pub const BATCH: &str = "Batch size";
pub const BATCH_HINT: &str =
    "How many questions are compared in one step. More is slower and sometimes better.";
pub const LEARNING_RATE: &str = "Learning rate";
pub const LEARNING_RATE_HINT: &str =
    "How much the model changes at each step. Large steps learn fast and may overshoot.";
pub const SEED: &str = "Random seed";
pub const SEED_HINT: &str =
    "Another number shuffles the questions differently. The same number gives the same model.";
/// Next to a setting with its default value.
pub const DEFAULT: &str = "default";
/// What undo takes back.
pub const DID_EFFORT: &str = "change how to train";
/// What undo takes back.
pub const DID_TUNE: &str = "change a setting";

/// Subtitle of the page.
pub fn intro(training: &Training) -> &'static str {
    match training.stage {
        _ if training.stopping => "Stopping after this epoch. The best model is kept.",
        _ if training.paused => "Paused. Click Resume to continue.",
        Stage::Idle => "The model learns which answer belongs to which question.",
        Stage::Done => "Done. Ask a question to try it.",
        Stage::Failed => "Training did not finish.",
        _ => "Training on your questions. You can keep working.",
    }
}

/// Second line of the page's name in the rail.
pub fn rail(training: &Training, models: &Models) -> String {
    match training.stage {
        _ if training.stopping && training.is_running() => return "stopping…".to_owned(),
        _ if training.paused && training.is_running() => return "paused".to_owned(),
        _ if training.is_running() => {
            return match training.fraction() {
                Some(fraction) if training.stage == Stage::Training => {
                    format!("training, {}", percent(fraction))
                }
                _ => rail_stage(training.stage).to_owned(),
            };
        }
        Stage::Failed => return "did not finish".to_owned(),
        _ => {}
    }
    match &models.current {
        Some(model) if model.imported.is_some() => "imported model".to_owned(),
        Some(_) if models.changes() > 0 => {
            let changes = count(models.changes() as usize, "change", "changes");
            format!("{changes} since training")
        }
        Some(model) => match (model.before.accuracy(), model.after.accuracy()) {
            (Some(before), Some(after)) => {
                format!("{} → {} of 100", of_hundred(before), of_hundred(after))
            }
            _ => "trained".to_owned(),
        },
        None => "not trained yet".to_owned(),
    }
}

/// Short name of a stage.
fn rail_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Downloading => "downloading…",
        Stage::Encoding => "preparing…",
        Stage::Training => "training…",
        Stage::Evaluating => "finishing…",
        _ => "getting ready…",
    }
}

pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Idle => "Ready",
        Stage::Reading => "Reading",
        Stage::Downloading => "Downloading the language model",
        Stage::Encoding => "Preparing texts",
        Stage::Training => "Training",
        Stage::Evaluating => "Finishing",
        Stage::Done => "Done",
        Stage::Failed => "Not finished",
    }
}

/// Details next to the stage.
pub fn doing(training: &Training) -> String {
    match training.stage {
        Stage::Downloading => training.fetch.as_ref().map_or_else(String::new, |fetch| {
            let so_far = format!(
                "{} of {}",
                megabytes(fetch.progress.done),
                megabytes(fetch.progress.total)
            );
            if fetch.source.is_empty() {
                so_far
            } else {
                format!("{so_far} from {}, needed only once", fetch.source)
            }
        }),
        Stage::Encoding => training.texts.as_ref().map_or_else(String::new, |texts| {
            let so_far = format!("{} of {} texts", number(texts.done), number(texts.total));
            if texts.per_second >= 1.0 {
                format!("{so_far}, {} per second", number(texts.per_second as u64))
            } else {
                so_far
            }
        }),
        Stage::Training => match training.epochs.last() {
            _ if let Some(texts) = training.reencoding() => format!(
                "preparing the texts again, {} of {}",
                number(texts.done),
                number(texts.total)
            ),
            _ if training.refit_fraction.is_some() => "testing and final training".to_owned(),
            Some(epoch) if training.max_epochs > 0 => {
                format!(
                    "epoch {} of at most {}",
                    number(epoch.number),
                    number(training.max_epochs)
                )
            }
            Some(epoch) => format!("epoch {}", number(epoch.number)),
            None => "first epoch".to_owned(),
        },
        Stage::Reading => "getting ready".to_owned(),
        Stage::Evaluating => "opening the new model".to_owned(),
        _ => String::new(),
    }
}

/// `41.7 %` and `1 to 2 minutes left`, as far as known.
pub fn how_far(training: &Training) -> (String, String) {
    let share = training.fraction().map_or_else(String::new, percent);
    let left = match training.seconds_left() {
        _ if training.stopping => STOPPING.to_owned(),
        _ if training.paused => PAUSED.to_owned(),
        Some(seconds) => time_left(seconds),
        None => String::new(),
    };
    (share, left)
}

/// Data for the next training.
pub fn ready(counts: &Counts) -> String {
    if counts.questions < ENOUGH_TO_HOLD_OUT {
        return format!(
            "{} with {}. Each question is also used for testing, with a model that was trained without it.",
            questions(counts.questions),
            answers(counts.answers)
        );
    }
    format!(
        "{} with {}. {} of the questions are used for testing.",
        questions(counts.questions),
        answers(counts.answers),
        number(counts.held_out)
    )
}

pub fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::Quick => "Quick",
        Effort::Balanced => "Balanced",
        Effort::Thorough => "Thorough",
    }
}

pub fn effort_what(effort: Effort) -> &'static str {
    match effort {
        Effort::Quick => "Trains the small built-in model. Works best in English.",
        Effort::Balanced => "Uses a larger language model. Better answers.",
        Effort::Thorough => {
            "Trains the larger language model itself. Best answers for large FAQs. Slowest."
        }
    }
}

/// Duration of a training on this computer.
pub fn estimate(estimate: &Estimate) -> String {
    let seconds = duration(estimate.seconds);
    if estimate.measured {
        format!("About {seconds} on this computer, based on the last training")
    } else {
        format!("About {seconds} on this computer")
    }
}

/// Changes since the last training.
pub fn changes(edits: u32, estimate: Option<&str>) -> String {
    let edits = count(edits as usize, "change", "changes");
    match estimate {
        Some(estimate) => format!("{edits} since the last training. {estimate}."),
        None => format!("{edits} since the last training."),
    }
}

/// Name of the button that resets a setting.
pub fn reset(of: &str) -> String {
    format!("Reset {of}")
}

/// Tooltip of the button that resets a setting.
pub fn reset_hint(default: u32) -> String {
    format!("Reset to {}", number(default))
}

/// The plots in words, for screen readers.
pub fn plots_in_words(training: &Training) -> String {
    let Some(last) = training.epochs.last() else {
        return NO_EPOCHS.to_owned();
    };
    let mut parts = vec![format!("Epoch {}", number(last.number))];
    let first: Vec<String> = [(last.check, SERIES_CHECK), (last.train, SERIES_TRAIN)]
        .into_iter()
        .filter_map(|(share, name)| Some(format!("{} of 100 {name}", of_hundred(share?))))
        .collect();
    if !first.is_empty() {
        parts.push(format!("right answer first: {}", first.join(", ")));
    }
    if let Some(error) = last.error {
        parts.push(format!("error {error:.3}"));
    }
    if let Some(best) = training.best {
        parts.push(format!("best so far: epoch {}", number(best)));
    }
    parts.join(" · ")
}

/// Tooltip of a point in a plot.
pub fn point(name: &str, epoch: f64, value: String) -> String {
    format!("{name}\nepoch {epoch:.0}: {value}")
}

/// `62 of 100`, at a point in the first plot.
pub fn point_of_hundred(value: f64) -> String {
    format!("{value:.0} of 100")
}

/// A stage with a summary of its work once it is over.
pub fn stage_note(of: Stage, training: &Training, rows: usize) -> String {
    match (of, &training.texts) {
        (Stage::Reading, _) if training.stage != Stage::Reading => {
            format!("Read {}", questions(rows))
        }
        (Stage::Downloading, _) if training.stage != Stage::Downloading => {
            "Downloaded the language model".to_owned()
        }
        (Stage::Encoding, Some(texts)) if training.stage != Stage::Encoding => {
            format!("Prepared {} texts", number(texts.total))
        }
        _ => stage(of).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{estimate::training_time, preferences::Pace};

    /// Estimate for a thousand pairs, as in a large FAQ.
    fn estimate_for(effort: Effort, epochs: Option<u32>, pace: &Pace) -> Option<String> {
        training_time(effort, 1000, 2000, epochs, pace).map(|found| estimate(&found))
    }

    #[test]
    fn estimate_before_first_run_depends_on_machine() {
        for effort in Effort::ALL {
            assert_eq!(estimate_for(effort, None, &Pace::default()), None);
        }
        // Two cores of a server.
        let two_cores = Pace {
            guess: Some(175.0),
            ..Pace::default()
        };
        let quote = |effort| estimate_for(effort, None, &two_cores).unwrap();
        assert_eq!(quote(Effort::Quick), "About 2 seconds on this computer");
        assert_eq!(quote(Effort::Balanced), "About 10 seconds on this computer");
        assert_eq!(quote(Effort::Thorough), "About 4 minutes on this computer");
    }

    #[test]
    fn measured_pace_applies_to_its_own_effort_only() {
        let pace = Pace {
            thorough: Some(10.0),
            reading: Some(100.0),
            guess: Some(175.0),
            ..Pace::default()
        };
        // Seven epochs of a thousand pairs, fitted twice, and encoding the texts.
        assert_eq!(
            estimate_for(Effort::Thorough, None, &pace).unwrap(),
            "About 24 minutes on this computer, based on the last training"
        );
        assert_eq!(
            estimate_for(Effort::Thorough, Some(1), &pace).unwrap(),
            "About 4 minutes on this computer, based on the last training"
        );
        assert_eq!(
            estimate_for(Effort::Quick, None, &pace).unwrap(),
            "About 2 seconds on this computer"
        );
    }
}
