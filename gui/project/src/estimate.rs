//! Estimates of training time.

use nearsay::train::{Recipe, Settings};

use super::{Effort, preferences::Pace};

/// Epochs a training typically runs before it stops early.
const TYPICAL_EPOCHS: f64 = 12.0;

// Training pairs per second by effort, and embedded texts per second, each per GFLOP/s of a matrix product.
// Measured on a development machine. The thorough effort trains on 100 pairs per second there; validating
// after every epoch takes the rest of the time.
const QUICK_PER_GFLOPS: f64 = 60.0;
const BALANCED_PER_GFLOPS: f64 = 80.0;
const THOROUGH_PER_GFLOPS: f64 = 0.4;
const EMBEDDING_PER_GFLOPS: f64 = 2.5;

/// Estimated duration of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Seconds from start to end.
    pub seconds: f64,
    /// Whether its slowest part was measured on this machine rather than guessed.
    pub measured: bool,
}

/// Training settings of an effort, before they are adapted to the number of pairs. The vector length is a
/// placeholder: the training process sets it from the encoder.
#[must_use]
pub fn recipe_settings(effort: Effort) -> Settings {
    match effort {
        Effort::Quick => Settings::of_static(Recipe::Quick, 1),
        Effort::Balanced => Settings::of(Recipe::Quick, 1),
        Effort::Thorough => Settings::of(Recipe::Thorough, 1),
    }
}

/// Maximum epochs and batch size of an effort for this many pairs, without manual tuning.
#[must_use]
pub fn default_epochs_and_batch(effort: Effort, pairs: usize) -> (usize, usize) {
    let settings = recipe_settings(effort).for_pairs(pairs);
    (settings.epochs, settings.batch)
}

/// Whether a training ends with a refit on all pairs, the validation split included.
#[must_use]
pub fn refits_on_all(effort: Effort, pairs: usize) -> bool {
    match effort {
        Effort::Quick | Effort::Balanced => true,
        Effort::Thorough => recipe_settings(effort)
            .for_pairs(pairs)
            .refits_on_all_data(),
    }
}

/// Duration of a training relative to a single fit: 2 if a transformer is refitted, since the refit of a
/// head takes almost no time.
#[must_use]
pub fn fits(effort: Effort, pairs: usize) -> f64 {
    if effort == Effort::Thorough && refits_on_all(effort, pairs) {
        2.0
    } else {
        1.0
    }
}

/// Estimates the duration of a training on this machine; `None` before anything was measured. `texts` is the
/// number of texts to embed, and `epochs` the user's limit.
#[must_use]
pub fn training_time(
    effort: Effort,
    pairs: usize,
    texts: usize,
    epochs: Option<u32>,
    pace: &Pace,
) -> Option<Estimate> {
    let (most, _) = default_epochs_and_batch(effort, pairs);
    let epochs = epochs.map_or(TYPICAL_EPOCHS.min(most as f64), f64::from);
    let guess = |per_gflops: f64| pace.guess.map(|gflops| gflops * per_gflops);
    let (learning, per_gflops) = match effort {
        Effort::Quick => (pace.quick, QUICK_PER_GFLOPS),
        Effort::Balanced => (pace.balanced, BALANCED_PER_GFLOPS),
        Effort::Thorough => (pace.thorough, THOROUGH_PER_GFLOPS),
    };
    let learning_s =
        pairs as f64 * epochs * fits(effort, pairs) / learning.or(guess(per_gflops))?;
    let reading_s = match effort {
        Effort::Quick => 0.0,
        _ => texts as f64 / pace.reading.or(guess(EMBEDDING_PER_GFLOPS))?,
    };
    // Embedding dominates the balanced effort, learning the others.
    let slowest = match effort {
        Effort::Balanced => pace.reading,
        _ => learning,
    };
    Some(Estimate {
        seconds: learning_s + reading_s + 1.0,
        measured: slowest.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_doubles_when_a_transformer_is_refitted() {
        for (effort, pairs, refits, expected) in [
            (Effort::Quick, 100, true, 1.0),
            (Effort::Balanced, 100, true, 1.0),
            (Effort::Thorough, 100, true, 2.0),
            (Effort::Thorough, 5_000, false, 1.0),
        ] {
            assert_eq!(refits_on_all(effort, pairs), refits, "{effort:?}");
            assert_eq!(fits(effort, pairs), expected, "{effort:?}");
        }
    }
}
