//! A whole training: embed the texts of an FAQ, learn, measure before and after.

mod exam;
mod findings;
mod learn;
mod ranking;
mod texts;

use super::{
    Checkpoint, Control, Event, Fitted, Learns, PoolFigures, Report, Settings, TrainError, report,
};
use crate::{
    answer_index::Scoring,
    cache::{Embedded, EmbeddingCache, Encode, Progress},
    servable::{AnswerSet, Confidence},
};
use candle_core::Device;
use nearsay_core::{head::Folded, matrix::Matrix};
use nearsay_faq::Row;
use nearsay_model::ModelFiles;
use nearsay_search::expansion::{Rule, Towards};
use nearsay_text::compact::StaticEncoder;
use std::{collections::HashSet, sync::Arc, time::Instant};
use texts::{Places, ways};

/// What to learn, from what, and where to keep it.
pub struct Job<'a, 's> {
    /// Rows to learn from.
    pub rows: &'a [Row],
    /// Rows kept aside: measured, never learned from. Their answers are answered with all the same.
    pub held_out: &'a [Row],
    /// The settings.
    pub settings: &'a Settings,
    /// What turns texts into vectors.
    pub source: Source<'s>,
    /// Name of the encoder, for the report.
    pub encoder: &'a str,
    /// Where to compute.
    pub device: &'a Device,
    /// Pauses and stops.
    pub control: &'a Control,
    /// Where the state of the run is saved.
    pub checkpoint: Option<Checkpoint<'a>>,
}

/// What turns texts into vectors before a head.
pub enum Source<'a> {
    /// A network. Its vectors as it is are kept on disk.
    Network {
        /// Its files, from which it learns when the settings say so.
        files: &'a ModelFiles<'a>,
        /// The vectors kept.
        cache: EmbeddingCache<'a>,
        /// The encoder.
        encode: &'a mut Encode<'a>,
    },
    /// A static encoder: so quick that nothing is kept, and its table can be learned.
    Static(&'a StaticEncoder<'a>),
}

/// What came of it.
pub struct Trained {
    /// The head, folded; the identity when there is none or what it started with was best.
    pub head: Folded,
    /// The learned table, `[tokens, dim]`; none when there is none or the one it started with was
    /// best.
    pub table: Option<Matrix>,
    /// The learned network, as the bytes of its weights' file; none when none was learned or the one
    /// it started with was best.
    pub network: Option<Vec<u8>>,
    /// What words count for beside the vectors; none when vectors alone are compared.
    pub words: Option<f32>,
    /// How answers are moved towards questions; none when they are compared as they are.
    pub expansion: Option<Rule>,
    /// All answers with all their wordings, those kept aside among them.
    pub answers: AnswerSet,
    /// The pooled vector of each of the set's texts by the encoder as it is now, before the head,
    /// `[n, d]`.
    pub vectors: Matrix,
    /// When an answer is sure, and how probably it is right, measured on the questions kept aside.
    ///
    /// They are asked of the answers alone: all their wordings are kept aside with them, and against other
    /// answers' wordings they would stand no chance.
    pub confidence: Confidence,
    /// The figures; where the model is written is filled in by whoever writes it.
    pub report: Report,
}

impl Job<'_, '_> {
    /// Does it all; `None` when it was stopped while texts were still being embedded.
    ///
    /// # Errors
    /// When there is too little to learn from, or the encoder, the store or training fails.
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
            on_event(Event::note(format!(
                "{} of the files with saved embeddings could not be read; their texts were \
                 embedded again.",
                embedded.damaged
            )));
        }
        let place = Places {
            of: texts.iter().copied().zip(0..).collect(),
            vectors: &embedded.embeddings,
        };
        let embed_s = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let learned = match (&self.source, self.settings.learns) {
            (_, Learns::Head) => self.learn_head(&place, resume, on_event)?,
            (Source::Static(encoder), Learns::Table) => {
                self.learn_table(encoder, &place, &texts, resume, on_event)?
            }
            (Source::Network { files, .. }, Learns::Network) => {
                self.learn_network(files, &place, &texts, resume, on_event)?
            }
            (Source::Network { .. }, Learns::Table) => {
                return Err(TrainError::Setting(
                    "only a static encoder, such as compact, has a table to learn".into(),
                ));
            }
            (Source::Static(_), Learns::Network) => {
                return Err(TrainError::Setting(
                    "a static encoder, such as compact, has no network to learn".into(),
                ));
            }
        };
        let questions = self.held_out(&answers);
        let before = exam::index(&answers, &place)?.evaluate(&questions)?;
        let now = Places {
            vectors: &learned.vectors,
            ..place
        };
        let index = exam::index(&answers, &now)?;
        let scoring = learned.ranking;
        let after = index.evaluate_with(&questions, scoring)?;
        let mut report = self.report(&learned.fitted, before.figures, after.figures);
        report.findings = self.findings(&before, &after, &answers);
        let without = |scoring: Scoring| -> Result<_, TrainError> {
            Ok(index.evaluate_with(&questions, scoring)?.figures)
        };
        if let Some(hybrid) = scoring.hybrid {
            report.words = Some(hybrid.weight);
            report.without_words = without(Scoring {
                hybrid: None,
                ..scoring
            })?;
        }
        if let Some(rule) = scoring.expansion
            && rule.towards == Towards::Alike
        {
            report.expansion = Some(rule.weight);
            report.without_expansion = without(Scoring {
                expansion: None,
                ..scoring
            })?;
        }
        // Its share of the answers goes along, so that they need not be copied.
        drop(index);
        report.embed_s = embed_s;
        report.train_s = started.elapsed().as_secs_f64();
        report.fresh_texts = embedded.fresh;
        // A head is applied by whoever writes the model; what came before it has already been.
        let vectors = match (&learned.table, &learned.network) {
            (None, None) => embedded.embeddings,
            _ => learned.vectors,
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
            confidence: after.confidence,
            report,
            vectors,
            answers: Arc::unwrap_or_clone(answers),
        }))
    }

    /// The vectors of all texts as the encoder is; `None` when stopped.
    fn embed(
        &mut self,
        texts: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Embedded>, TrainError> {
        let mut on_progress = telling(on_event);
        match &mut self.source {
            Source::Network { cache, encode, .. } => {
                Ok(cache.embed(texts, encode, self.control, &mut on_progress)?)
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

    fn report(
        &self,
        fitted: &Fitted,
        before: Option<PoolFigures>,
        after: Option<PoolFigures>,
    ) -> Report {
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
            before,
            after,
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

/// Tells how far embedding is, but no oftener than any eye can follow.
fn telling(on_event: &mut dyn FnMut(Event)) -> impl FnMut(Progress) {
    let mut told = Instant::now();
    move |progress| {
        let Progress { done, total, eta_s } = progress;
        if done == 0 || done == total || told.elapsed().as_millis() > 50 {
            told = Instant::now();
            on_event(Event::Embed { done, total, eta_s });
        }
    }
}

#[cfg(test)]
mod tests;
