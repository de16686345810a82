//! Which vectors can be among the nearest, found out in an eighth of the memory.
//!
//! Each row `r` has a code in two planes ([`scan`]): by the high one it is nearly `r₄`, by both
//! nearly `r₈`, with the lengths of what is missed, `|r − r₄|` and `|r − r₈|`, known. The query `q` has a
//! code too, `c`. As `q·r = c·r₄ + (q − c)·r₄ + q·(r − r₄)`, by Cauchy and Schwarz
//!
//! ```text
//! q·r ≤ c·r₄ + |q − c|·|r₄| + |q|·|r − r₄| ≤ c·r₄ + |r − r₄|·(|q| + |q − c|) + |q − c|·|r|
//! ```
//!
//! and so with `r₈`. `c·r₄` is a product of small integers, exact but for the scales. To this bound is
//! added what [`dot`] may be off by rounding, at most `(d + 1)·2⁻²⁴·|q||r|`, and what the bound itself may
//! be. No score of the plain scan is then above its bound: a row whose bound is below the score of the
//! `k`-th best answer found so far cannot be among the `k` best, nor be the nearest vector of one that
//! is. Of all other rows the score is computed as the plain scan does, by the same function. So what is
//! found is not nearly but exactly what the plain scan finds.
//!
//! What words add to a row's score is added to its bound too, rounded alike: a sum of floats never falls when
//! a part of it rises, so all of this holds of the sums.
//!
//! Memory: `d` bytes a row, filled up to a multiple of 128, and 12 for its numbers; a quarter of the
//! vectors' own. A scan reads half of that.

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

/// With fewer rows the plain scan is as quick.
const FEW: usize = 512;
/// Rows whose products are made at once.
const BLOCK: usize = 256;
/// So few rows of a block are compared in any order.
const UNSORTED: usize = 32;
/// Rows a thread takes at once.
const PART: usize = 32 * BLOCK;
/// Another thread is worth its start from so many bytes of a plane on.
const BYTES_FOR_THREADS: usize = 4 << 20;
/// Values of vectors from which on another thread helps to code them.
const VALUES_FOR_THREADS: usize = 1 << 20;
/// No processor's memory feeds more.
const THREADS: usize = 16;

/// More than is lost of a length near zero: √(2¹⁴ · 2⁻¹⁵⁰).
const TINY: f32 = 1e-16;

/// The codes of all rows of an index.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// Bytes of a row in a plane.
    width: usize,
    high: Vec<u8>,
    low: Vec<u8>,
    rows: Vec<Coded>,
    /// No row with a code is longer than this.
    longest: f32,
    /// No row with a code misses more than this of it.
    worst: f32,
}

/// A query whose code is worth comparing.
struct Query<'a> {
    vector: &'a [f32],
    codes: Vec<i8>,
    scale: f32,
    /// Sum of the codes.
    sum: i32,
    /// What each unit of a row's error adds to the bound.
    per_error: f32,
    /// What is added to all bounds.
    slack: f32,
}

/// Normalises rows, all but those that are of length 1 already, and codes them where that helps.
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

/// As [`prepare`], of some rows; gives their greatest length and error.
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
            // No bound holds for it: its score is always computed.
            *number = Coded {
                scale: 0.0,
                coarse: f32::INFINITY,
                fine: f32::INFINITY,
            };
            continue;
        }
        let coded = scan::encode(row, high, low);
        // `squared` and the squares of the errors are sums of `dim` products, off by less than
        // (dim + 2)·2⁻²⁴ of themselves, and by 2⁻¹⁵⁰ each where they come near zero; each number of an
        // error is off by less than 2⁻²² of the row's largest. All is rounded up generously.
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
    /// The code of a normalised query; none when it is not of length 1, so that no bound would hold.
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
        // Rounding: of `dot`, `dim + 1` times 2⁻²⁴ of |q||r| at most; of the bound, whose parts are none
        // larger than `all`, nine times. Twice that is added, and what products lose near zero.
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

    /// No less than the score of a row, by the product with its high plane.
    fn coarse(&self, row: &Coded, high: i32) -> f32 {
        // Twice 16·high + 7.5 − 128, so that it is a whole number; 32 bits hold it.
        let twice = 32 * high - 241 * self.sum;
        self.bound(row.scale * 0.5, twice, row.coarse)
    }

    /// No less than the score of a row, by the products with both planes.
    fn fine(&self, row: &Coded, high: i32, low: i32) -> f32 {
        self.bound(row.scale, 16 * high + low - 128 * self.sum, row.fine)
    }

    fn bound(&self, scale: f32, product: i32, error: f32) -> f32 {
        self.scale * scale * product as f32 + (error * self.per_error + self.slack)
    }
}

/// What is known of the `k`-th best score, by all threads together. Never more than it is.
struct Floor(AtomicU32);

impl Floor {
    /// A number that is greater the greater a score is.
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
    /// The `k` best of an index these are the codes of, for a normalised query and what words add to the
    /// score of a row; none when the codes cannot tell.
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

    /// Offers all rows of a part that may be among the best.
    #[allow(clippy::neg_cmp_op_on_partial_ord)] // a bound that is no number rules nothing out
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
            // Those whose bound is not below the floor, gathered without jumps.
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
                // The best first, so that they rule out the others.
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

    /// Bytes these take.
    pub fn bytes(&self) -> usize {
        self.high.len() + self.low.len() + size_of_val(&*self.rows)
    }
}

/// Cores, asked for once: the system's answer takes longer than a small search.
fn threads() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, |n| n.get().min(THREADS)))
}

/// Does things on as many threads as there are things, this one among them, or on fewer where the system
/// has no more; what came of them is in no order.
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
    fn the_floor_only_rises() {
        let floor = Floor(AtomicU32::new(Floor::rank(f32::NEG_INFINITY)));
        assert_eq!(floor.get(), f32::NEG_INFINITY);
        for (raise, expected) in [(-0.5, -0.5), (-0.75, -0.5), (0.25, 0.25), (-1.0, 0.25)] {
            floor.raise(raise);
            assert_eq!(floor.get(), expected);
        }
    }
}
