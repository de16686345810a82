//! The open project.

use std::path::PathBuf;

use super::UserError;
use nearsay_project::{Counts, Document, History, ImportedModel, Models};

/// Whether all edits are on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Saved {
    #[default]
    Yes,
    /// Edits are about to be written.
    Soon,
    /// Writing failed and is tried again periodically.
    No(UserError),
}

/// Why a project has too little data to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    Questions,
    Answers,
    /// Too many questions are held out for testing.
    TrainingQuestions,
}

#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The project's folder; `None` before it is open.
    pub dir: Option<PathBuf>,
    pub document: Document,
    pub history: History,
    pub models: Models,
    /// Number of changes to the document so far.
    pub revision: u64,
    pub counts: Counts,
    /// A few questions of the project, offered on the Ask page.
    pub examples: Vec<String>,
    pub saved: Saved,
    /// Another window has the project open, so it can only be viewed and copied.
    pub look_only: bool,
    /// A project is being opened.
    pub opening: bool,
}

impl Project {
    /// Recomputes counts and examples after a change to the document.
    pub fn count(&mut self) {
        self.counts = self.document.counts();
        let examples = self.document.example_questions();
        self.examples = examples.into_iter().map(str::to_owned).collect();
    }

    /// Why there is too little data to train; `None` if there is enough.
    pub fn shortage(&self) -> Option<Shortage> {
        if self.counts.is_enough() {
            None
        } else if self.counts.questions < Counts::MIN_QUESTIONS {
            Some(Shortage::Questions)
        } else if self.counts.answers < Counts::MIN_ANSWERS {
            Some(Shortage::Answers)
        } else {
            Some(Shortage::TrainingQuestions)
        }
    }

    pub fn name(&self) -> &str {
        &self.document.options.name
    }

    /// Origin of the current model, if it was imported from a folder.
    pub fn elsewhere(&self) -> Option<&ImportedModel> {
        self.models.current.as_ref()?.imported.as_ref()
    }

    /// Folder of the current model.
    pub fn model_dir(&self) -> Option<PathBuf> {
        let model = self.models.current.as_ref()?;
        Some(self.models_dir()?.join(&model.name))
    }

    /// Folder of all models of the project.
    pub fn models_dir(&self) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(nearsay_project::folder::MODELS))
    }
}
