//! Errors as people meet them: what happened, and what to do next.

mod from;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that went wrong, in plain words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserError {
    /// What happened and where.
    pub what: String,
    /// What to do next; empty when `what` says it.
    pub fix: String,
    /// Technical details: folded away, copied on request.
    #[serde(default)]
    pub detail: String,
}

impl UserError {
    /// UserError of these words.
    pub fn new(what: impl fmt::Display, fix: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            fix: fix.to_string(),
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
        [self.what.as_str(), self.fix.as_str(), self.detail.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    /// The same trouble, with the file it is about in front.
    #[must_use]
    pub fn about(self, file: &std::path::Path) -> Self {
        Self {
            what: format!("{}: {}", file.display(), self.what),
            ..self
        }
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.fix.is_empty() {
            write!(f, "\n{}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}
