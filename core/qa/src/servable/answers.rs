//! The files of the answers.

use super::{Manifest, ServableError};
use crate::answer_index::AnswerSet;
use nearsay_core::matrix::Matrix;
use nearsay_store::Store;
use safetensors::{Dtype, tensor::TensorView};
use std::path::Path;

pub(super) const TEXTS: &str = "answers.jsonl";
pub(super) const VECTORS: &str = "answers.safetensors";
pub(super) const PLAIN: &str = "plain.safetensors";

/// Writes one JSON line for each answer.
pub(super) fn to_jsonl(answers: &AnswerSet) -> Result<Vec<u8>, ServableError> {
    let mut bytes = Vec::new();
    for answer in answers.iter() {
        let line = serde_json::to_vec(answer);
        bytes.extend(line.map_err(|e| ServableError::changed(TEXTS, e))?);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

pub(super) fn read_answers(
    store: &dyn Store,
    dir: &Path,
    manifest: &Manifest,
) -> Result<AnswerSet, ServableError> {
    let bytes = manifest.entry(TEXTS)?.read(store, dir, TEXTS)?;
    let answers = serde_json::Deserializer::from_slice(&bytes)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|e| ServableError::changed(TEXTS, format_args!("isn't valid JSON ({e})")))?;
    Ok(AnswerSet::from_known(answers))
}

/// Serializes vectors, `[n, d]`, as a safetensors file.
pub(super) fn vectors_to_bytes(vectors: &Matrix) -> Result<Vec<u8>, ServableError> {
    let bytes = vectors.to_le_bytes();
    let shape = vec![vectors.rows(), vectors.columns()];
    TensorView::new(Dtype::F32, shape, &bytes)
        .and_then(|view| safetensors::serialize([("vectors", view)], None))
        .map_err(|e| ServableError::changed(VECTORS, format_args!("can't be serialized ({e})")))
}
