//! Texts in which two labels take turns: chats, interviews, and labels in any language.

use super::clean::{clean_answer, looks_asked};
use crate::document::{Document, FieldRecord, FieldValue};
use crate::{FileFormat, ReadError, text};
use std::collections::HashMap;

/// Maximum length of a label, in characters.
const MAX_LABEL: usize = 30;

/// Letters that stand for question and answer in other languages than English.
#[rustfmt::skip]
const LETTERS: &[(&str, &str)] = &[
    ("в", "о"), ("p", "r"), ("q", "r"), ("d", "r"), ("v", "a"), ("f", "s"), ("k", "v"),
    ("s", "c"), ("ε", "α"), ("p", "o"), ("문", "답"), ("ש", "ת"), ("س", "ج"), ("h", "d"),
    ("t", "j"), ("n", "h"), ("k", "f"), ("f", "a"), ("î", "r"), ("i", "r"), ("问", "答"), ("問", "答"),
];

/// Speakers who ask.
const ASKERS: &[&str] = &[
    "user",
    "human",
    "customer",
    "client",
    "visitor",
    "you",
    "interviewer",
    "kunde",
    "cliente",
];

/// A line with its label and the text behind it.
struct Turn<'t> {
    label: String,
    text: &'t str,
}

/// Labels of the questions and the answers.
struct Labels {
    question: String,
    answer: String,
}

/// Whether two labels take turns in a text, of which one asks.
pub(super) fn has_turns(text: &str) -> bool {
    find_labels(text).is_some()
}

/// Reads the questions and answers of a text.
///
/// # Errors
/// [`ReadError::NothingFound`], when no two labels take turns.
pub(super) fn read(source: &str) -> Result<Document, ReadError> {
    let labels = find_labels(source).ok_or(ReadError::NothingFound {
        format: FileFormat::LabelledText,
        looked_for: "Write Q: before each question and A: before its answer.",
    })?;
    let mut records: Vec<FieldRecord> = Vec::new();
    // Position, lines of the question, and lines of the answer.
    let mut open: Option<(u64, Vec<&str>, Vec<&str>)> = None;
    let (mut unassigned, mut blank, mut total) = (0, 0, 0);
    for (at, line) in source.lines().enumerate() {
        total = at as u64 + 1;
        blank += u64::from(text::is_blank(line));
        match parse_turn(line) {
            Some(turn) if turn.label == labels.question => match &mut open {
                // The question goes on in a second message.
                Some((_, question, answer)) if answer.is_empty() => question.push(turn.text),
                _ => {
                    records.extend(open.take().map(to_record));
                    open = Some((total, vec![turn.text], Vec::new()));
                }
            },
            Some(turn) if turn.label == labels.answer && open.is_some() => {
                if let Some((_, _, answer)) = &mut open {
                    answer.push(turn.text);
                }
            }
            _ => match &mut open {
                Some((_, question, answer)) if answer.is_empty() => question.push(line),
                Some((_, _, answer)) => answer.push(line),
                None => unassigned += u64::from(!text::is_blank(line)),
            },
        }
    }
    records.extend(open.take().map(to_record));
    let mut document = Document::of_records(FileFormat::LabelledText, records, total);
    document.blank = blank;
    document.unassigned = unassigned;
    Ok(document)
}

fn to_record((position, question, answer): (u64, Vec<&str>, Vec<&str>)) -> FieldRecord {
    let question = question.join("\n").trim().to_owned();
    let fields = vec![("question".to_owned(), FieldValue::Text(question))];
    FieldRecord { position, fields }.with("answer", clean_answer(answer.into_iter()))
}

/// Finds the two labels that take turns at least twice and begin most of the lines.
fn find_labels(text: &str) -> Option<Labels> {
    let turns: Vec<Option<Turn<'_>>> = text
        .lines()
        .filter(|line| !text::is_blank(line))
        .take(2000)
        .map(parse_turn)
        .collect();
    let labelled: Vec<&Turn<'_>> = turns.iter().flatten().collect();
    // Steps from one label to another.
    let mut steps: HashMap<(&str, &str), usize> = HashMap::new();
    for pair in labelled.windows(2) {
        if let [a, b] = pair
            && a.label != b.label
        {
            *steps.entry((&a.label, &b.label)).or_default() += 1;
        }
    }
    let (&(first, second), &count) = steps.iter().max_by_key(|((a, b), count)| {
        // Of two labels that take turns, the first one in the text begins.
        let begins = labelled.iter().position(|turn| turn.label == *a)
            < labelled.iter().position(|turn| turn.label == *b);
        (**count, begins, core::cmp::Reverse(*a))
    })?;
    let of = |label: &str| labelled.iter().filter(|turn| turn.label == label).count();
    let asked = |label: &str| {
        let texts = labelled.iter().filter(|turn| turn.label == label);
        texts.filter(|turn| looks_asked(turn.text)).count()
    };
    let (mut question, mut answer) = (first, second);
    if asked(second) > asked(first) {
        (question, answer) = (second, first);
    }
    let is_known = LETTERS.contains(&(question, answer)) || ASKERS.contains(&question);
    let is_asking = asked(question) * 2 >= of(question) && asked(answer) * 2 < of(answer).max(1);
    let share = (of(question) + of(answer)) * 3 >= turns.len();
    let others = labelled.len() - of(question) - of(answer);
    (count > 1 && share && others * 3 <= labelled.len() && (is_asking || is_known)).then(|| {
        Labels {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }
    })
}

/// Splits a line into its label and text, behind a date and time.
fn parse_turn(line: &str) -> Option<Turn<'_>> {
    let line = strip_time(
        line.trim()
            .trim_start_matches(['*', '-', '>', ' ', '\u{200e}']),
    );
    let at = line.find([':', '：'])?;
    let mark = line.get(at..)?.chars().next()?;
    let label = line.get(..at)?.trim().trim_matches(['*', '_']).trim();
    let rest = line.get(at + mark.len_utf8()..)?;
    let is_label = !label.is_empty()
        && label.chars().count() <= MAX_LABEL
        && label.chars().any(char::is_alphabetic)
        && !label.contains(['?', '.', ',', '/', '"', '<', '(', '{', '=']);
    let is_spaced = rest.is_empty()
        || rest.starts_with([' ', '\t', '*', '\u{a0}'])
        || mark == '：'
        || !label.is_ascii();
    if !is_label || !is_spaced {
        return None;
    }
    let key = text::normalize(label);
    let key = key.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    Some(Turn {
        label: key.to_owned(),
        text: rest.trim_matches(['*', ' ', '\t', '\u{a0}']),
    })
}

/// Removes a date and time before a message: `[12/03/2024, 10:00]`, `12.03.24, 10:00 -`.
fn strip_time(line: &str) -> &str {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    if let Some(rest) = line.strip_prefix('[')
        && let Some((time, rest)) = rest.split_once(']')
        && digits(time) >= 3
        && time.len() < 40
    {
        return rest.trim_start();
    }
    if line.starts_with(|c: char| c.is_ascii_digit())
        && let Some((time, rest)) = line.split_once(" - ")
        && digits(time) >= 5
        && time.len() < 30
    {
        return rest.trim_start();
    }
    line
}
