//! pgvector export: SQL that creates a table of texts, their vectors and indexes.
//!
//! One transaction builds the new table next to an existing one of the same name and swaps them at the end. Clients
//! use the old table until then, running the file again is safe, and an error changes nothing. Grants on the old
//! table are not copied.

use super::{ExportError, texts::Text};
use nearsay_store::{DiskStore, Store as _};
use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

/// Longest vector that pgvector can index.
const MAX_DIM: usize = 2_000;

/// SQL before the rows; `{table}` and `{dim}` are placeholders.
const BEFORE: &str = include_str!("pgvector/before.sql");
/// SQL after the rows.
const AFTER: &str = include_str!("pgvector/after.sql");

pub(super) fn write(
    texts: &[Text<'_>],
    dim: usize,
    file: &Path,
    table: &str,
) -> Result<(), ExportError> {
    if !is_plain_name(table) {
        return Err(ExportError::TableName {
            name: table.to_owned(),
        });
    }
    if dim > MAX_DIM {
        return Err(ExportError::TooManyDimensions { dim, max: MAX_DIM });
    }
    if let Some(text) = texts.iter().find(|text| has_zero_byte(text)) {
        return Err(ExportError::ZeroByte { row: text.row });
    }
    let fill_in = |sql: &str| {
        sql.replace("{table}", table)
            .replace("{dim}", &dim.to_string())
    };
    Ok(DiskStore.write_stream(file, &mut |out| {
        out.write_all(fill_in(BEFORE).as_bytes())?;
        texts.iter().try_for_each(|text| write_row(out, text))?;
        out.write_all(fill_in(AFTER).as_bytes())
    })?)
}

/// Whether a name needs no quotes in SQL.
fn is_plain_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits) && name.len() <= 40
}

fn has_zero_byte(text: &Text<'_>) -> bool {
    let all = [text.text, text.answer, text.source.unwrap_or_default()];
    all.iter().any(|text| text.contains('\0'))
}

/// Writes a line of COPY's text format.
fn write_row(out: &mut (dyn Write + Send), text: &Text<'_>) -> io::Result<()> {
    let source = text
        .source
        .map_or_else(|| "\\N".to_owned(), escape_for_copy);
    let mut vector = String::from("[");
    for (i, x) in text.vector.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(vector, "{comma}{x}").ok(); // Writing to a String succeeds.
    }
    writeln!(
        out,
        "{}\t{}\t{}\t{}\t{source}\t{}\t{vector}]",
        text.id,
        text.answer_id,
        escape_for_copy(text.text),
        escape_for_copy(text.answer),
        text.row,
    )
}

/// Escapes the characters that end a cell or a line in COPY's text format.
fn escape_for_copy(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe += "\\\\",
            '\t' => safe += "\\t",
            '\n' => safe += "\\n",
            '\r' => safe += "\\r",
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_for_copy_escapes_cell_and_line_ends() {
        assert_eq!(escape_for_copy("a\tb\n\\.\r\\N"), "a\\tb\\n\\\\.\\r\\\\N");
    }

    #[test]
    fn is_plain_name_rejects_names_that_need_quotes() {
        assert!(is_plain_name("faq") && is_plain_name("faq_2"));
        for name in [
            "",
            "1a",
            "Faq",
            "a b",
            "a;drop table x",
            "a\"",
            &"a".repeat(41),
        ] {
            assert!(!is_plain_name(name), "{name}");
        }
    }
}
