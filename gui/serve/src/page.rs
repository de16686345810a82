//! What needs no model: the page to ask in, health, metrics, and the description of all this.

use super::{
    State,
    problem::{Problem, Refused},
};
use axum::{
    Json, extract,
    http::{HeaderName, header},
    response::IntoResponse,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;

/// The page, its style and program in it.
const PAGE: &str = include_str!("page.html");

/// What the page may do: run its own program, look as it says, and ask this server.
pub(super) fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
}

/// The hash by which a policy allows what stands in this element.
fn hash(element: &str) -> String {
    let inside = PAGE.split_once(&format!("<{element}>"));
    let inside = inside.and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    let inside = inside.map_or("", |(inside, _)| inside);
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(inside)))
}

/// A page to ask in
#[utoipa::path(
    get, path = "/", responses((status = 200, body = String, content_type = "text/html"))
)]
pub(super) async fn page(extract::State(state): extract::State<Arc<State>>) -> impl IntoResponse {
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".into()),
        (header::CONTENT_SECURITY_POLICY, state.policy.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (header::REFERRER_POLICY, "no-referrer".into()),
    ];
    (headers, PAGE)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ready`.
    status: &'static str,
    /// The model's name.
    model: String,
    /// Answers to choose from; 0 when the folder holds a model without answers.
    answers: usize,
    /// Whether asking needs the token.
    needs_token: bool,
    /// Whether answers can be edited.
    editable: bool,
}

/// Whether it answers
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
pub(super) async fn health(extract::State(state): extract::State<Arc<State>>) -> Json<Health> {
    Json(Health {
        status: "ready",
        model: state.name.clone(),
        answers: state.live.get().answers().len(),
        needs_token: state.access.has_token(),
        editable: state.editor.is_some(),
    })
}

/// What the server counts, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, body = String, content_type = "text/plain"), Refused)
)]
pub(super) async fn metrics(
    extract::State(state): extract::State<Arc<State>>,
) -> Result<impl IntoResponse, Problem> {
    let answers = state.live.get().answers().len();
    let text = state.metrics.text(state.queue.waiting(), answers);
    let text = text.map_err(|_| Problem::internal())?;
    let kind = prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
    Ok(([(header::CONTENT_TYPE, kind)], text))
}

/// This description
#[utoipa::path(
    get, path = "/openapi.json", responses((status = 200, content_type = "application/json"))
)]
pub(super) async fn openapi(
    extract::State(state): extract::State<Arc<State>>,
) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, state.openapi.clone())
}
