use super::Error;
use crate::{
    servable,
    servable::{AnswerHit, AnswerSet, Export, ExportEncoder, Servable, Words},
    train::{Report, Trained},
};
use candle_core::Device;
use nearsay_core::matrix::Matrix;
use nearsay_model::ModelFiles;
use nearsay_store::{DiskStore, Store as _};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A question-answering model: trained, or opened from a directory.
///
/// ```no_run
/// use nearsay::trainer::QaModel;
///
/// let model = QaModel::open("my-model")?;
/// for found in model.ask("When do you open?", 3)? {
///     println!("{:.2} {}", found.score, found.answer.answer);
/// }
/// # Ok::<(), nearsay::trainer::Error>(())
/// ```
pub struct QaModel {
    served: Servable,
    origin: Origin,
}

/// Where the files of a model come from.
pub(super) enum Origin {
    /// A directory.
    Directory(PathBuf),
    /// A training run.
    Trained {
        /// Its result.
        trained: Box<Trained>,
        /// Its encoder.
        base: Base,
    },
    /// A training run with a part that cannot be saved.
    InMemory {
        /// The part.
        part: &'static str,
    },
}

/// The encoder of a training run.
pub(super) enum Base {
    /// The table of the served model.
    Static,
    /// Files with the trained weights.
    Transformer(ModelFiles<'static>),
    /// An encoder of the caller's.
    Custom,
}

impl QaModel {
    pub(super) fn new(served: Servable, origin: Origin) -> Self {
        Self { served, origin }
    }

    /// Opens a model directory on the CPU.
    ///
    /// # Errors
    /// When a file is missing, damaged or of a newer format.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let mut served = Servable::open(&DiskStore, dir, &Device::Cpu)?;
        // For evaluations.
        served.load_unexpanded(&DiskStore, dir)?;
        Ok(Self {
            served,
            origin: Origin::Directory(dir.into()),
        })
    }

    /// The `k` best answers to a question, best first.
    ///
    /// # Errors
    /// When the question cannot be embedded.
    pub fn ask(&self, question: &str, k: usize) -> Result<Vec<AnswerHit<'_>>, Error> {
        Ok(self.served.ask(question, k)?)
    }

    /// Unit vectors of texts: `n` texts → `[n, dim]`.
    ///
    /// # Errors
    /// When a text cannot be embedded.
    pub fn embed(&self, texts: &[&str]) -> Result<Matrix, Error> {
        Ok(self.served.model().encode(texts)?)
    }

    /// All answers with their paraphrases.
    #[must_use]
    pub fn answers(&self) -> &AnswerSet {
        self.served.answers()
    }

    /// The retrieval engine behind this model.
    #[must_use]
    pub fn served(&self) -> &Servable {
        &self.served
    }

    /// The report of the training run; none for an opened model.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match &self.origin {
            Origin::Trained { trained, .. } => Some(&trained.report),
            Origin::Directory(_) | Origin::InMemory { .. } => None,
        }
    }

    /// Saves the model as a directory, which [`open`](Self::open), `nearsay serve`, and as an encoder
    /// `SentenceTransformer(path)`, can load. A model that is there already is replaced.
    ///
    /// # Errors
    /// [`Error::NotPortable`] when the encoder, or a head that cannot be folded into linear layers, is
    /// your own; when a file cannot be written.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        let dir = dir.as_ref();
        let (trained, base) = match &self.origin {
            Origin::Trained { trained, base } => (trained, base),
            Origin::InMemory { part } => return Err(Error::NotPortable { part }),
            Origin::Directory(from) => {
                DiskStore.create_dir_all(dir)?;
                servable::copy(&DiskStore, from, dir, &mut |_, _| {})?;
                return Ok(());
            }
        };
        let encoder = match (base, self.served.model().table()) {
            (Base::Transformer(files), _) => ExportEncoder::Network(files),
            (Base::Static, Some(encoder)) => ExportEncoder::Static {
                words: encoder.tokenizer(),
                table: encoder.embeddings().clone(),
            },
            _ => return Err(Error::NotPortable { part: "an encoder" }),
        };
        let mut report = trained.report.clone();
        report.dir = dir.display().to_string();
        let export = Export {
            encoder,
            encoder_name: &report.encoder,
            head: &trained.head,
            answers: &trained.answers,
            vectors: &trained.vectors,
            confidence: &trained.confidence,
            words: trained.words.map(Words::by_answer),
            expansion: trained.expansion,
            prototype: trained.prototype,
            report: serde_json::to_value(&report).map_err(|error| Error::Report(error.into()))?,
        };
        Ok(export.write(&DiskStore, dir)?)
    }
}

impl fmt::Debug for QaModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QaModel")
            .field("answers", &self.answers().len())
            .field("dim", &self.served.model().dim())
            .finish_non_exhaustive()
    }
}
