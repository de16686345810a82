//! Records of named values, shared by all formats.

use crate::{IssueKind, ValueType, text};
use serde_json::value::RawValue;

/// Reason why a record can't become a row, with an excerpt that identifies the record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) kind: IssueKind,
    pub(crate) excerpt: String,
}

impl Rejection {
    pub(crate) fn new(kind: IssueKind, excerpt: String) -> Self {
        Self { kind, excerpt }
    }
}

/// Names and values of one record, in order.
#[derive(Debug, Default)]
pub(crate) struct Record<'a> {
    pub(crate) fields: Vec<(String, Value<'a>)>,
    /// Number of control characters removed before parsing.
    pub(crate) controls: u64,
}

/// An unparsed value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// Valid JSON, except that escaped surrogates may be unpaired.
    Json(&'a RawValue),
    /// Plain text, such as a table cell.
    Text(&'a str),
    /// List of plain texts.
    Texts(&'a [String]),
}

impl<'a> Value<'a> {
    pub(crate) fn value_type(self) -> ValueType {
        match self {
            Self::Json(json) => ValueType::of_json(json.get()),
            Self::Text(_) => ValueType::Text,
            Self::Texts(_) => ValueType::List,
        }
    }

    /// Decodes the value as text; `None` if it has another type.
    ///
    /// # Errors
    /// [`IssueKind::LoneSurrogate`], when the text has an unpaired surrogate.
    pub(crate) fn text(self) -> Result<Option<String>, Rejection> {
        let json = match self {
            Self::Text(text) => return Ok(Some(text.to_owned())),
            Self::Texts(_) => return Ok(None),
            Self::Json(_) if self.value_type() != ValueType::Text => return Ok(None),
            Self::Json(json) => json.get(),
        };
        match serde_json::from_str(json) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Rejection::new(
                IssueKind::LoneSurrogate,
                text::excerpt(json),
            )),
        }
    }

    /// Decodes the value as a text, or as a number in its original notation.
    pub(crate) fn label(self) -> Option<String> {
        match self {
            Self::Json(json) if self.value_type() == ValueType::Number => {
                Some(json.get().to_owned())
            }
            _ => self.text().ok().flatten(),
        }
    }

    /// Returns the elements of a list; `None` if the value has another type.
    pub(crate) fn list(self) -> Option<Vec<Value<'a>>> {
        let json = match self {
            Self::Json(json) if self.value_type() == ValueType::List => json,
            Self::Texts(texts) => {
                return Some(texts.iter().map(|text| Value::Text(text)).collect());
            }
            _ => return None,
        };
        let values: Vec<&'a RawValue> = serde_json::from_str(json.get()).ok()?;
        Some(values.into_iter().map(Value::Json).collect())
    }

    /// Whether the value is a blank table cell.
    pub(crate) fn is_empty_cell(self) -> bool {
        matches!(self, Self::Text(text) if text::is_blank(text))
    }
}
