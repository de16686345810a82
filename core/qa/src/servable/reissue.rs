use super::{
    AnswerSet, Confidence, Manifest, Servable, ServableError, Words, card,
    manifest::{self, DATA},
    version,
    write::{Folder, staged},
};
use crate::answer_index::AnswerIndex;
use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_core::matrix::Matrix;
use nearsay_search::{expansion::Rule, prototype::Prototype};
use nearsay_store::Store;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// Rewrites an exported model with other answers, or without answers.
///
/// Copies the encoder, the `Dense` modules and their settings, verifies the hash of each file, and keeps the training
/// report. Writes new answers, a new model card and a new `nearsay.json`.
#[derive(Clone, Copy, Debug)]
pub struct Reissue<'a> {
    /// Directory of the source model, which may lack answers.
    pub from: &'a Path,
    /// The answers and their vectors. `None` writes a model without any text of the FAQ, which
    /// [`Servable::open_model`] opens and [`Servable::open`] rejects.
    pub data: Option<Data<'a>>,
    /// Confidence rule.
    pub confidence: &'a Confidence,
    /// Keyword scoring; `None` or a weight of 0 for dense search.
    pub words: Option<Words>,
    /// Document expansion of `data`; `None` or a weight of 0 for unexpanded answers.
    pub expansion: Option<Rule>,
    /// Prototype scoring of `data`; `None` to compare with the nearest paraphrase alone.
    pub prototype: Option<Prototype>,
}

/// Answers with their vectors.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// The answers and their paraphrases; at least one answer.
    pub answers: &'a AnswerSet,
    /// Unit vectors of the texts of `answers` from [`TextModel::encode`](super::TextModel::encode) of the source model, `[n, dim]`; those of
    /// answers are expanded if the model uses document expansion, those of paraphrases moved if it uses prototypes.
    pub vectors: &'a Matrix,
    /// Unit vectors before expansion, `[answers, dim]`, or with prototypes of all texts, `[n, dim]`; required with document
    /// expansion or prototypes.
    pub plain: Option<&'a Matrix>,
}

impl<'a> From<&'a AnswerIndex> for Data<'a> {
    fn from(index: &'a AnswerIndex) -> Self {
        Self {
            answers: index.answers(),
            vectors: index.index().vectors(),
            plain: index.unexpanded(),
        }
    }
}

/// Entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

impl Reissue<'_> {
    /// Writes the model to the directory `to`, which may be the source directory `from`.
    ///
    /// Writes to a temporary directory beside `to`, opens the result to verify it, and renames it to `to`. If `to` is
    /// already a model, replaces the files that its manifest lists and keeps all others.
    ///
    /// # Errors
    /// On every error `to` stays unchanged.
    ///
    /// - [`ServableError::Occupied`] if `to` has files but isn't a model
    /// - [`ServableError::NoAnswers`] if `data` has no answers
    /// - [`ServableError::Weight`] if a weight isn't a number from 0 to 4
    /// - [`ServableError::Changed`] if a file of `from` is missing or changed, or if the vectors don't match the answers
    ///   and the model
    /// - another error if a file can't be read or written
    pub fn write(&self, store: &dyn Store, to: &Path) -> Result<(), ServableError> {
        if self.data.is_some_and(|data| data.answers.is_empty()) {
            return Err(ServableError::NoAnswers);
        }
        let scoring = manifest::sound_scoring(self.words, self.expansion, self.prototype)?;
        let former = Manifest {
            words: scoring.hybrid,
            expansion: scoring.expansion,
            prototype: scoring.prototype,
            ..Manifest::read(store, self.from)?
        };
        staged(store, to, |staging| {
            self.fill(store, staging, former)?;
            match self.data {
                Some(_) => Servable::open(store, staging, &Device::Cpu).map(|_| ()),
                None => {
                    Servable::open_model(store, staging, &Device::Cpu, Precision::F32).map(|_| ())
                }
            }
        })
    }

    fn fill(&self, store: &dyn Store, dir: &Path, former: Manifest) -> Result<(), ServableError> {
        let mut folder = Folder::new(store, dir);
        let mut modules: Vec<Module> = Vec::new();
        for (name, entry) in &former.files {
            if DATA.contains(&name.as_str()) || name == card::NAME {
                continue;
            }
            let bytes = entry.read(store, self.from, name)?;
            if name == MODULES {
                modules = serde_json::from_slice(&bytes).map_err(|e| {
                    ServableError::changed(name, format_args!("isn't valid JSON ({e})"))
                })?;
            }
            folder.put(name, &bytes)?;
        }
        // Some modules have an empty directory, which git and the manifest don't list.
        for module in modules.iter().filter(|module| !module.path.is_empty()) {
            if !manifest::plain(&module.path) {
                return Err(ServableError::changed(
                    MODULES,
                    format_args!(
                        "lists a module outside of the model directory ({:?})",
                        module.path
                    ),
                ));
            }
            store.create_dir_all(&dir.join(&module.path))?;
        }
        let layers = modules
            .iter()
            .filter(|module| module.kind.ends_with(".Dense"))
            .count();
        let manifest = Manifest {
            format: version::FORMAT,
            written_by: env!("CARGO_PKG_VERSION").into(),
            confidence: self.confidence.clone(),
            files: BTreeMap::new(),
            report: match self.data {
                Some(_) => former.report,
                None => without_findings(former.report),
            },
            ..former
        };
        folder.finish(manifest, self.data, layers)
    }
}

/// Removes the findings from a report, because they quote texts of answers.
fn without_findings(mut report: Value) -> Value {
    if let Some(report) = report.as_object_mut() {
        report.remove("findings");
    }
    report
}

/// File with the list of modules.
const MODULES: &str = "modules.json";
