//! Search pools of an evaluation, and the search itself: a matrix product for a block of questions, then exact scores
//! where rounding could change ranks.

use super::Words;
use super::{AnswerIndex, Pool, QuestionOutcome, Ranked, Scoring, Source, TestQuery};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT, standing},
    expansion::{Expansion, Kind, Own, Texts},
    index::{self, Index},
};

/// Maximum number of scores in memory: 64 MiB.
const SCORES: usize = 1 << 24;
/// Maximum number of questions in a block.
const BLOCK: usize = 512;
/// Number of answers expanded in one step.
const EXPANDED: usize = 256;
/// Maximum difference between a score of the block product and the exact score; ten times the rounding error.
const NEAR: f32 = 1e-5;

/// A search pool whose answers are being expanded.
#[derive(Debug)]
pub(super) struct Expanding {
    pool: Pool,
    /// `None` without document expansion.
    expansion: Option<(Expansion, Own)>,
    vectors: Matrix,
    /// Number of each vector's answer.
    owners: Vec<u32>,
    /// Rows of the answers in `vectors`.
    answers: Vec<usize>,
    /// Number of expanded answers.
    done: usize,
}

/// A search pool.
#[derive(Debug)]
pub(super) struct Searched {
    pub(super) pool: Pool,
    /// `None` if the pool uses the evaluated index itself.
    index: Option<Index>,
    /// Whether each text is held out, `[n]`.
    held_out: Vec<bool>,
    /// BM25 index of the texts that aren't held out.
    words: Option<index::Words>,
}

impl Expanding {
    /// Collects the vectors of the pool before expansion; those of paraphrases are moved towards their prototypes.
    /// Held-out texts don't expand answers and aren't part of prototypes.
    pub(super) fn new(
        index: &AnswerIndex,
        pool: Pool,
        scoring: Scoring,
        held_out: &[u32],
    ) -> Result<Self, ShapeError> {
        index.need_unexpanded()?;
        let (starts, all) = (index.answers.starts(), index.raw_vectors());
        let mut kinds = index.answers.kinds();
        for &text in held_out {
            kinds[text as usize] = Kind::KeptAside;
        }
        let expansion = match scoring.expansion {
            Some(rule) => {
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
        let (vectors, owners, answers) = match pool {
            Pool::All => {
                let (mut vectors, owners) = (all.into_owned(), index.answers.owners());
                if let Some(prototype) = scoring.prototype {
                    prototype.apply(&mut vectors, &owners, &kinds)?;
                }
                (vectors, owners, starts)
            }
            Pool::Answers => {
                let mut data = Vec::with_capacity(starts.len() * all.columns());
                for &text in &starts {
                    data.extend_from_slice(all.row(text));
                }
                let vectors = Matrix::new(starts.len(), all.columns(), data)?;
                let owners = (0..).take(starts.len()).collect();
                (vectors, owners, (0..starts.len()).collect())
            }
        };
        Ok(Self {
            pool,
            expansion,
            vectors,
            owners,
            answers,
            done: 0,
        })
    }

    /// Expands the next answers; returns whether any are left.
    pub(super) fn step(&mut self) -> Result<bool, ShapeError> {
        let Some((expansion, own)) = &self.expansion else {
            return Ok(false);
        };
        let end = (self.done + EXPANDED).min(self.answers.len());
        let now = &self.answers[self.done..end];
        expansion.apply_to(now, &self.owners, &mut self.vectors, *own)?;
        self.done = end;
        Ok(end < self.answers.len())
    }

    /// Builds the search pool.
    pub(super) fn finish(
        self,
        index: &AnswerIndex,
        hybrid: Option<Words>,
        held_out: &[u32],
    ) -> Result<Searched, ShapeError> {
        let (texts, held_out) = match self.pool {
            Pool::All => (index.answers.texts(), held_out),
            Pool::Answers => {
                let answers = index.answers.iter();
                (
                    answers.map(|answer| answer.answer.as_str()).collect(),
                    &[][..],
                )
            }
        };
        let index = Words::index(hybrid, self.vectors, self.owners, &texts)?;
        Ok(
            Searched::new(self.pool, index.words_without(held_out), &index, held_out)
                .with_index(index),
        )
    }
}

impl Searched {
    /// Creates a pool of the evaluated index itself, without the held-out texts.
    pub(super) fn served(index: &AnswerIndex, held_out: &[u32], hybrid: bool) -> Self {
        let index = &index.index;
        let words = hybrid.then(|| index.words_without(held_out)).flatten();
        Self::new(Pool::All, words, index, held_out)
    }

    fn new(pool: Pool, words: Option<index::Words>, index: &Index, held_out: &[u32]) -> Self {
        let mut is_held_out = vec![false; index.owners().len()];
        for &text in held_out {
            is_held_out[text as usize] = true;
        }
        Self {
            pool,
            index: None,
            held_out: is_held_out,
            words,
        }
    }

    fn with_index(self, index: Index) -> Self {
        Self {
            index: Some(index),
            ..self
        }
    }

    /// The search index of the pool; `index` is the evaluated index.
    pub(super) fn index<'a>(&'a self, index: &'a AnswerIndex) -> &'a Index {
        self.index.as_ref().unwrap_or(&index.index)
    }

    /// Number of texts, including held-out texts.
    pub(super) fn texts(&self, index: &AnswerIndex) -> usize {
        self.index(index).vectors().rows()
    }

    /// Number of questions in a block.
    pub(super) fn block(&self, index: &AnswerIndex) -> usize {
        (SCORES / self.texts(index).max(1)).clamp(1, BLOCK)
    }

    /// Computes the unit vectors of questions, `[questions, dim]`, and their dot products with all texts,
    /// `[questions, texts]` in row-major order. An empty index counts as one text with products of 0, so that each
    /// question has a row.
    pub(super) fn products<'a, 'q: 'a>(
        &self,
        answers: &AnswerIndex,
        questions: impl Iterator<Item = &'a TestQuery<'q>>,
    ) -> Result<(Matrix, Vec<f32>), ShapeError> {
        let index = self.index(answers);
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

    /// Asks one question. `scores` has its dot products with all texts up to rounding, `[texts]`, and is overwritten.
    /// Returns the ranks of the right answers, ascending, and the outcome.
    pub(super) fn ask(
        &self,
        answers: &AnswerIndex,
        text: &str,
        question: &[f32],
        right: &[u32],
        scores: &mut [f32],
    ) -> (Vec<usize>, QuestionOutcome) {
        let index = self.index(answers);
        let owners = index.owners();
        let words = self.words.as_ref().map(|words| words.scores(text));
        let words = |text: usize| words.as_ref().map_or(0.0, |words| words.of(text));
        // Same arithmetic as in a search.
        let exact = |text: usize| index.hit(text, question, words(text));
        for (text, score) in scores.iter_mut().enumerate() {
            *score += words(text);
        }
        // Best score of all answers, and of each right answer.
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
        // Only near these scores can rounding change a rank.
        for (number, score) in scores.iter_mut().take(owners.len()).enumerate() {
            if best.iter().any(|best| (*score - best).abs() <= NEAR) {
                *score = exact(number).score;
            }
        }
        // Best text of each answer, with its score.
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
            // The first of equally good answers.
            _ => wrong()
                .filter(|(_, score)| !score.is_nan())
                .reduce(|a, b| if b.1 > a.1 { b } else { a }),
        };
        let mut near: Vec<(usize, f32)> = texts.iter().flatten().copied().collect();
        near.retain(|(_, score)| !score.is_nan());
        // Ties keep the order of answers.
        let best_first = |a: &(usize, f32), b: &(usize, f32)| {
            b.1.total_cmp(&a.1).then(owners[a.0].cmp(&owners[b.0]))
        };
        if near.len() > AMONG {
            near.select_nth_unstable_by(AMONG - 1, best_first);
            near.truncate(AMONG);
        }
        near.sort_unstable_by(best_first);
        let own = |text: usize| {
            let own = index.own(owners[text]).map(|own| own as usize);
            let own = own.filter(|&own| own != text);
            own.map(|own| scores[own] - words(own))
        };
        let standing = |&(text, score): &(usize, f32)| {
            let words_of = words(text);
            let meaning = score - words_of;
            standing(meaning, own(text).unwrap_or(meaning), words_of, OWN_TEXT)
        };
        let standings = near.iter().map(standing).collect();
        let ranked = |&(text, score): &(usize, f32)| Ranked {
            answer: owners[text],
            text: text as u32,
            score,
            dense: score - words(text),
            own: own(text).unwrap_or(score - words(text)),
        };
        let ranked: Vec<Ranked> = near.iter().map(ranked).collect();
        let source = Source {
            index,
            words: self.words.as_ref(),
            answers: &answers.answers,
            spread: answers.cosine_spread(),
        };
        let wrong_only: Vec<Ranked> = ranked
            .iter()
            .filter(|ranked| !right.contains(&ranked.answer))
            .copied()
            .collect();
        let outcome = QuestionOutcome {
            rank,
            given: given.map(|(text, _)| exact(text)),
            right: of_right.first().map(|(text, _)| exact(*text)),
            standings,
            features: source.features(text, &ranked),
            unanswerable: source.features(text, &wrong_only),
            with_paraphrases: self.pool == Pool::All,
            probability: None,
        };
        (ranks, outcome)
    }
}
