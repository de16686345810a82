//! `nearsay ask DIR [QUESTION]...`: the best answers of a model.

use super::{DeviceArgs, print_json, print_line};
use crate::trouble::Trouble;
use nearsay_core::{
    servable::{Found, Servable},
    store::DiskStore,
};
use serde::Serialize;
use std::{
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
    /// Whether the first answer is near enough to be given without a warning.
    confident: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    answer: &'a str,
    /// The known wording that was nearest; null when the answer itself was.
    question: Option<&'a str>,
    /// How near it is: `meaning` and `words` together.
    score: f32,
    /// Cosine similarity.
    meaning: f32,
    /// What the words add that the question shares with the wording or the answer.
    words: f32,
    /// The rarest of these words.
    shared: Vec<String>,
    /// Line of the FAQ file.
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

pub(super) fn command(args: &Args) -> Result<(), Trouble> {
    let device = args.device.device.open()?;
    let model = Servable::open_with(
        &DiskStore,
        &args.dir,
        &device,
        args.device.precision(&device),
    )?;
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
            Trouble::new(
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

fn ask(model: &Servable, question: &str, args: &Args) -> Result<(), Trouble> {
    // An empty question is near nothing; it must not get the answer that is nearest to silence.
    let found = if question.trim().is_empty() {
        Vec::new()
    } else {
        model.ask(question, args.top)?
    };
    let confident = found
        .first()
        .is_some_and(|first| model.confident(first.score));
    if args.json {
        let answers = found
            .iter()
            .map(|found| Answer {
                answer: &found.answer.answer,
                question: found.wording,
                score: found.score,
                meaning: found.meaning,
                words: found.words,
                shared: shared(model, question, found),
                row: found.answer.row,
                source: found.answer.source.as_deref(),
            })
            .collect();
        return print_json(&Asked {
            question,
            answers,
            confident,
        });
    }
    if !confident {
        print_line("I have no sure answer. The nearest:")?;
    }
    for found in &found {
        print_line(&format!("{:.3}  {}", found.score, found.answer.answer))?;
        if let Some(wording) = found.wording {
            print_line(&format!("       known as: {wording}"))?;
        }
        if model.index().words_weight() > 0.0 {
            let shared = shared(model, question, found);
            print_line(&format!("       {}", why(found, &shared)))?;
        }
    }
    print_line("")
}

/// The words of a question by which an answer was found.
fn shared(model: &Servable, question: &str, found: &Found<'_>) -> Vec<String> {
    model.index().shared_words(question, found.vector)
}

/// What found an answer, where words count.
fn why(found: &Found<'_>, shared: &[String]) -> String {
    let meaning = format!("same meaning {:.2}", found.meaning);
    match (found.words, shared) {
        (0.0, _) => meaning,
        // Parts of words only.
        (words, []) => format!("{meaning}, similar words {words:.2}"),
        (words, shared) => format!("{meaning}, same words {words:.2}: {}", shared.join(", ")),
    }
}
