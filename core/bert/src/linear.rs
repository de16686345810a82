//! A linear layer that is only read: its weights in the order the products want them.

use super::kernels::Quantize;
use candle_core::Device;
use nearsay_core::matrix::ShapeError;
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use nearsay_kernel::product::{LANES, Output, Panels, Quad, Word, product_f32, product_i8};
use std::fmt;
use std::str::FromStr;

/// How the numbers of a network are kept and multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision throughout: the vectors of sentence-transformers to 1e-6.
    #[default]
    F32,
    /// The linear layers in integers of eight bits where the processor can multiply those (AVX-512
    /// VNNI), in single precision where it cannot. Weights have one scale for each output, the layers'
    /// inputs one scale and offset for each token, found as they come.
    Fast,
}

impl Precision {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Fast => "fast",
        }
    }

    /// Under which name vectors of this precision are kept, for a model of this fingerprint.
    #[must_use]
    pub fn key(self, fingerprint: &str) -> String {
        match self {
            Self::F32 => fingerprint.to_owned(),
            Self::Fast => format!("{fingerprint}-fast"),
        }
    }

    /// What a device makes of it; networks of unusual shape are computed in single precision all the
    /// same.
    #[must_use]
    pub fn on(self, device: &Device) -> Self {
        match device.is_cpu() {
            true => self.here(),
            false => Self::F32,
        }
    }

    /// What this machine makes of it.
    #[must_use]
    pub(super) fn here(self) -> Self {
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
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::F32, Self::Fast]
            .into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| format!("there is no precision “{name}”; choose f32 or fast"))
    }
}

/// Weights `[out, in]` of a linear layer; its bias is added by what comes after it.
pub(super) enum Linear {
    /// Row by row, for gemm.
    Rows { weights: Vec<f32>, inner: usize },
    /// In panels, for the kernel.
    Panels(Panels<f32>),
    /// In integers.
    Integers(Integers),
}

/// Weights in integers: `w ≈ scale · code`, each output with its scale.
pub(super) struct Integers {
    codes: Panels<Quad>,
    scales: Vec<f32>,
    /// Scale times sum of the codes: what an offset of 1 of all inputs adds.
    totals: Vec<f32>,
}

/// Memory for a layer's inputs in integers, kept for the next.
#[derive(Default)]
pub(super) struct Codes {
    codes: Vec<Quad>,
    rows: Vec<[f32; 2]>,
}

impl Linear {
    /// From weights `[out, inner]`, row by row; both multiples of [`LANES`].
    pub(super) fn new(weights: Vec<f32>, inner: usize, precision: Precision) -> Self {
        match precision.here() {
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

    /// `x`, `[rows, in]`, to `x·Wᵀ`, `[rows, out]`, both row by row.
    ///
    /// # Errors
    /// When the lengths do not go together.
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
            let before = codes.len();
            codes.extend(row.iter().map(|w| (w / scale).round() as i8));
            let sum: i32 = codes[before..].iter().map(|&code| i32::from(code)).sum();
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
