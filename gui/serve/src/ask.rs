//! `POST /ask`: the best answers to a question.

use super::{
    State,
    body::Body,
    limits,
    problem::{Failure, Problem, Refused},
};
use axum::{Json, extract};
use nearsay::servable::{AnswerHit, Servable};
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// What somebody wants to know.
    #[schema(example = "my daughter lost her card, what now")]
    question: String,
    /// How many answers to give.
    #[serde(default = "usual")]
    #[schema(default = 3, minimum = 1, maximum = 100)]
    k: usize,
}

fn usual() -> usize {
    3
}

/// The answers to a question, the best first.
#[derive(Serialize, ToSchema)]
pub(super) struct Asked {
    question: String,
    answers: Vec<Answer>,
    /// Whether the first answer is sure enough to be given without a warning.
    sure: bool,
}

#[derive(Serialize, ToSchema)]
struct Answer {
    /// Its name for edits; another one when the answer's text is another.
    id: String,
    answer: String,
    /// The known wording that was nearest; null when the answer itself was.
    #[schema(required)]
    wording: Option<String>,
    /// How near it is: `meaning` and `words` together.
    score: f32,
    /// Cosine similarity.
    meaning: f32,
    /// What the words add that the question shares with the answer and its wordings.
    words: f32,
    /// How probably it is right; null when the folder does not say.
    #[schema(required)]
    probability: Option<f32>,
    /// Whether it is sure enough to be given without a warning.
    sure: bool,
    /// Section of the FAQ; null when it does not say.
    #[schema(required)]
    source: Option<String>,
}

impl Answer {
    fn of(found: &AnswerHit<'_>) -> Self {
        Self {
            id: found.answer.id(),
            answer: found.answer.answer.clone(),
            wording: found.paraphrase.map(str::to_owned),
            score: found.score,
            meaning: found.dense_score,
            words: found.keyword_score,
            probability: found.probability,
            sure: found.sure,
            source: found.answer.source.clone(),
        }
    }
}

/// Ask a question
///
/// Gives the answers whose own text, or one of whose known wordings, is nearest to the question.
#[utoipa::path(
    post,
    path = "/ask",
    request_body = Question,
    responses(
        (status = 200, body = Asked),
        (status = 409, body = Failure, description = "The folder holds a model without answers"),
        Refused
    )
)]
pub(super) async fn ask(
    extract::State(state): extract::State<Arc<State>>,
    Body(Question { question, k }): Body<Question>,
) -> Result<Json<Asked>, Problem> {
    state.needs_answers()?;
    if question.trim().is_empty() {
        return Err(Problem::bad("the question is empty"));
    }
    if !(1..=limits::ANSWERS).contains(&k) {
        let most = limits::ANSWERS;
        return Err(Problem::bad(format!(
            "“k” must be from 1 to {most}, not {k}"
        )));
    }
    limits::check(std::iter::once(question.as_str()))?;
    let answer = move |model: &Servable, texts: Vec<String>, vectors: Matrix| {
        let question = texts.into_iter().next().unwrap_or_default();
        let found = model.ask_encoded(&question, vectors.row(0), k);
        Ok(Asked {
            sure: found.first().is_some_and(|best| best.sure),
            answers: found.iter().map(Answer::of).collect(),
            question,
        })
    };
    state.queue.one(question, answer).await.map(Json)
}
