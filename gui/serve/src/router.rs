//! Every endpoint and what stands before all of them. The description in `/openapi.json` is made of the
//! same list, so that none is missing there.

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
        description = "Answers questions from an FAQ. With a token, every endpoint but `/`, `/health` and \
                       `/openapi.json` needs it; edits need one always."
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

/// All endpoints, and their description.
///
/// # Errors
/// When the description cannot be written.
pub(super) fn endpoints() -> Result<(Router<Arc<State>>, String), serde_json::Error> {
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

/// The endpoints with what stands before them.
pub(super) fn app(endpoints: Router<Arc<State>>, state: Arc<State>) -> Router {
    endpoints
        .fallback(async || {
            let message = "there is no such endpoint; /openapi.json lists those there are";
            Problem::new(StatusCode::NOT_FOUND, "unknown_endpoint", message)
        })
        .method_not_allowed_fallback(async || {
            let message =
                "this endpoint does not know this method; /openapi.json lists what it knows";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
        })
        .layer(DefaultBodyLimit::max(limits::BODY))
        .layer(middleware::from_fn_with_state(state.clone(), in_room))
        .layer(middleware::from_fn_with_state(state.clone(), in_time))
        .layer(middleware::from_fn_with_state(state.clone(), access::guard))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal().into_response()
        }))
        .layer(middleware::from_fn_with_state(state.clone(), count))
        .with_state(state)
}

/// Lets a body in when there is memory for it; one that does not say its length counts in full.
async fn in_room(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let length = request.body().size_hint().upper();
    let length = length.map_or(limits::BODY, |length| {
        usize::try_from(length).unwrap_or(usize::MAX)
    });
    if length > limits::BODY {
        pass_over(request.into_body()).await;
        return Err(Problem::too_large(
            "the body is too large; send less at once",
        ));
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let room = Arc::clone(&state.bodies).try_acquire_many_owned(length);
    let _room = room.map_err(|_| Problem::overloaded())?;
    Ok(next.run(request).await)
}

/// Reads a body that is not wanted: who still sends would not read why. Not without end.
async fn pass_over(mut body: Body) {
    let mut rest = limits::BODIES;
    while let Some(Ok(frame)) = poll_fn(|cx| pin!(&mut body).poll_frame(cx)).await
        && rest > 0
    {
        rest = rest.saturating_sub(frame.data_ref().map_or(0, |data| data.len()));
    }
}

/// Gives up on what takes too long.
async fn in_time(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let done = tokio::time::timeout(state.timeout, next.run(request)).await;
    done.unwrap_or_else(|_| {
        let message = format!(
            "this took longer than {} seconds; ask for less at once, or again later",
            state.timeout.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", message).into_response()
    })
}

async fn count(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let path = path.as_ref().map_or("unknown", MatchedPath::as_str);
    let status = response.status().as_u16();
    state.metrics.request(path, status, started.elapsed());
    response
}
