//! Whether a folder knows what it does not know.
//!
//! - *confident*: the share of questions whose answer reaches the folder's threshold; of the
//!   questions kept aside, and of questions on other subjects, where it should be small.
//! - *ECE*, the expected calibration error: the questions kept aside are parted in two by the seed.
//!   On one half it is learned how probably an answer is right by its sureness; the other is put into
//!   ten bins of equal count by that probability. It is the mean over the questions of how far the
//!   mean probability of their bin is from its share of right answers (Naeini, Cooper and
//!   Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015, there with
//!   bins of equal width).
//! - *rarer*: how many times fewer of the answers given are wrong when a fifth of the questions is not
//!   answered. The threshold is taken from the first half, and measured on the other. How often a question
//!   gets a wrong answer falls by more, since some get none: to `answered · wrong of those answered`.
//!
//! All are asked twice: of answers alone, as the folder's own calibration and threshold are measured; and
//! of answers and known wordings, those of the questions kept aside left out. That is harsh where questions
//! resemble each other: the right answer then has lost its wordings, while all others have theirs.

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
use nearsay_search::calibration::{Calibration, Silence};
use std::collections::HashMap;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Share of the questions that is still answered.
const ANSWERED: f64 = 0.8;
/// Questions on each other subject.
const QUESTIONS: usize = 200;
/// The sets they are from, but for the one that is asked.
const SETS: [&str; 3] = ["zaragoza_construction_en", "perlfaq_en", CLOUD];

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// Answers and known wordings.
    Wordings,
    /// Answers alone.
    Answers,
}

impl Of {
    pub const ALL: [Self; 2] = [Self::Wordings, Self::Answers];

    /// In the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wordings => "answers, wordings",
            Self::Answers => "answers",
        }
    }
}

/// Questions on other subjects.
pub struct Strangers {
    sets: Vec<Vec<String>>,
}

/// What is found about a folder; none where there is nothing to measure.
pub struct Measured {
    confident: f64,
    strangers: Vec<Option<f64>>,
    halves: Option<Halves>,
}

/// What was learned on one half of the questions, measured on the other.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Halves {
    ece: f64,
    answered: f64,
    /// Share of wrong answers when all questions are answered.
    wrong: f64,
    /// The same of those that still are.
    wrong_answered: f64,
}

impl Strangers {
    /// Reads those for a set.
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

    /// Asks a folder them, and the questions kept aside.
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
                    Of::Wordings => Pool::All,
                    Of::Answers => Pool::Answers,
                },
            });
        }
        let evaluation = folder.index().evaluate(&tests)?;
        let mut outcomes = evaluation.outcomes.iter().map(QuestionOutcome::outcome);
        let rule = &folder.served.manifest().confidence;
        let confident = |outcomes: &[Outcome]| {
            let sure = |outcome: &&Outcome| rule.is_sure(rule.sureness_of(outcome));
            let count = outcomes.iter().filter(sure).count();
            (!outcomes.is_empty()).then(|| count as f64 / outcomes.len() as f64)
        };
        let mut next = |n: usize| outcomes.by_ref().take(n).collect::<Vec<Outcome>>();
        let mut outcomes = next(questions.len());
        let strangers = self.sets.iter().map(|set| confident(&next(set.len())));
        let strangers = strangers.collect();
        let confident = confident(&outcomes).ok_or("nothing is kept aside")?;
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
    /// By what came of the questions of both; none when a half says nothing.
    fn measure(learn: &[Outcome], measure: &[Outcome]) -> Option<Self> {
        let rule = Rule::measured(learn);
        let pairs = |outcomes: &[Outcome]| -> Vec<(f32, bool)> {
            let pair = |outcome: &Outcome| (rule.sureness_of(outcome), outcome.right);
            outcomes.iter().map(pair).collect()
        };
        Self::of(&pairs(learn), &pairs(measure))
    }

    /// By pairs of the sureness of an answer and whether it was right; none when a half says nothing.
    fn of(learn: &[(f32, bool)], measure: &[(f32, bool)]) -> Option<Self> {
        let calibration = Calibration::fit(learn)?;
        let sure: Vec<(f64, bool)> = measure
            .iter()
            .map(|&(sureness, right)| (calibration.probability(sureness).into(), right))
            .collect();
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

    /// How many times rarer wrong answers are; none when there are none at all.
    fn rarer(&self) -> Option<f64> {
        (self.wrong > 0.0).then(|| self.wrong / self.wrong_answered)
    }
}

/// The questions kept aside, with the numbers of their answers.
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
fn calibration_error(sure: &[(f64, bool)], bins: usize) -> Option<f64> {
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

/// What was found about all folders.
#[derive(Default)]
pub struct Confidence {
    lines: Vec<(String, Vec<Measured>)>,
}

impl Confidence {
    /// Takes in what was found about one.
    pub fn add(&mut self, who: &str, measured: Measured) {
        match self.lines.iter_mut().find(|line| line.0 == who) {
            Some((_, all)) => all.push(measured),
            None => self.lines.push((who.into(), vec![measured])),
        }
    }

    /// Prints the table.
    pub fn print(&self) {
        println!(
            "\n| model, asked of | confident: kept aside | {} | ECE | answered | wrong of all | wrong of \
             those answered | times rarer |",
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

    /// Two bins, given out of order: 0.1 and 0.3 of which one came true are off by 0.6, 0.7 and 0.9 of
    /// which both did by 0.4.
    #[test]
    fn a_calibration_error_is_as_by_hand() {
        let sure = [(0.9, true), (0.1, false), (0.7, true), (0.3, true)];
        let error = calibration_error(&sure, 2).unwrap();
        assert!((error - (0.6 + 0.4) / 4.0).abs() < 1e-12, "{error}");
        // In one bin they make up for each other: 2.0 expected, 3 came true.
        assert!((calibration_error(&sure, 1).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(calibration_error(&[], 2), None);
    }

    #[test]
    fn bins_may_outnumber_the_questions_and_need_not_be_even() {
        let sure = [(0.5, true), (0.25, false), (1.0, true)];
        let error = calibration_error(&sure, 10).unwrap();
        assert!((error - 0.25).abs() < 1e-12, "{error}");
        // One in the first, two in the second: 0.25 and 0.5.
        assert!((calibration_error(&sure, 2).unwrap() - 0.25).abs() < 1e-12);
    }

    /// Of ten questions eight are to be answered: from a score of 2 on. Of these one of eight is wrong, of
    /// all three of ten.
    #[test]
    fn silence_makes_wrong_answers_rarer() {
        let pairs: Vec<(f32, bool)> = (0..10).map(|i| (i as f32, i > 1 && i != 5)).collect();
        let halves = Halves::of(&pairs, &pairs).unwrap();
        assert!((halves.answered - 0.8).abs() < 1e-6);
        assert!((halves.rarer().unwrap() - 0.3 / 0.125).abs() < 1e-6);
        assert_eq!(Halves::of(&[], &pairs), None);
        let right = [(0.5, true), (0.6, true)];
        assert_eq!(Halves::of(&right, &right).unwrap().rarer(), None);
    }
}
