//! FAQ export: one JSON object per line, as `nearsay train` reads it.

use super::{ExportError, has_bytes_at, not_an_export};
use nearsay::servable::Servable;
use nearsay_store::{DiskStore, Store as _};
use serde::Serialize;
use std::{io, path::Path};

/// Start of every file, by which an earlier export is recognised.
const START: &[u8] = br#"{"question":"#;

#[derive(Serialize)]
struct Row<'a> {
    question: &'a str,
    answer: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    paraphrases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

/// Writes a row for each answer. An answer without questions gets its own text as the question, because a row needs one.
pub(super) fn write(model: &Servable, file: &Path) -> Result<(), ExportError> {
    if DiskStore.exists(file)? && !has_bytes_at(file, 0, START)? {
        return Err(not_an_export(file));
    }
    Ok(DiskStore.write_stream(file, &mut |out| {
        model.answers().iter().try_for_each(|known| {
            let row = Row {
                question: known.questions.first().unwrap_or(&known.answer),
                answer: &known.answer,
                paraphrases: known.questions.get(1..).unwrap_or_default(),
                source: known.source.as_deref(),
            };
            serde_json::to_writer(&mut *out, &row).map_err(io::Error::from)?;
            out.write_all(b"\n")
        })
    })?)
}
