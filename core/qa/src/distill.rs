//! Distils the compact encoder from a sentence encoder.
//!
//! 1. Each token of the vocabulary is encoded alone, between the special tokens, and pooled.
//! 2. The vectors are centred and projected on their first `dim` principal components.
//! 3. Each row is weighted by smooth inverse frequency, `a / (a + p(token))`.
//! 4. Rows are quantised to one signed byte per number, with one scale per row.
//!
//! Token frequencies follow Zipf's law over the order of the vocabulary: the word pieces of BERT are
//! sorted by frequency, except for single characters. If texts are given, the frequency is the mean of
//! Zipf's law and the relative count in the texts. A few thousand words of everyday text suffice; they
//! correct punctuation and the most common words, for which Zipf's law is wrong.
//!
//! Sources: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017;
//! Tulkens and van Dongen, "Model2Vec", 2024.

use nearsay_bert::{EncodeError, SentenceEncoder};
use nearsay_core::matrix::Matrix;
use nearsay_text::{
    compact::{CompactError, CompactFile},
    wordpiece::{Vocabulary, WordPiece},
};
use std::ops::ControlFlow;

/// Settings of the distillation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distill {
    /// Embedding length. Default: 256.
    pub dim: usize,
    /// Constant `a` of the weight `a / (a + p)`. Default: 1e-3.
    pub smoothing: f64,
}

impl Default for Distill {
    fn default() -> Self {
        Self {
            dim: 256,
            smoothing: 1e-3,
        }
    }
}

/// Error of distilling a compact encoder.
#[derive(Debug, thiserror::Error)]
pub enum DistillError {
    /// The sentence encoder failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The vocabulary is invalid, or the result doesn't fit the file format.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// The requested embedding length is 0 or exceeds that of the sentence encoder.
    #[error("can't distil embeddings of length {requested}; use a length from 1 to {max}")]
    Dim {
        /// Requested length.
        requested: usize,
        /// Length of the sentence encoder's vectors.
        max: usize,
    },
    /// The progress callback stopped the work.
    #[error("stopped before the compact encoder was finished")]
    Stopped,
}

/// Number of tokens per encoder batch.
const BATCH: usize = 256;

impl Distill {
    /// Distils a [`CompactFile`] from a sentence encoder and its vocabulary (one token per line in
    /// order of ids). `texts` refine the token frequencies and may be empty.
    ///
    /// `on_progress` gets the number of tokens done and the total, and may stop the work.
    ///
    /// # Errors
    /// If the encoder fails, the vocabulary or `dim` is invalid, or `on_progress` stops the work.
    pub fn run(
        &self,
        encoder: &SentenceEncoder,
        vocabulary: &str,
        texts: &[String],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, DistillError> {
        let tokenizer =
            WordPiece::new(Vocabulary::parse(vocabulary).map_err(CompactError::Vocabulary)?);
        let tokens = tokenizer.vocabulary().len();
        let used: Vec<bool> = (0..tokens as u32)
            .map(|id| {
                let token = tokenizer.vocabulary().token(id);
                token.is_some_and(|token| !is_special(token))
            })
            .collect();
        let (first, last) = surrounding_tokens(encoder)?;
        let mut data: Vec<f32> = Vec::new();
        let ids: Vec<u32> = (0..tokens as u32).collect();
        for part in ids.chunks(BATCH) {
            if on_progress(part[0] as usize, tokens).is_break() {
                return Err(DistillError::Stopped);
            }
            let batch: Vec<Vec<u32>> = part.iter().map(|&id| vec![first, id, last]).collect();
            data.extend(encoder.encode_ids(&batch)?);
        }
        on_progress(tokens, tokens).is_continue();
        let max = data.len() / tokens.max(1);
        if self.dim > max || self.dim == 0 {
            return Err(DistillError::Dim {
                requested: self.dim,
                max,
            });
        }
        let vectors = Matrix::new(tokens, max, data).map_err(EncodeError::from)?;
        let frequencies = token_frequencies(&tokenizer, texts, &used);
        let weights = inverse_frequency_weights(&frequencies, self.smoothing, &used);
        let rows = principal_components(&vectors, self.dim, &used);
        let weighted: Vec<f32> = rows
            .iter_rows()
            .zip(&weights)
            .flat_map(|(row, weight)| row.iter().map(move |x| x * weight))
            .collect();
        let rows = Matrix::new(tokens, self.dim, weighted).map_err(EncodeError::from)?;
        Ok(CompactFile::write(vocabulary, &rows)?)
    }
}

/// Whether a token never occurs in a text, like `[PAD]` or `[unused7]`. Its row is zero.
fn is_special(token: &str) -> bool {
    token.len() > 2 && token.starts_with('[') && token.ends_with(']')
}

/// Special tokens that the encoder puts before and after every text.
fn surrounding_tokens(encoder: &SentenceEncoder) -> Result<(u32, u32), EncodeError> {
    match encoder.token_ids("")?[..] {
        [first, last] => Ok((first, last)),
        _ => Err(EncodeError::Tokenizer(
            "it doesn't add one special token before and one after each text".into(),
        )),
    }
}

/// Relative frequency `p(t)` of each token; sums to 1.
fn token_frequencies(tokenizer: &WordPiece, texts: &[String], used: &[bool]) -> Vec<f64> {
    let mut zipf = vec![0.0f64; used.len()];
    let ranks = used.iter().enumerate().filter(|(_, used)| **used);
    for (rank, (token, _)) in ranks.enumerate() {
        zipf[token] = 1.0 / (rank + 1) as f64;
    }
    normalize(&mut zipf);
    let mut counts = vec![0.0f64; used.len()];
    let mut ids = Vec::new();
    for text in texts {
        ids.clear();
        tokenizer.ids_into(text, &mut ids);
        ids.iter().for_each(|&id| counts[id as usize] += 1.0);
    }
    if counts.iter().all(|&count| count == 0.0) {
        return zipf;
    }
    normalize(&mut counts);
    zipf.iter()
        .zip(&counts)
        .map(|(zipf, count)| 0.5 * (zipf + count))
        .collect()
}

/// Scales values so that their sum is 1.
fn normalize(p: &mut [f64]) {
    let total: f64 = p.iter().sum();
    if total > 0.0 {
        p.iter_mut().for_each(|p| *p /= total);
    }
}

/// Smooth inverse frequency `a / (a + p)`; 0 for unused tokens.
fn inverse_frequency_weights(frequencies: &[f64], a: f64, used: &[bool]) -> Vec<f32> {
    frequencies
        .iter()
        .zip(used)
        .map(|(p, used)| if *used { (a / (a + p)) as f32 } else { 0.0 })
        .collect()
}

/// Projects all rows on the first principal components of the used rows, `[n, d] → [n, dim]`, in order
/// of decreasing variance. The sign of each component makes its largest coefficient positive.
fn principal_components(vectors: &Matrix, dim: usize, used: &[bool]) -> Matrix {
    let (n, d) = (vectors.rows(), vectors.columns());
    let rows = || vectors.iter_rows().zip(used).filter(|(_, used)| **used);
    let count = rows().count().max(1) as f64;
    let mut mean = vec![0.0f64; d];
    for (row, _) in rows() {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, &x)| *m += f64::from(x) / count);
    }
    let mut covariance = vec![0.0f64; d * d];
    let mut centred = vec![0.0f64; d];
    for (row, _) in rows() {
        for ((c, &x), m) in centred.iter_mut().zip(row).zip(&mean) {
            *c = f64::from(x) - m;
        }
        for i in 0..d {
            let x = centred[i];
            for (sum, y) in covariance[i * d..=i * d + i].iter_mut().zip(&centred) {
                *sum += x * y;
            }
        }
    }
    for i in 0..d {
        for j in 0..i {
            covariance[j * d + i] = covariance[i * d + j];
        }
    }
    let axes = eigenvectors(covariance, d);
    let mut data = Vec::with_capacity(n * dim);
    for row in vectors.iter_rows() {
        for axis in axes.iter().take(dim) {
            let parts = row.iter().zip(&mean).zip(axis);
            data.push(
                parts
                    .map(|((&x, m), a)| (f64::from(x) - m) * a)
                    .sum::<f64>() as f32,
            );
        }
    }
    Matrix::new(n, dim, data).unwrap_or_default()
}

/// Unit eigenvectors of a symmetric `d × d` matrix, largest eigenvalue first, by Jacobi's method
/// (Golub and Van Loan, "Matrix computations", §8.5). Short rather than fast, because it runs once per
/// distillation.
fn eigenvectors(mut a: Vec<f64>, d: usize) -> Vec<Vec<f64>> {
    let mut v = vec![0.0f64; d * d];
    (0..d).for_each(|i| v[i * d + i] = 1.0);
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..50 {
        let off: f64 = (0..d)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * d + j] * a[i * d + j])
            .sum();
        if off <= 1e-22 * size {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                let apq = a[p * d + q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..d {
                    let (x, y) = (a[k * d + p], a[k * d + q]);
                    (a[k * d + p], a[k * d + q]) = (c * x - s * y, s * x + c * y);
                }
                // Rows of `a` and of `v` (stored transposed) are contiguous.
                for m in [&mut a, &mut v] {
                    let (low, high) = m.split_at_mut(q * d);
                    for (x, y) in low[p * d..(p + 1) * d].iter_mut().zip(&mut high[..d]) {
                        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                    }
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&i, &j| a[j * d + j].total_cmp(&a[i * d + i]));
    order
        .into_iter()
        .map(|i| {
            let row = &v[i * d..(i + 1) * d];
            let largest = row
                .iter()
                .copied()
                .max_by(|x, y| x.abs().total_cmp(&y.abs()));
            let sign = largest.map_or(1.0, f64::signum);
            row.iter().map(|x| x * sign).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_satisfy_definition() {
        let d = 12;
        let mut random = fastrand::Rng::with_seed(4);
        let mut a = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..=i {
                let x = random.f64() - 0.5;
                (a[i * d + j], a[j * d + i]) = (x, x);
            }
        }
        let axes = eigenvectors(a.clone(), d);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let mut last = f64::INFINITY;
        for (i, axis) in axes.iter().enumerate() {
            let image: Vec<f64> = (0..d)
                .map(|row| dot(&a[row * d..(row + 1) * d], axis))
                .collect();
            let value = dot(&image, axis);
            assert!(value <= last + 1e-9);
            last = value;
            for (x, y) in image.iter().zip(axis) {
                assert!((x - value * y).abs() < 1e-9);
            }
            for (j, other) in axes.iter().enumerate() {
                let expected = f64::from(u8::from(i == j));
                assert!((dot(axis, other) - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn first_principal_component_has_largest_variance() {
        // Large spread along (3, 4), small spread across; the last row is unused.
        let rows: Vec<[f32; 2]> = (-20..=20)
            .map(|i| {
                let (along, across) = (i as f32, if i % 2 == 0 { 0.1 } else { -0.1 });
                [0.6 * along - 0.8 * across, 0.8 * along + 0.6 * across]
            })
            .chain([[1e6, -1e6]])
            .collect();
        let mut used = vec![true; rows.len()];
        *used.last_mut().unwrap() = false;
        let found = principal_components(&Matrix::from_rows(&rows).unwrap(), 1, &used);
        for (i, row) in found.iter_rows().take(41).enumerate() {
            assert!((row[0] - (i as f32 - 20.0)).abs() < 0.02, "{i}: {}", row[0]);
        }
    }

    #[test]
    fn weights_decrease_with_frequency_and_skip_unused_tokens() {
        let tokenizer = WordPiece::new(Vocabulary::parse("[UNK]\nthe\nlibrary\nfine").unwrap());
        let used = [false, true, true, true];
        let texts = ["the library".to_owned(), "the the fine".into()];
        let zipf = token_frequencies(&tokenizer, &[], &used);
        let counted = token_frequencies(&tokenizer, &texts, &used);
        for (found, expected) in [
            (&zipf, [0.0, 6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]),
            (
                &counted,
                [0.0, 0.3 + 3.0 / 11.0, 0.1 + 1.5 / 11.0, 0.1 + 1.0 / 11.0],
            ),
        ] {
            for (p, expected) in found.iter().zip(expected) {
                assert!((p - expected).abs() < 1e-12, "{found:?}");
            }
        }
        let found = inverse_frequency_weights(&[0.0, 0.6, 0.2, 0.2], 0.2, &used);
        assert_eq!(found, [0.0, 0.25, 0.5, 0.5]);
        assert!(
            is_special("[unused7]") && !is_special("[") && !is_special("]") && !is_special("##]")
        );
    }
}
