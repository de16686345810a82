//! Opening a stream: its encoding, its shape, and how many bytes are gone.

use super::encoding::{Decoder, Encoding, binary};
use super::items::Items;
use super::lines::{Lines, Next, Tick};
use super::{ReadError, ReadOptions};
use core::cell::Cell;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How many bytes at the beginning decide about encoding and shape.
const HEAD: usize = 4096;

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
}

enum Pieces<'r> {
    Lines(Lines<Box<dyn BufRead + 'r>>),
    Items(Items<Box<dyn BufRead + 'r>>),
}

impl<'r> Source<'r> {
    /// Looks at the beginning of a stream. `bytes` counts what is used of it from here on.
    pub(super) fn open<R: BufRead + 'r>(
        reader: R,
        options: &ReadOptions,
        bytes: &'r Cell<u64>,
    ) -> Result<Self, ReadError> {
        let (head, reader) = peek(reader)?;
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
        let (head, mut reader) = peek(decoded)?;
        let mark = "\u{feff}".as_bytes();
        if head.starts_with(mark) {
            io::copy(&mut (&mut reader).take(mark.len() as u64), &mut io::sink())?;
        }
        let shape = shape(head.strip_prefix(mark).unwrap_or(&head));
        let limit = options.limits.row_bytes;
        let reader: Box<dyn BufRead + 'r> = Box::new(reader);
        let pieces = match shape {
            Shape::Lines => Pieces::Lines(Lines::new(reader, limit)),
            Shape::List => Pieces::Items(Items::new(reader, limit, false)),
            Shape::Spread => Pieces::Items(Items::new(reader, limit, true)),
        };
        Ok(Self {
            pieces,
            encoding,
            shape,
        })
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        match &mut self.pieces {
            Pieces::Lines(lines) => lines.next(tick),
            Pieces::Items(items) => items.next(tick),
        }
    }

    pub(super) fn lines(&self) -> u64 {
        match &self.pieces {
            Pieces::Lines(lines) => lines.lines(),
            Pieces::Items(items) => items.lines(),
        }
    }

    /// Whether a list ended without `]`.
    pub(super) fn is_open(&self) -> bool {
        match &self.pieces {
            Pieces::Items(items) => self.shape == Shape::List && items.is_open(),
            Pieces::Lines(_) => false,
        }
    }
}

/// The first bytes, and a reader that still has them.
fn peek<R: BufRead>(mut reader: R) -> io::Result<(Vec<u8>, impl BufRead)> {
    let mut head = Vec::new();
    (&mut reader).take(HEAD as u64).read_to_end(&mut head)?;
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
