//! A training job: embeds the texts of an FAQ, trains, and evaluates before and after.

mod exam;
mod findings;
mod folds;
mod learn;
mod measure;
mod ranking;
mod texts;

pub use measure::Baseline;

use super::{
    Checkpoint, Control, Event, Fitted, Loss, Note, Report, Settings, SettingsError, TestOutcome,
    TrainError, Trainable, report,
};
use crate::{
    cache::{Embedded, EmbeddingCache, Encode, Progress},
    servable::{AnswerSet, Confidence},
};
use candle_core::Device;
use nearsay_core::{
    candle::text::{SharedEncoder, SharedHead, embed_all},
    head::Folded,
    matrix::Matrix,
};
use nearsay_faq::Row;
use nearsay_model::ModelFiles;
use nearsay_search::{expansion::Rule, prototype::Prototype};
use nearsay_text::compact::StaticEncoder;
use std::{collections::HashSet, ops::ControlFlow, sync::Arc, time::Instant};
use texts::{Places, ways};

/// A training job.
#[non_exhaustive]
pub struct Job<'a, 's> {
    /// Rows to train on.
    pub rows: &'a [Row],
    /// Held-out rows, never trained on. Their answers are part of the model, and the report has its figures of their
    /// questions. Without held-out rows, the figures come from a cross-validation of the training rows.
    pub held_out: &'a [Row],
    /// The model that the report compares the trained model with.
    pub baseline: Baseline<'a>,
    /// The settings.
    pub settings: &'a Settings,
    /// The base encoder.
    pub source: Source<'s>,
    /// Name of the encoder in the report.
    pub encoder: &'a str,
    /// The device.
    pub device: &'a Device,
    /// Pauses and stops the job.
    pub control: &'a Control,
    /// Where the state of the run is saved; none to save nothing.
    pub checkpoint: Option<Checkpoint<'a>>,
    /// The loss.
    pub loss: Loss,
    /// A head of the caller's, in place of the one in the settings. Its parameters are variables on
    /// [`device`](Self::device); the job trains them in place.
    pub head: Option<SharedHead>,
}

impl<'a, 's> Job<'a, 's> {
    /// A job on the CPU that holds nothing out and saves nothing.
    #[must_use]
    pub fn new(
        rows: &'a [Row],
        settings: &'a Settings,
        source: Source<'s>,
        control: &'a Control,
    ) -> Self {
        Self {
            rows,
            held_out: &[],
            baseline: Baseline::default(),
            settings,
            source,
            encoder: "",
            device: &Device::Cpu,
            control,
            checkpoint: None,
            loss: Loss::FromSettings,
            head: None,
        }
    }
}

/// The base encoder of a job.
#[non_exhaustive]
pub enum Source<'a> {
    /// A transformer, whose vectors are cached on disk.
    Network {
        /// Its files, needed to fine-tune it.
        files: &'a ModelFiles<'a>,
        /// The cache; none to compute all vectors.
        cache: Option<EmbeddingCache<'a>>,
        /// Computes the vectors that are not in the cache.
        encode: &'a mut Encode<'a>,
    },
    /// A static encoder.
    Static(&'a StaticEncoder<'a>),
    /// An encoder of the caller's. If the settings train the full model, its parameters are trained in
    /// place.
    Custom(SharedEncoder),
}

/// Result of a job.
#[non_exhaustive]
pub struct Trained {
    /// The head, folded; the identity if there is none or the base model was better.
    pub head: Folded,
    /// The trained table, `[tokens, dim]`; none if there is none or the base model was better.
    pub table: Option<Matrix>,
    /// The fine-tuned transformer's weights as a safetensors file; none if there is none or the base
    /// model was better.
    pub network: Option<Vec<u8>>,
    /// BM25 weight of hybrid search; none for search by vectors alone.
    pub words: Option<f32>,
    /// Document expansion; none for unexpanded answers.
    pub expansion: Option<Rule>,
    /// Prototype scoring; none to compare with the nearest paraphrase alone.
    pub prototype: Option<Prototype>,
    /// All answers with all their paraphrases, including the held-out rows.
    pub answers: AnswerSet,
    /// The pooled vector of each of the set's texts by the trained encoder, before the head,
    /// `[n, d]`.
    pub vectors: Matrix,
    /// Confidence, calibrated on the test questions: each one once, as a question about a known answer if its answer
    /// has other paraphrases.
    pub confidence: Confidence,
    /// Outcomes of all test questions of the report.
    pub outcomes: Vec<TestOutcome>,
    /// The report. The caller sets the directory when the model is saved.
    pub report: Report,
}

impl Job<'_, '_> {
    /// Runs the job; `None` if it was stopped while texts were being embedded.
    ///
    /// # Errors
    /// When there is too little data, or the encoder, the store or training fails.
    pub fn run(
        mut self,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Trained>, TrainError> {
        let started = Instant::now();
        let all: Vec<Row> = self.rows.iter().chain(self.held_out).cloned().collect();
        let answers = Arc::new(AnswerSet::of(&all));
        // The set keeps the first of equal answers; pairs are made of each row's own.
        let mut texts = answers.texts();
        let exported = texts.len();
        let known: HashSet<&str> = texts.iter().copied().collect();
        texts.extend(
            all.iter()
                .map(|row| row.answer.as_str())
                .filter(|a| !known.contains(a)),
        );
        let Some(embedded) = self.embed(&texts, on_event)? else {
            return Ok(None);
        };
        if embedded.damaged > 0 {
            on_event(Event::Note(Note::DamagedCache {
                files: embedded.damaged,
            }));
        }
        let place = Places {
            of: texts.iter().copied().zip(0..).collect(),
            vectors: &embedded.embeddings,
        };
        let embed_s = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let learned = match (&self.source, self.settings.trainable) {
            (_, Trainable::Head) => self.learn_head(&place, resume, on_event)?,
            (Source::Static(encoder), Trainable::TokenEmbeddings) => {
                self.learn_table(encoder, &place, &texts, resume, on_event)?
            }
            (Source::Network { files, .. }, Trainable::FullModel) => {
                self.learn_network(files, &place, &texts, resume, on_event)?
            }
            (Source::Custom(encoder), Trainable::FullModel) => {
                self.learn_encoder(encoder, &place, &texts, resume, on_event)?
            }
            (Source::Network { .. } | Source::Custom(_), Trainable::TokenEmbeddings) => {
                return Err(unsupported(
                    "only a static encoder, such as compact, has token embeddings to train",
                ));
            }
            (Source::Static(_), Trainable::FullModel) => {
                return Err(unsupported(
                    "a static encoder, such as compact, has no transformer to train",
                ));
            }
        };
        let mut report = self.report(&learned.fitted);
        let measured = self.measure(&mut report, &learned, &answers, &place)?;
        let scoring = learned.graded.scoring;
        // The evaluations own the answers, so they aren't copied.
        drop((learned.graded, learned.base));
        report.embed_s = embed_s;
        report.train_s = started.elapsed().as_secs_f64();
        report.fresh_texts = embedded.fresh;
        // The head is applied when the model is saved or opened.
        let vectors = if learned.is_new_encoder {
            learned.vectors
        } else {
            embedded.embeddings
        };
        let (dim, mut data) = (vectors.columns(), vectors.into_data());
        data.truncate(exported * dim);
        let vectors =
            Matrix::new(exported, dim, data).map_err(|error| TrainError::Encoder(error.into()))?;
        Ok(Some(Trained {
            head: learned.head,
            table: learned.table,
            network: learned.network,
            words: report.words,
            expansion: scoring.expansion,
            prototype: scoring.prototype,
            confidence: measured.confidence,
            outcomes: measured.outcomes,
            report,
            vectors,
            answers: Arc::unwrap_or_clone(answers),
        }))
    }

    /// Base vectors of all texts; `None` when stopped.
    fn embed(
        &mut self,
        texts: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Embedded>, TrainError> {
        let mut on_progress = embed_events(on_event);
        match &mut self.source {
            Source::Custom(encoder) => {
                let (control, started) = (self.control, Instant::now());
                let embeddings = embed_all(&**encoder, texts, &mut |done, total| {
                    on_progress(Progress::since(started, done, total));
                    proceed(control)
                });
                let embeddings = embeddings.map_err(TrainError::Encoder)?;
                on_progress(Progress::since(started, texts.len(), texts.len()));
                Ok(embeddings.map(|embeddings| Embedded {
                    embeddings,
                    fresh: texts.len(),
                    damaged: 0,
                }))
            }
            Source::Network {
                cache: Some(cache),
                encode,
                ..
            } => Ok(cache.embed(texts, encode, self.control, &mut on_progress)?),
            Source::Network {
                cache: None,
                encode,
                ..
            } => {
                let (control, started) = (self.control, Instant::now());
                let embeddings = encode(texts, &mut |done, total| {
                    on_progress(Progress::since(started, done, total));
                    proceed(control)
                });
                let embeddings = embeddings.map_err(TrainError::Encoder)?;
                Ok(embeddings.map(|embeddings| Embedded {
                    embeddings,
                    fresh: texts.len(),
                    damaged: 0,
                }))
            }
            Source::Static(encoder) => {
                let embeddings = encoder.encode_all(texts);
                on_progress(Progress {
                    done: texts.len(),
                    total: texts.len(),
                    eta_s: Some(0.0),
                });
                Ok(Some(Embedded {
                    embeddings,
                    fresh: texts.len(),
                    damaged: 0,
                }))
            }
        }
    }

    fn report(&self, fitted: &Fitted) -> Report {
        let last = fitted.epochs.last();
        Report {
            dir: String::new(),
            encoder: self.encoder.into(),
            settings: self.settings.clone(),
            train_rows: ways(self.rows).count(),
            held_out: self.held_out.len(),
            epochs: fitted.epochs.len(),
            kept_epoch: fitted.kept_epoch,
            stopped: fitted.stopped,
            known_answers: None,
            new_answers: None,
            difference: None,
            compared_with: report::ComparedWith::default(),
            protocol: None,
            before: None,
            after: None,
            words: None,
            without_words: None,
            expansion: None,
            without_expansion: None,
            findings: report::Findings::default(),
            train: last.map(|epoch| epoch.train),
            val: last.and_then(|epoch| epoch.val),
            fresh_texts: 0,
            embed_s: 0.0,
            train_s: 0.0,
        }
    }
}

/// Waits while the job is paused; breaks once it is stopped.
fn proceed(control: &Control) -> ControlFlow<()> {
    if control.wait() {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

fn unsupported(reason: &'static str) -> TrainError {
    SettingsError::Unsupported { reason }.into()
}

/// Progress of embedding as events, at most 20 a second.
fn embed_events(on_event: &mut dyn FnMut(Event)) -> impl FnMut(Progress) {
    let mut last = Instant::now();
    move |progress| {
        let Progress { done, total, eta_s } = progress;
        if done == 0 || done == total || last.elapsed().as_millis() > 50 {
            last = Instant::now();
            on_event(Event::Embed { done, total, eta_s });
        }
    }
}

#[cfg(test)]
mod tests;
