//! All recipes, encoders and seeds on a data set.

use super::{
    Failure, Quality,
    choices::{Choice, Ranking, Worth},
    confidence::{Confidence, Of, Strangers},
    encoder::{Encoder, MINILM},
    exam::Asked,
    figures::Firsts,
    finetune::{self, Finetuned},
    folder::Folder,
    print_warning,
    sets::{Set, Sets, Trial},
    table::{Run, Table},
};
use nearsay::{servable::Words, train::Settings};
use std::time::Instant;

/// Results of a data set.
#[derive(Default)]
struct Found {
    table: Table,
    confidence: Confidence,
    worth: Worth,
}

pub fn run(quality: &Quality, sets: &Sets, name: &str, worth: &mut Worth) -> Result<(), Failure> {
    let set = sets.read(name)?;
    let strangers = set
        .has_held_out_rows()
        .then(|| Strangers::find(sets, name))
        .transpose()?;
    let mut found = Found::default();
    for encoder in &quality.encoders {
        embed(encoder, &set)?;
    }
    let mut done = Ok(());
    for seed in quality.arguments.seeds.clone() {
        done = one_seed(quality, &set, seed, strangers.as_ref(), &mut found);
        if done.is_err() {
            break;
        }
    }
    // Print the results that precede a failure.
    found.table.print();
    if strangers.is_some() {
        found.confidence.print();
    }
    found.worth.print();
    worth.extend(found.worth);
    done
}

/// Embeds all texts and prints the time.
fn embed(encoder: &Encoder, set: &Set) -> Result<(), Failure> {
    let started = Instant::now();
    let texts = set.texts();
    let (_, fresh) = encoder.vectors(&texts)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}: {fresh} texts embedded in {seconds:.1} s", encoder.name);
    Ok(())
}

fn one_seed(
    quality: &Quality,
    set: &Set,
    seed: u64,
    strangers: Option<&Strangers>,
    found: &mut Found,
) -> Result<(), Failure> {
    let trial = set.trial(seed)?;
    for exam in &trial.exams {
        if seed == *quality.arguments.seeds.start() {
            println!(
                "{}: {} questions among {} answers, trained on {} rows",
                exam.name,
                exam.questions.len(),
                exam.answers,
                trial.rows.len()
            );
        }
        if exam.lost > 0 {
            print_warning(&format!(
                "{} questions have no answer in {}",
                exam.lost, exam.name
            ));
        }
        let run = Run::of(exam.by_words()?);
        found.table.add(exam.name, "words alone", run);
    }
    for encoder in &quality.encoders {
        let before = frozen(encoder, &trial, &mut found.table)?;
        recipes(quality, encoder, &trial, &before, seed, strangers, found)?;
        if encoder.name == MINILM {
            let measured = peer(quality, encoder, &trial, &before, seed, &mut found.table);
            if let Err(error) = measured {
                print_warning(&format!("{} is not measured: {error}", finetune::NAME));
            }
        }
    }
    Ok(())
}

/// Questions with a right first answer by the base encoder, exam by exam.
fn frozen(encoder: &Encoder, trial: &Trial, table: &mut Table) -> Result<Vec<Firsts>, Failure> {
    let mut firsts = Vec::new();
    for exam in &trial.exams {
        let vectors = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            encoder.vectors(&texts)
        };
        let (texts, _) = vectors(&exam.texts)?;
        let (questions, _) = vectors(&exam.questions)?;
        let asked = exam.by_vectors(texts, &questions, Words::by_answer(0.0))?;
        let who = format!("{}, frozen", encoder.name);
        table.add(exam.name, &who, Run::of(asked.shipped));
        firsts.push(asked.firsts);
    }
    Ok(firsts)
}

fn recipes(
    quality: &Quality,
    encoder: &Encoder,
    trial: &Trial,
    before: &[Firsts],
    seed: u64,
    strangers: Option<&Strangers>,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut done: Vec<Settings> = Vec::new();
    for &recipe in &quality.arguments.recipes {
        let who = format!("{}, {recipe}", encoder.name);
        let settings = encoder.settings(recipe, seed);
        let under = |recipe| {
            let mut settings = settings.clone();
            settings.recipe = recipe;
            settings
        };
        if let Some(same) = done.iter().find(|done| **done == under(done.recipe)) {
            if seed == *quality.arguments.seeds.start() {
                println!("{who} is the same as {}", same.recipe);
            }
            continue;
        }
        let trained = encoder.learn(&settings, &trial.rows, &trial.held_out)?;
        let seconds = trained.report.train_s;
        let folder = encoder.export(trained, &quality.shared.path().join("model"))?;
        let mut with = Vec::new();
        for (exam, before) in trial.exams.iter().zip(before) {
            let asked = folder.ask(exam)?;
            let run = Run::trained(asked.clone(), before, folder.words(), seconds);
            tell(exam.name, &who, seed, &run);
            found.table.add(exam.name, &who, run);
            with.push(asked);
        }
        for &choice in &quality.arguments.without {
            let without = without(quality, encoder, &settings, trial, &folder, choice)?;
            for (exam, (with, without)) in trial.exams.iter().zip(with.iter().zip(&without)) {
                let exam = format!("{}, {}", trial.set, exam.name);
                found.worth.add(&exam, &who, choice, with, without);
            }
        }
        for of in Of::ALL {
            if let Some(strangers) = strangers {
                let measured = strangers.measure(&folder, &trial.held_out, of, seed)?;
                let who = format!("{who}, {}", of.name());
                found.confidence.add(&who, measured);
            }
        }
        done.push(settings);
    }
    Ok(())
}

/// The same exams without a choice: with another training run, or only with other ranking settings.
fn without(
    quality: &Quality,
    encoder: &Encoder,
    settings: &Settings,
    trial: &Trial,
    folder: &Folder,
    choice: Choice,
) -> Result<Vec<Asked>, Failure> {
    let other = match encoder.without(choice, settings) {
        Some(settings) => {
            let trained = encoder.learn(&settings, &trial.rows, &trial.held_out)?;
            Some(encoder.export(trained, &quality.shared.path().join("without"))?)
        }
        None => None,
    };
    let folder = other.as_ref().unwrap_or(folder);
    let ranking = Ranking::without(choice, folder.served.manifest());
    let exams = trial.exams.iter();
    exams.map(|exam| folder.ask_by(exam, ranking)).collect()
}

fn peer(
    quality: &Quality,
    encoder: &Encoder,
    trial: &Trial,
    before: &[Firsts],
    seed: u64,
    table: &mut Table,
) -> Result<(), Failure> {
    let Some(model) = encoder.path() else {
        return Ok(());
    };
    let Some(mut tuned) = Finetuned::learn(quality, model, trial, seed)? else {
        return Ok(());
    };
    for (exam, before) in trial.exams.iter().zip(before) {
        let [texts, questions] = tuned.vectors(exam)?;
        let asked = exam.by_vectors(texts, &questions, Words::by_answer(0.0))?;
        let run = Run::trained(asked, before, 0.0, tuned.seconds);
        tell(exam.name, finetune::NAME, seed, &run);
        table.add(exam.name, finetune::NAME, run);
    }
    Ok(())
}

/// Prints progress.
fn tell(exam: &str, who: &str, seed: u64, run: &Run) {
    let mrr = run.shipped.mrr_10;
    let seconds = run.seconds.unwrap_or_default();
    eprintln!("{exam}, {who}, seed {seed}: mrr@10 {mrr:.3}, {seconds:.1} s");
}
