//! `POST /v1/embeddings` and `GET /v1/models`, compatible with OpenAI's API.

use super::{
    State,
    body::JsonBody,
    encode, limits,
    problem::{CommonErrors, ErrorResponse, Problem},
};
use axum::{Json, extract, http::StatusCode};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nearsay::servable::Servable;
use nearsay_core::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Texts to encode. Other fields of OpenAI's API are ignored.
#[derive(Deserialize, ToSchema)]
pub(super) struct EmbeddingsRequest {
    input: Input,
    /// The name from `/v1/models`.
    model: Option<String>,
    #[serde(default)]
    encoding_format: Format,
    /// Must be the model's own dimensions, if present.
    dimensions: Option<usize>,
}

/// A text or a list of at most 2048 texts; token ids are not supported.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    Other(Vec<serde_json::Value>),
}

/// Encoding of a vector.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// List of numbers.
    #[default]
    Float,
    /// Little-endian f32 in base64.
    Base64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct EmbeddingsResponse {
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
    /// Position of the text in the request, from 0.
    index: usize,
    embedding: Vector,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Token counts of all texts.
#[derive(Serialize, ToSchema)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Encode texts as vectors (OpenAI-compatible)
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    request_body = EmbeddingsRequest,
    responses((status = 200, body = EmbeddingsResponse), (status = 404, body = ErrorResponse), CommonErrors)
)]
pub(super) async fn embeddings(
    extract::State(state): extract::State<Arc<State>>,
    JsonBody(request): JsonBody<EmbeddingsRequest>,
) -> Result<Json<EmbeddingsResponse>, Problem> {
    let name = state.model_name.clone();
    if let Some(other) = request.model.filter(|model| *model != name) {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            format!("this server has no model “{other}”; it has “{name}”"),
        ));
    }
    let dim = state.live.get().model().dim();
    if let Some(other) = request.dimensions.filter(|dimensions| *dimensions != dim) {
        return Err(Problem::bad_request(format!(
            "this model's vectors have {dim} dimensions and cannot have {other}"
        )));
    }
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
        Input::Other(values) => {
            let first = values.first().map(ToString::to_string).unwrap_or_default();
            return Err(Problem::bad_request(format!(
                "“input” must be a text or a list of texts, not of values like {first}; tokens by number are not \
                 supported"
            )));
        }
    };
    limits::check_texts(texts.iter().map(String::as_str))?;
    let count_and_collect = |model: &Servable, texts: Vec<String>, vectors: Matrix| {
        let tokens = texts.iter().map(|text| model.model().tokens(text));
        let tokens = tokens.sum::<Result<usize, _>>()?;
        Ok((tokens, encode::to_rows(&vectors)))
    };
    let chunks = state.queue.encode_many(texts, count_and_collect).await?;
    let tokens = chunks.iter().map(|(tokens, _)| tokens).sum();
    let rows = chunks.into_iter().flat_map(|(_, rows)| rows).enumerate();
    let format = request.encoding_format;
    Ok(Json(EmbeddingsResponse {
        object: "list",
        data: rows
            .map(|(index, row)| encode_embedding(index, row, format))
            .collect(),
        model: name,
        usage: Usage {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    }))
}

fn encode_embedding(index: usize, row: Vec<f32>, format: Format) -> Embedding {
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
pub(super) struct ModelsResponse {
    /// `list`.
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, ToSchema)]
struct Model {
    /// Name of the model directory.
    id: String,
    /// `model`.
    object: &'static str,
    /// When the model was written, in seconds since 1970.
    created: u64,
    /// `nearsay`.
    owned_by: &'static str,
}

/// List the model
#[utoipa::path(get, path = "/v1/models", responses((status = 200, body = ModelsResponse), CommonErrors))]
pub(super) async fn models(
    extract::State(state): extract::State<Arc<State>>,
) -> Json<ModelsResponse> {
    let model = Model {
        id: state.model_name.clone(),
        object: "model",
        created: state.created,
        owned_by: "nearsay",
    };
    Json(ModelsResponse {
        object: "list",
        data: vec![model],
    })
}
