//! A collection of a Qdrant server: filled with a folder's texts, and searched.
//!
//! Through its REST API ([`server`]). Qdrant's own Rust client speaks gRPC: it would bring an async runtime
//! and some hundred crates into a program that has an HTTP client already.
//!
//! Filling can be stopped and done again at any time: ids are made of the texts, so nothing comes twice; what
//! is there of this model already is passed over; what an earlier model of ours left is taken away at
//! the end. Points of others in the same collection stay as they are.

mod server;

use super::{UserError, texts::Text};
use nearsay::servable::{KnownAnswer, Servable};
use nearsay_message::terminal::Bar;
use nearsay_search::index::Hit;
use serde::Deserialize;
use serde_json::{Value, json};
use server::Server;
use std::collections::HashSet;

/// Points that are sent at once: 256 vectors of 384 numbers are about a megabyte.
const BATCH: usize = 256;

/// In the payload of each of our points: which model its vector is of.
const MODEL: &str = "nearsay_model";

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Qdrant's collection
    #[arg(long, default_value = "faq", value_name = "NAME")]
    collection: String,
    /// Qdrant's key; better in the environment variable QDRANT_API_KEY, which no other user sees
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
}

/// A collection on a server.
struct Collection {
    server: Server,
    path: String,
}

/// What a search gives for each text that was found.
#[derive(Deserialize)]
pub struct Near {
    pub score: f32,
    pub payload: Payload,
}

impl Near {
    /// As the folder's own index would have it, but that a server knows nothing of words and does not say which
    /// text it is.
    pub fn hit(&self, model: &Servable) -> Hit {
        let is_it = |known: &KnownAnswer| known.answer == self.payload.answer;
        let answer = model.answers().iter().position(is_it);
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

/// What a model's vectors go by.
fn fingerprint(model: &Servable) -> Result<String, UserError> {
    let entry = model.manifest().files.get("answers.safetensors");
    entry.map(|entry| entry.sha256.clone()).ok_or_else(|| {
        UserError::new(
            "the folder does not list the vectors of its answers",
            "Train again.",
        )
    })
}

/// Puts every text of a folder into a collection, which is made if there is none.
pub fn fill(
    model: &Servable,
    texts: &[Text<'_>],
    url: &str,
    options: &Options,
    quiet: bool,
) -> Result<(), UserError> {
    let collection = Collection::of(url, options)?;
    let fingerprint = fingerprint(model)?;
    collection.make(model.index().dim())?;
    let bar = Bar::new("Sending texts", quiet);
    let mut done = 0;
    for batch in texts.chunks(BATCH) {
        collection.put(batch, &fingerprint)?;
        done += batch.len();
        bar.show(done as u64, texts.len() as u64);
    }
    collection.remove_others(&fingerprint)
}

/// The `k` answers nearest to a vector, nearest first, each by the best of its texts.
pub fn search(
    model: &Servable,
    vector: &[f32],
    k: usize,
    url: &str,
    options: &Options,
) -> Result<Vec<Near>, UserError> {
    #[derive(Deserialize)]
    struct Found {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        hits: Vec<Near>,
    }
    let collection = Collection::of(url, options)?;
    let asked = json!({
        "query": vector, "group_by": "answer_id", "limit": k, "group_size": 1, "with_payload": true,
    });
    let found = collection.call("POST", "/points/query/groups", &asked)?;
    let Some(found) = found else {
        return Err(UserError::new(
            format_args!("{url} has no collection “{}”", options.collection),
            "Fill it with “nearsay export DIR --to qdrant URL”.",
        ));
    };
    let found: Found = server::read(found)?;
    let mut near: Vec<Near> = found
        .groups
        .into_iter()
        .flat_map(|group| group.hits)
        .collect();
    near.sort_by(|a, b| b.score.total_cmp(&a.score));
    let fingerprint = fingerprint(model)?;
    match near.iter().find(|near| near.payload.model != fingerprint) {
        Some(_) => Err(UserError::new(
            format_args!(
                "the collection “{}” holds vectors of another model than this folder's",
                options.collection
            ),
            "Fill it from this folder with “nearsay export DIR --to qdrant URL”.",
        )),
        None => Ok(near),
    }
}

impl Collection {
    fn of(url: &str, options: &Options) -> Result<Self, UserError> {
        let name = &options.collection;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || name.len() > 255 || !name.chars().all(fits) || name.starts_with('.') {
            return Err(UserError::new(
                format_args!("“{name}” cannot be a collection's name"),
                "Use letters, digits, “_” and “-”.",
            ));
        }
        let key = options.api_key.clone();
        let key = key.or_else(|| std::env::var("QDRANT_API_KEY").ok());
        Ok(Self {
            server: Server::new(url, key)?,
            path: format!("/collections/{name}"),
        })
    }

    /// The result of a call below the collection; none when something of it is not there.
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>, UserError> {
        self.server
            .call(method, &format!("{}{path}", self.path), body)
    }

    /// As [`call`](Self::call), where the collection was there a moment ago.
    fn change(&self, method: &str, path: &str, body: &Value) -> Result<Value, UserError> {
        self.call(method, path, body)?.ok_or_else(|| {
            UserError::new(
                "the collection was removed while it was being filled",
                "Do it again, once nobody else is at it.",
            )
        })
    }

    /// Makes the collection, or checks that the one that is there takes these vectors.
    fn make(&self, dim: usize) -> Result<(), UserError> {
        let vectors = json!({"size": dim, "distance": "Cosine"});
        match self.call("GET", "", &Value::Null)? {
            Some(found) => {
                let found = &found["config"]["params"]["vectors"];
                if found["size"] != vectors["size"] || found["distance"] != vectors["distance"] {
                    return Err(UserError::new(
                        format_args!(
                            "the collection is there already, but not for {dim} numbers a vector \
                             and cosine similarity"
                        ),
                        "Name another one with “--collection NAME”.",
                    ));
                }
            }
            None => {
                self.change("PUT", "", &json!({"vectors": vectors}))?;
            }
        }
        for field in ["answer_id", MODEL] {
            let index = json!({"field_name": field, "field_schema": "keyword"});
            self.change("PUT", "/index?wait=true", &index)?;
        }
        Ok(())
    }

    /// Sends those of some texts that are not there yet.
    fn put(&self, texts: &[Text<'_>], model: &str) -> Result<(), UserError> {
        let ids: Vec<_> = texts.iter().map(|text| text.id).collect();
        let asked = json!({"ids": ids, "with_payload": [MODEL], "with_vector": false});
        let found = self.change("POST", "/points", &asked)?;
        let there: HashSet<&str> = found
            .as_array()
            .into_iter()
            .flatten()
            .filter(|point| point["payload"][MODEL] == model)
            .filter_map(|point| point["id"].as_str())
            .collect();
        let mut points = Vec::new();
        for text in texts {
            if there.contains(text.id.to_string().as_str()) {
                continue;
            }
            points.push(json!({
                "id": text.id,
                "vector": text.vector,
                "payload": {
                    "answer_id": text.answer_id, "text": text.text, "answer": text.answer,
                    "source": text.source, "row": text.row, MODEL: model,
                },
            }));
        }
        if !points.is_empty() {
            self.change("PUT", "/points?wait=true", &json!({"points": points}))?;
        }
        Ok(())
    }

    /// Takes away what other models of ours left.
    fn remove_others(&self, model: &str) -> Result<(), UserError> {
        let filter = json!({"must_not": [
            {"key": MODEL, "match": {"value": model}},
            {"is_empty": {"key": MODEL}},
        ]});
        let asked = json!({"filter": filter});
        self.change("POST", "/points/delete?wait=true", &asked)
            .map(drop)
    }
}
