//! Writing rows as files that people edit and that [`read`](crate::read) reads back.

use crate::Row;
use std::io::{self, Write};

/// Format of an exported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// A workbook of one sheet (XLSX).
    #[cfg(feature = "workbook")]
    Xlsx,
    /// A table separated by commas, in UTF-8 with a byte order mark, as spreadsheets want it.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// A text with a heading for each question, and headings above for topics.
    Markdown,
    /// A web page with the questions as `<details>` and as `FAQPage` data for search engines.
    Html,
}

/// Names of the columns of tables.
const COLUMNS: [&str; 4] = ["question", "answer", "paraphrases", "topic"];

impl ExportFormat {
    /// All formats.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "workbook")]
        Self::Xlsx,
        Self::Csv,
        Self::JsonLines,
        Self::Markdown,
        Self::Html,
    ];

    /// Usual ending of the file name, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            #[cfg(feature = "workbook")]
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }
}

/// Writes rows in a format.
///
/// Markdown and web pages leave paraphrases out.
///
/// # Errors
/// [`io::Error`], when the stream fails, or a text is longer than a cell of a workbook may be
/// (32,767 characters).
///
/// # Example
///
/// ```
/// use nearsay_faq::{ExportFormat, Row, write};
///
/// let row = Row {
///     question: "Open on Sunday?".to_owned(),
///     answer: "No.".to_owned(),
///     ..Row::default()
/// };
/// let mut file = Vec::new();
/// write(&[row], ExportFormat::Markdown, &mut file)?;
/// assert_eq!(file, b"## Open on Sunday?\n\nNo.\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(rows: &[Row], format: ExportFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        #[cfg(feature = "workbook")]
        ExportFormat::Xlsx => write_xlsx(rows, out),
        ExportFormat::Csv => write_csv(rows, out),
        ExportFormat::JsonLines => write_json_lines(rows, out),
        ExportFormat::Markdown => write_markdown(rows, out),
        ExportFormat::Html => write_html(rows, out),
    }
}

/// Texts of a row, in the order of [`COLUMNS`].
fn cells(row: &Row) -> [String; 4] {
    [
        row.question.clone(),
        row.answer.clone(),
        row.paraphrases.join("\n"),
        row.source.clone().unwrap_or_default(),
    ]
}

#[cfg(feature = "workbook")]
fn write_xlsx(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    use rust_xlsxwriter::{Format, FormatAlign, Workbook};
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let head = Format::new().set_bold();
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    for (column, width) in (0u16..).zip([50.0, 80.0, 50.0, 20.0]) {
        sheet
            .set_column_width(column, width)
            .map_err(io::Error::other)?;
    }
    for (column, name) in (0u16..).zip(COLUMNS) {
        sheet
            .write_string_with_format(0, column, name, &head)
            .map_err(io::Error::other)?;
    }
    sheet.set_freeze_panes(1, 0).map_err(io::Error::other)?;
    for (number, row) in (1u32..).zip(rows) {
        for (column, text) in (0u16..).zip(cells(row)) {
            if !text.is_empty() {
                sheet
                    .write_string_with_format(number, column, text, &wrapped)
                    .map_err(io::Error::other)?;
            }
        }
    }
    let bytes = book.save_to_buffer().map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn write_csv(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    // Excel recognizes UTF-8 only by the byte order mark.
    writeln!(out, "\u{feff}{}\r", COLUMNS.join(","))?;
    for row in rows {
        let cells = cells(row).map(|cell| quote_cell(&cell));
        writeln!(out, "{}\r", cells.join(","))?;
    }
    Ok(())
}

fn quote_cell(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn write_json_lines(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        let mut line = serde_json::json!({
            "question": row.question,
            "answer": row.answer,
        });
        if !row.paraphrases.is_empty() {
            line["paraphrases"] = row.paraphrases.clone().into();
        }
        if let Some(topic) = &row.source {
            line["topic"] = topic.clone().into();
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Groups rows by topic, in the order in which topics first occur.
fn group_by_topic(rows: &[Row]) -> Vec<(&str, Vec<&Row>)> {
    let mut places = std::collections::HashMap::new();
    let mut groups: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        let topic = row.source.as_deref().unwrap_or_default();
        let place = *places.entry(topic).or_insert(groups.len());
        if place == groups.len() {
            groups.push((topic, Vec::new()));
        }
        if let Some(group) = groups.get_mut(place) {
            group.1.push(row);
        }
    }
    groups
}

fn write_markdown(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    for (topic, rows) in group_by_topic(rows) {
        if !topic.is_empty() {
            let gap = if is_first { "" } else { "\n" };
            writeln!(out, "{gap}# {}", one_line(topic))?;
            is_first = false;
        }
        for row in rows {
            let gap = if is_first { "" } else { "\n" };
            writeln!(
                out,
                "{gap}## {}\n\n{}",
                one_line(&row.question),
                row.answer.trim()
            )?;
            is_first = false;
        }
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write_html(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>FAQ</title>"
    )?;
    let questions: Vec<serde_json::Value> = rows.iter().map(describe).collect();
    let data = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": questions,
    });
    // A script ends at the first `</`, even within a text.
    let data = data.to_string().replace("</", "<\\/");
    writeln!(
        out,
        "<script type=\"application/ld+json\">{data}</script>\n</head>\n<body>"
    )?;
    for (topic, rows) in group_by_topic(rows) {
        if !topic.is_empty() {
            writeln!(out, "<h2>{}</h2>", escape(topic))?;
        }
        for row in rows {
            writeln!(
                out,
                "<details><summary>{}</summary>{}</details>",
                escape(&row.question),
                paragraphs(&row.answer)
            )?;
        }
    }
    writeln!(out, "</body>\n</html>")
}

/// Describes a row for search engines.
fn describe(row: &Row) -> serde_json::Value {
    serde_json::json!({
        "@type": "Question",
        "name": row.question,
        "acceptedAnswer": { "@type": "Answer", "text": paragraphs(&row.answer) },
    })
}

/// Writes a text as HTML paragraphs; its line breaks stay.
fn paragraphs(text: &str) -> String {
    let paragraphs = text
        .trim()
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", escape(paragraph.trim()).replace('\n', "<br>")));
    paragraphs.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, read};
    use core::ops::ControlFlow;

    fn row(question: &str, answer: &str, paraphrases: &[&str], topic: &str) -> Row {
        Row {
            question: question.to_owned(),
            answer: answer.to_owned(),
            paraphrases: paraphrases.iter().map(|&text| text.to_owned()).collect(),
            source: Some(topic.to_owned()).filter(|topic| !topic.is_empty()),
            ..Row::default()
        }
    }

    #[test]
    fn write_is_read_back_in_every_format() {
        let rows = [
            row(
                "When are you open?",
                "Daily,\nfrom 9 to 18.",
                &["What are your hours?", "Open?"],
                "Visit",
            ),
            row(
                "Is \"x < y\" & z?",
                "Yes; \"of course\".\n\n- one\n- two",
                &[],
                "Visit",
            ),
            row("Ça va?", "Oui 🙂", &["Comment ça va?"], "Langue"),
        ];
        for format in ExportFormat::ALL {
            let mut file = Vec::new();
            write(&rows, *format, &mut file).unwrap();
            let options = ReadOptions {
                file_name: Some(format!("faq.{}", format.extension())),
                ..ReadOptions::default()
            };
            let faq = read(&file[..], &options, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(faq.counts.left_out, 0, "{format:?}: {:?}", faq.issues);
            let has_paraphrases = !matches!(format, ExportFormat::Markdown | ExportFormat::Html);
            for (read, written) in faq.rows.iter().zip(&rows) {
                assert_eq!(read.question, written.question, "{format:?}");
                assert_eq!(read.answer, written.answer, "{format:?}");
                if has_paraphrases {
                    assert_eq!(read.paraphrases, written.paraphrases, "{format:?}");
                    assert_eq!(read.source, written.source, "{format:?}");
                }
            }
            assert_eq!(faq.rows.len(), rows.len(), "{format:?}");
        }
    }
}
