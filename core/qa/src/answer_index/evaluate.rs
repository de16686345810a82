//! Asking test questions.

use super::{
    AnswerIndex, Evaluation, Scoring,
    evaluation::{PoolFigures, QuestionOutcome},
    findings,
    scan::{Expanding, Searched},
    tuning::Asked,
};
use crate::servable::{AnswerSet, Confidence, Outcome, Words};
use nearsay_core::{
    matrix::{Matrix, ShapeError},
    metric::{Metric as _, PoolMetrics},
};
use nearsay_faq::normalize;
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT, standing},
    expansion::Rule,
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
    /// What it is asked of.
    pub pool: Pool,
}

/// The text and vector of a test question.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// A paraphrase of the index, by the number of its text. Those of all test questions are held out: they
    /// are neither searched nor used to expand answers.
    Paraphrase(u32),
    /// A question that is not in the index.
    New {
        /// Its text.
        text: &'a str,
        /// Its vector, `[dim]`.
        vector: &'a [f32],
    },
}

/// The texts that a test question is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// All answers and all paraphrases that are not held out: a known answer, asked for in new words.
    All,
    /// The answers alone, expanded by the questions of others only: an answer of which no question is known.
    Answers,
}

/// An evaluation in progress, done in [steps](Self::step) short enough to pause or stop in between.
#[derive(Debug)]
pub struct EvaluationRun<'a> {
    questions: Vec<TestQuery<'a>>,
    /// Numbers of the questions in the order they are asked: those of [`Pool::All`] first.
    order: Vec<usize>,
    /// How many are asked of all texts.
    of_all: usize,
    /// Texts that are held out, ascending.
    held_out: Vec<u32>,
    scoring: Scoring,
    /// Whether each question also counts for the calibration as if it were known.
    as_known: bool,
    metrics: PoolMetrics,
    /// In the order asked.
    asked: Vec<QuestionOutcome>,
    known: Vec<Outcome>,
    expanding: Option<Expanding>,
    searched: Option<Searched>,
}

impl AnswerSet {
    /// Questions, each with the text of its right answer, as test queries, in order. A question that is a paraphrase
    /// of its answer is a [`Query::Paraphrase`]; for the others `vectors` has one row for each question, `[n, dim]`.
    /// Those whose answer is not in the set are left out, and so are others where there are no vectors.
    ///
    /// Where an answer keeps paraphrases that are not asked, its questions are asked of [`Pool::All`], else of
    /// [`Pool::Answers`].
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
        let is_asked: HashSet<&str> = asked.iter().map(|(question, _)| *question).collect();
        let query = |(row, &(text, answer)): (usize, &(&'a str, &str))| {
            let number = *numbers.get(&normalize(answer))?;
            let paraphrase = texts.get(&(number, text));
            let mut known = self.get(number)?.questions.iter();
            Some(TestQuery {
                query: match paraphrase.filter(|&&text| self.wording(text).is_some()) {
                    Some(&text) => Query::Paraphrase(text),
                    None => Query::New {
                        text,
                        vector: vectors?.row(row),
                    },
                },
                right: vec![number],
                pool: if known.any(|known| !is_asked.contains(known.as_str())) {
                    Pool::All
                } else {
                    Pool::Answers
                },
            })
        };
        asked.iter().enumerate().filter_map(query).collect()
    }
}

impl AnswerIndex {
    /// Asks test questions.
    ///
    /// # Errors
    /// When a vector is of another length than the index's, or those before expansion are not at hand.
    pub fn evaluate(&self, questions: &[TestQuery<'_>]) -> Result<Evaluation, ShapeError> {
        self.evaluate_with(questions, self.scoring)
    }

    /// Asks test questions, answers being scored in another way than the index is.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_with(
        &self,
        questions: &[TestQuery<'_>],
        scoring: Scoring,
    ) -> Result<Evaluation, ShapeError> {
        let mut run = EvaluationRun::new(self, questions.to_vec());
        run.scoring = scoring;
        while run.step(self)? {}
        Ok(run.finish(self))
    }

    /// Hands out the dense and the unweighted keyword scores of each question; all are asked of
    /// [`Pool::Answers`].
    pub(super) fn answer_scores(
        &self,
        questions: &[TestQuery<'_>],
        expansion: Option<Rule>,
        on_scores: &mut dyn FnMut(&Asked<'_>),
    ) -> Result<(), ShapeError> {
        let mut run = EvaluationRun::new(self, questions.to_vec());
        run.scoring = Scoring {
            hybrid: Some(Words::by_answer(1.0)),
            expansion,
        };
        let searched = loop {
            run.prepare(self, Pool::Answers)?;
            if let Some(searched) = run.searched.take() {
                break searched;
            }
        };
        for block in questions.chunks(searched.block(self)) {
            let (_, dense) = searched.products(self, block.iter())?;
            let dense = dense.chunks_exact(self.answers.len().max(1));
            for (question, dense) in block.iter().zip(dense) {
                let (text, _) = self.query(&question.query);
                let right = question.right.iter();
                on_scores(&Asked {
                    dense,
                    keyword: &searched.keyword_scores(text, dense.len()),
                    right: &right.map(|&right| right as usize).collect::<Vec<_>>(),
                });
            }
        }
        Ok(())
    }

    /// Text and vector of a question.
    pub(super) fn query<'a>(&'a self, query: &Query<'a>) -> (&'a str, &'a [f32]) {
        match *query {
            Query::New { text, vector } => (text, vector),
            Query::Paraphrase(text) => (
                self.answers.text(text as usize).unwrap_or_default(),
                self.index.vectors().row(text as usize),
            ),
        }
    }
}

impl<'a> EvaluationRun<'a> {
    /// Starts asking these questions of an index. Those whose right answers or text it does not have are
    /// asked all the same, and are not found.
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
        held_out.sort_unstable();
        held_out.dedup();
        Self {
            order,
            of_all,
            held_out,
            scoring: index.scoring,
            as_known: false,
            metrics: PoolMetrics::default(),
            asked: Vec::with_capacity(questions.len()),
            known: Vec::new(),
            expanding: None,
            searched: None,
            questions,
        }
    }

    /// Calibrates also by what would have come of each [`Query::Paraphrase`] had it not been held out:
    /// users repeat known questions, and then an answer is as sure as can be.
    #[must_use]
    pub fn with_known_questions(self) -> Self {
        Self {
            as_known: true,
            ..self
        }
    }

    /// Questions asked so far, and all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.asked.len(), self.order.len())
    }

    /// Does a piece of the work, some tenths of a second at most; false when nothing is left. `index` is
    /// the one that the run was [started](Self::new) with.
    ///
    /// # Errors
    /// As [`AnswerIndex::evaluate`].
    pub fn step(&mut self, index: &AnswerIndex) -> Result<bool, ShapeError> {
        let begun = self.asked.len();
        if begun == self.order.len() {
            return Ok(false);
        }
        let (pool, until) = match begun < self.of_all {
            true => (Pool::All, self.of_all),
            false => (Pool::Answers, self.order.len()),
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

    /// A piece of making what the next questions are asked of.
    fn prepare(&mut self, index: &AnswerIndex, pool: Pool) -> Result<(), ShapeError> {
        let expansion = self.scoring.expansion;
        let same_vectors = expansion == index.scoring.expansion
            && (expansion.is_none() || self.held_out.is_empty());
        let hybrid = self.scoring.hybrid;
        let same_words = hybrid.is_none() || hybrid == index.scoring.hybrid;
        if pool == Pool::All && same_vectors && same_words {
            let searched = Searched::served(index, &self.held_out, hybrid.is_some());
            self.searched = Some(searched);
            return Ok(());
        }
        let mut expanding = match self.expanding.take() {
            Some(expanding) => expanding,
            None => Expanding::new(index, pool, expansion, &self.held_out)?,
        };
        if expanding.step()? {
            self.expanding = Some(expanding);
        } else {
            self.searched = Some(expanding.finish(index, hybrid, &self.held_out)?);
        }
        Ok(())
    }

    /// Asks some questions, by their places in the order.
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
        // Numbers of texts are those of the whole index.
        let whole = |hit: Hit| Hit {
            vector: match starts.get(hit.vector as usize) {
                Some(&text) => text as u32,
                None => hit.vector,
            },
            ..hit
        };
        for (ranks, outcome, known) in found {
            self.metrics.update(&ranks);
            self.known.extend(known);
            self.asked.push(QuestionOutcome {
                given: outcome.given.map(whole),
                right: outcome.right.map(whole),
                ..outcome
            });
        }
        Ok(())
    }

    /// The result; of the questions asked so far, should some be left.
    #[must_use]
    pub fn finish(self, index: &AnswerIndex) -> Evaluation {
        let outcomes: Vec<Outcome> = self.asked.iter().map(QuestionOutcome::outcome).collect();
        let mut confidence = Confidence::measured(&outcomes);
        if self.as_known && confidence.calibration.is_some() {
            let all: Vec<Outcome> = outcomes.iter().chain(&self.known).cloned().collect();
            confidence.calibration = confidence.calibrated(&all);
        }
        let asked = self
            .order
            .into_iter()
            .zip(self.asked.into_iter().zip(outcomes));
        let mut in_order: Vec<Option<QuestionOutcome>> = vec![None; self.questions.len()];
        for (number, (question, outcome)) in asked {
            in_order[number] = Some(QuestionOutcome {
                probability: confidence.probability(confidence.sureness_of(&outcome)),
                ..question
            });
        }
        let outcomes: Vec<QuestionOutcome> = in_order.into_iter().flatten().collect();
        let wrong: Vec<(u32, u32)> = outcomes
            .iter()
            .zip(&self.questions)
            .filter(|(outcome, _)| !outcome.is_right())
            .filter_map(|(outcome, question)| {
                let right = outcome.right.map(|hit| hit.answer);
                let right = right.or_else(|| question.right.first().copied());
                Some((outcome.given?.answer, right?))
            })
            .collect();
        let similarity = |a: u32, b: u32| index.similarity(a, b);
        Evaluation {
            figures: PoolFigures::of(&self.metrics, index.answers.len()),
            confused: findings::confused_pairs(&wrong, &similarity),
            over_retrieved: findings::over_retrieved(&wrong),
            outcomes,
            confidence,
        }
    }
}

/// What would have come of a paraphrase had it been searched, too; none for a question that is not in the index.
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
    })
}
