//! Texts in quotes within data files: where they end, and their escape sequences.

/// Whether a quote before `rest` ends a text.
pub(super) fn ends_text(rest: &str) -> bool {
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
pub(super) fn is_method_call(rest: &str) -> bool {
    let name = rest.strip_prefix('.').and_then(|rest| rest.split_once('('));
    name.is_some_and(|(name, _)| {
        !name.is_empty() && name.len() < 20 && name.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

/// Whether a line begins like an entry of an object: a quoted name and a colon.
pub(super) fn begins_entry(line: &str) -> bool {
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
pub(super) fn push_escape(text: &mut String, escaped: char, chars: &mut std::str::CharIndices<'_>) {
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
pub(super) fn push_code(text: &mut String, chars: &mut std::str::CharIndices<'_>, length: usize) {
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

/// Replaces texts in braces within JSX by themselves: `{" "}`.
pub(super) fn unwrap_texts(markup: &str) -> String {
    let mut text = markup.to_owned();
    for quote in ['"', '\'', '`'] {
        let (open, close) = (format!("{{{quote}"), format!("{quote}}}"));
        text = text.replace(&open, "").replace(&close, "");
    }
    text
}
