//! `POST /encode`: encodes texts.

use super::{
    State,
    body::JsonBody,
    limits,
    problem::{CommonErrors, Problem},
};
use axum::{Json, extract};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EncodeRequest {
    /// At most 2048 texts.
    #[schema(min_items = 1, max_items = 2048, example = json!(["my daughter lost her card"]))]
    texts: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct EncodeResponse {
    /// A unit vector for each text, in the order of the request.
    vectors: Vec<Vec<f32>>,
}

pub(super) fn to_rows(vectors: &Matrix) -> Vec<Vec<f32>> {
    vectors.iter_rows().map(<[f32]>::to_vec).collect()
}

/// Encode texts as vectors
#[utoipa::path(post, path = "/encode", request_body = EncodeRequest, responses((status = 200, body = EncodeResponse), CommonErrors))]
pub(super) async fn encode(
    extract::State(state): extract::State<Arc<State>>,
    JsonBody(EncodeRequest { texts }): JsonBody<EncodeRequest>,
) -> Result<Json<EncodeResponse>, Problem> {
    limits::check_texts(texts.iter().map(String::as_str))?;
    let chunks = state
        .queue
        .encode_many(texts, |_: &Servable, _, vectors: Matrix| {
            Ok(to_rows(&vectors))
        })
        .await?;
    let vectors = chunks.concat();
    Ok(Json(EncodeResponse { vectors }))
}
