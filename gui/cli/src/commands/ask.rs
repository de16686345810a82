//! `nearsay ask DIR [QUESTION]...`: answers questions from a model.

use super::export;
use crate::terminal::{DeviceArgs, print_json, print_line};
use nearsay::{
    answer_index::{Level, Rating},
    servable::{AnswerHit, Servable},
};
use nearsay_export::qdrant::{self, Payload, QdrantHit};
use nearsay_message::UserError;
use nearsay_search::index::Hit;
use nearsay_store::DiskStore;
use serde::Serialize;
use std::{
    borrow::Cow,
    io::{BufRead as _, IsTerminal as _},
    path::PathBuf,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Model directory
    dir: PathBuf,
    /// Questions; default: lines from stdin
    questions: Vec<String>,
    /// Maximum number of answers
    #[arg(long, default_value_t = 3, value_name = "K")]
    top: usize,
    /// Search the vectors on a Qdrant server instead of those in the model directory
    #[arg(long, num_args = 2, value_names = ["qdrant", "URL"])]
    via: Vec<String>,
    #[command(flatten)]
    qdrant: export::QdrantArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write JSON, one line per question
    #[arg(long)]
    pub(super) json: bool,
}

/// A question and its answers, as JSON.
#[derive(Serialize)]
struct Response<'a> {
    question: &'a str,
    answers: Vec<Answer<'a>>,
    /// Whether the first answer is sure: its probability is at least 0.8, or the question is known.
    confident: bool,
    /// Level of the first answer; “unsure” means that the question is better left unanswered.
    level: Level,
}

#[derive(Serialize)]
struct Answer<'a> {
    answer: Cow<'a, str>,
    /// The matched paraphrase; null if the answer text itself matched best.
    question: Option<Cow<'a, str>>,
    /// Hybrid score, the sum of `meaning` and `words`.
    score: f32,
    /// Cosine similarity.
    meaning: f32,
    /// Weighted keyword (BM25) score.
    words: f32,
    /// The rarest words that the question shares with the answer and its paraphrases.
    shared: Vec<String>,
    /// Calibrated probability that the answer is right; null if the model is not calibrated.
    probability: Option<f32>,
    /// Line of the FAQ file.
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    fn from_model(model: &Servable, question: &str, found: &AnswerHit<'a>) -> Self {
        Self {
            answer: found.answer.answer.as_str().into(),
            question: found.paraphrase.map(Cow::from),
            score: found.score,
            meaning: found.dense_score,
            words: found.keyword_score,
            shared: model.index().shared_words(question, found.text),
            probability: found.probability,
            row: found.answer.row,
            source: found.answer.source.as_deref().map(Cow::from),
        }
    }

    fn from_qdrant(hit: QdrantHit, probability: Option<f32>) -> Self {
        let Payload {
            text,
            answer,
            source,
            row,
            ..
        } = hit.payload;
        Self {
            question: (text != answer).then(|| text.into()),
            answer: answer.into(),
            score: hit.score,
            meaning: hit.score,
            words: 0.0,
            shared: Vec::new(),
            probability,
            row,
            source: source.map(Cow::from),
        }
    }
}

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    if let Some(server) = args.via.first().filter(|server| *server != "qdrant") {
        return Err(UserError::new(
            format_args!("“{server}” can't be searched"),
            "Use “--via qdrant URL”.",
        ));
    }
    let device = args.device.device.open()?;
    let model = Servable::open_with(
        &DiskStore,
        &args.dir,
        &device,
        args.device.precision(&device),
    )?;
    if !args.via.is_empty() && model.index().words_weight() > 0.0 {
        eprintln!("{}", export::NO_KEYWORD_SEARCH);
    }
    if !args.questions.is_empty() {
        return args
            .questions
            .iter()
            .try_for_each(|question| print_answers(&model, question, args));
    }
    if std::io::stdin().is_terminal() {
        eprintln!("Enter one question per line; Ctrl+D ends.");
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| {
            UserError::new(
                format_args!("the questions on stdin could not be read ({error})"),
                "Send UTF-8 text, one question per line.",
            )
        })?;
        if line.trim().is_empty() && !args.json {
            continue;
        }
        print_answers(&model, &line, args)?;
    }
    Ok(())
}

fn print_answers(model: &Servable, question: &str, args: &Args) -> Result<(), UserError> {
    let (answers, level) = find_answers(model, question, args)?;
    if args.json {
        return print_json(&Response {
            question,
            answers,
            confident: level >= Level::Sure,
            level,
        });
    }
    if level == Level::Unsure {
        print_line("No confident answer. Best matches:")?;
    }
    for (number, answer) in (1..).zip(&answers) {
        print_line(&format!("{number}. {}", answer.answer))?;
        if let Some(paraphrase) = &answer.question {
            print_line(&format!("   matched question: {paraphrase}"))?;
        }
        print_line(&format!("   {}", format_scores(answer)))?;
    }
    print_line("")
}

/// Finds the answers, and the level of the first.
fn find_answers<'a>(
    model: &'a Servable,
    question: &str,
    args: &Args,
) -> Result<(Vec<Answer<'a>>, Level), UserError> {
    // The vector of an empty text is still similar to some answer.
    if question.trim().is_empty() {
        return Ok((Vec::new(), Level::Unsure));
    }
    if let [_, url] = args.via.as_slice() {
        let vector = model.model().encode(&[question])?;
        let index = model.answer_index();
        let k = index.confidence().needs(args.top);
        let found = qdrant::search(model, vector.row(0), k, url, &args.qdrant.to_options())
            .map_err(|error| export::to_user_error(error.into()))?;
        let hits: Vec<Hit> = found.iter().map(|hit| hit.to_hit(model)).collect();
        let ratings = index.rate(question, vector.row(0), &hits);
        let level = ratings.first().map_or(Level::Unsure, |first| first.level);
        let answers = found.into_iter().zip(ratings).take(args.top);
        let answer = |(hit, rating): (_, Rating)| Answer::from_qdrant(hit, rating.probability);
        return Ok((answers.map(answer).collect(), level));
    }
    let found = model.ask(question, args.top)?;
    let answer = |found| Answer::from_model(model, question, found);
    let level = found.first().map_or(Level::Unsure, |first| first.level);
    Ok((found.iter().map(answer).collect(), level))
}

/// Formats confidence and scores, for example "confidence 83 %; cosine similarity 0.63, keyword score 0.09: lost, card".
fn format_scores(answer: &Answer<'_>) -> String {
    let confidence = answer.probability.map_or(String::new(), |probability| {
        format!("confidence {:.0} %; ", probability * 100.0)
    });
    let dense = format!("cosine similarity {:.2}", answer.meaning);
    let keywords = match (answer.words, answer.shared.as_slice()) {
        (0.0, _) => String::new(),
        // Parts of words match, but no whole word.
        (score, []) => format!(", keyword score {score:.2}"),
        (score, shared) => format!(", keyword score {score:.2}: {}", shared.join(", ")),
    };
    format!("{confidence}{dense}{keywords}")
}
