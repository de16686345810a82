//! A whole training: embed the texts of an FAQ, fit a head, measure before and after.

use super::{
    Checkpoint, Control, Event, Fit, Fitted, Pairs, PoolFigures, Report, Settings, TrainError,
    cache::{EmbeddingCache, Encode},
    data::answer_groups,
};
use crate::{
    candle::{TrainableHead, to_tensor},
    faq::Row,
    head::{Folded, Mode},
    matrix::Matrix,
    metric::{Metric as _, PoolMetrics, rank_pool, score_pool},
    servable::{AnswerSet, Threshold},
};
use candle_core::Device;
use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

/// Right answers needed before a threshold is measured rather than taken from experience.
const MIN_FOR_THRESHOLD: usize = 20;

/// What to learn, from what, and where to keep it.
pub struct Job<'a> {
    /// Rows to learn from.
    pub rows: &'a [Row],
    /// Rows kept aside: measured, never learned from. Their answers are answered with all the same.
    pub held_out: &'a [Row],
    /// The settings.
    pub settings: &'a Settings,
    /// The embeddings of the encoder.
    pub cache: EmbeddingCache<'a>,
    /// Name of the encoder, for the report.
    pub encoder: &'a str,
    /// Where to compute.
    pub device: &'a Device,
    /// Pauses and stops.
    pub control: &'a Control,
    /// Where the state of the run is saved.
    pub checkpoint: Option<Checkpoint<'a>>,
}

/// What came of it.
pub struct Trained {
    /// The head, folded; the identity when the untrained encoder was best.
    pub head: Folded,
    /// All answers with all their wordings, those kept aside among them.
    pub answers: AnswerSet,
    /// The pooled vector of each of the set's texts, before the head, `[n, d]`.
    pub vectors: Matrix,
    /// From which score on an answer is given without a warning.
    pub threshold: Threshold,
    /// The figures; where the model is written is filled in by whoever writes it.
    pub report: Report,
}

/// Questions kept aside and the pool they are asked of, as pooled vectors.
struct Exam {
    questions: Matrix,
    pool: Matrix,
    right: Vec<Vec<usize>>,
}

impl Job<'_> {
    /// Does it all; `None` when it was stopped while texts were still being embedded.
    ///
    /// # Errors
    /// When there is too little to learn from, or the encoder, the store or training fails.
    pub fn run(
        &self,
        encode: &mut Encode<'_>,
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
        let mut told = Instant::now();
        let mut on_progress = |done: usize, total: usize| {
            // Twenty a second are enough for any eye.
            if done == 0 || done == total || told.elapsed().as_millis() > 50 {
                told = Instant::now();
                on_event(Event::Embed { done, total });
            }
        };
        let embedded = self
            .cache
            .embed(&texts, encode, self.control, &mut on_progress)?;
        let Some(embedded) = embedded else {
            return Ok(None);
        };
        if embedded.damaged > 0 {
            on_event(Event::note(format!(
                "{} of the files with saved embeddings could not be read; their texts were \
                 embedded again.",
                embedded.damaged
            )));
        }
        let (vectors, fresh) = (embedded.embeddings, embedded.fresh);
        let place = Places {
            of: texts.iter().copied().zip(0..).collect(),
            vectors: &vectors,
        };
        let embed_s = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let train = place.pairs(self.rows)?;
        let val = place.pairs(self.held_out)?;
        let fit = Fit {
            settings: self.settings,
            train: &train,
            val: Some(&val).filter(|val| !val.is_empty()),
            device: self.device,
            control: self.control,
            checkpoint: self.checkpoint.clone(),
        };
        let fitted = fit.run(resume, on_event)?;
        let head = TrainableHead::new(&fitted.head, &fitted.weights, self.device)?;
        let exam = self.exam(&place, &answers)?;
        let before = self.ask(&exam, None)?;
        let after = self.ask(&exam, Some(&head))?;
        let folded = match fitted.kept_epoch {
            Some(_) => head.head().fold()?,
            None => Folded::Identity,
        };
        let train_s = started.elapsed().as_secs_f64();
        let mut report = self.report(
            &fitted,
            &train,
            before.figures,
            after.figures,
            embed_s,
            train_s,
        );
        report.fresh_texts = fresh;
        let threshold = after.threshold;
        let (dim, mut data) = (vectors.columns(), vectors.into_data());
        data.truncate(exported * dim);
        let vectors =
            Matrix::new(exported, dim, data).map_err(|error| TrainError::Encoder(error.into()))?;
        Ok(Some(Trained {
            head: folded,
            threshold,
            report,
            vectors,
            answers,
        }))
    }

    /// The questions kept aside, to be asked of all answers.
    fn exam(&self, place: &Places<'_>, answers: &AnswerSet) -> Result<Exam, TrainError> {
        let pairs = place.pairs(self.held_out)?;
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
        let mut right = Vec::with_capacity(pairs.len());
        for (row, group) in self.held_out.iter().zip(&known[pool.len()..]) {
            let answer = number.get(group).copied();
            right.extend(row.ways_to_ask().map(|_| answer.into_iter().collect()));
        }
        Ok(Exam {
            questions: pairs.anchors,
            pool: place.rows(&pool)?,
            right,
        })
    }

    /// Asks the questions kept aside, with the head or without.
    fn ask(&self, exam: &Exam, head: Option<&TrainableHead>) -> Result<Asked, TrainError> {
        let place = |matrix: &Matrix| -> Result<candle_core::Tensor, TrainError> {
            let x = to_tensor(matrix, self.device)?;
            Ok(match head {
                Some(head) => head.head().forward(&x, Mode::Eval)?.detach(),
                None => x,
            })
        };
        if exam.right.is_empty() {
            return Ok(Asked {
                figures: None,
                threshold: Threshold::USUAL,
            });
        }
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

    fn report(
        &self,
        fitted: &Fitted,
        train: &Pairs,
        before: Option<PoolFigures>,
        after: Option<PoolFigures>,
        embed_s: f64,
        train_s: f64,
    ) -> Report {
        let last = fitted.epochs.last();
        Report {
            dir: String::new(),
            encoder: self.encoder.into(),
            settings: self.settings.clone(),
            train_rows: train.len(),
            held_out: self.held_out.len(),
            epochs: fitted.epochs.len(),
            kept_epoch: fitted.kept_epoch,
            stopped: fitted.stopped,
            before,
            after,
            train: last.map(|epoch| epoch.train),
            val: last.and_then(|epoch| epoch.val),
            fresh_texts: 0,
            embed_s,
            train_s,
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
        let pairs = || {
            rows.iter()
                .flat_map(|row| row.ways_to_ask().map(move |way| (way, row)))
        };
        let anchors: Vec<&str> = pairs().map(|(way, _)| way).collect();
        let positives: Vec<&str> = pairs().map(|(_, row)| row.answer.as_str()).collect();
        let subgroups = answer_groups(positives.iter().copied());
        Pairs::new(self.rows(&anchors)?, self.rows(&positives)?, subgroups)
            .map_err(|error| TrainError::Encoder(error.into()))
    }
}
