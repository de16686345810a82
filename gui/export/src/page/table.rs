//! Quantised rows of the embedding table.
//!
//! Training changes only the rows of tokens in the FAQ. The others keep their distilled values, which one byte per
//! number and a scale per row represent exactly. Trained rows take two bytes per number, with an error of at most
//! 1/65,000 of the row's largest number. NOTES.md says why not one.

use nearsay_core::matrix::Matrix;

/// An embedding table with rows of one or two bytes per number, little-endian.
#[derive(Default)]
pub(super) struct Packed {
    /// One f32 per row.
    pub(super) scales: Vec<u8>,
    /// Token ids of the wide rows, u32, ascending.
    pub(super) wide: Vec<u8>,
    /// Rows that one byte per number represents exactly, i8, in order of token ids.
    pub(super) narrow_rows: Vec<u8>,
    /// The other rows, i16, in order of token ids.
    pub(super) wide_rows: Vec<u8>,
}

/// Quantises a table, `[tokens, dim]`.
pub(super) fn pack(rows: &Matrix) -> Packed {
    let mut packed = Packed::default();
    for (token, row) in (0u32..).zip(rows.iter_rows()) {
        let scale = if let Some(scale) = exact_scale(row) {
            let values = row.iter().map(|&x| quantize(x, scale) as i8);
            packed.narrow_rows.extend(values.map(i8::cast_unsigned));
            scale
        } else {
            let scale = max_abs(row) / f32::from(i16::MAX);
            let values = row.iter().map(|&x| quantize(x, scale) as i16);
            packed.wide_rows.extend(values.flat_map(i16::to_le_bytes));
            packed.wide.extend(token.to_le_bytes());
            scale
        };
        packed.scales.extend(scale.to_le_bytes());
    }
    packed
}

/// The scale with which one byte per number represents a row exactly, if there is one.
fn exact_scale(row: &[f32]) -> Option<f32> {
    let scale = max_abs(row) / f32::from(i8::MAX);
    // Rounding in the division may miss the scale used in quantisation by one unit.
    [scale, scale.next_down(), scale.next_up()]
        .into_iter()
        .find(|&scale| row.iter().all(|&x| scale * quantize(x, scale) == x))
}

fn max_abs(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// A number in units of the scale, rounded.
fn quantize(x: f32, scale: f32) -> f32 {
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
    fn pack_keeps_distilled_rows_exact_and_trained_rows_close() {
        let mut data = vec![0.0; 8];
        for scale in [0.001_234_5f32, 3.3e-5, 0.7] {
            data.extend([127.0, -3.0, 0.0, 64.0, 1.0, -90.0, 5.0, 33.0].map(|x: f32| x * scale));
        }
        let trained = [0.1f32, -0.2, 0.333, 0.04, -0.057, 0.6, 0.71, 0.000_1];
        data.extend(trained);
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
        for (bytes, x) in packed.wide_rows.as_chunks::<2>().0.iter().zip(trained) {
            let found = scales[4] * f32::from(i16::from_le_bytes(*bytes));
            assert!((found - x).abs() <= 0.71 / 65_000.0, "{found} {x}");
        }
    }
}
