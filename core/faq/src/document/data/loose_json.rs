//! Parsing JSON and its relatives: JSON with comments, JSON5, data in JavaScript, TypeScript and
//! Python. Mistakes that leave the meaning clear (extra or missing commas, other quotes) are read
//! over.

use super::loose_text::{begins_entry, ends_text, is_method_call, push_escape};
use super::tree::{Node, Tree};

/// Reason why a text can't be parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: u64,
    pub(crate) what: &'static str,
}

/// Parser of the values in a text.
#[derive(Clone)]
pub(crate) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    line: u64,
    /// Offset up to which lines are counted.
    counted: usize,
    depth: usize,
    max_depth: usize,
    /// Whether anything was read that strict JSON doesn't allow.
    pub(crate) is_loose: bool,
}

/// Pairs of quotes.
const QUOTES: &[(char, char)] = &[
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('”', '”'),
    ('„', '“'),
    ('‘', '’'),
    ('«', '»'),
];

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, max_depth: usize) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            counted: 0,
            depth: 0,
            max_depth,
            is_loose: false,
        }
    }

    /// Offset of the next byte.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Continues at an offset behind the present one.
    pub(crate) fn skip_to(&mut self, at: usize) {
        self.at = at.max(self.at).min(self.text.len());
        self.depth = 0;
        self.line();
    }

    /// Returns to an offset on a line, behind a value that can't be read.
    pub(crate) fn return_to(&mut self, at: usize, line: u64) {
        self.at = at.min(self.text.len());
        self.counted = self.at;
        self.line = line;
        self.depth = 0;
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn line(&mut self) -> u64 {
        let passed = self.text.get(self.counted..self.at).unwrap_or_default();
        let bytes = passed.as_bytes();
        let mut breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
        if breaks == 0 {
            breaks = bytes.iter().filter(|byte| **byte == b'\r').count();
        }
        self.line += breaks as u64;
        self.counted = self.at;
        self.line
    }

    pub(super) fn fail<T>(&mut self, what: &'static str) -> Result<T, SyntaxError> {
        let line = self.line();
        Err(SyntaxError { line, what })
    }

    /// Skips white space and comments.
    pub(crate) fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest
                .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
            self.at += rest.len() - trimmed.len();
            let end = if trimmed.starts_with("//") || trimmed.starts_with("# ") {
                trimmed.find(['\n', '\r']).unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                return;
            };
            self.is_loose = true;
            self.at += end;
        }
    }

    /// Whether only blanks and separators remain.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        while self.rest().starts_with([',', ';']) {
            self.at += 1;
            self.skip_blanks();
        }
        self.rest().is_empty()
    }

    /// Parses the next value.
    ///
    /// # Errors
    /// [`SyntaxError`], when no value begins here, it doesn't end, or it is nested too deeply.
    pub(crate) fn parse_value(&mut self) -> Result<Tree, SyntaxError> {
        self.skip_blanks();
        let line = self.line();
        if self.depth >= self.max_depth {
            return self.fail("brackets nested too deeply");
        }
        self.depth += 1;
        let node = match self.peek() {
            None => return self.fail("a value is missing at the end"),
            Some('{') => self.parse_map()?,
            Some('[') => self.parse_list(']')?,
            Some('(') => {
                self.is_loose = true;
                match self.parse_list(')')? {
                    // Parentheses around a single value group it.
                    Node::List(mut items) if items.len() == 1 => match items.pop() {
                        Some(item) => item.node,
                        None => Node::Null,
                    },
                    node => node,
                }
            }
            Some('<') => self.parse_markup()?,
            Some(c) if QUOTES.iter().any(|pair| pair.0 == c) => self.parse_texts()?,
            Some('}' | ']' | ')' | ',' | ':') => return self.fail("a value is missing"),
            Some(_) => self.parse_word()?,
        };
        self.depth -= 1;
        self.skip_type_words();
        Ok(Tree { line, node })
    }

    /// Skips `as const` and `satisfies Faq[]` behind a value.
    fn skip_type_words(&mut self) {
        let trimmed = self.rest().trim_start_matches(' ');
        if trimmed.starts_with("as ") || trimmed.starts_with("satisfies ") {
            let end = trimmed.find([',', '}', ')', ';', '\n']);
            self.at = self.text.len() - trimmed.len() + end.unwrap_or(trimmed.len());
        }
    }

    fn parse_list(&mut self, close: char) -> Result<Node, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        // Entries of a PHP array
        let mut entries: Vec<(String, Tree)> = Vec::new();
        loop {
            self.skip_separators();
            match self.peek() {
                None => return self.fail("a list has no closing bracket"),
                Some(c) if c == close => {
                    self.at += 1;
                    return Ok(if entries.is_empty() {
                        Node::List(items)
                    } else {
                        Node::Map(entries)
                    });
                }
                Some('.') if self.rest().starts_with("...") => self.skip_expression(),
                Some(_) => {
                    let value = self.parse_value()?;
                    self.skip_blanks();
                    if self.rest().starts_with("=>") {
                        self.at += 2;
                        let key = value.to_text().unwrap_or_default();
                        entries.push((key, self.parse_value()?));
                    } else {
                        items.push(value);
                    }
                }
            }
        }
    }

    fn parse_map(&mut self) -> Result<Node, SyntaxError> {
        self.at += 1;
        let mut entries: Vec<(String, Tree)> = Vec::new();
        loop {
            self.skip_separators();
            let key = match self.peek() {
                None => return self.fail("an object has no closing brace"),
                Some('}') => {
                    self.at += 1;
                    return Ok(Node::Map(entries));
                }
                Some('.') if self.rest().starts_with("...") => {
                    self.skip_expression();
                    continue;
                }
                // A computed key
                Some('[') => {
                    let key = self.parse_value()?.to_text().unwrap_or_default();
                    self.is_loose = true;
                    key
                }
                Some(c) if QUOTES.iter().any(|pair| pair.0 == c) => self.parse_quoted()?,
                Some(_) => self.parse_name()?,
            };
            self.skip_blanks();
            if self.rest().starts_with("=>") {
                self.at += 2;
            } else if self.rest().starts_with([':', '：', '=']) {
                self.at += self.peek().map_or(0, char::len_utf8);
            } else if self.rest().starts_with([',', '}']) {
                // A shorthand property
                continue;
            } else {
                return self.fail("a colon is missing after a name");
            }
            let value = self.parse_value()?;
            entries.push((key, value));
        }
    }

    /// Skips blanks and commas; more than one comma is a mistake that is read over.
    fn skip_separators(&mut self) {
        let mut commas = 0;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(',' | ';' | '，') => {
                    commas += 1;
                    self.at += self.peek().map_or(0, char::len_utf8);
                }
                Some('}' | ']' | ')') if commas > 0 => {
                    self.is_loose = true;
                    return;
                }
                _ => {
                    self.is_loose |= commas > 1;
                    return;
                }
            }
        }
    }

    /// Parses a name without quotes.
    fn parse_name(&mut self) -> Result<String, SyntaxError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, ':' | ',' | '}' | '{' | '[' | ']' | '"' | '=')
            })
            .unwrap_or(rest.len());
        if end == 0 {
            return self.fail("a name is missing");
        }
        self.is_loose = true;
        self.at += end;
        Ok(rest.get(..end).unwrap_or_default().to_owned())
    }

    /// Parses a text, or several joined by `+`.
    pub(super) fn parse_texts(&mut self) -> Result<Node, SyntaxError> {
        let mut text = self.parse_quoted()?;
        loop {
            let at = self.at;
            self.skip_blanks();
            if is_method_call(self.rest()) {
                self.skip_expression();
                return Ok(Node::Text(text));
            }
            if !self.rest().starts_with('+') {
                self.at = at;
                return Ok(Node::Text(text));
            }
            self.at += 1;
            self.skip_blanks();
            match self.peek() {
                Some(c) if QUOTES.iter().any(|pair| pair.0 == c) => text += &self.parse_quoted()?,
                _ => {
                    self.skip_expression();
                    return Ok(Node::Text(text));
                }
            }
        }
    }

    pub(super) fn parse_quoted(&mut self) -> Result<String, SyntaxError> {
        let Some(open) = self.peek() else {
            return self.fail("a text is missing");
        };
        self.is_loose |= open != '"';
        for triple in ["\"\"\"", "'''"] {
            if self.rest().starts_with(triple) {
                let inside = self.rest().get(3..).unwrap_or_default();
                let Some(end) = inside.find(triple) else {
                    return self.fail("a text has no closing quotes");
                };
                self.at += end + 6;
                return Ok(inside.get(..end).unwrap_or_default().trim().to_owned());
            }
        }
        self.at += open.len_utf8();
        let close = QUOTES
            .iter()
            .find(|pair| pair.0 == open)
            .map_or(open, |pair| pair.1);
        let mut text = String::new();
        let inside = self.rest();
        let mut chars = inside.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    if let Some((_, escaped)) = chars.next() {
                        push_escape(&mut text, escaped, &mut chars);
                    }
                }
                _ if c == close || (open == '“' && c == '“') => {
                    let end = at + c.len_utf8();
                    if open == '`' || ends_text(inside.get(end..).unwrap_or_default()) {
                        self.at += end;
                        return Ok(text);
                    }
                    self.is_loose = true;
                    text.push(c);
                }
                // A text with a line break lacks its closing quote, except in a template.
                '\n' if open == '"' && inside.get(at + 1..).is_some_and(begins_entry) => {
                    return self.fail("a text has no closing quote");
                }
                _ => text.push(c),
            }
        }
        // What was read in vain counts as used.
        let line = self.line();
        self.at = self.text.len();
        Err(SyntaxError {
            line,
            what: "a text has no closing quote",
        })
    }
}
