//! Splitting rows into training and held-out rows without leakage.

use super::Row;
use crate::text::normalize;
use std::collections::HashMap;
use thiserror::Error;

/// Indices of training and held-out rows, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Split {
    /// Rows to train on.
    pub train: Vec<usize>,
    /// Rows held out from training.
    pub held_out: Vec<usize>,
}

/// Reason why rows can't be split.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum SplitError {
    /// The fraction isn't between 0 and 1.
    #[error("The fraction of held-out rows must be between 0 and 1, but is {0}. Try 0.2.")]
    Fraction(f64),
    /// There are fewer than two groups of rows, see [`group_rows`].
    #[error("{}", describe_one_group(*.rows))]
    OneGroup {
        /// Number of rows.
        rows: usize,
    },
}

fn describe_one_group(rows: usize) -> String {
    if rows == 0 {
        "There are no questions to hold out. Add questions and answers.".to_owned()
    } else {
        format!(
            "No questions can be held out, because all {rows} share one answer. Add questions with \
             other answers."
        )
    }
}

/// Assigns each row to a group, numbered from 0 in order of appearance.
///
/// Rows belong to the same group if they share an answer, a question or a paraphrase (compared by
/// [`normalize`]), directly or through other rows.
pub fn group_rows(rows: &[Row]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..rows.len()).collect();
    let mut answers = HashMap::new();
    let mut questions = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        join_group(&mut parents, i, &mut answers, &row.answer);
        for question in row.all_questions() {
            join_group(&mut parents, i, &mut questions, question);
        }
    }
    let mut numbers = HashMap::new();
    (0..rows.len())
        .map(|i| {
            let next = numbers.len();
            *numbers.entry(find_root(&mut parents, i)).or_insert(next)
        })
        .collect()
}

/// Merges row `i` into the group of the first row with this text.
fn join_group(parents: &mut [usize], i: usize, firsts: &mut HashMap<String, usize>, text: &str) {
    let first = *firsts.entry(normalize(text)).or_insert(i);
    let (a, b) = (find_root(parents, first), find_root(parents, i));
    // The earlier row becomes the root.
    if let Some(parent) = parents.get_mut(a.max(b)) {
        *parent = a.min(b);
    }
}

/// Finds the root of the group of row `i`, shortening the path on the way.
fn find_root(parents: &mut [usize], mut i: usize) -> usize {
    while let Some(&parent) = parents.get(i) {
        if parent == i {
            break;
        }
        // Path halving.
        let grandparent = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(i) {
            *own = grandparent;
        }
        i = grandparent;
    }
    i
}

/// Holds out about `fraction` of the rows in whole groups (see [`group_rows`]), so that no answer,
/// question or paraphrase occurs on both sides.
///
/// Groups are shuffled, then each is held out if that brings the number of held-out rows closer to
/// the fraction. The number differs from it by at most half the size of the largest group, unless a
/// side would be empty. Both sides have at least one group.
///
/// The same rows, fraction and seed give the same split on every machine.
///
/// # Errors
/// [`SplitError`], when the fraction isn't between 0 and 1 or there are fewer than two groups.
pub fn split(rows: &[Row], fraction: f64, seed: u64) -> Result<Split, SplitError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(SplitError::Fraction(fraction));
    }
    let group_of = group_rows(rows);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (row, &group) in group_of.iter().enumerate() {
        match groups.get_mut(group) {
            Some(members) => members.push(row),
            None => groups.push(vec![row]),
        }
    }
    if groups.len() < 2 {
        return Err(SplitError::OneGroup { rows: rows.len() });
    }
    shuffle_groups(&mut groups, seed);
    let target = fraction * rows.len() as f64;
    let mut count = 0;
    let (mut held_out, mut train): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
        let larger = count + group.len();
        let is_closer = (larger as f64 - target).abs() < (count as f64 - target).abs();
        if is_closer {
            count = larger;
        }
        is_closer
    });
    move_smallest_if_empty(&mut train, &mut held_out);
    move_smallest_if_empty(&mut held_out, &mut train);
    Ok(Split {
        train: sort_rows(train),
        held_out: sort_rows(held_out),
    })
}

/// Shuffles with the Fisher–Yates algorithm over 64-bit numbers. [`fastrand::Rng::shuffle`] depends
/// on the pointer width.
fn shuffle_groups(groups: &mut [Vec<usize>], seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    for i in (1..groups.len()).rev() {
        let j = random.u64(0..=i as u64) as usize;
        groups.swap(i, j);
    }
}

fn move_smallest_if_empty(from: &mut Vec<Vec<usize>>, to: &mut Vec<Vec<usize>>) {
    if !to.is_empty() {
        return;
    }
    let smallest = (0..from.len()).min_by_key(|i| from.get(*i).map(Vec::len));
    if let Some(smallest) = smallest {
        to.push(from.remove(smallest));
    }
}

fn sort_rows(groups: Vec<Vec<usize>>) -> Vec<usize> {
    let mut rows = groups.concat();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn row(question: &str, paraphrases: &[&str], answer: &str) -> Row {
        Row {
            question: question.to_owned(),
            paraphrases: paraphrases.iter().map(|w| (*w).to_owned()).collect(),
            answer: answer.to_owned(),
            ..Row::default()
        }
    }

    fn numbered(n: usize) -> Vec<Row> {
        (0..n)
            .map(|i| row(&format!("q{i}"), &[], &format!("a{i}")))
            .collect()
    }

    #[test]
    fn group_rows_joins_shared_answers_and_questions() {
        let rows = [
            row("a", &[], "1"),
            row("b", &["E "], "2"),
            row("c", &[], " 1"),
            row("d", &[], "3"),
            row("e", &[], "4"),
            row("f", &[], "4"),
            row("D", &[], "1"),
        ];
        assert_eq!(group_rows(&rows), [0, 1, 0, 0, 1, 1, 0]);
        assert_eq!(group_rows(&[]), [0; 0]);
    }

    #[test]
    fn split_rejects_invalid_fractions_and_single_groups() {
        let rows = numbered(5);
        for fraction in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                split(&rows, fraction, 1),
                Err(SplitError::Fraction(_))
            ));
        }
        assert_eq!(split(&[], 0.5, 1), Err(SplitError::OneGroup { rows: 0 }));
        let same = [row("a", &[], "x"), row("b", &[], "X")];
        assert_eq!(
            split(&same, 0.5, 1).unwrap_err().to_string(),
            "No questions can be held out, because all 2 share one answer. Add questions with other \
             answers."
        );
        assert_eq!(
            split(&rows, 2.0, 1).unwrap_err().to_string(),
            "The fraction of held-out rows must be between 0 and 1, but is 2. Try 0.2."
        );
    }

    /// Project files store only the seed, so a seed must give the same split in every version.
    #[test]
    fn split_is_stable_for_a_seed() {
        let held_out = |n, seed| split(&numbered(n), 0.25, seed).unwrap().held_out;
        assert_eq!(held_out(12, 42), [6, 7, 11]);
        assert_eq!(held_out(12, 43), [1, 2, 3]);
    }

    #[test]
    fn split_matches_the_fraction_without_shared_texts() {
        for (n, fraction, expected) in [(100, 0.2, 20), (2, 0.01, 1), (2, 0.99, 1), (7, 0.5, 3)] {
            let held_out = split(&numbered(n), fraction, 7).unwrap().held_out.len();
            assert_eq!(held_out, expected, "{n} {fraction}");
        }
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let text = |n: u8| (0..n).prop_map(|i| format!("t{i}"));
        let some = (
            text(60),
            proptest::collection::vec(text(60), 0..2),
            text(20),
        );
        proptest::collection::vec(some, 0..40).prop_map(|rows| {
            let row = |(question, paraphrases, answer)| Row {
                question,
                paraphrases,
                answer,
                ..Row::default()
            };
            rows.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn split_shares_no_text_between_sides(rows in rows(), fraction in 0.01f64..0.99, seed: u64) {
            let groups = group_rows(&rows);
            let count = groups.iter().collect::<HashSet<_>>().len();
            let Ok(found) = split(&rows, fraction, seed) else {
                prop_assert!(count < 2);
                return Ok(());
            };
            prop_assert!(!found.train.is_empty() && !found.held_out.is_empty());
            let mut all = [&found.train[..], &found.held_out].concat();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..rows.len()));
            let texts = |side: &[usize], of: fn(&Row) -> Vec<String>| -> HashSet<String> {
                side.iter().flat_map(|i| of(&rows[*i])).map(|t| normalize(&t)).collect()
            };
            let questions = |row: &Row| row.all_questions().map(str::to_owned).collect();
            let answer = |row: &Row| vec![row.answer.clone()];
            prop_assert!(texts(&found.train, questions).is_disjoint(&texts(&found.held_out, questions)));
            prop_assert!(texts(&found.train, answer).is_disjoint(&texts(&found.held_out, answer)));
            prop_assert_eq!(&split(&rows, fraction, seed).unwrap(), &found);
            let size = |g: usize| groups.iter().filter(|x| **x == g).count();
            let largest = (0..count).map(size).max().unwrap_or(0) as f64;
            let off = (found.held_out.len() as f64 - fraction * rows.len() as f64).abs();
            let sides = [&found.train, &found.held_out].map(|side| {
                side.iter().map(|i| groups[*i]).collect::<HashSet<_>>().len()
            });
            prop_assert!(off <= largest / 2.0 || sides.contains(&1), "off by {}", off);
        }
    }
}
