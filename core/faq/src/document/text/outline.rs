//! Texts of headings: which headings are questions, and what belongs to their answers.

use super::clean::{clean_answer, clean_heading, looks_asked};
use crate::document::{Document, FieldRecord, FieldValue};
use crate::{FileFormat, ReadError, text};
use std::borrow::Cow;

/// Depth of bold lines and summaries, below every heading.
pub(super) const BOLD: u8 = 7;

/// Depth of list items that end in a question mark.
pub(super) const ITEM: u8 = 8;

/// A line of a text with its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Number of the line, counted from 1.
    pub(super) number: u64,
    pub(super) role: Role,
    /// The line as it stands in an answer.
    pub(super) text: String,
}

/// Role of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Heading with its depth, from 1.
    Heading(u8),
    Text,
    /// End of an answer, such as `</details>`.
    End,
    /// Markup without text of its own.
    Markup,
}

/// Heading with the facts that decide whether it is a question.
struct Heading {
    /// Index of its line.
    at: usize,
    depth: u8,
    text: String,
    is_asked: bool,
    /// Whether text stands between it and the next heading.
    has_body: bool,
    /// Whether a deeper heading below it ends in a question mark.
    has_asked_below: bool,
    is_question: bool,
}

/// Headings beside questions that aren't questions.
#[rustfmt::skip]
const NO_QUESTIONS: &[&str] = &[
    "contents", "content", "table of contents", "toc", "index", "overview", "introduction",
    "see also", "references", "related", "links", "license", "faq", "faqs", "inhalt",
    "inhaltsverzeichnis", "einleitung", "sommaire", "introducción", "índice", "indice",
    "frequently asked questions", "目录", "目次", "содержание", "changelog", "on this page",
];

/// Finds the questions among headings and collects their answers.
///
/// # Errors
/// [`ReadError::NothingFound`], when no heading is a question.
pub(super) fn extract(lines: Vec<Line>, format: FileFormat) -> Result<Document, ReadError> {
    let headings = judge_headings(&lines);
    let mut topics = find_topics(&headings);
    let mut records = Vec::new();
    let mut assigned = 0;
    for (i, heading) in headings.iter().enumerate() {
        if !heading.is_question {
            continue;
        }
        let ends = headings
            .get(i + 1..)
            .unwrap_or_default()
            .iter()
            .find(|next| {
                next.is_question
                    || (next.depth <= heading.depth && next.depth < BOLD.max(heading.depth + 1))
            });
        let end = ends.map_or(lines.len(), |next| next.at);
        let body = lines.get(heading.at + 1..end).unwrap_or_default();
        let stop = body.iter().position(|line| line.role == Role::End);
        let body = body.get(..stop.unwrap_or(body.len())).unwrap_or_default();
        assigned += 1 + body.iter().filter(|line| is_visible(line)).count();
        let kept = body.iter().filter(|line| line.role != Role::Markup);
        let kept: Vec<Cow<'_, str>> = kept.map(write_line).collect();
        let answer = clean_answer(kept.iter().map(|line| line.as_ref()));
        let Some(line) = lines.get(heading.at) else {
            continue;
        };
        let mut record = FieldRecord {
            position: line.number,
            fields: vec![(
                "question".to_owned(),
                FieldValue::Text(heading.text.clone()),
            )],
        };
        record = record.with("answer", answer);
        if let Some(topic) = topics.get_mut(i).and_then(Option::take) {
            record = record.with("topic", topic);
        }
        records.push(record);
    }
    if records.is_empty() {
        return Err(ReadError::NothingFound {
            format,
            looked_for: "Write each question as a heading, and its answer below it.",
        });
    }
    let visible = lines.iter().filter(|line| is_visible(line)).count();
    let blank = lines
        .iter()
        .filter(|line| text::is_blank(&line.text))
        .count();
    let last = lines.last().map_or(0, |line| line.number);
    let mut document = Document::of_records(format, records, last);
    document.blank = blank as u64;
    document.unassigned = visible.saturating_sub(assigned) as u64;
    Ok(document)
}

/// Writes a line as Markdown.
fn write_line(line: &Line) -> Cow<'_, str> {
    match line.role {
        Role::Heading(depth @ 1..BOLD) => {
            Cow::Owned(format!("{} {}", "#".repeat(usize::from(depth)), line.text))
        }
        Role::Heading(BOLD) => Cow::Owned(format!("**{}**", line.text)),
        _ => Cow::Borrowed(&line.text),
    }
}

fn is_visible(line: &Line) -> bool {
    !matches!(line.role, Role::Markup | Role::End) && !text::is_blank(&line.text)
}

/// Decides which headings are questions.
fn judge_headings(lines: &[Line]) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Role::Heading(depth) = line.role else {
            if is_visible(line)
                && let Some(last) = headings.last_mut()
            {
                last.has_body = true;
            }
            continue;
        };
        let text = clean_heading(&line.text);
        headings.push(Heading {
            at,
            depth,
            is_asked: looks_asked(&text),
            text,
            has_body: false,
            has_asked_below: false,
            is_question: false,
        });
    }
    // Items of lists are questions only where no heading is one.
    if headings
        .iter()
        .any(|heading| heading.is_asked && heading.depth < ITEM)
    {
        headings.retain(|heading| heading.depth < ITEM);
    }
    let mut stack: Vec<usize> = Vec::new();
    for i in 0..headings.len() {
        let (depth, asked) = headings
            .get(i)
            .map_or((0, false), |h| (h.depth, h.is_asked));
        stack.retain(|above| headings.get(*above).is_some_and(|h| h.depth < depth));
        if asked {
            for above in &stack {
                if let Some(heading) = headings.get_mut(*above) {
                    heading.has_asked_below = true;
                }
            }
        }
        stack.push(i);
    }
    let main = find_main_depth(&headings);
    for heading in &mut headings {
        let is_title = heading.has_asked_below && !heading.has_body;
        let is_named = NO_QUESTIONS.contains(&text::normalize(&heading.text).trim_end_matches(':'));
        heading.is_question = if heading.is_asked {
            !is_title
        } else {
            main == Some(heading.depth) && !heading.has_asked_below && heading.has_body && !is_named
        };
    }
    headings
}

/// Depth at which all headings are questions, with or without a question mark.
fn find_main_depth(headings: &[Heading]) -> Option<u8> {
    let at_depth = |depth: u8| {
        headings
            .iter()
            .filter(move |heading| heading.depth == depth)
    };
    let asked = |depth: u8| at_depth(depth).filter(|heading| heading.is_asked).count();
    let answered = |depth: u8| at_depth(depth).filter(|heading| heading.has_body).count();
    let depths = 1..=ITEM;
    let main = depths.clone().max_by_key(|depth| (asked(*depth), *depth))?;
    if asked(main) > 0 {
        let share = if asked(main) > 1 { 3 } else { 2 };
        let is_enough = asked(main) * share >= at_depth(main).count();
        return is_enough.then_some(main);
    }
    let is_answered = |depth: &u8| {
        let all = at_depth(*depth).count();
        all > 1 && answered(*depth) * 5 >= all * 3
    };
    // Bold lines are often notes, so headings come first.
    let headed = (1..BOLD)
        .filter(is_answered)
        .max_by_key(|depth| (answered(*depth), *depth));
    headed.or_else(|| Some(BOLD).filter(is_answered))
}

/// For each heading, the nearest one above it that isn't a question. The title of the whole text
/// isn't a topic.
fn find_topics(headings: &[Heading]) -> Vec<Option<String>> {
    let shallowest = headings.iter().map(|heading| heading.depth).min();
    let titles = headings
        .iter()
        .filter(|heading| Some(heading.depth) == shallowest)
        .count();
    let mut above: Vec<&Heading> = Vec::new();
    let mut topics = Vec::with_capacity(headings.len());
    for heading in headings {
        above.retain(|other| other.depth < heading.depth);
        let topic = above.iter().rev().find(|other| {
            let is_title = Some(other.depth) == shallowest && titles == 1;
            !other.is_question && !is_title
        });
        topics.push(topic.map(|topic| topic.text.clone()));
        above.push(heading);
    }
    topics
}
