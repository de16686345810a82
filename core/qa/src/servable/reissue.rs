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
use nearsay_search::expansion::Rule;
use nearsay_store::Store;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// An exported folder written anew: the same model, with the answers as they are now or without any.
///
/// Encoder, layers and their settings are copied, each file checked to be the one that was written;
/// the report of the training is kept. Answers, model card and `nearsay.json` are made anew.
#[derive(Clone, Copy, Debug)]
pub struct Reissue<'a> {
    /// The folder whose model it is; it may itself be one without data.
    pub from: &'a Path,
    /// What it is to answer with. Without, only the model is written: nothing of the FAQ is in the
    /// folder, [`Servable::open_model`] loads it and [`Servable::open`] refuses it.
    pub data: Option<Data<'a>>,
    /// When an answer is sure, and how probably it is right.
    pub confidence: &'a Confidence,
    /// What words count for beside vectors; none or 0 when vectors alone are compared.
    pub words: Option<Words>,
    /// How answers were moved towards questions; none, or with a weight of 0, when they are compared as they
    /// are.
    pub expansion: Option<Rule>,
}

/// Answers with their vectors.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// The answers and their known wordings; at least one answer.
    pub answers: &'a AnswerSet,
    /// The unit vector that each of the set's texts is compared by, `[n, dim]`: by this very model, as of
    /// [`TextModel::encode`], those of answers moved where there is expansion.
    pub vectors: &'a Matrix,
    /// With expansion, the unit vectors of answers as the model makes them, `[answers, dim]`.
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

/// What must be known of a module to write it again.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

impl Reissue<'_> {
    /// Writes the folder `to` beside its place, reads it again as whoever uses it will, and only then
    /// gives it its name. In a model already there, `from` itself or another, the files it names are
    /// replaced, and all others stay.
    ///
    /// # Errors
    /// [`ServableError::Occupied`] when the folder `to` holds other files and no model. When a file of `from` is missing or changed, there are no answers, the vectors are not one a
    /// text or not the model's, words are to count for what they cannot, or something cannot be read, written or read
    /// again; a folder `to` that was there is then still there.
    pub fn write(&self, store: &dyn Store, to: &Path) -> Result<(), ServableError> {
        if self.data.is_some_and(|data| data.answers.is_empty()) {
            return Err(ServableError::NoAnswers);
        }
        let former = Manifest {
            words: Words::sound(self.words)?,
            expansion: manifest::sound(self.expansion)?,
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
                    ServableError::changed(name, format_args!("is not readable ({e})"))
                })?;
            }
            folder.put(name, &bytes)?;
        }
        // Some have a folder without files.
        for module in modules.iter().filter(|module| !module.path.is_empty()) {
            if !manifest::plain(&module.path) {
                return Err(ServableError::changed(
                    MODULES,
                    format_args!("names a folder outside of this one ({:?})", module.path),
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

/// A report without what it found out about single answers, whose texts it quotes.
fn without_findings(mut report: Value) -> Value {
    if let Some(report) = report.as_object_mut() {
        report.remove("findings");
    }
    report
}

/// The list of modules.
const MODULES: &str = "modules.json";
