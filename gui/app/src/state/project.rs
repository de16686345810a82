//! The open project.

use std::path::PathBuf;

use super::UserError;
use nearsay_project::{Counts, Document, History, ImportedModel, Models};

/// Whether everything is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Saved {
    /// It is.
    #[default]
    Yes,
    /// It will be in a moment.
    Soon,
    /// It cannot be written; it is tried again and again.
    No(UserError),
}

/// The open project.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Its folder; none before it is open.
    pub dir: Option<PathBuf>,
    /// Its content.
    pub document: Document,
    /// What can be undone.
    pub history: History,
    /// Its models.
    pub models: Models,
    /// Counts every change of the document.
    pub revision: u64,
    /// How much of everything it has.
    pub counts: Counts,
    /// A few of its questions, to try.
    pub examples: Vec<String>,
    /// Whether everything is on disk.
    pub saved: Saved,
    /// Another window has it open: it can be looked at, and copied.
    pub look_only: bool,
    /// A project is being opened.
    pub opening: bool,
}

impl Project {
    /// Looks at the document anew, after it has changed.
    pub fn count(&mut self) {
        self.counts = self.document.counts();
        let examples = self.document.example_questions();
        self.examples = examples.into_iter().map(str::to_owned).collect();
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.document.options.name
    }

    /// What is known of the model that answers, if it came in a folder.
    pub fn elsewhere(&self) -> Option<&ImportedModel> {
        self.models.current.as_ref()?.imported.as_ref()
    }

    /// The folder of the model that answers.
    pub fn model_dir(&self) -> Option<PathBuf> {
        let model = self.models.current.as_ref()?;
        Some(self.models_dir()?.join(&model.name))
    }

    /// The folder of all its models.
    pub fn models_dir(&self) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(nearsay_project::folder::MODELS))
    }
}
