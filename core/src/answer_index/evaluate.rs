//! Asking test questions.

use super::{
    AnswerIndex, Evaluation, Scoring,
    evaluation::{PoolFigures, QuestionOutcome},
    findings,
};
use crate::{
    calibration::{AMONG, OWN_TEXT, standing},
    expansion::{Expansion, Kind, Own, Rule, Texts},
    index::{self, Hit, Index},
    kernel::gemm::{Parallelism, View, ViewMut, matmul},
    lexical::Lexical,
    matrix::{Matrix, ShapeError},
    metric::{Metric as _, PoolMetrics},
    servable::{Confidence, Outcome, Words},
};
use rayon::prelude::*;
use std::borrow::Cow;

/// Scores held at once: 64 MiB.
const SCORES: usize = 1 << 24;
/// Questions of a block at most.
const BLOCK: usize = 512;
/// Answers expanded in one step.
const EXPANDED: usize = 256;
/// How far a score of the block product may be from the served one; rounding is a tenth of it.
const NEAR: f32 = 1e-5;

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

/// Vectors on the way to what is searched.
#[derive(Debug)]
struct Expanding {
    /// None when nothing is expanded.
    expansion: Option<(Expansion, Own)>,
    vectors: Matrix,
    /// The rows that are answers, and how many of them are done.
    answers: Vec<usize>,
    done: usize,
}

/// What a part of the questions is asked of.
#[derive(Debug)]
struct Searched {
    pool: Pool,
    /// None where it is the index itself.
    index: Option<Index>,
    /// For every text whether it is held out.
    held_out: Vec<bool>,
    /// The keywords of those that are not.
    words: Option<index::Words>,
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

    /// Hands out each question with the dense and the unweighted keyword score of every answer, `[answers]`
    /// each; all questions are asked of [`Pool::Answers`].
    pub(super) fn answer_scores(
        &self,
        questions: &[TestQuery<'_>],
        expansion: Option<Rule>,
        on_scores: &mut dyn FnMut(&TestQuery<'_>, &[f32], &[f32]),
    ) -> Result<(), ShapeError> {
        let mut run = EvaluationRun::new(self, questions.to_vec());
        run.scoring = Scoring {
            hybrid: Some(Words::by_answer(1.0)),
            expansion,
        };
        while run.searched.is_none() {
            run.prepare(self, Pool::Answers)?;
        }
        let Some(searched) = &run.searched else {
            return Ok(());
        };
        let index = searched.index.as_ref().unwrap_or(&self.index);
        for block in questions.chunks(block_of(index)) {
            let (_, dense) = products(self, index, block.iter())?;
            for (question, dense) in block.iter().zip(dense.chunks_exact(index.answers().max(1))) {
                let (text, _) = self.query(&question.query);
                let words = searched.words.as_ref().map(|words| words.scores(text));
                let word = |answer| words.as_ref().map_or(0.0, |words| words.of(answer));
                let words: Vec<f32> = (0..dense.len()).map(word).collect();
                on_scores(question, dense, &words);
            }
        }
        Ok(())
    }

    /// Text and vector of a question.
    fn query<'a>(&'a self, query: &Query<'a>) -> (&'a str, &'a [f32]) {
        match *query {
            Query::New { text, vector } => (text, vector),
            Query::Paraphrase(text) => (
                self.answers.text(text as usize).unwrap_or_default(),
                self.index.vectors().row(text as usize),
            ),
        }
    }
}

/// Questions asked at once.
fn block_of(index: &Index) -> usize {
    (SCORES / index.vectors().rows().max(1)).clamp(1, BLOCK)
}

/// The unit vectors of questions and their products with every vector of an index, row by row; an index without
/// vectors gives one zero a row, so that there is a row for each question.
fn products<'a, 'q: 'a>(
    answers: &AnswerIndex,
    index: &Index,
    questions: impl Iterator<Item = &'a TestQuery<'q>>,
) -> Result<(Matrix, Vec<f32>), ShapeError> {
    let (texts, dim) = (index.vectors().rows(), index.dim());
    let (mut data, mut rows) = (Vec::new(), 0);
    for question in questions {
        let start = data.len();
        data.extend_from_slice(answers.query(&question.query).1);
        index::normalize(&mut data[start..]);
        rows += 1;
    }
    let questions = Matrix::new(rows, dim, data)?;
    let mut scores = vec![0.0; rows * texts.max(1)];
    if rows > 0 && texts > 0 && dim > 0 {
        matmul(
            ViewMut::new(&mut scores, rows, texts),
            0.0,
            1.0,
            View::new(questions.data(), rows, dim),
            View::new(index.vectors().data(), texts, dim).t(),
            Parallelism::Rayon(rayon::current_num_threads()),
        )?;
    }
    Ok((questions, scores))
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
                let size = block_of(searched.index.as_ref().unwrap_or(&index.index));
                self.ask(index, &searched, begun..until.min(begun + size))?;
                self.searched = Some(searched);
            }
        }
        Ok(self.asked.len() < self.order.len())
    }

    /// A piece of making what the next questions are asked of.
    fn prepare(&mut self, index: &AnswerIndex, pool: Pool) -> Result<(), ShapeError> {
        let same_vectors = self.scoring.expansion == index.scoring.expansion
            && (self.scoring.expansion.is_none() || self.held_out.is_empty());
        let same_words = self.scoring.hybrid == index.scoring.hybrid;
        if pool == Pool::All && same_vectors && (same_words || self.scoring.hybrid.is_none()) {
            self.searched = Some(self.searched(index, pool, None)?);
            return Ok(());
        }
        let mut expanding = match self.expanding.take() {
            Some(expanding) => expanding,
            None => self.begin(index, pool)?,
        };
        let end = (expanding.done + EXPANDED).min(expanding.answers.len());
        if let Some((expansion, own)) = &expanding.expansion {
            let now = &expanding.answers[expanding.done..end];
            let owners: Cow<'_, [u32]> = match pool {
                Pool::All => index.index.owners().into(),
                Pool::Answers => (0..).take(expanding.vectors.rows()).collect(),
            };
            expansion.apply_to(now, &owners, &mut expanding.vectors, *own)?;
            expanding.done = end;
            if end < expanding.answers.len() {
                self.expanding = Some(expanding);
                return Ok(());
            }
        }
        self.searched = Some(self.searched(index, pool, Some(expanding.vectors))?);
        Ok(())
    }

    /// The vectors that are searched, before answers are expanded.
    fn begin(&self, index: &AnswerIndex, pool: Pool) -> Result<Expanding, ShapeError> {
        index.need_unexpanded()?;
        let starts = index.answers.starts();
        let all = index.raw_vectors();
        let expansion = match self.scoring.expansion {
            Some(rule) => {
                let mut kinds = index.answers.kinds();
                for &text in &self.held_out {
                    kinds[text as usize] = Kind::KeptAside;
                }
                let texts = Texts {
                    vectors: &all,
                    owners: index.index.owners(),
                    kinds: &kinds,
                };
                let own = match pool {
                    Pool::All => Own::Counts,
                    Pool::Answers => Own::LeftOut,
                };
                Some((Expansion::of(rule, &texts)?, own))
            }
            None => None,
        };
        let (vectors, answers) = match pool {
            Pool::All => (all.into_owned(), starts),
            Pool::Answers => {
                let mut data = Vec::with_capacity(starts.len() * all.columns());
                for &text in &starts {
                    data.extend_from_slice(all.row(text));
                }
                let vectors = Matrix::new(starts.len(), all.columns(), data)?;
                (vectors, (0..starts.len()).collect())
            }
        };
        Ok(Expanding {
            expansion,
            vectors,
            answers,
            done: 0,
        })
    }

    fn searched(
        &self,
        index: &AnswerIndex,
        pool: Pool,
        vectors: Option<Matrix>,
    ) -> Result<Searched, ShapeError> {
        let hybrid = self.scoring.hybrid;
        let own = match (vectors, pool) {
            (None, _) => None,
            (Some(vectors), Pool::All) => {
                let (owners, texts) = (index.answers.owners(), index.answers.texts());
                Some(Words::index(hybrid, vectors, owners, &texts)?)
            }
            (Some(vectors), Pool::Answers) => {
                let owners = (0..).take(vectors.rows()).collect();
                let searched = Index::new(vectors, owners)?;
                let hybrid = hybrid.filter(|hybrid| hybrid.weight > 0.0);
                Some(match hybrid {
                    Some(hybrid) => {
                        let texts = index.answers.iter().map(|answer| answer.answer.as_str());
                        let texts: Vec<&str> = texts.collect();
                        searched.with_words(Lexical::new(&texts), hybrid.weight)?
                    }
                    None => searched,
                })
            }
        };
        let searched = own.as_ref().unwrap_or(&index.index);
        let mut held_out = vec![false; searched.owners().len()];
        let out: &[u32] = match pool {
            Pool::All => &self.held_out,
            Pool::Answers => &[],
        };
        for &text in out {
            held_out[text as usize] = true;
        }
        let words = self
            .scoring
            .hybrid
            .and_then(|_| searched.words_without(out));
        Ok(Searched {
            pool,
            held_out,
            words,
            index: own,
        })
    }

    /// Asks some questions, by their places in the order.
    fn ask(
        &mut self,
        index: &AnswerIndex,
        searched: &Searched,
        now: std::ops::Range<usize>,
    ) -> Result<(), ShapeError> {
        let order = &self.order[now];
        let questions = || order.iter().map(|&number| &self.questions[number]);
        let compared = searched.index.as_ref().unwrap_or(&index.index);
        let (vectors, mut scores) = products(index, compared, questions())?;
        let rows = scores.par_chunks_exact_mut(compared.vectors().rows().max(1));
        let asked = order.par_iter().enumerate().zip_eq(rows);
        let found = asked.map(|((i, &number), scores)| {
            let question = &self.questions[number];
            let (text, _) = index.query(&question.query);
            let (ranks, outcome) =
                searched.ask(compared, text, vectors.row(i), &question.right, scores);
            let known = self
                .as_known
                .then(|| had_it_been_known(index, compared, question, &outcome));
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

impl Searched {
    /// Asks one question; `scores` are nearly its products with every vector. Returns the ranks of its right
    /// answers, ascending, and the outcome.
    fn ask(
        &self,
        index: &Index,
        text: &str,
        question: &[f32],
        right: &[u32],
        scores: &mut [f32],
    ) -> (Vec<usize>, QuestionOutcome) {
        let owners = index.owners();
        let words = self.words.as_ref().map(|words| words.scores(text));
        let words = |text: usize| words.as_ref().map_or(0.0, |words| words.of(text));
        // As it is served.
        let exact = |text: usize| index.hit(text, question, words(text));
        for (text, score) in scores.iter_mut().enumerate() {
            *score += words(text);
        }
        // The best score of all, and that of each right answer.
        let mut best = vec![f32::NEG_INFINITY; 1 + right.len()];
        for ((score, &held_out), owner) in scores.iter().zip(&self.held_out).zip(owners) {
            if held_out {
                continue;
            }
            best[0] = best[0].max(*score);
            if let Some(place) = right.iter().position(|right| right == owner) {
                best[1 + place] = best[1 + place].max(*score);
            }
        }
        // Only here could rounding change which answer stands before which.
        for (number, score) in scores.iter_mut().take(owners.len()).enumerate() {
            if best.iter().any(|best| (*score - best).abs() <= NEAR) {
                *score = exact(number).score;
            }
        }
        // Of each answer its best text and that text's score.
        let mut texts: Vec<Option<(usize, f32)>> = vec![None; index.answers()];
        for (number, (&answer, &score)) in owners.iter().zip(&*scores).enumerate() {
            let text = &mut texts[answer as usize];
            if !self.held_out[number] && text.is_none_or(|(_, best)| score > best || best.is_nan())
            {
                *text = Some((number, score));
            }
        }
        let of_right = right
            .iter()
            .filter_map(|&answer| texts.get(answer as usize)?.as_ref());
        let mut of_right: Vec<(usize, f32)> = of_right
            .copied()
            .filter(|(_, score)| !score.is_nan())
            .collect();
        of_right.sort_by(|a, b| b.1.total_cmp(&a.1));
        let wrong = || {
            let numbered = (0..).zip(&texts);
            let wrong = numbered.filter(move |(answer, _)| !right.contains(answer));
            wrong.filter_map(|(_, text)| *text)
        };
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN must count
        let before = |limit: f32| wrong().filter(|(_, score)| !(*score < limit)).count();
        let ranks = of_right.iter().enumerate();
        let ranks: Vec<usize> = ranks
            .map(|(i, (_, score))| i + 1 + before(*score))
            .collect();
        let rank = match ranks.first() {
            Some(&rank) => rank,
            None => wrong().count().max(1) + 1,
        };
        let given = match rank {
            1 => of_right.first().copied(),
            // The first of equal ones.
            _ => wrong()
                .filter(|(_, score)| !score.is_nan())
                .reduce(|a, b| if b.1 > a.1 { b } else { a }),
        };
        let mut near: Vec<(usize, f32)> = texts.iter().flatten().copied().collect();
        near.retain(|(_, score)| !score.is_nan());
        // Equal ones stay in the order of answers.
        let best_first = |a: &(usize, f32), b: &(usize, f32)| {
            b.1.total_cmp(&a.1).then(owners[a.0].cmp(&owners[b.0]))
        };
        if near.len() > AMONG {
            near.select_nth_unstable_by(AMONG - 1, best_first);
            near.truncate(AMONG);
        }
        near.sort_unstable_by(best_first);
        let standing = |&(text, score): &(usize, f32)| {
            let words_of = words(text);
            let meaning = score - words_of;
            let own = index.own(owners[text]).map(|own| own as usize);
            let own = own.filter(|&own| own != text);
            let own = own.map_or(meaning, |own| scores[own] - words(own));
            standing(meaning, own, words_of, OWN_TEXT)
        };
        let standings = near.iter().map(standing).collect();
        let outcome = QuestionOutcome {
            rank,
            given: given.map(|(text, _)| exact(text)),
            right: of_right.first().map(|(text, _)| exact(*text)),
            standings,
            probability: None,
        };
        (ranks, outcome)
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
