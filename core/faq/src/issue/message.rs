//! Messages and remedies of issues, in plain language.

use super::{Field, IssueKind, ValueType};

impl IssueKind {
    /// Description of the issue, without its place: a phrase, or a sentence without its full stop
    /// for issues of the whole file.
    pub fn what(&self) -> String {
        match self {
            Self::TooLong { limit } => format!("row longer than {}", format_size(*limit)),
            Self::NotUtf8 { byte } => format!("byte {byte} is not valid UTF-8"),
            Self::NotAnObject { found } => {
                format!("found {found} instead of a question and an answer")
            }
            Self::NotJson => "not a JSON row".to_owned(),
            Self::NotClosed { missing } => {
                format!("incomplete row, missing closing {missing}")
            }
            Self::NoComma => "missing comma".to_owned(),
            Self::ExtraComma => "extra comma".to_owned(),
            Self::NoColon => "missing colon after a name".to_owned(),
            Self::SingleQuotes => "text in single quotes".to_owned(),
            Self::UnescapedQuote => "unescaped double quote inside a text".to_owned(),
            Self::BareWord { word } => format!("word {word} without quotes"),
            Self::BadBackslash => "invalid backslash escape".to_owned(),
            Self::LoneSurrogate => "incomplete character escape".to_owned(),
            Self::TextAfterEnd => "extra text after the closing }".to_owned(),
            Self::BrokenJson => "invalid JSON".to_owned(),
            Self::TooDeep { limit } => format!("brackets nested more than {limit} levels deep"),
            Self::RepeatedName { name } => format!("the name {name} appears twice"),
            Self::Missing { field } => format!("no {field}"),
            Self::Empty { field } => format!("the {field} is empty"),
            Self::WrongType { field, found } => format!("the {field} is {found}, not text"),
            Self::ManyAnswers { count } => format!("{count} answers in one row"),
            Self::Repeated { first } => format!("same question and answer as line {first}"),
            Self::TooManyRows { limit } => {
                format!("more than {limit} rows, so reading stopped here")
            }
            Self::TooManyBytes { limit } => {
                format!(
                    "file larger than {}, so reading stopped here",
                    format_size(*limit)
                )
            }
            Self::ControlCharacters { count } => {
                format!("removed {}", count_noun(*count, "control character"))
            }
            Self::ParaphrasesLeftOut { count } => {
                let entries = count_forms(
                    *count,
                    "other way to ask that isn't text",
                    "other ways to ask that aren't text",
                );
                format!("left out {entries}")
            }
            Self::ConflictingAnswer { first } => {
                format!("same question as line {first}, but a different answer")
            }
            Self::LostCharacters { count } => {
                count_forms(*count, "lost character (�)", "lost characters (�)")
            }
            Self::OneList => {
                "This file is one JSON list instead of one row per line. It was read anyway"
                    .to_owned()
            }
            Self::SpreadRows => {
                "The rows of this file span several lines each. They were read anyway".to_owned()
            }
            Self::ListNotClosed => "the list has no closing ]".to_owned(),
            Self::ReadAs { encoding } => {
                format!("This file is {encoding} instead of UTF-8. It was read anyway")
            }
            Self::MixedEncodings { rows } => format!(
                "{} Windows text (cp1252) in a file that otherwise is UTF-8. All rows were read",
                count_forms(*rows, "row is", "rows are")
            ),
            Self::NoHeader { question, answer } => format!(
                "This table has no known column names. Column {question} was used for the \
                 questions, column {answer} for the answers, and the first row was read as data"
            ),
            Self::GuessedColumns { question, answer } => format!(
                "Only one column name is known. {question} was used for the questions and \
                 {answer} for the answers"
            ),
            Self::AboveHeader => "text above the column names".to_owned(),
            Self::ExtraCells { found, expected } => format!(
                "{} in a table with {}",
                count_noun(*found, "cell"),
                count_noun(*expected, "column")
            ),
            Self::UnescapedQuotes => {
                "double quotes inside a text were kept as part of it".to_owned()
            }
            Self::UnquotedDelimiters { rows } => format!(
                "{} than the table has columns, and were cut behind the question",
                count_forms(*rows, "row has more cells", "rows have more cells")
            ),
            Self::AnswersLeftOut { count } => format!(
                "left out {}, and kept the first one",
                count_noun(*count, "further answer")
            ),
            Self::Converted { texts } => format!(
                "HTML or escaped line breaks in {} were converted to plain text with Markdown",
                count_noun(*texts, "text")
            ),
            Self::DoubleEncoded { texts } => format!(
                "{} as if the file had been opened in a wrong encoding and saved again",
                count_forms(*texts, "text looks", "texts look")
            ),
            Self::LooseNotation => {
                "This file isn't strictly valid JSON (comments, trailing commas, other quotes). It was \
                 read anyway"
                    .to_owned()
            }
            Self::UnassignedLines { lines } => format!(
                "{} outside of any question and answer",
                count_forms(*lines, "line was left out", "lines were left out")
            ),
            Self::LooksLikeWindows { lines } => format!(
                "This file looks like Windows text (cp1252): {} valid UTF-8",
                count_forms(*lines, "line is not", "lines are not")
            ),
            Self::FileLeftOut { name, reason } => {
                format!("The file {name} was not read: {}", reason.trim_end_matches('.'))
            }
            Self::HiddenSheet { name } => format!("The hidden sheet {name} was not read"),
            Self::SheetLeftOut { name, reason } => {
                format!("The sheet {name} was not read: {reason}")
            }
            Self::SharedAnswers { answers } => format!(
                "{} more than one question. These questions are treated as different ways to ask \
                 the same thing",
                count_forms(*answers, "answer has", "answers have")
            ),
        }
    }

    /// Remedy as one or more sentences; empty if nothing needs to be done.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "Shorten the row, or put each question on its own line.",
            Self::NotUtf8 { .. } => "Save the file as UTF-8, or choose its encoding.",
            Self::NotAnObject { .. } | Self::NotJson => {
                r#"Write the row as {"question": "…", "answer": "…"}."#
            }
            Self::NotClosed { missing: '"' } => "Add the missing quote.",
            Self::NotClosed { missing: ']' } => "Add the missing bracket.",
            Self::NotClosed { .. } => "Add the missing brace.",
            Self::NoComma => "Add a comma between the two entries.",
            Self::ExtraComma => "Delete the comma, or add the missing entry after it.",
            Self::NoColon => "Add a colon between the name and its text.",
            Self::SingleQuotes => r#"Use double quotes: "…"."#,
            Self::UnescapedQuote => r#"Write \" for a quote inside a text."#,
            Self::BareWord { .. } => "Put it in double quotes.",
            Self::BadBackslash => r"Write \\ for a backslash.",
            Self::LoneSurrogate => "Type the character itself, or delete the escape.",
            Self::TextAfterEnd => "Put each question on its own line, or delete the extra text.",
            Self::BrokenJson => "Compare the row with one that was read.",
            Self::TooDeep { .. } => "Keep only the question and the answer.",
            Self::RepeatedName { .. } => "Keep one of the two.",
            Self::Missing { .. } => "Add one, or delete the row.",
            Self::Empty { .. } => "Fill it in, or delete the row.",
            Self::WrongType { found, field } => match (found, field) {
                (ValueType::Null, _) => "Fill it in, or delete the row.",
                (ValueType::List, Field::Question) => {
                    r#"Name the list "questions" if it holds several ways to ask."#
                }
                (ValueType::List | ValueType::Object, _) => "Write one text in double quotes.",
                _ => "Put it in double quotes.",
            },
            Self::ManyAnswers { .. } => "Keep the best one, or put each answer in its own row.",
            Self::Repeated { .. } => "Only the first one is kept.",
            Self::TooManyRows { .. } | Self::TooManyBytes { .. } => {
                "Split the file to read the rest."
            }
            Self::ControlCharacters { .. } | Self::OneList | Self::SpreadRows => "",
            Self::ReadAs { .. } | Self::SharedAnswers { .. } => "",
            Self::ParaphrasesLeftOut { .. } => "Write each one as text in double quotes.",
            Self::ConflictingAnswer { .. } => {
                "Keep the better answer, or make the questions differ."
            }
            Self::LostCharacters { .. } => "Correct the text in the file.",
            Self::ListNotClosed => "Check that the file is complete.",
            Self::MixedEncodings { .. } => {
                "Check the accented letters, and save the file as UTF-8."
            }
            Self::NoHeader { .. } => {
                "Name the columns question and answer in the first row, or choose the columns."
            }
            Self::GuessedColumns { .. } => "Choose the columns if that is wrong.",
            Self::AboveHeader => "Delete the line if it is only a title.",
            Self::ExtraCells { .. } => {
                "Put double quotes around any text that contains the column separator."
            }
            Self::UnescapedQuotes => r#"Check the row, and write "" for a quote inside a text."#,
            Self::UnassignedLines { .. } => {
                "To include them, write each question after Q: or as a heading that ends in a \
                 question mark."
            }
            Self::HiddenSheet { .. } | Self::SheetLeftOut { .. } => "Choose this sheet to read it.",
            Self::UnquotedDelimiters { .. } => {
                "Check them, and put double quotes around texts that contain the column separator."
            }
            Self::AnswersLeftOut { .. } => "Put each answer in its own row to keep it.",
            Self::Converted { .. } | Self::LooseNotation | Self::FileLeftOut { .. } => "",
            Self::DoubleEncoded { .. } => {
                "Export the file again as UTF-8 if the accented letters are wrong."
            }
            Self::LooksLikeWindows { .. } => "Choose this encoding, or save the file as UTF-8.",
        }
    }

    /// Text between the description and the excerpt.
    pub(super) fn excerpt_prefix(&self) -> &'static str {
        match self {
            Self::Missing { .. }
            | Self::Empty { .. }
            | Self::WrongType { .. }
            | Self::ManyAnswers { .. } => " for",
            Self::UnescapedQuotes | Self::AboveHeader => ":",
            Self::TooLong { .. } | Self::TooManyBytes { .. } | Self::TooManyRows { .. } => " at",
            Self::Repeated { .. } | Self::ConflictingAnswer { .. } => ":",
            Self::ControlCharacters { .. }
            | Self::LostCharacters { .. }
            | Self::ParaphrasesLeftOut { .. }
            | Self::AnswersLeftOut { .. } => " in",
            _ => " near",
        }
    }
}

/// Formats a count with a regular noun: `1 line`, `2 lines`.
fn count_noun(count: u64, noun: &str) -> String {
    count_forms(count, noun, &format!("{noun}s"))
}

/// Formats a count with the singular or plural form of a phrase.
fn count_forms(count: u64, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}

/// Formats a number of bytes with a decimal unit: `1.5 MB`.
fn format_size(bytes: u64) -> String {
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
    count_noun(bytes, "byte")
}
