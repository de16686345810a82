//! The Train step.

use super::{
    answers, count, duration, megabytes, number, of_hundred, percent, questions, time_left,
};
use crate::state::{List, Outcome, Round, Stage, Topic, Training};
use nearsay_project::{Counts, Effort, Models, Tally, estimate::Estimate};

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
pub const FIRST_UNIT: &str = "of 100, in practice rounds: a rough guide";
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
/// Below everything.
pub const STAYS_HERE: &str = "Everything runs on this computer. Nothing leaves it";
/// A training was cut off.
pub const CUT_OFF: &str = "A training was cut off. It can go on where it was";
/// Nothing is kept aside.
pub const NONE_ASIDE: &str = "No questions are kept aside, so nobody can say how good the model is. Choose rows in Data and keep some for checking";
/// Hint of the way back.
pub const GO_BACK_HINT: &str = "The model before answers again; this one is kept to come back to";
/// The model before answers.
pub const WENT_BACK: &str = "The model before answers again";
/// Leaves the lists.
pub const BACK: &str = "← Back to training";
/// Shows a row.
pub const OPEN_ROW: &str = "Open row";
/// Its hint.
pub const OPEN_ROW_HINT: &str = "Show it in the table, to change it";
/// The given answer is right too.
pub const RIGHT_TOO: &str = "That was right too";
/// Its hint.
pub const RIGHT_TOO_HINT: &str = "Both answers are right for this question";
/// Learns from a question kept aside.
pub const LEARN: &str = "Add as a wording";
/// Its hint.
pub const LEARN_HINT: &str =
    "The model learns from this question next time; it is no longer kept aside";
/// For undo.
pub const DID_RIGHT_TOO: &str = "accept both answers";
/// For undo.
pub const DID_LEARN: &str = "learn from a question";
/// In the status line.
pub const RIGHT_TOO_SAID: &str = "Both answers count as right for this question";
/// In the status line.
pub const LEARN_SAID: &str = "The next training learns from this question";
/// The row is gone.
pub const GONE: &str = "This row was deleted";
/// Above the given answer.
pub const IT_ANSWERED: &str = "It answered";
/// Unfolds the settings.
pub const CURIOUS: &str = "Settings for the curious";
/// Setting.
pub const ROUNDS: &str = "Rounds at most";
/// What it is.
pub const ROUNDS_WHAT: &str =
    "How often it goes through all questions. It stops earlier when nothing gets better";
/// Setting.
pub const BATCH: &str = "Questions at once";
/// What it is.
pub const BATCH_WHAT: &str =
    "How many questions it tells apart in one step. More is slower and sometimes better";
/// Setting.
pub const PACE: &str = "Size of steps";
/// What it is.
pub const PACE_WHAT: &str =
    "How much it changes at each step. Large steps learn fast and may overshoot";
/// Setting.
pub const SEED: &str = "Order of questions";
/// What it is.
pub const SEED_WHAT: &str =
    "Another number shuffles them in another way; the same gives the same model";
/// A setting was not changed.
pub const USUAL: &str = "usual";
/// For undo.
pub const DID_EFFORT: &str = "change how to train";
/// For undo.
pub const DID_TUNE: &str = "change a setting";
/// Waiting.
pub const PAUSED: &str = "Paused";

/// Under the headline.
pub fn intro(training: &Training) -> &'static str {
    match training.stage {
        _ if training.stopping => "Stopping after this round. The best so far is kept",
        _ if training.paused => "Paused. Resume whenever you like",
        Stage::Idle => "The model learns which answer belongs to which question",
        Stage::Done => "Done. What it learned answers in Ask",
        Stage::Failed => "The training did not get to its end",
        _ => "Teaching the model your questions. You can go on working meanwhile",
    }
}

/// The step's state in the rail.
pub fn rail(training: &Training, models: &Models) -> String {
    match training.stage {
        _ if training.stopping && training.is_running() => return "stopping…".to_owned(),
        _ if training.paused && training.is_running() => return "paused".to_owned(),
        _ if training.is_running() => {
            return match training.fraction() {
                Some(fraction) if training.stage == Stage::Learning => {
                    format!("learning, {}", percent(fraction))
                }
                _ => rail_stage(training.stage).to_owned(),
            };
        }
        Stage::Failed => return "did not finish".to_owned(),
        _ => {}
    }
    match &models.current {
        Some(model) if model.imported.is_some() => "from a folder".to_owned(),
        Some(_) if models.changes() > 0 => {
            let changes = count(models.changes() as usize, "change", "changes");
            format!("{changes} since")
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

/// A stage in the few words the rail has room for.
fn rail_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Fetching => "getting the model…",
        Stage::Understanding => "understanding…",
        Stage::Learning => "learning…",
        Stage::Checking => "checking…",
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
        Stage::Checking => "Checking",
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
            _ if let Some(texts) = training.reading_again() => format!(
                "reading the texts once more, {} of {}",
                number(texts.done),
                number(texts.total)
            ),
            _ if training.again.is_some() => {
                "once more, from all that is not kept aside".to_owned()
            }
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
        Stage::Checking => "asking the questions kept aside".to_owned(),
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
pub fn ready(counts: &Counts) -> String {
    format!(
        "{} with {}. {} of them are kept aside to check what was learned",
        questions(counts.questions),
        answers(counts.answers),
        number(counts.held_out)
    )
}

/// The name of an effort.
pub fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::Quick => "Quick",
        Effort::Balanced => "Balanced",
        Effort::Thorough => "Thorough",
    }
}

/// What it does.
pub fn effort_what(effort: Effort) -> &'static str {
    match effort {
        Effort::Quick => {
            "The small model that came with Nearsay learns your questions. English works best"
        }
        Effort::Balanced => {
            "A larger language model reads all texts, and a layer on top learns. Better answers; 90\u{a0}MB are fetched once"
        }
        Effort::Thorough => {
            "That model itself learns, not only a layer on top. It gets furthest with many questions, and takes longest"
        }
    }
}

/// How long a training would take on this machine.
pub fn estimate(estimate: &Estimate) -> String {
    let seconds = duration(estimate.seconds);
    if estimate.measured {
        format!("About {seconds} on this computer, by the last time")
    } else {
        format!("About {seconds} on this computer")
    }
}

/// What changed since the last training.
pub fn changes(edits: u32, estimate: Option<&str>) -> String {
    let edits = count(edits as usize, "change", "changes");
    match estimate {
        Some(estimate) => format!("{edits} since the last training. {estimate}"),
        None => format!("{edits} since the last training"),
    }
}

/// Title of a list.
pub fn mistakes_title(list: List) -> &'static str {
    match list {
        List::Mended => "Train / fixed now",
        List::Worse => "Train / got worse",
        List::Wrong => "Train / still wrong",
    }
}

/// Under it.
pub fn mistakes_below(list: List, n: usize, asked: usize) -> String {
    let of = format!("{} of {} kept aside", number(n), questions(asked));
    match list {
        List::Mended => format!("{of}. Wrong before, right now"),
        List::Worse => format!("{of}. Right before, wrong now"),
        List::Wrong => format!("{of}. Mend the data, not the model: most take one click"),
    }
}

/// The button of a list.
pub fn list(list: List, n: usize) -> String {
    match list {
        List::Mended => format!("Fixed now {}", number(n)),
        List::Worse => format!("Got worse {}", number(n)),
        List::Wrong => format!("Still wrong {}", number(n)),
    }
}

/// Title of the card of findings.
pub const STANDS_OUT: &str = "What stands out";
/// Topics that are answered better or worse than before.
pub const TOPICS: &str = "Topics with more or fewer right answers than before";
/// Answers given where others are right.
pub const HUBS: &str =
    "Answers that come up for other questions. Split them, or say more plainly what they are about";
/// Answers that are taken for one another.
pub const TWINS: &str =
    "Answers taken for one another. Make one of them, or say in each what sets it apart";

/// How many questions of a topic had the right answer first.
pub fn change(before: u32, after: u32) -> String {
    format!("{} → {}", number(before), number(after))
}

/// A topic and its questions kept aside.
pub fn topic(topic: &Topic) -> String {
    format!("{}, of {}", topic.name, questions(topic.asked as usize))
}

/// How often something happened.
pub fn times(n: u32) -> String {
    count(n as usize, "time", "times")
}

/// A list is empty.
pub fn nothing_in(list: List) -> &'static str {
    match list {
        List::Mended => "Nothing here. After a training this lists what it has learned",
        List::Worse => "Nothing got worse",
        List::Wrong => "Every question kept aside finds its answer first",
    }
}

/// How a question fared.
pub fn verdict_word(is_right: bool, sure: bool) -> &'static str {
    match (is_right, sure) {
        (true, _) => "right now",
        (false, true) => "sure and wrong",
        (false, false) => "unsure",
    }
}

/// Above the right answer.
pub fn expected(rank: u32) -> String {
    let place = match rank {
        1 => "1st".to_owned(),
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        n if n % 100 / 10 != 1 && n % 10 == 1 => format!("{}st", number(n)),
        n if n % 100 / 10 != 1 && n % 10 == 2 => format!("{}nd", number(n)),
        n if n % 100 / 10 != 1 && n % 10 == 3 => format!("{}rd", number(n)),
        n => format!("{}th", number(n)),
    };
    format!("You expect (it came {place})")
}

/// Name of the way back to the usual value.
pub fn reset(of: &str) -> String {
    format!("Back to usual: {of}")
}

/// Its hint.
pub fn reset_hint(usual: u32) -> String {
    format!("Back to {}", number(usual))
}

/// The way back to the model before, or on to the one that was not kept.
pub fn go_back(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(outcome) if !outcome.kept => "Use the new model anyway",
        _ => "Back to the model before",
    }
}

/// Above the large numbers.
pub fn figures_title(asked: u32) -> String {
    format!(
        "Right answer first, on {} kept aside",
        questions(asked as usize)
    )
}

/// Too few questions are kept aside.
pub fn too_few_checked(asked: u32) -> String {
    let be = if asked == 1 {
        "question is"
    } else {
        "questions are"
    };
    format!("{} checked {be} too few to be sure", number(asked))
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

/// Beside the first large number.
pub const BEFORE: &str = "of 100 before";

/// The language model that a model grew from is gone.
pub fn other_before(name: &str) -> String {
    format!(
        "The language model {name} is not on this computer, so “before” is the built-in one. A training \
         with more effort than Quick fetches it again"
    )
}

/// Beside the second large number.
pub fn now(tally: Tally, has_before: bool) -> String {
    let now = if has_before { " now" } else { "" };
    match tally.margin_of_error() {
        Some(width) if width >= 0.5 => format!("of 100{now}, give or take {width:.0}"),
        _ => format!("of 100{now}"),
    }
}

/// What to think of it.
pub fn verdict(outcome: &Outcome) -> String {
    let (Some(before), Some(after)) = (outcome.before.accuracy(), outcome.after.accuracy()) else {
        return "The model is saved. No questions were kept aside to say how good it is".to_owned();
    };
    if !outcome.kept {
        return format!(
            "Training did not help: {} of 100 instead of {}. The old model is kept. More ways to ask for the same answer would help",
            of_hundred(after),
            of_hundred(before)
        );
    }
    if outcome.after.asked < Tally::ENOUGH {
        return too_few_checked(outcome.after.asked);
    }
    // Of the two numbers as they are shown.
    let more = (after * 100.0).round() - (before * 100.0).round();
    let sure = outcome
        .after
        .margin_of_error()
        .is_some_and(|width| more > width);
    if more >= 1.0 && sure {
        format!("{more:.0} more of 100 questions find their answer at once")
    } else if more >= 1.0 {
        format!(
            "{more:.0} more of 100 questions find their answer at once, \
             though with so few questions checked that may be chance"
        )
    } else {
        "About as good as before. More ways to ask for the same answer would help".to_owned()
    }
}

/// What it was compared with, where that was not what answered.
pub fn compared(outcome: &Outcome) -> Option<&'static str> {
    (outcome.elsewhere && outcome.before.accuracy().is_some()).then_some(super::folder::COMPARED)
}

/// In the status line at the end.
pub fn done(outcome: &Outcome) -> String {
    match outcome.after.accuracy() {
        _ if !outcome.kept => "Training did not help. The old model is kept".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{estimate::training_time, preferences::Pace};

    /// Of a thousand pairs, about as many as a large FAQ has.
    fn told(effort: Effort, rounds: Option<u32>, pace: &Pace) -> Option<String> {
        training_time(effort, 1000, 2000, rounds, pace).map(|found| estimate(&found))
    }

    #[test]
    fn before_anything_ran_the_time_is_guessed_from_the_machine() {
        for effort in Effort::ALL {
            assert_eq!(told(effort, None, &Pace::default()), None);
        }
        // Two cores of a server.
        let two_cores = Pace {
            guess: Some(175.0),
            ..Pace::default()
        };
        let told = |effort| told(effort, None, &two_cores).unwrap();
        assert_eq!(told(Effort::Quick), "About 2 seconds on this computer");
        assert_eq!(told(Effort::Balanced), "About 10 seconds on this computer");
        assert_eq!(told(Effort::Thorough), "About 4 minutes on this computer");
    }

    #[test]
    fn what_was_measured_counts_for_its_own_effort_alone() {
        let pace = Pace {
            thorough: Some(10.0),
            reading: Some(100.0),
            guess: Some(175.0),
            ..Pace::default()
        };
        // Seven rounds of a thousand pairs, twice, and texts.
        assert_eq!(
            told(Effort::Thorough, None, &pace).unwrap(),
            "About 24 minutes on this computer, by the last time"
        );
        assert_eq!(
            told(Effort::Thorough, Some(1), &pace).unwrap(),
            "About 4 minutes on this computer, by the last time"
        );
        assert_eq!(
            told(Effort::Quick, None, &pace).unwrap(),
            "About 2 seconds on this computer"
        );
    }
}
