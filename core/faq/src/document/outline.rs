//! Finding questions and answers in the outline of a text: labels, headings, bold lines, questions.
//!
//! Which blocks are questions is decided by their rank (heading level, bold line, plain question),
//! not by question marks alone: of the ranks whose blocks have text of their own below them, the one
//! with the most questions wins. Headings above that rank are topics, those below it belong to
//! answers.

use super::sheet::{Sheet, TOPIC};
use super::{CellRow, Document, FieldRecord, Records, Section};
use crate::parse::labels::{Mark, ends_with_question_mark, parse_label, strip_number};
use crate::rich::{Block, BlockKind, Span, to_markdown};
use crate::{ColumnChoice, FileFormat};

/// Rank of a line that is bold throughout, below every heading.
const BOLD: u8 = 10;

/// Rank of any other line that ends in a question mark.
const PLAIN: u8 = 11;

/// Maximum length of a question that has no other mark, in bytes.
const MAX_PLAIN: usize = 400;

/// Maximum length of a bold line or a heading that is a question, in bytes.
const MAX_MARKED: usize = 1000;

/// Headings that pages have beside their questions, in lower case.
#[rustfmt::skip]
const OTHER_HEADINGS: &[&str] = &[
    "table of contents", "contents", "on this page", "in this article", "related articles",
    "related", "see also", "further reading", "references", "share", "share this", "comments",
    "leave a reply", "leave a comment", "navigation", "menu", "search", "newsletter", "follow us",
    "recent posts", "categories", "archives", "contact", "contact us", "get in touch",
    "inhalt", "inhaltsverzeichnis", "kontakt", "siehe auch", "sommaire", "contacto", "índice",
];

/// Beginnings of headings that invite to ask, in lower case.
#[rustfmt::skip]
const INVITATIONS: &[&str] = &[
    "still have", "still need", "still got", "still stuck", "have more questions", "have a question",
    "have questions", "have another question", "have any", "got a question", "got questions",
    "got any", "got more", "any questions", "any other questions", "any more questions",
    "more questions", "other questions", "need help", "need more help", "need further",
    "need assistance", "need support", "can't find", "cannot find", "can’t find", "couldn't find",
    "couldn’t find", "didn't find", "didn’t find", "not found what", "did not find",
    "haven't found", "was this", "did this", "is this page useful", "ready to", "questions?",
    "do you have more questions", "do you have any", "do you still have", "don't see",
    "don’t see", "what are you looking for", "looking for something",
    "haben sie noch", "hast du noch", "noch fragen", "weitere fragen", "vous avez encore",
    "vous avez d'autres", "d'autres questions", "encore des questions", "avez-vous d'autres",
    "más preguntas", "tienes más", "tiene más", "aún tienes", "hai altre domande",
    "altre domande", "nog vragen", "heb je nog", "ainda tem", "tem mais", "har du fler",
    "masz pytania", "masz inne", "остались вопросы", "не нашли",
];

/// Block with what decides about its role.
struct Line {
    block: Block,
    plain: String,
    /// Heading level, [`BOLD`] or [`PLAIN`]; `None` for other text.
    rank: Option<u8>,
    is_question: bool,
}

/// Finds the questions and answers of a text.
pub(super) fn find_pairs(blocks: Vec<Block>) -> Vec<FieldRecord> {
    let lines: Vec<Line> = split_blocks(blocks).into_iter().map(Line::new).collect();
    if has_labels(&lines) {
        return find_labelled(&lines);
    }
    match choose_rank(&lines) {
        Some(rank) => find_ranked(&lines, rank),
        None => Vec::new(),
    }
}

/// Finds the headings that are questions, with the text below each.
pub(super) fn find_asked_headings(blocks: Vec<Block>) -> Vec<FieldRecord> {
    let lines: Vec<Line> = blocks.into_iter().map(Line::new).collect();
    let is_asked = |line: &&Line| line.is_question && line.rank.is_some_and(|rank| rank < BOLD);
    let ranks = lines.iter().filter(is_asked).filter_map(|line| line.rank);
    let Some(rank) = ranks.max() else {
        return Vec::new();
    };
    let mut records = find_ranked(&lines, rank);
    records.retain(|record| {
        let texts = record.texts();
        let is_answered = texts.get(1).is_some_and(|answer| !answer.is_empty());
        is_answered
            && texts
                .first()
                .is_some_and(|question| ends_with_question_mark(question))
    });
    records
}

/// Reads the tables of a text as tables of questions and answers; those without known column names
/// only if `accepts_unnamed` and most of their rows hold a question.
pub(super) fn find_tables(blocks: &[Block], choice: Option<&ColumnChoice>) -> Vec<Section> {
    let mut sections = Vec::new();
    for block in blocks {
        let BlockKind::Table(rows) = &block.kind else {
            continue;
        };
        let rows = rows.iter().map(|(position, cells)| CellRow {
            position: *position,
            cells: cells.clone(),
        });
        let sheet = Sheet {
            rows: rows.collect(),
            ..Sheet::default()
        };
        let found = sheet.into_sections(choice).unwrap_or_default();
        sections.extend(found.into_iter().filter(is_faq_table));
    }
    sections
}

/// Whether a table has known column names, or questions in at least half of its rows.
fn is_faq_table(section: &Section) -> bool {
    let Records::Cells(layout, rows) = &section.records else {
        return true;
    };
    if layout.has_names && layout.note.is_none() {
        return true;
    }
    let questions = rows.iter().filter(|row| {
        row.cells
            .iter()
            .any(|cell| ends_with_question_mark(cell.trim()))
    });
    questions.count() * 2 >= rows.len()
}

/// Makes a document of the tables and the outline of a text.
pub(super) fn read_outline(
    format: FileFormat,
    blocks: Vec<Block>,
    choice: Option<&ColumnChoice>,
) -> Document {
    let lines = blocks.last().map_or(0, |block| block.position);
    let tables = find_tables(&blocks, choice);
    let pairs = find_pairs(blocks);
    // A text with a table of questions has its other headings around it.
    let in_tables: usize = tables.iter().map(Section::len).sum();
    if in_tables < pairs.len() || tables.is_empty() {
        return Document::of_records(format, pairs, lines);
    }
    Document {
        format,
        sections: tables,
        lines,
        ..Document::default()
    }
}

impl Line {
    fn new(block: Block) -> Self {
        let plain = block.plain();
        let is_question = ends_with_question_mark(plain.trim_end_matches(['*', '"', ')', ' ']));
        let is_short = plain.len() <= MAX_MARKED && !plain.is_empty();
        let rank = match block.kind {
            BlockKind::Heading(level) => Some(level.clamp(1, 9)),
            BlockKind::Paragraph | BlockKind::Item(..) if block.is_bold() && is_short => Some(BOLD),
            BlockKind::Paragraph | BlockKind::Item(..)
                if is_question && plain.len() <= MAX_PLAIN && !plain.contains('\n') =>
            {
                Some(PLAIN)
            }
            _ => None,
        };
        Self {
            block,
            plain,
            rank,
            is_question,
        }
    }

    fn label(&self) -> Option<(Mark, &str)> {
        match self.block.kind {
            BlockKind::Code | BlockKind::Table(_) => None,
            _ => parse_label(&self.plain),
        }
    }

    /// The text as a question: without label and number.
    fn question(&self) -> String {
        let text = match parse_label(&self.plain) {
            Some((Mark::Question(_), text)) if !text.is_empty() => text,
            _ => &self.plain,
        };
        strip_number(text.trim()).replace('\n', " ")
    }
}

/// Divides blocks whose first line is a question of its own: a bold first line, a bold question
/// followed by text, or lines with labels.
fn split_blocks(blocks: Vec<Block>) -> Vec<Block> {
    let mut split = Vec::with_capacity(blocks.len());
    for block in blocks {
        if !matches!(block.kind, BlockKind::Paragraph | BlockKind::Item(..)) {
            split.push(block);
            continue;
        }
        let lines = split_lines(&block);
        let is_labelled = |line: &Block| parse_label(&line.plain()).is_some();
        let has_marked_line = lines.len() > 1
            && lines.iter().any(|line| {
                line.is_bold() || is_labelled(line) || ends_with_question_mark(&line.plain())
            });
        if has_marked_line {
            let lines = lines.into_iter().filter(|line| !line.is_blank());
            split.extend(lines.flat_map(split_run_in));
        } else {
            split.extend(split_run_in(block));
        }
    }
    split
}

/// Divides a block at its line breaks.
fn split_lines(block: &Block) -> Vec<Block> {
    let mut lines = vec![Block {
        spans: Vec::new(),
        ..block.clone()
    }];
    for span in &block.spans {
        for (number, text) in span.text.split('\n').enumerate() {
            if number > 0 {
                lines.push(Block {
                    position: block.position,
                    tight: true,
                    ..Block::default()
                });
            }
            if let Some(line) = lines.last_mut().filter(|_| !text.is_empty()) {
                line.spans.push(Span {
                    text: text.to_owned(),
                    ..span.clone()
                });
            }
        }
    }
    lines
}

/// Divides a block that begins with a bold question followed by other text.
fn split_run_in(block: Block) -> Vec<Block> {
    let bold = block
        .spans
        .iter()
        .take_while(|span| span.bold || span.text.trim().is_empty());
    let count = bold.count();
    let head: String = block
        .spans
        .iter()
        .take(count)
        .map(|span| &*span.text)
        .collect();
    let is_question = ends_with_question_mark(head.trim());
    if count == 0 || count == block.spans.len() || !is_question {
        return vec![block];
    }
    let mut question = block;
    let rest = question.spans.split_off(count);
    let answer = Block {
        position: question.position,
        kind: BlockKind::Paragraph,
        spans: rest,
        tight: true,
    };
    vec![question, answer]
}

/// Whether questions and answers are marked with labels.
fn has_labels(lines: &[Line]) -> bool {
    let (mut questions, mut answers) = (0, 0);
    for line in lines {
        match line.label() {
            Some((Mark::Question(_), _)) => questions += 1,
            Some((Mark::Answer, _)) if questions > 0 => answers += 1,
            _ => {}
        }
    }
    questions > 0 && answers > 0 && answers * 2 >= questions
}

/// Pair that is being read.
#[derive(Default)]
struct Pair {
    position: u64,
    question: String,
    answer: Vec<Block>,
    topic: String,
}

impl Pair {
    fn into_record(self) -> FieldRecord {
        FieldRecord::pair(self.position, self.question, to_markdown(&self.answer))
            .with(TOPIC, self.topic)
    }
}

fn find_labelled(lines: &[Line]) -> Vec<FieldRecord> {
    let mut records = Vec::new();
    let mut topic = String::new();
    let mut pair: Option<Pair> = None;
    let mut in_answer = false;
    for line in lines {
        match line.label() {
            Some((Mark::Question(_), text)) => {
                records.extend(pair.take().map(Pair::into_record));
                in_answer = false;
                pair = Some(Pair {
                    position: line.block.position,
                    question: strip_number(text).replace('\n', " "),
                    topic: topic.clone(),
                    ..Pair::default()
                });
            }
            Some((Mark::Answer, _)) => {
                in_answer = true;
                if let Some(pair) = &mut pair {
                    pair.answer.push(without_label(&line.block));
                }
            }
            _ => {
                if let BlockKind::Heading(_) = line.block.kind {
                    topic = line.question();
                    records.extend(pair.take().map(Pair::into_record));
                    continue;
                }
                let Some(pair) = &mut pair else { continue };
                if in_answer || !pair.question.is_empty() {
                    pair.answer.push(line.block.clone());
                } else {
                    pair.question = line.question();
                }
            }
        }
    }
    records.extend(pair.map(Pair::into_record));
    records
}

/// Removes the label from the beginning of a block.
fn without_label(block: &Block) -> Block {
    let plain = block.plain();
    let rest = parse_label(&plain).map_or("", |(_, rest)| rest);
    // Counted without white space, in which the plain text differs.
    let mut skip = plain.chars().filter(|c| !c.is_whitespace()).count()
        - rest
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
            .min(plain.chars().count());
    let mut block = block.clone();
    for span in &mut block.spans {
        let mut at = 0;
        for (index, c) in span.text.char_indices() {
            if skip == 0 {
                break;
            }
            if !c.is_whitespace() {
                skip -= 1;
            }
            at = index + c.len_utf8();
        }
        span.text = span.text.split_off(at);
    }
    block.spans.retain(|span| !span.text.is_empty());
    block
}

/// Whether the line at an index has text of its own below it.
fn has_body(lines: &[Line], index: usize) -> bool {
    let rank = lines.get(index).and_then(|line| line.rank);
    let below = lines
        .iter()
        .skip(index + 1)
        .find(|line| !line.block.is_blank());
    below.is_some_and(|below| match (rank, below.rank) {
        (_, None) => true,
        // Bold lines and questions may begin the answer of a heading.
        (Some(..BOLD), Some(BOLD..)) => true,
        (Some(BOLD), Some(PLAIN)) => true,
        _ => false,
    })
}

/// Chooses the rank of the questions; `None` if there are none.
fn choose_rank(lines: &[Line]) -> Option<u8> {
    let mut best = None;
    let mut best_score = 0;
    for rank in 1..=PLAIN {
        let (mut pairs, mut asked) = (0, 0);
        for (index, line) in lines.iter().enumerate() {
            if line.rank == Some(rank) && has_body(lines, index) && !is_other_heading(line) {
                pairs += 1;
                asked += usize::from(line.is_question);
            }
        }
        if asked == 0 && (pairs < 2 || rank == PLAIN) {
            continue;
        }
        // Bold lines are often mere emphasis.
        let is_weak = rank == BOLD && asked * 2 < pairs;
        let score = if is_weak {
            asked * 2 + pairs / 2
        } else {
            asked * 2 + pairs
        };
        if score > best_score {
            best = Some(rank);
            best_score = score;
        }
    }
    best
}

fn is_other_heading(line: &Line) -> bool {
    let text = crate::text::normalize(line.plain.trim_end_matches([':', '.', '…']));
    let text = text.trim_start_matches('¿');
    OTHER_HEADINGS.contains(&text) || INVITATIONS.iter().any(|start| text.starts_with(start))
}

fn find_ranked(lines: &[Line], chosen: u8) -> Vec<FieldRecord> {
    let of_rank = |line: &&Line| line.rank == Some(chosen);
    let asked = lines
        .iter()
        .filter(of_rank)
        .filter(|line| line.is_question)
        .count();
    let total = lines.iter().filter(of_rank).count();
    // With mostly questions, a bold line without a question mark is emphasis.
    let must_ask = chosen >= BOLD && asked * 2 >= total;
    let mut records = Vec::new();
    let mut topics: Vec<(u8, String)> = Vec::new();
    let mut pair: Option<Pair> = None;
    for (index, line) in lines.iter().enumerate() {
        let rank = line.rank.unwrap_or(u8::MAX);
        let is_asked_heading = asked > 0 && rank < chosen.max(BOLD) && line.is_question;
        let has_own_rank = rank == chosen && (line.is_question || !must_ask);
        let is_candidate = (has_own_rank || is_asked_heading) && !is_other_heading(line);
        let next_rank = lines.get(index + 1).and_then(|line| line.rank);
        let is_unanswered = line.is_question && next_rank.is_none_or(|next| next <= rank);
        if is_candidate && (has_body(lines, index) || (is_unanswered && rank == chosen)) {
            records.extend(pair.take().map(Pair::into_record));
            pair = Some(Pair {
                position: line.block.position,
                question: line.question(),
                answer: Vec::new(),
                topic: topics
                    .last()
                    .map(|topic| topic.1.clone())
                    .unwrap_or_default(),
            });
        } else if rank <= chosen.min(BOLD - 1) || (rank == chosen && !must_ask) {
            records.extend(pair.take().map(Pair::into_record));
            topics.retain(|topic| topic.0 < rank);
            topics.push((rank, line.question()));
        } else if let Some(pair) = &mut pair {
            pair.answer.push(line.block.clone());
        }
    }
    records.extend(pair.map(Pair::into_record));
    records
}
