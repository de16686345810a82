//! The best answers seen so far.

use super::{Hit, nearer};

/// The `k` best answers of the vectors offered, each by its best vector, the first of equals.
pub struct Nearest {
    k: usize,
    /// Nearest first.
    hits: Vec<Hit>,
}

impl Nearest {
    pub fn new(k: usize) -> Self {
        Self {
            k,
            hits: Vec::new(),
        }
    }

    /// Takes a vector in if its answer is among the best by it; says whether it did.
    pub fn offer(&mut self, hit: Hit) -> bool {
        if hit.score.is_nan() || hit.score == f32::NEG_INFINITY {
            return false;
        }
        let full = self.hits.len() >= self.k;
        // As near as the last is only that answer itself, by the same or another vector.
        if full
            && self
                .hits
                .last()
                .is_none_or(|last| nearer(&hit, last).is_gt())
        {
            return false;
        }
        match self
            .hits
            .iter()
            .position(|known| known.answer == hit.answer)
        {
            Some(known) => {
                let other = &self.hits[known];
                let same = hit.score == other.score && hit.vector < other.vector;
                if !(hit.score > other.score || same) {
                    return false;
                }
                self.hits.remove(known);
            }
            None if full => {
                self.hits.pop();
            }
            None => {}
        }
        let place = self
            .hits
            .partition_point(|known| nearer(known, &hit).is_lt());
        self.hits.insert(place, hit);
        true
    }

    /// The score of the `k`-th best; below all scores while there are fewer.
    pub fn floor(&self) -> f32 {
        match self.hits.len() >= self.k {
            true => self.hits.last().map_or(f32::INFINITY, |last| last.score),
            false => f32::NEG_INFINITY,
        }
    }

    /// The best of both.
    pub fn merge(mut self, other: Self) -> Self {
        for hit in other.hits {
            self.offer(hit);
        }
        self
    }

    pub fn into_hits(self) -> Vec<Hit> {
        self.hits
    }
}
