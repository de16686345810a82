//! GIFT, Moodle's text format of quizzes.

use crate::document::{Document, FieldRecord, FieldValue, Head};
use crate::{FileFormat, IssueKind, ReadError, ReadOptions, text};

pub(super) fn recognize(head: &Head<'_>) -> bool {
    let is_titled = |line: &str| {
        line.starts_with("::") && line.get(2..).is_some_and(|rest| rest.contains("::"))
    };
    let has_title = head.text.lines().any(|line| is_titled(line.trim()));
    has_title && head.text.contains('{') && head.text.contains('=')
}

/// Reads the questions with their right answers.
pub(super) fn read(source: &str, _: &ReadOptions) -> Result<Document, ReadError> {
    let mut records = Vec::new();
    let mut issues = Vec::new();
    let mut topic = String::new();
    // Lines of a question up to the blank line behind it.
    let mut block: Vec<&str> = Vec::new();
    let mut start = 0;
    let mut total = 0;
    for (at, line) in source.lines().chain([""]).enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with("//") {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix("$CATEGORY:") {
            topic = name
                .trim()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            continue;
        }
        total = at as u64;
        if !trimmed.is_empty() {
            if block.is_empty() {
                start = at as u64 + 1;
            }
            block.push(trimmed);
            continue;
        }
        if block.is_empty() {
            continue;
        }
        let text = core::mem::take(&mut block).join("\n");
        match read_question(&text) {
            Some((question, answers)) => {
                let more = answers.len().saturating_sub(1) as u64;
                if more > 0 {
                    let kind = IssueKind::AnswersLeftOut { count: more };
                    issues.push((start, kind, question.clone()));
                }
                let record = FieldRecord {
                    position: start,
                    fields: vec![("question".to_owned(), FieldValue::Text(question))],
                };
                let answer = answers.into_iter().next().unwrap_or_default();
                records.push(record.with("answer", answer).with("topic", topic.clone()));
            }
            None => issues.push((
                start,
                IssueKind::NotClosed { missing: '}' },
                text::excerpt(&text),
            )),
        }
    }
    if records.is_empty() {
        return Err(ReadError::NothingFound {
            format: FileFormat::PlainText,
            looked_for: "Write the right answer of each question as {=answer}.",
        });
    }
    let mut document = Document::of_records(FileFormat::PlainText, records, total);
    document.issues = issues;
    Ok(document)
}

/// Question and right answers of a block; `None` without braces.
fn read_question(block: &str) -> Option<(String, Vec<String>)> {
    let block = match block
        .strip_prefix("::")
        .and_then(|rest| rest.split_once("::"))
    {
        Some((_, rest)) => rest,
        None => block,
    };
    let open = find_plain(block, '{')?;
    let rest = block.get(open + 1..)?;
    let close = find_plain(rest, '}')?;
    let before = block.get(..open)?;
    let after = rest.get(close + 1..)?.trim();
    let before = before.trim();
    let before = ["[html]", "[markdown]", "[plain]", "[moodle]"]
        .iter()
        .find_map(|kind| before.strip_prefix(kind))
        .unwrap_or(before);
    let question = match after {
        "" => unescape(before.trim()),
        after => unescape(&format!("{} _____ {after}", before.trim())),
    };
    let mut answers = Vec::new();
    let inside = rest.get(..close)?;
    let mut parts: Vec<(char, String)> = Vec::new();
    let mut escaped = false;
    for c in inside.chars() {
        match c {
            '=' | '~' | '#' if !escaped => parts.push((c, String::new())),
            _ => {
                if let Some((_, part)) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
        escaped = c == '\\' && !escaped;
    }
    for (mark, part) in &parts {
        // A weight such as `%100%` stands before the answer.
        let text = part.trim();
        let (weight, text) = match text.strip_prefix('%').and_then(|rest| rest.split_once('%')) {
            Some((weight, text)) => (Some(weight), text),
            None => (None, text),
        };
        if *mark == '=' || (*mark == '~' && weight == Some("100")) {
            answers.push(unescape(text.trim()));
        }
    }
    if parts.is_empty() {
        let word = inside.trim();
        answers.extend(match word.to_ascii_uppercase().as_str() {
            "T" | "TRUE" => Some("True".to_owned()),
            "F" | "FALSE" => Some("False".to_owned()),
            _ => None,
        });
    }
    Some((question, answers))
}

/// Offset of a character that isn't escaped.
fn find_plain(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == wanted && !escaped {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('n')) => {
                chars.next();
                plain.push('\n');
            }
            ('\\', Some(next)) if "~=#{}:\\".contains(next) => {
                chars.next();
                plain.push(next);
            }
            _ => plain.push(c),
        }
    }
    plain
}
