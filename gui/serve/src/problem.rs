//! Error responses of all endpoints, in the format of OpenAI's API.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nearsay::servable::{EditError, ServableError};
use nearsay_store::ErrorKind;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// An error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorResponse {
    error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// What happened and what to do about it.
    message: String,
    /// `invalid_request_error` or `server_error`.
    r#type: &'static str,
    /// Stable, machine-readable name of the error.
    code: &'static str,
}

/// A rejected or failed request.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub(super) fn body_too_large() -> Self {
        Self::too_large("the body is too large; split the request")
    }

    pub(super) fn no_answers() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "no_answers",
            "this directory holds a model without answers, so this server only encodes texts (/encode, \
             /v1/embeddings); to ask questions, export it again with its answers, or open it in the app and \
             add a file of questions and answers",
        )
    }

    pub(super) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "the server has too many requests; try again in a second",
        )
    }

    /// An error of the server. Its cause is in the log only.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed to process this request; its log has the cause",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let r#type = if self.status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        let error = ErrorDetail {
            message: self.message,
            r#type,
            code: self.code,
        };
        let mut response = (self.status, Json(ErrorResponse { error })).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<ServableError> for Problem {
    fn from(error: ServableError) -> Self {
        let (status, code) = match &error {
            ServableError::Edit(EditError::Unknown { .. }) => {
                (StatusCode::NOT_FOUND, "unknown_answer")
            }
            ServableError::Edit(EditError::Twice { .. }) => (StatusCode::CONFLICT, "known_answer"),
            ServableError::Edit(EditError::Last) => (StatusCode::CONFLICT, "last_answer"),
            ServableError::Edit(EditError::Blank) => (StatusCode::BAD_REQUEST, "bad_request"),
            ServableError::Replaced { .. } => (StatusCode::CONFLICT, "folder_changed"),
            ServableError::Store(store) if matches!(store.kind, ErrorKind::Full { .. }) => {
                (StatusCode::INSUFFICIENT_STORAGE, "disk_full")
            }
            error => {
                tracing::error!("{error}");
                return Self::internal();
            }
        };
        // These errors contain paths on the server, which clients must not see.
        let message = match &error {
            ServableError::Replaced { .. } => {
                "another program changed the model directory, so the edit was not saved; restart the server"
                    .into()
            }
            ServableError::Store(_) => {
                "the server's disk is full, so the edit was not saved".into()
            }
            error => error.to_string(),
        };
        if status.is_server_error() || code == "folder_changed" {
            tracing::error!("{error}");
        }
        Self::new(status, code, message)
    }
}

/// Error responses common to all endpoints.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "documents responses only")]
pub(super) enum CommonErrors {
    /// The request is invalid, or its `Host` header is not accepted.
    #[response(status = "4XX")]
    Client(ErrorResponse),
    /// The token is missing or wrong.
    #[response(status = 401)]
    Token(ErrorResponse),
    /// The body, a text or the number of texts is too large.
    #[response(status = 413)]
    Large(ErrorResponse),
    /// The server failed.
    #[response(status = "5XX")]
    Server(ErrorResponse),
    /// The server is overloaded, or the request took too long; try again after the seconds in `Retry-After`.
    #[response(status = 503)]
    Overloaded(ErrorResponse),
}
