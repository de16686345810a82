//! FAQ data that pages hold for search engines: JSON-LD of schema.org.

use super::super::{FieldRecord, FieldValue};
use crate::html::{Dom, html_to_markdown, html_to_text};
use crate::text;
use serde_json::Value;

/// Finds the questions in all JSON-LD scripts of a page. A question that occurs several times is
/// taken once.
pub(super) fn find_pairs(dom: &Dom, depth: usize) -> Vec<FieldRecord> {
    let mut records = Vec::new();
    for id in dom.descendants(0) {
        let kind = dom.attribute(id, "type").to_ascii_lowercase();
        if dom.name(id) != "script" || !kind.contains("ld+json") {
            continue;
        }
        let script: String = dom.children(id).filter_map(|text| dom.text(text)).collect();
        if let Some(value) = parse(&script) {
            collect(&value, dom.line(id), depth, &mut records);
        }
    }
    let mut seen = std::collections::HashSet::new();
    records.retain(|record: &FieldRecord| match record.fields.first() {
        Some((_, FieldValue::Text(question))) => seen.insert(text::normalize(question)),
        _ => true,
    });
    records
}

/// Parses a script, whose strings often have line breaks that JSON forbids.
fn parse(script: &str) -> Option<Value> {
    let script = script.trim();
    let script = script.strip_prefix("//").unwrap_or(script).trim_start();
    let script = script.strip_prefix("<![CDATA[").unwrap_or(script);
    let script = script.trim_end_matches(['/', ']', '>', '\n', ' ']);
    // The end may have belonged to a list.
    let candidates = [script.to_owned(), format!("{script}]")];
    candidates.into_iter().find_map(|json| {
        serde_json::from_str(&json)
            .or_else(|_| serde_json::from_str(&json.replace(|c: char| c.is_control(), " ")))
            .ok()
    })
}

/// Collects the questions in a value, in order.
fn collect(value: &Value, line: u64, depth: usize, records: &mut Vec<FieldRecord>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(values) => {
            for value in values {
                collect(value, line, depth - 1, records);
            }
        }
        Value::Object(object) => {
            if is_type(object.get("@type"), "Question")
                && let Some(record) = read_question(object, line)
            {
                records.push(record);
                return;
            }
            for value in object.values() {
                collect(value, line, depth - 1, records);
            }
        }
        _ => {}
    }
}

fn is_type(value: Option<&Value>, wanted: &str) -> bool {
    let is_wanted = |name: &str| name.rsplit(['/', ':']).next() == Some(wanted);
    match value {
        Some(Value::String(name)) => is_wanted(name),
        Some(Value::Array(names)) => names.iter().any(|n| n.as_str().is_some_and(is_wanted)),
        _ => false,
    }
}

fn read_question(object: &serde_json::Map<String, Value>, line: u64) -> Option<FieldRecord> {
    let name = ["name", "text", "headline"]
        .iter()
        .find_map(|key| object.get(*key)?.as_str())?;
    let answers = ["acceptedAnswer", "suggestedAnswer"]
        .iter()
        .find_map(|key| object.get(*key))?;
    let answers: Vec<&Value> = match answers {
        Value::Array(answers) => answers.iter().collect(),
        answer => vec![answer],
    };
    let texts = answers.into_iter().filter_map(|answer| match answer {
        Value::String(text) => Some(text.as_str()),
        answer => ["text", "description", "name"]
            .iter()
            .find_map(|key| answer.get(*key)?.as_str()),
    });
    let texts: Vec<String> = texts.map(read_text).collect();
    Some(FieldRecord::pair(
        line,
        html_to_text(name),
        texts.join("\n\n"),
    ))
}

/// Converts the text of an answer, which may be HTML, escaped HTML, or plain text with line breaks.
fn read_text(answer: &str) -> String {
    let has_tags = answer.contains("</") || answer.contains("/>") || answer.contains("<br");
    if has_tags {
        html_to_markdown(answer)
    } else if answer.contains("&lt;") {
        html_to_markdown(&html_to_text(answer))
    } else {
        let lines: Vec<String> = answer.trim().lines().map(html_to_text).collect();
        lines.join("\n")
    }
}
