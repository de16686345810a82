//! Style check: tracked text contains no phrase of `language/banned.txt`.
//!
//! Paths listed in `language/pending.txt` are counted and reported instead of failing the test.

mod tracked;

use regex::{Regex, RegexBuilder};
use std::{collections::BTreeMap, fmt::Write as _, fs, io::Write as _, ops::Range};
use tracked::{root, tracked_files};

const BANNED: &str = include_str!("../language/banned.txt");
const PENDING: &str = include_str!("../language/pending.txt");
/// A line with this marker may contain any phrase.
const ALLOW_MARKER: &str = "language: allow";
const EXTENSIONS: [&str; 11] = [
    "rs", "md", "py", "js", "mjs", "html", "css", "sh", "sql", "toml", "yml",
];
/// Scripts without an extension.
const SCRIPTS: [&str; 2] = ["run", "setup"];
/// The lists themselves; files whose every byte counts.
const SKIPPED: [&str; 3] = ["tests/language/", "tests/data/format-", "assets/fonts/"];

struct Phrase {
    pattern: Regex,
    replacement: String,
}

struct Checker {
    phrases: Vec<Phrase>,
    /// Contexts in which a match is fine.
    exceptions: Vec<Regex>,
}

#[derive(Debug, PartialEq, Eq)]
struct Violation {
    line: usize,
    found: String,
    replacement: String,
}

impl Checker {
    fn parse(list: &str) -> Result<Self, String> {
        let mut checker = Self {
            phrases: Vec::new(),
            exceptions: Vec::new(),
        };
        for (number, line) in (1..).zip(list.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let in_line = |error| format!("line {number}: {error}");
            if let Some(pattern) = line.strip_prefix("! ") {
                checker.exceptions.push(compile(pattern).map_err(in_line)?);
                continue;
            }
            let (pattern, replacement) = line
                .split_once(" => ")
                .ok_or_else(|| in_line("expected PATTERN => REPLACEMENT".to_owned()))?;
            checker.phrases.push(Phrase {
                pattern: compile(pattern).map_err(in_line)?,
                replacement: replacement.to_owned(),
            });
        }
        Ok(checker)
    }

    fn check(&self, text: &str) -> Vec<Violation> {
        // The same length, so that offsets stay valid.
        let spaced = text.replace('_', " ");
        let exceptions: Vec<Range<usize>> = self
            .exceptions
            .iter()
            .flat_map(|pattern| pattern.find_iter(&spaced).map(|found| found.range()))
            .collect();
        let mut violations = Vec::new();
        for phrase in &self.phrases {
            for found in phrase.pattern.find_iter(&spaced) {
                let range = found.range();
                if !at_word_boundaries(&spaced, &range)
                    || exceptions.iter().any(|span| span.contains(&range.start))
                    || lines_around(text, &range).contains(ALLOW_MARKER)
                {
                    continue;
                }
                violations.push(Violation {
                    line: text[..range.start].matches('\n').count() + 1,
                    found: text[range].split_whitespace().collect::<Vec<_>>().join(" "),
                    replacement: phrase.replacement.clone(),
                });
            }
        }
        violations.sort_by_key(|violation| violation.line);
        violations
    }
}

/// Compiles a pattern; its spaces also match line ends, comment markers and the hump of a CamelCase name.
fn compile(pattern: &str) -> Result<Regex, String> {
    let spaced = pattern.replace(' ', r"(?:\s|//[/!]?|\\\n|#|\*)*");
    RegexBuilder::new(&spaced)
        .case_insensitive(true)
        .size_limit(1 << 24)
        .build()
        .map_err(|error| error.to_string())
}

/// Whether a match starts and ends where a word of a text or of a CamelCase name does.
fn at_word_boundaries(text: &str, range: &Range<usize>) -> bool {
    let is_boundary = |before: Option<char>, after: Option<char>| match (before, after) {
        (Some(before), Some(after)) => {
            !before.is_alphanumeric()
                || !after.is_alphanumeric()
                || (before.is_lowercase() && after.is_uppercase())
        }
        _ => true,
    };
    let found = &text[range.clone()];
    is_boundary(
        text[..range.start].chars().next_back(),
        found.chars().next(),
    ) && is_boundary(found.chars().next_back(), text[range.end..].chars().next())
}

/// The lines that a range touches.
fn lines_around<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at);
    &text[start..end]
}

fn is_checked(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_text = match name.rsplit_once('.') {
        Some((_, extension)) => EXTENSIONS.contains(&extension),
        None => SCRIPTS.contains(&name),
    };
    is_text && !SKIPPED.iter().any(|prefix| path.starts_with(prefix))
}

fn pending_prefixes(list: &str) -> impl Iterator<Item = &str> {
    list.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn tracked_text_contains_no_banned_phrase() {
    let checker = Checker::parse(BANNED).expect("banned.txt is well-formed");
    let root = root();
    let mut pending: BTreeMap<&str, (usize, usize)> = pending_prefixes(PENDING)
        .map(|prefix| (prefix, (0, 0)))
        .collect();
    let mut report = String::new();
    for path in tracked_files(&root).iter().filter(|path| is_checked(path)) {
        let text = fs::read_to_string(root.join(path)).expect("a text file in UTF-8");
        let violations = checker.check(&text);
        let entry = pending
            .iter_mut()
            .find(|(prefix, _)| path.starts_with(**prefix));
        if let Some((_, (files, count))) = entry {
            *files += 1;
            *count += violations.len();
            continue;
        }
        for Violation {
            line,
            found,
            replacement,
        } in violations
        {
            writeln!(report, "{path}:{line}: “{found}” → {replacement}").expect("a string");
        }
    }
    // Written to the handle, because the test harness hides what passing tests print.
    let mut stderr = std::io::stderr().lock();
    let left: usize = pending.values().map(|(_, count)| count).sum();
    writeln!(
        stderr,
        "language: {left} banned phrases left in pending paths"
    )
    .ok();
    for (prefix, (files, count)) in pending {
        match (files, count) {
            (0, _) => {}
            (_, 0) => {
                writeln!(stderr, "  {prefix} is clean: remove it from pending.txt").ok();
            }
            (_, count) => {
                writeln!(stderr, "  {prefix} {count}").ok();
            }
        }
    }
    assert!(
        report.is_empty(),
        "banned phrases (see tests/language/banned.txt; mark old file formats with “{ALLOW_MARKER}”):\n{report}"
    );
}

#[cfg(test)]
mod unit {
    use super::{Checker, is_checked};

    const LIST: &str = "# a comment\n\nkept aside => held out\nis no => isn't\n! there is no\n";

    fn found(text: &str) -> Vec<(usize, String)> {
        let checker = Checker::parse(LIST).expect("a well-formed list");
        let violations = checker.check(text);
        violations
            .into_iter()
            .map(|violation| (violation.line, violation.found))
            .collect()
    }

    #[test]
    fn check_reports_line_and_phrase() {
        let text = "Questions\nare Kept aside."; // language: allow
        assert_eq!(found(text), [(2, "Kept aside".to_owned())]); // language: allow
    }

    #[test]
    fn check_finds_phrases_in_names_and_across_comment_lines() {
        assert_eq!(found("fn kept_aside()").len(), 1); // language: allow
        assert_eq!(found("struct RowsKeptAside;").len(), 1); // language: allow
        assert_eq!(found("/// Rows kept\n    /// aside.").len(), 1);
    }

    #[test]
    fn check_ignores_parts_of_words_exceptions_and_marked_lines() {
        assert_eq!(found("This nook is nowhere."), []);
        assert_eq!(found("There is no file."), []);
        assert_eq!(found("x; // alias kept_aside, language: allow"), []);
        assert_eq!(found("It is no file.").len(), 1); // language: allow
    }

    #[test]
    fn parse_rejects_lines_without_replacement() {
        assert!(Checker::parse("kept aside").is_err()); // language: allow
        assert!(Checker::parse("( => x").is_err());
    }

    #[test]
    fn is_checked_selects_text_outside_lists_and_fixtures() {
        assert!(is_checked("core/qa/src/lib.rs"));
        assert!(is_checked(".ci/run"));
        assert!(!is_checked("Cargo.lock"));
        assert!(!is_checked("LICENSE-MIT"));
        assert!(!is_checked("tests/language/banned.txt"));
        assert!(!is_checked("data/library_faq.jsonl"));
    }
}
