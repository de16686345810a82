//! Formats of quantized tensors, and reading them.

use half::f16;
use serde::{Deserialize, Serialize};

/// Numbers in a block of [`Format::Int4`].
pub(super) const BLOCK: usize = 32;
/// Bytes in a block of [`Format::Int4`].
pub(super) const BLOCK_BYTES: usize = 2 + BLOCK / 2;

/// Format of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Single precision.
    F32,
    /// Signed bytes with a scale for each row.
    Int8,
    /// Four bits with a scale for each block of 32 numbers.
    Int4,
}

impl Format {
    /// Bytes of a tensor; `None` if the format can't store this shape or the length overflows.
    pub(super) fn len(self, shape: &[usize]) -> Option<usize> {
        let columns = *shape.last()?;
        let rows = shape[..shape.len() - 1]
            .iter()
            .try_fold(1usize, |rows, &size| rows.checked_mul(size))?;
        let row = match self {
            Self::F32 => columns.checked_mul(4)?,
            Self::Int8 => columns.checked_add(4)?,
            Self::Int4 if columns.is_multiple_of(BLOCK) => {
                (columns / BLOCK).checked_mul(BLOCK_BYTES)?
            }
            Self::Int4 => return None,
        };
        rows.checked_mul(row)
    }
}

/// A tensor of a [`QuantizedModel`](super::QuantizedModel), read as a matrix: vectors have one row.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedTensor<'a> {
    format: Format,
    rows: usize,
    columns: usize,
    bytes: &'a [u8],
}

impl<'a> QuantizedTensor<'a> {
    /// A view of bytes whose length is [`Format::len`] of the shape.
    pub(super) fn new(format: Format, columns: usize, bytes: &'a [u8]) -> Self {
        let row = format.len(&[columns]).unwrap_or(0).max(1);
        Self {
            format,
            rows: bytes.len() / row,
            columns,
            bytes,
        }
    }

    /// Format of the numbers.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Scales and integers of a tensor in [`Format::Int8`]: `[rows]` and `[rows, columns]`, the integers as signed
    /// bytes. `None` for other formats.
    #[must_use]
    pub fn int8(&self) -> Option<(Vec<f32>, &'a [u8])> {
        (self.format == Format::Int8).then(|| {
            let (scales, codes) = self.bytes.split_at(self.rows * 4);
            (read_f32(scales).collect(), codes)
        })
    }

    /// All numbers, row-major.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let mut numbers = vec![0.0; self.rows * self.columns];
        for (row, numbers) in numbers.chunks_exact_mut(self.columns.max(1)).enumerate() {
            self.read_row(row, numbers);
        }
        numbers
    }

    /// Reads the numbers of a row.
    ///
    /// # Panics
    /// If there is no such row, or if `numbers` doesn't have the length of a row.
    pub fn read_row(&self, row: usize, numbers: &mut [f32]) {
        assert_eq!(numbers.len(), self.columns, "length of a row");
        match self.format {
            Format::F32 => {
                let row = &self.bytes[row * self.columns * 4..][..self.columns * 4];
                numbers
                    .iter_mut()
                    .zip(read_f32(row))
                    .for_each(|(to, x)| *to = x);
            }
            Format::Int8 => {
                let (scales, codes) = self.bytes.split_at(self.rows * 4);
                let scale = read_f32(&scales[row * 4..row * 4 + 4])
                    .next()
                    .unwrap_or(0.0);
                let codes = &codes[row * self.columns..][..self.columns];
                for (number, code) in numbers.iter_mut().zip(codes) {
                    *number = scale * f32::from(code.cast_signed());
                }
            }
            Format::Int4 => {
                let len = self.columns / BLOCK * BLOCK_BYTES;
                let blocks = self.bytes[row * len..][..len].as_chunks::<BLOCK_BYTES>().0;
                let numbers = numbers.as_chunks_mut::<BLOCK>().0;
                for ([low, high, halves @ ..], numbers) in blocks.iter().zip(numbers) {
                    let scale = f16::from_le_bytes([*low, *high]).to_f32();
                    let (first, second) = numbers.split_at_mut(BLOCK / 2);
                    for ((byte, a), b) in halves.iter().zip(first).zip(second) {
                        *a = scale * (f32::from(byte & 15) - 8.0);
                        *b = scale * (f32::from(byte >> 4) - 8.0);
                    }
                }
            }
        }
    }

    /// Whether all numbers are finite.
    pub(super) fn is_finite(&self) -> bool {
        match self.format {
            Format::F32 => read_f32(self.bytes).all(f32::is_finite),
            // A product of a finite scale and a byte could overflow.
            Format::Int8 => {
                read_f32(&self.bytes[..self.rows * 4]).all(|scale| (scale * 128.0).is_finite())
            }
            Format::Int4 => {
                let mut blocks = self.bytes.as_chunks::<BLOCK_BYTES>().0.iter();
                blocks.all(|[low, high, ..]| f16::from_le_bytes([*low, *high]).is_finite())
            }
        }
    }
}

fn read_f32(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let numbers = bytes.as_chunks::<4>().0.iter();
    numbers.map(|bytes| f32::from_le_bytes(*bytes))
}
