//! A folder of `vectors.npy`, `[texts, dim]` of f32, and `answers.jsonl`, a line for each of its rows.
//!
//! The format is thirty lines long and does not change, fewer than the use of a crate for it would take.
//!
//! Source: NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*.

use super::{UserError, begins_with, not_an_export, replaceable, texts::Text};
use nearsay_store::{DiskStore, Owned, Store as _};
use std::{io, path::Path};

const VECTORS: &str = "vectors.npy";
const ANSWERS: &str = "answers.jsonl";

pub(super) fn write(texts: &[Text<'_>], dim: usize, dir: &Path) -> Result<(), UserError> {
    owned(dir)?;
    let staging = DiskStore.stage_dir(dir)?;
    let header = header(texts.len(), dim);
    DiskStore.write_stream(&staging.path().join(VECTORS), &mut |out| {
        out.write_all(&header)?;
        let mut numbers = texts.iter().flat_map(|text| text.vector);
        numbers.try_for_each(|x| out.write_all(&x.to_le_bytes()))
    })?;
    DiskStore.write_stream(&staging.path().join(ANSWERS), &mut |out| {
        texts.iter().try_for_each(|text| {
            serde_json::to_writer(&mut *out, text).map_err(io::Error::from)?;
            out.write_all(b"\n")
        })
    })?;
    // Looked up again: the folder may have changed since.
    owned(dir).and_then(|owned| Ok(DiskStore.replace_dir(staging.path(), dir, &owned)?))
}

/// The files that may be replaced: both of an earlier export, when nothing else is in the folder.
fn owned(dir: &Path) -> Result<Owned, UserError> {
    DiskStore.recover(dir)?;
    if !DiskStore.exists(dir)? || DiskStore.list(dir)?.is_empty() {
        return Ok(Owned::default());
    }
    replaceable(dir, &|name| [VECTORS, ANSWERS].contains(&name))?;
    // A user's own files may have these names.
    let vectors = begins_with(&dir.join(VECTORS), 0, b"\x93NUMPY\x01\x00")?;
    let answers = dir.join(ANSWERS);
    let no_answers = DiskStore
        .metadata(&answers)
        .is_ok_and(|found| found.len == 0);
    match vectors && (no_answers || begins_with(&answers, 0, br#"{"id":""#)?) {
        true => Ok(Owned::new([VECTORS, ANSWERS])),
        false => Err(not_an_export(dir)),
    }
}

/// The header of a table of f32 in rows, padded so that the numbers begin at a multiple of 64 bytes.
fn header(rows: usize, columns: usize) -> Vec<u8> {
    let says =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    let length = (before + says.len() + 1).next_multiple_of(64) - before;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{says:<width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_an_earlier_export_is_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("out");
        write(&[], 3, &dir).unwrap();
        write(&[], 3, &dir).unwrap();
        DiskStore.write_atomic(&dir.join("diary"), b"dear").unwrap();
        let error = write(&[], 3, &dir).unwrap_err();
        assert!(error.message.contains("diary"), "{error}");
        assert_eq!(DiskStore.list(&dir).unwrap().len(), 3);
    }

    #[test]
    fn write_refuses_a_folder_with_files_of_these_names_by_others() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("out");
        DiskStore.create_dir_all(&dir).unwrap();
        let faq = dir.join(ANSWERS);
        DiskStore
            .write_atomic(&faq, b"{\"question\": \"a\"}")
            .unwrap();
        for vectors in [None, Some(b"\x93NUMPY\x01\x00")] {
            if let Some(bytes) = vectors {
                DiskStore.write_atomic(&dir.join(VECTORS), bytes).unwrap();
            }
            let error = write(&[], 3, &dir).unwrap_err();
            assert!(error.message.contains("not an export"), "{error}");
            assert!(
                DiskStore
                    .read(&faq, 99)
                    .unwrap()
                    .starts_with(b"{\"question")
            );
        }
    }

    #[test]
    fn numbers_begin_at_a_multiple_of_64() {
        for (rows, columns) in [(0, 384), (1_000_000_000, 384), (7, 1)] {
            let header = header(rows, columns);
            assert_eq!(header.len() % 64, 0);
            let length = u16::from_le_bytes([header[8], header[9]]);
            assert_eq!(usize::from(length) + 10, header.len());
            let says = format!("'shape': ({rows}, {columns})");
            assert!(String::from_utf8_lossy(&header).contains(&says));
        }
    }
}
