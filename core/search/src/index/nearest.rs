//! Running top-k list of answers.

use super::{Hit, nearer};

/// Top-k list of answers among the offered hits. Each answer keeps its best vector, the lowest number on ties.
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

    /// Inserts a hit if it improves the list; returns whether it was inserted.
    pub fn offer(&mut self, hit: Hit) -> bool {
        if hit.score.is_nan() || hit.score == f32::NEG_INFINITY {
            return false;
        }
        let full = self.hits.len() >= self.k;
        // The order is strict between answers: only the last answer itself can compare equal to the last hit.
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

    /// Returns the score of the `k`-th best answer, or negative infinity while there are fewer.
    pub fn floor(&self) -> f32 {
        if self.hits.len() >= self.k {
            self.hits.last().map_or(f32::INFINITY, |last| last.score)
        } else {
            f32::NEG_INFINITY
        }
    }

    /// Merges two lists into their top k.
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
