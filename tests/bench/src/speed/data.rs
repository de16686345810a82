//! Inputs: the model, the cloud FAQ, its vectors, and synthetic vectors.

use super::arguments::Arguments;
use crate::Failure;
use candle_core::Device;
use nearsay::cache::{EmbeddingCache, OnProgress, Uninterrupted};
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_core::matrix::Matrix;
use nearsay_faq::{ReadOptions, Row, read};
use nearsay_hub::{dirs::DataDir, known_model, locate};
use nearsay_model::ModelFiles;
use nearsay_store::{DiskStore, Store as _};
use std::{
    collections::HashSet,
    io::BufReader,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Inputs of all topics, and a directory for files shared between processes.
pub struct Data {
    model: Option<PathBuf>,
    cloud: Option<PathBuf>,
    embeddings: PathBuf,
    shared: TempDir,
}

/// The cloud FAQ.
pub struct Cloud {
    pub train: Vec<Row>,
    pub val: Vec<Row>,
}

impl Data {
    /// Locates the inputs without reading them.
    pub fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let data = DataDir::new(None)?;
        let kept = || locate(&DiskStore, known_model("minilm")?, data.root());
        Ok(Self {
            model: arguments.model.clone().or_else(kept),
            cloud: arguments.cloud.clone(),
            embeddings: data.embeddings(),
            shared: tempfile::tempdir()?,
        })
    }

    /// Directory of MiniLM.
    pub fn model(&self) -> Result<&Path, Failure> {
        self.model.as_deref().ok_or_else(|| {
            "MiniLM is not on this machine; run `nearsay model get minilm`, or give --model DIR"
                .into()
        })
    }

    /// Loads MiniLM.
    pub fn encoder(&self, precision: Precision) -> Result<SentenceEncoder, Failure> {
        let files = ModelFiles::open(&DiskStore, self.model()?)?;
        Ok(SentenceEncoder::load_with(&files, &Device::Cpu, precision)?)
    }

    /// Reads the cloud FAQ.
    pub fn cloud(&self) -> Result<Cloud, Failure> {
        let cloud = self.cloud.as_deref().ok_or_else(|| {
            "the cloud FAQ is needed: set NEARSAY_TEST_DATA, or give --cloud DIR".to_owned()
        })?;
        let rows = |name| rows(&cloud.join(name));
        Ok(Cloud {
            train: rows("train.jsonl")?,
            val: rows("val.jsonl")?,
        })
    }

    /// MiniLM's vectors of texts, before any head, not normalised. Uses Nearsay's embedding cache.
    pub fn vectors(&self, texts: &[&str]) -> Result<Matrix, Failure> {
        let files = ModelFiles::open(&DiskStore, self.model()?)?;
        let fingerprint = files.fingerprint()?;
        let dim = files.settings()?.dims;
        let cache = EmbeddingCache::new(&DiskStore, &self.embeddings, &fingerprint, dim);
        let mut loaded = None;
        let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
            let encoder = match &loaded {
                Some(encoder) => encoder,
                None => loaded.insert(SentenceEncoder::load(&files, &Device::Cpu)?),
            };
            Ok(Some(encoder.encode_all(texts, on_progress)?))
        };
        let embedded = cache.embed(texts, &mut encode, &Uninterrupted, &mut |_| {})?;
        Ok(embedded.ok_or("embedding was stopped")?.embeddings)
    }

    /// Path of a file shared between processes.
    pub fn path(&self, name: &str) -> PathBuf {
        self.shared.path().join(name)
    }

    /// Writes a JSON file for another process.
    pub fn share(&self, name: &str, value: &impl serde::Serialize) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        DiskStore.write_atomic(&path, &serde_json::to_vec(value)?)?;
        Ok(path)
    }

    /// Writes vectors as raw numbers for another process.
    pub fn share_vectors(&self, name: &str, vectors: &Matrix) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        DiskStore.write_atomic(&path, &vectors.to_le_bytes())?;
        Ok(path)
    }
}

impl Cloud {
    /// All rows.
    pub fn rows(&self) -> Vec<Row> {
        self.train.iter().chain(&self.val).cloned().collect()
    }

    /// Distinct questions and answers, in order.
    pub fn texts(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let rows = self.train.iter().chain(&self.val);
        rows.flat_map(|row| [row.question.as_str(), row.answer.as_str()])
            .filter(|text| seen.insert(*text))
            .collect()
    }

    /// Random sample of the texts, always the same one.
    pub fn some_texts(&self, count: usize) -> Vec<&str> {
        let mut texts = self.texts();
        fastrand::Rng::with_seed(42).shuffle(&mut texts);
        texts.truncate(count);
        texts
    }
}

/// Reads the rows of an FAQ file.
pub fn rows(file: &Path) -> Result<Vec<Row>, Failure> {
    let reader = BufReader::new(DiskStore.open(file)?);
    let go_on = &mut |_| ControlFlow::Continue(());
    Ok(read(reader, &ReadOptions::default(), go_on)?.rows)
}

/// Synthetic unit vectors in clusters of about a hundred, like embeddings of texts on many subjects,
/// and queries near some of them. The count is the seed.
pub fn made_up(count: usize, queries: usize, dim: usize) -> Result<(Matrix, Matrix), Failure> {
    let mut random = fastrand::Rng::with_seed(count as u64);
    let mut vector = |near: Option<&[f32]>, out: &mut Vec<f32>| {
        let start = out.len();
        // A centre has a length of about √(dim / 3), the noise around it half of that.
        out.extend((0..dim).map(|i| {
            let noise = random.f32() * 2.0 - 1.0;
            near.map_or(noise, |centre| centre[i] + 0.5 * noise)
        }));
        start
    };
    let mut centres = Vec::with_capacity(count.div_ceil(100) * dim);
    for _ in 0..count.div_ceil(100) {
        vector(None, &mut centres);
    }
    let centre = |number: usize| {
        let number = number % count.div_ceil(100);
        &centres[number * dim..(number + 1) * dim]
    };
    let mut rows = |count: usize, step: usize| {
        let mut data = Vec::with_capacity(count * dim);
        for number in 0..count {
            let start = vector(Some(centre(number * step)), &mut data);
            nearsay_search::index::normalize(&mut data[start..]);
        }
        Matrix::new(count, dim, data)
    };
    Ok((rows(count, 1)?, rows(queries, 7)?))
}
