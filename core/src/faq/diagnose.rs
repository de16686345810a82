//! Why a text is not JSON, in our own words: a second, slower look at what the parser refused.

use super::problem::ProblemKind;
use super::text;

/// What may come next.
#[derive(Clone, Copy)]
enum Expect {
    /// A value.
    Value,
    /// A value or `]`.
    ValueOrEnd,
    /// A name.
    Name,
    /// A name or `}`.
    NameOrEnd,
    Colon,
    /// A comma, or the bracket that closes.
    Comma,
    /// Nothing: the first value is complete.
    Nothing,
}

/// The first mistake and the byte where it shows.
pub(super) fn diagnose(json: &str) -> (ProblemKind, usize) {
    Walk {
        bytes: json.as_bytes(),
        at: 0,
        open: Vec::new(),
    }
    .walk()
    .unwrap_or((ProblemKind::BrokenJson, 0))
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Brackets that are not closed yet.
    open: Vec<u8>,
}

type Mistake = (ProblemKind, usize);

impl Walk<'_> {
    /// `None` when nothing is wrong after all.
    fn walk(&mut self) -> Option<Mistake> {
        let mut expect = Expect::Value;
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let Some(byte) = self.peek() else {
                return self.end();
            };
            expect = match self.step(expect, byte) {
                Ok(expect) => expect,
                Err(kind) => return Some((kind, self.at)),
            };
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn end(&self) -> Option<Mistake> {
        let missing = match self.open.last()? {
            b'{' => '}',
            _ => ']',
        };
        Some((ProblemKind::NotClosed { missing }, self.at))
    }

    fn step(&mut self, expect: Expect, byte: u8) -> Result<Expect, ProblemKind> {
        match (expect, byte) {
            (Expect::Name | Expect::NameOrEnd, b'"') => {
                self.text()?;
                Ok(Expect::Colon)
            }
            (Expect::NameOrEnd, b'}') | (Expect::ValueOrEnd, b']') => Ok(self.close()),
            (Expect::Name, b'}') | (Expect::Value, b']' | b'}') => Err(ProblemKind::ExtraComma),
            (Expect::Name | Expect::NameOrEnd | Expect::Value | Expect::ValueOrEnd, b',') => {
                Err(ProblemKind::ExtraComma)
            }
            (Expect::Value | Expect::ValueOrEnd, b'"') => {
                self.text()?;
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
            (Expect::Value | Expect::ValueOrEnd, _) => self.word(true),
            (Expect::Name | Expect::NameOrEnd, _) => self.word(false),
            (Expect::Colon, b':') => {
                self.at += 1;
                Ok(Expect::Value)
            }
            (Expect::Colon, _) => Err(ProblemKind::NoColon),
            (Expect::Comma, b',') => {
                self.at += 1;
                Ok(match self.open.last() {
                    Some(b'{') => Expect::Name,
                    _ => Expect::Value,
                })
            }
            (Expect::Comma, b'}') if self.open.last() == Some(&b'{') => Ok(self.close()),
            (Expect::Comma, b']') if self.open.last() == Some(&b'[') => Ok(self.close()),
            (Expect::Comma, b'}') => Err(ProblemKind::NotClosed { missing: ']' }),
            (Expect::Comma, b']') => Err(ProblemKind::NotClosed { missing: '}' }),
            (Expect::Comma, b'"' | b'{' | b'[') => Err(ProblemKind::NoComma),
            (Expect::Comma, _) => Err(match self.bytes.get(self.at.wrapping_sub(1)) {
                // A letter right after a closing quote: it was none.
                Some(b'"') => ProblemKind::LooseQuote,
                _ => self.loose(),
            }),
            (Expect::Nothing, _) => Err(ProblemKind::TextAfterEnd),
        }
    }

    /// A word between a value and the next comma: the value before it tells what went wrong.
    fn loose(&self) -> ProblemKind {
        let before = self.bytes.get(..self.at).unwrap_or_default();
        match before.trim_ascii_end().last() {
            Some(b'"') => ProblemKind::LooseQuote,
            _ => ProblemKind::NoComma,
        }
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        self.at += 1;
        self.after_value()
    }

    fn after_value(&self) -> Expect {
        match self.open.is_empty() {
            true => Expect::Nothing,
            false => Expect::Comma,
        }
    }

    /// Moves behind a text that begins here.
    fn text(&mut self) -> Result<(), ProblemKind> {
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n' | b'\r') => return Err(ProblemKind::NotClosed { missing: '"' }),
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let rest = self.bytes.get(at + 1..).unwrap_or_default();
                    match escape(rest) {
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

    /// A number, `true`, `false`, `null`, or something that may not stand here.
    fn word(&mut self, value: bool) -> Result<Expect, ProblemKind> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| b",:{}[]\"'".contains(b) || b.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let word = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        if word.is_empty() {
            return Err(match rest.first() {
                Some(b'\'') => ProblemKind::SingleQuotes,
                _ => ProblemKind::BrokenJson,
            });
        }
        if value && serde_json::from_str::<serde::de::IgnoredAny>(&word).is_ok() {
            self.at += end;
            return Ok(self.after_value());
        }
        Err(ProblemKind::BareWord {
            word: text::excerpt(&word),
        })
    }
}

/// The length of what follows a backslash.
fn escape(rest: &[u8]) -> Result<usize, ProblemKind> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(1),
        [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => Ok(5),
        // The text ends within the escape.
        [] => Ok(0),
        _ => Err(ProblemKind::BadBackslash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn correct_json_has_no_mistake() {
        for json in [
            "{}",
            r#" {"a" : [1, -2.5e3, true, false, null, "\u00e9\"\\", {}, []], "b":{"c":"d"}} "#,
        ] {
            assert_eq!(diagnose(json), (ProblemKind::BrokenJson, 0), "{json}");
        }
    }

    proptest! {
        #[test]
        fn diagnosing_ends_at_a_byte_of_the_text(json in "[{}\\[\\]\",:\\\\ua1' \nä]{0,60}") {
            let (_, at) = diagnose(&json);
            prop_assert!(at <= json.len());
        }

        /// Cutting correct JSON short is always seen as that, or leaves a word cut short.
        #[test]
        fn a_cut_is_seen(cut in 1usize..46) {
            let json = r#"{"question": "a\"b", "answer": ["x", {"y": 1}]}"#;
            let (kind, _) = diagnose(&json[..cut]);
            prop_assert!(matches!(kind, ProblemKind::NotClosed { .. }), "{:?}", kind);
        }
    }
}
