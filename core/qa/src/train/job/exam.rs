//! Questions asked of the models of a job, for each fold or held-out set.

use super::{
    folds::Fold,
    texts::{Places, ways},
};
use crate::{
    answer_index::{AnswerIndex, Evaluation, EvaluationRun, Pool, Query, Scoring, TestQuery},
    servable::AnswerSet,
    train::TrainError,
};
use nearsay_faq::Row;
use std::{collections::HashSet, sync::Arc};

/// Test questions of one index.
#[derive(Clone)]
pub(super) struct Part {
    index: Arc<AnswerIndex>,
    questions: Questions,
}

/// Test questions about known and about new answers.
#[derive(Clone, Default)]
pub(super) struct Questions {
    known: Vec<TestQuery<'static>>,
    new: Vec<TestQuery<'static>>,
}

/// All test questions of a model, or of the models of a cross-validation.
#[derive(Clone)]
pub(super) struct Exam {
    parts: Vec<Part>,
}

/// Evaluations on both tasks.
pub(super) struct Evaluated {
    /// Known answers asked for in new words.
    pub(super) known: Evaluation,
    /// New answers.
    pub(super) new: Evaluation,
}

impl Questions {
    /// The questions of a fold.
    pub(super) fn of_fold(answers: &AnswerSet, rows: &[Row], fold: &Fold) -> Self {
        let pairs: Vec<(&str, &str)> = ways(rows)
            .map(|(way, row)| (way, row.answer.as_str()))
            .collect();
        let asked = |numbers: &[usize]| -> Vec<(&str, &str)> {
            numbers.iter().map(|&pair| pairs[pair]).collect()
        };
        Self {
            known: queries(answers, &asked(&fold.known), Pool::All),
            new: queries(answers, &asked(&fold.new), Pool::Answers),
        }
    }

    /// Held-out questions: about known answers if the answer has another question, else about new answers.
    pub(super) fn held_out(answers: &AnswerSet, rows: &[Row]) -> Self {
        let asked: Vec<(&str, &str)> = ways(rows)
            .map(|(way, row)| (way, row.answer.as_str()))
            .collect();
        let queries = distinct(answers.test_queries(&asked, None));
        let (known, new) = queries
            .into_iter()
            .partition(|query| query.pool == Pool::All);
        Self { known, new }
    }

    /// The same questions, all searched among the answers alone.
    pub(super) fn among_answers(&self) -> Self {
        let all = self.known.iter().chain(&self.new).cloned();
        Self {
            known: Vec::new(),
            new: all
                .map(|query| TestQuery {
                    pool: Pool::Answers,
                    ..query
                })
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.new.is_empty()
    }
}

/// Makes test queries of questions with their answers.
fn queries(answers: &AnswerSet, asked: &[(&str, &str)], pool: Pool) -> Vec<TestQuery<'static>> {
    let queries = distinct(answers.test_queries(asked, None));
    let queries = queries.into_iter().map(|query| TestQuery { pool, ..query });
    queries.collect()
}

/// Copies of a question are one question.
fn distinct(queries: Vec<TestQuery<'_>>) -> Vec<TestQuery<'static>> {
    let mut found: Vec<TestQuery<'static>> = Vec::with_capacity(queries.len());
    let mut seen = HashSet::new();
    for query in queries {
        if let Query::Paraphrase(text) = query.query
            && seen.insert(text)
        {
            found.push(TestQuery {
                query: Query::Paraphrase(text),
                right: query.right,
                pool: query.pool,
            });
        }
    }
    found
}

/// Builds an index of answers without keyword scores or expansion.
pub(super) fn index(
    answers: &Arc<AnswerSet>,
    place: &Places<'_>,
) -> Result<Arc<AnswerIndex>, TrainError> {
    let vectors = place.rows(&answers.texts())?;
    let index = AnswerIndex::build(Arc::clone(answers), vectors, Scoring::default())?;
    Ok(Arc::new(index))
}

impl Exam {
    /// An exam without questions.
    pub(super) fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// An exam of one index.
    pub(super) fn of(index: Arc<AnswerIndex>, questions: Questions) -> Self {
        let mut exam = Self::new();
        exam.add(index, questions);
        exam
    }

    /// Adds the questions of an index.
    pub(super) fn add(&mut self, index: Arc<AnswerIndex>, questions: Questions) {
        if !questions.is_empty() {
            self.parts.push(Part { index, questions });
        }
    }

    /// The same questions, asked of another index of the same answers.
    pub(super) fn asked_of(&self, index: &Arc<AnswerIndex>) -> Self {
        let parts = self.parts.iter().map(|part| Part {
            index: Arc::clone(index),
            questions: part.questions.clone(),
        });
        Self {
            parts: parts.collect(),
        }
    }

    /// The questions about new answers, or all questions if `all`, searched among the answers alone.
    pub(super) fn among_answers(&self, all: bool) -> Self {
        let parts = self.parts.iter().map(|part| Part {
            index: Arc::clone(&part.index),
            questions: if all {
                part.questions.among_answers()
            } else {
                Questions {
                    known: Vec::new(),
                    new: part.questions.new.clone(),
                }
            },
        });
        Self {
            parts: parts.collect(),
        }
    }

    /// Whether there are no questions.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Number of indexes.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Texts of the questions about known answers, then of those about new answers, each with the number of its right
    /// answer, in the order of the outcomes of [`evaluate`](Self::evaluate).
    pub(super) fn asked(&self) -> [Vec<(&str, u32)>; 2] {
        let of = |queries: fn(&Questions) -> &[TestQuery<'static>]| {
            let parts = self.parts.iter().flat_map(move |part| {
                let answers = part.index.answers();
                queries(&part.questions)
                    .iter()
                    .map(|query| match query.query {
                        Query::Paraphrase(text) => (
                            answers.wording(text).unwrap_or_default(),
                            answers.place(text).map_or(0, |(answer, _)| answer),
                        ),
                        Query::New { .. } => Default::default(),
                    })
            });
            parts.collect()
        };
        [
            of(|questions| &questions.known),
            of(|questions| &questions.new),
        ]
    }

    /// The first index.
    pub(super) fn index(&self) -> Option<&AnswerIndex> {
        self.parts.first().map(|part| &*part.index)
    }

    /// The answers of the first index.
    pub(super) fn answers(&self) -> Option<&Arc<AnswerSet>> {
        self.parts.first().map(|part| part.index.answers())
    }

    /// Asks all questions.
    pub(super) fn evaluate(&self, scoring: Scoring) -> Result<Evaluated, TrainError> {
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for part in &self.parts {
            let run = |questions: &[TestQuery<'static>]| {
                let run = EvaluationRun::new(&part.index, questions.to_vec());
                run.with_scoring(scoring).complete(&part.index)
            };
            known.push(run(&part.questions.known)?);
            new.push(run(&part.questions.new)?);
        }
        let empty;
        let index = match self.parts.first() {
            Some(part) => &*part.index,
            None => {
                empty = AnswerIndex::empty(0, Scoring::default());
                &empty
            }
        };
        Ok(Evaluated {
            known: Evaluation::join(known, index),
            new: Evaluation::join(new, index),
        })
    }

    /// Whether each question about a new answer is not asked about a known answer, too.
    fn only_new(&self) -> Vec<bool> {
        let [known, new] = self.asked();
        let known: HashSet<(&str, u32)> = known.into_iter().collect();
        new.iter().map(|asked| !known.contains(asked)).collect()
    }

    /// Every question once, as in [`join`](Self::join), with the number of its right answer.
    pub(super) fn asked_once(&self) -> Vec<(&str, u32)> {
        let [mut asked, new] = self.asked();
        asked.extend(self.of_only_new(new));
        asked
    }

    /// Values of the questions about new answers, without those that are asked about known answers, too.
    pub(super) fn of_only_new<T>(&self, values: Vec<T>) -> impl Iterator<Item = T> {
        let only_new = self.only_new();
        let values = values.into_iter().zip(only_new);
        values.filter_map(|(value, only_new)| only_new.then_some(value))
    }

    /// One evaluation in which every question counts once: as one about a known answer if its answer has other
    /// paraphrases, otherwise as one about a new answer. `None` without questions.
    pub(super) fn join(&self, evaluated: &Evaluated) -> Option<Evaluation> {
        let index = &self.parts.first()?.index;
        let only_new = self.only_new();
        let new = evaluated.new.select(|question| only_new[question], index);
        Some(Evaluation::join([evaluated.known.clone(), new], index))
    }

    /// Reciprocal ranks of the questions of [`join`](Self::join), by which decisions are made.
    pub(super) fn deciding_ranks(&self, evaluated: &Evaluated) -> Vec<f64> {
        let mut ranks = evaluated.known.reciprocal_ranks();
        ranks.extend(self.of_only_new(evaluated.new.reciprocal_ranks()));
        ranks
    }
}
