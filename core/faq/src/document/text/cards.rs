//! Flash cards exported as text: Anki with its header, and Quizlet on one line.

use crate::document::{Document, FieldRecord, Head};
use crate::parse::table::CellParser;
use crate::split::{Next, TableSplitter};
use crate::{FileFormat, IssueKind, ReadError, ReadOptions, text};
use core::ops::ControlFlow;

/// Whether the text begins with a header of Anki, or is a line of cards separated by semicolons.
pub(super) fn recognize(head: &Head<'_>) -> bool {
    let first = head.text.lines().next().unwrap_or_default();
    first.starts_with("#separator:") || (head.is_whole && split_quizlet(head.text).is_some())
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "readers of formats share one signature"
)]
pub(super) fn read(source: &str, _: &ReadOptions) -> Result<Document, ReadError> {
    let mut document = match split_quizlet(source) {
        Some(cards) => {
            let records = cards.into_iter().map(|(line, term, text)| {
                FieldRecord::pair(line, term.to_owned(), text.to_owned())
            });
            Document::of_records(FileFormat::FlashCards, records.collect(), 0)
        }
        None => read_anki(source),
    };
    document.lines = source.lines().count() as u64;
    Ok(document)
}

/// Cards such as `term<tab>definition;term<tab>definition`, with their lines.
fn split_quizlet(source: &str) -> Option<Vec<(u64, &str, &str)>> {
    let mut cards = Vec::new();
    for (at, line) in source.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let parts = line.split(';').filter(|part| !text::is_blank(part));
        for part in parts {
            let (term, text) = part.split_once('\t')?;
            if text.contains('\t') || text::is_blank(term) {
                return None;
            }
            cards.push((at as u64 + 1, term.trim(), text.trim()));
        }
    }
    let lines = source
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    let has_lone_return = source.replace("\r\n", "\n").contains('\r');
    (cards.len() > 1 && lines == 1 && !has_lone_return).then_some(cards)
}

fn read_anki(source: &str) -> Document {
    let mut delimiter = b'\t';
    let (mut question, mut answer) = (0, 1);
    let mut skipped: Vec<usize> = Vec::new();
    let mut named: Option<(usize, usize)> = None;
    let mut header = 0;
    for line in source.lines() {
        let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(':'))
        else {
            break;
        };
        header += line.len() + 1;
        match key {
            "separator" => {
                delimiter = match value.trim().to_ascii_lowercase().as_str() {
                    "comma" | "," => b',',
                    "semicolon" | ";" => b';',
                    "pipe" | "|" => b'|',
                    "colon" | ":" => b':',
                    "space" | " " => b' ',
                    _ => b'\t',
                }
            }
            "columns" => {
                let names: Vec<&str> = value.split(char::from(delimiter)).map(str::trim).collect();
                let find = |wanted: &[&str]| {
                    names
                        .iter()
                        .position(|name| wanted.contains(&name.to_lowercase().as_str()))
                };
                named =
                    find(&["front", "question", "text"]).zip(find(&["back", "answer", "extra"]));
            }
            // Columns of facts about the card
            _ if key.ends_with(" column") => skipped.extend(value.trim().parse::<usize>().ok()),
            _ => {}
        }
    }
    if let Some(columns) = named {
        (question, answer) = columns;
    } else {
        let mut free = (0..).filter(|column| !skipped.contains(&(column + 1)));
        question = free.next().unwrap_or(question);
        answer = free.next().unwrap_or(answer);
    }
    let first = source.get(..header).unwrap_or_default().lines().count() as u64;
    let rest = source.get(header.min(source.len())..).unwrap_or_default();
    let mut records = Vec::new();
    let mut issues = Vec::new();
    let mut splitter = TableSplitter::new(rest.as_bytes(), rest.len(), delimiter);
    let mut parser = CellParser::new(delimiter);
    while let Ok(Next::Record(raw)) = splitter.next(&mut |_| ControlFlow::Continue(())) {
        let record = String::from_utf8_lossy(raw.bytes);
        let cells = parser.parse(&record);
        if cells.iter().all(|cell| text::is_blank(cell)) {
            continue;
        }
        let position = raw.line + first;
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default().to_owned();
        if raw.quotes == crate::split::Quotes::Unclosed {
            let kind = IssueKind::NotClosed { missing: '"' };
            issues.push((position, kind, text::excerpt(&record)));
            continue;
        }
        records.push(FieldRecord::pair(position, cell(question), cell(answer)));
    }
    let mut document = Document::of_records(FileFormat::FlashCards, records, 0);
    document.issues = issues;
    document
}
