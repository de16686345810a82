//! Rich text (RTF): paragraphs with bold text, headings and tables.
//!
//! The format is a stream of control words and groups, of which few matter for the text, so it is
//! read here rather than by a crate.

use super::Document;
use super::outline::read_outline;
use super::text_builder::TextBuilder;
use crate::decode::windows_1252_char;
use crate::rich::{BlockKind, Span};
use crate::{FileFormat, ReadError, ReadOptions};

const FORMAT: FileFormat = FileFormat::RichText;

const HOW_TO: &str = "Write each question in bold or after Q:, with its answer below it, or use a \
                      table with the columns question and answer.";

/// Destinations whose text isn't part of the document.
const SKIPPED: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "footnote",
    "annotation",
    "listtable",
    "listoverridetable",
    "themedata",
    "datastore",
    "latentstyles",
    "generator",
    "filetbl",
    "revtbl",
    "rsidtbl",
    "xmlnstbl",
    "fldinst",
    "listtext",
    "pntext",
    "bkmkstart",
    "bkmkend",
    "colorschememapping",
    "operator",
    "nonesttables",
];

/// Format of a group.
#[derive(Clone, Copy, Default)]
struct Format {
    bold: bool,
    italic: bool,
    is_hidden: bool,
    is_skipped: bool,
    /// Number of characters that stand in for a Unicode one.
    fallback: usize,
}

/// Properties of a paragraph.
#[derive(Clone, Copy, Default)]
struct Paragraph {
    level: Option<u8>,
    is_item: bool,
    in_table: bool,
}

/// Whether the bytes begin like rich text.
pub(super) fn recognize(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"{\\rtf")
}

/// Reads an RTF document.
///
/// # Errors
/// [`ReadError`], when the document has no questions and answers.
pub(super) fn read(bytes: Vec<u8>, options: &ReadOptions) -> Result<Document, ReadError> {
    let mut reader = Reader {
        depth: options.limits.depth,
        groups: vec![Format {
            fallback: 1,
            ..Format::default()
        }],
        ..Reader::default()
    };
    reader.read(&bytes);
    let document = read_outline(FORMAT, reader.builder.finish(), options.columns.as_ref());
    document.or_nothing_found(HOW_TO)
}

#[derive(Default)]
struct Reader {
    builder: TextBuilder,
    groups: Vec<Format>,
    /// Number of groups beyond the depth limit.
    deeper: usize,
    depth: usize,
    paragraph: Paragraph,
    /// Whether a table is open.
    in_table: bool,
    /// Whether a row of the table is open.
    in_row: bool,
    /// Characters still to skip after a Unicode character.
    skip: usize,
    /// First half of a character beyond the basic plane.
    high: Option<u16>,
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'{' => {
                    if self.groups.len() < self.depth {
                        self.groups.push(self.format());
                    } else {
                        self.deeper += 1;
                    }
                }
                b'}' if self.deeper > 0 => self.deeper -= 1,
                b'}' if self.groups.len() > 1 => {
                    self.groups.pop();
                }
                b'}' | b'\r' | b'\n' | 0 => {}
                b'\\' => rest = self.read_control(rest),
                byte => self.add_byte(*byte),
            }
        }
        if self.in_table {
            self.builder.end_table();
        }
    }

    fn format(&self) -> Format {
        self.groups.last().copied().unwrap_or_default()
    }

    fn read_control<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        match rest {
            [b'\'', high, low, after @ ..] => {
                let digits = [*high, *low];
                let digits = core::str::from_utf8(&digits).unwrap_or_default();
                if let Ok(byte) = u8::from_str_radix(digits, 16) {
                    self.add_byte(byte);
                }
                after
            }
            [b'*', after @ ..] => {
                self.set(|format| format.is_skipped = true);
                after
            }
            [b'~', after @ ..] => {
                self.add_char(' ');
                after
            }
            [b'_', after @ ..] => {
                self.add_char('-');
                after
            }
            [b'\n' | b'\r', after @ ..] => {
                self.end_paragraph();
                after
            }
            [byte @ (b'\\' | b'{' | b'}'), after @ ..] => {
                self.add_byte(*byte);
                after
            }
            [letter, ..] if letter.is_ascii_alphabetic() => {
                let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                let (word, after) = rest.split_at(length);
                let word = core::str::from_utf8(word).unwrap_or_default();
                let is_number =
                    |(i, b): &(usize, &u8)| b.is_ascii_digit() || (*i == 0 && **b == b'-');
                let length = after.iter().enumerate().take_while(is_number).count();
                let (number, after) = after.split_at(length);
                let number = core::str::from_utf8(number)
                    .unwrap_or_default()
                    .parse()
                    .ok();
                let after = after.strip_prefix(b" ").unwrap_or(after);
                self.control(word, number, after)
            }
            [_, after @ ..] => after,
            [] => rest,
        }
    }

    /// Obeys a control word; returns the bytes after it and after what belongs to it.
    fn control<'b>(&mut self, word: &str, number: Option<i32>, rest: &'b [u8]) -> &'b [u8] {
        let is_on = number != Some(0);
        match word {
            "par" | "sect" | "page" => self.end_paragraph(),
            "line" => self.add_char('\n'),
            "tab" => self.add_char(' '),
            "emdash" => self.add_char('—'),
            "endash" => self.add_char('–'),
            "lquote" => self.add_char('‘'),
            "rquote" => self.add_char('’'),
            "ldblquote" => self.add_char('“'),
            "rdblquote" => self.add_char('”'),
            "bullet" => self.add_char('•'),
            "pard" => self.paragraph = Paragraph::default(),
            "outlinelevel" => {
                let level = number.and_then(|level| u8::try_from(level + 1).ok());
                self.paragraph.level = level.filter(|level| *level <= 9);
            }
            "ls" | "pn" => self.paragraph.is_item = true,
            "intbl" => self.paragraph.in_table = true,
            "b" => self.set(|format| format.bold = is_on),
            "i" => self.set(|format| format.italic = is_on),
            "v" => self.set(|format| format.is_hidden = is_on),
            "plain" => self.set(|format| {
                (format.bold, format.italic, format.is_hidden) = (false, false, false);
            }),
            "trowd" => {
                if !self.in_table {
                    self.end_paragraph();
                    self.builder.start_table();
                    self.in_table = true;
                }
                self.in_row = true;
            }
            "cell" if self.in_table => {
                self.builder.end_paragraph(BlockKind::Paragraph);
                self.builder.end_cell(1, false);
            }
            "row" if self.in_table => {
                self.builder.end_row();
                self.in_row = false;
            }
            "uc" => {
                let count = number.and_then(|count| usize::try_from(count).ok());
                self.set(|format| format.fallback = count.unwrap_or(1).min(16));
            }
            "u" => {
                let unit = number.unwrap_or(0) as u16;
                self.add_unit(unit);
                self.skip = self.format().fallback;
            }
            "bin" => {
                let length = number.and_then(|length| usize::try_from(length).ok());
                return rest.get(length.unwrap_or(0)..).unwrap_or_default();
            }
            word if SKIPPED.contains(&word) => self.set(|format| format.is_skipped = true),
            _ => {}
        }
        rest
    }

    fn set(&mut self, change: impl FnOnce(&mut Format)) {
        if let Some(format) = self.groups.last_mut().filter(|_| self.deeper == 0) {
            change(format);
        }
    }

    fn end_paragraph(&mut self) {
        if self.format().is_skipped {
            return;
        }
        if self.in_table && !self.in_row && !self.paragraph.in_table {
            self.builder.end_table();
            self.in_table = false;
        }
        let kind = match self.paragraph {
            Paragraph {
                level: Some(level), ..
            } => BlockKind::Heading(level),
            Paragraph { is_item: true, .. } => BlockKind::Item(0, None),
            _ => BlockKind::Paragraph,
        };
        self.builder.end_paragraph(kind);
    }

    fn add_byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.add_char(windows_1252_char(byte));
        }
    }

    /// Adds a UTF-16 unit.
    fn add_unit(&mut self, unit: u16) {
        let units = match self.high.take() {
            Some(high) => vec![high, unit],
            None if (0xd800..0xdc00).contains(&unit) => {
                self.high = Some(unit);
                return;
            }
            None => vec![unit],
        };
        for c in char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)) {
            self.add_char(c);
        }
    }

    fn add_char(&mut self, c: char) {
        let format = self.format();
        if format.is_skipped || format.is_hidden {
            return;
        }
        let is_after_table = self.in_table && !self.in_row && !self.paragraph.in_table;
        if is_after_table && !c.is_whitespace() {
            // Text after the last row.
            self.builder.end_table();
            self.in_table = false;
        }
        self.builder.push(Span {
            text: c.to_string(),
            bold: format.bold,
            italic: format.italic,
            ..Span::default()
        });
    }
}
