//! Extractor for JSON request bodies.

use super::problem::Problem;
use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;
use std::error::Error as _;

pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(describe_rejection(&rejection)),
        }
    }
}

fn describe_rejection(rejection: &JsonRejection) -> Problem {
    let cause = rejection
        .source()
        .map_or_else(|| rejection.body_text(), ToString::to_string);
    match rejection {
        JsonRejection::JsonDataError(_) => Problem::bad_request(format!(
            "the body doesn't match this endpoint's schema ({cause}); see /openapi.json"
        )),
        JsonRejection::JsonSyntaxError(_) => {
            Problem::bad_request(format!("the body is not JSON ({cause})"))
        }
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "send JSON with the header “Content-Type: application/json”",
        ),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        _ => Problem::bad_request("the body could not be read completely; send it again"),
    }
}
