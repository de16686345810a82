//! Folds of a cross-validation over the training questions.

use super::texts::ways;
use crate::train::data::answer_groups;
use nearsay_faq::{Row, normalize};
use std::collections::{BTreeMap, HashMap};

/// Number of folds for at most [`SMALL`] questions.
const FOLDS: usize = 10;
/// Number of folds for more questions, up to [`MOST`].
const FEWER_FOLDS: usize = 5;
/// Questions up to which there are [`FOLDS`] folds.
const SMALL: usize = 1_000;
/// Questions up to which every question is asked. More give a precise figure without cross-validation.
const MOST: usize = 3_000;
/// Fewest distinct answers of a fold to train on.
const FEWEST: usize = 2;

/// Questions that one fold of a cross-validation holds out, as numbers of pairs, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fold {
    /// Questions whose answers keep other paraphrases.
    pub(super) known: Vec<usize>,
    /// All questions of some answers.
    pub(super) new: Vec<usize>,
}

impl Fold {
    /// Numbers of all held-out pairs, ascending.
    pub(super) fn held_out(&self) -> Vec<usize> {
        let mut all = [&self.known[..], &self.new].concat();
        all.sort_unstable();
        all
    }

    /// Numbers of the other pairs of `pairs`, ascending.
    pub(super) fn rest(&self, pairs: usize) -> Vec<usize> {
        let held_out = self.held_out();
        let is_left = |pair: &usize| held_out.binary_search(pair).is_err();
        (0..pairs).filter(is_left).collect()
    }
}

/// Makes the folds of a full cross-validation, in which every question is asked once as a new answer, and
/// once as a known answer if its answer has another paraphrase. Empty for too many questions or too few answers.
pub(super) fn cross_validation(rows: &[Row], seed: u64) -> Vec<Fold> {
    let questions = ways(rows).count();
    if questions > MOST {
        return Vec::new();
    }
    let folds = if questions > SMALL {
        FEWER_FOLDS
    } else {
        FOLDS
    };
    let deck = Deck::new(rows, seed);
    let folds = folds.min(deck.answers.len());
    if folds <= FEWEST + 1 {
        return Vec::new();
    }
    let mut dealt = vec![Fold::default(); folds];
    // Counts the questions dealt so far, so that the folds are equally large.
    let mut next = 0;
    for (number, answer) in deck.answers.iter().enumerate() {
        let own = number % folds;
        for question in &answer.questions {
            dealt[own].new.extend(question);
            if answer.questions.len() < 2 {
                continue;
            }
            // Its own fold holds out all questions of the answer.
            next += usize::from(next % folds == own);
            dealt[next % folds].known.extend(question);
            next += 1;
        }
    }
    dealt.into_iter().map(Fold::sorted).collect()
}

/// Makes one fold: a fraction of the answers with all their questions, and a fraction of the questions of the
/// other answers. `None` for fewer than four answers.
pub(super) fn single(rows: &[Row], new: f64, known: f64, seed: u64) -> Option<Fold> {
    let deck = Deck::new(rows, seed);
    let answers = deck.answers.len();
    if answers <= FEWEST + 1 {
        return None;
    }
    let wanted = (answers as f64 * new).round() as usize;
    let wanted = wanted.clamp(1, answers - FEWEST);
    let every = (1.0 / known.clamp(0.01, 0.5)).round() as usize;
    let mut fold = Fold::default();
    let mut next = 0;
    for (number, answer) in deck.answers.iter().enumerate() {
        // Spread evenly over the topics.
        if (number + 1) * wanted / answers > number * wanted / answers {
            fold.new.extend(answer.questions.iter().flatten());
            continue;
        }
        for question in answer
            .questions
            .iter()
            .filter(|_| answer.questions.len() > 1)
        {
            next += 1;
            if next % every == 0 {
                fold.known.extend(question);
            }
        }
    }
    Some(fold.sorted())
}

impl Fold {
    fn sorted(mut self) -> Self {
        self.known.sort_unstable();
        self.new.sort_unstable();
        self
    }
}

/// Answers in random order, topic by topic, so that dealing them in turn spreads every topic over all folds.
struct Deck {
    answers: Vec<Answer>,
}

/// The questions of an answer in random order, each with the numbers of its pairs: its own and those of its copies.
struct Answer {
    questions: Vec<Vec<usize>>,
}

impl Deck {
    fn new(rows: &[Row], seed: u64) -> Self {
        let groups = answer_groups(ways(rows).map(|(_, row)| row.answer.as_str()));
        let mut answers: Vec<(&str, BTreeMap<String, Vec<usize>>)> = Vec::new();
        let mut places: HashMap<u64, usize> = HashMap::new();
        for (pair, (group, (text, row))) in groups.into_iter().zip(ways(rows)).enumerate() {
            let place = *places.entry(group).or_insert_with(|| {
                answers.push((row.source.as_deref().unwrap_or_default(), BTreeMap::new()));
                answers.len() - 1
            });
            // Copies of a question must not end up on both sides.
            let questions = &mut answers[place].1;
            questions.entry(normalize(text)).or_default().push(pair);
        }
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut answers);
        answers.sort_by_key(|(topic, _)| *topic);
        let answers = answers.into_iter().map(|(_, questions)| {
            let mut questions: Vec<Vec<usize>> = questions.into_values().collect();
            random.shuffle(&mut questions);
            Answer { questions }
        });
        Self {
            answers: answers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn rows(answers: usize, paraphrases: usize) -> Vec<Row> {
        let row = |answer: usize| Row {
            question: format!("question{answer}"),
            paraphrases: (1..paraphrases)
                .map(|n| format!("paraphrase{answer} number{n}"))
                .collect(),
            answer: format!("answer {answer}"),
            source: Some(format!("topic {}", answer % 3)),
            ..Row::default()
        };
        (0..answers).map(row).collect()
    }

    #[test]
    fn cross_validation_asks_every_question_once_for_each_task() {
        let rows = rows(30, 4);
        let folds = cross_validation(&rows, 7);
        assert_eq!(folds.len(), FOLDS);
        for task in [
            |fold: &Fold| fold.known.clone(),
            |fold: &Fold| fold.new.clone(),
        ] {
            let mut asked: Vec<usize> = folds.iter().flat_map(task).collect();
            asked.sort_unstable();
            assert!(asked.into_iter().eq(0..120));
        }
        for fold in &folds {
            assert_eq!(fold.new.len(), 12);
            assert!((10..=14).contains(&fold.known.len()), "{fold:?}");
            let answers =
                |pairs: &[usize]| -> HashSet<usize> { pairs.iter().map(|pair| pair / 4).collect() };
            let (known, new) = (answers(&fold.known), answers(&fold.new));
            assert!(known.is_disjoint(&new));
            // No answer loses two of its four questions to one fold.
            assert_eq!(known.len(), fold.known.len());
            let topics: HashSet<usize> = new.iter().map(|answer| answer % 3).collect();
            assert!(topics.len() >= 2, "{new:?}");
            assert_eq!(fold.rest(120).len(), 120 - fold.held_out().len());
        }
        assert_eq!(cross_validation(&rows, 7), folds);
        assert_ne!(cross_validation(&rows, 8), folds);
    }

    #[test]
    fn answers_with_one_question_are_asked_as_new_answers_only() {
        let folds = cross_validation(&rows(12, 1), 1);
        assert!(folds.iter().all(|fold| fold.known.is_empty()));
        assert_eq!(folds.iter().map(|fold| fold.new.len()).sum::<usize>(), 12);
    }

    #[test]
    fn cross_validation_needs_four_answers_and_few_questions() {
        assert!(cross_validation(&rows(3, 5), 1).is_empty());
        assert_eq!(cross_validation(&rows(4, 1), 1).len(), 4);
        assert_eq!(cross_validation(&rows(300, 10), 1).len(), FEWER_FOLDS);
        assert!(cross_validation(&rows(301, 10), 1).is_empty());
    }

    #[test]
    fn copies_of_a_question_share_a_fold() {
        let mut rows = rows(8, 3);
        let mut copy = rows[0].clone();
        copy.question = copy.question.to_uppercase();
        rows.push(copy);
        for fold in cross_validation(&rows, 1) {
            for task in [&fold.known, &fold.new] {
                assert_eq!(task.contains(&0), task.contains(&24));
            }
        }
    }

    #[test]
    fn single_fold_holds_out_fractions_of_answers_and_questions() {
        let fold = single(&rows(40, 5), 0.1, 0.2, 3).unwrap();
        assert_eq!((fold.new.len(), fold.known.len()), (4 * 5, 36));
        assert!(fold.held_out().is_sorted());
        assert_eq!(single(&rows(3, 5), 0.1, 0.2, 3), None);
        let fold = single(&rows(4, 1), 0.01, 0.2, 3).unwrap();
        assert_eq!((fold.new.len(), fold.known.len()), (1, 0));
    }
}
