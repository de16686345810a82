//! `POST /v1/embeddings` and `GET /v1/models`, as clients of OpenAI's API know them.

use super::{
    State,
    body::Body,
    encode, limits,
    problem::{Failure, Problem, Refused},
};
use axum::{Json, extract, http::StatusCode};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What to encode. Fields that are not listed are passed over.
#[derive(Deserialize, ToSchema)]
pub(super) struct EmbeddingsRequest {
    input: Input,
    /// The model's name, as `/v1/models` says it.
    model: Option<String>,
    #[serde(default)]
    encoding_format: Format,
    /// Length of a vector; only the model's own.
    dimensions: Option<usize>,
}

/// A text or a list of them, at most 2048; tokens by number are not taken.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    Other(Vec<serde_json::Value>),
}

/// How a vector is written.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// As a list of numbers.
    #[default]
    Float,
    /// As its 32-bit numbers, little-endian, in base64.
    Base64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Embeddings {
    /// `list`.
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

#[derive(Serialize, ToSchema)]
struct Embedding {
    /// `embedding`.
    object: &'static str,
    /// Number of the text, from 0.
    index: usize,
    embedding: Vector,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Tokens of all texts.
#[derive(Serialize, ToSchema)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Turn texts into vectors, by OpenAI's API
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    request_body = EmbeddingsRequest,
    responses((status = 200, body = Embeddings), (status = 404, body = Failure), Refused)
)]
pub(super) async fn embeddings(
    extract::State(state): extract::State<Arc<State>>,
    Body(request): Body<EmbeddingsRequest>,
) -> Result<Json<Embeddings>, Problem> {
    let name = state.name.clone();
    if let Some(other) = request.model.filter(|model| *model != name) {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            format!("this server has no model “{other}”; it has “{name}”"),
        ));
    }
    let dim = state.live.get().model().dim();
    if let Some(other) = request.dimensions.filter(|dimensions| *dimensions != dim) {
        return Err(Problem::bad(format!(
            "this model's vectors have {dim} dimensions and cannot have {other}"
        )));
    }
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
        Input::Other(values) => {
            let first = values.first().map(ToString::to_string).unwrap_or_default();
            return Err(Problem::bad(format!(
                "“input” must be a text or a list of texts, not of things like {first}; tokens by number \
                 are another model's"
            )));
        }
    };
    limits::check(texts.iter().map(String::as_str))?;
    let give = |model: &Servable, texts: Vec<String>, vectors: Matrix| {
        let tokens = texts.iter().map(|text| model.model().tokens(text));
        let tokens = tokens.sum::<Result<usize, _>>()?;
        Ok((tokens, encode::rows(&vectors)))
    };
    let pieces = state.queue.many(texts, give).await?;
    let tokens = pieces.iter().map(|(tokens, _)| tokens).sum();
    let rows = pieces.into_iter().flat_map(|(_, rows)| rows).enumerate();
    let format = request.encoding_format;
    Ok(Json(Embeddings {
        object: "list",
        data: rows
            .map(|(index, row)| embedding(index, row, format))
            .collect(),
        model: name,
        usage: Usage {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    }))
}

fn embedding(index: usize, row: Vec<f32>, format: Format) -> Embedding {
    let embedding = match format {
        Format::Float => Vector::Numbers(row),
        Format::Base64 => {
            let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            Vector::Base64(BASE64_STANDARD.encode(bytes))
        }
    };
    Embedding {
        object: "embedding",
        index,
        embedding,
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Models {
    /// `list`.
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, ToSchema)]
struct Model {
    /// Its name: that of its folder.
    id: String,
    /// `model`.
    object: &'static str,
    /// When its folder was written, in seconds since 1970.
    created: u64,
    /// `nearsay`.
    owned_by: &'static str,
}

/// The model there is
#[utoipa::path(get, path = "/v1/models", responses((status = 200, body = Models), Refused))]
pub(super) async fn models(extract::State(state): extract::State<Arc<State>>) -> Json<Models> {
    let model = Model {
        id: state.name.clone(),
        object: "model",
        created: state.created,
        owned_by: "nearsay",
    };
    Json(Models {
        object: "list",
        data: vec![model],
    })
}
