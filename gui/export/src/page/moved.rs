//! Vectors of answers that were moved.

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use nearsay::servable::Servable;

/// Those of a folder, `[answers, dim]` as little-endian f32 in base64: exact, and some 1,400 bytes an answer.
pub(super) fn of(model: &Servable) -> String {
    let (answers, vectors) = (model.answers(), model.index().vectors());
    let texts = (0u32..).zip(vectors.iter_rows());
    let of_answers = texts.filter(|(text, _)| answers.wording(*text).is_none());
    let numbers = of_answers.flat_map(|(_, vector)| vector.iter().flat_map(|x| x.to_le_bytes()));
    BASE64.encode(numbers.collect::<Vec<u8>>())
}
