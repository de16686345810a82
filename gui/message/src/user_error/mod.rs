//! Errors as people meet them: what happened, and what to do next.

mod from;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that went wrong, in plain words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserError {
    /// What happened and where.
    #[serde(alias = "what")]
    pub message: String,
    /// What to do next; empty when `message` includes it.
    #[serde(alias = "fix")]
    pub remedy: String,
    /// Technical details: folded away, copied on request.
    #[serde(default)]
    pub detail: String,
}

impl UserError {
    /// UserError of these words.
    pub fn new(message: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            remedy: remedy.to_string(),
            detail: String::new(),
        }
    }

    /// The same trouble with details for a report.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// All of it, as text to paste into a mail.
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

    /// The same trouble, with the file it is about in front.
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
