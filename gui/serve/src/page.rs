//! The web page, health, metrics and the OpenAPI document.

use super::{
    State,
    problem::{CommonErrors, Problem},
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

/// The page with its style and script.
const PAGE: &str = include_str!("page.html");

/// Allows the page its own script and style, and requests to this server only.
pub(super) fn content_security_policy() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash_element("script"),
        hash_element("style")
    )
}

/// The policy's hash of an element's content.
fn hash_element(element: &str) -> String {
    let inside = PAGE.split_once(&format!("<{element}>"));
    let inside = inside.and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    let inside = inside.map_or("", |(inside, _)| inside);
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(inside)))
}

/// Web page for asking questions
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
    /// Name of the model directory.
    model: String,
    /// Number of answers; 0 for a model exported without answers.
    answers: usize,
    /// Whether requests require the token.
    needs_token: bool,
    /// Whether answers can be edited.
    editable: bool,
}

/// Readiness of the server
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
pub(super) async fn health(extract::State(state): extract::State<Arc<State>>) -> Json<Health> {
    Json(Health {
        status: "ready",
        model: state.model_name.clone(),
        answers: state.live.get().answers().len(),
        needs_token: state.access.requires_token(),
        editable: state.editor.is_some(),
    })
}

/// Prometheus metrics
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, body = String, content_type = "text/plain"), CommonErrors)
)]
pub(super) async fn metrics(
    extract::State(state): extract::State<Arc<State>>,
) -> Result<impl IntoResponse, Problem> {
    let answers = state.live.get().answers().len();
    let text = state.metrics.to_text(state.queue.waiting(), answers);
    let text = text.map_err(|error| {
        tracing::error!("the metrics could not be encoded: {error}");
        Problem::internal()
    })?;
    let kind = prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
    Ok(([(header::CONTENT_TYPE, kind)], text))
}

/// This OpenAPI document
#[utoipa::path(
    get, path = "/openapi.json", responses((status = 200, content_type = "application/json"))
)]
pub(super) async fn openapi(
    extract::State(state): extract::State<Arc<State>>,
) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, state.openapi.clone())
}
