//! Quantised codes that rule out most vectors of a search without reading them.
//!
//! Each row `r` has a code in two planes of four bits ([`scan`]). The high plane approximates the row by `r₄`, both
//! planes by `r₈`; the errors `|r − r₄|` and `|r − r₈|` are stored. The query `q` has a code `c`. Since
//! `q·r = c·r₄ + (q − c)·r₄ + q·(r − r₄)`, Cauchy–Schwarz gives
//!
//! ```text
//! q·r ≤ c·r₄ + |q − c|·|r₄| + |q|·|r − r₄| ≤ c·r₄ + |r − r₄|·(|q| + |q − c|) + |q − c|·|r|
//! ```
//!
//! and likewise for `r₈`. `c·r₄` is a product of small integers, exact up to the scales. The bound also includes the
//! rounding error of [`dot`], at most `(d + 1)·2⁻²⁴·|q||r|`, and its own. So no score of the plain scan exceeds its
//! bound: a row whose bound is below the score of the current `k`-th best answer can neither be among the `k` best
//! nor be the nearest vector of one of them. All other rows are scored by the function of the plain scan, so the
//! result equals that of the plain scan.
//!
//! In hybrid search, the keyword score of a row is added to its bound with the rounding of the score. A float sum never
//! falls when one of its terms rises, so the bound also holds for the sums.
//!
//! Memory: `d` bytes per row, rounded up to a multiple of 128, plus 12 bytes; a quarter of the memory of the vectors. A
//! scan reads half of the codes.

use super::{Hit, Index, nearest::Nearest, normalize};
use nearsay_core::matrix::dot;
use nearsay_kernel::scan::{self, Coded};
use std::{
    ops::Range,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

/// Minimum number of rows for codes; below, the plain scan is equally fast.
const FEW: usize = 512;
/// Rows per batch of integer products.
const BLOCK: usize = 256;
/// Largest number of candidate rows in a block that are scored without sorting.
const UNSORTED: usize = 32;
/// Rows per work item of a thread.
const PART: usize = 32 * BLOCK;
/// Minimum size of a plane, in bytes, for a multi-threaded scan.
const BYTES_FOR_THREADS: usize = 4 << 20;
/// Minimum number of vector components for multi-threaded encoding.
const VALUES_FOR_THREADS: usize = 1 << 20;
/// Maximum number of threads; more would exceed the memory bandwidth.
const THREADS: usize = 16;

/// Upper bound of the length lost to underflow near zero: √(2¹⁴ · 2⁻¹⁵⁰).
const TINY: f32 = 1e-16;

/// Codes of all rows of an index.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// Bytes per row in a plane.
    width: usize,
    high: Vec<u8>,
    low: Vec<u8>,
    rows: Vec<Coded>,
    /// Upper bound of the lengths of encoded rows.
    longest: f32,
    /// Upper bound of the errors of encoded rows.
    worst: f32,
}

/// Encoded query.
struct Query<'a> {
    vector: &'a [f32],
    codes: Vec<i8>,
    scale: f32,
    /// Sum of the codes.
    sum: i32,
    /// Factor of a row's error in the bound.
    per_error: f32,
    /// Constant term of all bounds.
    slack: f32,
}

/// Normalises all rows that don't have length 1 yet, and encodes them.
///
/// Returns `None` with fewer than [`FEW`] rows or more than [`scan::LONGEST`] dimensions.
pub fn prepare(data: &mut [f32], dim: usize) -> Option<Codes> {
    let rows = data.len().checked_div(dim)?;
    let coded = rows >= FEW && dim <= scan::LONGEST;
    let width = if coded { scan::plane_len(dim) } else { 0 };
    let mut codes = Codes {
        width,
        high: vec![0; rows * width],
        low: vec![0; rows * width],
        rows: vec![
            Coded {
                scale: 0.0,
                coarse: 0.0,
                fine: 0.0
            };
            if coded { rows } else { 0 }
        ],
        longest: 0.0,
        worst: 0.0,
    };
    let threads = if data.len() < VALUES_FOR_THREADS {
        1
    } else {
        threads()
    };
    let part = rows.div_ceil(threads).max(1);
    let mut high = codes.high.chunks_mut((part * width).max(1));
    let mut low = codes.low.chunks_mut((part * width).max(1));
    let mut numbers = codes.rows.chunks_mut(part);
    let parts: Vec<_> = data
        .chunks_mut(part * dim)
        .map(|data| {
            let high = high.next().unwrap_or_default();
            let low = low.next().unwrap_or_default();
            (data, high, low, numbers.next().unwrap_or_default())
        })
        .collect();
    let done = side_by_side(parts, |(data, high, low, numbers)| {
        prepare_part(data, dim, high, low, numbers)
    });
    for (longest, worst) in done {
        codes.longest = codes.longest.max(longest);
        codes.worst = codes.worst.max(worst);
    }
    coded.then_some(codes)
}

/// Normalises and encodes one part of the rows; returns upper bounds of their lengths and errors.
fn prepare_part(
    data: &mut [f32],
    dim: usize,
    high: &mut [u8],
    low: &mut [u8],
    numbers: &mut [Coded],
) -> (f32, f32) {
    let width = scan::plane_len(dim);
    let (mut longest, mut worst) = (0.0f32, 0.0f32);
    let mut planes = high
        .chunks_exact_mut(width)
        .zip(low.chunks_exact_mut(width));
    let mut numbers = numbers.iter_mut();
    for row in data.chunks_exact_mut(dim) {
        let mut squared = dot(row, row);
        if !super::is_unit(squared) {
            normalize(row);
            squared = dot(row, row);
        }
        let (Some((high, low)), Some(number)) = (planes.next(), numbers.next()) else {
            continue;
        };
        if !squared.is_finite() {
            // No bound holds for a non-finite row: infinite errors force an exact score.
            *number = Coded {
                scale: 0.0,
                coarse: f32::INFINITY,
                fine: f32::INFINITY,
            };
            continue;
        }
        let coded = scan::encode(row, high, low);
        // `squared` and the squared errors are sums of `dim` products. Their relative error is below
        // (dim + 2)·2⁻²⁴; near zero, each product loses up to 2⁻¹⁵⁰. Each component of an error vector is off by
        // less than 2⁻²² of the row's largest component. The bounds below round up generously.
        let off = (dim + 64) as f32 * f32::EPSILON;
        let length = squared.sqrt() * (1.0 + off) + TINY;
        let up = |error: f32| error * (1.0 + off) + length * 8.0 * f32::EPSILON + TINY;
        *number = Coded {
            scale: coded.scale,
            coarse: up(coded.coarse),
            fine: up(coded.fine),
        };
        longest = longest.max(length);
        worst = worst.max(number.coarse).max(number.fine);
    }
    (longest, worst)
}

impl<'a> Query<'a> {
    /// Encodes a normalised query. Returns `None` if its length isn't near 1, because no bound would hold.
    fn new(vector: &'a [f32], codes: &Codes) -> Option<Self> {
        let precise = |x: &f32| f64::from(*x);
        let length = vector
            .iter()
            .map(precise)
            .map(|x| x * x)
            .sum::<f64>()
            .sqrt();
        if !(0.5..2.0).contains(&length) {
            return None;
        }
        let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let scale = most / 127.0;
        let mut numbers = vec![0i8; codes.width * 2];
        let (mut missed, mut sum) = (0.0f64, 0i32);
        for (x, number) in vector.iter().zip(&mut numbers) {
            *number = (x / scale).round().clamp(-127.0, 127.0) as i8;
            sum += i32::from(*number);
            missed += (precise(x) - precise(&scale) * f64::from(*number)).powi(2);
        }
        let missed = missed.sqrt();
        // Rounding errors: at most (dim + 1)·2⁻²⁴·|q||r| in `dot`, and 9·2⁻²⁴·all in the bound, because none of its
        // terms exceeds `all`. The slack is twice their sum, plus the underflow of products near zero.
        let (dim, unit) = (vector.len() as f64, f64::from(f32::EPSILON));
        let all = (length + missed) * (precise(&codes.longest) + precise(&codes.worst));
        let slack = missed * precise(&codes.longest) + (dim + 16.0) * unit * all + 1e-30;
        let up = |x: f64| (x * (1.0 + unit)) as f32;
        Some(Self {
            vector,
            codes: numbers,
            scale,
            sum,
            per_error: up(length + missed),
            slack: up(slack),
        })
    }

    /// Returns an upper bound of the dense score of a row from the product with its high plane.
    fn coarse(&self, row: &Coded, high: i32) -> f32 {
        // Doubling 16·high + (7.5 − 128)·sum keeps the value an integer; it fits in 32 bits.
        let twice = 32 * high - 241 * self.sum;
        self.bound(row.scale * 0.5, twice, row.coarse)
    }

    /// Returns an upper bound of the dense score of a row from the products with both planes.
    fn fine(&self, row: &Coded, high: i32, low: i32) -> f32 {
        self.bound(row.scale, 16 * high + low - 128 * self.sum, row.fine)
    }

    fn bound(&self, scale: f32, product: i32, error: f32) -> f32 {
        self.scale * scale * product as f32 + (error * self.per_error + self.slack)
    }
}

/// Lower bound of the final `k`-th best score, shared by all threads.
struct Floor(AtomicU32);

impl Floor {
    /// Maps a score to an integer with the order of [`f32::total_cmp`], for atomic `fetch_max`.
    fn rank(score: f32) -> u32 {
        let bits = score.to_bits();
        bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
    }

    fn raise(&self, score: f32) {
        self.0.fetch_max(Self::rank(score), Ordering::Relaxed);
    }

    fn get(&self) -> f32 {
        let rank = self.0.load(Ordering::Relaxed);
        f32::from_bits(rank ^ ((!(rank as i32 >> 31) as u32) | 1 << 31))
    }
}

impl Codes {
    /// Returns the `k` best answers of the encoded index for a normalised query; `words` returns the keyword score of
    /// a row. `None` if no bound holds for the query: its dimension differs or its length isn't near 1.
    pub fn search(
        &self,
        index: &Index,
        query: &[f32],
        words: impl Fn(usize) -> f32 + Copy + Sync,
        k: usize,
    ) -> Option<Vec<Hit>> {
        if query.len() != index.dim() {
            return None;
        }
        let query = Query::new(query, self)?;
        let next = AtomicUsize::new(0);
        let floor = Floor(AtomicU32::new(Floor::rank(f32::NEG_INFINITY)));
        let threads = if self.high.len() < BYTES_FOR_THREADS {
            1
        } else {
            threads()
        };
        let found = side_by_side(vec![(); threads], |()| {
            let mut nearest = Nearest::new(k);
            loop {
                let start = next.fetch_add(PART, Ordering::Relaxed);
                if start >= self.rows.len() {
                    return nearest;
                }
                let part = start..(start + PART).min(self.rows.len());
                self.scan(index, &query, words, part, &mut nearest, &floor);
            }
        });
        found
            .into_iter()
            .reduce(Nearest::merge)
            .map(Nearest::into_hits)
    }

    /// Scores all rows of a part that can be among the best, and offers them to `nearest`.
    #[allow(clippy::neg_cmp_op_on_partial_ord)] // a NaN bound must not rule out a row
    fn scan(
        &self,
        index: &Index,
        query: &Query<'_>,
        words: impl Fn(usize) -> f32,
        part: Range<usize>,
        nearest: &mut Nearest,
        floor: &Floor,
    ) {
        let mut numbers = [0u32; BLOCK];
        let mut high = [0i32; BLOCK];
        let mut low = [0i32; BLOCK];
        let mut bounds = [0.0f32; BLOCK];
        let mut order = [0usize; BLOCK];
        let mut start = part.start;
        while start < part.end {
            let end = (start + BLOCK).min(part.end);
            let (rows, all) = (&self.rows[start..end], end - start);
            for (number, row) in numbers.iter_mut().zip(start as u32..end as u32) {
                *number = row;
            }
            scan::dots(&query.codes, &self.high, &numbers[..all], &mut high[..all]);
            // Branch-free: whether a bound is below the floor is hard to predict.
            let mut least = floor.get();
            let mut few = 0;
            for (place, row) in rows.iter().enumerate() {
                numbers[few] = (start + place) as u32;
                high[few] = high[place];
                let bound = query.coarse(row, high[few]) + words(start + place);
                few += usize::from(!(bound < least));
            }
            let (numbers, low) = (&numbers[..few], &mut low[..few]);
            scan::dots(&query.codes, &self.low, numbers, low);
            for (((number, high), low), bound) in
                numbers.iter().zip(&high).zip(&*low).zip(&mut bounds)
            {
                let row = *number as usize;
                *bound = query.fine(&self.rows[row], *high, *low) + words(row);
            }
            let order = &mut order[..few];
            for (place, number) in order.iter_mut().zip(0..) {
                *place = number;
            }
            if few > UNSORTED {
                // Scoring the best first raises the floor, which rules out the rest.
                order.sort_unstable_by(|a, b| bounds[*b].total_cmp(&bounds[*a]));
            }
            for place in &*order {
                if bounds[*place] < least {
                    continue;
                }
                let row = numbers[*place] as usize;
                if nearest.offer(index.hit(row, query.vector, words(row))) {
                    floor.raise(nearest.floor());
                    least = floor.get();
                }
            }
            start = end;
        }
    }

    /// Returns the memory of the codes, in bytes.
    pub fn bytes(&self) -> usize {
        self.high.len() + self.low.len() + size_of_val(&*self.rows)
    }
}

/// Returns the number of threads to use. Cached, because asking the system takes longer than a small search.
fn threads() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, |n| n.get().min(THREADS)))
}

/// Runs `work` on each of `things` in parallel, with one thread per item, including the current thread.
///
/// Uses fewer threads if the system can't start them. The results are in no particular order.
fn side_by_side<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let others = things.len().saturating_sub(1);
    let things = Mutex::new(things.into_iter());
    let next = || things.lock().unwrap_or_else(PoisonError::into_inner).next();
    let all = || -> Vec<R> { std::iter::from_fn(next).map(&work).collect() };
    thread::scope(|scope| {
        let begin = |_| {
            let thread = thread::Builder::new().name("index".to_owned());
            thread.spawn_scoped(scope, all).ok()
        };
        let others: Vec<_> = (0..others).filter_map(begin).collect();
        let mut done = all();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_only_rises() {
        let floor = Floor(AtomicU32::new(Floor::rank(f32::NEG_INFINITY)));
        assert_eq!(floor.get(), f32::NEG_INFINITY);
        for (raise, expected) in [(-0.5, -0.5), (-0.75, -0.5), (0.25, 0.25), (-1.0, 0.25)] {
            floor.raise(raise);
            assert_eq!(floor.get(), expected);
        }
    }
}
