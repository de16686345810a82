//! How much words are to count for beside meaning, by questions whose answers are known.

use crate::metric::{PoolScores, rank_pool};

/// The weights that are tried.
pub const WEIGHTS: [f32; 11] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];

/// Right answers beyond this rank count as not found.
const RANKS: usize = 10;

/// A question whose answers are known, asked of all texts of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Cosine similarity to each text, `[texts]`; −∞ for one that is not asked, the question itself among
    /// the known wordings.
    pub meaning: Vec<f32>,
    /// [`Lexical::scores`](crate::lexical::Lexical::scores) of each text, `[texts]`.
    pub words: Vec<f32>,
    /// Numbers of the right answers, ascending.
    pub right: Vec<usize>,
}

/// A weight of words and what it is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Blend {
    /// The weight, one of [`WEIGHTS`]; 0 when words are not to count.
    pub weight: f32,
    /// Mean reciprocal rank of the first right answer by this weight, 0 beyond ten.
    pub mrr: f32,
    /// The same without words.
    pub without: f32,
}

/// The weight by which the questions' right answers come first, `owners` being the answer of each text.
///
/// Of each answer its best text counts, by `meaning + weight · words`; of answers of equal score the wrong
/// one stands first. The best mean reciprocal rank wins, of equal ones the least weight. It is 0 unless the
/// mean over the questions of what is gained in reciprocal rank is more than one standard error of that mean,
/// `s / √n`: chance alone would win by that much one time in six.
///
/// Takes time in the questions by their texts, once for each weight; questions are taken one by one, so
/// that their scores need not be held together.
pub fn choose(owners: &[u32], questions: impl IntoIterator<Item = Asked>) -> Blend {
    let answers = owners.iter().max().map_or(0, |&last| last as usize + 1);
    let mut scores = vec![f32::NEG_INFINITY; answers];
    let mut reciprocal: [Vec<f64>; WEIGHTS.len()] = Default::default();
    for asked in questions {
        for (weight, reciprocal) in WEIGHTS.iter().zip(&mut reciprocal) {
            scores.fill(f32::NEG_INFINITY);
            let texts = asked.meaning.iter().zip(&asked.words).zip(owners);
            for ((meaning, words), owner) in texts {
                let best = &mut scores[*owner as usize];
                *best = best.max(meaning + weight * words);
            }
            let ranks = rank_pool(PoolScores {
                scores: &scores,
                right: &asked.right,
            });
            let rank = ranks.first().filter(|rank| **rank <= RANKS);
            reciprocal.push(rank.map_or(0.0, |rank| 1.0 / *rank as f64));
        }
    }
    let without = &reciprocal[0];
    let mut best = (0.0, without);
    for (weight, reciprocal) in WEIGHTS.into_iter().zip(&reciprocal) {
        if mean(reciprocal) > mean(best.1) {
            best = (weight, reciprocal);
        }
    }
    if !is_gain(without, best.1) {
        best = (0.0, without);
    }
    Blend {
        weight: best.0,
        mrr: mean(best.1) as f32,
        without: mean(without) as f32,
    }
}

/// Whether what is gained from one list of figures to the other, question by question, is more than one
/// standard error of its mean, `s / √n`; never with fewer than two questions.
pub(super) fn is_gain(from: &[f64], to: &[f64]) -> bool {
    let n = from.len() as f64;
    let gains: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let gain = mean(&gains);
    let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
    // Of one question nothing is known of the spread.
    n > 1.0 && gain > (squares / (n - 1.0) / n).sqrt()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three answers: one of two texts, two of one.
    const OWNERS: [u32; 4] = [0, 0, 1, 2];

    fn asked(meaning: [f32; 4], words: [f32; 4], right: usize) -> Asked {
        Asked {
            meaning: meaning.into(),
            words: words.into(),
            right: vec![right],
        }
    }

    /// Words put the right answer first from a weight of 0.4 on; it was second before.
    fn helped() -> Asked {
        asked([0.1, 0.6, 0.47, 0.0], [0.9, 0.1, 0.5, 0.0], 1)
    }

    /// Words take the right answer from the first to the second place, from 0.4 on.
    fn hurt() -> Asked {
        asked([0.1, 0.6, 0.47, 0.0], [0.0, 0.1, 0.5, 0.0], 0)
    }

    #[test]
    fn the_least_weight_that_is_best_wins() {
        let found = choose(&OWNERS, [helped(), helped(), helped()]);
        let expected = Blend {
            weight: 0.4,
            mrr: 1.0,
            without: 0.5,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_gain_must_be_more_than_its_standard_error() {
        let mixed = |helped_: usize, hurt_: usize| {
            let questions = std::iter::repeat_n(helped(), helped_);
            choose(&OWNERS, questions.chain(std::iter::repeat_n(hurt(), hurt_)))
        };
        // Half a rank is gained or lost: of ten questions 0.1 ± 0.163 and 0.2 ± 0.153.
        assert_eq!(mixed(6, 4).weight, 0.0);
        assert_eq!(mixed(6, 4).mrr, mixed(6, 4).without);
        assert_eq!(mixed(7, 3).weight, 0.4);
        // One question says nothing of the spread.
        assert_eq!(mixed(1, 0).weight, 0.0);
        assert_eq!(mixed(2, 0).weight, 0.4);
    }

    #[test]
    fn ties_count_against_us() {
        // Equal without words: wrong first. With any words the right one is.
        let tied = asked([0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.1, 0.0], 1);
        let found = choose(&OWNERS, [tied.clone(), tied]);
        assert_eq!((found.weight, found.without, found.mrr), (0.05, 0.5, 1.0));
        // Words that tie are no gain.
        let tie = asked([0.5, 0.0, 0.25, 0.0], [0.0, 0.0, 0.25, 0.0], 1);
        assert_eq!(choose(&OWNERS, [tie.clone(), tie]).weight, 0.0);
    }

    #[test]
    fn what_is_left_out_or_missing_finds_nothing() {
        let left_out = asked([0.1, 0.6, f32::NEG_INFINITY, 0.0], [0.0, 0.0, 1.0, 0.0], 1);
        let found = choose(&OWNERS, [left_out.clone(), left_out]);
        assert_eq!((found.weight, found.without), (0.0, 1.0 / 3.0));
        let missing = Asked {
            right: vec![7],
            ..helped()
        };
        assert_eq!(
            choose(&OWNERS, [missing.clone(), missing]),
            Blend::default()
        );
        assert_eq!(choose(&[], []), Blend::default());
        assert_eq!(choose(&OWNERS, []), Blend::default());
    }
}
