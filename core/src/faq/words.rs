//! Problems in plain words: what happened, and what to do. Nothing here is a parser's own text.

use super::problem::{Field, Found, ProblemKind};

impl ProblemKind {
    /// What happened, without where.
    pub fn what(&self) -> String {
        match self {
            Self::TooLong { limit } => format!("longer than {}", size(*limit)),
            Self::NotUtf8 { byte } => format!("byte {byte} is no valid text (UTF-8)"),
            Self::NotAnObject { found } => format!("{found} instead of a row with names"),
            Self::NotJson => "this is not JSON".to_owned(),
            Self::NotClosed { missing } => {
                format!("no closing {missing} — the line is not complete")
            }
            Self::NoComma => "a comma is missing".to_owned(),
            Self::ExtraComma => "a comma with nothing after it".to_owned(),
            Self::NoColon => "a colon is missing after a name".to_owned(),
            Self::SingleQuotes => "single quotes around a text".to_owned(),
            Self::LooseQuote => "a double quote inside a text".to_owned(),
            Self::BareWord { word } => format!("the word {word} without quotes"),
            Self::BadBackslash => "a backslash that means nothing in JSON".to_owned(),
            Self::HalfCharacter => "half a character".to_owned(),
            Self::TextAfterEnd => "something stands after the closing }".to_owned(),
            Self::BrokenJson => "the JSON is broken".to_owned(),
            Self::TooDeep { limit } => format!("brackets nested more than {limit} deep"),
            Self::RepeatedName { name } => format!("the name {name} stands twice"),
            Self::Missing { field } => format!("no {field}"),
            Self::Empty { field } => format!("the {field} is empty"),
            Self::WrongType { field, found } => format!("the {field} is {found}, not a text"),
            Self::ManyAnswers { count } => format!("{count} answers in one row"),
            Self::Repeated { first } => format!("the same question and answer as line {first}"),
            Self::TooManyRows { limit } => {
                format!("more than {limit} rows — I stopped reading here")
            }
            Self::TooManyBytes { limit } => {
                format!("more than {} — I stopped reading here", size(*limit))
            }
            Self::ControlCharacters { count } => {
                format!("{} removed", counted(*count, "control character"))
            }
            Self::WordingsLeftOut { count } => {
                format!(
                    "{} left out: no text",
                    counted(*count, "way to ask|ways to ask")
                )
            }
            Self::OtherAnswer { first } => {
                format!("the question of line {first} again, with another answer")
            }
            Self::LostCharacters { count } => {
                format!("{} lost earlier (�)", counted(*count, "character"))
            }
            Self::OneList => {
                "This file is one JSON list, not one question per line. I read it anyway".to_owned()
            }
            Self::SpreadRows => {
                "This file has its rows spread over several lines. I read it anyway".to_owned()
            }
            Self::ListNotClosed => "the list has no closing ]".to_owned(),
            Self::ReadAs { encoding } => format!("This file is {encoding}. I read it anyway"),
            Self::MixedEncodings { rows } => format!(
                "{} Windows text (cp1252), others are UTF-8. I read them anyway",
                counted(*rows, "row is|rows are")
            ),
            Self::NoHeader { question, answer } => format!(
                "This table has no column names that I know. I took column {question} for the \
                 questions, column {answer} for the answers, and its first row as one of them"
            ),
            Self::GuessedColumns { question, answer } => format!(
                "I know only one of the column names. I took {question} for the questions and \
                 {answer} for the answers"
            ),
            Self::AboveNames => "this stands above the column names".to_owned(),
            Self::ExtraCells { found, expected } => {
                format!("{} in a table of {expected}", counted(*found, "column"))
            }
            Self::LooseQuotes => {
                "double quotes inside a text, which I took as part of it".to_owned()
            }
            Self::LinesOutside { lines } => {
                format!(
                    "{} to no question. I left them out",
                    counted(*lines, "line belongs|lines belong")
                )
            }
            Self::LooksLikeWindows { lines } => format!(
                "This file looks like Windows text (cp1252): {} no UTF-8",
                counted(*lines, "line is|lines are")
            ),
            Self::SharedAnswers { answers } => format!(
                "{} more than one question. I take these questions as wordings of one another",
                counted(*answers, "answer has|answers have")
            ),
        }
    }

    /// What to do about it. Empty when nothing needs to be done.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "Shorten the row, or put each question on a line of its own.",
            Self::NotUtf8 { .. } => "Save the file as UTF-8, or choose its encoding.",
            Self::NotAnObject { .. } | Self::NotJson => {
                r#"Write the row as {"question": "…", "answer": "…"}."#
            }
            Self::NotClosed { missing: '"' } => "Add the missing quote.",
            Self::NotClosed { missing: ']' } => "Add the missing bracket.",
            Self::NotClosed { .. } => "Add the missing brace.",
            Self::NoComma => "Put a comma between the two entries.",
            Self::ExtraComma => "Delete the comma, or write what should follow it.",
            Self::NoColon => "Put a colon between the name and its text.",
            Self::SingleQuotes => r#"Use double quotes: "…"."#,
            Self::LooseQuote => r#"Write \" for a quote inside a text."#,
            Self::BareWord { .. } => "Put it in double quotes.",
            Self::BadBackslash => r"Write \\ for a backslash.",
            Self::HalfCharacter => "Type the character itself, or delete the half.",
            Self::TextAfterEnd => "Put each question on a line of its own, or delete the rest.",
            Self::BrokenJson => "Compare it with a row that was read.",
            Self::TooDeep { .. } => "Keep only the question and the answer.",
            Self::RepeatedName { .. } => "Keep one of the two.",
            Self::Missing { .. } => "Add one, or delete the row.",
            Self::Empty { .. } => "Fill it in, or delete the row.",
            Self::WrongType { found, field } => match (found, field) {
                (Found::Null, _) => "Fill it in, or delete the row.",
                (Found::List, Field::Question) => {
                    r#"Call it "questions" if these are several ways to ask."#
                }
                (Found::List | Found::Object, _) => "Write it as one text in double quotes.",
                _ => "Put it in double quotes.",
            },
            Self::ManyAnswers { .. } => "Keep the best one, or give each answer a row of its own.",
            Self::Repeated { .. } => "It is kept once.",
            Self::TooManyRows { .. } | Self::TooManyBytes { .. } => {
                "Split the file to read the rest."
            }
            Self::ControlCharacters { .. } | Self::OneList | Self::SpreadRows => "",
            Self::ReadAs { .. } | Self::SharedAnswers { .. } => "",
            Self::WordingsLeftOut { .. } => "Write each as a text in double quotes.",
            Self::OtherAnswer { .. } => "Keep the better answer, or word the questions apart.",
            Self::LostCharacters { .. } => "Type them again in the file.",
            Self::ListNotClosed => "Check that the file is complete.",
            Self::MixedEncodings { .. } => "Check their accents, and save the file as UTF-8.",
            Self::NoHeader { .. } => {
                "Write question and answer above the columns, or choose the columns."
            }
            Self::GuessedColumns { .. } => "Choose the columns if that is wrong.",
            Self::AboveNames => "Delete the line if it is only a title.",
            Self::ExtraCells { .. } => {
                "Put double quotes around a text that holds the sign between the columns."
            }
            Self::LooseQuotes => r#"Check the row; "" stands for a quote inside a text."#,
            Self::LinesOutside { .. } => {
                "Write each question as a heading that ends in a question mark, or after Q:, if they \
                 should be read."
            }
            Self::LooksLikeWindows { .. } => "Choose this encoding, or save the file as UTF-8.",
        }
    }

    /// The word between what happened and the excerpt.
    pub(super) fn join(&self) -> &'static str {
        match self {
            Self::Missing { .. }
            | Self::Empty { .. }
            | Self::WrongType { .. }
            | Self::ManyAnswers { .. } => " for",
            Self::LooseQuotes | Self::AboveNames => ":",
            Self::TooLong { .. } | Self::TooManyBytes { .. } | Self::TooManyRows { .. } => ", at",
            Self::Repeated { .. } | Self::OtherAnswer { .. } => ":",
            Self::ControlCharacters { .. }
            | Self::LostCharacters { .. }
            | Self::WordingsLeftOut { .. } => " in",
            _ => " near",
        }
    }
}

/// `1 line`, `2 lines`; of `one|many` the right one.
fn counted(count: u64, unit: &str) -> String {
    match unit.split_once('|') {
        Some((one, _)) if count == 1 => format!("1 {one}"),
        Some((_, many)) => format!("{count} {many}"),
        None if count == 1 => format!("1 {unit}"),
        None => format!("{count} {unit}s"),
    }
}

/// A number of bytes in words.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = bytes / (unit / 10) % 10;
            return match tenths {
                0 => format!("{} {name}", bytes / unit),
                _ => format!("{}.{tenths} {name}", bytes / unit),
            };
        }
    }
    counted(bytes, "byte")
}
