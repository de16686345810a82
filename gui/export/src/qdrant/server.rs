//! Calls to Qdrant's REST API, retried while the server is busy or unreachable.

use crate::QdrantError;
use serde_json::Value;
use std::{thread, time::Duration};
use ureq::{Agent, http::Request};

/// Delays between attempts, in milliseconds.
const RETRY_DELAYS_MS: [u64; 5] = [250, 500, 1_000, 2_000, 4_000];
/// Limit of one attempt.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Largest response body, in bytes.
const MAX_BODY: u64 = 64 << 20;

pub struct Server {
    agent: Agent,
    url: String,
    key: Option<String>,
}

enum CallError {
    /// A retry may succeed.
    Transient(String),
    Permanent(QdrantError),
}

impl Server {
    pub fn new(url: &str, key: Option<String>) -> Result<Self, QdrantError> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(QdrantError::Address {
                url: url.to_owned(),
            });
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // A redirect would send the API key to another server.
            .max_redirects(0)
            .max_redirects_will_error(false);
        Ok(Self {
            agent: config.build().into(),
            url: url.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Calls an endpoint and returns its result. `None` for status 404.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Option<Value>, QdrantError> {
        let mut delays = RETRY_DELAYS_MS.iter();
        loop {
            let reason = match self.call_once(method, path, body) {
                Ok(result) => return Ok(result),
                Err(CallError::Permanent(error)) => return Err(error),
                Err(CallError::Transient(reason)) => reason,
            };
            let Some(delay) = delays.next() else {
                return Err(QdrantError::Unreachable {
                    url: self.url.clone(),
                    reason,
                });
            };
            tracing::info!("{method} {path} failed ({reason}); retrying in {delay} ms");
            thread::sleep(Duration::from_millis(*delay));
        }
    }

    fn call_once(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Option<Value>, CallError> {
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
        let request_error = |error: &dyn std::fmt::Display| {
            CallError::Permanent(QdrantError::Request {
                url: self.url.clone(),
                reason: error.to_string(),
            })
        };
        let request = request.body(body).map_err(|error| request_error(&error))?;
        let mut response = self.agent.run(request).map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::Tls(_) => {
                request_error(&error)
            }
            error => CallError::Transient(error.to_string()),
        })?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_string();
        let text = text.map_err(|error| CallError::Transient(error.to_string()))?;
        match status {
            200..=299 => match serde_json::from_str::<Value>(&text) {
                Ok(mut answer) if answer.get("result").is_some() => {
                    Ok(Some(answer["result"].take()))
                }
                _ => Err(CallError::Permanent(QdrantError::NotQdrant {
                    url: self.url.clone(),
                })),
            },
            404 => Ok(None),
            401 | 403 => Err(CallError::Permanent(QdrantError::Unauthorized {
                url: self.url.clone(),
            })),
            408 | 429 | 500..=599 => Err(CallError::Transient(format!("status {status}"))),
            _ => Err(CallError::Permanent(QdrantError::Rejected {
                url: self.url.clone(),
                method: method.to_owned(),
                path: path.to_owned(),
                status,
                body: text,
            })),
        }
    }
}

#[cfg(test)]
mod tests;
