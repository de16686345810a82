//! Time estimate from the pace of embedding.

use super::Progress;
use std::time::{Duration, Instant};

/// Estimate of the remaining time from the pace of embedding.
pub(super) struct Pace {
    total: usize,
    fresh: usize,
    begun: Instant,
    paused: Duration,
}

impl Pace {
    /// Starts the clock. `fresh` of `total` texts aren't in the cache and must be embedded.
    pub(super) fn new(total: usize, fresh: usize) -> Self {
        Self {
            total,
            fresh,
            begun: Instant::now(),
            paused: Duration::ZERO,
        }
    }

    /// Runs `pause`, excludes its duration from the working time, and returns its result.
    pub(super) fn exclude_pause(&mut self, pause: impl FnOnce() -> bool) -> bool {
        let begun = Instant::now();
        let resume = pause();
        self.paused += begun.elapsed();
        resume
    }

    /// Progress after embedding `embedded` of the fresh texts.
    pub(super) fn progress(&self, embedded: usize) -> Progress {
        let worked = self
            .begun
            .elapsed()
            .saturating_sub(self.paused)
            .as_secs_f64();
        let left = self.fresh.saturating_sub(embedded) as f64;
        Progress {
            done: self.total - self.fresh + embedded,
            total: self.total,
            eta_s: (embedded > 0).then(|| worked / embedded as f64 * left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_excludes_pauses() {
        let mut pace = Pace::new(30, 20);
        pace.begun -= Duration::from_secs(70);
        pace.paused += Duration::from_mins(1);
        let progress = pace.progress(5);
        assert_eq!((progress.done, progress.total), (15, 30));
        let eta = progress.eta_s.unwrap();
        assert!((30.0..40.0).contains(&eta), "{eta}");
        assert_eq!(pace.progress(0).eta_s, None);
    }
}
