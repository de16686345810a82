//! Questions with half of their words left out, which still have to find themselves.
//!
//! Somebody who asks in other words is often answered through the known question that is nearest, and what
//! was learned from few pairs of question and answer can be worse at that while it is better at answers: on
//! a set of 130 pairs it found the right answer's text first in 44 to 48 instead of 43 of 100 questions of
//! users, and the right known question in 73 instead of 75. A slice of few questions, asked of answers, does
//! not see it. Nobody has other wordings of these questions, so their own halves stand for them.

use super::texts::ways;
use crate::{faq::Row, train::data::answer_groups};
use std::collections::{HashMap, HashSet};

/// Halves of each question.
const HALVES: usize = 3;
/// Questions at most, from all over the file.
const QUESTIONS: usize = 150;
/// Of fewer words no half is made.
const MIN_WORDS: usize = 4;
/// The same halves for every run, so that their saved embeddings are found again.
const SEED: u64 = 1;

/// Halves of questions, and what they are asked of.
pub(super) struct Shortened<'a> {
    /// The halves, each question's together.
    pub(super) halves: Vec<String>,
    /// For each half the numbers of the questions of its answer, ascending.
    pub(super) right: Vec<Vec<usize>>,
    /// All questions.
    pub(super) questions: Vec<&'a str>,
    /// The answer of each.
    pub(super) groups: Vec<u64>,
}

impl<'a> Shortened<'a> {
    /// Halves of the questions of rows; none of text that is not written in words apart.
    pub(super) fn of(rows: &'a [Row]) -> Self {
        let mut seen = HashSet::new();
        let ways: Vec<(&str, &Row)> = ways(rows).filter(|(way, _)| seen.insert(*way)).collect();
        let groups = answer_groups(ways.iter().map(|(_, row)| row.answer.as_str()));
        let questions: Vec<&str> = ways.iter().map(|(way, _)| *way).collect();
        let mut numbers: HashMap<u64, Vec<usize>> = HashMap::new();
        for (number, group) in groups.iter().enumerate() {
            numbers.entry(*group).or_default().push(number);
        }
        let long = |question: &&str| question.split_whitespace().count() >= MIN_WORDS;
        let long: Vec<usize> = (0..questions.len())
            .filter(|&number| long(&questions[number]))
            .collect();
        let every = long.len().div_ceil(QUESTIONS).max(1);
        let mut rng = fastrand::Rng::with_seed(SEED);
        let (mut halves, mut right) = (Vec::new(), Vec::new());
        for number in long.into_iter().step_by(every) {
            for _ in 0..HALVES {
                halves.push(half(questions[number], &mut rng));
                right.push(numbers[&groups[number]].clone());
            }
        }
        Self {
            halves,
            right,
            questions,
            groups,
        }
    }

    /// The mean of the figures of each question's halves.
    pub(super) fn by_question(figures: &[f64]) -> Vec<f64> {
        let means = figures.chunks(HALVES);
        means.map(crate::train::blend::mean).collect()
    }
}

/// Half of a text's words, in order.
fn half(text: &str, rng: &mut fastrand::Rng) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept = rng.choose_multiple(0..words.len(), words.len().div_ceil(2));
    kept.sort_unstable();
    let kept: Vec<&str> = kept.into_iter().map(|word| words[word]).collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(question: &str, answer: &str) -> Row {
        Row {
            question: question.into(),
            answer: answer.into(),
            ..Row::default()
        }
    }

    #[test]
    fn halves_are_asked_of_all_questions() {
        let rows = [
            row("How do I renew a loan?", "Online."),
            row("Opening hours", "From nine."),
            row("Where can I renew it", "ONLINE."),
            row("How do I renew a loan?", "At any desk."),
        ];
        let short = Shortened::of(&rows);
        let questions = [
            "How do I renew a loan?",
            "Opening hours",
            "Where can I renew it",
        ];
        assert_eq!(short.questions, questions);
        assert_eq!(short.halves.len(), 2 * HALVES);
        for (at, half) in short.halves.iter().enumerate() {
            let of = questions[at / HALVES * 2];
            let words: Vec<&str> = of.split_whitespace().collect();
            assert_eq!(half.split(' ').count(), words.len().div_ceil(2), "{half}");
            assert!(half.split(' ').all(|word| words.contains(&word)), "{half}");
            // Both questions have that answer.
            assert_eq!(short.right[at], [0, 2]);
        }
        assert_eq!(Shortened::of(&rows).halves, short.halves);
        let figures = Shortened::by_question(&[0.0, 0.5, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(figures, [0.5, 1.0]);
    }

    #[test]
    fn they_are_no_more_than_needed() {
        let rows: Vec<Row> = (0..1_000)
            .map(|i| row(&format!("What is the number {i} ?"), &format!("It is {i}.")))
            .collect();
        assert!(Shortened::of(&rows).halves.len() <= QUESTIONS * HALVES);
        assert!(
            Shortened::of(&[row("図書館はどこですか", "駅前")])
                .halves
                .is_empty()
        );
        assert!(Shortened::of(&[]).halves.is_empty());
    }
}
