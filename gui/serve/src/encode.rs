//! `POST /encode`: texts to vectors.

use super::{
    State,
    body::Body,
    limits,
    problem::{Problem, Refused},
};
use axum::{Json, extract};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    /// What to encode, at most 2048 at once.
    #[schema(min_items = 1, max_items = 2048, example = json!(["my daughter lost her card"]))]
    texts: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Vectors {
    /// A vector of length 1 for each text, in their order.
    vectors: Vec<Vec<f32>>,
}

pub(super) fn rows(vectors: &Matrix) -> Vec<Vec<f32>> {
    vectors.iter_rows().map(<[f32]>::to_vec).collect()
}

/// Turn texts into vectors
#[utoipa::path(post, path = "/encode", request_body = Texts, responses((status = 200, body = Vectors), Refused))]
pub(super) async fn encode(
    extract::State(state): extract::State<Arc<State>>,
    Body(Texts { texts }): Body<Texts>,
) -> Result<Json<Vectors>, Problem> {
    limits::check(texts.iter().map(String::as_str))?;
    let give = |_: &Servable, _, vectors: Matrix| Ok(rows(&vectors));
    let vectors = state.queue.many(texts, give).await?.concat();
    Ok(Json(Vectors { vectors }))
}
