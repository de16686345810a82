//! Streaming reader for answer vectors: verifies the hash while it fills the final buffer.

use super::{Manifest, ServableError};
use nearsay_core::matrix::Matrix;
use nearsay_store::{ErrorKind, Operation, Store, StoreError};
use safetensors::{Dtype, tensor::Metadata};
use std::path::Path;

/// Maximum size of a safetensors header in bytes. Written files list one tensor, so their headers are much shorter.
const MAX_HEADER: u64 = 1 << 16;

/// Reads a file of vectors, `[n, d]`.
///
/// Allocates memory only after checking that the file is long enough for the vectors.
///
/// # Errors
/// If the file is missing or changed, or if it has anything but finite vectors.
pub(super) fn read(
    store: &dyn Store,
    dir: &Path,
    manifest: &Manifest,
    name: &str,
) -> Result<Matrix, ServableError> {
    let entry = manifest.entry(name)?;
    let path = dir.join(name);
    // The header's size must match the file's, so that no header can request more memory than the file has bytes.
    let len = store.metadata(&path).map_or(0, |metadata| metadata.len);
    let mut reader = Reader {
        len: len.min(entry.bytes),
        ..Reader::default()
    };
    let mut failed = None;
    entry.stream(store, dir, name, &mut |piece| {
        if failed.is_none() {
            failed = reader.take(piece).err();
        }
    })?;
    match failed {
        None => reader
            .finish()
            .map_err(|why| ServableError::changed(name, why)),
        Some(Failure::Wrong(why)) => Err(ServableError::changed(name, why)),
        Some(Failure::NoMemory(needed)) => {
            let error = ErrorKind::NoMemory { needed }.into();
            Err(StoreError::new(Operation::Read, &path, error).into())
        }
    }
}

/// Reason why a file with the right hash can't be used.
#[derive(Debug, PartialEq)]
enum Failure {
    Wrong(&'static str),
    NoMemory(u64),
}

/// Parser of a safetensors file of vectors that arrives in pieces of any length.
#[derive(Default)]
struct Reader {
    /// Length of the file in bytes.
    len: u64,
    /// Bytes of the header so far, including its length.
    header: Vec<u8>,
    /// Rows and columns, once the header is complete.
    shape: Option<(usize, usize)>,
    data: Vec<f32>,
    /// First bytes of a number that is split between two pieces.
    begun: Vec<u8>,
    /// Whether any value is NaN or infinite.
    odd: bool,
}

impl Reader {
    fn take(&mut self, mut piece: &[u8]) -> Result<(), Failure> {
        while self.shape.is_none() {
            let Some((byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.header.push(*byte);
            piece = rest;
            if let Some(size) = self.header.first_chunk::<8>() {
                let size = u64::from_le_bytes(*size);
                if size > MAX_HEADER {
                    return Err(Failure::Wrong("isn't a safetensors file of vectors"));
                }
                if self.header.len() as u64 == 8 + size {
                    self.begin()?;
                }
            }
        }
        while !self.begun.is_empty() {
            let Some((byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.begun.push(*byte);
            piece = rest;
            if let Ok(bytes) = <[u8; 4]>::try_from(&*self.begun) {
                self.push(&[bytes]);
                self.begun.clear();
            }
        }
        let (values, rest) = piece.as_chunks::<4>();
        self.push(values);
        self.begun.extend_from_slice(rest);
        Ok(())
    }

    /// Parses the complete header and allocates the vectors.
    fn begin(&mut self) -> Result<(), Failure> {
        let damaged = Failure::Wrong("is a damaged safetensors file");
        let Ok(header) = serde_json::from_slice::<Metadata>(&self.header[8..]) else {
            return Err(damaged);
        };
        let info = header.info("vectors");
        let info = info.ok_or(Failure::Wrong("has no vectors"))?;
        let (Dtype::F32, &[rows, columns]) = (info.dtype, &*info.shape) else {
            return Err(Failure::Wrong(
                "has vectors whose values aren't 32-bit floating-point numbers",
            ));
        };
        let values = rows.checked_mul(columns).ok_or(damaged)?;
        let needed = (values as u64).saturating_mul(4);
        let offsets = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        let whole = needed.saturating_add(self.header.len() as u64);
        if header.tensors().len() != 1 || offsets != (0, needed) || whole != self.len {
            return Err(Failure::Wrong("has other content than vectors"));
        }
        let memory = self.data.try_reserve_exact(values);
        memory.map_err(|_| Failure::NoMemory(needed))?;
        self.shape = Some((rows, columns));
        Ok(())
    }

    fn push(&mut self, values: &[[u8; 4]]) {
        // NaN and infinity have an exponent of all ones.
        const EXPONENT: u32 = 0x7f80_0000;
        let bits = values.iter().map(|value| u32::from_le_bytes(*value));
        #[allow(clippy::needless_bitwise_bool)] // without branches, the loop is vectorised
        let odd = bits.fold(false, |odd, bits| odd | (bits & EXPONENT == EXPONENT));
        self.odd |= odd;
        let values = values.iter().map(|value| f32::from_le_bytes(*value));
        self.data.extend(values);
    }

    fn finish(self) -> Result<Matrix, &'static str> {
        if self.odd {
            return Err("has values that aren't finite numbers");
        }
        let vectors = match self.shape {
            Some((rows, columns)) => Matrix::new(rows, columns, self.data).ok(),
            None => None,
        };
        vectors.ok_or("is a damaged safetensors file")
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::vectors_to_bytes;
    use super::*;

    fn read_by(bytes: &[u8], piece: usize) -> Result<Matrix, Failure> {
        let mut reader = Reader {
            len: bytes.len() as u64,
            ..Reader::default()
        };
        bytes
            .chunks(piece)
            .try_for_each(|piece| reader.take(piece))?;
        reader.finish().map_err(Failure::Wrong)
    }

    #[test]
    fn reader_accepts_pieces_of_any_length() {
        let vectors = Matrix::from_fn(5, 3, |row, column| row as f32 - 0.5 * column as f32);
        let bytes = vectors_to_bytes(&vectors).unwrap();
        for piece in 1..=bytes.len() {
            assert_eq!(read_by(&bytes, piece).as_ref(), Ok(&vectors), "{piece}");
        }
    }

    #[test]
    fn reader_rejects_malformed_files_before_allocating() {
        let bytes = vectors_to_bytes(&Matrix::zeros(4, 2)).unwrap();
        assert!(read_by(&bytes[..bytes.len() - 4], 7).is_err(), "cut");
        assert!(read_by(&bytes[..20], 7).is_err(), "cut in the header");
        assert!(read_by(&[0xFF; 100], 7).is_err(), "a huge header");
        assert!(read_by(&[], 7).is_err());
        let nan = Matrix::from_fn(4, 2, |row, _| if row == 2 { f32::NAN } else { 0.0 });
        assert!(read_by(&vectors_to_bytes(&nan).unwrap(), 64).is_err());
        let huge =
            br#"{"vectors":{"dtype":"F32","shape":[4611686018427387904,1],"data_offsets":[0,8]}}"#;
        let mut file = (huge.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(huge);
        file.extend_from_slice(&[0; 8]);
        assert!(read_by(&file, 64).is_err());
    }
}
