//! A whole training: embed the texts of an FAQ, learn, measure before and after.

use super::{
    Checkpoint, Control, Event, Fit, Fitted, Learns, Pairs, PoolFigures, Report, Settings,
    TrainError,
    bags::Bags,
    data::answer_groups,
    learner::{TableLearner, train_head},
};
use crate::{
    cache::{Embedded, EmbeddingCache, Encode, Progress},
    calibration::Calibration,
    candle::{TrainableHead, to_matrix, to_tensor},
    compact::{StaticEncoder, Table},
    faq::Row,
    head::{Folded, Mode},
    index::Index,
    matrix::Matrix,
    metric::{Metric as _, PoolMetrics, rank_pool, score_pool},
    servable::{AnswerSet, Checked, HeldOut, Threshold, check},
};
use candle_core::Device;
use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    time::Instant,
};

/// Right answers needed before a threshold is measured rather than taken from experience.
const MIN_FOR_THRESHOLD: usize = 20;

/// Questions needed before it is said how probably an answer is right.
const MIN_FOR_CALIBRATION: usize = 20;

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
    /// A frozen encoder whose vectors are kept on disk.
    Frozen {
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
    /// All answers with all their wordings, those kept aside among them.
    pub answers: AnswerSet,
    /// The pooled vector of each of the set's texts by the encoder as it is now, before the head,
    /// `[n, d]`.
    pub vectors: Matrix,
    /// From which score on an answer is given without a warning.
    pub threshold: Threshold,
    /// How probably an answer is right by its score, measured on the questions kept aside; none when
    /// they are fewer than 20.
    ///
    /// The score is the one a folder of this answers with: of the nearest of an answer and its known
    /// wordings, those kept aside left out.
    pub calibration: Option<Calibration>,
    /// The figures; where the model is written is filled in by whoever writes it.
    pub report: Report,
}

/// Questions kept aside and the pool they are asked of, as pooled vectors.
struct Exam {
    questions: Matrix,
    pool: Matrix,
    right: Vec<Vec<usize>>,
}

/// What was learned.
struct Learned {
    fitted: Fitted,
    head: Folded,
    table: Option<Matrix>,
    /// Vectors of all texts as they are after training, with the head.
    vectors: Matrix,
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
                self.learn_table(encoder, &texts, resume, on_event)?
            }
            (Source::Frozen { .. }, Learns::Table) => {
                return Err(TrainError::Setting(
                    "only a static encoder, such as compact, has a table to learn".into(),
                ));
            }
        };
        let before = self.ask(&self.exam(&place, &answers)?)?;
        let now = Places {
            vectors: &learned.vectors,
            ..place
        };
        let exam = self.exam(&now, &answers)?;
        let after = self.ask(&exam)?;
        let calibration = self.calibrate(&exam, &answers, &texts[..exported], now.vectors)?;
        let mut report = self.report(&learned.fitted, before.figures, after.figures);
        report.embed_s = embed_s;
        report.train_s = started.elapsed().as_secs_f64();
        report.fresh_texts = embedded.fresh;
        // A head is applied by whoever writes the model; a table has already been.
        let vectors = match learned.table {
            Some(_) => learned.vectors,
            None => embedded.embeddings,
        };
        let (dim, mut data) = (vectors.columns(), vectors.into_data());
        data.truncate(exported * dim);
        let vectors =
            Matrix::new(exported, dim, data).map_err(|error| TrainError::Encoder(error.into()))?;
        Ok(Some(Trained {
            head: learned.head,
            table: learned.table,
            threshold: after.threshold,
            calibration,
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
        let mut told = Instant::now();
        let mut on_progress = |progress: Progress| {
            let Progress { done, total, eta_s } = progress;
            // Twenty a second are enough for any eye.
            if done == 0 || done == total || told.elapsed().as_millis() > 50 {
                told = Instant::now();
                on_event(Event::Embed { done, total, eta_s });
            }
        };
        match &mut self.source {
            Source::Frozen { cache, encode } => {
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

    fn fit<'f, X>(&'f self, train: &'f Pairs<X>, val: &'f Pairs<X>) -> Fit<'f, X>
    where
        X: super::data::Texts,
    {
        Fit {
            settings: self.settings,
            train,
            val: Some(val).filter(|val| !val.is_empty()),
            control: self.control,
            checkpoint: self.checkpoint.clone(),
        }
    }

    fn learn_head(
        &self,
        place: &Places<'_>,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let (train, val) = (place.pairs(self.rows)?, place.pairs(self.held_out)?);
        let fitted = train_head(&self.fit(&train, &val), self.device, resume, on_event)?;
        let head = TrainableHead::new(&self.settings.head, &fitted.weights, self.device)?;
        let vectors = to_tensor(place.vectors, self.device)?;
        let vectors = to_matrix(&head.head().forward(&vectors, Mode::Eval)?.detach())?;
        Ok(Learned {
            head: match fitted.kept_epoch {
                Some(_) => head.head().fold()?,
                None => Folded::Identity,
            },
            table: None,
            fitted,
            vectors,
        })
    }

    fn learn_table(
        &self,
        encoder: &StaticEncoder<'_>,
        texts: &[&str],
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Learned, TrainError> {
        let bags = |rows: &[Row]| -> Result<Pairs<Bags>, TrainError> {
            let (mut anchors, mut positives) = (Bags::new(), Bags::new());
            for (way, row) in ways(rows) {
                anchors.push(|ids| encoder.words().ids_into(way, ids));
                positives.push(|ids| encoder.words().ids_into(&row.answer, ids));
            }
            let subgroups = answer_groups(ways(rows).map(|(_, row)| row.answer.as_str()));
            Pairs::new(anchors, positives, subgroups).map_err(|e| TrainError::Encoder(e.into()))
        };
        let (train, val) = (bags(self.rows)?, bags(self.held_out)?);
        let learner = TableLearner::new(self.settings, encoder.table(), &[&train, &val]);
        let tokens = learner.tokens().to_vec();
        let fitted = self.fit(&train, &val).run(learner, resume, on_event)?;
        let mut table = encoder.table().full();
        for (token, row) in tokens
            .iter()
            .zip(fitted.weights.iter().flat_map(|w| w.value.iter_rows()))
        {
            table.row_mut(*token as usize).copy_from_slice(row);
        }
        let vectors = encoder.encode_by(&Table::Full(table.clone()), texts);
        let kept = fitted.kept_epoch.is_some();
        Ok(Learned {
            fitted,
            head: Folded::Identity,
            table: kept.then_some(table),
            vectors,
        })
    }

    /// The questions kept aside, to be asked of all answers.
    fn exam(&self, place: &Places<'_>, answers: &AnswerSet) -> Result<Exam, TrainError> {
        let questions: Vec<&str> = ways(self.held_out).map(|(way, _)| way).collect();
        let pool: Vec<&str> = answers
            .iter()
            .map(|answer| answer.answer.as_str())
            .collect();
        let known = answer_groups(
            pool.iter()
                .copied()
                .chain(self.held_out.iter().map(|row| row.answer.as_str())),
        );
        let number: HashMap<u64, usize> = known.iter().take(pool.len()).copied().zip(0..).collect();
        let mut right = Vec::with_capacity(questions.len());
        for (row, group) in self.held_out.iter().zip(&known[pool.len()..]) {
            let answer = number.get(group).copied();
            right.extend(row.ways_to_ask().map(|_| answer.into_iter().collect()));
        }
        Ok(Exam {
            questions: place.rows(&questions)?,
            pool: place.rows(&pool)?,
            right,
        })
    }

    /// Asks the questions kept aside.
    fn ask(&self, exam: &Exam) -> Result<Asked, TrainError> {
        if exam.right.is_empty() {
            return Ok(Asked {
                figures: None,
                threshold: Threshold::USUAL,
            });
        }
        let place = |matrix| to_tensor(matrix, self.device);
        let (questions, pool) = (place(&exam.questions)?, place(&exam.pool)?);
        let mut metrics = PoolMetrics::default();
        let mut right_first = Vec::new();
        score_pool(&questions, &pool, &exam.right, &mut |scores| {
            let ranks = rank_pool(scores);
            if ranks.first() == Some(&1) {
                right_first.extend(scores.scores.iter().copied().reduce(f32::max));
            }
            metrics.update(&ranks);
        })?;
        Ok(Asked {
            figures: PoolFigures::of(&metrics, exam.pool.rows()),
            threshold: threshold(right_first, exam.right.len()),
        })
    }

    /// How probably an answer of the finished model is right. `texts` are those of the answers,
    /// `vectors` start with theirs.
    fn calibrate(
        &self,
        exam: &Exam,
        answers: &AnswerSet,
        texts: &[&str],
        vectors: &Matrix,
    ) -> Result<Option<Calibration>, TrainError> {
        if exam.right.len() < MIN_FOR_CALIBRATION {
            return Ok(None);
        }
        let held_out: HashSet<&str> = ways(self.held_out).map(|(way, _)| way).collect();
        let without: Vec<u32> = (0u32..)
            .zip(texts)
            .filter(|(vector, text)| answers.wording(*vector).is_some() && held_out.contains(*text))
            .map(|(vector, _)| vector)
            .collect();
        let (rows, columns) = (texts.len(), vectors.columns());
        let data = vectors.data()[..rows * columns].to_vec();
        let index = Matrix::new(rows, columns, data)
            .and_then(|vectors| Index::new(vectors, answers.owners()))
            .map_err(|error| TrainError::Encoder(error.into()))?;
        let questions: Vec<HeldOut<'_>> = exam
            .questions
            .iter_rows()
            .zip(&exam.right)
            .filter_map(|(vector, right)| {
                let right = *right.first()? as u32;
                Some(HeldOut {
                    vector,
                    question: "",
                    right,
                })
            })
            .collect();
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let checked = check(&index, &without, &questions, go_on)
            .map_err(|error| TrainError::Encoder(error.into()))?;
        let outcomes: Vec<(f32, bool)> = checked.iter().map(Checked::outcome).collect();
        Ok(Calibration::fit(&outcomes))
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
            train: last.map(|epoch| epoch.train),
            val: last.and_then(|epoch| epoch.val),
            fresh_texts: 0,
            embed_s: 0.0,
            train_s: 0.0,
        }
    }
}

struct Asked {
    figures: Option<PoolFigures>,
    threshold: Threshold,
}

/// The score that nine of ten questions reach whose first answer was right.
fn threshold(mut right_first: Vec<f32>, questions: usize) -> Threshold {
    if right_first.len() < MIN_FOR_THRESHOLD {
        return Threshold::USUAL;
    }
    right_first.sort_by(f32::total_cmp);
    Threshold {
        score: right_first[right_first.len() / 10],
        questions,
    }
}

/// Every way to ask, with its row.
fn ways(rows: &[Row]) -> impl Iterator<Item = (&str, &Row)> {
    rows.iter()
        .flat_map(|row| row.ways_to_ask().map(move |way| (way, row)))
}

/// The vector of each text.
struct Places<'a> {
    of: HashMap<&'a str, usize>,
    vectors: &'a Matrix,
}

impl Places<'_> {
    /// The pooled vectors of texts, `[n, d]`.
    fn rows(&self, texts: &[&str]) -> Result<Matrix, TrainError> {
        let mut data = Vec::with_capacity(texts.len() * self.vectors.columns());
        for text in texts {
            let Some(&row) = self.of.get(text) else {
                return Err(TrainError::Encoder(
                    format!("{text:?} was not embedded").into(),
                ));
            };
            data.extend_from_slice(self.vectors.row(row));
        }
        Matrix::new(texts.len(), self.vectors.columns(), data)
            .map_err(|error| TrainError::Encoder(error.into()))
    }

    /// Every way to ask with its answer.
    fn pairs(&self, rows: &[Row]) -> Result<Pairs, TrainError> {
        let anchors: Vec<&str> = ways(rows).map(|(way, _)| way).collect();
        let positives: Vec<&str> = ways(rows).map(|(_, row)| row.answer.as_str()).collect();
        let subgroups = answer_groups(positives.iter().copied());
        Pairs::new(self.rows(&anchors)?, self.rows(&positives)?, subgroups)
            .map_err(|error| TrainError::Encoder(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        train::Recipe,
        wordpiece::{Vocabulary, WordPiece},
    };

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
        let job = Job {
            rows: &rows(""),
            held_out: &rows(" aside"),
            settings: &settings,
            source: Source::Static(&encoder),
            encoder: "made up",
            device: &Device::Cpu,
            control: &Control::new(),
            checkpoint: None,
        };
        job.run(false, &mut |_| {}).unwrap().unwrap()
    }

    /// The wordings trained with find the answers, those kept aside do not find themselves.
    #[test]
    fn a_calibration_is_measured_as_it_is_served_but_for_what_is_kept_aside() {
        let calibration = trained(24).calibration.unwrap();
        assert_eq!(calibration.questions(), 24);
        assert!(calibration.probability(1.0) > 0.5, "{calibration:?}");
        for block in calibration.blocks() {
            assert!(block.score < 0.999, "{calibration:?}");
        }
        assert_eq!(trained(19).calibration, None);
    }
}
