//! The Train step.

use super::{answers, megabytes, number, of_hundred, percent, questions, time_left};
use crate::state::{Dataset, Outcome, Round, Stage, Training};

/// The step's headline.
pub const TITLE: &str = "Train";
/// Starts a training.
pub const TRAIN: &str = "Train";
/// Starts another one.
pub const TRAIN_AGAIN: &str = "Train again";
/// Ends it.
pub const STOP: &str = "Stop and keep the best";
/// It was asked to end.
pub const STOPPING: &str = "Stopping…";
/// Lets it wait.
pub const PAUSE: &str = "Pause";
/// Lets it go on.
pub const RESUME: &str = "Resume";
/// Goes on from the last saved point after it died.
pub const GO_ON: &str = "Go on";
/// Starts from the beginning after it died.
pub const START_OVER: &str = "Start over";
/// Copies the failure report.
pub const COPY_REPORT: &str = "Copy report";
/// Unfolds the details of a failure.
pub const DETAILS: &str = "Details";
/// Goes to the questions.
pub const TRY_IT: &str = "Ask it something";
/// Headline when there is no file.
pub const NO_DATA: &str = "No data yet";
/// What to do then.
pub const NO_DATA_MORE: &str =
    "Open a file with questions and answers first. Then one button does the rest";
/// Headline of the first plot.
pub const FIRST: &str = "Right answer first";
/// What its numbers are.
pub const FIRST_UNIT: &str = "of 100 questions, a quick estimate";
/// What the numbers of the second plot are.
pub const ERROR_UNIT: &str = "the less the better";
/// Headline of the second plot.
pub const ERROR: &str = "Error";
/// Line of the questions it learns from.
pub const SERIES_TRAIN: &str = "questions it trains on";
/// Line of the questions it never sees.
pub const SERIES_CHECK: &str = "questions kept aside";
/// Line of the error.
pub const SERIES_ERROR: &str = "questions it trains on";
/// At the best point.
pub const BEST: &str = "best so far";
/// Instead of lines, before the first round.
pub const NO_ROUNDS: &str = "The first round is not done yet";
/// What quick means.
pub const QUICK: &str =
    "Quick: learns a small layer on top of a language model. Nothing leaves this computer";
/// Waiting.
pub const PAUSED: &str = "Paused";

/// Under the headline.
pub fn intro(training: &Training) -> &'static str {
    match training.stage {
        _ if training.stopping => "Stopping after this round. The best so far is kept",
        _ if training.paused => "Paused. Resume whenever you like",
        Stage::Idle => "The model learns which answer belongs to which question",
        Stage::Done => "Done. The model is ready to be asked",
        Stage::Failed => "The training did not get to its end",
        _ => "Teaching the model your questions. You can look at the other steps meanwhile",
    }
}

/// The step's state in the rail.
pub fn rail(training: &Training, trained_before: bool) -> String {
    match (training.stage, &training.outcome) {
        _ if training.stopping && training.is_running() => "stopping…".to_owned(),
        _ if training.paused && training.is_running() => "paused".to_owned(),
        _ if training.is_running() => match training.fraction() {
            Some(fraction) if training.stage == Stage::Learning => {
                format!("learning, {}", percent(fraction))
            }
            _ => rail_stage(training.stage).to_owned(),
        },
        (Stage::Failed, _) => "did not finish".to_owned(),
        (Stage::Done, Some(outcome)) => match (outcome.before.first, outcome.after.first) {
            (Some(before), Some(after)) => {
                format!("{} → {} of 100", of_hundred(before), of_hundred(after))
            }
            _ => "trained".to_owned(),
        },
        _ if trained_before => "trained earlier".to_owned(),
        _ => "not trained yet".to_owned(),
    }
}

/// A stage in the few words the rail has room for.
fn rail_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Fetching => "getting the model…",
        Stage::Understanding => "understanding…",
        Stage::Learning => "learning…",
        _ => "getting ready…",
    }
}

/// The name of a stage.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Idle => "Ready",
        Stage::Reading => "Reading",
        Stage::Fetching => "Getting the language model",
        Stage::Understanding => "Understanding questions",
        Stage::Learning => "Learning",
        Stage::Done => "Done",
        Stage::Failed => "Not finished",
    }
}

/// Beside the stage: what exactly is being done.
pub fn doing(training: &Training) -> String {
    match training.stage {
        Stage::Fetching => training.fetch.as_ref().map_or_else(String::new, |fetch| {
            let so_far = format!(
                "{} of {}",
                megabytes(fetch.progress.done),
                megabytes(fetch.progress.total)
            );
            if fetch.source.is_empty() {
                so_far
            } else {
                format!("{so_far} from {}, only this once", fetch.source)
            }
        }),
        Stage::Understanding => training.texts.as_ref().map_or_else(String::new, |texts| {
            let so_far = format!("{} of {} texts", number(texts.done), number(texts.total));
            if texts.per_second >= 1.0 {
                format!("{so_far}, {} a second", number(texts.per_second as u64))
            } else {
                so_far
            }
        }),
        Stage::Learning => match training.rounds.last() {
            Some(round) if training.rounds_planned > 0 => {
                format!(
                    "round {} of at most {}",
                    number(round.number),
                    number(training.rounds_planned)
                )
            }
            Some(round) => format!("round {}", number(round.number)),
            None => "first round".to_owned(),
        },
        Stage::Reading => "getting ready".to_owned(),
        _ => String::new(),
    }
}

/// `41.7 % · 1 to 2 minutes left`, as far as known.
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

/// What training will work with.
pub fn ready(set: &Dataset) -> String {
    format!(
        "{} with {}. One in five is kept aside to check what was learned",
        questions(set.rows.len()),
        answers(set.answers)
    )
}

/// The same as the plots, in words.
pub fn twin(training: &Training) -> String {
    let Some(last) = training.rounds.last() else {
        return NO_ROUNDS.to_owned();
    };
    let mut parts = vec![format!("Round {}", number(last.number))];
    match (last.check, last.train) {
        (Some(check), Some(train)) => parts.push(format!(
            "right answer first for {} of 100 questions kept aside and for {} of 100 it trains on",
            of_hundred(check),
            of_hundred(train)
        )),
        (None, Some(train)) => {
            parts.push(format!(
                "right answer first for {} of 100 questions it trains on",
                of_hundred(train)
            ));
        }
        (Some(check), None) => {
            parts.push(format!(
                "right answer first for {} of 100 questions kept aside",
                of_hundred(check)
            ));
        }
        (None, None) => {}
    }
    if let Some(error) = last.error {
        parts.push(format!("error {error:.3}"));
    }
    if let Some(best) = training.best {
        parts.push(format!("best so far in round {}", number(best)));
    }
    parts.join(" · ")
}

/// What a point of a plot says.
pub fn point(name: &str, round: f64, value: String) -> String {
    format!("{name}\nround {round:.0}: {value}")
}

/// Right answer first, at one point.
pub fn of_hundred_questions(value: f64) -> String {
    format!("{value:.0} of 100")
}

/// What a training achieved.
pub fn outcome(outcome: &Outcome) -> String {
    format!(
        "Right answer first, on {} kept aside",
        questions(usize::try_from(outcome.held_out).unwrap_or(usize::MAX))
    )
}

/// Beside the first large number.
pub const BEFORE: &str = "of 100 before";

/// Beside the second large number.
pub fn after(outcome: &Outcome) -> String {
    match outcome.give_or_take() {
        Some(width) if width >= 0.5 => format!("of 100 now, give or take {width:.0}"),
        _ => "of 100 now".to_owned(),
    }
}

/// What to think of it.
pub fn verdict(outcome: &Outcome) -> String {
    let (Some(before), Some(after)) = (outcome.before.first, outcome.after.first) else {
        return "The model is saved. Too few questions were kept aside to say how good it is"
            .to_owned();
    };
    if outcome.held_out < Outcome::ENOUGH {
        return format!(
            "{} checked questions are too few to be sure",
            number(outcome.held_out)
        );
    }
    // Of the two numbers as they are shown.
    let more = (after * 100.0).round() - (before * 100.0).round();
    let sure = outcome.give_or_take().is_some_and(|width| more > width);
    if more >= 1.0 && sure {
        format!("{more:.0} more of 100 questions find their answer at once")
    } else if more >= 1.0 {
        format!(
            "{more:.0} more of 100 questions find their answer at once, \
             though with so few questions checked that may be chance"
        )
    } else if more <= -1.0 {
        "Training did not help with this data. More ways to ask for the same answer would"
            .to_owned()
    } else {
        "About as good as before. More ways to ask for the same answer would help".to_owned()
    }
}

/// In the status line at the end.
pub fn done(outcome: &Outcome) -> String {
    match outcome.after.first {
        Some(after) => format!(
            "Training done: right answer first for {} of 100",
            of_hundred(after)
        ),
        None => "Training done".to_owned(),
    }
}

/// Stages that are behind, now and ahead, with what was done in them.
pub fn stage_note(of: Stage, training: &Training, rows: usize) -> String {
    match (of, &training.texts) {
        (Stage::Reading, _) if training.stage != Stage::Reading => {
            format!("Read {}", questions(rows))
        }
        (Stage::Fetching, _) if training.stage != Stage::Fetching => {
            "Got the language model".to_owned()
        }
        (Stage::Understanding, Some(texts)) if training.stage != Stage::Understanding => {
            format!("Understood {} texts", number(texts.total))
        }
        _ => stage(of).to_owned(),
    }
}

/// The round with the best result, for a plot's label.
pub fn best_value(round: &Round) -> Option<f64> {
    round.check.or(round.train)
}
