//! Every string in the window, in English.
//!
//! Sentences are whole, so that a translation can reorder them, and plurals have functions. Names and buttons are in
//! sentence case without a full stop; sentences have one. Errors have none, since they are joined with their remedy.

pub mod ask;
pub mod data;
pub mod error;
pub mod export;
pub mod folder;
pub mod import;
pub mod results;
pub mod shell;
pub mod train;

/// `1,204`
pub fn number(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 question`, `2 questions`
pub fn questions(n: usize) -> String {
    count(n, "question", "questions")
}

/// `1 answer`, `2 answers`.
pub fn answers(n: usize) -> String {
    count(n, "answer", "answers")
}

pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// The first `most` characters of a text, with an ellipsis if the text is longer.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `sentence` without its full stop, unless it consists of several sentences.
pub fn strip_full_stop(sentence: &str) -> String {
    sentence
        .strip_suffix('.')
        .filter(|rest| !rest.contains(". "))
        .unwrap_or(sentence)
        .to_owned()
}

/// `text` with a full stop, unless it has one.
pub fn end_sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// `62 of 100 questions` for 0.617.
pub fn of_hundred_questions(share: f64) -> String {
    format!("{} of 100 questions", of_hundred(share))
}

/// `91` for 0.912.
pub fn of_hundred(share: f64) -> String {
    format!("{:.0}", (share * 100.0).clamp(0.0, 100.0))
}

/// `41.7 %` for 0.417.
pub fn percent(fraction: f32) -> String {
    format!("{:.1}\u{a0}%", fraction * 100.0)
}

/// `12.5 MB`.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}\u{a0}MB", bytes as f64 / 1e6)
}

/// `12.5 MB`, `3.1 kB`, `812 bytes`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes}\u{a0}bytes"),
        1000..=999_999 => format!("{:.1}\u{a0}kB", bytes as f64 / 1e3),
        _ => megabytes(bytes),
    }
}

/// Rough duration of a task.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 3.0 => "2 seconds".to_owned(),
        s if s < 55.0 => format!("{:.0} seconds", (s / 5.0).ceil() * 5.0),
        s if s < 95.0 => "a minute".to_owned(),
        s if s < 5400.0 => format!("{:.0} minutes", (s / 60.0).ceil()),
        s => format!("{:.0} hours", (s / 3600.0).ceil()),
    }
}

/// Time left, as a range, since estimates are rough.
pub fn time_left(seconds: f64) -> String {
    if seconds < 8.0 {
        return "a few seconds left".to_owned();
    }
    if seconds < 50.0 {
        let low = ((seconds * 0.8 / 5.0).floor() * 5.0).max(5.0);
        let high = (seconds * 1.25 / 5.0).ceil() * 5.0;
        return format!("{low:.0} to {high:.0} seconds left");
    }
    let (unit, size) = if seconds < 5400.0 {
        ("minutes", 60.0)
    } else {
        ("hours", 3600.0)
    };
    let low = (seconds * 0.8 / size).floor().max(1.0);
    let high = (seconds * 1.25 / size).ceil().max(low + 1.0);
    format!("{low:.0} to {high:.0} {unit} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_groups_thousands() {
        assert_eq!(number(7_u64), "7");
        assert_eq!(number(1204_u64), "1,204");
        assert_eq!(number(1_000_000_usize), "1,000,000");
    }

    #[test]
    fn questions_uses_singular_for_one() {
        assert_eq!(questions(1), "1 question");
        assert_eq!(questions(2), "2 questions");
    }

    #[test]
    fn time_left_shows_range() {
        assert_eq!(time_left(3.0), "a few seconds left");
        assert_eq!(time_left(20.0), "15 to 25 seconds left");
        assert_eq!(time_left(80.0), "1 to 2 minutes left");
        assert_eq!(time_left(7200.0), "1 to 3 hours left");
    }
}
