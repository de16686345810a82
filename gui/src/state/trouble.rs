//! Something that went wrong, in words for somebody who cannot program.

use serde::{Deserialize, Serialize};

/// What happened, what to do about it, and details for a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trouble {
    /// What happened, in one sentence.
    pub what: String,
    /// The next step; empty when there is none.
    pub fix: String,
    /// Technical details: folded away, copied on request.
    pub detail: String,
}

impl Trouble {
    /// A trouble without details.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
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
    pub fn report(&self) -> String {
        [self.what.as_str(), self.fix.as_str(), self.detail.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}
