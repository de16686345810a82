//! Splitting a text into blocks of one question and its answer.

use super::line_splitter::LineSplitter;
use super::{Next, Quotes, RawRecord, Tick};
use crate::parse::labels::{Mark, TextStyle, classify_line};
use std::io::{self, BufRead};

/// A classified line.
struct Line {
    number: u64,
    bytes: Vec<u8>,
    cut: bool,
    mark: Mark,
}

enum NextLine {
    Line(Line),
    End,
    Halted,
}

/// Splits a text into blocks; holds one block up to the size limit.
pub(crate) struct BlockSplitter<R> {
    lines: LineSplitter<R>,
    limit: usize,
    style: TextStyle,
    /// Line that was read ahead and begins the next block.
    pending: Option<Line>,
    buffer: Vec<u8>,
    in_code_block: bool,
    blank: u64,
    unassigned: u64,
    halted_at: Option<u64>,
}

impl<R: BufRead> BlockSplitter<R> {
    pub(crate) fn new(reader: R, limit: usize, style: TextStyle) -> Self {
        Self {
            lines: LineSplitter::new(reader, limit),
            limit,
            style,
            pending: None,
            buffer: Vec::new(),
            in_code_block: false,
            blank: 0,
            unassigned: 0,
            halted_at: None,
        }
    }

    /// Number of lines begun so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines.lines()
    }

    /// Number of blank lines.
    pub(crate) fn blank(&self) -> u64 {
        self.blank
    }

    /// Number of lines with text outside of every block.
    pub(crate) fn unassigned(&self) -> u64 {
        self.unassigned
    }

    /// First line of the block within which reading was halted.
    pub(crate) fn halted_at(&self) -> u64 {
        self.halted_at.unwrap_or(self.lines.lines())
    }

    /// Reads and classifies the next line.
    fn next_line(&mut self, tick: &mut Tick<'_>) -> io::Result<NextLine> {
        if let Some(line) = self.pending.take() {
            return Ok(NextLine::Line(line));
        }
        let record = match self.lines.next(tick)? {
            Next::Record(record) => record,
            Next::End => return Ok(NextLine::End),
            Next::Halted => return Ok(NextLine::Halted),
        };
        let text = String::from_utf8_lossy(record.bytes);
        let mut mark = classify_line(&text, self.style);
        match mark {
            Mark::Fence => self.in_code_block = !self.in_code_block,
            // Labels count everywhere, but `#` within a code block isn't a heading.
            Mark::Heading(_) | Mark::Question(1..) if self.in_code_block => mark = Mark::Plain,
            _ => {}
        }
        let line = Line {
            number: record.line,
            bytes: record.bytes.to_vec(),
            cut: record.cut,
            mark,
        };
        if is_blank(&line) {
            self.blank += 1;
        }
        Ok(NextLine::Line(line))
    }

    pub(crate) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let mut cut = false;
        // First line of the block, and the depth of its heading.
        let mut begun: Option<(u64, u8)> = None;
        loop {
            let line = match self.next_line(tick)? {
                NextLine::Line(line) => line,
                NextLine::End if begun.is_none() => return Ok(Next::End),
                NextLine::End => break,
                NextLine::Halted => {
                    self.halted_at = begun.map(|(line, _)| line);
                    return Ok(Next::Halted);
                }
            };
            match (line.mark, begun) {
                (Mark::Question(depth), None) => begun = Some((line.number, depth)),
                // An answer without a question.
                (Mark::Answer, None) => begun = Some((line.number, 0)),
                (_, None) => {
                    self.unassigned += u64::from(!is_blank(&line));
                    continue;
                }
                (Mark::Question(_), Some(_)) => {
                    self.pending = Some(line);
                    break;
                }
                // Only deeper headings belong to the answer.
                (Mark::Heading(depth), Some((_, own))) if depth <= own || own == 0 => {
                    self.pending = Some(line);
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
            // The line break may have exceeded the limit.
            self.buffer.truncate(self.limit);
        }
        Ok(Next::Record(RawRecord {
            line: begun.map_or(0, |b| b.0),
            bytes: &self.buffer,
            cut,
            quotes: Quotes::Balanced,
        }))
    }
}

fn is_blank(line: &Line) -> bool {
    line.bytes.trim_ascii().is_empty() && !line.cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::ControlFlow;
    use std::io::BufReader;

    fn blocks(text: &str, style: TextStyle) -> (Vec<(u64, String)>, u64, u64) {
        let mut blocks =
            BlockSplitter::new(BufReader::with_capacity(3, text.as_bytes()), 60, style);
        let mut all = Vec::new();
        while let Next::Record(record) = blocks.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(record.bytes).into_owned();
            all.push((record.line, text));
        }
        (all, blocks.unassigned(), blocks.blank())
    }

    #[test]
    fn block_splitter_ends_a_block_at_the_next_question() {
        let (found, unassigned, blank) = blocks(
            "Hello\n\nQ: a?\nA: b\n\nc\n# Part\nQ: d?\nA: e",
            TextStyle::Labels,
        );
        let expected = [(3, "Q: a?\nA: b\n\nc"), (8, "Q: d?\nA: e")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!((unassigned, blank), (2, 2));
    }

    #[test]
    fn block_splitter_keeps_deeper_headings_and_code_in_the_answer() {
        let (found, unassigned, _) = blocks(
            "# FAQ\n## a?\nb\n### c\n```\n# d?\n```\n## e\nf\n**g?**\nh",
            TextStyle::Headings,
        );
        let expected = [(2, "## a?\nb\n### c\n```\n# d?\n```"), (10, "**g?**\nh")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(unassigned, 3);
    }

    #[test]
    fn block_splitter_cuts_long_blocks() {
        let text = format!("Q: a?\nA: {}\n\nQ: b?\nA: c", "x\n".repeat(1000));
        let found = blocks(&text, TextStyle::Labels).0;
        assert_eq!(found.len(), 2);
        assert!(found[0].1.len() <= 60);
    }
}
