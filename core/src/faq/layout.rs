//! What a stream holds, told by its beginning: JSON, a table, or a text.

use super::encoding::text_of;
use super::fields::{known, sure};
use super::labels::{Mark, Style, mark};
use super::lines::Next;
use super::problem::{Field, ProblemKind};
use super::quotes::Quotes;
use super::records::Records;
use super::table::{Cells, Layout, announced, names, numbers};
use super::{ColumnChoice, ReadError, text};
use core::ops::ControlFlow;

/// Delimiters, in the order in which they are believed when nothing else tells them apart.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Records of the beginning that are looked at.
const SAMPLE: usize = 60;

/// Records above the names of columns that are looked at.
const TITLES: usize = 10;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Table(Layout),
    Text(Style),
}

/// Tells by the beginning of a stream what it holds. `whole` is whether that is all of it.
pub(super) fn kind(
    head: &[u8],
    whole: bool,
    choice: Option<&ColumnChoice>,
) -> Result<Kind, ReadError> {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    if head.trim_ascii().is_empty() || is_json(head) {
        return Ok(Kind::Json);
    }
    let samples = samples(head, whole);
    if let Some(layout) = samples.iter().find_map(|s| named(s, choice)) {
        return Ok(Kind::Table(layout));
    }
    if let Some(style) = style(head) {
        return Ok(Kind::Text(style));
    }
    if let Some(layout) = samples.iter().find_map(|s| titled(s, choice)) {
        return Ok(Kind::Table(layout));
    }
    match samples.iter().find_map(half_named) {
        Some(Ok(layout)) if choice.is_none() => return Ok(Kind::Table(layout)),
        Some(Err(error)) if choice.is_none() => return Err(error),
        _ => {}
    }
    let beginning = || {
        let head = head.get(..400).unwrap_or(head);
        let text = text_of(head, false).map_or_else(|_| String::from_utf8_lossy(head), |t| t.0);
        text::excerpt(&text)
    };
    // The first of those that are as good.
    let mut best: Option<&Sample> = None;
    for sample in &samples {
        if sample.is_table() && best.is_none_or(|b| sample.share() > b.share() + 0.05) {
            best = Some(sample);
        }
    }
    match (best, choice) {
        (None, _) => Err(ReadError::NotUnderstood {
            beginning: beginning(),
        }),
        (Some(sample), Some(choice)) => Err(no_such_column(sample, choice)),
        (Some(sample), None) => nameless(sample, beginning).map(Kind::Table),
    }
}

/// The beginning of a table, if this were its delimiter.
struct Sample {
    delimiter: u8,
    rows: Vec<Vec<String>>,
    /// How many cells most rows have.
    width: usize,
    /// How many rows have as many.
    agree: usize,
    /// Records that could not be taken apart.
    broken: usize,
    /// Whether the file says itself that this is its delimiter.
    announced: bool,
}

impl Sample {
    fn new(head: &[u8], whole: bool, delimiter: u8, announced: bool) -> Self {
        let mut records = Records::new(head, head.len(), delimiter);
        let mut cells = Cells::new(delimiter);
        let (mut rows, mut broken) = (Vec::new(), 0);
        let mut all = false;
        while rows.len() + broken < SAMPLE {
            let piece = match records.next(&mut |_| ControlFlow::Continue(())) {
                Ok(Next::Piece(piece)) => piece,
                _ => {
                    all = true;
                    break;
                }
            };
            if is_announcement(piece.bytes, piece.line) {
                continue;
            }
            let Ok((record, _)) = text_of(piece.bytes, false) else {
                broken += 1;
                continue;
            };
            let row = cells.read(&record);
            if row.iter().all(|cell| text::is_blank(cell)) {
                continue;
            }
            match piece.quotes {
                // It may be closed behind the beginning.
                Quotes::Open if !whole && !rows.is_empty() => break,
                Quotes::Open => broken += 1,
                _ => rows.push(row.into_iter().map(str::to_owned).collect::<Vec<_>>()),
            }
        }
        // The last record may have more behind the beginning.
        if all && !whole && rows.len() > 1 {
            rows.pop();
        }
        let count = |width| rows.iter().filter(|r| r.len() == width).count();
        let widths = rows.iter().map(Vec::len);
        let width = widths.max_by_key(|w| (count(*w), *w)).unwrap_or(0);
        let agree = count(width);
        Self {
            delimiter,
            rows,
            width,
            agree,
            broken,
            announced,
        }
    }

    /// How much of the rows has as many cells as most, from 0 to 1.
    fn share(&self) -> f64 {
        let rows = (self.rows.len() + self.broken).max(1);
        self.agree as f64 / rows as f64
    }

    fn is_table(&self) -> bool {
        self.width > 1 && (self.announced || self.share() >= 0.6)
    }

    fn first(&self) -> Vec<&str> {
        let first = self.rows.first().map_or(&[][..], Vec::as_slice);
        first.iter().map(String::as_str).collect()
    }

    /// How many cells of a column hold a question mark.
    fn asking(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.filter(|cell| has_question_mark(cell)).count()
    }

    /// How long the texts of a column are altogether.
    fn length(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).sum()
    }

    fn layout(&self, names: Vec<String>, has_names: bool) -> Layout {
        Layout {
            delimiter: self.delimiter,
            names,
            has_names,
            has_title: false,
            choice: None,
            note: None,
        }
    }
}

fn has_question_mark(cell: &str) -> bool {
    cell.contains(['?', '？', '؟', '¿'])
}

/// Whether a record is only there to announce the delimiter.
pub(super) fn is_announcement(record: &[u8], line: u64) -> bool {
    line == 1 && announced(record).is_some()
}

fn samples(head: &[u8], whole: bool) -> Vec<Sample> {
    let first = head.split(|b| matches!(b, b'\n' | b'\r')).next();
    if let Some(delimiter) = first.and_then(announced) {
        return vec![Sample::new(head, whole, delimiter, true)];
    }
    let all = DELIMITERS.iter();
    all.map(|d| Sample::new(head, whole, *d, false)).collect()
}

/// Whether the beginning is that of JSON: of one row, a list, or mostly lines that are rows.
fn is_json(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let Some((first, rest)) = head.split_first() else {
        return true;
    };
    let next = rest.trim_ascii_start();
    match (first, next.first()) {
        (b'{', _) => return true,
        (b'[', None | Some(b'{' | b'[' | b']' | b'"')) => return true,
        _ => {}
    }
    let lines = head.split(|b| matches!(b, b'\n' | b'\r'));
    let lines = lines.map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
    let (mut all, mut rows) = (0, 0);
    for line in lines {
        all += 1;
        rows += usize::from(line.starts_with(b"{"));
    }
    rows * 2 >= all
}

/// Whether a text marks its questions, and how.
fn style(head: &[u8]) -> Option<Style> {
    let text = String::from_utf8_lossy(head);
    let (mut asked, mut in_code) = (false, false);
    let mut headings = false;
    for line in text.split(['\n', '\r']) {
        match mark(line, Style::Labels) {
            Mark::Question(_) => asked = true,
            Mark::Answer if asked => return Some(Style::Labels),
            Mark::Fence => in_code = !in_code,
            _ => {
                let is = mark(line, Style::Headings);
                headings |= !in_code && matches!(is, Mark::Question(_));
            }
        }
    }
    headings.then_some(Style::Headings)
}

/// A table whose first record has names that are known, or chosen.
fn named(sample: &Sample, choice: Option<&ColumnChoice>) -> Option<Layout> {
    let first = sample.first();
    let names = names(&first);
    let (question, answer) = known(&names);
    let are_known = question && answer && names.len() > 1;
    let Some(choice) = choice else {
        return are_known.then(|| sample.layout(names, true));
    };
    let has = |name: &str| {
        let key = text::normalize(name);
        names.iter().any(|n| n == name || text::normalize(n) == key)
    };
    // Names that are numbers of places are chosen by them.
    let place = |name: &str| name.trim().parse::<usize>().ok().filter(|n| *n > 0);
    let by_place = (place(&choice.question), place(&choice.answer));
    if has(&choice.question) && has(&choice.answer) && !matches!(by_place, (Some(_), Some(_))) {
        let mut layout = sample.layout(names, true);
        layout.choice = Some(choice.clone());
        return Some(layout);
    }
    let (Some(question), Some(answer)) = by_place else {
        return None;
    };
    if !(sample.is_table() || are_known) || question.max(answer) > sample.width {
        return None;
    }
    // Empty names count as numbers, so these may be names after all.
    let has_names = are_known || (has(&choice.question) || has(&choice.answer));
    let names = match has_names {
        true => names,
        false => numbers(sample.width),
    };
    let mut layout = sample.layout(names, has_names);
    layout.choice = Some(ColumnChoice {
        question: layout.names.get(question - 1)?.clone(),
        answer: layout.names.get(answer - 1)?.clone(),
    });
    Some(layout)
}

/// A table with something else above its names, such as a title. These must be sure then.
fn titled(sample: &Sample, choice: Option<&ColumnChoice>) -> Option<Layout> {
    let rows = sample.rows.iter().take(TITLES + 1).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        names(&cells)
    })
    .find_map(|names| {
        let has = |pick: fn((bool, bool)) -> bool| names.iter().any(|n| pick(sure(n)));
        let chosen = |name: &str| {
            let key = text::normalize(name);
            names.iter().any(|n| text::normalize(n) == key)
        };
        let found = match choice {
            None => has(|s| s.0) && has(|s| s.1),
            Some(choice) => chosen(&choice.question) && chosen(&choice.answer),
        };
        (found && names.len() > 1).then(|| Layout {
            has_title: true,
            choice: choice.cloned(),
            ..sample.layout(names, true)
        })
    })
}

/// A table where only one of the two names is known: the other column is clear if there are two.
fn half_named(sample: &Sample) -> Option<Result<Layout, ReadError>> {
    let names = names(&sample.first());
    if names.len() > 1 && !sample.is_table() {
        return None;
    }
    let sure_of = |pick: fn((bool, bool)) -> bool| names.iter().position(|n| pick(sure(n)));
    let (question, answer) = (sure_of(|s| s.0), sure_of(|s| s.1));
    let (missing, place) = match (question, answer) {
        (Some(place), None) => (Field::Answer, place),
        (None, Some(place)) => (Field::Question, place),
        _ => return None,
    };
    if let [first, second] = &names[..] {
        let (this, other) = match place {
            0 => (first, second),
            _ => (second, first),
        };
        let (question, answer) = match missing {
            Field::Answer => (this.clone(), other.clone()),
            Field::Question => (other.clone(), this.clone()),
        };
        let mut layout = sample.layout(names.clone(), true);
        layout.choice = Some(ColumnChoice {
            question: question.clone(),
            answer: answer.clone(),
        });
        layout.note = Some(ProblemKind::GuessedColumns { question, answer });
        return Some(Ok(layout));
    }
    Some(Err(ReadError::UnknownColumns {
        missing: Some(missing),
        columns: names,
    }))
}

fn no_such_column(sample: &Sample, choice: &ColumnChoice) -> ReadError {
    let mut columns = names(&sample.first());
    let has = |name: &str| {
        let key = text::normalize(name);
        let place = key.parse::<usize>().unwrap_or(0);
        (1..=sample.width).contains(&place) || columns.iter().any(|n| text::normalize(n) == key)
    };
    let column = match has(&choice.question) {
        true => choice.answer.clone(),
        false => choice.question.clone(),
    };
    if column.trim().parse::<usize>().is_ok() {
        columns = numbers(sample.width);
    }
    ReadError::NoSuchColumn { column, columns }
}

/// A table without names that are known: the columns by what is in them.
fn nameless(sample: &Sample, beginning: impl Fn() -> String) -> Result<Layout, ReadError> {
    let asking: Vec<usize> = (0..sample.width).map(|i| sample.asking(i)).collect();
    let most = asking.iter().copied().max().unwrap_or(0);
    let question = asking.iter().position(|n| *n == most).unwrap_or(0);
    let is_sure = sample.announced || (sample.rows.len() > 1 && sample.share() >= 0.8);
    if sample.width == 2 && (is_sure || most > 0) {
        return Ok(without_names(sample, question, 1 - question.min(1)));
    }
    if !is_sure && (most == 0 || sample.rows.len() < 2) {
        return Err(ReadError::NotUnderstood {
            beginning: beginning(),
        });
    }
    let first = sample.rows.first();
    let first_asks = first.and_then(|r| r.get(question));
    let first_asks = first_asks.is_some_and(|cell| has_question_mark(cell));
    let clear = most * 5 >= sample.rows.len() * 3;
    if first_asks && clear {
        let mut lengths: Vec<(usize, usize)> = (0..sample.width)
            .filter(|i| *i != question)
            .map(|i| (sample.length(i), i))
            .collect();
        lengths.sort_unstable();
        if let [.., (second, _), (longest, answer)] = lengths[..]
            && longest >= second.saturating_mul(2)
        {
            return Ok(without_names(sample, question, answer));
        }
    }
    // The first record has no names: only places can be chosen.
    let columns = match first_asks {
        true => numbers(sample.width),
        false => names(&sample.first()),
    };
    Err(ReadError::UnknownColumns {
        missing: None,
        columns,
    })
}

fn without_names(sample: &Sample, question: usize, answer: usize) -> Layout {
    let mut layout = sample.layout(numbers(sample.width), false);
    let (question, answer) = (question + 1, answer + 1);
    layout.choice = Some(ColumnChoice {
        question: question.to_string(),
        answer: answer.to_string(),
    });
    layout.note = Some(ProblemKind::NoHeader {
        question: question as u64,
        answer: answer as u64,
    });
    layout
}
