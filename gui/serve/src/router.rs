//! The endpoints and their middleware. `/openapi.json` is generated from the same list.

use super::{State, access, answers, ask, encode, limits, openai, page, problem::Problem};
use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{self, DefaultBodyLimit, MatchedPath, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use std::{future::poll_fn, pin::pin, sync::Arc, time::Instant};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Nearsay",
        description = "Answers questions from an FAQ. If the server has a token, every endpoint except `/`, \
                       `/health` and `/openapi.json` requires it. Edits always require a token."
    ),
    security((), ("token" = [])),
    modifiers(&Token)
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", bearer);
    }
}

/// Builds the router and its OpenAPI document.
///
/// # Errors
/// If the document can't be serialised.
pub(super) fn build_endpoints() -> Result<(Router<Arc<State>>, String), serde_json::Error> {
    let router = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(ask::ask))
        .routes(routes!(encode::encode))
        .routes(routes!(openai::embeddings))
        .routes(routes!(openai::models))
        .routes(routes!(answers::add))
        .routes(routes!(answers::read, answers::replace, answers::remove))
        .routes(routes!(page::page))
        .routes(routes!(page::health))
        .routes(routes!(page::metrics))
        .routes(routes!(page::openapi));
    let (router, document) = router.split_for_parts();
    Ok((router, document.to_json()?))
}

/// Adds the middleware.
pub(super) fn build_app(endpoints: Router<Arc<State>>, state: Arc<State>) -> Router {
    endpoints
        .fallback(async || {
            let message = "there is no such endpoint; /openapi.json lists all endpoints";
            Problem::new(StatusCode::NOT_FOUND, "unknown_endpoint", message)
        })
        .method_not_allowed_fallback(async || {
            let message =
                "this endpoint does not support this method; /openapi.json lists its methods";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
        })
        .layer(DefaultBodyLimit::max(limits::BODY))
        .layer(middleware::from_fn_with_state(state.clone(), limit_bodies))
        .layer(middleware::from_fn_with_state(state.clone(), limit_time))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            access::check_access,
        ))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal().into_response()
        }))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            record_request,
        ))
        .with_state(state)
}

/// Admits a request body if memory is available. A body of unknown length counts as the largest.
async fn limit_bodies(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let length = request.body().size_hint().upper();
    let length = length.map_or(limits::BODY, |length| {
        usize::try_from(length).unwrap_or(usize::MAX)
    });
    if length > limits::BODY {
        discard_body(request.into_body()).await;
        return Err(Problem::body_too_large());
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let permit = Arc::clone(&state.bodies).try_acquire_many_owned(length);
    let _permit = permit.map_err(|_| Problem::overloaded())?;
    Ok(next.run(request).await)
}

/// Reads a rejected body, up to a limit: a client that is still sending would not read the response.
async fn discard_body(mut body: Body) {
    let mut remaining = limits::BODIES;
    while let Some(Ok(frame)) = poll_fn(|cx| pin!(&mut body).poll_frame(cx)).await
        && remaining > 0
    {
        remaining = remaining.saturating_sub(frame.data_ref().map_or(0, axum::body::Bytes::len));
    }
}

/// Aborts requests that exceed the time limit.
async fn limit_time(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let done = tokio::time::timeout(state.timeout, next.run(request)).await;
    done.unwrap_or_else(|_| {
        let message = format!(
            "this took longer than {} seconds; send a smaller request, or try again later",
            state.timeout.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", message).into_response()
    })
}

/// Updates the metrics and writes the access log, which omits queries and bodies: they contain user text.
async fn record_request(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let endpoint = request.extensions().get::<MatchedPath>().cloned();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let endpoint = endpoint.as_ref().map_or("unknown", MatchedPath::as_str);
    let (status, duration) = (response.status().as_u16(), started.elapsed());
    state.metrics.record_request(endpoint, status, duration);
    tracing::info!(
        target: "nearsay_serve::access",
        "{method} {} {status} {:.1} ms {} bytes",
        uri.path(),
        duration.as_secs_f64() * 1e3,
        response.body().size_hint().exact().unwrap_or_default(),
    );
    response
}
