//! Training of the universal calibrator of confidence:
//!
//! ```sh
//! cargo run --release -p nearsay-bench -- calibrate [--encoders minilm,compact] [--model MINILM_DIR] [--data DIR]
//! ```
//!
//! Trains a `quick` model of each development set and asks it
//!
//! - the set's questions, in scope and, in hint3, out of scope;
//! - each question in scope with its right answers taken out: an unanswerable question of the same subject;
//! - questions of the other sets.
//!
//! Fits the weights of the calibrator to the features of these searches and writes them to
//! `core/qa/src/answer_index/confidence/weights.rs`. Every set counts alike. The table tests each set by weights fitted
//! without the set; the second table shows the models as shipped, each adapted to its file. Embeddings are cached, so a
//! second run takes little time.

mod figures;

use super::{
    Failure,
    arguments::Arguments,
    confidence::calibration_error,
    encoder::{Encoder, MINILM},
    exam::numbers,
    folder::Folder,
    sets::{Set, Sets},
};
use crate::{cache_dir, print_warning, threads::with_two_threads};
use figures::{Rated, auroc, best_matthews, matthews, share};
use nearsay::{
    answer_index::{
        Calibrator, Confidence, FEATURES, Features, Pool, Query, TestQuery, UNANSWERABLE,
    },
    servable::Outcome,
    train::Recipe,
};
use nearsay_faq::normalize;
use nearsay_search::calibration::{Observation, Prior, fit_logistic};
use nearsay_store::{DiskStore, Store as _};
use std::{
    collections::HashSet,
    ffi::OsString,
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// Development sets with their own questions.
const SETS: [&str; 6] = [
    "library",
    "cdc_covid_en",
    "python_faq_en_asked",
    "perlfaq_en_asked",
    "zaragoza_construction_en_asked",
    "login_gov_en_asked",
];
/// Development sets of two files: rows and questions.
const PAIRS: [[&str; 2]; 5] = [
    [
        "hint3/sofmattress.jsonl",
        "hint3/sofmattress_questions.jsonl",
    ],
    ["hint3/curekart.jsonl", "hint3/curekart_questions.jsonl"],
    ["few_shot/hwu64_10.jsonl", "few_shot/hwu64_questions.jsonl"],
    [
        "few_shot/clinc150_10.jsonl",
        "few_shot/clinc150_questions.jsonl",
    ],
    [
        "few_shot/banking77_10.jsonl",
        "few_shot/banking77_questions.jsonl",
    ],
];
/// Largest number of questions of a set.
const QUESTIONS: usize = 800;
/// Number of questions taken from each other set.
const FOREIGN: usize = 12;
/// Weight of the questions of other sets, relative to a set's own.
const OF_OTHERS: f64 = 0.05;
/// Weight of the compact encoder's models relative to those of the transformer.
const COMPACT: f64 = 0.05;
/// Weight of a set in questions.
const OF_SET: f64 = 300.0;
/// Precision of the weights of standardised features.
const PRECISION: f64 = 3.0;
/// Standardised features are limited to this many standard deviations.
const LIMIT: f64 = 4.0;
/// Bins of the calibration error.
const BINS: usize = 10;

/// Searches of one model.
struct Searches {
    encoder: &'static str,
    set: String,
    /// The set's own questions.
    asked: Vec<Search>,
    /// Questions in scope without their right answers.
    unanswerable: Vec<Features>,
    /// Questions of other sets.
    foreign: Vec<Features>,
    /// Confidence rule of the model.
    rule: Confidence,
}

/// A search for one of the set's own questions.
struct Search {
    outcome: Outcome,
    features: Features,
    given: Option<u32>,
    wanted: Option<u32>,
}

/// Runs the `calibrate` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let arguments = Arguments::parse(arguments.into_iter())?;
    with_two_threads(|| run(&arguments))
}

fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let sets = read_sets(arguments)?;
    let mut all = Vec::new();
    for name in &arguments.encoders {
        let cache = cache_dir().join("nearsay-bench/embeddings");
        let encoder = Encoder::open(name, arguments.model.as_deref(), &cache)?;
        for (number, set) in sets.iter().enumerate() {
            eprintln!("{name}, {}", set.name());
            all.push(search(&encoder, &sets, number)?);
        }
    }
    if all.is_empty() {
        return Err("no development set was found".into());
    }
    println!("## Each set by weights fitted without the set\n");
    print_header();
    for searches in &all {
        let others = all.iter().filter(|other| other.set != searches.set);
        let calibrator = fit(&others.collect::<Vec<_>>());
        print_line(
            searches,
            &|search| calibrator.probability(&search.features),
            &calibrator,
        );
    }
    println!("\n## As shipped until now, adapted to each file\n");
    print_header();
    for searches in &all {
        let Some(calibrator) = &searches.rule.calibrator else {
            continue;
        };
        let probability = |search: &Search| searches.rule.probability_of(&search.outcome);
        print_line(
            searches,
            &|search| probability(search).unwrap_or_default(),
            calibrator,
        );
    }
    let calibrator = fit(&all.iter().collect::<Vec<_>>());
    let file = weights_file();
    DiskStore.write_atomic(&file, source(&calibrator).as_bytes())?;
    println!("\nThe weights are in {}.", file.display());
    Ok(true)
}

fn read_sets(arguments: &Arguments) -> Result<Vec<Set>, Failure> {
    let named = Arguments {
        sets: SETS.map(str::to_owned).into(),
        ..arguments.clone()
    };
    let found = Sets::find(&named)?;
    let mut sets = Vec::new();
    for name in &found.names {
        sets.push(found.read(name)?);
    }
    for [rows, questions] in PAIRS {
        match found.read_pair(rows, questions) {
            Ok(set) => sets.push(set),
            Err(error) => print_warning(&format!("{rows} is skipped: {error}")),
        }
    }
    Ok(sets)
}

/// Trains a model of a set and searches it.
fn search(encoder: &Encoder, sets: &[Set], number: usize) -> Result<Searches, Failure> {
    let set = &sets[number];
    let (rows, questions) = set.with_questions().ok_or("the set has no questions")?;
    let trained = encoder.learn(&encoder.settings(Recipe::Quick, 1), rows, &[])?;
    let dir = tempfile::tempdir()?;
    let folder = encoder.export(trained, &dir.path().join("model"))?;
    let answers = folder.served.answers();
    let by_text = numbers(answers);
    let known: HashSet<String> = answers
        .iter()
        .flat_map(|known| &known.questions)
        .map(|question| normalize(question))
        .collect();
    let mut asked: Vec<(&str, Vec<u32>)> = Vec::new();
    for row in questions {
        let number = |answer: &String| by_text.get(&normalize(answer)).copied();
        let mut right: Vec<u32> = row
            .answers
            .iter()
            .filter_map(number)
            .map(|n| n as u32)
            .collect();
        right.sort_unstable();
        right.dedup();
        if right.is_empty() && !row.answers.is_empty() {
            continue; // no answer of the question is in the file
        }
        let ways = std::iter::once(&row.question).chain(&row.paraphrases);
        let unknown = ways.filter(|way| !known.contains(&normalize(way)));
        asked.extend(unknown.map(|way| (way.as_str(), right.clone())));
    }
    fastrand::Rng::with_seed(1).shuffle(&mut asked);
    asked.truncate(QUESTIONS);
    let own = asked.len();
    asked.extend(
        foreign(sets, number)
            .into_iter()
            .map(|question| (question, Vec::new())),
    );
    let texts: Vec<&str> = asked.iter().map(|(question, _)| *question).collect();
    let vectors = folder.vectors(&texts)?;
    let tests: Vec<TestQuery<'_>> = asked
        .iter()
        .zip(vectors.iter_rows())
        .map(|((text, right), vector)| TestQuery {
            query: Query::New { text, vector },
            right: right.clone(),
            pool: Pool::All,
        })
        .collect();
    let evaluation = folder.index().evaluate(&tests)?;
    let mut searches = Searches {
        encoder: encoder.name,
        set: set.name().to_owned(),
        asked: Vec::new(),
        unanswerable: Vec::new(),
        foreign: Vec::new(),
        rule: rule(&folder),
    };
    for (place, (outcome, test)) in evaluation.outcomes.iter().zip(&tests).enumerate() {
        let Some(features) = outcome.features else {
            continue;
        };
        if place >= own {
            searches.foreign.push(features);
            continue;
        }
        searches
            .unanswerable
            .extend(outcome.unanswerable.filter(|_| !test.right.is_empty()));
        searches.asked.push(Search {
            outcome: outcome.outcome(),
            features,
            given: outcome.given.map(|hit| hit.answer),
            wanted: test.right.first().copied(),
        });
    }
    Ok(searches)
}

fn rule(folder: &Folder) -> Confidence {
    folder.served.manifest().confidence.clone()
}

/// Some questions of each other set.
fn foreign(sets: &[Set], number: usize) -> Vec<&str> {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut found = Vec::new();
    for (other, set) in sets.iter().enumerate() {
        if let Some((_, questions)) = set.with_questions().filter(|_| other != number) {
            let mut questions: Vec<&str> = questions
                .iter()
                .map(|asked| asked.question.as_str())
                .collect();
            rng.shuffle(&mut questions);
            found.extend(questions.into_iter().take(FOREIGN));
        }
    }
    found
}

/// Fits the weights to searches. Each set weighs the same.
fn fit(all: &[&Searches]) -> Calibrator {
    let mut observations: Vec<(Features, bool, f64)> = Vec::new();
    for searches in all {
        let of_encoder = if searches.encoder == MINILM {
            1.0
        } else {
            COMPACT
        };
        let each = |weight: f64, n: usize| of_encoder * OF_SET * weight / n.max(1) as f64;
        let weight = each(1.0, searches.asked.len());
        let asked = searches.asked.iter();
        observations.extend(asked.map(|search| (search.features, search.outcome.right, weight)));
        for (others, weight) in [
            (&searches.unanswerable, UNANSWERABLE),
            (&searches.foreign, OF_OTHERS),
        ] {
            let weight = each(weight, others.len());
            observations.extend(others.iter().map(|features| (*features, false, weight)));
        }
    }
    let n = observations.len().max(1) as f64;
    let mean = |of: &dyn Fn(&[f32; FEATURES]) -> f64| {
        observations
            .iter()
            .map(|(features, _, _)| of(&features.values))
            .sum::<f64>()
            / n
    };
    let moments: Vec<(f64, f64)> = (0..FEATURES)
        .map(|i| {
            let center = mean(&|values| f64::from(values[i]));
            let variance = mean(&|values| (f64::from(values[i]) - center).powi(2));
            (center, variance.sqrt().max(1e-6))
        })
        .collect();
    let standardised = observations.iter().map(|(features, right, weight)| {
        let values = features.values.iter().zip(&moments);
        let values = values.map(|(value, (center, deviation))| {
            ((f64::from(*value) - center) / deviation).clamp(-LIMIT, LIMIT)
        });
        Observation {
            inputs: values.chain([1.0]).collect(),
            happened: *right,
            weight: *weight,
        }
    });
    let mut priors = vec![
        Prior {
            mean: 0.0,
            precision: PRECISION
        };
        FEATURES
    ];
    priors.push(Prior {
        mean: 0.0,
        precision: 1e-6,
    });
    let found = fit_logistic(&standardised.collect::<Vec<_>>(), &priors);
    let mut weights = [0.0f32; FEATURES + 1];
    let mut intercept = found[FEATURES];
    for (i, (center, deviation)) in moments.into_iter().enumerate() {
        weights[i] = (found[i] / deviation) as f32;
        intercept -= found[i] * center / deviation;
    }
    weights[FEATURES] = intercept as f32;
    Calibrator {
        weights,
        // So many questions cap nothing.
        questions: observations.len(),
        ..Calibrator::UNIVERSAL
    }
}

fn print_header() {
    println!(
        "| encoder, set | right | ECE | AUROC | sure: own | right of these | without answer | out of scope | other \
         sets | MCC | best MCC |"
    );
    println!("|{}", " --- |".repeat(11));
}

fn print_line(searches: &Searches, probability: &dyn Fn(&Search) -> f32, calibrator: &Calibrator) {
    let rate = |search: &Search| Rated {
        probability: probability(search).into(),
        right: search.outcome.right,
        given: search.given,
        wanted: search.wanted,
    };
    let rated: Vec<Rated> = searches.asked.iter().map(rate).collect();
    let (inside, outside): (Vec<Rated>, Vec<Rated>) =
        rated.iter().partition(|rated| rated.wanted.is_some());
    let sure = f64::from(Confidence::SURE);
    let probabilities =
        |rated: &[Rated]| -> Vec<f64> { rated.iter().map(|rated| rated.probability).collect() };
    let of_features = |all: &[Features]| -> Vec<f64> {
        all.iter()
            .map(|features| calibrator.probability(features).into())
            .collect()
    };
    let right = |rated: &[Rated]| {
        let right = rated.iter().filter(|rated| rated.right).count();
        (!rated.is_empty()).then(|| right as f64 / rated.len() as f64)
    };
    let given: Vec<Rated> = inside
        .iter()
        .filter(|rated| rated.probability >= sure)
        .copied()
        .collect();
    let pairs: Vec<(f64, bool)> = rated.iter().map(|r| (r.probability, r.right)).collect();
    let abstain = f64::from(calibrator.abstain);
    let has_outside = !outside.is_empty();
    let cells = [
        right(&inside),
        calibration_error(&pairs, BINS),
        auroc(&rated),
        share(&probabilities(&inside), sure),
        right(&given),
        share(&of_features(&searches.unanswerable), sure),
        share(&probabilities(&outside), sure),
        share(&of_features(&searches.foreign), sure),
        has_outside.then(|| matthews(&rated, abstain)),
        has_outside.then(|| best_matthews(&rated)),
    ];
    let cells = cells.map(|cell| cell.map_or_else(|| "–".into(), |cell| format!("{cell:.3}")));
    println!(
        "| {}, {} | {} |",
        searches.encoder,
        searches.set,
        cells.join(" | ")
    );
}

/// Rust source of the weights.
fn source(calibrator: &Calibrator) -> String {
    let mut text = String::from(
        "//! Weights of the universal calibrator, written by `nearsay-bench calibrate`.\n\n\
         use super::features::FEATURES;\n\n\
         /// Weight of each feature, then the intercept.\n\
         #[rustfmt::skip]\n\
         pub(super) const WEIGHTS: [f32; FEATURES + 1] = [\n",
    );
    for weight in calibrator.weights {
        // Writing to a string never fails.
        let _ = writeln!(text, "    {weight:.4},");
    }
    text.push_str("];\n");
    text
}

fn weights_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../core/qa/src/answer_index/confidence/weights.rs")
}
