//! Confidence in an answer, as one of three words.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfidenceLevel {
    Sure,
    Likely,
    Unsure,
}

/// Lowest calibrated confidence of [`ConfidenceLevel::Sure`], as everywhere in Nearsay.
const SURE_FROM: f32 = nearsay::answer_index::Confidence::SURE;
/// Lowest calibrated confidence of [`ConfidenceLevel::Likely`].
const LIKELY_FROM: f32 = nearsay::answer_index::Confidence::LIKELY;
/// The same two limits for raw scores, for models without calibration.
const SCORES: (f32, f32) = (0.75, 0.5);

/// Level of an answer with this calibrated confidence; without one, the raw score decides.
pub fn level_of(confidence: Option<f32>, score: f32) -> ConfidenceLevel {
    let (value, sure, likely) = match confidence {
        Some(confidence) => (confidence, SURE_FROM, LIKELY_FROM),
        None => (score, SCORES.0, SCORES.1),
    };
    match value {
        value if value >= sure => ConfidenceLevel::Sure,
        value if value >= likely => ConfidenceLevel::Likely,
        _ => ConfidenceLevel::Unsure,
    }
}

pub fn is_sure(confidence: Option<f32>, score: f32) -> bool {
    level_of(confidence, score) == ConfidenceLevel::Sure
}

/// Whether an answer is good enough to show. `abstain_threshold` is the lowest accepted confidence in
/// per cent.
pub fn is_good(confidence: Option<f32>, score: f32, abstain_threshold: u8) -> bool {
    match confidence {
        Some(confidence) => confidence >= f32::from(abstain_threshold) / 100.0,
        None => abstain_threshold == 0 || score >= SCORES.1,
    }
}
