//! NumPy export: a directory with `vectors.npy`, `[texts, dim]` in f32, and `answers.jsonl`, one line per row.
//!
//! Source: NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*.

use super::{ExportError, check_only_export_files, has_bytes_at, not_an_export, texts::Text};
use nearsay_store::{DiskStore, Owned, Store as _};
use std::{io, path::Path};

const VECTORS: &str = "vectors.npy";
const ANSWERS: &str = "answers.jsonl";
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

pub(super) fn write(texts: &[Text<'_>], dim: usize, dir: &Path) -> Result<(), ExportError> {
    list_owned(dir)?;
    let staging = DiskStore.stage_dir(dir)?;
    let header = npy_header(texts.len(), dim);
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
    // Checked again, because the directory may have changed meanwhile.
    let owned = list_owned(dir)?;
    Ok(DiskStore.replace_dir(staging.path(), dir, &owned)?)
}

/// The files that may be replaced: those of an earlier export, provided the directory has no others.
fn list_owned(dir: &Path) -> Result<Owned, ExportError> {
    DiskStore.recover(dir)?;
    if !DiskStore.exists(dir)? || DiskStore.list(dir)?.is_empty() {
        return Ok(Owned::default());
    }
    check_only_export_files(dir, &|name| [VECTORS, ANSWERS].contains(&name))?;
    // A user's own files may have the same names.
    let is_npy = has_bytes_at(&dir.join(VECTORS), 0, MAGIC)?;
    let answers = dir.join(ANSWERS);
    let is_empty = DiskStore
        .metadata(&answers)
        .is_ok_and(|metadata| metadata.len == 0);
    if is_npy && (is_empty || has_bytes_at(&answers, 0, br#"{"id":""#)?) {
        Ok(Owned::new([VECTORS, ANSWERS]))
    } else {
        Err(not_an_export(dir))
    }
}

/// The header of a row-major f32 matrix, padded so that the data starts at a multiple of 64 bytes.
fn npy_header(rows: usize, columns: usize) -> Vec<u8> {
    let dict =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let prefix = MAGIC.len() + 2;
    let length = (prefix + dict.len() + 1).next_multiple_of(64) - prefix;
    let mut header = MAGIC.to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{dict:<width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_replaces_only_an_earlier_export() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("out");
        write(&[], 3, &dir).unwrap();
        write(&[], 3, &dir).unwrap();
        DiskStore.write_atomic(&dir.join("diary"), b"dear").unwrap();
        let error = write(&[], 3, &dir).unwrap_err();
        assert!(error.to_string().contains("diary"), "{error}");
        assert_eq!(DiskStore.list(&dir).unwrap().len(), 3);
    }

    #[test]
    fn write_rejects_foreign_files_with_export_names() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("out");
        DiskStore.create_dir_all(&dir).unwrap();
        let faq = dir.join(ANSWERS);
        DiskStore
            .write_atomic(&faq, b"{\"question\": \"a\"}")
            .unwrap();
        for vectors in [None, Some(MAGIC)] {
            if let Some(bytes) = vectors {
                DiskStore.write_atomic(&dir.join(VECTORS), bytes).unwrap();
            }
            let error = write(&[], 3, &dir).unwrap_err();
            assert!(error.to_string().contains("not an export"), "{error}");
            assert!(
                DiskStore
                    .read(&faq, 99)
                    .unwrap()
                    .starts_with(b"{\"question")
            );
        }
    }

    #[test]
    fn npy_header_aligns_data_to_64_bytes() {
        for (rows, columns) in [(0, 384), (1_000_000_000, 384), (7, 1)] {
            let header = npy_header(rows, columns);
            assert_eq!(header.len() % 64, 0);
            let length = u16::from_le_bytes([header[8], header[9]]);
            assert_eq!(usize::from(length) + 10, header.len());
            let shape = format!("'shape': ({rows}, {columns})");
            assert!(String::from_utf8_lossy(&header).contains(&shape));
        }
    }
}
