//! One row of JSON: bytes to names and values.
//!
//! What serde_json lets pass or words for programmers is caught before and after it: byte order
//! marks, control characters, nesting, names that stand twice. Values stay unread until they are
//! asked for, so that nothing odd in a field nobody needs (`1e999`) costs a row.

use super::problem::{Found, ProblemKind};
use super::{diagnose, text};
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Deepest nesting of lists and objects in a row.
const DEPTH: u32 = 64;

/// Why a row, or a part of it, cannot be used; and something to recognise it by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: ProblemKind,
    pub(super) excerpt: String,
}

impl Fault {
    pub(super) fn new(kind: ProblemKind, excerpt: String) -> Self {
        Self { kind, excerpt }
    }
}

/// The names and values of one row, in their order.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) fields: Vec<(String, Value<'a>)>,
    /// Control characters that were removed before parsing.
    pub(super) controls: u64,
}

/// A value, not yet read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// JSON that is correct except perhaps for halves of characters.
    Json(&'a RawValue),
    /// A text as it is, such as a cell of a table.
    Text(&'a str),
}

impl<'a> Value<'a> {
    pub(super) fn found(self) -> Found {
        match self {
            Self::Json(json) => Found::of(json.get()),
            Self::Text(_) => Found::Text,
        }
    }

    /// The text, if it is one. `Err` when it holds half a character.
    pub(super) fn text(self) -> Result<Option<String>, Fault> {
        let json = match self {
            Self::Text(text) => return Ok(Some(text.to_owned())),
            Self::Json(_) if self.found() != Found::Text => return Ok(None),
            Self::Json(json) => json.get(),
        };
        match serde_json::from_str(json) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Fault::new(ProblemKind::HalfCharacter, text::excerpt(json))),
        }
    }

    /// The text, or the number as it is written.
    pub(super) fn label(self) -> Option<String> {
        match self {
            Self::Json(json) if self.found() == Found::Number => Some(json.get().to_owned()),
            _ => self.text().ok().flatten(),
        }
    }

    /// The elements, if it is a list.
    pub(super) fn list(self) -> Option<Vec<Value<'a>>> {
        let json = match self {
            Self::Json(json) if self.found() == Found::List => json,
            _ => return None,
        };
        let values: Vec<&'a RawValue> = serde_json::from_str(json.get()).ok()?;
        Some(values.into_iter().map(Value::Json).collect())
    }

    /// Whether it is a cell that nobody filled in, which tables are full of.
    pub(super) fn is_empty_cell(self) -> bool {
        matches!(self, Self::Text(text) if text::is_blank(text))
    }
}

/// What serde is asked for: every name, also twice, with its value unread.
struct Fields<'a>(Vec<(String, Value<'a>)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((name, Value::Json(value)));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Parses one row. `spare` holds the text when it had to be changed.
pub(super) fn parse<'a>(bytes: &'a [u8], spare: &'a mut String) -> Result<Record<'a>, Fault> {
    let json = match core::str::from_utf8(bytes) {
        Ok(json) => json,
        Err(error) => return Err(not_utf8(bytes, error.valid_up_to())),
    };
    let json = json.trim_start_matches('\u{feff}');
    let mut controls = 0;
    let json = match json.bytes().any(|b| b < b' ') {
        true => {
            (*spare, controls) = clean(json);
            spare.as_str()
        }
        false => json,
    };
    let json = json.trim_matches([' ', '\t', '\n', '\r']);
    if depth(json) > DEPTH {
        let limit = u64::from(DEPTH);
        return Err(Fault::new(ProblemKind::TooDeep { limit }, recognise(json)));
    }
    if !json.starts_with('{') {
        let kind = match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => ProblemKind::NotAnObject {
                found: Found::of(json),
            },
            Err(_) => ProblemKind::NotJson,
        };
        return Err(Fault::new(kind, text::excerpt(json)));
    }
    let fields = match serde_json::from_str::<Fields<'a>>(json) {
        Ok(Fields(fields)) => fields,
        Err(_) => {
            let (kind, at) = diagnose::diagnose(json);
            let excerpt = match kind {
                // What is missing at the end is no place; the question is one.
                ProblemKind::NotClosed { .. } => recognise(json),
                _ => text::excerpt_around(json, at),
            };
            return Err(Fault::new(kind, excerpt));
        }
    };
    let mut names = HashSet::with_capacity(fields.len());
    if let Some((name, _)) = fields.iter().find(|(name, _)| !names.insert(name.as_str())) {
        let name = text::excerpt(name);
        return Err(Fault::new(
            ProblemKind::RepeatedName { name },
            recognise(json),
        ));
    }
    Ok(Record { fields, controls })
}

/// What is told about bytes that are no text from `at` on.
pub(super) fn not_utf8(bytes: &[u8], at: usize) -> Fault {
    let start = at.saturating_sub(100);
    let head = String::from_utf8_lossy(bytes.get(start..at).unwrap_or_default());
    let end = bytes.len().min(at + 200);
    let tail = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default());
    let byte = at as u64 + 1;
    Fault::new(
        ProblemKind::NotUtf8 { byte },
        text::excerpt_around(&format!("{head}{tail}"), head.len()),
    )
}

/// Removes control characters, which JSON forbids, and writes tabs within texts as `\t`. Line
/// breaks stay: within a text they mean that its closing quote is missing.
fn clean(json: &str) -> (String, u64) {
    let mut cleaned = String::with_capacity(json.len());
    let mut controls = 0;
    let (mut in_text, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            '\t' if in_text && !escaped => cleaned.push_str("\\t"),
            '\t' | '\n' | '\r' => cleaned.push(c),
            '\0'..' ' => controls += 1,
            _ => {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = in_text,
                    '"' => in_text = !in_text,
                    _ => {}
                }
                cleaned.push(c);
            }
        }
    }
    (cleaned, controls)
}

/// How deep lists and objects are nested.
fn depth(json: &str) -> u32 {
    let (mut depth, mut deepest) = (0u32, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Something to recognise a broken row by: the text of its question if one can be seen, else its
/// beginning.
pub(super) fn recognise(json: &str) -> String {
    let lower = json.to_ascii_lowercase();
    for name in super::QUESTION_NAMES {
        let quoted = format!("\"{name}\"");
        let Some(at) = lower.find(&quoted) else {
            continue;
        };
        let rest = json.get(at + quoted.len()..).unwrap_or_default();
        let rest = rest.trim_start().strip_prefix(':').unwrap_or_default();
        let Some(question) = rest.trim_start().strip_prefix('"') else {
            continue;
        };
        let end = question.find('"').unwrap_or(question.len());
        let question = text::excerpt(question.get(..end).unwrap_or_default());
        if !question.is_empty() {
            return question;
        }
    }
    text::excerpt(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> (ProblemKind, String) {
        let mut spare = String::new();
        let fault = parse(json.as_bytes(), &mut spare).unwrap_err();
        (fault.kind, fault.excerpt)
    }

    #[test]
    fn values_stay_unread() {
        let mut spare = String::new();
        let json = "\u{feff} {\"a\": \"x\\u0000\", \"b\": 1e999, \"c\": [\"\\ud800\", null]}\r";
        let record = parse(json.as_bytes(), &mut spare).unwrap();
        let [(_, a), (_, b), (_, c)] = &record.fields[..] else {
            panic!("{record:?}");
        };
        assert_eq!(a.text().unwrap().unwrap(), "x\0");
        assert_eq!(b.label().unwrap(), "1e999");
        assert_eq!(b.text(), Ok(None));
        let list = c.list().unwrap();
        assert_eq!(list[0].text().unwrap_err().kind, ProblemKind::HalfCharacter);
        assert_eq!(list[1].found(), Found::Null);
    }

    #[test]
    fn tabs_stay_and_controls_go() {
        let mut spare = String::new();
        let record = parse(b"{\0\t\"a\":\"x\ty\x1b\"}", &mut spare).unwrap();
        assert_eq!(record.controls, 2);
        assert_eq!(record.fields[0].1.text().unwrap().unwrap(), "x\ty");
    }

    #[test]
    fn nesting_is_counted_before_parsing() {
        let bomb = format!("{{\"a\":{}", "[".repeat(200_000));
        assert_eq!(fault(&bomb).0, ProblemKind::TooDeep { limit: 64 });
        let mut spare = String::new();
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(63), "]".repeat(63));
        assert!(parse(deep.as_bytes(), &mut spare).is_ok());
        assert_eq!(depth(r#"{"a":"[[[\"[["}"#), 1);
    }

    #[test]
    fn names_may_stand_only_once() {
        let kind = ProblemKind::RepeatedName {
            name: "answer".to_owned(),
        };
        assert_eq!(
            fault(r#"{"answer":"x","question":"How?","\u0061nswer":"y"}"#),
            (kind, "How?".to_owned())
        );
    }
}
