//! Quality of a model's confidence.
//!
//! - *sure*: fraction of questions with a sure answer, for held-out questions and for questions on other
//!   subjects, where it should be small.
//! - *ECE*, the expected calibration error: the seed splits the held-out questions in two halves. One
//!   half adapts the calibrator of the probability of a right answer. The other half is put into ten bins
//!   of equal count by that probability; ECE is the mean over the questions of the difference between
//!   the mean probability and the accuracy of their bin (Naeini, Cooper and Hauskrecht, "Obtaining Well
//!   Calibrated Probabilities Using Bayesian Binning", 2015, there with bins of equal width).
//! - *rarer*: by what factor abstaining from 20 % of the questions reduces the fraction of wrong
//!   answers among those given. The threshold comes from the first half and is evaluated on the other.
//!   The fraction among all questions falls further: to `answered · wrong of those answered`.
//!
//! Each figure is measured twice: searching answers alone, as the model's own calibration does; and
//! searching answers and known paraphrases without those of the held-out questions. The second is
//! harsh where questions resemble each other: the right answer has lost its paraphrases, while all
//! others keep theirs.

use super::{
    Failure,
    exam::numbers,
    figures::Spread,
    folder::Folder,
    sets::{CLOUD, Sets},
};
use nearsay::{
    answer_index::{Pool, Query, QuestionOutcome, TestQuery},
    servable::{Confidence as Rule, Outcome},
};
use nearsay_faq::{Row, normalize};
use nearsay_search::calibration::Silence;
use std::collections::HashMap;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Fraction of the questions that still gets an answer.
const ANSWERED: f64 = 0.8;
/// Number of questions from each other set.
const QUESTIONS: usize = 200;
/// Sets with questions on other subjects; the measured set is left out.
const SETS: [&str; 3] = ["zaragoza_construction_en", "perlfaq_en", CLOUD];

/// Texts that are searched.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// Answers and known paraphrases.
    Paraphrases,
    /// Answers alone.
    Answers,
}

impl Of {
    pub const ALL: [Self; 2] = [Self::Paraphrases, Self::Answers];

    /// Name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paraphrases => "answers, paraphrases",
            Self::Answers => "answers",
        }
    }
}

/// Questions on other subjects.
pub struct Strangers {
    sets: Vec<Vec<String>>,
}

/// Confidence figures of a model; `None` where nothing can be measured.
pub struct Measured {
    confident: f64,
    strangers: Vec<Option<f64>>,
    halves: Option<Halves>,
}

/// Calibration from one half of the questions, evaluated on the other.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Halves {
    ece: f64,
    answered: f64,
    /// Fraction of wrong answers when all questions are answered.
    wrong: f64,
    /// Fraction of wrong answers among the questions that are still answered.
    wrong_answered: f64,
}

impl Strangers {
    /// Reads the questions for a set.
    pub fn find(sets: &Sets, asked: &str) -> Result<Self, Failure> {
        let some = |name: &str| -> Result<Vec<String>, Failure> {
            let mut questions = match name == asked {
                true => Vec::new(),
                false => sets.questions(name)?,
            };
            fastrand::Rng::with_seed(1).shuffle(&mut questions);
            questions.truncate(QUESTIONS);
            Ok(questions)
        };
        Ok(Self {
            sets: SETS
                .iter()
                .map(|name| some(name))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Asks a model these questions and the held-out questions.
    pub fn measure(
        &self,
        folder: &Folder,
        held_out: &[Row],
        of: Of,
        seed: u64,
    ) -> Result<Measured, Failure> {
        let questions = with_answers(folder, held_out);
        let answers = folder.served.answers();
        let texts = answers.owners().into_iter().zip(answers.texts());
        let known: HashMap<(u32, &str), u32> = texts.zip(0..).collect();
        // No answer to these is right; which one is said to be does not matter.
        let others = self
            .sets
            .iter()
            .flatten()
            .map(|question| (question.as_str(), 0));
        let asked: Vec<(&str, u32)> = questions.iter().copied().chain(others).collect();
        let texts: Vec<&str> = asked.iter().map(|(question, _)| *question).collect();
        let vectors = folder.vectors(&texts)?;
        let mut tests = Vec::with_capacity(asked.len());
        for (number, (&(text, right), vector)) in asked.iter().zip(vectors.iter_rows()).enumerate()
        {
            let known = known
                .get(&(right, text))
                .filter(|_| number < questions.len());
            tests.push(TestQuery {
                query: match known {
                    Some(&text) => Query::Paraphrase(text),
                    None => Query::New { text, vector },
                },
                right: vec![right],
                pool: match of {
                    Of::Paraphrases => Pool::All,
                    Of::Answers => Pool::Answers,
                },
            });
        }
        let evaluation = folder.index().evaluate(&tests)?;
        let mut outcomes = evaluation.outcomes.iter().map(QuestionOutcome::outcome);
        let rule = &folder.served.manifest().confidence;
        let confident = |outcomes: &[Outcome]| {
            let sure = |outcome: &&Outcome| {
                rule.probability_of(outcome)
                    .is_some_and(|probability| probability >= Rule::SURE)
            };
            let count = outcomes.iter().filter(sure).count();
            (!outcomes.is_empty()).then(|| count as f64 / outcomes.len() as f64)
        };
        let mut next = |n: usize| outcomes.by_ref().take(n).collect::<Vec<Outcome>>();
        let mut outcomes = next(questions.len());
        let strangers = self.sets.iter().map(|set| confident(&next(set.len())));
        let strangers = strangers.collect();
        let confident = confident(&outcomes).ok_or("no held-out questions")?;
        fastrand::Rng::with_seed(seed).shuffle(&mut outcomes);
        let (learn, measure) = outcomes.split_at(outcomes.len() / 2);
        Ok(Measured {
            confident,
            strangers,
            halves: Halves::measure(learn, measure),
        })
    }
}

impl Halves {
    /// From the outcomes of both halves; `None` if a half is empty.
    fn measure(learn: &[Outcome], measure: &[Outcome]) -> Option<Self> {
        let rule = Rule::measured(learn);
        let pairs = |outcomes: &[Outcome]| -> Vec<(f32, bool)> {
            let pair = |outcome: &Outcome| Some((rule.probability_of(outcome)?, outcome.right));
            outcomes.iter().filter_map(pair).collect()
        };
        Self::of(&pairs(learn), &pairs(measure))
    }

    /// From pairs of probability and correctness; `None` if a half is empty.
    fn of(learn: &[(f32, bool)], measure: &[(f32, bool)]) -> Option<Self> {
        let sure = measure
            .iter()
            .map(|&(probability, right)| (probability.into(), right));
        let sure: Vec<(f64, bool)> = sure.collect();
        let silence = Silence::of(learn);
        let enough = |threshold: &f32| {
            let share = silence.at(*threshold).answered_share();
            share.is_some_and(|share| f64::from(share) >= ANSWERED)
        };
        let threshold = silence.thresholds().into_iter().rfind(enough)?;
        let measured = Silence::of(measure);
        let (all, some) = (measured.at(f32::NEG_INFINITY), measured.at(threshold));
        Some(Self {
            ece: calibration_error(&sure, BINS)?,
            answered: some.answered_share()?.into(),
            wrong: all.wrong_share()?.into(),
            wrong_answered: some.wrong_share()?.into(),
        })
    }

    /// Factor by which abstaining reduces wrong answers; `None` without wrong answers.
    fn rarer(&self) -> Option<f64> {
        (self.wrong > 0.0).then(|| self.wrong / self.wrong_answered)
    }
}

/// Held-out questions, with the ids of their answers.
fn with_answers<'r>(folder: &Folder, held_out: &'r [Row]) -> Vec<(&'r str, u32)> {
    let numbers = numbers(folder.served.answers());
    let number = |row: &Row| numbers.get(&normalize(&row.answer)).copied();
    let answered = held_out
        .iter()
        .filter_map(|row| Some((row, number(row)? as u32)));
    answered
        .flat_map(|(row, answer)| row.all_questions().map(move |way| (way, answer)))
        .collect()
}

/// The expected calibration error of probabilities, with what came true, in bins of equal count; none of
/// nothing.
pub fn calibration_error(sure: &[(f64, bool)], bins: usize) -> Option<f64> {
    let mut sure = sure.to_vec();
    sure.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = sure.len();
    let off = (0..bins).map(|bin| {
        let bin = &sure[bin * n / bins..(bin + 1) * n / bins];
        let expected: f64 = bin.iter().map(|(probability, _)| probability).sum();
        let came = bin.iter().filter(|(_, right)| *right).count() as f64;
        (expected - came).abs()
    });
    (n > 0).then(|| off.sum::<f64>() / n as f64)
}

/// Confidence figures of all models.
#[derive(Default)]
pub struct Confidence {
    lines: Vec<(String, Vec<Measured>)>,
}

impl Confidence {
    /// Adds the figures of a model.
    pub fn add(&mut self, who: &str, measured: Measured) {
        match self.lines.iter_mut().find(|line| line.0 == who) {
            Some((_, all)) => all.push(measured),
            None => self.lines.push((who.into(), vec![measured])),
        }
    }

    /// Prints the table.
    pub fn print(&self) {
        println!(
            "\n| model, searched | sure: held out | {} | ECE | answered | wrong of all | wrong of \
             those answered | reduction factor |",
            SETS.join(" | ")
        );
        println!("|{}", " --- |".repeat(7 + SETS.len()));
        for (who, measured) in &self.lines {
            let spread = |value: &dyn Fn(&Measured) -> Option<f64>| {
                let spread = Spread::of(measured.iter().filter_map(value));
                spread.map_or_else(|| "–".into(), |spread| format!("{spread:.3}"))
            };
            let halves = |value: fn(&Halves) -> Option<f64>| {
                spread(&|measured| measured.halves.as_ref().and_then(value))
            };
            let mut cells = vec![who.clone(), spread(&|measured| Some(measured.confident))];
            cells.extend(
                (0..SETS.len())
                    .map(|set| spread(&|measured| measured.strangers.get(set).copied().flatten())),
            );
            cells.extend([
                halves(|halves| Some(halves.ece)),
                halves(|halves| Some(halves.answered)),
                halves(|halves| Some(halves.wrong)),
                halves(|halves| Some(halves.wrong_answered)),
                halves(Halves::rarer),
            ]);
            println!("| {} |", cells.join(" | "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bins, out of order: 0.1 and 0.3, of which one is right, differ by 0.6 in sum; 0.7 and 0.9,
    /// which are both right, by 0.4.
    #[test]
    fn calibration_error_matches_hand_computation() {
        let sure = [(0.9, true), (0.1, false), (0.7, true), (0.3, true)];
        let error = calibration_error(&sure, 2).unwrap();
        assert!((error - (0.6 + 0.4) / 4.0).abs() < 1e-12, "{error}");
        // In one bin the differences cancel partly: 2.0 expected, 3 right.
        assert!((calibration_error(&sure, 1).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(calibration_error(&[], 2), None);
    }

    #[test]
    fn calibration_error_allows_more_bins_than_questions() {
        let sure = [(0.5, true), (0.25, false), (1.0, true)];
        let error = calibration_error(&sure, 10).unwrap();
        assert!((error - 0.25).abs() < 1e-12, "{error}");
        // One pair in the first bin, two in the second: 0.25 and 0.5.
        assert!((calibration_error(&sure, 2).unwrap() - 0.25).abs() < 1e-12);
    }

    /// Eight of ten questions are answered, from a score of 2 on. One of these is wrong; of all ten, three
    /// are.
    #[test]
    fn abstaining_reduces_wrong_answers() {
        let pairs: Vec<(f32, bool)> = (0..10).map(|i| (i as f32, i > 1 && i != 5)).collect();
        let halves = Halves::of(&pairs, &pairs).unwrap();
        assert!((halves.answered - 0.8).abs() < 1e-6);
        assert!((halves.rarer().unwrap() - 0.3 / 0.125).abs() < 1e-6);
        assert_eq!(Halves::of(&[], &pairs), None);
        let right = [(0.5, true), (0.6, true)];
        assert_eq!(Halves::of(&right, &right).unwrap().rarer(), None);
    }
}
