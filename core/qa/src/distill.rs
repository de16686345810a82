//! Making the compact encoder out of a sentence encoder.
//!
//! 1. Each token of the vocabulary is encoded alone, between the special tokens, and pooled.
//! 2. The vectors are centred and turned into their principal components, of which the first `dim`
//!    are kept.
//! 3. Each row is weighted by how little its token says: `a / (a + p(token))`, smooth inverse
//!    frequency.
//! 4. Rows are rounded to one signed byte a number, each with its own scale.
//!
//! How frequent a token is comes from Zipf's law over the order of the vocabulary, in which BERT's
//! word pieces are sorted by frequency, save for single characters; where texts are given, from the
//! mean of that and of the counts in them. A few thousand words of everyday text are enough: they say
//! what Zipf's law gets wrong, punctuation and the commonest words, and it covers all the rest.
//!
//! Sources: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017;
//! Tulkens and van Dongen, "Model2Vec", 2024.

use nearsay_bert::{EncodeError, SentenceEncoder};
use nearsay_core::matrix::Matrix;
use nearsay_text::{
    compact::{CompactError, CompactFile},
    wordpiece::{Vocabulary, WordPiece},
};
use std::{fmt, ops::ControlFlow};

/// How a compact encoder is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distill {
    /// Length of a row; 256 by default.
    pub dim: usize,
    /// `a` of the weight `a / (a + p)`; 1e-3 by default.
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

/// Why no compact encoder could be made.
#[derive(Debug)]
pub enum DistillError {
    /// The sentence encoder failed.
    Encode(EncodeError),
    /// Vocabulary and table cannot be written.
    Compact(CompactError),
    /// There are more dimensions asked for than the sentence encoder has.
    Dim {
        /// Asked for.
        asked: usize,
        /// There are.
        most: usize,
    },
    /// Somebody stopped it.
    Stopped,
}

impl fmt::Display for DistillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Compact(error) => error.fmt(f),
            Self::Dim { asked, most } => write!(
                f,
                "rows of {asked} numbers cannot be made of vectors of {most}; ask for {most} or fewer"
            ),
            Self::Stopped => f.write_str("stopped before the encoder was made"),
        }
    }
}

impl std::error::Error for DistillError {}

impl From<EncodeError> for DistillError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<CompactError> for DistillError {
    fn from(error: CompactError) -> Self {
        Self::Compact(error)
    }
}

/// Texts encoded at once.
const BATCH: usize = 256;

impl Distill {
    /// Makes the file of [`CompactFile`] from a sentence encoder and its vocabulary (one token a line
    /// in order of ids); `texts` say how frequent tokens are.
    ///
    /// `on_progress` gets the tokens done and their number, and may stop the work.
    ///
    /// # Errors
    /// When the encoder fails, the vocabulary cannot be used, or it was stopped.
    pub fn run(
        &self,
        encoder: &SentenceEncoder,
        vocabulary: &str,
        texts: &[String],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, DistillError> {
        let words =
            WordPiece::new(Vocabulary::parse(vocabulary).map_err(CompactError::Vocabulary)?);
        let tokens = words.vocabulary().len();
        let special: Vec<u32> = (0..tokens as u32)
            .filter(|&id| words.vocabulary().token(id).is_none_or(is_special))
            .collect();
        let (first, last) = around(encoder)?;
        let mut data: Vec<f32> = Vec::new();
        let ids: Vec<u32> = (0..tokens as u32).collect();
        for part in ids.chunks(BATCH) {
            if on_progress(part[0] as usize, tokens).is_break() {
                return Err(DistillError::Stopped);
            }
            let alone: Vec<Vec<u32>> = part.iter().map(|&id| vec![first, id, last]).collect();
            data.extend(encoder.encode_ids(&alone)?);
        }
        on_progress(tokens, tokens).is_continue();
        let most = data.len() / tokens.max(1);
        if self.dim > most || self.dim == 0 {
            return Err(DistillError::Dim {
                asked: self.dim,
                most,
            });
        }
        let used: Vec<bool> = {
            let mut used = vec![true; tokens];
            special.iter().for_each(|&id| used[id as usize] = false);
            used
        };
        let vectors = Matrix::new(tokens, most, data).map_err(EncodeError::from)?;
        let weights = weights(&frequencies(&words, texts, &used), self.smoothing, &used);
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

/// Tokens that no text has: `[PAD]`, `[unused7]` and their like. Their rows are zero.
fn is_special(token: &str) -> bool {
    token.len() > 2 && token.starts_with('[') && token.ends_with(']')
}

/// What the encoder puts around every text.
fn around(encoder: &SentenceEncoder) -> Result<(u32, u32), EncodeError> {
    match encoder.token_ids("")?[..] {
        [first, last] => Ok((first, last)),
        _ => Err(EncodeError::Tokenizer(
            "it does not put one token before and one behind each text".into(),
        )),
    }
}

/// How frequent each token is, `p(t)`; sums to 1.
fn frequencies(words: &WordPiece, texts: &[String], used: &[bool]) -> Vec<f64> {
    let mut zipf = vec![0.0f64; used.len()];
    let ranks = used.iter().enumerate().filter(|(_, used)| **used);
    for (rank, (token, _)) in ranks.enumerate() {
        zipf[token] = 1.0 / (rank + 1) as f64;
    }
    scale_to_one(&mut zipf);
    let mut counts = vec![0.0f64; used.len()];
    let mut ids = Vec::new();
    for text in texts {
        ids.clear();
        words.ids_into(text, &mut ids);
        ids.iter().for_each(|&id| counts[id as usize] += 1.0);
    }
    if counts.iter().all(|&count| count == 0.0) {
        return zipf;
    }
    scale_to_one(&mut counts);
    let both = zipf.iter().zip(&counts);
    both.map(|(zipf, count)| 0.5 * (zipf + count)).collect()
}

fn scale_to_one(p: &mut [f64]) {
    let total: f64 = p.iter().sum();
    if total > 0.0 {
        p.iter_mut().for_each(|p| *p /= total);
    }
}

/// Smooth inverse frequency: `a / (a + p)`, 0 for tokens that no text has.
fn weights(frequencies: &[f64], a: f64, used: &[bool]) -> Vec<f32> {
    let weights = frequencies.iter().zip(used);
    weights
        .map(|(p, used)| if *used { (a / (a + p)) as f32 } else { 0.0 })
        .collect()
}

/// The first principal components of the rows in use, `[n, d] → [n, dim]`, largest variance first;
/// each component's sign is such that its largest part is positive.
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
/// (Golub and Van Loan, "Matrix computations", §8.5). Slow beside a library's and short: it runs once
/// when an encoder is made.
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
                // Rows of `a` and of `v` (kept transposed) lie in one piece.
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
    let axis = |i: usize| {
        let row = &v[i * d..(i + 1) * d];
        let largest = row
            .iter()
            .copied()
            .max_by(|x, y| x.abs().total_cmp(&y.abs()));
        let sign = largest.map_or(1.0, f64::signum);
        row.iter().map(|x| x * sign).collect()
    };
    order.into_iter().map(axis).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_solve_their_equation() {
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
    fn the_first_component_is_the_widest_direction() {
        // Spread wide along (3, 4) and little across it; the last row is not in use.
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
    fn frequent_tokens_weigh_less_and_special_ones_nothing() {
        let words = WordPiece::new(Vocabulary::parse("[UNK]\nthe\nlibrary\nfine").unwrap());
        let used = [false, true, true, true];
        let texts = ["the library".to_owned(), "the the fine".into()];
        let zipf = frequencies(&words, &[], &used);
        let counted = frequencies(&words, &texts, &used);
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
        let found = weights(&[0.0, 0.6, 0.2, 0.2], 0.2, &used);
        assert_eq!(found, [0.0, 0.25, 0.5, 0.5]);
        assert!(
            is_special("[unused7]") && !is_special("[") && !is_special("]") && !is_special("##]")
        );
    }
}
