//! Data sets: training rows and questions.

use super::{
    Failure,
    arguments::Arguments,
    exam::{Exam, to_ask},
    print_warning,
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
/// Large set that is measured only if named.
const LARGE: &str = "medquad_en";
/// Suffix of the sets that ask the questions of [`asked_dir`].
const ASKED: &str = "_asked";
/// Directory of [`CLOUD`].
const CLOUD_DIR: &str = "cloud_faq";
const TRAIN: &str = "train.jsonl";
const FAQ: &str = "faq.jsonl";
const QUESTIONS: &str = "questions.jsonl";
/// Directories of FAQs with several paraphrases an answer, each with a file of questions by others.
const PAIRED: [&str; 2] = ["few_shot", "hint3"];

/// Fraction of the answers whose questions are held out, for sets without other questions.
pub const WITHHELD: f64 = 0.2;

/// Names of the sets to measure, and their location.
pub struct Sets {
    pub names: Vec<String>,
    data: PathBuf,
}

/// Question of [`asked_dir`]. Any answer on these lines of the FAQ, counted from 1, is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfLines {
    question: String,
    lines: Vec<u64>,
}

/// Question of [`Sets::read_pair`].
#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    answers: Vec<String>,
}

/// A data set.
pub struct Set {
    name: String,
    rows: Vec<Row>,
    to_ask: ToAsk,
}

/// Questions of a data set.
enum ToAsk {
    /// Questions of held-out rows, among their answers and among all answers.
    Rows(Vec<Row>),
    /// These questions, in the index of a model of the rows.
    Questions(Vec<TestQuestion>),
    /// Questions of a random part of the rows, among all answers.
    Part,
}

/// One training run and its exams.
pub struct Trial {
    /// Name of the data set.
    pub set: String,
    pub rows: Vec<Row>,
    pub held_out: Vec<Row>,
    pub exams: Vec<Exam>,
}

impl Sets {
    /// Finds the named sets, or all if none is named; prints a warning for each missing set.
    pub fn find(arguments: &Arguments) -> Result<Self, Failure> {
        let data = arguments.data.clone().unwrap_or_default();
        let mut others = others(&data)?;
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
                name if pair_of(&data, name).is_some() => return true,
                CLOUD | SMALL => data.join(CLOUD_DIR),
                name => data.join(name.strip_suffix(ASKED).map_or(name, faq_of)),
            };
            if !place.is_dir() {
                let place = place.display();
                print_warning(&format!(
                    "{name} is skipped: {place} does not exist; set NEARSAY_TEST_DATA or give --data DIR"
                ));
            }
            place.is_dir()
        });
        Ok(Self { names, data })
    }

    /// Reads a data set.
    pub fn read(&self, name: &str) -> Result<Set, Failure> {
        let dir = self.data.join(name);
        let (rows_file, to_ask) = match name {
            CLOUD => {
                let rows = rows(&self.data.join(CLOUD_DIR).join("val.jsonl"))?;
                return Ok(Set {
                    name: name.into(),
                    rows: self.cloud_train()?,
                    to_ask: ToAsk::Rows(rows),
                });
            }
            LIBRARY => {
                let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
                let asked = questions(&data.join("library_questions.jsonl"))?;
                (data.join("library_faq.jsonl"), ToAsk::Questions(asked))
            }
            COVID => {
                let asked = questions(&dir.join(QUESTIONS))?;
                (dir.join(FAQ), ToAsk::Questions(asked))
            }
            _ => match (pair_of(&self.data, name), name.strip_suffix(ASKED)) {
                (Some([faq, asked]), _) => (faq, ToAsk::Questions(questions(&asked)?)),
                (None, Some(questions)) => return self.asked(name, questions),
                (None, None) => (dir.join(FAQ), ToAsk::Part),
            },
        };
        Ok(Set {
            name: name.into(),
            rows: rows(&rows_file)?,
            to_ask,
        })
    }

    /// Reads an FAQ and this repository's questions for it.
    fn asked(&self, name: &str, questions: &str) -> Result<Set, Failure> {
        let rows = match faq_of(questions) {
            CLOUD_DIR => self.cloud_train()?,
            faq => rows(&self.data.join(faq).join(FAQ))?,
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

    /// Reads a set from a file of rows and a file of questions, `NAME_questions.jsonl`. Questions without answers are out
    /// of scope.
    pub fn read_pair(&self, rows_file: &str, questions_file: &str) -> Result<Set, Failure> {
        let file = self.data.join(questions_file);
        let mut questions = Vec::new();
        for (line, text) in (1..).zip(std::fs::read_to_string(&file)?.lines()) {
            let asked: Asked = serde_json::from_str(text)
                .map_err(|error| format!("{}, line {line}: {error}", file.display()))?;
            questions.push(TestQuestion {
                line,
                question: asked.question,
                paraphrases: asked.questions,
                answers: asked.answer.into_iter().chain(asked.answers).collect(),
            });
        }
        Ok(Set {
            name: rows_file.into(),
            rows: rows(&self.data.join(rows_file))?,
            to_ask: ToAsk::Questions(questions),
        })
    }

    /// Training rows of the cloud FAQ.
    pub fn cloud_train(&self) -> Result<Vec<Row>, Failure> {
        rows(&self.data.join(CLOUD_DIR).join(TRAIN))
    }

    /// Questions of a set; none, with a warning, if the set is missing.
    pub fn questions(&self, name: &str) -> Result<Vec<String>, Failure> {
        let file = match name {
            CLOUD => self.data.join(CLOUD_DIR).join(TRAIN),
            name => self.data.join(name).join(FAQ),
        };
        if !file.is_file() {
            print_warning(&format!(
                "{name} is skipped: {} does not exist",
                file.display()
            ));
            return Ok(Vec::new());
        }
        Ok(rows(&file)?.into_iter().map(|row| row.question).collect())
    }
}

impl Set {
    /// Distinct texts of the set.
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

    /// Name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Training rows and questions of a set with its own questions; `None` for other sets.
    pub fn with_questions(&self) -> Option<(&[Row], &[TestQuestion])> {
        match &self.to_ask {
            ToAsk::Questions(questions) => Some((&self.rows, questions)),
            ToAsk::Rows(_) | ToAsk::Part => None,
        }
    }

    /// Whether training gets held-out rows.
    pub fn has_held_out_rows(&self) -> bool {
        match self.to_ask {
            ToAsk::Rows(_) | ToAsk::Part => true,
            ToAsk::Questions(_) => false,
        }
    }

    /// Trial of a seed. Only sets that are split depend on the seed.
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

/// Texts of a row.
fn texts_of(row: &Row) -> impl Iterator<Item = &str> {
    row.all_questions().chain([&*row.answer])
}

/// Names of the other data sets.
fn others(data: &Path) -> Result<Vec<String>, Failure> {
    if !data.is_dir() {
        print_warning(
            "data sets outside this repository are skipped; set NEARSAY_TEST_DATA or give --data DIR",
        );
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != COVID && entry.path().join(FAQ).is_file() {
            names.push(name);
        }
    }
    for file in PAIRED
        .iter()
        .flat_map(|dir| std::fs::read_dir(data.join(dir)))
        .flatten()
    {
        let file = file?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        if pair_of(data, &name).is_some() {
            names.push(name.into_owned());
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

/// Files of an FAQ in [`PAIRED`] and of its questions. Subsets of 5 and 10 paraphrases an answer share their questions.
fn pair_of(data: &Path, name: &str) -> Option<[PathBuf; 2]> {
    let whole = name.strip_suffix("_5").or(name.strip_suffix("_10"));
    let pairs = PAIRED.iter().map(|dir| {
        let file = |name: String| data.join(dir).join(name);
        [
            file(format!("{name}.jsonl")),
            file(format!("{}_{QUESTIONS}", whole.unwrap_or(name))),
        ]
    });
    let mut pairs = pairs.filter(|pair| pair.iter().all(|file| file.is_file()));
    pairs.next()
}

/// Name of the FAQ of a file in [`asked_dir`]; there may be two files for an FAQ.
fn faq_of(questions: &str) -> &str {
    questions.strip_suffix("-2").unwrap_or(questions)
}

/// Directory of questions written for the FAQs of `--data`, by the FAQ's name.
fn asked_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/asked")
}

/// Full name of a set that may be abbreviated.
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
