//! Model with an index of the project's texts.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::Device;
use nearsay::{
    answer_index::{AnswerIndex, Scoring, Update},
    cache::{EmbeddingCache, OnProgress, Uninterrupted},
    servable::{Confidence, Manifest, Servable, ServableError, TextModel, Words},
    train::data::normalized,
};
use nearsay_bert::Precision;
use nearsay_core::matrix::Matrix;
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use nearsay_text::bm25;

use super::{evaluating::Evaluating, inside, layout::Layout, measured::Measured};
use crate::{
    state::{Answer, Check, Reply, Side, UserError},
    text,
};

/// Number of texts a transformer embeds per step.
const PIECE: usize = 32;
/// Maximum number of reads of the embedding cache per update.
const LOOKS: usize = 32;

/// Location of the base encoder of a trained model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the model itself: training changed only the projection head, or kept no epoch.
    Inside,
    /// Built-in encoder.
    BuiltIn,
    /// Transformer with this name, in its own model directory.
    Network(String),
}

impl Origin {
    /// Reads the location from the training report in the manifest.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let report = &manifest.report;
        match report["settings"]["learns"].as_str() {
            _ if report["kept_epoch"].is_null() => Self::Inside,
            Some("network") => Self::Network(manifest.encoder.clone()),
            Some("table") => Self::BuiltIn,
            _ => Self::Inside,
        }
    }
}

/// A loaded model.
pub(super) enum Body {
    /// Built-in encoder.
    Compact(TextModel),
    /// Untrained transformer and its files.
    Network(TextModel, Box<ModelFiles<'static>>),
    /// Trained model, its directory and the location of its base encoder.
    Trained(Arc<TextModel>, PathBuf, Origin),
}

impl Body {
    pub(super) fn compact() -> Result<Self, UserError> {
        Ok(Self::Compact(TextModel::of_static(
            nearsay_text::compact::built_in::encoder()?,
        )))
    }

    pub(super) fn model(&self) -> &TextModel {
        match self {
            Self::Compact(model) | Self::Network(model, _) => model,
            Self::Trained(model, ..) => model,
        }
    }
}

/// Result of one step of work.
pub(super) enum Step {
    /// No work is left.
    Nothing,
    /// Texts are being prepared: texts done, texts in total.
    Preparing(usize, usize),
    /// All texts are prepared.
    Ready,
    /// The evaluation on the test questions is running.
    Checking,
    /// The evaluation is complete, and that of the model before if it has the same source.
    Checked(Box<Check>, Option<Box<Check>>),
}

/// Model with an index of the project's texts.
pub(super) struct Bench {
    body: Arc<Body>,
    /// Embed with the base encoder, without the projection head.
    raw: bool,
    /// Index of the texts of `revision`.
    pub(super) index: AnswerIndex,
    revision: Option<u64>,
    /// Fingerprint of the encoder in the embedding cache.
    fingerprint: Option<String>,
    update: Option<Update>,
    evaluating: Option<Evaluating>,
    checked: Option<u64>,
    /// Test results from the model's training; with them, the model isn't evaluated here.
    measured: Option<Measured>,
    /// Confidence settings from the manifest, measured on the answers of the trained model's directory.
    told: Option<Confidence>,
    /// Skip the evaluation; see [`skip_evaluation`](Self::skip_evaluation).
    is_skipped: bool,
}

impl Bench {
    fn new(body: Arc<Body>, index: AnswerIndex, raw: bool) -> Self {
        Self {
            body,
            raw,
            index,
            revision: None,
            fingerprint: None,
            update: None,
            evaluating: None,
            checked: None,
            measured: None,
            told: None,
            is_skipped: false,
        }
    }

    /// Creates a bench with the base encoder of a model.
    fn untrained_of(body: Arc<Body>) -> Self {
        let model = body.model();
        let weight = if model.is_static() {
            bm25::DEFAULT_WEIGHT_STATIC
        } else {
            bm25::DEFAULT_WEIGHT_TRANSFORMER
        };
        let scoring = Scoring {
            hybrid: Some(Words::by_answer(weight)),
            expansion: None,
            prototype: None,
        };
        let index = AnswerIndex::empty(model.pooled_dim(), scoring);
        Self::new(body, index, true)
    }

    pub(super) fn as_it_came(body: Body) -> Self {
        Self::untrained_of(Arc::new(body))
    }

    /// Opens a trained model. Texts stored in its directory keep their vectors, so they aren't embedded again.
    pub(super) fn trained(dir: &Path) -> Result<Self, UserError> {
        let open = || -> Result<Servable, ServableError> {
            let mut folder = Servable::open_any(&DiskStore, dir, &Device::Cpu, Precision::F32)?;
            folder.load_unexpanded(&DiskStore, dir)?;
            Ok(folder)
        };
        let folder =
            open().map_err(|error| text::error::own_model().with_detail(error.to_string()))?;
        let manifest = folder.manifest();
        let origin = Origin::of(manifest);
        let told = manifest.has_answers().then(|| manifest.confidence.clone());
        let measured = Measured::read(dir, &manifest.report);
        let (model, index) = folder.into_parts();
        let body = Body::Trained(model, dir.to_owned(), origin);
        // No revision yet: the index has the order of the model directory, not that of the project.
        let confidence = told.clone().filter(|_| measured.is_some());
        let index = index.with_confidence(confidence.unwrap_or(Confidence::USUAL));
        Ok(Self {
            measured,
            told,
            ..Self::new(Arc::new(body), index, false)
        })
    }

    /// Marks the model as imported. Its training data is unknown and can include the test questions, so it isn't
    /// evaluated on them; the confidence settings come from its manifest.
    pub(super) fn learned_elsewhere(mut self) -> Self {
        if let Some(told) = self.told.take() {
            self.index.set_confidence(told);
        }
        self.measured = None;
        self.skip_evaluation();
        self
    }

    /// Does without an evaluation.
    pub(super) fn skip_evaluation(&mut self) {
        self.is_skipped = true;
    }

    /// Whether the test results come from the model's training, together with those of the model before.
    pub(super) fn is_measured(&self) -> bool {
        self.measured.is_some()
    }

    /// Creates a bench with the base encoder of this model, sharing its memory.
    pub(super) fn untrained(&self) -> Self {
        Self::untrained_of(Arc::clone(&self.body))
    }

    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    pub(super) fn dir(&self) -> Option<&Path> {
        match &*self.body {
            Body::Trained(_, dir, _) if !self.raw => Some(dir),
            _ => None,
        }
    }

    /// Returns the location of the base encoder, or `None` if the model isn't a trained one.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match &*self.body {
            Body::Trained(.., origin) => Some(origin),
            _ => None,
        }
    }

    /// Discards work on an earlier revision of the texts.
    pub(super) fn outdated(&mut self) {
        self.update = None;
        self.evaluating = None;
    }

    pub(super) fn can_answer(&self, layout: &Layout) -> bool {
        self.revision == Some(layout.revision)
    }

    /// Embeds texts, with the projection head unless `raw`, `[n, d]`, of length 1.
    fn encode(&self, texts: &[&str]) -> Result<Matrix, UserError> {
        let model = self.body.model();
        if !self.raw {
            return Ok(model.encode(texts)?);
        }
        let pooled = model.pooled(texts, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(normalized(pooled))
    }

    /// Does the next step of work: preparing texts, then evaluating the test questions.
    pub(super) fn step(&mut self, layout: &Layout, data_dir: &Path) -> Result<Step, UserError> {
        if layout.revision == 0 {
            return Ok(Step::Nothing);
        }
        if !self.can_answer(layout) {
            return self.prepare(layout, data_dir);
        }
        if self.is_skipped || self.checked == Some(layout.revision) {
            return Ok(Step::Nothing);
        }
        if let Some(measured) = &self.measured {
            self.checked = Some(layout.revision);
            let checks = measured.checks(layout);
            let before = Some(Box::new(checks.before));
            return Ok(Step::Checked(Box::new(checks.after), before));
        }
        let evaluating = self
            .evaluating
            .get_or_insert_with(|| Evaluating::new(layout));
        if evaluating.step(layout, &self.index)? {
            return Ok(Step::Checking);
        }
        let evaluating = self.evaluating.take();
        let check = evaluating.map_or_else(Check::default, |done| done.finish(layout, &self.index));
        let confidence = check.calibration.clone().unwrap_or(Confidence::USUAL);
        self.index.set_confidence(confidence);
        self.checked = Some(layout.revision);
        Ok(Step::Checked(Box::new(check), None))
    }

    fn prepare(&mut self, layout: &Layout, data_dir: &Path) -> Result<Step, UserError> {
        let mut update = match self.update.take() {
            Some(update) => update,
            None => self
                .index
                .update(Arc::clone(&layout.answers))
                .map_err(inside)?,
        };
        let is_static = self.body.model().is_static();
        let piece = match (is_static, self.raw) {
            (true, _) => usize::MAX,
            (false, false) => PIECE,
            // Every lookup reads the whole embedding cache, so the pieces are larger.
            (false, true) => (update.progress().1 / LOOKS).max(PIECE),
        };
        let texts = update.next(piece);
        if !texts.is_empty() {
            let body = Arc::clone(&self.body);
            let vectors = match &*body {
                // Training cached the vectors of the base encoder.
                Body::Network(_, files) => normalized(self.saved(files, data_dir, &texts)?),
                Body::Trained(_, dir, _) if self.raw && !is_static => {
                    let files = ModelFiles::open(&DiskStore, dir)?;
                    normalized(self.saved(&files, data_dir, &texts)?)
                }
                _ => self.encode(&texts)?,
            };
            update.push(vectors).map_err(inside)?;
        }
        let (done, total) = update.progress();
        if done < total {
            self.update = Some(update);
            return Ok(Step::Preparing(done, total));
        }
        self.index = update.finish(&self.index).map_err(inside)?;
        self.revision = Some(layout.revision);
        Ok(Step::Ready)
    }

    /// Returns pooled vectors of texts, `[n, d]`, from the embedding cache where it has them.
    fn saved(
        &mut self,
        files: &ModelFiles<'_>,
        data_dir: &Path,
        texts: &[&str],
    ) -> Result<Matrix, UserError> {
        let model = self.body.model();
        let embeddings = nearsay_hub::dirs::embeddings(data_dir);
        let fingerprint = match self.fingerprint.take() {
            Some(fingerprint) => fingerprint,
            None => files.fingerprint()?,
        };
        let fingerprint = self.fingerprint.insert(fingerprint);
        let cache = EmbeddingCache::new(&DiskStore, &embeddings, fingerprint, model.pooled_dim());
        let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
            Ok(Some(model.pooled(texts, on_progress)?))
        };
        let found = cache
            .embed(texts, &mut encode, &Uninterrupted, &mut |_| {})
            .map_err(inside)?;
        Ok(found.map(|found| found.embeddings).unwrap_or_default())
    }

    /// Searches for the `top` answers nearest to a question.
    pub(super) fn ask(
        &self,
        layout: &Layout,
        question: &str,
        top: usize,
        side: Side,
    ) -> Result<Reply, UserError> {
        let mut reply = Reply {
            question: question.to_owned(),
            side,
            ..Reply::default()
        };
        let vector = self.encode(&[question])?;
        for found in self.index.search(question, vector.row(0), top) {
            let id = layout.entry(found.number).zip(layout.row(found.text));
            let Some((id, row)) = id else { continue };
            reply.answers.push(Answer {
                entry: id,
                answer: found.answer.answer.clone(),
                question: found.paraphrase.map(str::to_owned),
                score: found.score,
                dense_score: found.dense_score,
                keyword_score: found.keyword_score,
                shared_words: self.index.index().shared_words(question, found.text),
                confidence: found.probability,
                source: found.answer.source.clone(),
                row,
            });
        }
        Ok(reply)
    }
}
