//! Parsing JSON and its relatives: JSON with comments, JSON5, data in JavaScript, TypeScript and
//! Python. Mistakes that leave the meaning clear (extra or missing commas, other quotes) are read
//! over.

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
    text: &'t str,
    at: usize,
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

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn line(&mut self) -> u64 {
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

    fn fail<T>(&mut self, what: &'static str) -> Result<T, SyntaxError> {
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
    fn parse_texts(&mut self) -> Result<Node, SyntaxError> {
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

    fn parse_quoted(&mut self) -> Result<String, SyntaxError> {
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

    /// Parses a number, a word such as `true`, or an expression.
    fn parse_word(&mut self) -> Result<Node, SyntaxError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| {
                c.is_whitespace()
                    || matches!(
                        c,
                        ',' | '}' | ']' | ')' | '(' | ';' | ':' | '"' | '\'' | '`'
                    )
            })
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        match word {
            "" => return self.fail("a value is missing"),
            "null" | "None" | "undefined" | "nil" | "NULL" => {
                self.at += end;
                return Ok(Node::Null);
            }
            // A prefix of a text in Python
            "r" | "u" | "b" | "f" | "R" | "U" | "String.raw" | "dedent" | "html"
                if rest
                    .get(end..)
                    .is_some_and(|after| after.starts_with(['"', '\'', '`'])) =>
            {
                self.at += end;
                self.is_loose = true;
                return self.parse_texts();
            }
            _ => {}
        }
        let is_plain = word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_'));
        let after = rest.get(end..).unwrap_or_default();
        if is_plain && !after.starts_with('(') {
            self.at += end;
            return Ok(Node::Scalar(word.to_owned()));
        }
        self.is_loose = true;
        // A call with one text, such as t("…")
        if after.starts_with('(') {
            let start = self.at;
            self.at += end;
            if let Ok(tree) = self.parse_value()
                && !matches!(tree.node, Node::Null | Node::Scalar(_))
            {
                return Ok(tree.node);
            }
            self.at = start;
        }
        let from = self.at;
        self.skip_expression();
        if self.at == from {
            return self.fail("a value can't be read");
        }
        Ok(Node::Null)
    }

    /// Skips an expression that isn't data, up to the comma or bracket behind it.
    fn skip_expression(&mut self) {
        self.is_loose = true;
        let mut depth = 0usize;
        let mut quote = None;
        let rest = self.rest();
        for (at, c) in rest.char_indices() {
            match c {
                _ if quote == Some(c) => quote = None,
                _ if quote.is_some() => {}
                '"' | '\'' | '`' => quote = Some(c),
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' | ',' if depth == 0 => {
                    self.at += at;
                    return;
                }
                '}' | ']' | ')' => depth -= 1,
                _ => {}
            }
        }
        self.at = self.text.len();
    }

    /// Takes an element of JSX as the text of its markup.
    fn parse_markup(&mut self) -> Result<Node, SyntaxError> {
        let rest = self.rest();
        let (mut open, mut at) = (0i64, 0);
        while let Some(found) = rest.get(at..).and_then(|rest| rest.find('<')) {
            let start = at + found;
            let tag = rest.get(start..).unwrap_or_default();
            let Some(length) = tag.find('>') else {
                break;
            };
            let inside = tag.get(1..length).unwrap_or_default();
            if inside.starts_with('/') {
                open -= 1;
            } else if !inside.ends_with('/') && !matches!(inside, "br" | "hr") {
                open += 1;
            }
            at = start + length + 1;
            if open <= 0 {
                self.is_loose = true;
                self.at += at;
                let markup = rest.get(..at).unwrap_or_default();
                return Ok(Node::Text(markup.replace("<>", "").replace("</>", "")));
            }
        }
        let line = self.line();
        self.at = self.text.len();
        Err(SyntaxError {
            line,
            what: "an element of markup has no end",
        })
    }
}

/// Whether a quote before `rest` ends a text.
fn ends_text(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    match trimmed.chars().next() {
        None => true,
        Some(',' | '}' | ']' | ')' | ':' | '+' | ';' | '，' | '：') => true,
        Some('.') => is_method_call(trimmed),
        Some('=') => trimmed.starts_with("=>"),
        Some('/') => trimmed.starts_with("//") || trimmed.starts_with("/*"),
        // A comma is missing behind the text.
        Some('"' | '“' | '\'' | '{' | '[' | '<') => true,
        Some(_) => {
            let gap = rest.get(..rest.len() - trimmed.len()).unwrap_or_default();
            gap.contains('\n') || trimmed.starts_with("as ") || trimmed.starts_with("if ")
        }
    }
}

/// Whether a method is called here: `.trim()`.
fn is_method_call(rest: &str) -> bool {
    let name = rest.strip_prefix('.').and_then(|rest| rest.split_once('('));
    name.is_some_and(|(name, _)| {
        !name.is_empty() && name.len() < 20 && name.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

/// Whether a line begins like an entry of an object: a quoted name and a colon.
fn begins_entry(line: &str) -> bool {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix('"') else {
        return false;
    };
    let Some((_, rest)) = rest.split_once('"') else {
        return false;
    };
    rest.trim_start().starts_with(':')
}

/// Appends the character of an escape sequence whose backslash was read.
fn push_escape(text: &mut String, escaped: char, chars: &mut std::str::CharIndices<'_>) {
    match escaped {
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        'b' | 'f' | 'v' | '0' => {}
        '\n' => {}
        'x' => push_code(text, chars, 2),
        'u' => {
            if chars.as_str().starts_with('{') {
                chars.next();
                let digits: String = chars.as_str().chars().take_while(|c| *c != '}').collect();
                for _ in 0..=digits.chars().count() {
                    chars.next();
                }
                let code = u32::from_str_radix(&digits, 16).ok();
                text.push(
                    code.and_then(char::from_u32)
                        .unwrap_or(char::REPLACEMENT_CHARACTER),
                );
            } else {
                push_code(text, chars, 4);
            }
        }
        other => text.push(other),
    }
}

/// Appends the character with a hexadecimal code of `length` digits; joins surrogates.
fn push_code(text: &mut String, chars: &mut std::str::CharIndices<'_>, length: usize) {
    let read = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let Some(code) = chars.as_str().get(..length).and_then(read) else {
        text.push(char::REPLACEMENT_CHARACTER);
        return;
    };
    chars.nth(length - 1);
    if !(0xd800..0xdc00).contains(&code) {
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return;
    }
    let low = chars
        .as_str()
        .strip_prefix("\\u")
        .and_then(|rest| rest.get(..4))
        .and_then(read);
    match low {
        Some(low) if (0xdc00..0xe000).contains(&low) => {
            chars.nth(5);
            let code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        _ => text.push(char::REPLACEMENT_CHARACTER),
    }
}
