//! Plain texts without marks: lines that end in a question mark, each followed by its answer.

use super::clean::{clean_answer, clean_heading, looks_asked};
use crate::document::{Document, FieldRecord, FieldValue};
use crate::{FileFormat, ReadError, text};

/// Maximum length of a question, in bytes.
const MAX_QUESTION: usize = 400;

/// Whether a text has at least two questions with answers.
pub(super) fn has_pairs(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let answered = find_pairs(&lines)
        .into_iter()
        .filter(|pair| !pair.answer.is_empty())
        .count();
    answered > 1
}

/// Reads the questions and answers of a text.
///
/// # Errors
/// [`ReadError::NothingFound`], when fewer than two questions have an answer.
pub(super) fn read(text: &str) -> Result<Document, ReadError> {
    let lines: Vec<&str> = text.lines().collect();
    let pairs = find_pairs(&lines);
    if pairs.iter().filter(|pair| !pair.answer.is_empty()).count() < 2 {
        return Err(ReadError::NothingFound {
            format: FileFormat::PlainText,
            looked_for: "Write each question on a line of its own that ends in a question mark, or \
                         write Q: before each question and A: before its answer.",
        });
    }
    let blank = lines.iter().filter(|line| text::is_blank(line)).count() as u64;
    let first = pairs.first().map_or(0, |pair| pair.at);
    let before = lines
        .iter()
        .take(first)
        .filter(|line| !text::is_blank(line))
        .count();
    let records = pairs.into_iter().map(|pair| {
        let record = FieldRecord {
            position: pair.at as u64 + 1,
            fields: vec![("question".to_owned(), FieldValue::Text(pair.question))],
        };
        record.with("answer", pair.answer)
    });
    let mut document =
        Document::of_records(FileFormat::PlainText, records.collect(), lines.len() as u64);
    document.blank = blank;
    document.unassigned = before as u64;
    Ok(document)
}

/// Question and answer with the index of the line of the question.
struct Pair {
    at: usize,
    question: String,
    answer: String,
}

/// A line that may be a question.
#[derive(Clone, Copy)]
struct Candidate {
    at: usize,
    follows_blank: bool,
    is_numbered: bool,
    is_asked: bool,
}

/// Splits lines such as `How? So.`; `None` unless nearly all lines are like this.
fn split_lines(lines: &[&str]) -> Option<Vec<Pair>> {
    let visible = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !text::is_blank(line));
    let mut all = 0;
    let mut pairs = Vec::new();
    for (at, line) in visible {
        all += 1;
        let Some(mark) = line.find(['?', '？', '؟']) else {
            continue;
        };
        let end = mark + line.get(mark..)?.chars().next()?.len_utf8();
        let (question, answer) = line.split_at(end);
        let answer = answer.trim_start_matches([' ', '-', '–', '—', ':', '>', '=']);
        // A delimiter behind the question belongs to a table.
        let is_spaced = line.get(end..).is_some_and(|rest| rest.starts_with(' '));
        if is_spaced && answer.contains(char::is_alphanumeric) && question.len() <= MAX_QUESTION {
            pairs.push(Pair {
                at,
                question: clean_heading(question),
                answer: answer.trim_end().to_owned(),
            });
        }
    }
    (pairs.len() > 1 && pairs.len() * 10 >= all * 9).then_some(pairs)
}

fn find_pairs(lines: &[&str]) -> Vec<Pair> {
    if let Some(pairs) = split_lines(lines) {
        return pairs;
    }
    let questions = choose_questions(lines);
    let mut pairs = Vec::new();
    for (i, at) in questions.iter().enumerate() {
        let end = questions.get(i + 1).copied().unwrap_or(lines.len());
        let body = lines.get(at + 1..end).unwrap_or_default().iter().copied();
        let question = lines.get(*at).copied().unwrap_or_default();
        pairs.push(Pair {
            at: *at,
            question: clean_heading(question),
            answer: clean_answer(body.filter(|line| !text::is_separator(line))),
        });
    }
    pairs
}

/// Chooses the lines that are questions, the same kind for the whole text: numbered ones, ones
/// behind a blank line, or all.
fn choose_questions(lines: &[&str]) -> Vec<usize> {
    let candidates = find_candidates(lines);
    let asked: Vec<Candidate> = candidates
        .iter()
        .copied()
        .filter(|line| line.is_asked)
        .collect();
    let numbered: Vec<Candidate> = candidates
        .iter()
        .copied()
        .filter(|line| line.is_numbered)
        .collect();
    let numbered_asked = numbered.iter().filter(|line| line.is_asked).count();
    let behind_blank = asked.iter().filter(|line| line.follows_blank).count();
    let at = |list: Vec<Candidate>| list.into_iter().map(|line| line.at).collect();
    if numbered.len() > 1 && numbered_asked * 2 > asked.len() {
        // Numbered lines without a question mark count if most of the others have one.
        let all = numbered_asked * 2 > numbered.len();
        let chosen = numbered
            .into_iter()
            .filter(|line| line.is_asked || (all && line.follows_blank));
        return at(chosen.collect());
    }
    if behind_blank > 1 && behind_blank * 2 >= asked.len() {
        return at(asked
            .into_iter()
            .filter(|line| line.follows_blank)
            .collect());
    }
    at(asked)
}

fn find_candidates(lines: &[&str]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let mut follows_blank = true;
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || text::is_separator(trimmed) {
            follows_blank = true;
            continue;
        }
        let is_numbered = is_numbered(trimmed);
        let is_asked = trimmed.len() <= MAX_QUESTION && looks_asked(trimmed);
        if is_asked || is_numbered {
            candidates.push(Candidate {
                at,
                follows_blank,
                is_numbered,
                is_asked,
            });
        }
        follows_blank = false;
    }
    candidates
}

/// Whether a line begins with a number and a point or a parenthesis.
fn is_numbered(line: &str) -> bool {
    let line = line.trim_start_matches(['(', '[', '#']);
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && rest.starts_with(['.', ')', ']', ':']) && rest.len() > 2
}
