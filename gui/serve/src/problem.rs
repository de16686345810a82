//! What a client is told when something is wrong: one shape for every endpoint, that of OpenAI's API.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nearsay::servable::{EditError, ServableError};
use nearsay_store::ErrorKind;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// Something that went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    error: Told,
}

#[derive(Debug, Serialize, ToSchema)]
struct Told {
    /// What happened and what to do, in plain words.
    message: String,
    /// Whose fault it is: `invalid_request_error` or `server_error`.
    r#type: &'static str,
    /// What happened, for programs.
    code: &'static str,
}

/// A request that gets no answer.
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

    /// The request does not say what it must.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// More was asked for than one request may.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The folder holds a model and nothing to answer with.
    pub(super) fn no_answers() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "no_answers",
            "this folder holds a model without answers, so this server only turns texts into vectors \
             (/encode, /v1/embeddings); to ask it, export it again with its answers, or open it in the \
             app and give it a file of questions and answers",
        )
    }

    /// There is no room for another request.
    pub(super) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "more is asked than this server can answer now; try again in a second",
        )
    }

    /// A fault of ours; what it was stands in the server's own output.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed at this request; its own output says more",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let r#type = match self.status.is_server_error() {
            true => "server_error",
            false => "invalid_request_error",
        };
        let error = Told {
            message: self.message,
            r#type,
            code: self.code,
        };
        let mut response = (self.status, Json(Failure { error })).into_response();
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
                eprintln!("nearsay: {error}");
                return Self::internal();
            }
        };
        // Paths of the server are nobody else's business.
        let message = match &error {
            ServableError::Replaced { .. } => {
                "the folder was changed by somebody else, so the edit was not kept; start the server \
                 again"
                    .into()
            }
            ServableError::Store(_) => {
                "there is no room left on the server's disk, so the edit was not kept".into()
            }
            error => error.to_string(),
        };
        if status.is_server_error() || code == "folder_changed" {
            eprintln!("nearsay: {error}");
        }
        Self::new(status, code, message)
    }
}

/// Answers that any request may get.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described by it")]
pub(super) enum Refused {
    /// The request does not say what it must, or its `Host` is not this server's.
    #[response(status = "4XX")]
    Client(Failure),
    /// The token is missing or wrong.
    #[response(status = 401)]
    Token(Failure),
    /// The body, a text or the number of texts is too large.
    #[response(status = 413)]
    Large(Failure),
    /// The server failed.
    #[response(status = "5XX")]
    Server(Failure),
    /// The server has as much to do as it can take, or the request took too long; try again after as
    /// many seconds as `Retry-After` says.
    #[response(status = 503)]
    Overloaded(Failure),
}
