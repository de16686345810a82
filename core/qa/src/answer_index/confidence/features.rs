//! Features of a search that tell right answers from wrong ones.
//!
//! Cosine similarities are measured in standard deviations of the cosines between unrelated texts of the index, so that
//! the same weights serve encoders whose cosines lie in different ranges.

use super::super::AnswerSet;
use nearsay_core::matrix::dot;
use nearsay_search::{
    calibration::AMONG,
    index::{Index, Words},
};

/// Number of features.
pub const FEATURES: usize = 14;

/// Number of paraphrases and of texts whose cosines estimate a [`Spread`].
const SAMPLE: (usize, usize) = (100, 200);
/// Inverse temperature of the softmax over the best scores, in standard deviations.
const SCALE: f32 = 2.5;
/// Scores after this rank count as those of unrelated answers.
const NEAR: usize = 10;
/// Keyword features without a keyword index: the means of the development sets.
const NO_KEYWORDS: [f32; 3] = [0.39, 0.19, 0.28];

/// Features of a search, all finite and limited to fixed ranges.
///
/// | number | feature |
/// | --- | --- |
/// | 0 | dense score of the best answer above the mean of unrelated texts |
/// | 1 | dense score of its own text minus its dense score |
/// | 2 | log odds of its softmax share; answers with equal questions count together |
/// | 3 | `−ln(1 − dense score)`, which tells near-identical texts from similar ones |
/// | 4 | fraction of the question's terms that it contains, weighted by idf |
/// | 5 | fraction of the question's terms that no answer contains, weighted by idf |
/// | 6 | highest keyword score |
/// | 7 | 1 if a paraphrase matched, 0 if the answer did |
/// | 8 | `ln(1 + words of the question)` |
/// | 9 | its score minus the mean score of the answers from rank 11 on |
/// | 10 | its dense score minus the highest dense score of an answer with other questions |
/// | 11 | `ln(number of answers)` |
/// | 12, 13 | squares of features 2 and 11 |
///
/// Differences of scores are in standard deviations of the [`Spread`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// Values, in the order of the table.
    pub values: [f32; FEATURES],
}

/// Distribution of the cosines between texts of different answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean cosine.
    pub mean: f32,
    /// Standard deviation, at least 0.01.
    pub deviation: f32,
}

/// One of the best answers to a question.
#[derive(Clone, Copy, Debug)]
pub(in crate::answer_index) struct Ranked {
    /// Number of the answer.
    pub(in crate::answer_index) answer: u32,
    /// Number of the text that matched.
    pub(in crate::answer_index) text: u32,
    /// Search score.
    pub(in crate::answer_index) score: f32,
    /// Dense score.
    pub(in crate::answer_index) dense: f32,
    /// Dense score of the answer's own text.
    pub(in crate::answer_index) own: f32,
}

/// Parts of an index that features are computed from.
pub(in crate::answer_index) struct Source<'a> {
    /// The searched vectors.
    pub(in crate::answer_index) index: &'a Index,
    /// The searched keywords; `None` for dense search.
    pub(in crate::answer_index) words: Option<&'a Words>,
    /// Answers with the numbers of `index`.
    pub(in crate::answer_index) answers: &'a AnswerSet,
    /// Spread of the index.
    pub(in crate::answer_index) spread: Spread,
}

impl Default for Spread {
    /// Typical spread of a sentence encoder, for an index with too few texts.
    fn default() -> Self {
        Self {
            mean: 0.2,
            deviation: 0.13,
        }
    }
}

impl Spread {
    /// Estimates the spread of an index from evenly spaced texts. Paraphrases stand in for questions; answers do in an
    /// index without paraphrases.
    pub(in crate::answer_index) fn of(index: &Index) -> Self {
        let owners = index.owners();
        let is_paraphrase = |text: &usize| index.own(owners[*text]) != Some(*text as u32);
        let mut questions: Vec<usize> = (0..owners.len()).filter(is_paraphrase).collect();
        if questions.is_empty() {
            questions = (0..owners.len()).collect();
        }
        let texts = evenly(owners.len(), SAMPLE.1);
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for place in evenly(questions.len(), SAMPLE.0) {
            let question = questions[place];
            for &text in texts
                .iter()
                .filter(|&&text| owners[text] != owners[question])
            {
                let cosine = dot(index.vectors().row(question), index.vectors().row(text));
                if cosine.is_finite() {
                    n += 1.0;
                    sum += f64::from(cosine);
                    squares += f64::from(cosine) * f64::from(cosine);
                }
            }
        }
        if n < 2.0 {
            return Self::default();
        }
        let mean = sum / n;
        let deviation = (squares / n - mean * mean).max(0.0).sqrt();
        Self {
            mean: mean as f32,
            deviation: (deviation as f32).max(0.01),
        }
    }
}

/// At most `k` numbers below `n`, evenly spaced.
fn evenly(n: usize, k: usize) -> Vec<usize> {
    match k.min(n) {
        0 => Vec::new(),
        1 => vec![0],
        k => (0..k).map(|i| i * (n - 1) / (k - 1)).collect(),
    }
}

impl Source<'_> {
    /// Computes the features of a search from its best [`AMONG`] answers, best first; `None` without answers or if a score isn't a
    /// number.
    pub(in crate::answer_index) fn features(
        &self,
        question: &str,
        ranked: &[Ranked],
    ) -> Option<Features> {
        let ranked = &ranked[..ranked.len().min(AMONG)];
        let first = ranked.first()?;
        let deviations = |difference: f32| difference / self.spread.deviation;
        let others = ranked.iter().zip(self.in_first_group(ranked));
        let others = others.filter(|(_, in_group)| !in_group);
        let other_dense = others.map(|(other, _)| other.dense).reduce(f32::max);
        let share = self.shares(ranked).first()?.clamp(1e-4, 1.0 - 1e-4);
        let far = ranked.get(NEAR..).filter(|far| !far.is_empty());
        let far = far.unwrap_or(&ranked[ranked.len() - 1..]);
        let far = far.iter().map(|far| far.score).sum::<f32>() / far.len() as f32;
        let [covered, unknown, keyword] = self.keywords(question, ranked);
        let is_paraphrase = self.index.own(first.answer) != Some(first.text);
        let log_odds = (share / (1.0 - share)).ln().clamp(-4.0, 6.0);
        let log_answers = (self.index.answers().max(1) as f32).ln().clamp(0.0, 12.0);
        let values = [
            deviations(first.dense - self.spread.mean).clamp(-2.0, 8.0),
            deviations(first.own - first.dense).clamp(-6.0, 2.0),
            log_odds,
            -(1.0 - first.dense).clamp(0.01, 2.0).ln(),
            covered,
            unknown,
            keyword,
            f32::from(u8::from(is_paraphrase)),
            (1.0 + word_count(question) as f32).ln().clamp(0.0, 5.0),
            deviations(first.score - far).clamp(0.0, 8.0),
            deviations(first.dense - other_dense.unwrap_or(self.spread.mean)).clamp(-2.0, 6.0),
            log_answers,
            log_odds * log_odds,
            log_answers * log_answers,
        ];
        let is_finite = values.iter().all(|value| value.is_finite());
        is_finite.then_some(Features { values })
    }

    /// Softmax share of each answer among the first [`AMONG`]; answers of the first answer's group share their sum.
    pub(in crate::answer_index) fn shares(&self, ranked: &[Ranked]) -> Vec<f32> {
        let top = ranked
            .iter()
            .map(|ranked| ranked.score)
            .fold(f32::NEG_INFINITY, f32::max);
        let power =
            |ranked: &Ranked| libm::expf(SCALE / self.spread.deviation * (ranked.score - top));
        let powers: Vec<f32> = ranked.iter().map(power).collect();
        let all: f32 = powers.iter().take(AMONG).sum();
        let in_group = self.in_first_group(ranked);
        let grouped = powers
            .iter()
            .zip(&in_group)
            .take(AMONG)
            .filter(|(_, in_group)| **in_group);
        let grouped: f32 = grouped.map(|(power, _)| power).sum();
        let share = |(power, in_group): (f32, bool)| if in_group { grouped } else { power } / all;
        powers.into_iter().zip(in_group).map(share).collect()
    }

    /// Whether each answer is in the group of the first, so that both are right for the same questions.
    pub(in crate::answer_index) fn in_first_group(&self, ranked: &[Ranked]) -> Vec<bool> {
        let group = |ranked: &Ranked| self.answers.group(ranked.answer);
        let first = ranked.first().map(group);
        ranked
            .iter()
            .map(|ranked| Some(group(ranked)) == first)
            .collect()
    }

    /// Keyword coverage by the best answer, fraction of unknown terms, and highest unweighted keyword score.
    fn keywords(&self, question: &str, ranked: &[Ranked]) -> [f32; 3] {
        let (Some(words), Some(first)) = (self.words, ranked.first()) else {
            return NO_KEYWORDS;
        };
        let coverage = words.coverage(question, first.text);
        let scores = ranked.iter().map(|ranked| ranked.score - ranked.dense);
        let keyword = scores.fold(0.0, f32::max) / words.weight();
        [
            coverage.in_document,
            coverage.unknown,
            keyword.clamp(0.0, 1.0),
        ]
    }
}

/// Number of runs of letters and digits.
fn word_count(text: &str) -> usize {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_index::KnownAnswer;
    use nearsay_core::matrix::Matrix;
    use nearsay_text::bm25::Bm25Index;

    fn answers(questions: &[&str]) -> AnswerSet {
        let known = |question: &&str| KnownAnswer {
            answer: format!("answer to {question}"),
            questions: vec![(*question).into()],
            row: 0,
            source: None,
        };
        AnswerSet::from_known(questions.iter().map(known).collect())
    }

    fn index(answers: &AnswerSet) -> Index {
        let row = |text: usize| {
            let angle = text as f32;
            [angle.cos(), angle.sin()]
        };
        let rows: Vec<[f32; 2]> = (0..answers.texts_len()).map(row).collect();
        Index::new(Matrix::from_rows(&rows).unwrap(), answers.owners()).unwrap()
    }

    fn ranked(answer: u32, score: f32, dense: f32) -> Ranked {
        Ranked {
            answer,
            text: 2 * answer + 1,
            score,
            dense,
            own: dense - 0.1,
        }
    }

    const SPREAD: Spread = Spread {
        mean: 0.2,
        deviation: 0.1,
    };

    #[test]
    fn features_are_relative_to_the_spread() {
        let answers = answers(&["where", "when", "what"]);
        let index = index(&answers);
        let source = Source {
            index: &index,
            words: None,
            answers: &answers,
            spread: SPREAD,
        };
        let best = [ranked(0, 0.6, 0.5), ranked(2, 0.5, 0.45)];
        let found = source.features("Where is it?", &best).unwrap().values;
        let share = 1.0 / (1.0 + (-2.5f32).exp());
        let expected = [
            3.0,
            -1.0,
            (share / (1.0 - share)).ln(),
            2f32.ln(),
            NO_KEYWORDS[0],
            NO_KEYWORDS[1],
            NO_KEYWORDS[2],
            1.0,
            4f32.ln(),
            1.0,
            0.5,
            3f32.ln(),
            (share / (1.0 - share)).ln().powi(2),
            3f32.ln().powi(2),
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        assert_eq!(source.features("?", &[]), None);
        assert_eq!(source.features("?", &[ranked(0, f32::NAN, f32::NAN)]), None);
    }

    #[test]
    fn answers_with_equal_questions_share_their_confidence() {
        let answers = answers(&["When?", "Where?", " when? "]);
        let index = index(&answers);
        let source = Source {
            index: &index,
            words: None,
            answers: &answers,
            spread: SPREAD,
        };
        let best = [
            ranked(0, 0.6, 0.6),
            ranked(2, 0.6, 0.6),
            ranked(1, 0.6, 0.6),
        ];
        assert_eq!(source.in_first_group(&best), [true, true, false]);
        let shares = source.shares(&best);
        assert!((shares[0] - 2.0 / 3.0).abs() < 1e-6 && shares[0] == shares[1]);
        assert!((shares[2] - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn keyword_features_come_from_the_keyword_index() {
        let answers = answers(&["zeppelin tours", "parking"]);
        let words = Bm25Index::grouped(&answers.texts(), &answers.owners()).unwrap();
        let index = index(&answers).with_words(words, 0.5).unwrap();
        let source = Source {
            index: &index,
            words: index.words(),
            answers: &answers,
            spread: SPREAD,
        };
        let found = source
            .features("zeppelin", &[ranked(0, 0.6, 0.5)])
            .unwrap()
            .values;
        assert_eq!((found[4], found[5]), (1.0, 0.0));
        assert!((found[6] - 0.2).abs() < 1e-6);
    }

    #[test]
    fn spread_compares_paraphrases_with_texts_of_other_answers() {
        // Texts: answer 0, its question, answer 1, its question; all cosines are 0 or 1.
        let rows = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]];
        let index = Index::new(Matrix::from_rows(&rows).unwrap(), vec![0, 0, 1, 1]).unwrap();
        // Question 0 against texts 2 and 3: 0, 1. Question 1 against texts 0 and 1: 1, 1.
        let spread = Spread::of(&index);
        assert!((spread.mean - 0.75).abs() < 1e-6);
        assert!((spread.deviation - 0.1875f32.sqrt()).abs() < 1e-6);
        assert_eq!(Spread::of(&Index::default()), Spread::default());
    }

    #[test]
    fn evenly_spaced_numbers_include_both_ends() {
        assert_eq!(evenly(5, 3), [0, 2, 4]);
        assert_eq!(evenly(2, 9), [0, 1]);
        assert_eq!((evenly(0, 3), evenly(7, 1)), (vec![], vec![0]));
    }
}
