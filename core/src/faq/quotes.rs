//! Quotes around the cells of a table: where a record ends, and what a loose quote means.
//!
//! Spreadsheets write `"` twice for a quote within a quoted cell. People do not, and they forget to
//! close quotes. A quote that is followed by neither a delimiter nor the end of the line is *loose*:
//! part of the text, unless it stands where a cell begins. There it opens a cell, so that the quote
//! before it was never closed.

const QUOTE: u8 = b'"';

/// What the end of a line is to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// The record ends here.
    Closed,
    /// A quoted cell goes on.
    Open,
    /// A quote was opened that cannot have been closed.
    Broken,
}

/// How the quotes of a record were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quotes {
    /// As they should be, or there are none.
    #[default]
    Fine,
    /// Some are loose: they were taken as text.
    Loose,
    /// One is never closed.
    Open,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before a cell, or in the blanks it begins with.
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// Behind a quote that may be the last of its cell.
    After {
        /// Whether it stands where a cell could begin.
        opens: bool,
        /// Whether blanks followed.
        gap: bool,
    },
}

/// Reads a record line by line and writes it with its quotes in order.
pub(super) struct Scan {
    delimiter: u8,
    place: Place,
    /// Whether a quote was loose.
    pub(super) loose: bool,
    first: bool,
}

impl Scan {
    pub(super) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            place: Place::Start,
            loose: false,
            first: true,
        }
    }

    /// The next line of the record, without its end.
    pub(super) fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> LineEnd {
        // The last byte that is no blank: a quote at the beginning of a further line may open.
        let mut before = match self.first {
            true => 0,
            false => self.delimiter,
        };
        self.first = false;
        // Where the cell began, and where the last quote ended.
        let (mut start, mut behind) = (out.len(), out.len());
        for &byte in line {
            let blank = is_blank(byte, self.delimiter);
            if let Place::After { opens, gap } = self.place {
                match byte {
                    QUOTE if !gap => {
                        self.place = Place::Quoted;
                        out.push(byte);
                        before = byte;
                        continue;
                    }
                    _ if byte == self.delimiter => self.place = Place::Plain,
                    _ if blank => {
                        self.place = Place::After { opens, gap: true };
                        out.push(byte);
                        continue;
                    }
                    _ if opens => return LineEnd::Broken,
                    _ => {
                        self.loose = true;
                        out.insert(behind.min(out.len()), QUOTE);
                        self.place = Place::Quoted;
                    }
                }
            }
            match self.place {
                Place::Start if byte == QUOTE => {
                    out.truncate(start);
                    self.place = Place::Quoted;
                }
                Place::Quoted if byte == QUOTE => {
                    behind = out.len() + 1;
                    self.place = Place::After {
                        opens: before == self.delimiter,
                        gap: false,
                    };
                }
                Place::Start | Place::Plain if byte == self.delimiter => {
                    start = out.len() + 1;
                    self.place = Place::Start;
                }
                Place::Start if !blank => self.place = Place::Plain,
                _ => {}
            }
            out.push(byte);
            if !blank {
                before = byte;
            }
        }
        match self.place {
            Place::Quoted => LineEnd::Open,
            _ => LineEnd::Closed,
        }
    }
}

fn is_blank(byte: u8, delimiter: u8) -> bool {
    matches!(byte, b' ' | b'\t') && byte != delimiter
}

fn without_blanks(text: &[u8], delimiter: u8) -> &[u8] {
    let begin = text.iter().position(|b| !is_blank(*b, delimiter));
    text.get(begin.unwrap_or(text.len())..).unwrap_or_default()
}

/// Writes one line with quotes that have no meaning (`"Big" sale?,Yes`) as text. `false` when a
/// cell has one quote that is without another.
pub(super) fn literally(line: &[u8], delimiter: u8, out: &mut Vec<u8>) -> bool {
    let mut rest = line;
    loop {
        let cell = without_blanks(rest, delimiter);
        let quoted = match cell.split_first() {
            Some((&QUOTE, inside)) => closed(inside, delimiter),
            _ => None,
        };
        let length = match quoted {
            // The blanks before it, both quotes.
            Some(inside) => rest.len() - cell.len() + inside + 2,
            None => {
                let end = rest.iter().position(|b| *b == delimiter);
                end.unwrap_or(rest.len())
            }
        };
        let (text, behind) = rest.split_at(length.min(rest.len()));
        match quoted {
            Some(_) => out.extend_from_slice(without_blanks(text, delimiter)),
            None => {
                let quotes = text.iter().filter(|b| **b == QUOTE).count();
                if quotes % 2 == 1 && cell.starts_with(&[QUOTE]) {
                    return false;
                }
                out.push(QUOTE);
                for &byte in text {
                    out.push(byte);
                    if byte == QUOTE {
                        out.push(byte);
                    }
                }
                out.push(QUOTE);
            }
        }
        // Behind the closing quote only blanks can stand before the delimiter.
        let Some(at) = behind.iter().position(|b| *b == delimiter) else {
            return true;
        };
        out.push(delimiter);
        rest = behind.get(at + 1..).unwrap_or_default();
    }
}

/// The length of what stands before the quote that closes a cell, if one does on this line.
fn closed(inside: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += inside.get(at..)?.iter().position(|b| *b == QUOTE)?;
        if inside.get(at + 1) == Some(&QUOTE) {
            at += 2;
            continue;
        }
        let behind = inside.get(at + 1..)?;
        let next = behind.iter().find(|b| !is_blank(**b, delimiter));
        return next.is_none_or(|b| *b == delimiter).then_some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(lines: &[&str]) -> (LineEnd, bool, String) {
        let mut scan = Scan::new(b',');
        let mut out = Vec::new();
        let mut end = LineEnd::Closed;
        for line in lines {
            end = scan.line(line.as_bytes(), &mut out);
        }
        (end, scan.loose, String::from_utf8(out).unwrap())
    }

    #[test]
    fn quotes_decide_where_a_record_ends() {
        use LineEnd::{Broken, Closed, Open};
        for (lines, end, loose) in [
            (&["a,b"][..], Closed, false),
            (&["\"a,b"], Open, false),
            (&["\"a", "b\",c"], Closed, false),
            (&["\"a\"\"", "b\",c"], Closed, false),
            (&["5\" pipe,\"c\""], Closed, false),
            (&["\"\",\"\""], Closed, false),
            (&["\"say \"hi\" now\",c"], Closed, true),
            (&["\"a\" , \"b\" "], Closed, false),
            // the next cell or row opens a quote within this one
            (&["\"a,\"b\""], Broken, false),
            (&["\"a,b", "\"c\",d"], Broken, false),
            (&["\"a,b", "c, \"d\""], Broken, false),
        ] {
            let found = scan(lines);
            assert_eq!((found.0, found.1), (end, loose), "{lines:?}");
        }
        assert_eq!(
            scan(&["a, \"b\",\"c \"d\" e\""]).2,
            "a,\"b\",\"c \"\"d\"\" e\""
        );
    }

    #[test]
    fn pairs_of_quotes_can_be_text() {
        for (line, expected) in [
            ("\"Big\" sale?,Yes", Some("\"\"\"Big\"\" sale?\",\"Yes\"")),
            ("\"a\" b, \"c,d\" ,e", Some("\"\"\"a\"\" b\",\"c,d\",\"e\"")),
            ("\"a,b", None),
            ("\"a\"b\",c", None),
        ] {
            let mut out = Vec::new();
            let whole = literally(line.as_bytes(), b',', &mut out);
            let out = String::from_utf8(out).unwrap();
            assert_eq!(whole.then_some(out.as_str()), expected, "{line}");
        }
    }
}
