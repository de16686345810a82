//! Splitting a text into questions with their answers.

use super::json::{Fault, Record, Value};
use super::labels::{Mark, Style, asks, heading, label, mark};
use super::lines::{Lines, Next, Piece, Tick};
use super::problem::ProblemKind;
use super::quotes::Quotes;
use super::text;
use std::io::{self, BufRead};

/// A line that was read, but belongs to what comes next.
struct Line {
    number: u64,
    bytes: Vec<u8>,
    cut: bool,
    mark: Mark,
}

/// Splits into blocks, holding one at a time and never more than the limit of it.
pub(super) struct Blocks<R> {
    lines: Lines<R>,
    limit: usize,
    style: Style,
    waiting: Option<Line>,
    buffer: Vec<u8>,
    in_code: bool,
    blank: u64,
    outside: u64,
    halted_at: Option<u64>,
}

impl<R: BufRead> Blocks<R> {
    pub(super) fn new(reader: R, limit: usize, style: Style) -> Self {
        Self {
            lines: Lines::new(reader, limit),
            limit,
            style,
            waiting: None,
            buffer: Vec::new(),
            in_code: false,
            blank: 0,
            outside: 0,
            halted_at: None,
        }
    }

    /// Lines begun so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines.lines()
    }

    /// Lines with nothing on them.
    pub(super) fn blank(&self) -> u64 {
        self.blank
    }

    /// Lines with something on them that belong to no question.
    pub(super) fn outside(&self) -> u64 {
        self.outside
    }

    /// The line of the block that was halted.
    pub(super) fn halted_at(&self) -> u64 {
        self.halted_at.unwrap_or(self.lines.lines())
    }

    fn line(&mut self, tick: &mut Tick<'_>) -> io::Result<Result<Line, bool>> {
        if let Some(line) = self.waiting.take() {
            return Ok(Ok(line));
        }
        let piece = match self.lines.next(tick)? {
            Next::Piece(piece) => piece,
            Next::End => return Ok(Err(false)),
            Next::Halted => return Ok(Err(true)),
        };
        let text = String::from_utf8_lossy(piece.bytes);
        let mut mark = mark(&text, self.style);
        match mark {
            Mark::Fence => self.in_code = !self.in_code,
            // Labels are meant wherever they stand; `#` in code is no heading.
            Mark::Heading(_) | Mark::Question(1..) if self.in_code => mark = Mark::Plain,
            _ => {}
        }
        let line = Line {
            number: piece.line,
            bytes: piece.bytes.to_vec(),
            cut: piece.cut,
            mark,
        };
        if is_blank(&line) {
            self.blank += 1;
        }
        Ok(Ok(line))
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let mut cut = false;
        // The line the block begins on, and how deep its heading is.
        let mut begun: Option<(u64, u8)> = None;
        loop {
            let line = match self.line(tick)? {
                Ok(line) => line,
                Err(halted) => {
                    if halted {
                        self.halted_at = begun.map(|b| b.0);
                        return Ok(Next::Halted);
                    }
                    if begun.is_none() {
                        return Ok(Next::End);
                    }
                    break;
                }
            };
            match (line.mark, begun) {
                (Mark::Question(depth), None) => begun = Some((line.number, depth)),
                // An answer without question.
                (Mark::Answer, None) => begun = Some((line.number, 0)),
                (_, None) => {
                    self.outside += u64::from(!is_blank(&line));
                    continue;
                }
                (Mark::Question(_), Some(_)) => {
                    self.waiting = Some(line);
                    break;
                }
                // A heading within the answer is part of it only when it is a lesser one.
                (Mark::Heading(depth), Some((_, of))) if depth <= of || of == 0 => {
                    self.waiting = Some(line);
                    break;
                }
                _ => {}
            }
            if !self.buffer.is_empty() {
                self.buffer.push(b'\n');
            }
            let room = self.limit.saturating_sub(self.buffer.len());
            cut |= line.cut || line.bytes.len() > room;
            let bytes = line.bytes.get(..room).unwrap_or(&line.bytes);
            self.buffer.extend_from_slice(bytes);
            // Not one byte more for the line breaks of what is left out.
            self.buffer.truncate(self.limit);
        }
        Ok(Next::Piece(Piece {
            line: begun.map_or(0, |b| b.0),
            bytes: &self.buffer,
            cut,
            quotes: Quotes::Fine,
        }))
    }
}

fn is_blank(line: &Line) -> bool {
    line.bytes.trim_ascii().is_empty() && !line.cut
}

/// The question and the answer of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    question: Option<String>,
    answer: Option<String>,
}

impl Pair {
    pub(super) fn of(block: &str, style: Style) -> Result<Self, Fault> {
        let pair = match style {
            Style::Labels => labelled(block)?,
            Style::Headings => headed(block),
        };
        Ok(pair)
    }

    pub(super) fn record(&self) -> Record<'_> {
        let mut fields = Vec::new();
        for (name, text) in [("question", &self.question), ("answer", &self.answer)] {
            if let Some(text) = text {
                fields.push((name.to_owned(), Value::Text(text)));
            }
        }
        Record {
            fields,
            controls: 0,
        }
    }
}

fn labelled(block: &str) -> Result<Pair, Fault> {
    let mut question: Vec<&str> = Vec::new();
    let mut answer: Vec<&str> = Vec::new();
    let (mut asked, mut answers) = (false, 0);
    for line in block.lines() {
        let text = match label(line) {
            Some((Mark::Answer, text)) => {
                answers += 1;
                text
            }
            Some((Mark::Question(_), text)) => {
                asked = true;
                text
            }
            _ => line.trim_end(),
        };
        match answers {
            0 => question.push(text),
            _ => answer.push(text),
        }
    }
    let joined = |lines: &[&str]| {
        let text = lines.join("\n");
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    if answers > 1 {
        let excerpt = joined(&question).unwrap_or_default();
        let kind = ProblemKind::ManyAnswers { count: answers };
        return Err(Fault::new(kind, text::excerpt(&excerpt)));
    }
    // A first line that asks, and an answer below it without a label.
    if answers == 0
        && let Some((first, rest)) = question.split_first()
        && asks(first)
    {
        return Ok(Pair {
            question: Some((*first).to_owned()),
            answer: joined(rest),
        });
    }
    Ok(Pair {
        question: joined(&question).filter(|_| asked),
        answer: joined(&answer),
    })
}

fn headed(block: &str) -> Pair {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    let question = heading(first).map(|h| h.1.to_owned());
    let rest = rest.trim_matches('\n').trim_end();
    let answer = match rest.split_once('\n') {
        _ if rest.trim().is_empty() => None,
        // `A:` below a heading says nothing more.
        rest_of => {
            let (line, more) = rest_of.unwrap_or((rest, ""));
            match label(line) {
                Some((Mark::Answer, text)) => Some(format!("{text}\n{more}").trim().to_owned()),
                _ => Some(rest.trim().to_owned()),
            }
        }
    };
    Pair { question, answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::ControlFlow;
    use std::io::BufReader;

    fn blocks(text: &str, style: Style) -> (Vec<(u64, String)>, u64, u64) {
        let mut blocks = Blocks::new(BufReader::with_capacity(3, text.as_bytes()), 60, style);
        let mut all = Vec::new();
        while let Next::Piece(piece) = blocks.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes).into_owned();
            all.push((piece.line, text));
        }
        (all, blocks.outside(), blocks.blank())
    }

    #[test]
    fn a_block_ends_where_the_next_begins() {
        let (found, outside, blank) = blocks(
            "Hello\n\nQ: a?\nA: b\n\nc\n# Part\nQ: d?\nA: e",
            Style::Labels,
        );
        let expected = [(3, "Q: a?\nA: b\n\nc"), (8, "Q: d?\nA: e")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!((outside, blank), (2, 2));
    }

    #[test]
    fn lesser_headings_and_code_stay_in_the_answer() {
        let (found, outside, _) = blocks(
            "# FAQ\n## a?\nb\n### c\n```\n# d?\n```\n## e\nf\n**g?**\nh",
            Style::Headings,
        );
        let expected = [(2, "## a?\nb\n### c\n```\n# d?\n```"), (10, "**g?**\nh")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(outside, 3);
    }

    #[test]
    fn a_long_block_is_cut() {
        let text = format!("Q: a?\nA: {}\n\nQ: b?\nA: c", "x\n".repeat(1000));
        let found = blocks(&text, Style::Labels).0;
        assert_eq!(found.len(), 2);
        assert!(found[0].1.len() <= 60);
    }

    #[test]
    fn pairs_are_taken_apart() {
        let pair = |question: &str, answer: &str| Pair {
            question: Some(question.to_owned()).filter(|t| !t.is_empty()),
            answer: Some(answer.to_owned()).filter(|t| !t.is_empty()),
        };
        for (block, expected) in [
            ("Q: a?\nA: b\n\nc\n", pair("a?", "b\n\nc")),
            ("Q: a\n b?\nA:\nc", pair("a\n b?", "c")),
            ("Q: a?\nb", pair("a?", "b")),
            ("Q: a\nb", pair("a\nb", "")),
            ("A: b", pair("", "b")),
        ] {
            assert_eq!(Pair::of(block, Style::Labels), Ok(expected), "{block}");
        }
        assert!(Pair::of("Q: a?\nA: b\nA: c", Style::Labels).is_err());
        for (block, expected) in [
            ("## a?\n\nb\n\nc\n", pair("a?", "b\n\nc")),
            ("**1. a?**\nA: b\nc", pair("a?", "b\nc")),
            ("1. **a?**\n   b", pair("a?", "b")),
            ("# a?\n", pair("a?", "")),
        ] {
            assert_eq!(Pair::of(block, Style::Headings), Ok(expected), "{block}");
        }
    }
}
