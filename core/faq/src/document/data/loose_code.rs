//! Words, expressions and markup within the data of scripts.

use super::loose_json::{Parser, SyntaxError};
use super::loose_text::unwrap_texts;
use super::tree::Node;

impl Parser<'_> {
    /// Parses a number, a word such as `true`, or an expression.
    pub(super) fn parse_word(&mut self) -> Result<Node, SyntaxError> {
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
    pub(super) fn skip_expression(&mut self) {
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
    pub(super) fn parse_markup(&mut self) -> Result<Node, SyntaxError> {
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
                let text = unwrap_texts(markup).replace("<>", "").replace("</>", "");
                return Ok(Node::Text(text));
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
