//! Qdrant's REST API over HTTP: one call at a time, tried again when the server is busy or away.

use nearsay_message::UserError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{thread, time::Duration};
use ureq::{Agent, http::Request};

/// Waits before a call is tried again, in milliseconds.
const WAITS_MS: [u64; 5] = [250, 500, 1_000, 2_000, 4_000];
/// A call takes longer only when something hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest answer that is read.
const LIMIT: u64 = 64 << 20;

pub struct Server {
    agent: Agent,
    url: String,
    key: Option<String>,
}

/// How a call failed.
enum Failure {
    /// It may go well a moment later.
    Passing(String),
    Lasting(UserError),
}

impl Server {
    pub fn new(url: &str, key: Option<String>) -> Result<Self, UserError> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(UserError::new(
                format_args!("“{url}” is no address of a server"),
                "It begins with http:// or https://, for example http://localhost:6333.",
            ));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // A key goes to the server that was named, and to no other.
            .max_redirects(0)
            .max_redirects_will_error(false);
        Ok(Self {
            agent: config.build().into(),
            url: url.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// The result of a call; none when what it is about is not there.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>, UserError> {
        let mut waits = WAITS_MS.iter();
        loop {
            let why = match self.once(method, path, body) {
                Ok(result) => return Ok(result),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(why)) => why,
            };
            let Some(wait) = waits.next() else {
                return Err(UserError::new(
                    format_args!("{} does not answer ({why})", self.url),
                    "Is Qdrant running there? Once it is, do the same again: it goes on where it stopped.",
                ));
            };
            thread::sleep(Duration::from_millis(*wait));
        }
    }

    fn once(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("api-key", key);
        }
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::Lasting(UserError::new(
                format_args!("{} cannot be asked ({why})", self.url),
                "Check the address and the key.",
            ))
        };
        let request = request.body(body).map_err(|error| wrong(&error))?;
        let mut response = self.agent.run(request).map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::Tls(_) => wrong(&error),
            error => Failure::Passing(error.to_string()),
        })?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(LIMIT)
            .read_to_string();
        let text = text.map_err(|error| Failure::Passing(error.to_string()))?;
        match status {
            200..=299 => match serde_json::from_str::<Value>(&text) {
                Ok(mut answer) if answer.get("result").is_some() => {
                    Ok(Some(answer["result"].take()))
                }
                _ => Err(Failure::Lasting(not_qdrant(&self.url))),
            },
            404 => Ok(None),
            401 | 403 => Err(Failure::Lasting(UserError::new(
                format_args!("{} refuses the key, or needs one", self.url),
                "Set the environment variable QDRANT_API_KEY to a key that may do this.",
            ))),
            408 | 429 | 500..=599 => Err(Failure::Passing(format!("status {status}"))),
            _ => Err(Failure::Lasting(
                UserError::new(
                    format_args!("{} refuses {method} {path} (status {status})", self.url),
                    "Is it Qdrant 1.10 or newer?",
                )
                .with_detail(text),
            )),
        }
    }
}

/// A result in the shape it should have.
pub fn read<T: DeserializeOwned>(result: Value) -> Result<T, UserError> {
    serde_json::from_value(result).map_err(|error| {
        UserError::new(
            format_args!("the collection holds points that Nearsay did not put there ({error})"),
            "Use a collection of its own: “--collection NAME”.",
        )
    })
}

fn not_qdrant(url: &str) -> UserError {
    UserError::new(
        format_args!("{url} answers, but not as Qdrant does"),
        "Check the address; Qdrant's REST API is usually on port 6333.",
    )
}

#[cfg(test)]
mod tests;
