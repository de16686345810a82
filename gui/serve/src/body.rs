//! A request's body: JSON, refused in plain words.

use super::problem::Problem;
use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;
use std::error::Error as _;

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn refusal(rejection: &JsonRejection) -> Problem {
    let why = rejection
        .source()
        .map_or_else(|| rejection.body_text(), ToString::to_string);
    match rejection {
        JsonRejection::JsonDataError(_) => Problem::bad(format!(
            "the body is not what this endpoint takes ({why}); /openapi.json describes it"
        )),
        JsonRejection::JsonSyntaxError(_) => Problem::bad(format!("the body is not JSON ({why})")),
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "send JSON, with the header “Content-Type: application/json”",
        ),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large("the body is too large; send less at once")
        }
        _ => Problem::bad("the body could not be read to its end; send it again"),
    }
}
