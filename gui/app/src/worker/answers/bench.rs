//! A model with the project's texts made ready for it.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::Device;
use nearsay::{
    cache::{EmbeddingCache, OnProgress, Uninterrupted},
    servable::{Confidence, Manifest, Servable, TextModel, Words},
};
use nearsay_bert::Precision;
use nearsay_core::matrix::Matrix;
use nearsay_model::ModelFiles;
use nearsay_search::{
    expansion::{Expansion, Kind, Own, Rule, Texts},
    index::Index,
};
use nearsay_store::DiskStore;
use nearsay_text::bm25;

use super::{
    check::{Asked, CheckRun},
    inside,
    layout::Layout,
    moving,
};
use crate::{
    state::{Answer, Check, Reply, Side, UserError},
    text,
};
use nearsay_project::hash::fnv1a;

/// So many texts a network reads before it looks up.
const PIECE: usize = 32;
/// So many times at most what was kept is looked through for all texts.
const LOOKS: usize = 32;

/// Where the encoder is that a trained model grew from, as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the model itself: only a layer behind it learned, or nothing did any good.
    Inside,
    /// It is the built-in one.
    BuiltIn,
    /// It is a network of this name, which has a folder of its own.
    Network(String),
}

impl Origin {
    /// By what a folder says of its training.
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
    /// The built-in encoder.
    Compact(TextModel),
    /// A network as it was fetched, and its folder.
    Network(TextModel, PathBuf),
    /// A trained model, its folder, and what it grew from.
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

/// What one step of work came to.
pub(super) enum Step {
    /// Nothing is left to do.
    Nothing,
    /// So many texts are ready, of so many.
    Preparing(usize, usize),
    /// All are.
    Ready,
    /// The questions kept aside are being asked.
    Checking,
    /// They were.
    Checked(Check),
}

/// Texts being made ready.
struct Building {
    data: Vec<f32>,
    missing: Vec<usize>,
    done: usize,
}

/// A model with the project's texts made ready for it.
pub(super) struct Bench {
    body: Arc<Body>,
    /// The layers behind the encoder are left out: the encoder as it came.
    raw: bool,
    /// What words count for beside meaning, by the folder, or as usual; none when they do not.
    pub(super) words: Option<Words>,
    /// How answers are moved towards questions, by the folder; none when they are not.
    pub(super) expansion: Option<Rule>,
    /// The vectors of the texts, and of which revision they are.
    pub(super) index: Option<(u64, Index)>,
    /// Those of answers as the model makes them, in order, where the index has them moved.
    pub(super) plain: Option<Matrix>,
    /// Where a text's vector is in the index, by the text's hash.
    known: HashMap<u64, u32>,
    /// What the kept vectors of this encoder are found by.
    fingerprint: Option<String>,
    building: Option<Building>,
    run: Option<CheckRun>,
    checked: Option<u64>,
    pub(super) confidence: Option<Confidence>,
    /// The same as the folder of a trained model tells it of its own answers.
    told: Option<Confidence>,
    /// Nothing is measured here: see [`learned_elsewhere`](Self::learned_elsewhere).
    elsewhere: bool,
}

impl Bench {
    fn new(body: Arc<Body>, raw: bool) -> Self {
        let weight = match body.model().is_static() {
            true => bm25::DEFAULT_WEIGHT_STATIC,
            false => bm25::DEFAULT_WEIGHT_TRANSFORMER,
        };
        Self {
            body,
            raw,
            words: Some(Words::by_answer(weight)),
            expansion: None,
            index: None,
            plain: None,
            known: HashMap::new(),
            fingerprint: None,
            building: None,
            run: None,
            checked: None,
            confidence: None,
            told: None,
            elsewhere: false,
        }
    }

    pub(super) fn as_it_came(body: Body) -> Self {
        Self::new(Arc::new(body), true)
    }

    /// The trained model of a folder; the texts it was written with, if it was with any, need not be read
    /// again.
    pub(super) fn trained(dir: &Path) -> Result<Self, UserError> {
        let folder = Servable::open_any(&DiskStore, dir, &Device::Cpu, Precision::F32);
        let folder =
            folder.map_err(|error| text::error::own_model().with_detail(error.to_string()))?;
        let manifest = folder.manifest().clone();
        let origin = Origin::of(&manifest);
        let plain = match manifest.has_answers() {
            true => folder.plain_answers(&DiskStore, dir),
            false => Ok(None),
        };
        let plain =
            plain.map_err(|error| text::error::own_model().with_detail(error.to_string()))?;
        let (model, answers, index) = folder.into_parts();
        let body = Body::Trained(model, dir.to_owned(), origin);
        let mut bench = Self::new(Arc::new(body), false);
        bench.words = manifest.words;
        (bench.expansion, bench.plain) = (manifest.expansion, plain);
        bench.known = answers.texts().into_iter().map(hash).zip(0..).collect();
        // Of no revision: it has the vectors, but not the order of the project.
        bench.index = Some((u64::MAX, index));
        bench.told = manifest.has_answers().then_some(manifest.confidence);
        Ok(bench)
    }

    /// The same, of which nobody knows what it learned from: asking it the questions kept aside would
    /// flatter it. How sure it is, is what the folder says of its own answers.
    pub(super) fn learned_elsewhere(mut self) -> Self {
        self.confidence = self.told.take();
        self.elsewhere = true;
        self
    }

    /// The same encoder as it was before any training.
    pub(super) fn untrained(&self) -> Self {
        Self::new(Arc::clone(&self.body), true)
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

    /// What the trained model grew from.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match &*self.body {
            Body::Trained(.., origin) => Some(origin),
            _ => None,
        }
    }

    /// The texts have changed.
    pub(super) fn outdated(&mut self) {
        self.building = None;
        self.run = None;
    }

    pub(super) fn can_answer(&self, layout: &Layout) -> bool {
        matches!(&self.index, Some((revision, _)) if *revision == layout.revision)
    }

    /// Vectors of texts as this bench sees them, of length 1.
    fn encode(&self, texts: &[&str]) -> Result<Matrix, UserError> {
        let model = self.body.model();
        if !self.raw {
            return Ok(model.encode(texts)?);
        }
        let pooled = model.pooled(texts, &mut |_, _| ControlFlow::Continue(()))?;
        normalized(pooled)
    }

    /// The next piece of work.
    pub(super) fn step(&mut self, layout: &Layout, data_dir: &Path) -> Result<Step, UserError> {
        if layout.revision == 0 {
            return Ok(Step::Nothing);
        }
        if !self.can_answer(layout) {
            return self.prepare(layout, data_dir);
        }
        if self.elsewhere || self.checked == Some(layout.revision) {
            return Ok(Step::Nothing);
        }
        let Some((_, index)) = &self.index else {
            return Ok(Step::Nothing);
        };
        let run = self.run.get_or_insert_with(|| CheckRun::new(layout));
        let asked = Asked {
            index,
            words: self.words,
            plain: self.plain.as_ref().zip(self.expansion),
        };
        if run.step(layout, &asked)? {
            return Ok(Step::Checking);
        }
        let check = self.run.take().map(CheckRun::finish).unwrap_or_default();
        self.confidence.clone_from(&check.calibration);
        self.checked = Some(layout.revision);
        Ok(Step::Checked(check))
    }

    fn prepare(&mut self, layout: &Layout, data_dir: &Path) -> Result<Step, UserError> {
        let texts = layout.texts();
        let dim = self.dim();
        let mut building = match self.building.take() {
            Some(building) => building,
            None => self.begin(&texts, dim),
        };
        let is_static = self.body.model().is_static();
        let piece = match (is_static, self.raw) {
            (true, _) => building.missing.len(),
            (false, false) => PIECE,
            // Each look into what was kept reads all of it: not for every few texts.
            (false, true) => (building.missing.len() / LOOKS).max(PIECE),
        };
        let end = (building.done + piece).min(building.missing.len());
        let now = building.missing.get(building.done..end).unwrap_or_default();
        if !now.is_empty() {
            let wanted: Vec<&str> = now
                .iter()
                .filter_map(|at| texts.get(*at).copied())
                .collect();
            let body = Arc::clone(&self.body);
            let vectors = match &*body {
                // The encoder as it came: its vectors were kept when the model was trained.
                Body::Network(_, dir) | Body::Trained(_, dir, _) if self.raw && !is_static => {
                    normalized(self.saved(dir, data_dir, &wanted)?)?
                }
                _ => self.encode(&wanted)?,
            };
            for (at, vector) in now.iter().zip(vectors.iter_rows()) {
                if let Some(place) = building.data.get_mut(at * dim..(at + 1) * dim) {
                    place.copy_from_slice(vector);
                }
            }
            building.done = end;
        }
        if building.done < building.missing.len() {
            let step = Step::Preparing(building.done, building.missing.len());
            self.building = Some(building);
            return Ok(step);
        }
        let mut vectors = Matrix::new(texts.len(), dim, building.data).map_err(inside)?;
        if let Some(rule) = self.expansion {
            self.plain = Some(answers_of(layout, &vectors)?);
            self.expand(rule, layout, &mut vectors)?;
        }
        let index = moving::index(layout, vectors, self.words)?;
        self.index = Some((layout.revision, index));
        self.known = texts.iter().map(|text| hash(text)).zip(0..).collect();
        Ok(Step::Ready)
    }

    /// Moves answers: those that were here already as they were moved then, new ones now.
    fn expand(&self, rule: Rule, layout: &Layout, vectors: &mut Matrix) -> Result<(), UserError> {
        let kinds = layout.kinds(|_| Kind::Question);
        let mut fresh = Vec::new();
        let mut moved = Vec::new();
        let texts = layout.texts();
        for (at, _) in kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| **kind == Kind::Answer)
        {
            match self.found(texts.get(at).copied().unwrap_or_default()) {
                Some((index, row)) if is_answer(index, row) => moved.push((at, row)),
                _ => fresh.push(at),
            }
        }
        if !fresh.is_empty() {
            let texts = Texts {
                vectors,
                owners: &layout.owners,
                kinds: &kinds,
            };
            let expansion = Expansion::of(rule, &texts).map_err(inside)?;
            expansion
                .apply_to(&fresh, &layout.owners, vectors, Own::Counts)
                .map_err(inside)?;
        }
        if let Some((_, index)) = &self.index {
            for (at, row) in moved {
                vectors
                    .row_mut(at)
                    .copy_from_slice(index.vectors().row(row));
            }
        }
        Ok(())
    }

    /// Where a text that was here already is.
    fn found(&self, text: &str) -> Option<(&Index, usize)> {
        let (_, index) = self.index.as_ref()?;
        let row = *self.known.get(&hash(text))? as usize;
        (row < index.vectors().rows()).then_some((index, row))
    }

    fn begin(&self, texts: &[&str], dim: usize) -> Building {
        let mut data = vec![0.0; texts.len() * dim];
        let mut missing: Vec<usize> = Vec::new();
        let is_static = self.body.model().is_static();
        for (at, text) in texts.iter().enumerate() {
            let found = self.found(text).filter(|_| !is_static);
            let vector = found.and_then(|(index, row)| match &self.plain {
                Some(plain) if is_answer(index, row) => {
                    let answer = *index.owners().get(row)? as usize;
                    (answer < plain.rows()).then(|| plain.row(answer))
                }
                _ => Some(index.vectors().row(row)),
            });
            match (vector, data.get_mut(at * dim..(at + 1) * dim)) {
                (Some(vector), Some(place)) => place.copy_from_slice(vector),
                _ => missing.push(at),
            }
        }
        Building {
            data,
            missing,
            done: 0,
        }
    }

    /// Pooled vectors of texts, those kept by a training found again.
    fn saved(&mut self, dir: &Path, data_dir: &Path, texts: &[&str]) -> Result<Matrix, UserError> {
        let files = ModelFiles::open(&DiskStore, dir)?;
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

    fn dim(&self) -> usize {
        let model = self.body.model();
        if self.raw {
            model.pooled_dim()
        } else {
            model.dim()
        }
    }

    /// The nearest answers to a question.
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
        let Some((_, index)) = &self.index else {
            return Ok(reply);
        };
        let vector = self.encode(&[question])?;
        let confidence = self.confidence.as_ref();
        let needs = confidence.map_or(top, |confidence| confidence.needs(top));
        let hits = index.ask(question, vector.row(0), needs);
        let chance = |confidence: &Confidence| {
            let standings = confidence.standings(index, vector.row(0), &hits);
            let sureness = confidence.sureness(&standings).into_iter();
            sureness
                .map(|sureness| confidence.probability(sureness))
                .collect()
        };
        let chances = confidence.map_or_else(|| vec![None; hits.len()], chance);
        for (hit, chance) in hits.into_iter().zip(chances).take(top) {
            let Some(id) = layout.entry(hit.answer) else {
                continue;
            };
            let (Some(entry), Some(row)) = (layout.entries.get(&id), layout.row(hit.vector)) else {
                continue;
            };
            let wording = layout.wordings.get(hit.vector as usize).copied();
            let wording =
                wording.and_then(|number| entry.paraphrases.get(number.checked_sub(1)? as usize));
            reply.answers.push(Answer {
                entry: id,
                answer: entry.answer.clone(),
                question: wording.map(|wording| wording.text.clone()),
                score: hit.score,
                dense_score: hit.meaning,
                keyword_score: hit.words,
                shared_words: index.shared_words(question, hit.vector),
                confidence: chance,
                source: entry.source.clone(),
                row,
            });
        }
        Ok(reply)
    }
}

/// Whether a text of an index is an answer, which stands before its wordings.
fn is_answer(index: &Index, row: usize) -> bool {
    let owners = index.owners();
    row == 0 || owners.get(row - 1) != owners.get(row)
}

/// The vectors of answers, in order.
fn answers_of(layout: &Layout, vectors: &Matrix) -> Result<Matrix, UserError> {
    let texts = layout.wordings.iter().zip(vectors.iter_rows());
    let answers = texts.filter(|(wording, _)| **wording == 0);
    let rows: Vec<&[f32]> = answers.map(|(_, vector)| vector).collect();
    Matrix::from_rows(&rows).map_err(inside)
}

fn normalized(matrix: Matrix) -> Result<Matrix, UserError> {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let mut data = matrix.into_data();
    data.chunks_exact_mut(columns.max(1))
        .for_each(nearsay_search::index::normalize);
    Matrix::new(rows, columns, data).map_err(inside)
}

fn hash(text: &str) -> u64 {
    fnv1a(text.as_bytes())
}
