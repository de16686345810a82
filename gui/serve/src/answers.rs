//! `/answers`: reading, adding, replacing and removing single answers while the server runs.
//!
//! An edit is in the folder's journal, synced, before it is answered; see [`Journal`]. Edits are made
//! one after the other, beside the asking, which goes on with the answers as they were.

use super::{
    State,
    body::Body,
    limits,
    problem::{Failure, Problem, Refused},
    work::Live,
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

/// The right to edit.
pub(super) struct Editor(Mutex<Journal<'static>>);

impl Editor {
    pub(super) fn new(journal: Journal<'static>) -> Self {
        Self(Mutex::new(journal))
    }

    /// Writes what was edited into the folder's own files.
    pub(super) fn fold(&self, live: &Live) -> Result<(), ServableError> {
        let mut journal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        journal.fold(&live.get())
    }

    fn make(&self, live: &Live, edit: &Edit) -> Result<(), ServableError> {
        let mut journal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let edited = live.get().edited(std::slice::from_ref(edit))?;
        journal.append(edit)?;
        live.set(edited);
        Ok(())
    }
}

/// An answer as it is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAnswer {
    answer: String,
    /// Ways to ask for it.
    #[serde(default)]
    #[schema(max_items = 2047)]
    wordings: Vec<String>,
    /// Section of the FAQ.
    source: Option<String>,
}

impl NewAnswer {
    fn known(self) -> Result<KnownAnswer, Problem> {
        let texts = std::iter::once(&self.answer).chain(&self.wordings);
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(EditError::Blank.into());
        }
        limits::check(texts.into_iter())?;
        Ok(KnownAnswer {
            answer: self.answer,
            questions: self.wordings,
            row: 0, // of no file
            source: self.source,
        })
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        ServableError::from(error).into()
    }
}

/// An answer as it is kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Kept {
    /// Its name for edits: 16 digits that follow from its text, so that they are the same in every copy
    /// of the folder, and others once the text is another.
    id: String,
    answer: String,
    wordings: Vec<String>,
    #[schema(required)]
    source: Option<String>,
}

impl Kept {
    fn of(answer: &KnownAnswer) -> Self {
        Self {
            id: answer.id(),
            answer: answer.answer.clone(),
            wordings: answer.questions.clone(),
            source: answer.source.clone(),
        }
    }
}

/// The id in an endpoint's path.
pub(super) struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        let Path(id) = path.map_err(|_| Problem::bad("this is no answer's id"))?;
        Ok(Self(id))
    }
}

/// Read an answer
#[utoipa::path(
    get,
    path = "/answers/{id}",
    params(("id" = String, Path, description = "As `/ask` gave it")),
    responses(
        (status = 200, body = Kept),
        (status = 404, body = Failure, description = "No answer has this id, any more"),
        (status = 409, body = Failure, description = "The folder holds a model without answers"),
        Refused
    )
)]
pub(super) async fn read(
    extract::State(state): extract::State<Arc<State>>,
    Id(id): Id,
) -> Result<Json<Kept>, Problem> {
    state.needs_answers()?;
    let find = move |state: &State| {
        let model = state.live.get();
        let number = model.number_of(&id);
        let answer = number.and_then(|number| model.answers().get(number));
        answer.map(Kept::of).ok_or(EditError::Unknown { id }.into())
    };
    beside(&state, find).await.map(Json)
}

/// Add an answer
///
/// It is in the folder, and found by the next question, when the reply comes.
#[utoipa::path(
    post,
    path = "/answers",
    request_body = NewAnswer,
    responses(
        (status = 201, body = Kept, headers(("location" = String))),
        (status = 403, body = Failure, description = "This server takes no edits"),
        (status = 409, body = Failure, description = "This answer is there already, or the folder holds a model without answers"),
        Refused
    ),
    security(("token" = []))
)]
pub(super) async fn add(
    extract::State(state): extract::State<Arc<State>>,
    Body(answer): Body<NewAnswer>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Kept>), Problem> {
    let answer = answer.known()?;
    let kept = Kept::of(&answer);
    edit(&state, Edit::Add(answer)).await?;
    let place = [(header::LOCATION, format!("/answers/{}", kept.id))];
    Ok((StatusCode::CREATED, place, Json(kept)))
}

/// Replace an answer
///
/// The answer that is sent stands in its place; the reply says its new id if its text is another.
#[utoipa::path(
    put,
    path = "/answers/{id}",
    request_body = NewAnswer,
    params(("id" = String, Path, description = "As `/ask` gave it")),
    responses(
        (status = 200, body = Kept),
        (status = 403, body = Failure, description = "This server takes no edits"),
        (status = 404, body = Failure, description = "No answer has this id, any more"),
        (status = 409, body = Failure, description = "Another answer has this text already, or the folder holds a model without answers"),
        Refused
    ),
    security(("token" = []))
)]
pub(super) async fn replace(
    extract::State(state): extract::State<Arc<State>>,
    Id(id): Id,
    Body(answer): Body<NewAnswer>,
) -> Result<Json<Kept>, Problem> {
    let answer = answer.known()?;
    let kept = Kept::of(&answer);
    edit(&state, Edit::Replace { id, answer }).await?;
    Ok(Json(kept))
}

/// Remove an answer
#[utoipa::path(
    delete,
    path = "/answers/{id}",
    params(("id" = String, Path, description = "As `/ask` gave it")),
    responses(
        (status = 204),
        (status = 403, body = Failure, description = "This server takes no edits"),
        (status = 404, body = Failure, description = "No answer has this id, any more"),
        (status = 409, body = Failure, description = "It is the only answer, or the folder holds a model without answers"),
        Refused
    ),
    security(("token" = []))
)]
pub(super) async fn remove(
    extract::State(state): extract::State<Arc<State>>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    edit(&state, Edit::Remove { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn edit(state: &Arc<State>, edit: Edit) -> Result<(), Problem> {
    state.needs_answers()?;
    if state.editor.is_none() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "read_only",
            "this server takes no edits; start it with a token (NEARSAY_TOKEN) and without --read-only",
        ));
    }
    let make = move |state: &State| match &state.editor {
        Some(editor) => editor.make(&state.live, &edit),
        None => Ok(()),
    };
    beside(state, make).await
}

/// Does something that takes time in the number of answers, beside the requests.
async fn beside<T: Send + 'static>(
    state: &Arc<State>,
    work: impl FnOnce(&State) -> Result<T, ServableError> + Send + 'static,
) -> Result<T, Problem> {
    let room = Arc::clone(&state.edits).try_acquire_owned();
    let room = room.map_err(|_| Problem::overloaded())?;
    let state = Arc::clone(state);
    let work = move || {
        let done = work(&state);
        drop(room);
        done
    };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Problem::internal())??)
}
