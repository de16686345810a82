//! The data sets: what is learned from, and what is asked.

use super::{
    Failure,
    arguments::Arguments,
    exam::{Exam, to_ask},
    say_loudly,
};
use nearsay_faq::{ReadOptions, Row, TestQuestion, read, read_questions, split};
use nearsay_store::{DiskStore, ReadSeek, Store as _};
use serde::Deserialize;
use std::{
    io::BufReader,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

pub const CLOUD: &str = "cloud";
pub const SMALL: &str = "small";
const LIBRARY: &str = "library";
const COVID: &str = "cdc_covid_en";
/// So large that it is done only when named.
const LARGE: &str = "medquad_en";
/// What is put to the name of an FAQ that is asked the questions of [`asked_dir`].
const ASKED: &str = "_asked";
/// The folder of [`CLOUD`].
const CLOUD_DIR: &str = "cloud_faq";
const TRAIN: &str = "train.jsonl";
const FAQ: &str = "faq.jsonl";
const QUESTIONS: &str = "questions.jsonl";

/// Share of the answers whose questions are withheld where there are no others to ask.
pub const WITHHELD: f64 = 0.2;

/// Which sets are to be done, and where they are.
pub struct Sets {
    pub names: Vec<String>,
    shared: PathBuf,
}

/// A question of [`asked_dir`]: any answer in these lines of the FAQ's file, numbered from 1, is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfLines {
    question: String,
    lines: Vec<u64>,
}

/// The rows of a set.
pub struct Set {
    name: String,
    rows: Vec<Row>,
    to_ask: ToAsk,
}

/// What is asked.
enum ToAsk {
    /// The questions of other rows, of their answers and of all.
    Rows(Vec<Row>),
    /// These questions, of what a folder of the rows searches.
    Questions(Vec<TestQuestion>),
    /// The questions of a part of the rows, of all answers.
    Part,
}

/// One training and what is asked after it.
pub struct Trial {
    /// The set's name.
    pub set: String,
    pub rows: Vec<Row>,
    pub held_out: Vec<Row>,
    pub exams: Vec<Exam>,
}

impl Sets {
    /// The sets wanted, and all that are there when none is named; what is absent is told.
    pub fn find(arguments: &Arguments) -> Result<Self, Failure> {
        let shared = arguments.shared.clone();
        let mut others = others(&shared)?;
        let all = |name: &str| {
            let known = [CLOUD, SMALL, LIBRARY, COVID].contains(&name);
            known || others.iter().any(|other| other == name)
        };
        let named: Vec<String> = arguments.sets.iter().map(|name| full(name)).collect();
        if let Some(name) = named.iter().find(|name| !all(name)) {
            let others = others.join(", ");
            return Err(format!(
                "there is no set “{name}”; choose from {CLOUD}, {SMALL}, {LIBRARY}, {COVID}, {others}"
            )
            .into());
        }
        others.retain(|name| name.strip_suffix(ASKED).unwrap_or(name) != LARGE);
        let known = [CLOUD, LIBRARY, COVID, SMALL].map(str::to_owned);
        let mut names = match named.is_empty() {
            true => known.into_iter().chain(others).collect(),
            false => named,
        };
        names.retain(|name| {
            let place = match &**name {
                LIBRARY => return true,
                CLOUD | SMALL => shared.join(CLOUD_DIR),
                name => shared.join(name.strip_suffix(ASKED).map_or(name, faq_of)),
            };
            if !place.is_dir() {
                let place = place.display();
                say_loudly(&format!(
                    "{name} is absent: it is not in {place}; say --shared DIR"
                ));
            }
            place.is_dir()
        });
        Ok(Self { names, shared })
    }

    /// Reads a set.
    pub fn read(&self, name: &str) -> Result<Set, Failure> {
        let dir = self.shared.join(name);
        let (rows_file, to_ask) = match name {
            CLOUD => {
                let rows = rows(&self.shared.join(CLOUD_DIR).join("val.jsonl"))?;
                return Ok(Set {
                    name: name.into(),
                    rows: self.cloud_train()?,
                    to_ask: ToAsk::Rows(rows),
                });
            }
            LIBRARY => {
                let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
                let asked = questions(&data.join("library_questions.jsonl"))?;
                (data.join("library_faq.jsonl"), ToAsk::Questions(asked))
            }
            COVID => {
                let asked = questions(&dir.join(QUESTIONS))?;
                (dir.join(FAQ), ToAsk::Questions(asked))
            }
            _ => match name.strip_suffix(ASKED) {
                Some(questions) => return self.asked(name, questions),
                None => (dir.join(FAQ), ToAsk::Part),
            },
        };
        Ok(Set {
            name: name.into(),
            rows: rows(&rows_file)?,
            to_ask,
        })
    }

    /// An FAQ with the questions that this repository has for it.
    fn asked(&self, name: &str, questions: &str) -> Result<Set, Failure> {
        let rows = match faq_of(questions) {
            CLOUD_DIR => self.cloud_train()?,
            faq => rows(&self.shared.join(faq).join(FAQ))?,
        };
        let file = asked_dir().join(format!("{questions}.jsonl"));
        let mut questions = Vec::new();
        for (line, text) in (1..).zip(std::fs::read_to_string(&file)?.lines()) {
            let at = |what: String| format!("{}, line {line}: {what}", file.display());
            let asked: OfLines =
                serde_json::from_str(text).map_err(|error| at(error.to_string()))?;
            let answer = |of: &u64| {
                let row = rows.iter().find(|row| row.line == *of);
                let answer = row.map(|row| row.answer.clone());
                answer.ok_or_else(|| at(format!("the FAQ has no row in line {of}")))
            };
            questions.push(TestQuestion {
                line,
                question: asked.question,
                answers: asked.lines.iter().map(answer).collect::<Result<_, _>>()?,
                ..TestQuestion::default()
            });
        }
        Ok(Set {
            name: name.into(),
            rows,
            to_ask: ToAsk::Questions(questions),
        })
    }

    /// The rows that the cloud FAQ is learned from.
    pub fn cloud_train(&self) -> Result<Vec<Row>, Failure> {
        rows(&self.shared.join(CLOUD_DIR).join(TRAIN))
    }

    /// The questions of a set; none when it is absent, which is told.
    pub fn questions(&self, name: &str) -> Result<Vec<String>, Failure> {
        let file = match name {
            CLOUD => self.shared.join(CLOUD_DIR).join(TRAIN),
            name => self.shared.join(name).join(FAQ),
        };
        if !file.is_file() {
            say_loudly(&format!("{name} is absent: there is no {}", file.display()));
            return Ok(Vec::new());
        }
        Ok(rows(&file)?.into_iter().map(|row| row.question).collect())
    }
}

impl Set {
    /// Every different text of it.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.rows.iter().flat_map(texts_of).collect();
        match &self.to_ask {
            ToAsk::Rows(rows) => texts.extend(rows.iter().flat_map(texts_of)),
            ToAsk::Questions(questions) => texts.extend(questions.iter().flat_map(|asked| {
                let ways = std::iter::once(&asked.question).chain(&asked.paraphrases);
                ways.map(String::as_str)
            })),
            ToAsk::Part => {}
        }
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// Whether a run is given rows that it does not learn from.
    pub fn keeps_aside(&self) -> bool {
        match self.to_ask {
            ToAsk::Rows(_) | ToAsk::Part => true,
            ToAsk::Questions(_) => false,
        }
    }

    /// What is done by a seed; only the sets that are split differ by it.
    pub fn trial(&self, seed: u64) -> Result<Trial, Failure> {
        let rows = self.rows.clone();
        Ok(match &self.to_ask {
            ToAsk::Rows(held_out) => {
                let all: Vec<Row> = rows.iter().chain(held_out).cloned().collect();
                let asked = to_ask(held_out);
                Trial {
                    set: self.name.clone(),
                    exams: vec![
                        Exam::of_answers("A", held_out, &asked),
                        Exam::of_answers("B", &all, &asked),
                    ],
                    held_out: held_out.clone(),
                    rows,
                }
            }
            ToAsk::Questions(asked) => Trial {
                set: self.name.clone(),
                exams: vec![Exam::of_index("index", &rows, asked)],
                held_out: Vec::new(),
                rows,
            },
            ToAsk::Part => {
                let parts = split(&rows, WITHHELD, seed)?;
                let take = |numbers: &[usize]| -> Vec<Row> {
                    numbers.iter().map(|&number| rows[number].clone()).collect()
                };
                let (train, held_out) = (take(&parts.train), take(&parts.held_out));
                Trial {
                    set: self.name.clone(),
                    exams: vec![Exam::of_answers("answers", &rows, &to_ask(&held_out))],
                    held_out,
                    rows: train,
                }
            }
        })
    }
}

/// The texts of a row.
fn texts_of(row: &Row) -> impl Iterator<Item = &str> {
    row.all_questions().chain([&*row.answer])
}

/// The names of the further folders with an FAQ.
fn others(shared: &Path) -> Result<Vec<String>, Failure> {
    if !shared.is_dir() {
        say_loudly(&format!(
            "there is no {}; say --shared DIR",
            shared.display()
        ));
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(shared)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != COVID && entry.path().join(FAQ).is_file() {
            names.push(name);
        }
    }
    for entry in std::fs::read_dir(asked_dir())? {
        let file = entry?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        names.push(format!("{name}{ASKED}"));
    }
    names.sort_unstable();
    Ok(names)
}

/// The FAQ of a file of [`asked_dir`]; there may be a second one for it.
fn faq_of(questions: &str) -> &str {
    questions.strip_suffix("-2").unwrap_or(questions)
}

/// Where the questions are that were written for FAQs of `--shared`, by the FAQ's name.
fn asked_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/asked")
}

/// The name of a set that may be said shortly.
fn full(name: &str) -> String {
    let name = if name == "covid" { COVID } else { name };
    name.to_owned()
}

fn reader(file: &Path) -> Result<BufReader<Box<dyn ReadSeek>>, Failure> {
    let opened = DiskStore.open(file);
    Ok(BufReader::new(opened.map_err(|error| {
        format!("{} cannot be read: {error}", file.display())
    })?))
}

fn rows(file: &Path) -> Result<Vec<Row>, Failure> {
    let go_on = &mut |_| ControlFlow::Continue(());
    Ok(read(reader(file)?, &ReadOptions::default(), go_on)?.rows)
}

fn questions(file: &Path) -> Result<Vec<TestQuestion>, Failure> {
    let go_on = &mut |_| ControlFlow::Continue(());
    Ok(read_questions(reader(file)?, &ReadOptions::default(), go_on)?.rows)
}
