//! `/answers`: reads, adds, replaces and removes answers.
//!
//! An edit is synced to the model's journal before the response; see [`Journal`]. Edits run one after another, while
//! questions are answered from the previous state.

use super::{
    State,
    body::JsonBody,
    limits,
    problem::{CommonErrors, ErrorResponse, Problem},
    work::LiveModel,
};
use axum::{
    Json,
    extract::{self, FromRequestParts, Path},
    http::{HeaderName, StatusCode, header, request::Parts},
};
use nearsay::servable::{Edit, EditError, Journal, KnownAnswer, ServableError};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

/// Holds the exclusive right to edit the model.
pub(super) struct Editor(Mutex<Journal<'static>>);

impl Editor {
    pub(super) fn new(journal: Journal<'static>) -> Self {
        Self(Mutex::new(journal))
    }

    /// Writes the edits from the journal to the model's files.
    pub(super) fn fold(&self, live: &LiveModel) -> Result<(), ServableError> {
        let mut journal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        journal.fold(&live.get())
    }

    fn apply(&self, live: &LiveModel, edit: &Edit) -> Result<(), ServableError> {
        let mut journal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let edited = live.get().edited(std::slice::from_ref(edit))?;
        journal.append(edit)?;
        live.set(edited);
        Ok(())
    }
}

/// An answer to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAnswer {
    answer: String,
    /// Questions that this answer answers.
    #[serde(default, rename = "wordings")]
    #[schema(max_items = 2047)]
    paraphrases: Vec<String>,
    /// Topic or section of the FAQ.
    source: Option<String>,
}

impl NewAnswer {
    fn into_known_answer(self) -> Result<KnownAnswer, Problem> {
        let texts = std::iter::once(&self.answer).chain(&self.paraphrases);
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(EditError::Blank.into());
        }
        limits::check_texts(texts.into_iter())?;
        Ok(KnownAnswer {
            answer: self.answer,
            questions: self.paraphrases,
            row: 0, // not from a file
            source: self.source,
        })
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        ServableError::from(error).into()
    }
}

/// A stored answer.
#[derive(Serialize, ToSchema)]
pub(super) struct StoredAnswer {
    /// 16 hexadecimal digits derived from the answer text: equal in every copy of the model, and changed by an edit of
    /// the text.
    id: String,
    answer: String,
    #[serde(rename = "wordings")]
    paraphrases: Vec<String>,
    #[schema(required)]
    source: Option<String>,
}

impl StoredAnswer {
    fn new(answer: &KnownAnswer) -> Self {
        Self {
            id: answer.id(),
            answer: answer.answer.clone(),
            paraphrases: answer.questions.clone(),
            source: answer.source.clone(),
        }
    }
}

pub(super) struct AnswerId(String);

impl<S: Send + Sync> FromRequestParts<S> for AnswerId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad_request("this is not an answer id"))?;
        Ok(Self(id))
    }
}

/// Read an answer
#[utoipa::path(
    get,
    path = "/answers/{id}",
    params(("id" = String, Path, description = "The id that `/ask` returned")),
    responses(
        (status = 200, body = StoredAnswer),
        (status = 404, body = ErrorResponse, description = "No answer has this id"),
        (status = 409, body = ErrorResponse, description = "The model was exported without answers"),
        CommonErrors
    )
)]
pub(super) async fn read(
    extract::State(state): extract::State<Arc<State>>,
    AnswerId(id): AnswerId,
) -> Result<Json<StoredAnswer>, Problem> {
    state.require_answers()?;
    let find_answer = move |state: &State| {
        let model = state.live.get();
        let number = model.number_of(&id);
        let answer = number.and_then(|number| model.answers().get(number));
        answer
            .map(StoredAnswer::new)
            .ok_or(EditError::Unknown { id }.into())
    };
    run_blocking(&state, find_answer).await.map(Json)
}

/// Add an answer
///
/// When the response arrives, the answer is saved and found by new questions.
#[utoipa::path(
    post,
    path = "/answers",
    request_body = NewAnswer,
    responses(
        (status = 201, body = StoredAnswer, headers(("location" = String))),
        (status = 403, body = ErrorResponse, description = "This server is read-only"),
        (status = 409, body = ErrorResponse, description = "The answer already exists, or the model was exported without answers"),
        CommonErrors
    ),
    security(("token" = []))
)]
pub(super) async fn add(
    extract::State(state): extract::State<Arc<State>>,
    JsonBody(answer): JsonBody<NewAnswer>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<StoredAnswer>), Problem> {
    let answer = answer.into_known_answer()?;
    let stored = StoredAnswer::new(&answer);
    apply_edit(&state, Edit::Add(answer)).await?;
    let location = [(header::LOCATION, format!("/answers/{}", stored.id))];
    Ok((StatusCode::CREATED, location, Json(stored)))
}

/// Replace an answer
///
/// The response contains the new id, which differs if the text changed.
#[utoipa::path(
    put,
    path = "/answers/{id}",
    request_body = NewAnswer,
    params(("id" = String, Path, description = "The id that `/ask` returned")),
    responses(
        (status = 200, body = StoredAnswer),
        (status = 403, body = ErrorResponse, description = "This server is read-only"),
        (status = 404, body = ErrorResponse, description = "No answer has this id"),
        (status = 409, body = ErrorResponse, description = "Another answer has this text, or the model was exported without answers"),
        CommonErrors
    ),
    security(("token" = []))
)]
pub(super) async fn replace(
    extract::State(state): extract::State<Arc<State>>,
    AnswerId(id): AnswerId,
    JsonBody(answer): JsonBody<NewAnswer>,
) -> Result<Json<StoredAnswer>, Problem> {
    let answer = answer.into_known_answer()?;
    let stored = StoredAnswer::new(&answer);
    apply_edit(&state, Edit::Replace { id, answer }).await?;
    Ok(Json(stored))
}

/// Remove an answer
#[utoipa::path(
    delete,
    path = "/answers/{id}",
    params(("id" = String, Path, description = "The id that `/ask` returned")),
    responses(
        (status = 204),
        (status = 403, body = ErrorResponse, description = "This server is read-only"),
        (status = 404, body = ErrorResponse, description = "No answer has this id"),
        (status = 409, body = ErrorResponse, description = "It is the only answer, or the model was exported without answers"),
        CommonErrors
    ),
    security(("token" = []))
)]
pub(super) async fn remove(
    extract::State(state): extract::State<Arc<State>>,
    AnswerId(id): AnswerId,
) -> Result<StatusCode, Problem> {
    apply_edit(&state, Edit::Remove { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn apply_edit(state: &Arc<State>, edit: Edit) -> Result<(), Problem> {
    state.require_answers()?;
    if state.editor.is_none() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "read_only",
            "this server is read-only; start it with a token (NEARSAY_TOKEN) and without --read-only",
        ));
    }
    let apply = move |state: &State| match &state.editor {
        Some(editor) => editor.apply(&state.live, &edit),
        None => Ok(()),
    };
    run_blocking(state, apply).await
}

/// Runs work that takes time proportional to the number of answers off the connection thread.
async fn run_blocking<T: Send + 'static>(
    state: &Arc<State>,
    work: impl FnOnce(&State) -> Result<T, ServableError> + Send + 'static,
) -> Result<T, Problem> {
    let permit = Arc::clone(&state.edits)
        .try_acquire_owned()
        .map_err(|_| Problem::overloaded())?;
    let state = Arc::clone(state);
    let result = tokio::task::spawn_blocking(move || {
        let result = work(&state);
        drop(permit);
        result
    });
    let result = result.await.map_err(|error| {
        tracing::error!("an edit failed: {error}");
        Problem::internal()
    })?;
    Ok(result?)
}
