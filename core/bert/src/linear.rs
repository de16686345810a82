//! Linear layers for inference, with packed weights.

use super::kernels::Quantize;
use candle_core::Device;
use nearsay_core::matrix::ShapeError;
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use nearsay_kernel::product::{LANES, Output, Panels, Quad, Word, product_f32, product_i8};
use nearsay_model::quantized::{quantize_int8, row_scale};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Number format of the weights and products of a transformer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision throughout. Vectors match those of sentence-transformers to 1e-6.
    #[default]
    F32,
    /// Linear layers in eight-bit integers, if the processor has AVX2 or ARM's dot product; otherwise in single
    /// precision.
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

    /// Packs quantized weights of layers that are computed side by side; see [`Integers::pack`].
    pub(super) fn from_int8(parts: &[(Vec<f32>, &[u8])], inner: usize) -> Self {
        Self::Integers(Integers::pack(parts, inner))
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
    /// Quantizes weights.
    fn new(weights: &[f32], inner: usize) -> Self {
        let mut scales = Vec::with_capacity(weights.len() / inner);
        let mut codes = Vec::with_capacity(weights.len());
        for row in weights.chunks_exact(inner) {
            let scale = row_scale(row);
            codes.extend(row.iter().map(|w| quantize_int8(*w, scale)));
            scales.push(scale);
        }
        Self::pack(&[(scales, &codes)], inner)
    }

    /// Packs quantized weights: scales of the outputs, and integers as signed bytes, `[out, inner]`. The parts are
    /// layers of as many outputs, to be computed side by side.
    fn pack(parts: &[(Vec<f32>, &[u8])], inner: usize) -> Self {
        let mut totals = Vec::new();
        for (scales, codes) in parts {
            for (scale, row) in scales.iter().zip(codes.chunks_exact(inner)) {
                let sum: i32 = row.iter().map(|code| i32::from(code.cast_signed())).sum();
                totals.push(scale * sum as f32);
            }
        }
        let outputs = totals.len() / parts.len().max(1);
        let mut panels = Panels::new(inner / Quad::NUMBERS, totals.len());
        panels.fill(|k, column, line: &mut [Quad; LANES]| {
            for (column, word) in (column..).zip(line) {
                let codes = parts[column / outputs].1;
                let place = column % outputs * inner + k * Quad::NUMBERS;
                word.0.copy_from_slice(&codes[place..place + Quad::NUMBERS]);
            }
        });
        Self {
            codes: panels,
            scales: parts
                .iter()
                .flat_map(|(scales, _)| scales)
                .copied()
                .collect(),
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
