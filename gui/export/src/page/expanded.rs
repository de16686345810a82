//! Expanded answer vectors.

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use nearsay::servable::Servable;

/// Encodes the answer vectors of a model, `[answers, dim]`, as little-endian f32 in base64.
pub(super) fn encode_vectors(model: &Servable) -> String {
    let (answers, vectors) = (model.answers(), model.index().vectors());
    let texts = (0u32..).zip(vectors.iter_rows());
    let bytes: Vec<u8> = texts
        .filter(|(text, _)| answers.wording(*text).is_none())
        .flat_map(|(_, vector)| vector.iter().flat_map(|x| x.to_le_bytes()))
        .collect();
    BASE64.encode(bytes)
}
