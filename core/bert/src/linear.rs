//! Linear layers for inference, with packed weights.

use super::kernels::Quantize;
use candle_core::Device;
use nearsay_core::matrix::ShapeError;
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use nearsay_kernel::product::{LANES, Output, Panels, Quad, Word, product_f32, product_i8};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Number format of the weights and products of a transformer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision throughout. Vectors match those of sentence-transformers to 1e-6.
    #[default]
    F32,
    /// Linear layers in eight-bit integers, if the processor has AVX-512 VNNI; otherwise in single precision.
    ///
    /// Weights have one scale per output. Inputs have one scale and offset per token, computed at run time.
    Fast,
}

/// A precision other than `f32` and `fast`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown precision “{0}”; choose f32 or fast")]
pub struct UnknownPrecision(pub String);

impl Precision {
    /// Name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Fast => "fast",
        }
    }

    /// Key of the embedding cache for vectors of this precision and a model with this fingerprint.
    #[must_use]
    pub fn key(self, fingerprint: &str) -> String {
        match self {
            Self::F32 => fingerprint.to_owned(),
            Self::Fast => format!("{fingerprint}-fast"),
        }
    }

    /// This precision if the device supports it, and single precision otherwise.
    ///
    /// [`SentenceEncoder::precision`](crate::SentenceEncoder::precision) also accounts for the shape of the model.
    #[must_use]
    pub fn on(self, device: &Device) -> Self {
        if device.is_cpu() {
            self.on_cpu()
        } else {
            Self::F32
        }
    }

    /// This precision if the processor supports it, and single precision otherwise.
    #[must_use]
    pub(super) fn on_cpu(self) -> Self {
        match self {
            Self::Fast if Quad::is_accelerated() => Self::Fast,
            _ => Self::F32,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, UnknownPrecision> {
        [Self::F32, Self::Fast]
            .into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| UnknownPrecision(name.to_owned()))
    }
}

/// Weights of a linear layer, `[out, in]`. The following kernel adds the bias.
pub(super) enum Linear {
    /// Row-major, for gemm.
    Rows { weights: Vec<f32>, inner: usize },
    /// Packed `f32`.
    Panels(Panels<f32>),
    /// Quantized to eight bits.
    Integers(Integers),
}

/// Quantized weights: `w ≈ scale · code`, with one scale per output.
pub(super) struct Integers {
    codes: Panels<Quad>,
    scales: Vec<f32>,
    /// Scale times the sum of the codes of each output, to be multiplied by the offset of the inputs.
    totals: Vec<f32>,
}

/// Memory for quantized inputs, reused for the next layer.
#[derive(Default)]
pub(super) struct Codes {
    codes: Vec<Quad>,
    rows: Vec<[f32; 2]>,
}

impl Linear {
    /// Packs weights `[out, inner]`, row-major; both dimensions must be multiples of [`LANES`].
    pub(super) fn new(weights: Vec<f32>, inner: usize, precision: Precision) -> Self {
        match precision.on_cpu() {
            Precision::Fast => Self::Integers(Integers::new(&weights, inner)),
            Precision::F32 if f32::is_accelerated() => {
                let mut panels = Panels::new(inner, weights.len() / inner);
                panels.fill(|k, column, line: &mut [f32; LANES]| {
                    for (n, word) in line.iter_mut().enumerate() {
                        *word = weights[(column + n) * inner + k];
                    }
                });
                Self::Panels(panels)
            }
            Precision::F32 => Self::Rows { weights, inner },
        }
    }

    /// Computes `out ← x·Wᵀ`: `[rows, in] → [rows, out]`, row-major.
    ///
    /// # Errors
    /// If the lengths don't match.
    pub(super) fn forward(
        &self,
        x: &[f32],
        codes: &mut Codes,
        out: &mut [f32],
    ) -> Result<(), ShapeError> {
        match self {
            Self::Rows { weights, inner } => {
                let columns = weights.len() / inner;
                let rows = out.len() / columns;
                let (x, weights) = (
                    View::new(x, rows, *inner),
                    View::new(weights, columns, *inner).t(),
                );
                let out = ViewMut::new(out, rows, columns);
                return matmul(out, 0.0, 1.0, x, weights, Parallelism::None);
            }
            Self::Panels(panels) => product_f32(x, panels, Output::Set, out),
            Self::Integers(integers) => integers.forward(x, codes, out),
        }
        Ok(())
    }
}

impl Integers {
    fn new(weights: &[f32], inner: usize) -> Self {
        let mut scales = Vec::with_capacity(weights.len() / inner);
        let mut totals = Vec::with_capacity(weights.len() / inner);
        let mut codes = Vec::with_capacity(weights.len());
        for row in weights.chunks_exact(inner) {
            let largest = row.iter().fold(0f32, |max, w| max.max(w.abs()));
            let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
            let start = codes.len();
            codes.extend(row.iter().map(|w| (w / scale).round() as i8));
            let sum: i32 = codes[start..].iter().map(|&code| i32::from(code)).sum();
            scales.push(scale);
            totals.push(scale * sum as f32);
        }
        let mut panels = Panels::new(inner / Quad::NUMBERS, scales.len());
        panels.fill(|k, column, line: &mut [Quad; LANES]| {
            for (n, word) in line.iter_mut().enumerate() {
                let place = (column + n) * inner + k * Quad::NUMBERS;
                for (number, code) in word.0.iter_mut().zip(&codes[place..]) {
                    *number = code.cast_unsigned();
                }
            }
        });
        Self {
            codes: panels,
            scales,
            totals,
        }
    }

    fn forward(&self, x: &[f32], codes: &mut Codes, out: &mut [f32]) {
        let depth = self.codes.depth();
        let rows = out.len() / self.codes.columns();
        codes.codes.resize(rows * depth, Quad::default());
        codes.rows.resize(rows, [0.0; 2]);
        Quantize {
            x,
            codes: &mut codes.codes,
            rows: &mut codes.rows,
        }
        .run();
        let output = Output::Scaled {
            rows: &codes.rows,
            scales: &self.scales,
            totals: &self.totals,
        };
        product_i8(&codes.codes, &self.codes, output, out);
    }
}
