//! SQL for PostgreSQL with pgvector: a table of texts with their vectors, and indexes.
//!
//! One transaction builds the table beside one of the same name that is there already, and takes its place
//! at the end: whoever asks meanwhile is answered by the former table, running the file again gives the
//! same, and a mistake leaves everything as it was. Grants on the former table are not taken over.

use super::{UserError, texts::Text};
use nearsay_store::{DiskStore, Store as _};
use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

/// Longest vector that pgvector can index.
const MAX_DIM: usize = 2_000;

/// What comes before the rows; `{table}` and `{dim}` are put in.
const BEFORE: &str = include_str!("pgvector/before.sql");
/// And behind them.
const AFTER: &str = include_str!("pgvector/after.sql");

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Name of the table in PostgreSQL
    #[arg(long, default_value = "faq", value_name = "NAME")]
    table: String,
}

pub(super) fn write(
    texts: &[Text<'_>],
    dim: usize,
    file: &Path,
    options: &Options,
) -> Result<(), UserError> {
    let table = &options.table;
    if !plain(table) {
        return Err(UserError::new(
            format_args!("“{table}” cannot be the table's name"),
            "It must be of small letters, digits and underscores, begin with a letter, and have 40 of \
             them at most.",
        ));
    }
    if dim > MAX_DIM {
        return Err(UserError::new(
            format_args!("these vectors have {dim} numbers; pgvector can index {MAX_DIM} at most"),
            "Train on an encoder with shorter vectors.",
        ));
    }
    if let Some(text) = texts.iter().find(|text| has_zero(text)) {
        return Err(UserError::new(
            format_args!(
                "the text on line {} of the FAQ has a zero byte, which PostgreSQL cannot keep",
                text.row
            ),
            "Take the byte out of the FAQ, and train again.",
        ));
    }
    let fill_in = |sql: &str| {
        sql.replace("{table}", table)
            .replace("{dim}", &dim.to_string())
    };
    Ok(DiskStore.write_stream(file, &mut |out| {
        out.write_all(fill_in(BEFORE).as_bytes())?;
        texts.iter().try_for_each(|text| row(out, text))?;
        out.write_all(fill_in(AFTER).as_bytes())
    })?)
}

/// A name that needs no quotes.
fn plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits) && name.len() <= 40
}

fn has_zero(text: &Text<'_>) -> bool {
    let all = [text.text, text.answer, text.source.unwrap_or_default()];
    all.iter().any(|text| text.contains('\0'))
}

/// A line of COPY's text format.
fn row(out: &mut (dyn Write + Send), text: &Text<'_>) -> io::Result<()> {
    let source = text.source.map_or_else(|| "\\N".to_owned(), copied);
    let mut vector = String::from("[");
    for (i, x) in text.vector.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(vector, "{comma}{x}").ok(); // to memory
    }
    writeln!(
        out,
        "{}\t{}\t{}\t{}\t{source}\t{}\t{vector}]",
        text.id,
        text.answer_id,
        copied(text.text),
        copied(text.answer),
        text.row,
    )
}

/// A text in which nothing ends its cell or line.
fn copied(text: &str) -> String {
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
    fn no_text_ends_its_cell() {
        assert_eq!(copied("a\tb\n\\.\r\\N"), "a\\tb\\n\\\\.\\r\\\\N");
    }

    #[test]
    fn names_need_no_quotes() {
        assert!(plain("faq") && plain("faq_2"));
        for name in [
            "",
            "1a",
            "Faq",
            "a b",
            "a;drop table x",
            "a\"",
            &"a".repeat(41),
        ] {
            assert!(!plain(name), "{name}");
        }
    }
}
