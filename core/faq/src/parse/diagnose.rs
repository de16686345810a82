//! Diagnosing invalid JSON: a slower second pass that classifies the first mistake.

use crate::{IssueKind, text};

/// Token expected next.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    /// Value or `]`.
    ValueOrEnd,
    Name,
    /// Name or `}`.
    NameOrEnd,
    Colon,
    /// Comma or closing bracket.
    Comma,
    /// Nothing, since the first value is complete.
    Nothing,
}

/// Finds the first mistake in invalid JSON; returns its kind and byte offset.
pub(crate) fn diagnose(json: &str) -> (IssueKind, usize) {
    Diagnosis {
        bytes: json.as_bytes(),
        at: 0,
        open: Vec::new(),
    }
    .find_mistake()
    .unwrap_or((IssueKind::BrokenJson, 0))
}

struct Diagnosis<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Brackets that aren't closed yet.
    open: Vec<u8>,
}

type Mistake = (IssueKind, usize);

impl Diagnosis<'_> {
    /// Returns the first mistake; `None` if the JSON is valid.
    fn find_mistake(&mut self) -> Option<Mistake> {
        let mut expect = Expect::Value;
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let Some(byte) = self.peek() else {
                return self.check_end();
            };
            expect = match self.consume(expect, byte) {
                Ok(expect) => expect,
                Err(kind) => return Some((kind, self.at)),
            };
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn check_end(&self) -> Option<Mistake> {
        let missing = match self.open.last()? {
            b'{' => '}',
            _ => ']',
        };
        Some((IssueKind::NotClosed { missing }, self.at))
    }

    fn consume(&mut self, expect: Expect, byte: u8) -> Result<Expect, IssueKind> {
        match (expect, byte) {
            (Expect::Name | Expect::NameOrEnd, b'"') => {
                self.skip_string()?;
                Ok(Expect::Colon)
            }
            (Expect::NameOrEnd, b'}') | (Expect::ValueOrEnd, b']') => Ok(self.close()),
            (Expect::Name, b'}') | (Expect::Value, b']' | b'}') => Err(IssueKind::ExtraComma),
            (Expect::Name | Expect::NameOrEnd | Expect::Value | Expect::ValueOrEnd, b',') => {
                Err(IssueKind::ExtraComma)
            }
            (Expect::Value | Expect::ValueOrEnd, b'"') => {
                self.skip_string()?;
                Ok(self.after_value())
            }
            (Expect::Value | Expect::ValueOrEnd, b'{' | b'[') => {
                self.open.push(byte);
                self.at += 1;
                Ok(match byte {
                    b'{' => Expect::NameOrEnd,
                    _ => Expect::ValueOrEnd,
                })
            }
            (Expect::Value | Expect::ValueOrEnd, _) => self.skip_word(true),
            (Expect::Name | Expect::NameOrEnd, _) => self.skip_word(false),
            (Expect::Colon, b':') => {
                self.at += 1;
                Ok(Expect::Value)
            }
            (Expect::Colon, _) => Err(IssueKind::NoColon),
            (Expect::Comma, b',') => {
                self.at += 1;
                Ok(match self.open.last() {
                    Some(b'{') => Expect::Name,
                    _ => Expect::Value,
                })
            }
            (Expect::Comma, b'}') if self.open.last() == Some(&b'{') => Ok(self.close()),
            (Expect::Comma, b']') if self.open.last() == Some(&b'[') => Ok(self.close()),
            (Expect::Comma, b'}') => Err(IssueKind::NotClosed { missing: ']' }),
            (Expect::Comma, b']') => Err(IssueKind::NotClosed { missing: '}' }),
            (Expect::Comma, b'"' | b'{' | b'[') => Err(IssueKind::NoComma),
            (Expect::Comma, _) => Err(match self.bytes.get(self.at.wrapping_sub(1)) {
                // A letter right after a quote means that the quote didn't close the string.
                Some(b'"') => IssueKind::UnescapedQuote,
                _ => self.classify_stray_word(),
            }),
            (Expect::Nothing, _) => Err(IssueKind::TextAfterEnd),
        }
    }

    /// Classifies a word between a value and the next comma by the value before it.
    fn classify_stray_word(&self) -> IssueKind {
        let before = self.bytes.get(..self.at).unwrap_or_default();
        match before.trim_ascii_end().last() {
            Some(b'"') => IssueKind::UnescapedQuote,
            _ => IssueKind::NoComma,
        }
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        self.at += 1;
        self.after_value()
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() {
            Expect::Nothing
        } else {
            Expect::Comma
        }
    }

    /// Moves past the string that begins here.
    fn skip_string(&mut self) -> Result<(), IssueKind> {
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n' | b'\r') => return Err(IssueKind::NotClosed { missing: '"' }),
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let rest = self.bytes.get(at + 1..).unwrap_or_default();
                    match escape_length(rest) {
                        Ok(length) => at += 1 + length,
                        Err(kind) => {
                            self.at = at;
                            return Err(kind);
                        }
                    }
                }
                Some(_) => at += 1,
            }
        }
    }

    /// Moves past a number, `true`, `false` or `null`; rejects any other word.
    fn skip_word(&mut self, is_value: bool) -> Result<Expect, IssueKind> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| b",:{}[]\"'".contains(b) || b.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let word = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        if word.is_empty() {
            return Err(match rest.first() {
                Some(b'\'') => IssueKind::SingleQuotes,
                _ => IssueKind::BrokenJson,
            });
        }
        if is_value && serde_json::from_str::<serde::de::IgnoredAny>(&word).is_ok() {
            self.at += end;
            return Ok(self.after_value());
        }
        Err(IssueKind::BareWord {
            word: text::excerpt(&word),
        })
    }
}

/// Length of the escape sequence after a backslash.
fn escape_length(rest: &[u8]) -> Result<usize, IssueKind> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(1),
        [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => Ok(5),
        // The string ends within the escape sequence.
        [] => Ok(0),
        _ => Err(IssueKind::BadBackslash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn diagnose_finds_no_mistake_in_valid_json() {
        for json in [
            "{}",
            r#" {"a" : [1, -2.5e3, true, false, null, "\u00e9\"\\", {}, []], "b":{"c":"d"}} "#,
        ] {
            assert_eq!(diagnose(json), (IssueKind::BrokenJson, 0), "{json}");
        }
    }

    proptest! {
        #[test]
        fn diagnose_returns_an_offset_within_the_text(json in "[{}\\[\\]\",:\\\\ua1' \nä]{0,60}") {
            let (_, at) = diagnose(&json);
            prop_assert!(at <= json.len());
        }

        #[test]
        fn diagnose_recognizes_truncated_json(cut in 1usize..46) {
            let json = r#"{"question": "a\"b", "answer": ["x", {"y": 1}]}"#;
            let (kind, _) = diagnose(&json[..cut]);
            prop_assert!(matches!(kind, IssueKind::NotClosed { .. }), "{:?}", kind);
        }
    }
}
