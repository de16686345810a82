//! The table's rows, as small as they can be while the page says what `nearsay ask` says.
//!
//! Training changes only the rows of tokens that the FAQ has. All others are still as they were distilled:
//! one byte a number, times the row's scale, says them exactly. Those that were learned get two bytes, which
//! are off by 1/65,000 of the row's largest number. One byte for these too, off by 1/250, spares a seventh of
//! the page of the cloud FAQ, but moves scores by up to 0.0015: of 500 questions the first answer stayed, but
//! for 2 it was no longer the same whether it is sure.

use nearsay_core::matrix::Matrix;

/// A table in two kinds of rows; numbers are little-endian.
#[derive(Default)]
pub(super) struct Packed {
    /// f32 a row.
    pub(super) scales: Vec<u8>,
    /// u32: the numbers of the wide rows, ascending.
    pub(super) wide: Vec<u8>,
    /// i8: the rows that a byte a number says exactly, in order.
    pub(super) narrow_rows: Vec<u8>,
    /// i16: the others, in order.
    pub(super) wide_rows: Vec<u8>,
}

/// Packs a table, `[tokens, dim]`.
pub(super) fn pack(rows: &Matrix) -> Packed {
    let mut packed = Packed::default();
    for (token, row) in (0u32..).zip(rows.iter_rows()) {
        let scale = match exact_scale(row) {
            Some(scale) => {
                let values = row.iter().map(|&x| steps(x, scale) as i8);
                packed.narrow_rows.extend(values.map(i8::cast_unsigned));
                scale
            }
            None => {
                let scale = largest(row) / f32::from(i16::MAX);
                let values = row.iter().map(|&x| steps(x, scale) as i16);
                packed.wide_rows.extend(values.flat_map(i16::to_le_bytes));
                packed.wide.extend(token.to_le_bytes());
                scale
            }
        };
        packed.scales.extend(scale.to_le_bytes());
    }
    packed
}

/// The scale by which one byte a number says a row to the last bit.
fn exact_scale(row: &[f32]) -> Option<f32> {
    let scale = largest(row) / f32::from(i8::MAX);
    // The division may have rounded away from the scale that was multiplied with.
    [scale, scale.next_down(), scale.next_up()]
        .into_iter()
        .find(|&scale| row.iter().all(|&x| scale * steps(x, scale) == x))
}

fn largest(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// How many times a scale a number is, to the nearest.
fn steps(x: f32, scale: f32) -> f32 {
    if scale > 0.0 {
        (x / scale).round()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_bytes_stay_exact_and_others_nearly_so() {
        let mut data = vec![0.0; 8];
        for scale in [0.001_234_5f32, 3.3e-5, 0.7] {
            data.extend([127.0, -3.0, 0.0, 64.0, 1.0, -90.0, 5.0, 33.0].map(|x: f32| x * scale));
        }
        let learned = [0.1f32, -0.2, 0.333, 0.04, -0.057, 0.6, 0.71, 0.000_1];
        data.extend(learned);
        let packed = pack(&Matrix::new(5, 8, data.clone()).unwrap());
        assert_eq!(packed.wide, 4u32.to_le_bytes());
        let scales: Vec<f32> = packed
            .scales
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        assert_eq!(scales.len(), 5);
        for (place, &byte) in packed.narrow_rows.iter().enumerate() {
            let x = scales[place / 8] * f32::from(byte.cast_signed());
            assert_eq!(x, data[place], "number {place}");
        }
        for (bytes, x) in packed.wide_rows.as_chunks::<2>().0.iter().zip(learned) {
            let found = scales[4] * f32::from(i16::from_le_bytes(*bytes));
            assert!((found - x).abs() <= 0.71 / 65_000.0, "{found} {x}");
        }
    }
}
