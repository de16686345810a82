//! From the lines of PDF pages to paragraphs and headings.

use super::page::Line;
use crate::parse::labels::{ends_with_question_mark, parse_label};
use crate::rich::{Block, BlockKind, Span};
use std::collections::HashMap;

/// Joins the lines of all pages to blocks.
pub(super) fn read_blocks(mut pages: Vec<Vec<Line>>) -> Vec<Block> {
    remove_running_lines(&mut pages);
    let body = usual_size(pages.iter().flatten());
    let right = pages
        .iter()
        .flatten()
        .map(|line| line.end)
        .fold(0.0, f32::max);
    let levels = heading_sizes(pages.iter().flatten(), body);
    let mut blocks: Vec<Block> = Vec::new();
    let mut last: Option<&Line> = None;
    let mut position = 0;
    for page in &pages {
        for line in page {
            position += 1;
            let text = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_bold = line.is_bold();
            if let (Some(above), Some(block)) = (last, blocks.last_mut())
                && continues(above, line, right)
                && let Some(span) = block.spans.last_mut()
            {
                join(&mut span.text, &text);
            } else {
                let level = levels.iter().position(|size| same_size(*size, line.size));
                let kind = match level {
                    Some(level) => BlockKind::Heading(u8::try_from(level + 1).unwrap_or(9).min(9)),
                    None => kind_of(&text),
                };
                let text = match kind {
                    BlockKind::Item(..) => text.trim_start_matches(BULLETS).trim().to_owned(),
                    _ => text,
                };
                let spans = vec![Span {
                    text,
                    bold: is_bold,
                    ..Span::default()
                }];
                blocks.push(Block {
                    position,
                    kind,
                    spans,
                    tight: false,
                });
            }
            last = Some(line);
        }
    }
    blocks
}

const BULLETS: [char; 8] = ['•', '●', '▪', '■', '◦', '‣', '–', '\u{f0b7}'];

fn kind_of(text: &str) -> BlockKind {
    if text.starts_with(BULLETS) {
        BlockKind::Item(0, None)
    } else {
        BlockKind::Paragraph
    }
}

fn same_size(a: f32, b: f32) -> bool {
    (a - b).abs() < 0.4
}

/// Whether a line continues the paragraph that the line above belongs to.
fn continues(above: &Line, line: &Line, right: f32) -> bool {
    if !same_size(above.size, line.size) || above.is_bold() != line.is_bold() {
        return false;
    }
    let text = line.text.trim_start();
    if text.starts_with(BULLETS) || parse_label(text).is_some() {
        return false;
    }
    let is_short = above.end < right - 0.12 * (right - above.x).max(1.0);
    // A question that doesn't fill its line ends there.
    if ends_with_question_mark(above.text.trim_end()) && is_short {
        return false;
    }
    let begins_number = text.split_once(['.', ')']).is_some_and(|(number, rest)| {
        number.len() <= 3 && number.parse::<u16>().is_ok() && rest.starts_with(' ')
    });
    if begins_number && is_short {
        return false;
    }
    let gap = above.y - line.y;
    // The next page, or the next column: a sentence goes on in lower case.
    if gap <= 0.0 {
        return text.starts_with(char::is_lowercase) && !is_short;
    }
    gap < 1.55 * line.size
}

/// Adds a line to a paragraph; a word divided at the end of the line is joined.
fn join(paragraph: &mut String, line: &str) {
    let divided = paragraph
        .strip_suffix('-')
        .filter(|head| head.ends_with(char::is_alphabetic) && line.starts_with(char::is_lowercase));
    match divided.map(str::len) {
        Some(length) => paragraph.truncate(length),
        None => paragraph.push(' '),
    }
    paragraph.push_str(line);
}

/// Size in which most letters are set.
fn usual_size<'l>(lines: impl Iterator<Item = &'l Line>) -> f32 {
    let mut letters: HashMap<i32, usize> = HashMap::new();
    for line in lines {
        *letters.entry((line.size * 2.0).round() as i32).or_default() += line.letters();
    }
    let most = letters
        .into_iter()
        .max_by_key(|(size, letters)| (*letters, *size));
    most.map_or(0.0, |(size, _)| size as f32 / 2.0)
}

/// Sizes of headings, the largest first.
fn heading_sizes<'l>(lines: impl Iterator<Item = &'l Line>, body: f32) -> Vec<f32> {
    let mut sizes: Vec<f32> = Vec::new();
    for line in lines.filter(|line| line.size > body * 1.12 && line.letters() > 0) {
        if sizes.len() < 32 && !sizes.iter().any(|size| same_size(*size, line.size)) {
            sizes.push(line.size);
        }
    }
    sizes.sort_by(|a, b| b.total_cmp(a));
    sizes
}

/// Removes headers, footers and page numbers: lines at the same place of most pages, whose texts
/// differ at most in numbers.
fn remove_running_lines(pages: &mut [Vec<Line>]) {
    if pages.len() < 3 {
        return;
    }
    let key = |line: &Line| {
        let text: String = line.text.chars().filter(|c| !c.is_ascii_digit()).collect();
        (line.y.round() as i32, text.trim().to_owned())
    };
    let mut counts: HashMap<(i32, String), usize> = HashMap::new();
    for page in pages.iter() {
        let keys: std::collections::HashSet<_> = page.iter().map(key).collect();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
    }
    let most = pages.len() * 3 / 5;
    for page in pages {
        page.retain(|line| {
            counts
                .get(&key(line))
                .is_none_or(|count| *count <= most.max(2))
        });
    }
}
