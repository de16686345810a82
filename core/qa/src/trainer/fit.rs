use super::{
    Dataset, Error, QaModel, Split, TextEncoder,
    encoder::{Kind, Pooled, with_table},
    model::{Base, Origin},
};
use crate::{
    cache::{EmbeddingCache, OnProgress},
    servable::{InMemory, Servable, TextModel, Words},
    train::{
        Control, Event, Job, Loss, ModelSelection, Recipe, Settings, Source, Trainable, Trained,
    },
};
use candle_core::{Device, Tensor};
use nearsay_bert::{EncodeError, SentenceEncoder};
use nearsay_core::{
    candle::{
        text::{SharedHead, WithHead},
        to_matrix, to_tensor,
    },
    head::{Folded, Head, HeadConfig, Mode},
    loss::{GroupLoss, LossKind, MultipleNegativesRanking, PairLoss},
    matrix::Matrix,
};
use nearsay_faq::Row;
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use nearsay_text::compact::StaticEmbeddings;
use std::{any::Any, ops::ControlFlow, path::PathBuf, sync::Arc};

/// Builder of a training run.
///
/// Without further options it trains by the recipe [`Quick`](Recipe::Quick): token embeddings of a
/// static encoder, else a residual head, under the multiple negatives ranking loss. A model that is
/// not better than the base encoder on a validation split of the training data is rejected, and the
/// base encoder kept.
pub struct Trainer {
    encoder: TextEncoder,
    recipe: Recipe,
    settings: Option<Settings>,
    head_config: Option<HeadConfig>,
    head: Option<SharedHead>,
    loss: Loss,
    changes: Changes,
    device: Device,
    cache: Option<PathBuf>,
}

/// Settings that differ from the recipe's.
#[derive(Default)]
struct Changes {
    loss: Option<LossKind>,
    ranking: Option<MultipleNegativesRanking>,
    epochs: Option<usize>,
    batch: Option<usize>,
    lr: Option<f64>,
    seed: Option<u64>,
    selection: Option<ModelSelection>,
}

/// Data to train on, with or without a held-out part.
///
/// With a [`Split`], the answers of the validation part become part of the model, and confidence is
/// calibrated on its questions.
#[derive(Clone, Copy, Debug)]
pub struct TrainingData<'a> {
    train: &'a [Row],
    held_out: &'a [Row],
}

impl<'a> From<&'a Dataset> for TrainingData<'a> {
    fn from(data: &'a Dataset) -> Self {
        Self {
            train: data.rows(),
            held_out: &[],
        }
    }
}

impl<'a> From<&'a Split> for TrainingData<'a> {
    fn from(split: &'a Split) -> Self {
        Self {
            train: split.train.rows(),
            held_out: split.validation.rows(),
        }
    }
}

impl Trainer {
    /// A run from this base encoder.
    #[must_use]
    pub fn new(encoder: TextEncoder) -> Self {
        Self {
            encoder,
            recipe: Recipe::Quick,
            settings: None,
            head_config: None,
            head: None,
            loss: Loss::FromSettings,
            changes: Changes::default(),
            device: Device::Cpu,
            cache: None,
        }
    }

    /// Sets the recipe; [`Quick`](Recipe::Quick) by default.
    #[must_use]
    pub fn recipe(mut self, recipe: Recipe) -> Self {
        self.recipe = recipe;
        self
    }

    /// Sets all settings, in place of a recipe's.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Trains a built-in head over the frozen encoder.
    #[must_use]
    pub fn head_config(mut self, head: HeadConfig) -> Self {
        self.head_config = Some(head);
        self
    }

    /// Trains a head of your own: over the frozen encoder, or together with a trainable encoder of your
    /// own. Its parameters must be candle variables; training changes them in place.
    ///
    /// The head is neither whitened nor shrunk towards the identity.
    #[must_use]
    pub fn head(mut self, head: impl Head<Tensor> + Send + Sync + 'static) -> Self {
        self.head = Some(Arc::new(head));
        self
    }

    /// Sets a pair loss: a built-in one with numbers of your choice, or your own.
    #[must_use]
    pub fn loss<L: PairLoss<Tensor> + Send + Sync + 'static>(mut self, loss: L) -> Self {
        let any: &dyn Any = &loss;
        // Its gradient is known in closed form.
        if let Some(ranking) = any.downcast_ref::<MultipleNegativesRanking>() {
            self.changes.ranking = Some(*ranking);
            return self.loss_kind(LossKind::MultipleNegativesRanking);
        }
        self.loss = Loss::Pairs(Arc::new(loss));
        self
    }

    /// Sets a group loss: a built-in one with numbers of your choice, or your own. Answers are the
    /// groups. Parameters of the loss must be candle variables.
    #[must_use]
    pub fn group_loss(mut self, loss: impl GroupLoss<Tensor> + Send + Sync + 'static) -> Self {
        self.loss = Loss::Groups(Arc::new(loss));
        self
    }

    /// Sets a built-in loss by name, with its defaults.
    #[must_use]
    pub fn loss_kind(mut self, kind: LossKind) -> Self {
        self.changes.loss = Some(kind);
        self.loss = Loss::FromSettings;
        self
    }

    /// Sets the maximum number of epochs.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.changes.epochs = Some(epochs);
        self
    }

    /// Sets the number of pairs per step.
    #[must_use]
    pub fn batch_size(mut self, batch: usize) -> Self {
        self.changes.batch = Some(batch);
        self
    }

    /// Sets the learning rate.
    #[must_use]
    pub fn learning_rate(mut self, lr: f64) -> Self {
        self.changes.lr = Some(lr);
        self
    }

    /// Sets the random seed; 42 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.changes.seed = Some(seed);
        self
    }

    /// Sets how the run chooses the state it keeps. With [`ModelSelection::Last`] the trained model is
    /// kept even if the base encoder is better.
    #[must_use]
    pub fn selection(mut self, selection: ModelSelection) -> Self {
        self.changes.selection = Some(selection);
        self
    }

    /// Sets the device that trains heads and custom encoders; the CPU by default.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Keeps the embeddings of a transformer in this directory, so that a second run finds them.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache = Some(dir.into());
        self
    }

    /// Trains a model.
    ///
    /// # Errors
    /// When there are fewer than two distinct answers, a setting is out of range, or the encoder or
    /// training fails.
    pub fn fit<'d>(self, data: impl Into<TrainingData<'d>>) -> Result<QaModel, Error> {
        self.fit_with(data, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`fit`](Self::fit), with an observer of the run. [`ControlFlow::Break`] stops the run, which
    /// then returns the best model so far.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Stopped`] when there is no model yet.
    pub fn fit_with<'d>(
        self,
        data: impl Into<TrainingData<'d>>,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<QaModel, Error> {
        let TrainingData { train, held_out } = data.into();
        let control = Control::new();
        let mut forward = |event| {
            if on_event(event).is_break() {
                control.stop();
            }
        };
        let pairs = train.iter().flat_map(Row::all_questions).count();
        let settings = self.resolve(pairs);
        let mut run = |source: Source<'_>| -> Result<Trained, Error> {
            let mut job = Job::new(train, &settings, source, &control);
            job.held_out = held_out;
            job.encoder = &self.encoder.name;
            job.device = &self.device;
            job.loss = self.loss.clone();
            job.head = self.head.clone();
            job.run(false, &mut forward)?.ok_or(Error::Stopped)
        };
        match &self.encoder.kind {
            Kind::Static(encoder) => {
                let mut trained = run(Source::Static(encoder))?;
                let table = trained.table.take().map(StaticEmbeddings::Full);
                let encoder = with_table(encoder, table)?;
                self.finish(
                    &settings,
                    trained,
                    Base::Static,
                    TextModel::of_static(encoder),
                )
            }
            Kind::Transformer { files, dim } => {
                let mut trained = self.train_transformer(files, *dim, &mut run)?;
                let files = match trained.network.take() {
                    Some(weights) => files.clone().with_weights(weights),
                    None => files.clone(),
                };
                let encoder = SentenceEncoder::load(&files, &self.device)?;
                let model = TextModel::of_transformer(encoder);
                self.finish(&settings, trained, Base::Transformer(files), model)
            }
            Kind::Custom(encoder) => {
                let trained = run(Source::Custom(Arc::clone(encoder)))?;
                let model = TextModel::of_custom(Arc::clone(encoder));
                self.finish(&settings, trained, Base::Custom, model)
            }
        }
    }

    fn train_transformer(
        &self,
        files: &ModelFiles<'static>,
        dim: usize,
        run: &mut dyn FnMut(Source<'_>) -> Result<Trained, Error>,
    ) -> Result<Trained, Error> {
        let mut loaded = None;
        let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
            let encoder = match &loaded {
                Some(encoder) => encoder,
                None => loaded.insert(SentenceEncoder::load(files, &self.device)?),
            };
            match encoder.encode_all(texts, on_progress) {
                Ok(vectors) => Ok(Some(vectors)),
                Err(EncodeError::Cancelled) => Ok(None),
                Err(error) => Err(error.into()),
            }
        };
        let cache = match &self.cache {
            Some(dir) => Some(EmbeddingCache::new(
                &DiskStore,
                dir,
                &files.fingerprint()?,
                dim,
            )),
            None => None,
        };
        run(Source::Network {
            files,
            cache,
            encode: &mut encode,
        })
    }

    /// The settings of a run over this many pairs.
    fn resolve(&self, pairs: usize) -> Settings {
        let mut settings = match &self.settings {
            Some(settings) => settings.clone(),
            None => self.defaults().for_pairs(pairs),
        };
        if let Some(ranking) = self.changes.ranking {
            settings.distance = ranking.distance;
            settings.scale = ranking.scale;
            settings.symmetric = ranking.symmetric;
            settings.mask_equal_answers = ranking.mask_subgroups;
        }
        let Changes {
            loss,
            epochs,
            batch,
            lr,
            seed,
            selection,
            ..
        } = self.changes;
        settings.loss = loss.unwrap_or(settings.loss);
        settings.epochs = epochs.unwrap_or(settings.epochs);
        settings.batch = batch.unwrap_or(settings.batch);
        settings.lr = lr.unwrap_or(settings.lr);
        settings.seed = seed.unwrap_or(settings.seed);
        settings.selection = selection.unwrap_or(settings.selection);
        settings
    }

    /// The recipe's settings for this encoder and head.
    fn defaults(&self) -> Settings {
        let dim = self.encoder.dim();
        let has_head = self.head.is_some() || self.head_config.is_some();
        // Thorough has no head to offer for frozen encoders.
        let frozen = match self.recipe {
            Recipe::Quaterion => Recipe::Quaterion,
            Recipe::Quick | Recipe::Thorough => Recipe::Quick,
        };
        let mut settings = match &self.encoder.kind {
            Kind::Custom(encoder) if encoder.trainable() => Settings {
                trainable: Trainable::FullModel,
                head: HeadConfig::Empty { dim },
                whiten: false,
                batch: 64,
                ..Settings::of(Recipe::Quick, dim)
            },
            Kind::Custom(_) => Settings::of(frozen, dim),
            Kind::Static(_) if has_head => Settings {
                keyword_weight: Settings::of_static(frozen, dim).keyword_weight,
                ..Settings::of(frozen, dim)
            },
            Kind::Static(_) => Settings::of_static(self.recipe, dim),
            Kind::Transformer { .. } if has_head => Settings::of(frozen, dim),
            Kind::Transformer { .. } => Settings::of(self.recipe, dim),
        };
        if let Some(head) = &self.head_config {
            settings.head = head.clone();
        }
        settings
    }

    /// The model of a finished run, from its encoder.
    fn finish(
        &self,
        settings: &Settings,
        trained: Trained,
        base: Base,
        mut model: TextModel,
    ) -> Result<QaModel, Error> {
        let mut vectors = trained.vectors.clone();
        let mut part = matches!(base, Base::Custom).then_some("an encoder");
        let is_kept = trained.report.kept_epoch.is_some();
        if let Some(head) = self.head.as_ref().filter(|_| is_kept) {
            let is_encoder_trained = settings.trainable == Trainable::FullModel;
            if is_encoder_trained || matches!(trained.head, Folded::Impossible(_)) {
                part = part.or(Some("a head"));
                if !is_encoder_trained {
                    vectors = apply(head, &vectors, &self.device)?;
                }
                model = TextModel::of_custom(Arc::new(WithHead {
                    encoder: Arc::new(Pooled {
                        model,
                        device: self.device.clone(),
                    }),
                    head: Arc::clone(head),
                }));
            }
        }
        let layers = trained.head.layers().unwrap_or_default();
        let served = Servable::in_memory(InMemory {
            model: model.with_layers(layers),
            encoder: self.encoder.name.clone(),
            answers: trained.answers.clone(),
            vectors,
            confidence: trained.confidence.clone(),
            words: trained.words.map(Words::by_answer),
            expansion: trained.expansion,
            prototype: trained.prototype,
        })?;
        let origin = match part {
            Some(part) => Origin::InMemory { part },
            None => Origin::Trained {
                trained: Box::new(trained),
                base,
            },
        };
        Ok(QaModel::new(served, origin))
    }
}

fn apply(head: &SharedHead, vectors: &Matrix, device: &Device) -> Result<Matrix, Error> {
    let vectors = to_tensor(vectors, device).map_err(EncodeError::from)?;
    let vectors = head.forward(&vectors, Mode::Eval);
    let vectors = vectors.map_err(|error| Error::Encode(error.into()))?;
    Ok(to_matrix(&vectors.detach()).map_err(EncodeError::from)?)
}
