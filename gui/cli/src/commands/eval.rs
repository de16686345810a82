//! `nearsay eval DIR FILE [--pool FILE]...`: accuracy@1/5/10, mrr@10, ndcg@10.

use super::input;
use crate::terminal::{Bar, DeviceArgs, print_json, print_line};
use nearsay::{
    answer_index::{Pool, Query, Scoring, TestQuery},
    servable::{KnownAnswer, Servable},
    train::{Control, EmbeddingCache, PoolFigures, TrainError},
};
use nearsay_bert::EncodeError;
use nearsay_core::matrix::Matrix;
use nearsay_faq::normalize;
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
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
    right: Vec<u32>,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    let device = args.device.device.open()?;
    let precision = args.device.precision(&device);
    let mut model = Servable::open_with(&DiskStore, &args.dir, &device, precision)?;
    let pool: Vec<String> = if args.pool.is_empty() {
        let answers = model.answers().iter();
        answers.map(|answer| answer.answer.clone()).collect()
    } else {
        model.load_unexpanded(&DiskStore, &args.dir)?;
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
    let other;
    let index = if args.pool.is_empty() {
        model.answer_index()
    } else {
        let texts: Vec<&str> = pool.iter().map(String::as_str).collect();
        let answers = encoder.encode(&texts)?;
        let known: HashSet<&str> = questions.iter().copied().collect();
        let pool = pool.iter().map(|answer| KnownAnswer {
            answer: answer.clone(),
            questions: Vec::new(),
            row: 0,
            source: None,
        });
        let without = |paraphrase: &str| known.contains(paraphrase);
        let index = model.answer_index().pool(pool.collect(), answers, &without);
        other = index.map_err(EncodeError::from)?;
        &other
    };
    let questions: Vec<TestQuery<'_>> = asked
        .iter()
        .zip(vectors.iter_rows())
        .map(|(asked, vector)| TestQuery {
            query: Query::New {
                text: &asked.question,
                vector,
            },
            right: index.answers().with_groups(&asked.right),
            pool: Pool::All,
        })
        .collect();
    let evaluate = |scoring: Scoring| {
        let evaluation = index.evaluate_with(&questions, scoring);
        evaluation
            .map(|evaluation| evaluation.figures)
            .map_err(EncodeError::from)
    };
    let scoring = index.scoring();
    let dense = Scoring {
        hybrid: None,
        ..scoring
    };
    let without_words = match scoring.hybrid {
        Some(hybrid) if hybrid.weight > 0.0 => evaluate(dense)?,
        _ => None,
    };
    let Some(figures) = evaluate(scoring)? else {
        return Err(UserError::new(
            format_args!(
                "{} has no question with an answer in the pool",
                args.file.display()
            ),
            "Each row needs a question and an answer that is in the pool.",
        ));
    };
    let figures = Figures {
        figures,
        without_words,
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

/// Result as JSON.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    figures: PoolFigures,
    /// Figures of dense scores alone; absent without hybrid search.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_words: Option<PoolFigures>,
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
    let number: HashMap<String, u32> = pool
        .iter()
        .map(|answer| normalize(answer))
        .zip(0..)
        .collect();
    let mut asked = Vec::new();
    let mut skipped = Vec::new();
    for row in input::read_test_questions(&args.file)?.rows {
        let right: HashSet<u32> = row
            .answers
            .iter()
            .filter_map(|answer| number.get(&normalize(answer)).copied())
            .collect();
        let mut right: Vec<u32> = right.into_iter().collect();
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
