//! Test results on the Train page: figures, lists of mistakes and findings.

use super::{count, number, of_hundred_questions};
use crate::state::{Change, List, Outcome, TopicChange};
use nearsay_project::{Results, Tally};

/// Next to the figure of the previous model.
pub const BEFORE: &str = "of 100 before";
pub const NO_TEST_QUESTIONS: &str = "There are no test questions to tell how good the model is. Select rows in Data and choose “Use for testing”.";
pub const TRY_IT: &str = "Try it in Ask";
pub const GO_BACK_HINT: &str = "The previous model answers again. You can return to this one";
pub const WENT_BACK: &str = "The previous model is used again.";
/// Closes the list of questions.
pub const BACK: &str = "← Back to training";
pub const OPEN_ROW: &str = "Open row";
pub const OPEN_ROW_HINT: &str = "Show this row in the table";
pub const RIGHT_TOO: &str = "Accept both answers";
pub const RIGHT_TOO_HINT: &str = "Both answers are right for this question";
pub const LEARN: &str = "Use for training";
pub const LEARN_HINT: &str =
    "The model learns from this question next time, and it is no longer a test question";
/// What undo takes back.
pub const DID_RIGHT_TOO: &str = "accept both answers";
/// What undo takes back.
pub const DID_LEARN: &str = "use a question for training";
/// In the status line.
pub const RIGHT_TOO_SAID: &str = "Both answers now count as right for this question.";
/// In the status line.
pub const LEARN_SAID: &str = "The next training learns from this question.";
/// The row was deleted.
pub const GONE: &str = "This row was deleted.";
/// Above the answer that came first.
pub const IT_ANSWERED: &str = "Answer given";
/// Title of the findings.
pub const STANDS_OUT: &str = "What stands out";
pub const TOPICS: &str = "Topics with more or fewer right answers than before";
pub const OVER_RETRIEVED: &str = "Answers that come up for other questions. Split them, or state more clearly what each is about.";
pub const CONFUSED: &str = "Confused answers. Merge them, or make the difference clear in each.";

/// `18 test questions`
pub fn test_questions(n: usize) -> String {
    count(n, "test question", "test questions")
}

/// Title above the figures.
pub fn figures_title(asked: u32) -> String {
    format!("Right answer first ({})", test_questions(asked as usize))
}

/// Below figures from very few test questions.
pub fn too_few_checked(asked: u32) -> String {
    format!(
        "Only {}: treat this number as a rough guess.",
        test_questions(asked as usize)
    )
}

/// Next to the figure of the current model.
pub fn now(tally: Tally, has_before: bool) -> String {
    let now = if has_before { " now" } else { "" };
    match tally.margin_of_error() {
        Some(width) if width >= 0.5 => format!("of 100{now}, give or take {width:.0}"),
        _ => format!("of 100{now}"),
    }
}

/// Name of a figure: a question is held out, its answer and the other ways to ask stay known.
pub const KNOWN_ANSWERS: &str = "Known answers, new words";
/// Tooltip of [`KNOWN_ANSWERS`].
pub const KNOWN_ANSWERS_HINT: &str = "A model that was not trained on the question answered it. It was trained on the answer with its other ways to ask, as in daily use.";
/// Name of a figure: all questions of an answer are held out.
pub const NEW_ANSWERS: &str = "New answers";
/// Tooltip of [`NEW_ANSWERS`].
pub const NEW_ANSWERS_HINT: &str = "A model that was trained without any way to ask for the answer answered the question. Expect this for answers that you add later.";
/// Title of the list of trainings.
pub const HISTORY: &str = "Trainings";
pub const USE_MODEL: &str = "Use this model";
pub const IN_USE: &str = "in use";
/// Headings of the list of trainings.
pub const HISTORY_COLUMNS: [&str; 5] = ["Date", "Effort", KNOWN_ANSWERS, NEW_ANSWERS, "Duration"];

/// `2026-12-01 14:05`, in universal time.
pub fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute) = (rest / 3_600, rest % 3_600 / 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

/// A figure in the list of trainings: `62 of 100`, or a dash if not measured.
pub fn past_figure(results: Option<&Results>) -> String {
    match results.and_then(|results| results.after.accuracy()) {
        Some(accuracy) => format!("{} of 100", super::of_hundred(accuracy)),
        None => "–".to_owned(),
    }
}

/// Duration in the list of trainings, or a dash if unknown.
pub fn past_duration(seconds: u64) -> String {
    match seconds {
        0 => "–".to_owned(),
        _ => super::duration(seconds as f64),
    }
}

/// Summary of a training run.
pub fn verdict(outcome: &Outcome) -> String {
    match outcome.change() {
        Change::Unknown if outcome.after.asked == 0 => {
            "The model is saved. There are no test questions to tell how good it is.".to_owned()
        }
        Change::Unknown => {
            "The model is saved. The one before was tested on other questions.".to_owned()
        }
        Change::Rejected { before, after } => format!(
            "Training didn’t help (right answer first: {}, instead of {before:.0}). The previous model is kept. \
             Adding other ways to ask for the same answers may help.",
            of_hundred_questions(after / 100.0)
        ),
        Change::Better { by } if by >= 1.0 => {
            format!("Right answer first for {by:.0} more of 100 questions.")
        }
        Change::Better { .. } => "Right answers rank higher than before.".to_owned(),
        Change::NoDifference => {
            "No measurable difference. Adding other ways to ask for the same answers may help."
                .to_owned()
        }
    }
}

/// What the result was compared with, if not with the previous model.
pub fn compared(outcome: &Outcome) -> Option<&'static str> {
    (outcome.elsewhere && outcome.before.accuracy().is_some()).then_some(super::folder::COMPARED)
}

/// The base encoder of a model is missing.
pub fn other_before(name: &str) -> String {
    format!(
        "The language model {name} is not on this computer, so “before” is the small built-in model."
    )
}

/// In the status line after training.
pub fn done(outcome: &Outcome) -> String {
    match outcome.after.accuracy() {
        _ if !outcome.kept => "Training didn’t help. The previous model is kept.".to_owned(),
        Some(after) => format!(
            "Training done. Right answer first: {}",
            of_hundred_questions(after)
        ),
        None => "Training done".to_owned(),
    }
}

/// Returns to the previous model, or takes the rejected new one.
pub fn go_back(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(outcome) if !outcome.kept => "Use the new model anyway",
        _ => "Use the previous model",
    }
}

/// Title of a list of questions.
pub fn mistakes_title(list: List) -> &'static str {
    match list {
        List::Fixed => "Test questions fixed now",
        List::Worse => "Test questions that got worse",
        List::Wrong => "Test questions still wrong",
    }
}

/// Below the title of a list of questions.
pub fn mistakes_below(list: List, n: usize, asked: usize) -> String {
    let of = format!("{} of {}.", number(n), test_questions(asked));
    match list {
        List::Fixed => format!("{of} Wrong before, right now."),
        List::Worse => format!("{of} Right before, wrong now."),
        List::Wrong => {
            format!("{of} Better data is the quickest fix, and most fixes take one click.")
        }
    }
}

/// Button of a list of questions.
pub fn list(list: List, n: usize) -> String {
    match list {
        List::Fixed => format!("Fixed now {}", number(n)),
        List::Worse => format!("Got worse {}", number(n)),
        List::Wrong => format!("Still wrong {}", number(n)),
    }
}

/// Instead of an empty list.
pub fn nothing_in(list: List) -> &'static str {
    match list {
        List::Fixed => "Nothing yet. After training, this list shows what has improved.",
        List::Worse => "Nothing got worse.",
        List::Wrong => "Every test question finds its answer first.",
    }
}

/// Label of a test question.
pub fn verdict_word(is_right: bool, sure: bool) -> &'static str {
    match (is_right, sure) {
        (true, _) => "right",
        (false, true) => "wrong but sure",
        (false, false) => "wrong",
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
    format!("Right answer (was {place})")
}

/// Right answers of a topic, before and after.
pub fn change(before: usize, after: usize) -> String {
    format!("{} → {}", number(before), number(after))
}

/// A topic and its number of test questions.
pub fn topic(topic: &TopicChange) -> String {
    format!("{}, {}", topic.topic, test_questions(topic.questions))
}

/// `3 times`
pub fn times(n: usize) -> String {
    count(n, "time", "times")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_counts_leap_years() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_796_083_200), "2026-12-01 00:00 UTC");
        assert_eq!(date(1_798_761_599), "2026-12-31 23:59 UTC");
    }
}
