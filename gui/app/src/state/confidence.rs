//! How sure an answer is, in three words.

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfidenceLevel {
    /// Nine of ten such answers are right.
    Sure,
    /// More than every second is.
    Likely,
    /// Not even that.
    Unsure,
}

/// From this chance on it is sure.
const SURE_FROM: f32 = 0.85;
/// From this chance on it is likely.
const LIKELY_FROM: f32 = 0.5;
/// Where nobody can tell the chance: cosines that were so good elsewhere.
const SCORES: (f32, f32) = (0.75, 0.5);

/// How sure an answer of this chance is; where nobody can tell that, by its score.
pub fn level_of(chance: Option<f32>, score: f32) -> ConfidenceLevel {
    let (value, sure, likely) = match chance {
        Some(chance) => (chance, SURE_FROM, LIKELY_FROM),
        None => (score, SCORES.0, SCORES.1),
    };
    match value {
        value if value >= sure => ConfidenceLevel::Sure,
        value if value >= likely => ConfidenceLevel::Likely,
        _ => ConfidenceLevel::Unsure,
    }
}

/// It is sure.
pub fn is_sure(chance: Option<f32>, score: f32) -> bool {
    level_of(chance, score) == ConfidenceLevel::Sure
}

/// An answer is good enough to be given, with this least chance in hundredths.
pub fn is_good(chance: Option<f32>, score: f32, silence: u8) -> bool {
    match chance {
        Some(chance) => chance >= f32::from(silence) / 100.0,
        None => silence == 0 || score >= SCORES.1,
    }
}
