//! Opening a stream: its encoding, its shape, and how many bytes are gone.

use super::blocks::Blocks;
use super::encoding::{Decoder, Encoding, binary};
use super::items::Items;
use super::labels::Style;
use super::layout::{Kind, kind};
use super::lines::{Lines, Next, Tick};
use super::records::Records;
use super::{ReadError, ReadOptions};
use core::cell::Cell;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How many bytes at the beginning decide about encoding and the shape of JSON.
const HEAD: usize = 4096;

/// How many bytes at the beginning decide between JSON, tables and texts.
const LONG_HEAD: usize = 1 << 16;

/// What a stream may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// JSON of any shape.
    Json,
    /// Whatever its beginning looks like.
    Any,
}

/// How the rows stand in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One row a line.
    #[default]
    Lines,
    /// One JSON list of rows.
    List,
    /// Rows written over several lines each, without a list around them.
    Spread,
    /// A table: cells with a delimiter between them.
    Table {
        /// The delimiter.
        delimiter: char,
    },
    /// A text of `Q:` and `A:`.
    Text,
    /// A text whose headings are the questions (Markdown).
    Markdown,
}

/// Counts the bytes that are read through it.
struct Counted<'c, R> {
    inner: R,
    bytes: &'c Cell<u64>,
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.bytes.set(self.bytes.get() + length as u64);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.set(self.bytes.get() + amount as u64);
        self.inner.consume(amount);
    }
}

/// A stream of pieces that should become rows.
pub(super) struct Source<'r> {
    pieces: Pieces<'r>,
    pub(super) encoding: Encoding,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
}

enum Pieces<'r> {
    Lines(Lines<Box<dyn BufRead + 'r>>),
    Items(Items<Box<dyn BufRead + 'r>>),
    Records(Records<Box<dyn BufRead + 'r>>),
    Blocks(Blocks<Box<dyn BufRead + 'r>>),
}

impl<'r> Source<'r> {
    /// Looks at the beginning of a stream. `bytes` counts what is used of it from here on.
    pub(super) fn open<R: BufRead + 'r>(
        reader: R,
        options: &ReadOptions,
        bytes: &'r Cell<u64>,
        accept: Accept,
    ) -> Result<Self, ReadError> {
        let (head, reader) = peek(reader, HEAD)?;
        if let Some(kind) = binary(&head) {
            return Err(ReadError::NotText { kind });
        }
        let encoding = options.encoding.unwrap_or_else(|| Encoding::guess(&head));
        // Counted behind the head, so that what was only looked at is not counted.
        let reader = Counted {
            inner: reader,
            bytes,
        };
        let decoded: Box<dyn BufRead + 'r> = match encoding {
            Encoding::Utf8 => Box::new(reader),
            _ => Box::new(BufReader::new(Decoder::new(reader, encoding))),
        };
        let length = match accept {
            Accept::Json => HEAD,
            Accept::Any => LONG_HEAD,
        };
        let (head, mut reader) = peek(decoded, length)?;
        let mark = "\u{feff}".as_bytes();
        if head.starts_with(mark) {
            io::copy(&mut (&mut reader).take(mark.len() as u64), &mut io::sink())?;
        }
        let kind = match accept {
            Accept::Json => Kind::Json,
            Accept::Any => kind(&head, head.len() < length, options.columns.as_ref())?,
        };
        let shape = match &kind {
            Kind::Json => shape(head.strip_prefix(mark).unwrap_or(&head)),
            Kind::Table(layout) => Shape::Table {
                delimiter: char::from(layout.delimiter),
            },
            Kind::Text(Style::Labels) => Shape::Text,
            Kind::Text(Style::Headings) => Shape::Markdown,
        };
        let limit = options.limits.row_bytes;
        let reader: Box<dyn BufRead + 'r> = Box::new(reader);
        let pieces = match (&kind, shape) {
            (Kind::Table(layout), _) => {
                Pieces::Records(Records::new(reader, limit, layout.delimiter))
            }
            (Kind::Text(style), _) => Pieces::Blocks(Blocks::new(reader, limit, *style)),
            (Kind::Json, Shape::List) => Pieces::Items(Items::new(reader, limit, false)),
            (Kind::Json, Shape::Spread) => Pieces::Items(Items::new(reader, limit, true)),
            (Kind::Json, _) => Pieces::Lines(Lines::new(reader, limit)),
        };
        Ok(Self {
            pieces,
            encoding,
            shape,
            kind,
        })
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        match &mut self.pieces {
            Pieces::Lines(lines) => lines.next(tick),
            Pieces::Items(items) => items.next(tick),
            Pieces::Records(records) => records.next(tick),
            Pieces::Blocks(blocks) => blocks.next(tick),
        }
    }

    pub(super) fn lines(&self) -> u64 {
        match &self.pieces {
            Pieces::Lines(lines) => lines.lines(),
            Pieces::Items(items) => items.lines(),
            Pieces::Records(records) => records.lines(),
            Pieces::Blocks(blocks) => blocks.lines(),
        }
    }

    /// The line where what was halted begins.
    pub(super) fn halted_at(&self) -> u64 {
        match &self.pieces {
            Pieces::Records(records) => records.halted_at(),
            Pieces::Blocks(blocks) => blocks.halted_at(),
            Pieces::Lines(_) | Pieces::Items(_) => self.lines(),
        }
    }

    /// Of a text, the lines with nothing on them, and those that belong to no question.
    pub(super) fn beside(&self) -> (u64, u64) {
        match &self.pieces {
            Pieces::Blocks(blocks) => (blocks.blank(), blocks.outside()),
            _ => (0, 0),
        }
    }

    /// Whether a list ended without `]`.
    pub(super) fn is_open(&self) -> bool {
        match &self.pieces {
            Pieces::Items(items) => self.shape == Shape::List && items.is_open(),
            _ => false,
        }
    }
}

/// The first bytes, and a reader that still has them.
fn peek<R: BufRead>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, impl BufRead)> {
    let mut head = Vec::new();
    (&mut reader).take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

fn shape(head: &[u8]) -> Shape {
    let head = head.trim_ascii_start();
    let Some((first, rest)) = head.split_first() else {
        return Shape::Lines;
    };
    let next = rest.trim_ascii_start();
    let gap = rest.get(..rest.len() - next.len()).unwrap_or_default();
    let broken = gap.iter().any(|b| matches!(b, b'\n' | b'\r'));
    match (first, next.first()) {
        (b'[', None | Some(b'{' | b']')) => Shape::List,
        (b'[', Some(_)) if broken => Shape::List,
        (b'{', Some(_)) if broken => Shape::Spread,
        _ => Shape::Lines,
    }
}
