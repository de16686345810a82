//! `nearsay ask DIR [QUESTION]...`: the best answers of a model.

use nearsay::{
    answer_index::Rating,
    servable::{AnswerHit, Servable},
};
use nearsay_export::{self as export, qdrant};
use nearsay_message::{
    UserError,
    terminal::{DeviceArgs, print_json, print_line},
};
use nearsay_search::index::Hit;
use nearsay_store::DiskStore;
use qdrant::{Near, Payload};
use serde::Serialize;
use std::{
    borrow::Cow,
    io::{BufRead as _, IsTerminal as _},
    path::PathBuf,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model's folder
    dir: PathBuf,
    /// Questions; without any, one a line is read from stdin
    questions: Vec<String>,
    /// How many answers to give
    #[arg(long, default_value_t = 3, value_name = "K")]
    top: usize,
    /// Search the vectors in a Qdrant server instead of the folder's own: “--via qdrant URL”
    #[arg(long, num_args = 2, value_names = ["qdrant", "URL"])]
    via: Vec<String>,
    #[command(flatten)]
    qdrant: qdrant::Options,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write JSON, one line a question
    #[arg(long)]
    pub(super) json: bool,
}

/// One question and its answers, as JSON.
#[derive(Serialize)]
struct Asked<'a> {
    question: &'a str,
    answers: Vec<Answer<'a>>,
    /// Whether the first answer is sure enough to be given without a warning.
    confident: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    answer: Cow<'a, str>,
    /// The known wording that was nearest; null when the answer itself was.
    question: Option<Cow<'a, str>>,
    /// How near it is: `meaning` and `words` together.
    score: f32,
    /// Cosine similarity.
    meaning: f32,
    /// What the words add that the question shares with the answer and its wordings.
    words: f32,
    /// The rarest of these words.
    shared: Vec<String>,
    /// How probably it is right; null when the folder does not say.
    probability: Option<f32>,
    /// Line of the FAQ file.
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    /// An answer that the folder found.
    fn of(model: &Servable, question: &str, found: &AnswerHit<'a>) -> Self {
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

    /// An answer that a Qdrant server found.
    fn elsewhere(near: Near, probability: Option<f32>) -> Self {
        let Payload {
            text,
            answer,
            source,
            row,
            ..
        } = near.payload;
        Self {
            question: (text != answer).then(|| text.into()),
            answer: answer.into(),
            score: near.score,
            meaning: near.score,
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
            format_args!("“{server}” cannot be searched"),
            "Write “--via qdrant URL”.",
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
        eprintln!("{}", export::NO_WORDS);
    }
    if !args.questions.is_empty() {
        return args
            .questions
            .iter()
            .try_for_each(|question| ask(&model, question, args));
    }
    if std::io::stdin().is_terminal() {
        eprintln!("Ask, one question a line; Ctrl+D ends.");
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| {
            UserError::new(
                format_args!("the questions cannot be read ({error})"),
                "They must be lines of UTF-8 text.",
            )
        })?;
        if line.trim().is_empty() && !args.json {
            continue;
        }
        ask(&model, &line, args)?;
    }
    Ok(())
}

fn ask(model: &Servable, question: &str, args: &Args) -> Result<(), UserError> {
    let (answers, confident) = answers(model, question, args)?;
    if args.json {
        return print_json(&Asked {
            question,
            answers,
            confident,
        });
    }
    if !confident {
        print_line("I have no sure answer. The nearest:")?;
    }
    for found in &answers {
        print_line(&format!("{:.3}  {}", found.score, found.answer))?;
        if let Some(wording) = &found.question {
            print_line(&format!("       known as: {wording}"))?;
        }
        if model.index().words_weight() > 0.0 {
            print_line(&format!("       {}", why(found)))?;
        }
    }
    print_line("")
}

/// The answers, and whether the first is sure.
fn answers<'a>(
    model: &'a Servable,
    question: &str,
    args: &Args,
) -> Result<(Vec<Answer<'a>>, bool), UserError> {
    // An empty question is near nothing; it must not get the answer that is nearest to silence.
    if question.trim().is_empty() {
        return Ok((Vec::new(), false));
    }
    if let [_, url] = args.via.as_slice() {
        let vector = model.model().encode(&[question])?;
        let index = model.answer_index();
        let wanted = index.confidence().needs(args.top);
        let near = qdrant::search(model, vector.row(0), wanted, url, &args.qdrant)?;
        let hits: Vec<Hit> = near.iter().map(|near| near.hit(model)).collect();
        let ratings = index.rate(vector.row(0), &hits);
        let is_sure = ratings.first().is_some_and(|first| first.sure);
        let answers = near.into_iter().zip(ratings).take(args.top);
        let answer = |(near, rating): (_, Rating)| Answer::elsewhere(near, rating.probability);
        return Ok((answers.map(answer).collect(), is_sure));
    }
    let found = model.ask(question, args.top)?;
    let answer = |found| Answer::of(model, question, found);
    let is_sure = found.first().is_some_and(|first| first.sure);
    Ok((found.iter().map(answer).collect(), is_sure))
}

/// What found an answer, where words count.
fn why(found: &Answer<'_>) -> String {
    let meaning = format!("same meaning {:.2}", found.meaning);
    match (found.words, found.shared.as_slice()) {
        (0.0, _) => meaning,
        // Parts of words only.
        (words, []) => format!("{meaning}, similar words {words:.2}"),
        (words, shared) => format!("{meaning}, same words {words:.2}: {}", shared.join(", ")),
    }
}
