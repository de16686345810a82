//! Errors as users read them.

mod from;

use serde::{Deserialize, Serialize};
use std::fmt;

/// An error with its remedy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserError {
    /// What happened and where.
    #[serde(alias = "what")]
    pub message: String,
    /// What to do next; empty when `message` includes it.
    #[serde(alias = "fix")]
    pub remedy: String,
    /// Technical details; the app shows them on request.
    #[serde(default)]
    pub detail: String,
}

impl UserError {
    pub fn new(message: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            remedy: remedy.to_string(),
            detail: String::new(),
        }
    }

    /// Adds technical details.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Message, remedy and details as text for a bug report.
    #[must_use]
    pub fn report(&self) -> String {
        [
            self.message.as_str(),
            self.remedy.as_str(),
            self.detail.as_str(),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
    }

    /// Prefixes the message with a file name.
    #[must_use]
    pub fn about(self, file: &std::path::Path) -> Self {
        Self {
            message: format!("{}: {}", file.display(), self.message),
            ..self
        }
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "\n{}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}
