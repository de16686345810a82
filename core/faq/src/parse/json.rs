//! Parsing one JSON object into named values.
//!
//! Some checks run before and after `serde_json`: byte order marks, control characters, nesting
//! depth, duplicate names. Values stay unparsed until they are used, so that an odd value in an
//! unused field (`1e999`) doesn't cost the row.

use super::diagnose::diagnose;
use super::{Record, Rejection, Value};
use crate::{IssueKind, QUESTION_NAMES, ValueType, text};
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Maximum nesting depth of lists and objects in a row.
const MAX_DEPTH: u32 = 64;

/// All fields of an object in order, including duplicate names, with unparsed values.
struct Fields<'a>(Vec<(String, Value<'a>)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
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
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Parses one row. `scratch` stores the text if control characters have to be removed.
///
/// # Errors
/// [`Rejection`] with the first mistake, when `bytes` isn't a valid JSON object.
pub(crate) fn parse_row<'a>(
    bytes: &'a [u8],
    scratch: &'a mut String,
) -> Result<Record<'a>, Rejection> {
    let json = match core::str::from_utf8(bytes) {
        Ok(json) => json,
        Err(error) => return Err(reject_non_utf8(bytes, error.valid_up_to())),
    };
    let json = json.trim_start_matches('\u{feff}');
    let mut controls = 0;
    let json = if json.bytes().any(|b| b < b' ') {
        (*scratch, controls) = strip_json_controls(json);
        scratch.as_str()
    } else {
        json
    };
    let json = json.trim_matches([' ', '\t', '\n', '\r']);
    if measure_depth(json) > MAX_DEPTH {
        let limit = u64::from(MAX_DEPTH);
        return Err(Rejection::new(
            IssueKind::TooDeep { limit },
            excerpt_question(json),
        ));
    }
    if !json.starts_with('{') {
        let kind = match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => IssueKind::NotAnObject {
                found: ValueType::of_json(json),
            },
            Err(_) => IssueKind::NotJson,
        };
        return Err(Rejection::new(kind, text::excerpt(json)));
    }
    let fields = match serde_json::from_str::<Fields<'a>>(json) {
        Ok(Fields(fields)) => fields,
        Err(_) => {
            let (kind, at) = diagnose(json);
            let excerpt = match kind {
                // The end of the row doesn't identify it; its question does.
                IssueKind::NotClosed { .. } => excerpt_question(json),
                _ => text::excerpt_around(json, at),
            };
            return Err(Rejection::new(kind, excerpt));
        }
    };
    let mut names = HashSet::with_capacity(fields.len());
    if let Some((name, _)) = fields.iter().find(|(name, _)| !names.insert(name.as_str())) {
        let name = text::excerpt(name);
        return Err(Rejection::new(
            IssueKind::RepeatedName { name },
            excerpt_question(json),
        ));
    }
    Ok(Record { fields, controls })
}

/// Rejection of bytes that are invalid UTF-8 from offset `at` on.
pub(crate) fn reject_non_utf8(bytes: &[u8], at: usize) -> Rejection {
    let start = at.saturating_sub(100);
    let head = String::from_utf8_lossy(bytes.get(start..at).unwrap_or_default());
    let end = bytes.len().min(at + 200);
    let tail = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default());
    let byte = at as u64 + 1;
    Rejection::new(
        IssueKind::NotUtf8 { byte },
        text::excerpt_around(&format!("{head}{tail}"), head.len()),
    )
}

/// Removes control characters, which JSON forbids, and escapes tabs within strings. Line breaks
/// stay, since within a string they mean that its closing quote is missing. Returns the text and
/// the number of characters removed.
fn strip_json_controls(json: &str) -> (String, u64) {
    let mut cleaned = String::with_capacity(json.len());
    let mut controls = 0;
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            '\t' if in_string && !escaped => cleaned.push_str("\\t"),
            '\t' | '\n' | '\r' => cleaned.push(c),
            '\0'..' ' => controls += 1,
            _ => {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = in_string,
                    '"' => in_string = !in_string,
                    _ => {}
                }
                cleaned.push(c);
            }
        }
    }
    (cleaned, controls)
}

/// Maximum nesting depth of lists and objects in `json`, which may be invalid.
fn measure_depth(json: &str) -> u32 {
    let (mut depth, mut deepest) = (0u32, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Shortens a broken row to its question if one can be found, else to its beginning.
pub(crate) fn excerpt_question(json: &str) -> String {
    let lower = json.to_ascii_lowercase();
    for name in QUESTION_NAMES {
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

    fn reject(json: &str) -> (IssueKind, String) {
        let mut scratch = String::new();
        let rejection = parse_row(json.as_bytes(), &mut scratch).unwrap_err();
        (rejection.kind, rejection.excerpt)
    }

    #[test]
    fn parse_row_leaves_values_unparsed() {
        let mut scratch = String::new();
        let json = "\u{feff} {\"a\": \"x\\u0000\", \"b\": 1e999, \"c\": [\"\\ud800\", null]}\r";
        let record = parse_row(json.as_bytes(), &mut scratch).unwrap();
        let [(_, a), (_, b), (_, c)] = &record.fields[..] else {
            panic!("{record:?}");
        };
        assert_eq!(a.text().unwrap().unwrap(), "x\0");
        assert_eq!(b.label().unwrap(), "1e999");
        assert_eq!(b.text(), Ok(None));
        let list = c.list().unwrap();
        assert_eq!(list[0].text().unwrap_err().kind, IssueKind::LoneSurrogate);
        assert_eq!(list[1].value_type(), ValueType::Null);
    }

    #[test]
    fn parse_row_keeps_tabs_and_removes_controls() {
        let mut scratch = String::new();
        let record = parse_row(b"{\0\t\"a\":\"x\ty\x1b\"}", &mut scratch).unwrap();
        assert_eq!(record.controls, 2);
        assert_eq!(record.fields[0].1.text().unwrap().unwrap(), "x\ty");
    }

    #[test]
    fn parse_row_limits_nesting() {
        let bomb = format!("{{\"a\":{}", "[".repeat(200_000));
        assert_eq!(reject(&bomb).0, IssueKind::TooDeep { limit: 64 });
        let mut scratch = String::new();
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(63), "]".repeat(63));
        assert!(parse_row(deep.as_bytes(), &mut scratch).is_ok());
        assert_eq!(measure_depth(r#"{"a":"[[[\"[["}"#), 1);
    }

    #[test]
    fn parse_row_rejects_duplicate_names() {
        let kind = IssueKind::RepeatedName {
            name: "answer".to_owned(),
        };
        assert_eq!(
            reject(r#"{"answer":"x","question":"How?","\u0061nswer":"y"}"#),
            (kind, "How?".to_owned())
        );
    }
}
