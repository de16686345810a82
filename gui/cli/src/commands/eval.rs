//! `nearsay eval DIR FILE [--pool FILE]...`: recall@1/5/10, mrr@10, ndcg@10.

use super::input;
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
use nearsay_message::{
    UserError,
    terminal::{Bar, DeviceArgs, print_json, print_line},
};
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
    /// The model's folder
    dir: PathBuf,
    /// Test questions: rows with a question and an answer, or answers of which any is right
    file: PathBuf,
    /// Ask these FAQ files' answers alone, instead of the folder's own answers and known wordings
    #[arg(long, value_name = "FILE")]
    pool: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A question and the numbers of its right answers.
struct Asked {
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
            let rows = input::rows(file)?;
            let answers = rows.into_iter().map(|row| row.answer);
            pool.extend(answers.filter(|answer| seen.insert(normalize(answer))));
        }
        pool
    };
    let asked = asked(args, &pool)?;
    let questions: Vec<&str> = asked.iter().map(|asked| asked.question.as_str()).collect();
    let encoder = Encoder {
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
        let without = |wording: &str| known.contains(wording);
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
                "{} has no question that could be asked",
                args.file.display()
            ),
            "A row needs a question, and an answer that is in the pool.",
        ));
    };
    if args.json {
        return print_json(&figures);
    }
    print_figures(&figures.figures)?;
    let Some(without) = &figures.without_words else {
        return Ok(());
    };
    print_line("\nwithout words")?;
    print_figures(without)
}

/// What is measured as the folder asks, and by its vectors alone if it has words.
#[derive(Default)]
struct Measured {
    with: PoolMetrics,
    without: PoolMetrics,
}

/// The figures, as JSON.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    figures: PoolFigures,
    /// The same by vectors alone; none when the folder has no words.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_words: Option<PoolFigures>,
}

impl Measured {
    /// One question's scores of all answers, as the folder asks and by vectors alone.
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
        ("recall@1", figures.recall_1),
        ("recall@5", figures.recall_5),
        ("recall@10", figures.recall_10),
        ("mrr@10", figures.mrr_10),
        ("ndcg@10", figures.ndcg_10),
    ];
    rows.iter()
        .try_for_each(|(name, value)| print_line(&format!("{name:<10} {value:.4}")))
}

/// The test questions with their right answers in the pool; those without any are told and left out.
fn asked(args: &Args, pool: &[String]) -> Result<Vec<Asked>, UserError> {
    let number: HashMap<String, usize> = pool
        .iter()
        .map(|answer| normalize(answer))
        .zip(0..)
        .collect();
    let mut asked = Vec::new();
    let mut lost = Vec::new();
    for row in input::questions(&args.file)?.rows {
        let right: HashSet<usize> = row
            .answers
            .iter()
            .filter_map(|answer| number.get(&normalize(answer)).copied())
            .collect();
        let mut right: Vec<usize> = right.into_iter().collect();
        right.sort_unstable();
        if right.is_empty() {
            lost.push(row.line);
            continue;
        }
        for question in std::iter::once(row.question).chain(row.paraphrases) {
            asked.push(Asked {
                question,
                right: right.clone(),
            });
        }
    }
    if let Some(first) = lost.first() {
        eprintln!(
            "{}: the answers of {} questions are not in the pool (the first on line {first}); \
             they were left out",
            args.file.display(),
            lost.len()
        );
    }
    Ok(asked)
}

/// Encodes through the saved embeddings, so that a second measurement is quick.
struct Encoder<'a> {
    args: &'a Args,
    model: &'a Servable,
    data: &'a DataDir,
}

impl Encoder<'_> {
    fn encode(&self, texts: &[&str]) -> Result<Matrix, UserError> {
        let model = self.model.model();
        let mut forever = |_, _| ControlFlow::Continue(());
        if model.is_static() {
            return Ok(model.finish(model.pooled(texts, &mut forever)?)?);
        }
        let fingerprint = ModelFiles::open(&DiskStore, &self.args.dir)?.fingerprint()?;
        let (root, dim) = (self.data.embeddings(), model.pooled_dim());
        let cache =
            EmbeddingCache::new(&DiskStore, &root, &model.precision().key(&fingerprint), dim);
        let bar = Bar::new("Reading texts", self.args.json);
        let embedded = cache.embed(
            texts,
            &mut |texts, on_progress| {
                let pooled = model.pooled(texts, on_progress);
                pooled.map(Some).map_err(Into::into)
            },
            &Control::new(),
            &mut |at| bar.show_left(at.done as u64, at.total as u64, at.eta_s),
        );
        let embedded = embedded.map_err(TrainError::from)?;
        let pooled = embedded
            .map(|embedded| embedded.embeddings)
            .unwrap_or_default();
        Ok(model.finish(pooled)?)
    }
}
