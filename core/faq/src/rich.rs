//! Formatted text, shared by web pages and text documents: blocks of spans, written as Markdown.

/// Piece of text with one format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The text; `\n` is a line break.
    pub(crate) text: String,
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) code: bool,
    /// Address that the text links to.
    pub(crate) link: Option<String>,
}

/// Kind of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlockKind {
    #[default]
    Paragraph,
    /// Heading with its level from 1.
    Heading(u8),
    /// List item with its depth from 0, and its number in a numbered list.
    Item(u8, Option<u32>),
    /// Preformatted text.
    Code,
    /// Cells of a table, row by row, each with the position of its row.
    Table(Vec<(u64, Vec<String>)>),
}

/// Paragraph, heading, list item or table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// Number of the line or paragraph where the block begins, counted from 1.
    pub(crate) position: u64,
    pub(crate) kind: BlockKind,
    pub(crate) spans: Vec<Span>,
    /// Whether the block continues the paragraph above it on a new line.
    pub(crate) tight: bool,
}

impl Span {
    fn has_format_of(&self, other: &Self) -> bool {
        (self.bold, self.italic, self.code) == (other.bold, other.italic, other.code)
            && self.link == other.link
    }
}

/// Adds a span, joined to the last one if their formats are equal.
pub(crate) fn push_span(spans: &mut Vec<Span>, span: Span) {
    if let Some(last) = spans.last_mut()
        && last.has_format_of(&span)
    {
        last.text.push_str(&span.text);
    } else if !span.text.is_empty() {
        spans.push(span);
    }
}

impl Block {
    /// Text without formats, each line trimmed.
    pub(crate) fn plain(&self) -> String {
        let mut text = String::new();
        for span in &self.spans {
            text.push_str(&span.text);
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.join("\n").trim().to_owned()
    }

    /// Whether the block has no visible text.
    pub(crate) fn is_blank(&self) -> bool {
        match &self.kind {
            BlockKind::Table(rows) => rows.is_empty(),
            _ => self
                .spans
                .iter()
                .all(|span| crate::text::is_blank(&span.text)),
        }
    }

    /// Whether all visible text is bold.
    pub(crate) fn is_bold(&self) -> bool {
        let mut visible = self
            .spans
            .iter()
            .filter(|span| !crate::text::is_blank(&span.text));
        !self.is_blank() && visible.all(|span| span.bold)
    }
}

/// Writes blocks as Markdown.
pub(crate) fn to_markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    let mut was_item = false;
    for block in blocks.iter().filter(|block| !block.is_blank()) {
        let is_item = matches!(block.kind, BlockKind::Item(..));
        if !out.is_empty() {
            let is_close = block.tight || (is_item && was_item);
            out.push_str(if is_close { "\n" } else { "\n\n" });
        }
        was_item = is_item;
        match &block.kind {
            BlockKind::Paragraph => write_spans(&mut out, &block.spans, ""),
            BlockKind::Heading(level) => {
                for _ in 0..(*level).clamp(1, 6) {
                    out.push('#');
                }
                out.push(' ');
                out.push_str(&block.plain().replace('\n', " "));
            }
            BlockKind::Item(depth, number) => {
                let indent = "  ".repeat(usize::from(*depth).min(10));
                out.push_str(&indent);
                match number {
                    Some(number) => out.push_str(&format!("{number}. ")),
                    None => out.push_str("- "),
                }
                write_spans(&mut out, &block.spans, &format!("{indent}  "));
            }
            BlockKind::Code => {
                out.push_str("```\n");
                let text: String = block.spans.iter().map(|span| &*span.text).collect();
                out.push_str(text.trim_matches('\n'));
                out.push_str("\n```");
            }
            BlockKind::Table(rows) => write_table(&mut out, rows),
        }
    }
    out
}

/// Writes the spans of one block; lines after the first begin with `indent`.
fn write_spans(out: &mut String, spans: &[Span], indent: &str) {
    let mut text = String::new();
    for span in spans {
        // Formats can't span lines, and can't begin or end with white space.
        for (number, line) in span.text.split('\n').enumerate() {
            if number > 0 {
                text.push('\n');
            }
            write_span(&mut text, line, span);
        }
    }
    let mut lines = text.trim().lines().map(str::trim);
    out.push_str(lines.next().unwrap_or_default());
    let mut gap = false;
    for line in lines {
        // Empty lines would end a list item.
        if line.is_empty() && !indent.is_empty() {
            continue;
        }
        if line.is_empty() && gap {
            continue;
        }
        gap = line.is_empty();
        out.push('\n');
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(line);
        }
    }
}

fn write_span(out: &mut String, line: &str, span: &Span) {
    let text = line.trim();
    if text.is_empty() {
        out.push_str(line);
        return;
    }
    let (before, after) = line.split_once(text).unwrap_or_default();
    let mark = match (span.bold, span.italic) {
        (true, true) => "***",
        (true, false) => "**",
        (false, true) => "*",
        (false, false) => "",
    };
    let code = if span.code { "`" } else { "" };
    let link = span.link.as_deref().filter(|link| is_address(link, text));
    out.push_str(before);
    out.push_str(mark);
    if let Some(link) = link {
        out.push_str(&format!("[{code}{text}{code}]({link})"));
    } else {
        out.push_str(code);
        out.push_str(text);
        out.push_str(code);
    }
    out.push_str(mark);
    out.push_str(after);
}

/// Whether an address is worth writing behind its text: it leads out of the page, and isn't the
/// text itself.
fn is_address(link: &str, text: &str) -> bool {
    let link = link.trim();
    let lower = link.get(..11).unwrap_or(link).to_ascii_lowercase();
    !link.is_empty()
        && !link.starts_with('#')
        && !lower.starts_with("javascript:")
        && !lower.starts_with("data:")
        && !link.contains([' ', '\n', '(', ')', '<', '>'])
        && link.strip_prefix("mailto:").unwrap_or(link) != text
        && link.strip_prefix("tel:").unwrap_or(link) != text
}

fn write_table(out: &mut String, rows: &[(u64, Vec<String>)]) {
    let width = rows.iter().map(|row| row.1.len()).max().unwrap_or(0);
    if width < 2 {
        let cells = rows.iter().flat_map(|row| &row.1);
        let cells: Vec<&str> = cells
            .map(|cell| cell.trim())
            .filter(|c| !c.is_empty())
            .collect();
        out.push_str(&cells.join("\n"));
        return;
    }
    for (number, (_, cells)) in rows.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push('|');
        for column in 0..width.min(64) {
            let cell = cells.get(column).map_or("", |cell| cell.trim());
            let cell = cell.replace('\n', " ").replace('|', "\\|");
            out.push_str(&format!(" {cell} |"));
        }
        if number == 0 {
            out.push_str("\n|");
            out.push_str(&" --- |".repeat(width.min(64)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        Span {
            text: text.to_owned(),
            ..Span::default()
        }
    }

    #[test]
    fn to_markdown_writes_formats_lists_and_tables() {
        let bold = Span {
            bold: true,
            ..span(" now ")
        };
        let link = Span {
            link: Some("https://example.org/".to_owned()),
            ..span("here")
        };
        let own = Span {
            link: Some("mailto:a@example.org".to_owned()),
            ..span("a@example.org")
        };
        let block = |kind, spans| Block {
            kind,
            spans,
            ..Block::default()
        };
        let cells = |a: &str, b: &str| (1, vec![a.to_owned(), b.to_owned()]);
        let blocks = [
            block(
                BlockKind::Paragraph,
                vec![span("Ask"), bold, span("or "), link, span(", "), own],
            ),
            block(BlockKind::Item(0, None), vec![span("one\ntwo")]),
            block(BlockKind::Item(1, Some(2)), vec![span("three")]),
            block(
                BlockKind::Table(vec![cells("a", "b|c"), cells("1", "2")]),
                vec![],
            ),
            block(BlockKind::Heading(3), vec![span("End")]),
        ];
        assert_eq!(
            to_markdown(&blocks),
            "Ask **now** or [here](https://example.org/), a@example.org\n\n- one\n  two\n  2. three\
             \n\n| a | b\\|c |\n| --- | --- |\n| 1 | 2 |\n\n### End"
        );
    }
}
