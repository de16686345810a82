//! Setting rows aside for checking, so that no question and no answer stands on both sides.

use super::row::Row;
use super::text::normalize;
use core::fmt;
use std::collections::HashMap;

/// Which rows teach and which check, by their place in the slice, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Split {
    /// The rows to learn from.
    pub train: Vec<usize>,
    /// The rows that training never sees.
    pub held_out: Vec<usize>,
}

/// Why rows cannot be split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SplitError {
    /// Not between 0 and 1.
    Fraction(f64),
    /// All rows belong together: they share answers or questions, or there are fewer than two.
    OneGroup {
        /// How many rows there are.
        rows: usize,
    },
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction(fraction) => write!(
                f,
                "{fraction} is no part of the questions. Choose one between 0 and 1, such as 0.2."
            ),
            Self::OneGroup { rows: 0 } => {
                f.write_str("There are no questions to set aside. Add some.")
            }
            Self::OneGroup { rows } => write!(
                f,
                "No questions can be set aside: all {rows} share one answer. Add other answers."
            ),
        }
    }
}

impl core::error::Error for SplitError {}

/// The group of each row, counted from 0 in order of appearance. Rows with equal answers are in one
/// group, and so are rows with an equal question or wording (see [`normalize`]).
pub fn groups(rows: &[Row]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..rows.len()).collect();
    let mut answers = HashMap::new();
    let mut questions = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        join(&mut parents, i, &mut answers, &row.answer);
        for way in row.ways_to_ask() {
            join(&mut parents, i, &mut questions, way);
        }
    }
    let mut numbers = HashMap::new();
    (0..rows.len())
        .map(|i| {
            let next = numbers.len();
            *numbers.entry(root(&mut parents, i)).or_insert(next)
        })
        .collect()
}

/// Puts row `i` into the group of the first row that had this text.
fn join(parents: &mut [usize], i: usize, firsts: &mut HashMap<String, usize>, text: &str) {
    let first = *firsts.entry(normalize(text)).or_insert(i);
    let (a, b) = (root(parents, first), root(parents, i));
    // The earlier row leads.
    if let Some(parent) = parents.get_mut(a.max(b)) {
        *parent = a.min(b);
    }
}

/// The row that leads the group of row `i`.
fn root(parents: &mut [usize], mut i: usize) -> usize {
    while let Some(&parent) = parents.get(i) {
        if parent == i {
            break;
        }
        // Halve the way for the next time.
        let grandparent = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(i) {
            *own = grandparent;
        }
        i = grandparent;
    }
    i
}

/// Sets aside about `fraction` of the rows, by whole [`groups`]: no answer and no question stands
/// on both sides.
///
/// Groups are shuffled, then each is held out if that brings the number of rows nearer to the
/// fraction. The number is off by at most half the largest group, unless a side would be empty.
/// Both sides have at least one group.
///
/// The same rows, fraction and seed give the same split on every machine: the shuffle is our own
/// (Fisher and Yates's) over the 64-bit numbers of [`fastrand::Rng`], whose own shuffle depends on
/// the width of a pointer.
///
/// # Errors
/// [`SplitError`], when the fraction is not between 0 and 1 or there are fewer than two groups.
pub fn split(rows: &[Row], fraction: f64, seed: u64) -> Result<Split, SplitError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(SplitError::Fraction(fraction));
    }
    let group_of = groups(rows);
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
    shuffle(&mut groups, seed);
    let target = fraction * rows.len() as f64;
    let mut count = 0;
    let (mut held_out, mut train): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
        let more = count + group.len();
        let nearer = (more as f64 - target).abs() < (count as f64 - target).abs();
        if nearer {
            count = more;
        }
        nearer
    });
    move_smallest_if_empty(&mut train, &mut held_out);
    move_smallest_if_empty(&mut held_out, &mut train);
    Ok(Split {
        train: sorted(train),
        held_out: sorted(held_out),
    })
}

fn shuffle(groups: &mut [Vec<usize>], seed: u64) {
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

fn sorted(groups: Vec<Vec<usize>>) -> Vec<usize> {
    let mut rows = groups.concat();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn row(question: &str, wordings: &[&str], answer: &str) -> Row {
        Row {
            question: question.to_owned(),
            wordings: wordings.iter().map(|w| (*w).to_owned()).collect(),
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
    fn rows_that_share_an_answer_or_question_are_one_group() {
        let rows = [
            row("a", &[], "1"),
            row("b", &["E "], "2"),
            row("c", &[], " 1"),
            row("d", &[], "3"),
            row("e", &[], "4"),
            row("f", &[], "4"),
            row("D", &[], "1"),
        ];
        assert_eq!(groups(&rows), [0, 1, 0, 0, 1, 1, 0]);
        assert_eq!(groups(&[]), [0; 0]);
    }

    #[test]
    fn nonsense_is_refused_in_words() {
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
            "No questions can be set aside: all 2 share one answer. Add other answers."
        );
        assert_eq!(
            split(&rows, 2.0, 1).unwrap_err().to_string(),
            "2 is no part of the questions. Choose one between 0 and 1, such as 0.2."
        );
    }

    /// The same on every machine and with every later version: projects are saved with their seed.
    #[test]
    fn a_seed_always_gives_the_same_split() {
        let held_out = |n, seed| split(&numbered(n), 0.25, seed).unwrap().held_out;
        assert_eq!(held_out(12, 42), [6, 7, 11]);
        assert_eq!(held_out(12, 43), [1, 2, 3]);
    }

    #[test]
    fn single_rows_are_split_exactly() {
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
            let row = |(question, wordings, answer)| Row {
                question,
                wordings,
                answer,
                ..Row::default()
            };
            rows.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn nothing_stands_on_both_sides(rows in rows(), fraction in 0.01f64..0.99, seed: u64) {
            let groups = groups(&rows);
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
            let ways = |row: &Row| row.ways_to_ask().map(str::to_owned).collect();
            let answer = |row: &Row| vec![row.answer.clone()];
            prop_assert!(texts(&found.train, ways).is_disjoint(&texts(&found.held_out, ways)));
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
