//! Evaluation on test questions.

use super::{
    AnswerIndex, Evaluation, Scoring,
    evaluation::{Evidence, QuestionOutcome},
    scan::{Expanding, Searched},
};
use super::{AnswerSet, Outcome};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq::{normalize, question_key};
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT, standing},
    index::{Hit, Index},
};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// A question whose right answers are known.
#[derive(Clone, Debug)]
pub struct TestQuery<'a> {
    /// The question.
    pub query: Query<'a>,
    /// Numbers of the right answers, ascending.
    pub right: Vec<u32>,
    /// Texts that the question is compared with.
    pub pool: Pool,
}

/// The text and vector of a test question.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// A paraphrase in the index, by the number of its text. The paraphrases of all test questions are held out, with
    /// equal ones of other answers in the [group](AnswerSet::group): they are neither searched nor used to expand answers.
    Paraphrase(u32),
    /// A question that is not in the index.
    New {
        /// Text of the question.
        text: &'a str,
        /// Vector of the question, `[dim]`.
        vector: &'a [f32],
    },
}

/// Texts that a test question is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// All answers, and all paraphrases that aren't held out. Tests how the index finds a known answer by a new
    /// paraphrase.
    All,
    /// The answers alone; no answer is expanded by its own questions. Tests how the index finds an answer without known
    /// questions.
    Answers,
}

/// An evaluation in progress. Runs in short [steps](Self::step), so that callers can pause or stop between steps.
#[derive(Debug)]
pub struct EvaluationRun<'a> {
    questions: Vec<TestQuery<'a>>,
    /// Numbers of the questions in the order of asking: those with [`Pool::All`] first.
    order: Vec<usize>,
    /// Number of questions with [`Pool::All`].
    of_all: usize,
    /// Numbers of the held-out texts, ascending.
    held_out: Vec<u32>,
    scoring: Scoring,
    /// Whether the calibration also counts each paraphrase as if it weren't held out.
    as_known: bool,
    /// Outcomes so far, in the order of asking.
    asked: Vec<(QuestionOutcome, Evidence)>,
    expanding: Option<Expanding>,
    searched: Option<Searched>,
}

impl AnswerSet {
    /// Converts pairs of a question and the text of its right answer to test queries, in order.
    ///
    /// A question that is a paraphrase of its answer in this set becomes a [`Query::Paraphrase`], any other question a
    /// [`Query::New`] with its row of `vectors`, `[n, dim]`. Leaves out questions whose answer isn't in the set, and new
    /// questions if there are no vectors.
    ///
    /// All answers of the [group](Self::group) are right. The pool is [`Pool::All`] if the group has other paraphrases that
    /// aren't asked, and [`Pool::Answers`] otherwise.
    #[must_use]
    pub fn test_queries<'a>(
        &self,
        asked: &[(&'a str, &str)],
        vectors: Option<&'a Matrix>,
    ) -> Vec<TestQuery<'a>> {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (answer, number) in self.iter().zip(0..) {
            numbers.entry(normalize(&answer.answer)).or_insert(number);
        }
        let texts = self.owners().into_iter().zip(self.texts());
        let texts: HashMap<(u32, &str), u32> = texts.zip(0..).collect();
        let is_asked = asked.iter().map(|(question, _)| question_key(question));
        let is_asked: HashSet<String> = is_asked.collect();
        let query = |(row, &(text, answer)): (usize, &(&'a str, &str))| {
            let number = *numbers.get(&normalize(answer))?;
            let paraphrase = texts.get(&(number, text));
            let right = self.answers_of_group(number);
            let known = right.iter().filter_map(|&answer| self.get(answer));
            let mut known = known.flat_map(|known| &known.questions);
            Some(TestQuery {
                query: match paraphrase.filter(|&&text| self.wording(text).is_some()) {
                    Some(&text) => Query::Paraphrase(text),
                    None => Query::New {
                        text,
                        vector: vectors?.row(row),
                    },
                },
                pool: if known.any(|known| !is_asked.contains(&question_key(known))) {
                    Pool::All
                } else {
                    Pool::Answers
                },
                right,
            })
        };
        asked.iter().enumerate().filter_map(query).collect()
    }
}

impl AnswerIndex {
    /// Evaluates the index on test questions.
    ///
    /// # Errors
    /// If a vector has another length than those of the index, or if the vectors before expansion aren't loaded.
    pub fn evaluate(&self, questions: &[TestQuery<'_>]) -> Result<Evaluation, ShapeError> {
        self.evaluate_with(questions, self.scoring)
    }

    /// Like [`evaluate`](Self::evaluate), with another scoring than that of the index.
    ///
    /// # Errors
    /// The errors of [`evaluate`](Self::evaluate).
    pub fn evaluate_with(
        &self,
        questions: &[TestQuery<'_>],
        scoring: Scoring,
    ) -> Result<Evaluation, ShapeError> {
        let run = EvaluationRun::new(self, questions.to_vec());
        run.with_scoring(scoring).complete(self)
    }

    /// Text and vector of a question.
    pub(super) fn query<'a>(&'a self, query: &Query<'a>) -> (&'a str, &'a [f32]) {
        match *query {
            Query::New { text, vector } => (text, vector),
            Query::Paraphrase(text) => (
                self.answers.text(text as usize).unwrap_or_default(),
                self.raw_vector(text as usize),
            ),
        }
    }
}

impl<'a> EvaluationRun<'a> {
    /// Starts an evaluation of an index. Questions whose right answers or text aren't in the index count as not found.
    #[must_use]
    pub fn new(index: &AnswerIndex, questions: Vec<TestQuery<'a>>) -> Self {
        let is_all = |number: &usize| questions[*number].pool == Pool::All;
        let (mut order, rest): (Vec<usize>, Vec<usize>) = (0..questions.len()).partition(is_all);
        let of_all = order.len();
        order.extend(rest);
        let held_out = questions
            .iter()
            .filter_map(|question| match question.query {
                Query::Paraphrase(text) => index.answers.wording(text).map(|_| text),
                Query::New { .. } => None,
            });
        let mut held_out: Vec<u32> = held_out.collect();
        held_out.extend(index.answers.same_questions(&held_out));
        held_out.sort_unstable();
        held_out.dedup();
        Self {
            order,
            of_all,
            held_out,
            scoring: index.scoring,
            as_known: false,
            asked: Vec::with_capacity(questions.len()),
            expanding: None,
            searched: None,
            questions,
        }
    }

    /// Adds to the calibration, for each [`Query::Paraphrase`], the outcome as if it weren't held out. Users also ask known
    /// questions, whose answers deserve a high confidence.
    #[must_use]
    pub fn with_known_questions(self) -> Self {
        Self {
            as_known: true,
            ..self
        }
    }

    /// Replaces the scoring of the index.
    #[must_use]
    pub fn with_scoring(self, scoring: Scoring) -> Self {
        Self { scoring, ..self }
    }

    /// Does all steps and computes the result. Pass the `index` that was given to [`new`](Self::new).
    ///
    /// # Errors
    /// The errors of [`AnswerIndex::evaluate`].
    pub fn complete(mut self, index: &AnswerIndex) -> Result<Evaluation, ShapeError> {
        while self.step(index)? {}
        Ok(self.finish(index))
    }

    /// Number of questions asked so far, and of all questions.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.asked.len(), self.order.len())
    }

    /// Does the next piece of the work, which takes a few tenths of a second at most; returns whether any is left. Pass the
    /// `index` that was given to [`new`](Self::new).
    ///
    /// # Errors
    /// The errors of [`AnswerIndex::evaluate`].
    pub fn step(&mut self, index: &AnswerIndex) -> Result<bool, ShapeError> {
        let begun = self.asked.len();
        if begun == self.order.len() {
            return Ok(false);
        }
        let (pool, until) = if begun < self.of_all {
            (Pool::All, self.of_all)
        } else {
            (Pool::Answers, self.order.len())
        };
        match self
            .searched
            .take()
            .filter(|searched| searched.pool == pool)
        {
            None => self.prepare(index, pool)?,
            Some(searched) => {
                let size = searched.block(index);
                self.ask(index, &searched, begun..until.min(begun + size))?;
                self.searched = Some(searched);
            }
        }
        Ok(self.asked.len() < self.order.len())
    }

    /// Does a piece of preparing the pool of the next questions.
    fn prepare(&mut self, index: &AnswerIndex, pool: Pool) -> Result<(), ShapeError> {
        let Scoring {
            hybrid,
            expansion,
            prototype,
        } = self.scoring;
        let same_vectors = (expansion, prototype)
            == (index.scoring.expansion, index.scoring.prototype)
            && (!self.scoring.changes_vectors() || self.held_out.is_empty());
        let same_words = hybrid.is_none() || hybrid == index.scoring.hybrid;
        if pool == Pool::All && same_vectors && same_words {
            let searched = Searched::served(index, &self.held_out, hybrid.is_some());
            self.searched = Some(searched);
            return Ok(());
        }
        let mut expanding = match self.expanding.take() {
            Some(expanding) => expanding,
            None => Expanding::new(index, pool, self.scoring, &self.held_out)?,
        };
        if expanding.step()? {
            self.expanding = Some(expanding);
        } else {
            self.searched = Some(expanding.finish(index, hybrid, &self.held_out)?);
        }
        Ok(())
    }

    /// Asks the questions at a range of places in the order.
    fn ask(
        &mut self,
        index: &AnswerIndex,
        searched: &Searched,
        now: std::ops::Range<usize>,
    ) -> Result<(), ShapeError> {
        let order = &self.order[now];
        let questions = order.iter().map(|&number| &self.questions[number]);
        let (vectors, mut scores) = searched.products(index, questions)?;
        let rows = scores.par_chunks_exact_mut(searched.texts(index).max(1));
        let asked = order.par_iter().enumerate().zip_eq(rows);
        let found = asked.map(|((i, &number), scores)| {
            let question = &self.questions[number];
            let (text, _) = index.query(&question.query);
            let (ranks, outcome) =
                searched.ask(index, text, vectors.row(i), &question.right, scores);
            let known = self
                .as_known
                .then(|| had_it_been_known(index, searched.index(index), question, &outcome));
            (ranks, outcome, known.flatten())
        });
        let found: Vec<_> = found.collect();
        let starts = match searched.pool {
            Pool::All => Vec::new(),
            Pool::Answers => index.answers.starts(),
        };
        // Hits refer to texts by their numbers in the whole index.
        let whole = |hit: Hit| Hit {
            vector: match starts.get(hit.vector as usize) {
                Some(&text) => text as u32,
                None => hit.vector,
            },
            ..hit
        };
        for (ranks, outcome, known) in found {
            let outcome = QuestionOutcome {
                given: outcome.given.map(whole),
                right: outcome.right.map(whole),
                ..outcome
            };
            let number = self.order[self.asked.len()];
            let right = outcome.right.map(|hit| hit.answer);
            let right = right.or_else(|| self.questions[number].right.first().copied());
            let given = outcome.given.map(|hit| hit.answer);
            let evidence = Evidence {
                ranks,
                known,
                wrong: given.zip(right).filter(|_| !outcome.is_right()),
            };
            self.asked.push((outcome, evidence));
        }
        Ok(())
    }

    /// Computes the result, from the questions asked so far.
    #[must_use]
    pub fn finish(self, index: &AnswerIndex) -> Evaluation {
        let mut in_order: Vec<_> = self.order.into_iter().zip(self.asked).collect();
        in_order.sort_unstable_by_key(|(number, _)| *number);
        let (outcomes, evidence) = in_order.into_iter().map(|(_, asked)| asked).unzip();
        Evaluation::of(index, outcomes, evidence)
    }
}

/// Outcome of a paraphrase as if it weren't held out; `None` for a question that isn't in the index.
fn had_it_been_known(
    index: &AnswerIndex,
    compared: &Index,
    question: &TestQuery<'_>,
    outcome: &QuestionOutcome,
) -> Option<Outcome> {
    let Query::Paraphrase(text) = question.query else {
        return None;
    };
    let (name, vector) = index.query(&question.query);
    let words = index.index.words_of(name, text);
    let own = outcome
        .right
        .and_then(|right| compared.own_meanings(vector, &[right]).first().copied())
        .unwrap_or(1.0);
    let first = standing(1.0, own, words, OWN_TEXT);
    let others = outcome.standings.iter().enumerate();
    let others = others.filter(|(place, _)| *place + 1 != outcome.rank);
    let others = others.map(|(_, standing)| *standing);
    Some(Outcome {
        standings: [first].into_iter().chain(others).take(AMONG).collect(),
        right: true,
        ..Outcome::default()
    })
}
