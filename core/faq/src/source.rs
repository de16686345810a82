//! Opening a stream: detects encoding and format, and creates the splitter for it, or leaves it to
//! the reader of a document format.

use super::content::{Content, detect_content};
use super::decode::Transcoder;
use super::document::{
    BinaryFormat, Head, Recognized, TextFormat, recognize_bytes, recognize_text,
};
use super::parse::labels::TextStyle;
use super::split::{BlockSplitter, JsonSplitter, LineSplitter, Next, TableSplitter, Tick};
use super::{Encoding, FileFormat, ReadError, ReadOptions};
use crate::text;
use core::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Number of bytes from which the encoding and the JSON format are detected.
const JSON_HEAD: usize = 4096;

/// Number of bytes from which JSON, tables and texts are told apart.
const HEAD: usize = 1 << 16;

/// Formats that a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// JSON only.
    Json,
    /// Every format, detected from the first bytes.
    Any,
    /// Every format except archives.
    AnyButArchives,
    /// Every format except documents that are read whole.
    Streamed,
}

impl Accept {
    /// Whether documents that are read whole are accepted.
    fn has_documents(self) -> bool {
        matches!(self, Self::Any | Self::AnyButArchives)
    }
}

/// Reader that counts the bytes read through it.
struct CountingReader<'c, R> {
    inner: R,
    bytes: &'c Cell<u64>,
}

impl<R: BufRead> Read for CountingReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.bytes.set(self.bytes.get() + length as u64);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for CountingReader<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.set(self.bytes.get() + amount as u64);
        self.inner.consume(amount);
    }
}

/// An opened stream: raw records, or a document to read whole.
pub(crate) enum Opened<'r> {
    Records(Box<Source<'r>>),
    /// Document of a text format, decoded.
    Text(&'static TextFormat, Encoding, Box<dyn BufRead + 'r>),
    /// Document of a binary format.
    Bytes(&'static BinaryFormat, Box<dyn BufRead + 'r>),
}

/// An opened stream of raw records.
pub(crate) struct Source<'r> {
    splitter: Splitter<'r>,
    pub(crate) encoding: Encoding,
    pub(crate) format: FileFormat,
    pub(crate) content: Content,
}

enum Splitter<'r> {
    Lines(LineSplitter<Box<dyn BufRead + 'r>>),
    Json(JsonSplitter<Box<dyn BufRead + 'r>>),
    Table(TableSplitter<Box<dyn BufRead + 'r>>),
    Blocks(BlockSplitter<Box<dyn BufRead + 'r>>),
}

impl<'r> Source<'r> {
    /// Detects encoding and format from the beginning of a stream. `bytes` counts the bytes read
    /// from then on.
    ///
    /// # Errors
    /// [`ReadError`], when the stream fails, is binary, or has an unknown format.
    pub(crate) fn open<R: BufRead + 'r>(
        reader: R,
        options: &ReadOptions,
        bytes: &'r Cell<u64>,
        accept: Accept,
    ) -> Result<Opened<'r>, ReadError> {
        let length = match accept {
            Accept::Json => JSON_HEAD,
            Accept::Any | Accept::AnyButArchives | Accept::Streamed => HEAD,
        };
        let (head, reader) = peek_bytes(reader, length)?;
        match recognize_bytes(&head) {
            Some(Recognized::Format(format)) if accept.has_documents() => {
                let inner = reader;
                let reader = CountingReader { inner, bytes };
                return Ok(Opened::Bytes(format, Box::new(reader)));
            }
            Some(Recognized::Format(_)) => {
                let beginning = text::excerpt(&String::from_utf8_lossy(&head));
                return Err(ReadError::NotJson { beginning });
            }
            Some(Recognized::Refused(kind, remedy)) => {
                return Err(ReadError::Refused { kind, remedy });
            }
            None => {}
        }
        let encoding = options.encoding.unwrap_or_else(|| match accept {
            Accept::Json => Encoding::guess(&head),
            Accept::Any | Accept::AnyButArchives | Accept::Streamed => detect_encoding(&head),
        });
        // Count consumed bytes only, not peeked ones.
        let reader = CountingReader {
            inner: reader,
            bytes,
        };
        let decoded: Box<dyn BufRead + 'r> = match encoding {
            Encoding::Utf8 => Box::new(reader),
            _ => Box::new(BufReader::new(Transcoder::new(reader, encoding))),
        };
        let (head, mut reader) = peek_bytes(decoded, length)?;
        let mark = "\u{feff}".as_bytes();
        if head.starts_with(mark) {
            io::copy(&mut (&mut reader).take(mark.len() as u64), &mut io::sink())?;
        }
        let is_whole = head.len() < length;
        let text = String::from_utf8_lossy(head.strip_prefix(mark).unwrap_or(&head));
        let text_head = Head::new(&text, is_whole, options.file_name.as_deref());
        if accept.has_documents()
            && let Some(format) = recognize_text(&text_head)
        {
            return Ok(Opened::Text(format, encoding, Box::new(reader)));
        }
        let content = match accept {
            Accept::Json => Content::Json,
            Accept::Any | Accept::AnyButArchives | Accept::Streamed => {
                let documents = accept.has_documents().then_some(&text_head);
                detect_content(&head, is_whole, options.columns.as_ref(), documents)?
            }
        };
        if let Content::Document(format) = content {
            return Ok(Opened::Text(format, encoding, Box::new(reader)));
        }
        let format = match &content {
            Content::Document(format) => format.format,
            Content::Json => detect_json_format(head.strip_prefix(mark).unwrap_or(&head)),
            Content::Table(layout) => FileFormat::Table {
                delimiter: char::from(layout.delimiter),
            },
            Content::Text(TextStyle::Labels | TextStyle::PointLabels) => FileFormat::LabelledText,
            Content::Text(TextStyle::Headings) => FileFormat::Markdown,
        };
        let limit = options.limits.row_bytes;
        let reader: Box<dyn BufRead + 'r> = Box::new(reader);
        let splitter = match (&content, format) {
            (Content::Table(layout), _) => {
                Splitter::Table(TableSplitter::new(reader, limit, layout.delimiter))
            }
            (Content::Text(style), _) => {
                Splitter::Blocks(BlockSplitter::new(reader, limit, *style))
            }
            (Content::Json, FileFormat::JsonList) => {
                Splitter::Json(JsonSplitter::new(reader, limit, false))
            }
            (Content::Json, FileFormat::JsonObjects) => {
                Splitter::Json(JsonSplitter::new(reader, limit, true))
            }
            (Content::Json | Content::Document(_), _) => {
                Splitter::Lines(LineSplitter::new(reader, limit))
            }
        };
        Ok(Opened::Records(Box::new(Self {
            splitter,
            encoding,
            format,
            content,
        })))
    }

    pub(crate) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        match &mut self.splitter {
            Splitter::Lines(lines) => lines.next(tick),
            Splitter::Json(items) => items.next(tick),
            Splitter::Table(records) => records.next(tick),
            Splitter::Blocks(blocks) => blocks.next(tick),
        }
    }

    /// Facts about the file, after its last record.
    pub(crate) fn facts(&self) -> FileFacts {
        let (blank, unassigned) = self.skipped_lines();
        FileFacts {
            format: self.format,
            encoding: self.encoding,
            blank,
            unassigned,
            is_list_unclosed: self.is_list_unclosed(),
        }
    }

    pub(crate) fn lines(&self) -> u64 {
        match &self.splitter {
            Splitter::Lines(lines) => lines.lines(),
            Splitter::Json(items) => items.lines(),
            Splitter::Table(records) => records.lines(),
            Splitter::Blocks(blocks) => blocks.lines(),
        }
    }

    /// First line of the record within which reading was halted.
    pub(crate) fn halted_at(&self) -> u64 {
        match &self.splitter {
            Splitter::Table(records) => records.halted_at(),
            Splitter::Blocks(blocks) => blocks.halted_at(),
            Splitter::Lines(_) | Splitter::Json(_) => self.lines(),
        }
    }

    /// Number of blank lines and of lines outside of every question, both for texts only.
    fn skipped_lines(&self) -> (u64, u64) {
        match &self.splitter {
            Splitter::Blocks(blocks) => (blocks.blank(), blocks.unassigned()),
            _ => (0, 0),
        }
    }

    /// Whether a JSON list has no closing `]`.
    fn is_list_unclosed(&self) -> bool {
        match &self.splitter {
            Splitter::Json(items) => {
                self.format == FileFormat::JsonList && items.is_list_unclosed()
            }
            _ => false,
        }
    }
}

/// Facts about a file other than its records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileFacts {
    pub(crate) format: FileFormat,
    pub(crate) encoding: Encoding,
    /// Number of blank lines that weren't records.
    pub(crate) blank: u64,
    /// Number of lines outside of every question.
    pub(crate) unassigned: u64,
    /// Whether a JSON list has no closing `]`.
    pub(crate) is_list_unclosed: bool,
}

/// Guesses the encoding of a file of any format. Windows-1252 is left to the readers of tables and
/// texts, which decide about each record, since such files are often joined from several.
fn detect_encoding(head: &[u8]) -> Encoding {
    match Encoding::detect(head) {
        Encoding::Windows1252
            if !head.trim_ascii_start().starts_with(b"{")
                && !head.trim_ascii_start().starts_with(b"[") =>
        {
            Encoding::Utf8
        }
        encoding => encoding,
    }
}

/// Returns the first bytes, and a reader that still starts with them.
fn peek_bytes<R: BufRead>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, impl BufRead)> {
    let mut head = Vec::new();
    (&mut reader).take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

fn detect_json_format(head: &[u8]) -> FileFormat {
    let head = head.trim_ascii_start();
    let Some((first, rest)) = head.split_first() else {
        return FileFormat::JsonLines;
    };
    let next = rest.trim_ascii_start();
    let gap = rest.get(..rest.len() - next.len()).unwrap_or_default();
    let has_line_break = gap.iter().any(|b| matches!(b, b'\n' | b'\r'));
    match (first, next.first()) {
        (b'[', None | Some(b'{' | b']')) => FileFormat::JsonList,
        (b'[', Some(_)) if has_line_break => FileFormat::JsonList,
        (b'{', Some(_)) if has_line_break => FileFormat::JsonObjects,
        _ => FileFormat::JsonLines,
    }
}
