//! `nearsay eval DIR FILE [--pool FILE]...`: accuracy@1/5/10, mrr@10, ndcg@10.

use super::input;
use crate::terminal::{Bar, DeviceArgs, print_json, print_line};
use nearsay::{
    servable::Servable,
    train::{Control, EmbeddingCache, PoolFigures, TrainError},
};
use nearsay_bert::EncodeError;
use nearsay_core::{
    matrix::Matrix,
    metric::{Metric as _, PoolMetrics, PoolScores, rank_right_answers, score_questions},
};
use nearsay_faq::normalize;
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use nearsay_model::ModelFiles;
use nearsay_search::{expansion::Own, index::Hit};
use nearsay_store::DiskStore;
use nearsay_text::bm25::Bm25Index;
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    path::PathBuf,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Model directory
    dir: PathBuf,
    /// File of test questions, each with a right answer or a list of right answers
    file: PathBuf,
    /// FAQ file with the answers to search, instead of the answers and paraphrases of the model; can
    /// be repeated
    #[arg(long, value_name = "FILE")]
    pool: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A test question and the indices of its right answers.
struct TestQuestion {
    question: String,
    right: Vec<usize>,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    let device = args.device.device.open()?;
    let model = Servable::open_with(
        &DiskStore,
        &args.dir,
        &device,
        args.device.precision(&device),
    )?;
    let pool: Vec<String> = if args.pool.is_empty() {
        model
            .answers()
            .iter()
            .map(|answer| answer.answer.clone())
            .collect()
    } else {
        let mut seen = HashSet::new();
        let mut pool = Vec::new();
        for file in &args.pool {
            let rows = input::read_rows(file)?;
            let answers = rows.into_iter().map(|row| row.answer);
            pool.extend(answers.filter(|answer| seen.insert(normalize(answer))));
        }
        pool
    };
    let asked = read_test_questions(args, &pool)?;
    let questions: Vec<&str> = asked.iter().map(|asked| asked.question.as_str()).collect();
    let encoder = CachedEncoder {
        args,
        model: &model,
        data,
    };
    let vectors = encoder.encode(&questions)?;
    let mut measured = Measured::default();
    if args.pool.is_empty() {
        let index = model.index();
        for (asked, vector) in asked.iter().zip(vectors.iter_rows()) {
            let of = |hits: Vec<Hit>| hits.iter().map(|hit| hit.score).collect::<Vec<f32>>();
            let with = of(index.ask_scores(&asked.question, vector));
            let without = (index.words_weight() > 0.0).then(|| of(index.scores(vector)));
            measured.add(&with, without.as_deref(), &asked.right);
        }
    } else {
        let weight = model.index().words_weight();
        let words = (weight > 0.0).then(|| Bm25Index::new(&pool));
        let pool: Vec<&str> = pool.iter().map(String::as_str).collect();
        let mut answers = encoder.encode(&pool)?;
        let known: HashSet<&str> = questions.iter().copied().collect();
        let without = |paraphrase: &str| known.contains(paraphrase);
        if let Some(expander) = model.expander(&DiskStore, &args.dir, &without)? {
            let moved = expander.apply(&pool, &mut answers, Own::LeftOut);
            moved.map_err(EncodeError::from)?;
        }
        let place = |matrix: &Matrix| nearsay_core::candle::to_tensor(matrix, &device);
        let (vectors, pool) = (place(&vectors)?, place(&answers)?);
        let right: Vec<Vec<usize>> = asked.iter().map(|asked| asked.right.clone()).collect();
        let mut questions = questions.into_iter();
        score_questions(&vectors, &pool, &right, &mut |scores| {
            let question = questions.next().unwrap_or_default();
            match &words {
                Some(words) => {
                    let words = words.scores(question).into_iter();
                    let both = scores.scores.iter().zip(words);
                    let both: Vec<f32> =
                        both.map(|(score, words)| score + weight * words).collect();
                    measured.add(&both, Some(scores.scores), scores.right);
                }
                None => measured.add(scores.scores, None, scores.right),
            }
        })?;
    }
    let Some(figures) = measured.figures(pool.len()) else {
        return Err(UserError::new(
            format_args!(
                "{} has no question with an answer in the pool",
                args.file.display()
            ),
            "Each row needs a question and an answer that is in the pool.",
        ));
    };
    if args.json {
        return print_json(&figures);
    }
    print_figures(&figures.figures)?;
    let Some(without) = &figures.without_words else {
        return Ok(());
    };
    print_line("\nwithout keyword search")?;
    print_figures(without)
}

/// Metrics of the model's own search and, for hybrid search, of dense scores alone.
#[derive(Default)]
struct Measured {
    with: PoolMetrics,
    without: PoolMetrics,
}

/// Result as JSON.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    figures: PoolFigures,
    /// Figures of dense scores alone; absent without hybrid search.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_words: Option<PoolFigures>,
}

impl Measured {
    /// Adds the scores of all answers for a question.
    fn add(&mut self, scores: &[f32], without: Option<&[f32]>, right: &[usize]) {
        self.with
            .update(&rank_right_answers(PoolScores { scores, right }));
        if let Some(scores) = without {
            self.without
                .update(&rank_right_answers(PoolScores { scores, right }));
        }
    }

    fn figures(&self, pool: usize) -> Option<Figures> {
        Some(Figures {
            figures: PoolFigures::of(&self.with, pool)?,
            without_words: PoolFigures::of(&self.without, pool),
        })
    }
}

fn print_figures(figures: &PoolFigures) -> Result<(), UserError> {
    print_line(&format!(
        "{} questions, {} answers",
        figures.questions, figures.pool
    ))?;
    let rows = [
        ("accuracy@1", figures.recall_1),
        ("accuracy@5", figures.recall_5),
        ("accuracy@10", figures.recall_10),
        ("mrr@10", figures.mrr_10),
        ("ndcg@10", figures.ndcg_10),
    ];
    rows.iter()
        .try_for_each(|(name, value)| print_line(&format!("{name:<11} {value:.4}")))
}

/// Reads the test questions. Questions without a right answer in the pool are reported and skipped.
fn read_test_questions(args: &Args, pool: &[String]) -> Result<Vec<TestQuestion>, UserError> {
    let number: HashMap<String, usize> = pool
        .iter()
        .map(|answer| normalize(answer))
        .zip(0..)
        .collect();
    let mut asked = Vec::new();
    let mut skipped = Vec::new();
    for row in input::read_test_questions(&args.file)?.rows {
        let right: HashSet<usize> = row
            .answers
            .iter()
            .filter_map(|answer| number.get(&normalize(answer)).copied())
            .collect();
        let mut right: Vec<usize> = right.into_iter().collect();
        right.sort_unstable();
        if right.is_empty() {
            skipped.push(row.line);
            continue;
        }
        for question in std::iter::once(row.question).chain(row.paraphrases) {
            asked.push(TestQuestion {
                question,
                right: right.clone(),
            });
        }
    }
    if let Some(first) = skipped.first() {
        eprintln!(
            "{}: skipped {} questions whose answers are not in the pool (the first on line {first})",
            args.file.display(),
            skipped.len()
        );
    }
    Ok(asked)
}

/// Encodes texts through the embedding cache.
struct CachedEncoder<'a> {
    args: &'a Args,
    model: &'a Servable,
    data: &'a DataDir,
}

impl CachedEncoder<'_> {
    fn encode(&self, texts: &[&str]) -> Result<Matrix, UserError> {
        let model = self.model.model();
        let mut never_cancel = |_, _| ControlFlow::Continue(());
        if model.is_static() {
            return Ok(model.finish(model.pooled(texts, &mut never_cancel)?)?);
        }
        let fingerprint = ModelFiles::open(&DiskStore, &self.args.dir)?.fingerprint()?;
        let (root, dim) = (self.data.embeddings(), model.pooled_dim());
        let cache =
            EmbeddingCache::new(&DiskStore, &root, &model.precision().key(&fingerprint), dim);
        let bar = Bar::new("Encoding texts", self.args.json);
        let embedded = cache.embed(
            texts,
            &mut |texts, on_progress| {
                let pooled = model.pooled(texts, on_progress);
                pooled.map(Some).map_err(Into::into)
            },
            &Control::new(),
            &mut |at| bar.show_with_eta(at.done as u64, at.total as u64, at.eta_s),
        );
        let embedded = embedded.map_err(TrainError::from)?;
        let pooled = embedded
            .map(|embedded| embedded.embeddings)
            .unwrap_or_default();
        Ok(model.finish(pooled)?)
    }
}
