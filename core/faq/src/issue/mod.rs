//! Issues: mistakes and remarks found while reading, each with its line and severity.

mod message;

use super::{Encoding, text};
use core::fmt;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};

/// Effect of an [`Issue`] on the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row was left out. Every record left out has exactly one issue of this severity.
    LeftOut,
    /// The row was kept with a changed text.
    Changed,
    /// Nothing was lost.
    Note,
}

/// Required field of a row.
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

/// Type of a JSON value found in place of the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// `null`
    Null,
    /// `true` or `false`
    TrueFalse,
    /// Number.
    Number,
    /// String.
    Text,
    /// `[…]`
    List,
    /// `{…}`
    Object,
}

impl ValueType {
    /// Detects the type of a valid JSON value by its first byte.
    pub(crate) fn of_json(json: &str) -> Self {
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

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::TrueFalse => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// Kind of an issue, with its details.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum IssueKind {
    /// Record above the size limit; only its beginning was held in memory.
    TooLong {
        /// Size limit in bytes.
        limit: u64,
    },
    /// Invalid bytes for the encoding of the file.
    NotUtf8 {
        /// Position of the first invalid byte in the record, counted from 1.
        byte: u64,
    },
    /// Valid JSON other than an object.
    NotAnObject {
        /// Type of the value.
        found: ValueType,
    },
    /// Not JSON.
    NotJson,
    /// Record that ends before it is complete.
    NotClosed {
        /// Missing character: `}`, `]` or `"`.
        missing: char,
    },
    /// Missing comma between two entries.
    NoComma,
    /// Comma without an entry after it.
    ExtraComma,
    /// Missing colon after a name.
    NoColon,
    /// Text in `'…'` instead of `"…"`.
    SingleQuotes,
    /// Double quote within a JSON string that isn't escaped as `\"`.
    #[serde(rename = "loose_quote")]
    UnescapedQuote,
    /// Word that isn't JSON, such as `NaN`, or a name without quotes.
    BareWord {
        /// The word, shortened.
        word: String,
    },
    /// Backslash that doesn't begin a valid escape.
    BadBackslash,
    /// Escaped UTF-16 surrogate without its counterpart.
    #[serde(rename = "half_character")]
    LoneSurrogate,
    /// Text after the closing `}`.
    TextAfterEnd,
    /// Invalid JSON of another kind.
    BrokenJson,
    /// Lists or objects nested too deeply.
    TooDeep {
        /// Maximum depth.
        limit: u64,
    },
    /// Name that occurs twice in one object.
    RepeatedName {
        /// The name, shortened.
        name: String,
    },
    /// Row without a required field.
    Missing {
        /// The missing field.
        field: Field,
    },
    /// Required field without visible text.
    Empty {
        /// The empty field.
        field: Field,
    },
    /// Required field whose value isn't text.
    WrongType {
        /// The field.
        field: Field,
        /// Type of its value.
        found: ValueType,
    },
    /// FAQ row with more than one answer.
    ManyAnswers {
        /// Number of answers.
        count: u64,
    },
    /// Row with the same question and answer as an earlier one, which is kept.
    Repeated {
        /// Line of the earlier row.
        first: u64,
    },
    /// First record beyond the row limit, where reading stopped.
    TooManyRows {
        /// Maximum number of rows.
        limit: u64,
    },
    /// First record beyond the byte limit, where reading stopped.
    TooManyBytes {
        /// Maximum number of bytes.
        limit: u64,
    },
    /// Control characters that were removed.
    ControlCharacters {
        /// Number of characters.
        count: u64,
    },
    /// Paraphrases that were left out because they aren't text.
    #[serde(rename = "wordings_left_out")] // language: allow
    ParaphrasesLeftOut {
        /// Number of entries left out.
        count: u64,
    },
    /// Question of an earlier row with a different answer.
    #[serde(rename = "other_answer")]
    ConflictingAnswer {
        /// Line of the earlier row.
        first: u64,
    },
    /// Replacement characters (�), left by a program that couldn't decode the original ones.
    LostCharacters {
        /// Number of replacement characters.
        count: u64,
    },
    /// File that is a single JSON list (line 0).
    OneList,
    /// File of JSON objects that span several lines each (line 0).
    SpreadRows,
    /// JSON list without a closing bracket; the file may be truncated.
    ListNotClosed,
    /// File read in an encoding other than UTF-8 (line 0).
    ReadAs {
        /// The encoding.
        encoding: Encoding,
    },
    /// Rows read as Windows-1252 in a file that otherwise is UTF-8 (line 0).
    MixedEncodings {
        /// Number of Windows-1252 rows.
        rows: u64,
    },
    /// Table without known column names, whose first record was read as a row (line 0).
    NoHeader {
        /// Column used for the questions, counted from 1.
        question: u64,
        /// Column used for the answers, counted from 1.
        answer: u64,
    },
    /// Table of two columns, only one of which has a known name (line 0).
    GuessedColumns {
        /// Column used for the questions.
        question: String,
        /// Column used for the answers.
        answer: String,
    },
    /// Table record above the column names.
    #[serde(rename = "above_names")]
    AboveHeader,
    /// Table record with more cells than the table has columns.
    ExtraCells {
        /// Number of cells.
        found: u64,
        /// Number of columns.
        expected: u64,
    },
    /// Rows of a table with two columns whose texts hold the delimiter without quotes around them
    /// (line 0).
    UnquotedDelimiters {
        /// Number of rows.
        rows: u64,
    },
    /// Answers left out of a row that has several, of which the first is kept.
    AnswersLeftOut {
        /// Number of answers left out.
        count: u64,
    },
    /// Texts whose HTML or escaped line breaks were converted (line 0).
    Converted {
        /// Number of texts.
        texts: u64,
    },
    /// Texts that were decoded in the wrong encoding and saved again, such as `Ã¡` (line 0).
    DoubleEncoded {
        /// Number of texts.
        texts: u64,
    },
    /// Mistakes in the notation of a data file, such as comments or trailing commas, that were read
    /// over (line 0).
    LooseNotation,
    /// Quotes within a table cell that aren't doubled and were kept as part of the text.
    #[serde(rename = "loose_quotes")]
    UnescapedQuotes,
    /// Lines of a text outside of any question and answer (line 0).
    #[serde(rename = "lines_outside")]
    UnassignedLines {
        /// Number of lines.
        lines: u64,
    },
    /// JSON lines that are invalid UTF-8 but valid Windows-1252 (line 0).
    LooksLikeWindows {
        /// Number of lines.
        lines: u64,
    },
    /// File among several that wasn't read (line 0).
    FileLeftOut {
        /// Name of the file.
        name: String,
        /// Why, as a sentence.
        reason: String,
    },
    /// Hidden sheet of a workbook, which wasn't read (line 0).
    HiddenSheet {
        /// Name of the sheet.
        name: String,
    },
    /// Sheet of a workbook that wasn't read (line 0).
    SheetLeftOut {
        /// Name of the sheet.
        name: String,
        /// Why, as a phrase.
        reason: String,
    },
    /// Answers with several questions, which then count as paraphrases of each other (line 0).
    SharedAnswers {
        /// Number of answers.
        answers: u64,
    },
}

impl IssueKind {
    /// Severity of issues of this kind.
    pub fn severity(&self) -> Severity {
        match self {
            Self::ControlCharacters { .. }
            | Self::ParaphrasesLeftOut { .. }
            | Self::AnswersLeftOut { .. } => Severity::Changed,
            Self::ConflictingAnswer { .. }
            | Self::LostCharacters { .. }
            | Self::OneList
            | Self::SpreadRows
            | Self::ListNotClosed
            | Self::ReadAs { .. }
            | Self::MixedEncodings { .. }
            | Self::NoHeader { .. }
            | Self::GuessedColumns { .. }
            | Self::UnescapedQuotes
            | Self::UnquotedDelimiters { .. }
            | Self::Converted { .. }
            | Self::DoubleEncoded { .. }
            | Self::LooseNotation
            | Self::UnassignedLines { .. }
            | Self::LooksLikeWindows { .. }
            | Self::FileLeftOut { .. }
            | Self::HiddenSheet { .. }
            | Self::SheetLeftOut { .. }
            | Self::SharedAnswers { .. } => Severity::Note,
            _ => Severity::LeftOut,
        }
    }
}

/// Mistake or remark about one line of a file, or about the whole file (line 0).
///
/// `Display` formats it as a sentence followed by its remedy:
///
/// ```
/// use nearsay_faq::{Issue, IssueKind};
///
/// let issue = Issue::new(318, IssueKind::NotClosed { missing: '}' }, "How do I…");
/// assert_eq!(
///     issue.to_string(),
///     "line 318: incomplete row, missing closing } near \"How do I…\". Add the missing brace."
/// );
/// ```
///
/// Its JSON form also has the keys `what` and `fix`, so that scripts needn't know every kind, and
/// lacks `raw` and `file` if they are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Issue {
    /// Line on which the record begins, counted from 1; 0 for the whole file.
    pub line: u64,
    /// Effect on the rows.
    pub severity: Severity,
    /// Kind and details.
    pub kind: IssueKind,
    /// Text that identifies the place: one line of at most 80 printable characters; may be empty.
    pub excerpt: String,
    /// The record that was left out, at most [`Issue::MAX_RAW_CHARS`] characters of it. `None` for other
    /// severities.
    #[serde(default)]
    pub raw: Option<String>,
    /// Name of the file, if several were read as one.
    #[serde(default)]
    pub file: Option<String>,
}

impl Issue {
    /// Maximum length of [`Issue::raw`] in characters.
    pub const MAX_RAW_CHARS: usize = 4096;

    /// Creates an issue. The excerpt is shortened and stripped of unprintable characters.
    pub fn new(line: u64, kind: IssueKind, excerpt: &str) -> Self {
        Self {
            line,
            severity: kind.severity(),
            kind,
            excerpt: text::excerpt(excerpt),
            raw: None,
            file: None,
        }
    }

    /// Description of the issue, without place and remedy.
    pub fn what(&self) -> String {
        self.kind.what()
    }

    /// Remedy as one or more sentences; empty if nothing needs to be done.
    pub fn fix(&self) -> &'static str {
        self.kind.fix()
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), 0) => write!(f, "{file}: ")?,
            (Some(file), line) => write!(f, "{file}, line {line}: ")?,
            (None, 0) => {}
            (None, line) => write!(f, "line {line}: ")?,
        }
        f.write_str(&self.what())?;
        if !self.excerpt.is_empty() {
            write!(f, "{} \"{}\"", self.kind.excerpt_prefix(), self.excerpt)?;
        }
        f.write_str(".")?;
        match self.fix() {
            "" => Ok(()),
            fix => write!(f, " {fix}"),
        }
    }
}

impl Serialize for Issue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 6 + usize::from(self.raw.is_some()) + usize::from(self.file.is_some());
        let mut out = serializer.serialize_struct("Issue", fields)?;
        out.serialize_field("line", &self.line)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("kind", &self.kind)?;
        out.serialize_field("excerpt", &self.excerpt)?;
        out.serialize_field("what", &self.what())?;
        out.serialize_field("fix", self.fix())?;
        if let Some(raw) = &self.raw {
            out.serialize_field("raw", raw)?;
        }
        if let Some(file) = &self.file {
            out.serialize_field("file", file)?;
        }
        out.end()
    }
}
