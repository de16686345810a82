//! What is wrong with a row: where, what, and what it cost. Its words are in `words`.

use super::{Encoding, text};
use core::fmt;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};

/// How much a [`Problem`] cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row could not be used. Every row left out has exactly one such problem.
    LeftOut,
    /// The row was read, but not to the letter.
    Changed,
    /// Good to know; nothing was lost.
    Note,
}

/// One of the two texts a row must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The question.
    Question,
    /// The answer.
    Answer,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Question => "question",
            Self::Answer => "answer",
        })
    }
}

/// What stands where a text, or a whole row, should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// `null`
    Null,
    /// `true` or `false`
    TrueFalse,
    /// A number.
    Number,
    /// A text.
    Text,
    /// `[…]`
    List,
    /// `{…}`
    Object,
}

impl Found {
    /// What a correct JSON value is, by its first byte.
    pub(super) fn of(json: &str) -> Self {
        match json.trim_start().as_bytes().first() {
            Some(b'"') => Self::Text,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Object,
            Some(b't' | b'f') => Self::TrueFalse,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::TrueFalse => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// Longer than one row may be. Nothing but its beginning was held in memory.
    TooLong {
        /// The most bytes a row may have.
        limit: u64,
    },
    /// Not text in the encoding of the file.
    NotUtf8 {
        /// The first byte that is wrong, counted from 1.
        byte: u64,
    },
    /// Correct JSON, but no object with names.
    NotAnObject {
        /// What it is.
        found: Found,
    },
    /// Not JSON at all.
    NotJson,
    /// Ends before it is complete.
    NotClosed {
        /// What is missing: `}`, `]` or `"`.
        missing: char,
    },
    /// No comma between two entries.
    NoComma,
    /// A comma with nothing after it.
    ExtraComma,
    /// No colon after a name.
    NoColon,
    /// `'…'` instead of `"…"`.
    SingleQuotes,
    /// A `"` inside a text that is not written `\"`.
    LooseQuote,
    /// A word that JSON does not know, such as `NaN`, or a name without quotes.
    BareWord {
        /// The word.
        word: String,
    },
    /// A backslash followed by something it cannot stand before.
    BadBackslash,
    /// One half of a character that takes two escapes.
    HalfCharacter,
    /// Something after the closing `}`.
    TextAfterEnd,
    /// Wrong in another way.
    BrokenJson,
    /// Lists or objects nested too deep.
    TooDeep {
        /// The deepest nesting that is read.
        limit: u64,
    },
    /// One name twice in one object.
    RepeatedName {
        /// The name.
        name: String,
    },
    /// The row has no such field.
    Missing {
        /// Which.
        field: Field,
    },
    /// The field has no text that can be seen.
    Empty {
        /// Which.
        field: Field,
    },
    /// The field is no text.
    WrongType {
        /// Which.
        field: Field,
        /// What it is.
        found: Found,
    },
    /// More than one answer in an FAQ row, which should have one.
    ManyAnswers {
        /// How many.
        count: u64,
    },
    /// The same question and answer as before. Kept once.
    Repeated {
        /// The line that is kept.
        first: u64,
    },
    /// There is more, but the limit of rows is reached.
    TooManyRows {
        /// The limit.
        limit: u64,
    },
    /// There is more, but the limit of bytes is reached.
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// Characters that cannot be shown were removed.
    ControlCharacters {
        /// How many.
        count: u64,
    },
    /// Entries in the list of further ways to ask that are no text.
    WordingsLeftOut {
        /// How many.
        count: u64,
    },
    /// A question asked before, now with another answer.
    OtherAnswer {
        /// The line where it stands first.
        first: u64,
    },
    /// The sign � stands where an earlier program lost a character.
    LostCharacters {
        /// How many.
        count: u64,
    },
    /// The whole file is one list (line 0).
    OneList,
    /// Objects written over several lines each (line 0).
    SpreadRows,
    /// The list has no end: the file may be cut short.
    ListNotClosed,
    /// Read in another encoding than UTF-8 (line 0).
    ReadAs {
        /// Which.
        encoding: Encoding,
    },
    /// Rows that are no UTF-8 among others that are, read as Windows text (line 0).
    MixedEncodings {
        /// How many.
        rows: u64,
    },
    /// A table without names that are known: its first record is a row too (line 0).
    NoHeader {
        /// The place of the column that was taken for the questions, counted from 1.
        question: u64,
        /// The place of the column that was taken for the answers, counted from 1.
        answer: u64,
    },
    /// A table of two columns of which one has a name that is known (line 0).
    GuessedColumns {
        /// The column that was taken for the questions.
        question: String,
        /// The column that was taken for the answers.
        answer: String,
    },
    /// A record of a table above the names of its columns.
    AboveNames,
    /// A record of a table has more cells than there are columns.
    ExtraCells {
        /// How many cells.
        found: u64,
        /// How many columns.
        expected: u64,
    },
    /// Quotes within a cell that are not doubled. They were taken as part of the text.
    LooseQuotes,
    /// Lines of a text that belong to no question (line 0).
    LinesOutside {
        /// How many.
        lines: u64,
    },
    /// Lines that are no UTF-8, but would be Windows text (line 0).
    LooksLikeWindows {
        /// How many.
        lines: u64,
    },
    /// Answers with several questions, which then count as wordings of one another (line 0).
    SharedAnswers {
        /// How many.
        answers: u64,
    },
}

impl ProblemKind {
    /// What such a problem costs.
    pub fn severity(&self) -> Severity {
        match self {
            Self::ControlCharacters { .. } | Self::WordingsLeftOut { .. } => Severity::Changed,
            Self::OtherAnswer { .. }
            | Self::LostCharacters { .. }
            | Self::OneList
            | Self::SpreadRows
            | Self::ListNotClosed
            | Self::ReadAs { .. }
            | Self::MixedEncodings { .. }
            | Self::NoHeader { .. }
            | Self::GuessedColumns { .. }
            | Self::LooseQuotes
            | Self::LinesOutside { .. }
            | Self::LooksLikeWindows { .. }
            | Self::SharedAnswers { .. } => Severity::Note,
            _ => Severity::LeftOut,
        }
    }
}

/// Something to tell about one line of a file, or (line 0) about the file.
///
/// As text it is one sentence and its remedy:
///
/// ```
/// use nearsay_core::faq::{Problem, ProblemKind};
///
/// let problem = Problem::new(318, ProblemKind::NotClosed { missing: '}' }, "How do I…");
/// assert_eq!(
///     problem.to_string(),
///     "line 318: no closing } — the line is not complete near \"How do I…\". \
///      Add the missing brace."
/// );
/// ```
///
/// As JSON it also carries `what` and `fix`, so that a script need not know every kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Problem {
    /// The line, counted from 1; 0 for the whole file. Of a row over several lines, the first.
    pub line: u64,
    /// How much it cost.
    pub severity: Severity,
    /// What it is.
    pub kind: ProblemKind,
    /// Something to recognise the place by: on one line, at most 80 characters, safe to print.
    pub excerpt: String,
}

impl Problem {
    /// A problem at a line. The excerpt is shortened and made safe to print.
    pub fn new(line: u64, kind: ProblemKind, excerpt: &str) -> Self {
        Self {
            line,
            severity: kind.severity(),
            kind,
            excerpt: text::excerpt(excerpt),
        }
    }

    /// What happened.
    pub fn what(&self) -> String {
        self.kind.what()
    }

    /// What to do about it; may be empty.
    pub fn fix(&self) -> &'static str {
        self.kind.fix()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.what())?;
        if !self.excerpt.is_empty() {
            write!(f, "{} \"{}\"", self.kind.join(), self.excerpt)?;
        }
        f.write_str(".")?;
        match self.fix() {
            "" => Ok(()),
            fix => write!(f, " {fix}"),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 6)?;
        out.serialize_field("line", &self.line)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("kind", &self.kind)?;
        out.serialize_field("excerpt", &self.excerpt)?;
        out.serialize_field("what", &self.what())?;
        out.serialize_field("fix", self.fix())?;
        out.end()
    }
}
