//! A whole training: embed the texts of an FAQ, learn, measure before and after.

mod exam;
mod findings;
mod learn;
mod ranking;
mod texts;

use super::{
    Checkpoint, Control, Event, Fitted, Learns, PoolFigures, Report, Settings, TrainError,
    report::Findings,
};
use crate::{
    cache::{Embedded, EmbeddingCache, Encode, Progress},
    compact::StaticEncoder,
    faq::Row,
    head::Folded,
    matrix::Matrix,
    model::ModelFiles,
    servable::{AnswerSet, Confidence},
};
use candle_core::Device;
use ranking::{Known, Ranking};
use std::{collections::HashSet, time::Instant};
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
    /// How far answers are moved towards the questions of answers like them; none when they are compared as
    /// they are.
    pub expansion: Option<f32>,
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
        let answers = AnswerSet::of(&all);
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
        let before = self.ask(&self.exam(&place, &answers)?, 0.0)?;
        let Ranking { expansion, words } = learned.ranking;
        let now = Places {
            vectors: &learned.vectors,
            ..place
        };
        let moved = match expansion > 0.0 {
            true => Some(self.expansion(&now, expansion, Known::All)?),
            false => None,
        };
        let exam = self.exam(&now, &answers)?.expanded(moved.as_ref())?;
        let after = self.ask(&exam, words)?;
        let mut report = self.report(&learned.fitted, before.figures, after.figures);
        report.findings = self.findings(&exam, &answers, &before, &after);
        if words > 0.0 {
            report.words = Some(words);
            report.without_words = self.ask(&exam, 0.0)?.figures;
        }
        if expansion > 0.0 {
            report.expansion = Some(expansion);
            report.without_expansion = self.ask(&exam.plain(), words)?.figures;
        }
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
            expansion: report.expansion,
            confidence: after.confidence,
            report,
            vectors,
            answers,
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
            findings: Findings::default(),
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
mod tests {
    use super::*;
    use crate::{
        candle::bert::{SentenceEncoder, tiny_tokenizer},
        compact::Table,
        model::{
            BertConfig,
            tests::{folder, made_up, whole},
        },
        store::MemStore,
        train::{Keep, Recipe},
        wordpiece::{Vocabulary, WordPiece},
    };

    use serde_json::json;
    use std::ops::ControlFlow;

    const DIM: usize = 16;

    /// An encoder of `n` words to ask by, `n` to answer with, and one that is in every question kept
    /// aside.
    fn encoder(n: usize) -> StaticEncoder<'static> {
        let mut tokens = String::from("[UNK]\naside");
        for i in 0..n {
            tokens.push_str(&format!("\nask{i}\nanswer{i}"));
        }
        let words = WordPiece::new(Vocabulary::parse(&tokens).unwrap());
        let mut random = fastrand::Rng::with_seed(5);
        let table = Matrix::from_fn(2 + 2 * n, DIM, |_, _| random.f32() * 2.0 - 1.0);
        StaticEncoder::new(words, Table::Full(table)).unwrap()
    }

    fn trained(n: usize) -> Trained {
        let encoder = encoder(n);
        let rows = |what: &str| -> Vec<Row> {
            (0..n)
                .map(|i| Row {
                    line: i as u64 + 1,
                    question: format!("ask{i}{what}"),
                    answer: format!("answer{i}"),
                    ..Row::default()
                })
                .collect()
        };
        let settings = Settings {
            epochs: 1,
            batch: 8,
            ..Settings::of(Recipe::Quick, DIM)
        };
        run(&encoder, &rows(""), &rows(" aside"), &settings)
    }

    /// A run over a static encoder.
    pub(super) fn run(
        encoder: &StaticEncoder<'_>,
        rows: &[Row],
        held_out: &[Row],
        settings: &Settings,
    ) -> Trained {
        let job = Job {
            rows,
            held_out,
            settings,
            source: Source::Static(encoder),
            encoder: "made up",
            device: &Device::Cpu,
            control: &Control::new(),
            checkpoint: None,
        };
        job.run(false, &mut |_| {}).unwrap().unwrap()
    }

    /// Those kept aside do not find themselves.
    #[test]
    fn a_calibration_is_measured_on_what_is_kept_aside() {
        let run = trained(24);
        let calibration = run.confidence.calibration.unwrap();
        assert_eq!(calibration.questions(), 24);
        let right = run.report.after.unwrap().recall_1 * 24.0;
        // One right answer and one wrong one are added to what was observed.
        let said: f64 = calibration
            .blocks()
            .iter()
            .map(|block| f64::from(block.probability) * block.questions as f64)
            .sum();
        assert!((f64::from(right) - said).abs() < 2.0, "{right} {said}");
        for block in calibration.blocks() {
            assert!(block.score < 0.999, "{calibration:?}");
        }
        assert_eq!(trained(19).confidence.calibration, None);
    }

    const TOKENS: [&str; 3] = ["a", "b", "ab"];

    /// Question `i`, and with another way to say it its answer, of three words.
    fn spelled(i: usize, last: &str) -> String {
        let [one, two] = [TOKENS[i % 3], TOKENS[i / 3 % 3]];
        format!("{one} {two} {last}")
    }

    /// A run over a tiny network, which learns all there is in three epochs and keeps the last.
    fn tuned(store: &MemStore, control: &Control, resume: bool, stop: bool) -> Trained {
        let files = ModelFiles::open(store, "base".as_ref()).unwrap();
        let rows: Vec<Row> = (0..9)
            .map(|i| Row {
                line: i as u64 + 1,
                question: spelled(i, "?"),
                answer: spelled(i, "b b"),
                ..Row::default()
            })
            .collect();
        let settings = Settings {
            epochs: 3,
            batch: 4,
            lr: 1e-2,
            keep: Keep::Last,
            ..Settings::of(Recipe::Thorough, 32)
        };
        let encoder = SentenceEncoder::load(&files, &Device::Cpu).unwrap();
        let mut encode = |texts: &[&str], _: &mut dyn FnMut(usize) -> bool| {
            let go_on = &mut |_, _| ControlFlow::Continue(());
            Ok(Some(encoder.encode_all(texts, go_on)?))
        };
        let job = Job {
            rows: &rows,
            held_out: &rows[..2],
            settings: &settings,
            source: Source::Network {
                files: &files,
                cache: EmbeddingCache::new(store, "cache".as_ref(), "tiny", 32),
                encode: &mut encode,
            },
            encoder: "tiny",
            device: &Device::Cpu,
            control,
            checkpoint: Some(Checkpoint::new(store, "run".into())),
        };
        let mut on_event = |event| {
            if stop && matches!(event, Event::Epoch(_)) {
                control.stop();
            }
        };
        job.run(resume, &mut on_event).unwrap().unwrap()
    }

    fn tiny() -> MemStore {
        let config = json!({
            "model_type": "bert", "vocab_size": 8, "hidden_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 1, "intermediate_size": 32, "max_position_embeddings": 16,
            "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
        });
        let config = config.to_string().into_bytes();
        let mut random = fastrand::Rng::with_seed(2);
        let weights = made_up(
            &BertConfig::from_json(&config).unwrap(),
            "",
            |name, data, _| {
                let one = if name.ends_with("LayerNorm.weight") {
                    1.0
                } else {
                    0.0
                };
                for bytes in data.as_chunks_mut::<4>().0 {
                    *bytes = (one + 0.5 * (random.f32() - 0.5)).to_le_bytes();
                }
            },
        );
        let mut files = whole(&tiny_tokenizer());
        for (name, bytes) in &mut files {
            match name.as_str() {
                "config.json" => bytes.clone_from(&config),
                "model.safetensors" => bytes.clone_from(&weights),
                _ => {}
            }
        }
        folder("base", &files)
    }

    #[test]
    fn a_network_learns_what_it_is_taught() {
        let store = tiny();
        let trained = tuned(&store, &Control::new(), false, false);
        let report = &trained.report;
        let (before, after) = (report.before.unwrap(), report.after.unwrap());
        assert!(after.mrr_10 > before.mrr_10, "{before:?} {after:?}");
        // The vectors are those of the network as it is written.
        let weights = trained.network.unwrap();
        let files = ModelFiles::open(&store, "base".as_ref()).unwrap();
        let encoder = SentenceEncoder::load(&files.with_weights(weights), &Device::Cpu).unwrap();
        let texts = trained.answers.texts();
        let vectors = encoder.encode_all(&texts, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(vectors.unwrap(), trained.vectors);
    }

    #[test]
    fn a_stopped_run_of_a_network_goes_on_to_the_same_end() {
        let whole = tuned(&tiny(), &Control::new(), false, false);
        let store = tiny();
        let part = tuned(&store, &Control::new(), false, true);
        assert!(part.report.stopped && part.report.epochs == 1);
        let rest = tuned(&store, &Control::new(), true, false);
        assert_eq!(rest.report.epochs, 3);
        assert!(rest.network == whole.network);
    }
}
