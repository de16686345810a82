//! Encoders, and their training.

use super::{Failure, choices::Choice, folder::Folder};
use candle_core::Device;
use nearsay::{
    cache::OnProgress,
    servable::{Export, ExportEncoder, TextModel, Words},
    train::{Control, EmbeddingCache, Job, Recipe, Settings, Source, Trained},
};
use nearsay_core::matrix::Matrix;
use nearsay_faq::Row;
use nearsay_hub::{dirs::DataDir, known_model, locate};
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use nearsay_text::compact::built_in as compact;
use nearsay_text::compact::{StaticEmbeddings, StaticEncoder};
use std::path::{Path, PathBuf};

/// Name of the transformer.
pub const MINILM: &str = "minilm";

/// Names of all encoders.
pub const ALL: [&str; 2] = [MINILM, "compact"];

pub struct Encoder {
    pub name: &'static str,
    frozen: TextModel,
    kind: Kind,
}

enum Kind {
    Network {
        files: ModelFiles<'static>,
        fingerprint: String,
        /// Directory of cached embeddings.
        embeddings: PathBuf,
    },
    Static(StaticEncoder<'static>),
}

impl Encoder {
    /// Opens an encoder by name. MiniLM is read from `model`, or from Nearsay's data directory.
    pub fn open(name: &str, model: Option<&Path>, embeddings: &Path) -> Result<Self, Failure> {
        let Some(name) = ALL.into_iter().find(|known| *known == name) else {
            let all = ALL.join(", ");
            return Err(format!("there is no encoder “{name}”; choose from {all}").into());
        };
        if name != MINILM {
            return Ok(Self {
                name,
                frozen: TextModel::of_static(compact::encoder()?),
                kind: Kind::Static(compact::encoder()?),
            });
        }
        let data = DataDir::new(None)?;
        let kept = || locate(&DiskStore, known_model(MINILM)?, data.root());
        let path = model.map(Path::to_owned).or_else(kept).ok_or(
            "MiniLM is not on this machine; “nearsay model get minilm” gets it, or say --model \
             DIR, or --encoders compact",
        )?;
        let files = ModelFiles::open(&DiskStore, &path)?;
        Ok(Self {
            name,
            frozen: TextModel::open(&DiskStore, &path, &Device::Cpu)?,
            kind: Kind::Network {
                fingerprint: files.fingerprint()?,
                files,
                embeddings: embeddings.into(),
            },
        })
    }

    /// Directory of a transformer's files.
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Network { files, .. } => Some(files.path()),
            Kind::Static(_) => None,
        }
    }

    /// Unit vectors of texts by the base encoder, and the number of texts that were not cached.
    pub fn vectors(&self, texts: &[&str]) -> Result<(Matrix, usize), Failure> {
        let Kind::Network {
            fingerprint,
            embeddings,
            ..
        } = &self.kind
        else {
            return Ok((self.frozen.encode(texts)?, texts.len()));
        };
        let cache = self.cache(fingerprint, embeddings);
        let mut encode = |texts: &[&str], on: &mut OnProgress<'_>| Ok(self.pooled(texts, on)?);
        let embedded = cache.embed(texts, &mut encode, &Control::new(), &mut |_| {})?;
        let embedded = embedded.ok_or("embedding was stopped")?;
        Ok((self.frozen.finish(embedded.embeddings)?, embedded.fresh))
    }

    /// Settings of a recipe.
    pub fn settings(&self, recipe: Recipe, seed: u64) -> Settings {
        let dim = self.frozen.dim();
        let settings = match &self.kind {
            Kind::Network { .. } => Settings::of(recipe, dim),
            Kind::Static(_) => Settings::of_static(recipe, dim),
        };
        settings.with_seed(seed)
    }

    /// Settings without a choice; `None` if the choice doesn't affect training.
    pub fn without(&self, choice: Choice, settings: &Settings) -> Option<Settings> {
        // A head that keeps nothing of its training, so that only ranking settings are learned.
        let mut untrained = Settings::of(Recipe::Quick, self.frozen.dim());
        untrained.shrinkage = 1e9;
        untrained.keyword_weight = settings.keyword_weight;
        untrained.seed = settings.seed;
        choice.left_out_of(settings, untrained)
    }

    /// Trains on rows, as `nearsay train` does.
    pub fn learn(
        &self,
        settings: &Settings,
        rows: &[Row],
        held_out: &[Row],
    ) -> Result<Trained, Failure> {
        let pairs = rows.iter().flat_map(Row::all_questions).count();
        let settings = &settings.clone().for_pairs(pairs);
        let mut encode = |texts: &[&str], on: &mut OnProgress<'_>| Ok(self.pooled(texts, on)?);
        let source = match &self.kind {
            Kind::Network {
                files,
                fingerprint,
                embeddings,
            } => Source::Network {
                files,
                cache: Some(self.cache(fingerprint, embeddings)),
                encode: &mut encode,
            },
            Kind::Static(encoder) => Source::Static(encoder),
        };
        let control = Control::new();
        let mut job = Job::new(rows, settings, source, &control);
        job.held_out = held_out;
        job.encoder = self.name;
        let trained = job.run(false, &mut |_| {})?;
        trained.ok_or_else(|| "it was stopped".into())
    }

    /// Writes a trained model and opens it.
    pub fn export(&self, trained: Trained, dir: &Path) -> Result<Folder, Failure> {
        let files;
        let encoder = match &self.kind {
            Kind::Network { files: base, .. } => {
                files = match trained.network {
                    Some(weights) => base.clone().with_weights(weights),
                    None => base.clone(),
                };
                ExportEncoder::Network(&files)
            }
            Kind::Static(encoder) => ExportEncoder::Static {
                words: encoder.tokenizer(),
                table: trained
                    .table
                    .map_or_else(|| encoder.embeddings().clone(), StaticEmbeddings::Full),
            },
        };
        let export = Export {
            encoder,
            encoder_name: self.name,
            head: &trained.head,
            answers: &trained.answers,
            vectors: &trained.vectors,
            confidence: &trained.confidence,
            words: trained.words.map(Words::by_answer),
            expansion: trained.expansion,
            prototype: trained.prototype,
            report: serde_json::to_value(&trained.report)?,
        };
        export.write(&DiskStore, dir)?;
        Folder::open(dir)
    }

    fn cache(&self, fingerprint: &str, embeddings: &Path) -> EmbeddingCache<'static> {
        let dim = self.frozen.pooled_dim();
        EmbeddingCache::new(&DiskStore, embeddings, fingerprint, dim)
    }

    fn pooled(
        &self,
        texts: &[&str],
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Option<Matrix>, nearsay_bert::EncodeError> {
        self.frozen.pooled(texts, on_progress).map(Some)
    }
}
