//! Asking the questions kept aside.

use super::{
    Job,
    texts::{Places, ways},
};
use crate::{
    servable::{AnswerSet, Confidence, Outcome},
    train::{ModelSelection, PoolFigures, TrainError, blend, data::answer_groups},
};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    matrix::Matrix,
    metric::{Metric as _, PoolMetrics, PoolScores, rank_right_answers, score_questions},
};
use nearsay_faq::Row;
use nearsay_search::{
    expansion::{Expansion, Own},
    index::normalize,
};
use nearsay_text::bm25::Bm25Index;
use std::collections::HashMap;

/// Scores held at once while the ranking is chosen.
const SCORES: usize = 16 << 20;

/// At most so many questions are asked for it, which settles the weights that are tried.
const QUESTIONS: usize = 1_500;

/// Questions and the answers they are asked of, as texts and pooled vectors.
pub(super) struct Exam<'a> {
    questions: Vec<&'a str>,
    vectors: Matrix,
    pool: Vec<&'a str>,
    pool_vectors: Matrix,
    /// Which of the pool are the same answer.
    pool_groups: Vec<u64>,
    /// What the questions are compared with, when that is not the pool's vectors.
    moved: Option<Matrix>,
    right: Vec<Vec<usize>>,
}

/// The answer that a question got.
pub(super) struct Given {
    /// Its number in the pool.
    pub(super) answer: usize,
    /// Whether it is a right one; a wrong one of equal score comes first.
    pub(super) is_right: bool,
}

/// What came of it.
pub(super) struct Asked {
    /// What each question got.
    pub(super) given: Vec<Given>,
    pub(super) figures: Option<PoolFigures>,
    pub(super) confidence: Confidence,
}

impl<'a> Exam<'a> {
    fn new(
        place: &Places<'_>,
        questions: Vec<&'a str>,
        pool: Vec<&'a str>,
        pool_groups: Vec<u64>,
        right: Vec<Vec<usize>>,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            vectors: place.rows(&questions)?,
            pool_vectors: place.rows(&pool)?,
            moved: None,
            questions,
            pool,
            pool_groups,
            right,
        })
    }

    /// The same, asked of answers that are moved towards the questions of others; their own are left out,
    /// since those of answers kept aside are.
    pub(super) fn expanded(mut self, expansion: Option<&Expansion>) -> Result<Self, TrainError> {
        if let Some(expansion) = expansion {
            let mut moved = unit(self.pool_vectors.clone());
            expansion
                .apply(&mut moved, &self.pool_groups, Own::LeftOut)
                .map_err(|error| TrainError::Encoder(error.into()))?;
            self.moved = Some(moved);
        }
        Ok(self)
    }

    /// The same, asked of answers as they are.
    pub(super) fn plain(self) -> Self {
        Self {
            moved: None,
            ..self
        }
    }

    /// The questions' texts.
    pub(super) fn questions(&self) -> &[&'a str] {
        &self.questions
    }

    /// The texts of the answers.
    pub(super) fn pool(&self) -> &[&'a str] {
        &self.pool
    }

    /// Their pooled vectors.
    pub(super) fn pool_vectors(&self) -> &Matrix {
        &self.pool_vectors
    }

    /// Numbers of each question's right answers.
    pub(super) fn right(&self) -> &[Vec<usize>] {
        &self.right
    }

    /// For each question one over the rank of the first right answer.
    pub(super) fn reciprocal_ranks(&self, device: &Device) -> Result<Vec<f64>, TrainError> {
        let mut reciprocal = Vec::with_capacity(self.questions.len());
        self.scores(device, &mut |_, scores| {
            let rank = rank_right_answers(scores).first().copied();
            reciprocal.push(rank.map_or(0.0, |rank| 1.0 / rank as f64));
        })?;
        Ok(reciprocal)
    }

    /// Hands out each question with its cosine similarities to the pool, in order.
    pub(super) fn scores(
        &self,
        device: &Device,
        on_scores: &mut dyn FnMut(&str, PoolScores<'_>),
    ) -> Result<(), TrainError> {
        let place = |matrix| to_tensor(matrix, device);
        let compared = self.moved.as_ref().unwrap_or(&self.pool_vectors);
        let (questions, pool) = (place(&self.vectors)?, place(compared)?);
        let mut texts = self.questions.iter();
        score_questions(&questions, &pool, &self.right, &mut |scores| {
            on_scores(texts.next().copied().unwrap_or_default(), scores);
        })?;
        Ok(())
    }
}

impl Job<'_, '_> {
    /// The questions kept aside, to be asked of all answers.
    pub(super) fn exam<'a>(
        &'a self,
        place: &Places<'_>,
        answers: &'a AnswerSet,
    ) -> Result<Exam<'a>, TrainError> {
        let questions: Vec<&str> = ways(self.held_out).map(|(way, _)| way).collect();
        let pool: Vec<&str> = answers
            .iter()
            .map(|answer| answer.answer.as_str())
            .collect();
        let known = answer_groups(
            pool.iter()
                .copied()
                .chain(self.held_out.iter().map(|row| row.answer.as_str())),
        );
        let number: HashMap<u64, usize> = known.iter().take(pool.len()).copied().zip(0..).collect();
        let mut right = Vec::with_capacity(questions.len());
        for (row, group) in self.held_out.iter().zip(&known[pool.len()..]) {
            let answer = number.get(group).copied();
            right.extend(row.all_questions().map(|_| answer.into_iter().collect()));
        }
        let groups = known[..pool.len()].to_vec();
        Exam::new(place, questions, pool, groups, right)
    }

    /// The questions of the slice that training did not see, to be asked of the answers trained with; none
    /// where there is no slice.
    pub(super) fn slice_exam(&self, place: &Places<'_>) -> Result<Option<Exam<'_>>, TrainError> {
        let rows: Vec<(&str, &Row)> = ways(self.rows).collect();
        let groups = answer_groups(rows.iter().map(|(_, row)| row.answer.as_str()));
        let kept = self.settings.validation_split(&groups);
        if kept.is_empty() {
            return Ok(None);
        }
        let (mut pool, mut pool_groups) = (Vec::new(), Vec::new());
        let mut number = HashMap::new();
        for ((_, row), group) in rows.iter().zip(&groups) {
            number.entry(*group).or_insert_with(|| {
                pool.push(row.answer.as_str());
                pool_groups.push(*group);
                pool.len() - 1
            });
        }
        let most = (SCORES / pool.len().max(1)).clamp(1, QUESTIONS);
        // From all over the file, should there be more.
        let every = kept.len().div_ceil(most);
        let kept: Vec<usize> = kept.into_iter().step_by(every).collect();
        let questions = kept.iter().map(|&pair| rows[pair].0).collect();
        let right = kept.iter().map(|&pair| vec![number[&groups[pair]]]);
        let right = right.collect();
        Exam::new(place, questions, pool, pool_groups, right).map(Some)
    }

    /// Whether what was learned answers the questions of the slice better than what there was before, by
    /// more than chance: by more than one standard error of what each question gains in reciprocal rank.
    ///
    /// So a handful of questions, which say little, seldom replace a model that is known to work. Without a
    /// slice nothing is known, so nothing is replaced; where the settings want the last state it is taken.
    pub(super) fn is_better(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<bool, TrainError> {
        let asked = self.asked_of_both(before, after)?;
        Ok(self.settings.selection == ModelSelection::Last
            || asked.is_some_and(|[before, after]| blend::is_gain(&before, &after)))
    }

    /// Whether it answers them worse, by more than chance; also where nothing is known.
    pub(super) fn is_worse(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<bool, TrainError> {
        let asked = self.asked_of_both(before, after)?;
        Ok(self.settings.selection != ModelSelection::Last
            && asked.is_none_or(|[before, after]| blend::is_gain(&after, &before)))
    }

    /// The reciprocal ranks of the slice's questions before and after; none without a slice.
    fn asked_of_both(
        &self,
        before: &Places<'_>,
        after: &Places<'_>,
    ) -> Result<Option<[Vec<f64>; 2]>, TrainError> {
        let (Some(before), Some(after)) = (self.slice_exam(before)?, self.slice_exam(after)?)
        else {
            return Ok(None);
        };
        let ranks = |exam: Exam<'_>| exam.reciprocal_ranks(self.device);
        Ok(Some([ranks(before)?, ranks(after)?]))
    }

    /// Asks the exam's questions, words counting for so much.
    pub(super) fn ask(&self, exam: &Exam<'_>, words: f32) -> Result<Asked, TrainError> {
        if exam.right.is_empty() {
            return Ok(Asked {
                given: Vec::new(),
                figures: None,
                confidence: Confidence::USUAL,
            });
        }
        let lexical = (words > 0.0).then(|| Bm25Index::new(&exam.pool));
        let mut metrics = PoolMetrics::default();
        let (mut outcomes, mut given) = (Vec::new(), Vec::new());
        exam.scores(self.device, &mut |question, scores| {
            let mut both = scores.scores.to_vec();
            if let Some(lexical) = &lexical {
                let add = lexical.scores(question);
                both.iter_mut().zip(add).for_each(|(s, w)| *s += words * w);
            }
            let ranks = rank_right_answers(PoolScores {
                scores: &both,
                ..scores
            });
            let is_right = ranks.first() == Some(&1);
            let better = |a: usize, b: usize| if both[b] > both[a] { b } else { a };
            let all = 0..both.len();
            let first = match is_right {
                true => all.reduce(better),
                false => all
                    .filter(|answer| scores.right.binary_search(answer).is_err())
                    .reduce(better),
            };
            given.push(Given {
                answer: first.unwrap_or_default(),
                is_right,
            });
            metrics.update(&ranks);
            outcomes.push(Outcome::of(both, is_right));
        })?;
        Ok(Asked {
            given,
            figures: PoolFigures::of(&metrics, exam.pool.len()),
            confidence: Confidence::measured(&outcomes),
        })
    }
}

/// Rows of length 1.
pub(super) fn unit(mut matrix: Matrix) -> Matrix {
    let columns = matrix.columns().max(1);
    let rows = matrix.data_mut().chunks_exact_mut(columns);
    rows.for_each(normalize);
    matrix
}
