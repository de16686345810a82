//! Quotes around the cells of a table.
//!
//! Spreadsheets double a `"` within a quoted cell. Hand-written tables often don't, and often leave
//! quotes unclosed. A quote followed by neither a delimiter nor the end of the line is *unescaped*:
//! part of the text, unless it is where a cell begins. There it opens a cell, which means that the
//! previous quote was never closed.

const QUOTE: u8 = b'"';

/// State of a record at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// The record is complete.
    Closed,
    /// A quoted cell continues on the next line.
    Open,
    /// A quote was opened that can't have been closed.
    Broken,
}

/// State of the quotes of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// Balanced, or without quotes.
    #[default]
    Balanced,
    /// Some quotes were unescaped and kept as text.
    Unescaped,
    /// One quote is never closed.
    Unclosed,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before a cell, or in its leading blanks.
    Start,
    /// In an unquoted cell.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// After a quote that may close its cell.
    After {
        /// Whether the quote is where a cell could begin.
        opens: bool,
        /// Whether blanks followed the quote.
        gap: bool,
    },
}

/// Reads a record line by line and writes it with its quotes repaired.
pub(crate) struct QuoteScanner {
    delimiter: u8,
    state: State,
    /// Whether any quote was unescaped.
    pub(crate) has_unescaped: bool,
    is_first_line: bool,
}

impl QuoteScanner {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::Start,
            has_unescaped: false,
            is_first_line: true,
        }
    }

    /// Scans the next line of the record, given without its line break, and appends the repaired
    /// line to `out`.
    pub(crate) fn scan_line(&mut self, line: &[u8], out: &mut Vec<u8>) -> LineEnd {
        // Last byte other than a blank. At the start of a later line a quote may open a cell, as it
        // does after a delimiter.
        let mut before = if self.is_first_line {
            0
        } else {
            self.delimiter
        };
        self.is_first_line = false;
        // Start of the cell, and end of the last quote.
        let (mut start, mut after) = (out.len(), out.len());
        for &byte in line {
            let blank = is_blank(byte, self.delimiter);
            if let State::After { opens, gap } = self.state {
                match byte {
                    QUOTE if !gap => {
                        self.state = State::Quoted;
                        out.push(byte);
                        before = byte;
                        continue;
                    }
                    _ if byte == self.delimiter => self.state = State::Plain,
                    _ if blank => {
                        self.state = State::After { opens, gap: true };
                        out.push(byte);
                        continue;
                    }
                    _ if opens => return LineEnd::Broken,
                    _ => {
                        self.has_unescaped = true;
                        out.insert(after.min(out.len()), QUOTE);
                        self.state = State::Quoted;
                    }
                }
            }
            match self.state {
                State::Start if byte == QUOTE => {
                    out.truncate(start);
                    self.state = State::Quoted;
                }
                State::Quoted if byte == QUOTE => {
                    after = out.len() + 1;
                    self.state = State::After {
                        opens: before == self.delimiter,
                        gap: false,
                    };
                }
                State::Start | State::Plain if byte == self.delimiter => {
                    start = out.len() + 1;
                    self.state = State::Start;
                }
                State::Start if !blank => self.state = State::Plain,
                _ => {}
            }
            out.push(byte);
            if !blank {
                before = byte;
            }
        }
        match self.state {
            State::Quoted => LineEnd::Open,
            _ => LineEnd::Closed,
        }
    }
}

fn is_blank(byte: u8, delimiter: u8) -> bool {
    matches!(byte, b' ' | b'\t') && byte != delimiter
}

fn trim_start_blanks(text: &[u8], delimiter: u8) -> &[u8] {
    let begin = text.iter().position(|b| !is_blank(*b, delimiter));
    text.get(begin.unwrap_or(text.len())..).unwrap_or_default()
}

/// Writes one line whose quotes are part of the text (`"Big" sale?,Yes`) with every cell quoted.
/// Returns `false` if a cell that begins with a quote has an odd number of them.
pub(crate) fn quote_cells_literally(line: &[u8], delimiter: u8, out: &mut Vec<u8>) -> bool {
    let mut rest = line;
    loop {
        let cell = trim_start_blanks(rest, delimiter);
        let quoted = match cell.split_first() {
            Some((&QUOTE, inside)) => find_closing_quote(inside, delimiter),
            _ => None,
        };
        let length = match quoted {
            // Leading blanks and both quotes.
            Some(inside) => rest.len() - cell.len() + inside + 2,
            None => {
                let end = rest.iter().position(|b| *b == delimiter);
                end.unwrap_or(rest.len())
            }
        };
        let (text, after) = rest.split_at(length.min(rest.len()));
        match quoted {
            Some(_) => out.extend_from_slice(trim_start_blanks(text, delimiter)),
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
        // Only blanks can follow the closing quote before the delimiter.
        let Some(at) = after.iter().position(|b| *b == delimiter) else {
            return true;
        };
        out.push(delimiter);
        rest = after.get(at + 1..).unwrap_or_default();
    }
}

/// Finds the offset of the quote that closes a cell on this line.
fn find_closing_quote(inside: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += inside.get(at..)?.iter().position(|b| *b == QUOTE)?;
        if inside.get(at + 1) == Some(&QUOTE) {
            at += 2;
            continue;
        }
        let after = inside.get(at + 1..)?;
        let next = after.iter().find(|b| !is_blank(**b, delimiter));
        return next.is_none_or(|b| *b == delimiter).then_some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(lines: &[&str]) -> (LineEnd, bool, String) {
        let mut scanner = QuoteScanner::new(b',');
        let mut out = Vec::new();
        let mut end = LineEnd::Closed;
        for line in lines {
            end = scanner.scan_line(line.as_bytes(), &mut out);
        }
        (end, scanner.has_unescaped, String::from_utf8(out).unwrap())
    }

    #[test]
    fn scan_line_finds_the_end_of_a_record() {
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
            // The next cell or row opens a quote within this one.
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
    fn quote_cells_literally_keeps_pairs_of_quotes() {
        for (line, expected) in [
            ("\"Big\" sale?,Yes", Some("\"\"\"Big\"\" sale?\",\"Yes\"")),
            ("\"a\" b, \"c,d\" ,e", Some("\"\"\"a\"\" b\",\"c,d\",\"e\"")),
            ("\"a,b", None),
            ("\"a\"b\",c", None),
        ] {
            let mut out = Vec::new();
            let whole = quote_cells_literally(line.as_bytes(), b',', &mut out);
            let out = String::from_utf8(out).unwrap();
            assert_eq!(whole.then_some(out.as_str()), expected, "{line}");
        }
    }
}
