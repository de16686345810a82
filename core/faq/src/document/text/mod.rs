//! Text documents: headings in several markup languages, labels that take turns, lists of
//! questions, and small formats of other programs.

mod bot_framework;
mod cards;
mod chat;
mod clean;
mod gift;
mod markdown;
mod outline;
mod plain;
mod syntax;

use super::{Document, TextFormat};
use crate::detect::detect_text_style;
use crate::parse::labels::TextStyle;
use crate::{FileFormat, ReadError, ReadOptions};
use clean::looks_asked;
use outline::{BOLD, Role};

pub(super) const FLASH_CARDS: TextFormat = TextFormat {
    format: FileFormat::FlashCards,
    recognize: cards::recognize,
    read: cards::read,
};

pub(super) const GIFT: TextFormat = TextFormat {
    format: FileFormat::PlainText,
    recognize: gift::recognize,
    read: gift::read,
};

pub(super) const BOT_FRAMEWORK: TextFormat = TextFormat {
    format: FileFormat::PlainText,
    recognize: bot_framework::recognize,
    read: bot_framework::read,
};

pub(super) const RST: TextFormat = TextFormat {
    format: FileFormat::ReStructuredText,
    recognize: |head| {
        head.has_extension(&["rst", "rest"])
            || (head
                .text
                .lines()
                .any(|line| line.starts_with(".. ") && line.contains("::"))
                && find_asked(syntax::mark_rst(head.text)))
    },
    read: |text, _| outline::extract(syntax::mark_rst(text), FileFormat::ReStructuredText),
};

pub(super) const ASCII_DOC: TextFormat = TextFormat {
    format: FileFormat::AsciiDoc,
    recognize: |head| {
        let is_heading = |line: &&str| {
            let text = line.trim_start_matches('=');
            let depth = line.len() - text.len();
            (1..=6).contains(&depth) && text.starts_with(' ') && !text.trim_end().ends_with('=')
        };
        head.has_extension(&["adoc", "asciidoc", "asc"])
            || head.text.lines().filter(is_heading).count() > 1
    },
    read: |text, _| outline::extract(syntax::mark_asciidoc(text), FileFormat::AsciiDoc),
};

pub(super) const MEDIA_WIKI: TextFormat = TextFormat {
    format: FileFormat::MediaWiki,
    recognize: |head| {
        let headings = head
            .text
            .lines()
            .filter(|line| syntax::wiki_heading(line.trim()).is_some_and(|h| h.0 > 1));
        head.has_extension(&["wiki", "mediawiki"]) || headings.count() > 1
    },
    read: |text, _| outline::extract(syntax::mark_wiki(text), FileFormat::MediaWiki),
};

pub(super) const ORG: TextFormat = TextFormat {
    format: FileFormat::Org,
    recognize: |head| {
        head.has_extension(&["org"])
            || (head.text.trim_start().starts_with("#+")
                && head.text.lines().any(|line| line.starts_with("* ")))
    },
    read: |text, _| outline::extract(syntax::mark_org(text), FileFormat::Org),
};

/// Markdown with a heading that asks something.
pub(super) const MARKDOWN: TextFormat = TextFormat {
    format: FileFormat::Markdown,
    recognize: |head| find_asked(markdown::mark(head.text)),
    read: read_markdown,
};

/// Markdown with headings, none of which asks something.
pub(super) const HEADINGS: TextFormat = TextFormat {
    format: FileFormat::Markdown,
    recognize: |head| {
        let lines = markdown::mark(head.text);
        let headings = lines
            .iter()
            .filter(|line| matches!(line.role, Role::Heading(1..BOLD)));
        let is_page =
            head.text.starts_with("---") && head.has_extension(&["md", "markdown", "mdx", "html"]);
        headings.count() > 1 || is_page
    },
    read: read_markdown,
};

pub(super) const CHAT: TextFormat = TextFormat {
    format: FileFormat::LabelledText,
    recognize: |head| chat::has_turns(head.text),
    read: |text, _| chat::read(text),
};

pub(super) const PLAIN: TextFormat = TextFormat {
    format: FileFormat::PlainText,
    recognize: |head| {
        detect_text_style(head.text.as_bytes()) != Some(TextStyle::Labels)
            && plain::has_pairs(head.text)
    },
    read: |text, _| plain::read(text),
};

/// Whether a heading asks something. Items of lists are left to the reader of plain texts.
fn find_asked(lines: Vec<outline::Line>) -> bool {
    lines.iter().any(|line| {
        matches!(line.role, Role::Heading(1..=BOLD))
            && looks_asked(&clean::clean_heading(&line.text))
    })
}

/// Reads Markdown; a page without questions may have them in the data before it.
fn read_markdown(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let read = outline::extract(markdown::mark(text), FileFormat::Markdown);
    #[cfg(feature = "yaml")]
    if read.is_err()
        && let Some(data) = markdown::front_matter(text)
        && let Some(document) = super::data::read_front_matter(data, options)
    {
        return Ok(document);
    }
    #[cfg(not(feature = "yaml"))]
    let _ = options;
    read
}
