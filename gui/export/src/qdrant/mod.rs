//! Qdrant export and search, through Qdrant's REST API.
//!
//! An interrupted export can be repeated: ids are derived from the texts, points of this model are skipped, and
//! points of earlier Nearsay models are deleted at the end. Points of other programs stay.

mod server;

use super::{QdrantError, texts::Text};
use nearsay::servable::Servable;
use nearsay_search::index::Hit;
use serde::Deserialize;
use serde_json::{Value, json};
use server::Server;
use std::collections::HashSet;

/// Points per request: 256 vectors of 384 dimensions are about a megabyte.
const BATCH_SIZE: usize = 256;

/// Payload field with the fingerprint of the model that made the vector.
const MODEL_FIELD: &str = "nearsay_model";

#[derive(Clone)]
pub struct QdrantOptions {
    /// Default: "faq".
    pub collection: String,
    /// API key. Default: the environment variable QDRANT_API_KEY, if it is set.
    pub api_key: Option<String>,
}

impl Default for QdrantOptions {
    fn default() -> Self {
        Self {
            collection: "faq".to_owned(),
            api_key: None,
        }
    }
}

// The key must not appear in logs.
impl std::fmt::Debug for QdrantOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QdrantOptions")
            .field("collection", &self.collection)
            .finish_non_exhaustive()
    }
}

struct Collection {
    server: Server,
    path: String,
}

/// A text that a search found.
#[derive(Deserialize)]
pub struct QdrantHit {
    /// Cosine similarity.
    pub score: f32,
    pub payload: Payload,
}

impl QdrantHit {
    /// The matching hit of the model's own index, without a keyword score and the number of the text.
    pub fn to_hit(&self, model: &Servable) -> Hit {
        let answer = model
            .answers()
            .iter()
            .position(|known| known.answer == self.payload.answer);
        Hit {
            answer: answer.map_or(u32::MAX, |answer| answer as u32),
            score: self.score,
            vector: u32::MAX,
            meaning: self.score,
            words: 0.0,
        }
    }
}

#[derive(Deserialize)]
pub struct Payload {
    pub text: String,
    pub answer: String,
    pub source: Option<String>,
    pub row: u64,
    #[serde(rename = "nearsay_model")]
    model: String,
}

/// Identifies the vectors of a model by the SHA-256 of their file.
fn fingerprint_of(model: &Servable) -> Result<String, QdrantError> {
    let entry = model.manifest().files.get("answers.safetensors");
    entry
        .map(|entry| entry.sha256.clone())
        .ok_or(QdrantError::NoFingerprint)
}

/// Uploads every text of a model to a collection and creates the collection if it is missing.
pub(crate) fn fill(
    model: &Servable,
    texts: &[Text<'_>],
    url: &str,
    options: &QdrantOptions,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<(), QdrantError> {
    let collection = Collection::new(url, options)?;
    let fingerprint = fingerprint_of(model)?;
    collection.create(model.index().dim())?;
    let mut done = 0;
    for batch in texts.chunks(BATCH_SIZE) {
        collection.upload(batch, &fingerprint)?;
        done += batch.len();
        on_progress(done, texts.len());
    }
    collection.delete_other_models(&fingerprint)
}

/// Searches for the `k` answers most similar to a vector, best first, each by its best text.
///
/// # Errors
/// If the server or the collection can't be used, or the collection holds vectors of another model.
pub fn search(
    model: &Servable,
    vector: &[f32],
    k: usize,
    url: &str,
    options: &QdrantOptions,
) -> Result<Vec<QdrantHit>, QdrantError> {
    #[derive(Deserialize)]
    struct Groups {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        hits: Vec<QdrantHit>,
    }
    let collection = Collection::new(url, options)?;
    let query = json!({
        "query": vector, "group_by": "answer_id", "limit": k, "group_size": 1, "with_payload": true,
    });
    let reply = collection.call("POST", "/points/query/groups", &query)?;
    let Some(reply) = reply else {
        return Err(QdrantError::NoCollection {
            url: url.to_owned(),
            collection: options.collection.clone(),
        });
    };
    let groups: Groups = serde_json::from_value(reply).map_err(QdrantError::ForeignPoints)?;
    let mut hits: Vec<QdrantHit> = groups
        .groups
        .into_iter()
        .flat_map(|group| group.hits)
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    let fingerprint = fingerprint_of(model)?;
    if hits.iter().any(|hit| hit.payload.model != fingerprint) {
        return Err(QdrantError::OtherModel {
            collection: options.collection.clone(),
        });
    }
    Ok(hits)
}

impl Collection {
    fn new(url: &str, options: &QdrantOptions) -> Result<Self, QdrantError> {
        let name = &options.collection;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty()
            || name.len() > 255
            || name.starts_with('.')
            || !name.chars().all(is_allowed)
        {
            return Err(QdrantError::CollectionName { name: name.clone() });
        }
        let key = options
            .api_key
            .clone()
            .or_else(|| std::env::var("QDRANT_API_KEY").ok());
        Ok(Self {
            server: Server::new(url, key)?,
            path: format!("/collections/{name}"),
        })
    }

    /// Calls a path below the collection. `None` if it does not exist.
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>, QdrantError> {
        self.server
            .call(method, &format!("{}{path}", self.path), body)
    }

    /// Like [`call`](Self::call), for a collection known to exist.
    fn change(&self, method: &str, path: &str, body: &Value) -> Result<Value, QdrantError> {
        self.call(method, path, body)?
            .ok_or(QdrantError::CollectionRemoved)
    }

    /// Creates the collection, or checks that an existing one accepts vectors of `dim` dimensions.
    fn create(&self, dim: usize) -> Result<(), QdrantError> {
        let vectors = json!({"size": dim, "distance": "Cosine"});
        match self.call("GET", "", &Value::Null)? {
            Some(found) => {
                let found = &found["config"]["params"]["vectors"];
                if found["size"] != vectors["size"] || found["distance"] != vectors["distance"] {
                    return Err(QdrantError::OtherVectors { dim });
                }
            }
            None => {
                self.change("PUT", "", &json!({"vectors": vectors}))?;
            }
        }
        for field in ["answer_id", MODEL_FIELD] {
            let index = json!({"field_name": field, "field_schema": "keyword"});
            self.change("PUT", "/index?wait=true", &index)?;
        }
        Ok(())
    }

    /// Uploads the texts that the collection lacks.
    fn upload(&self, texts: &[Text<'_>], model: &str) -> Result<(), QdrantError> {
        let ids: Vec<_> = texts.iter().map(|text| text.id).collect();
        let query = json!({"ids": ids, "with_payload": [MODEL_FIELD], "with_vector": false});
        let found = self.change("POST", "/points", &query)?;
        let existing: HashSet<&str> = found
            .as_array()
            .into_iter()
            .flatten()
            .filter(|point| point["payload"][MODEL_FIELD] == model)
            .filter_map(|point| point["id"].as_str())
            .collect();
        let mut points = Vec::new();
        for text in texts {
            if existing.contains(text.id.to_string().as_str()) {
                continue;
            }
            points.push(json!({
                "id": text.id,
                "vector": text.vector,
                "payload": {
                    "answer_id": text.answer_id, "text": text.text, "answer": text.answer,
                    "source": text.source, "row": text.row, MODEL_FIELD: model,
                },
            }));
        }
        if !points.is_empty() {
            self.change("PUT", "/points?wait=true", &json!({"points": points}))?;
        }
        Ok(())
    }

    /// Deletes the points of other Nearsay models.
    fn delete_other_models(&self, model: &str) -> Result<(), QdrantError> {
        let filter = json!({"must_not": [
            {"key": MODEL_FIELD, "match": {"value": model}},
            {"is_empty": {"key": MODEL_FIELD}},
        ]});
        let query = json!({"filter": filter});
        self.change("POST", "/points/delete?wait=true", &query)
            .map(drop)
    }
}
