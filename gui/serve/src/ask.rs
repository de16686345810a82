//! `POST /ask`: the best answers to a question.

use super::{
    State,
    body::JsonBody,
    limits,
    problem::{CommonErrors, ErrorResponse, Problem},
};
use axum::{Json, extract};
use nearsay::{
    answer_index::Level,
    servable::{AnswerHit, Servable},
};
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskRequest {
    #[schema(example = "my daughter lost her card, what now")]
    question: String,
    /// Maximum number of answers.
    #[serde(default = "default_k")]
    #[schema(default = 3, minimum = 1, maximum = 100)]
    k: usize,
}

fn default_k() -> usize {
    3
}

/// The answers to a question, best first.
#[derive(Serialize, ToSchema)]
pub(super) struct AskResponse {
    question: String,
    answers: Vec<Answer>,
    /// Whether the first answer is sure: its probability is at least 0.8, or the question is known.
    sure: bool,
    /// Level of the first answer: “unsure” (better left unanswered), “likely”, “sure” or “known”.
    level: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Answer {
    /// Id for edits, derived from the answer text.
    id: String,
    answer: String,
    /// The matched paraphrase; null if the answer text itself matched best.
    #[schema(required)]
    #[serde(rename = "wording")]
    paraphrase: Option<String>,
    /// Hybrid score, the sum of `meaning` and `words`.
    score: f32,
    /// Cosine similarity of the vectors.
    meaning: f32,
    /// Weighted keyword (BM25) score; 0 without keyword search.
    words: f32,
    /// Calibrated probability that the answer is right; null if the model is not calibrated.
    #[schema(required)]
    probability: Option<f32>,
    /// Whether the answer is sure: its probability is at least 0.8, or the question is known.
    sure: bool,
    /// Level of the answer: “unsure” (better left unanswered), “likely”, “sure” or “known”.
    level: &'static str,
    /// Topic or section of the FAQ; null if unknown.
    #[schema(required)]
    source: Option<String>,
}

impl Answer {
    fn new(found: &AnswerHit<'_>) -> Self {
        Self {
            id: found.answer.id(),
            answer: found.answer.answer.clone(),
            paraphrase: found.paraphrase.map(str::to_owned),
            score: found.score,
            meaning: found.dense_score,
            words: found.keyword_score,
            probability: found.probability,
            sure: found.sure,
            level: found.level.name(),
            source: found.answer.source.clone(),
        }
    }
}

/// Ask a question
///
/// Ranks answers by the similarity of the question to their text and paraphrases.
#[utoipa::path(
    post,
    path = "/ask",
    request_body = AskRequest,
    responses(
        (status = 200, body = AskResponse),
        (status = 409, body = ErrorResponse, description = "The model was exported without answers"),
        CommonErrors
    )
)]
pub(super) async fn ask(
    extract::State(state): extract::State<Arc<State>>,
    JsonBody(AskRequest { question, k }): JsonBody<AskRequest>,
) -> Result<Json<AskResponse>, Problem> {
    state.require_answers()?;
    if question.trim().is_empty() {
        return Err(Problem::bad_request("the question is empty"));
    }
    if !(1..=limits::ANSWERS).contains(&k) {
        let max = limits::ANSWERS;
        return Err(Problem::bad_request(format!(
            "“k” must be from 1 to {max}, not {k}"
        )));
    }
    limits::check_texts(std::iter::once(question.as_str()))?;
    let search = move |model: &Servable, texts: Vec<String>, vectors: Matrix| {
        let question = texts.into_iter().next().unwrap_or_default();
        let found = model.ask_encoded(&question, vectors.row(0), k);
        Ok(AskResponse {
            sure: found.first().is_some_and(|best| best.sure),
            level: found
                .first()
                .map_or(Level::Unsure, |best| best.level)
                .name(),
            answers: found.iter().map(Answer::new).collect(),
            question,
        })
    };
    state.queue.encode_one(question, search).await.map(Json)
}
