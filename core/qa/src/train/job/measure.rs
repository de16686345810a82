//! The figures of a job: the trained model compared with an earlier one on the same questions.

use super::{
    Job,
    exam::{self, Evaluated, Exam, Questions},
    findings,
    learn::Learned,
    texts::Places,
};
use crate::{
    answer_index::{Confidence, Difference, Evaluation, PoolFigures, Scoring},
    servable::{AnswerSet, Words},
    train::{
        Report, TrainError,
        data::normalized,
        outcome::{Task, TestOutcome},
        report::{ComparedWith, Comparison, Protocol},
    },
};
use nearsay_faq::normalize;
use nearsay_search::expansion::Towards;
use nearsay_text::{bm25, compact::StaticEncoder};
use std::{collections::HashMap, sync::Arc};

/// The model that the trained model is compared with.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum Baseline<'a> {
    /// The untrained base encoder with the keyword search of the settings.
    #[default]
    BaseEncoder,
    /// Another, untrained static encoder with keyword search.
    BuiltIn(&'a StaticEncoder<'a>),
    /// An earlier model, by the outcomes of its own training.
    Outcomes(&'a [TestOutcome]),
}

/// Results of the measurement besides the report.
pub(super) struct Measured {
    pub(super) confidence: Confidence,
    pub(super) outcomes: Vec<TestOutcome>,
}

/// A question with its right answer, normalized.
type Key = (String, String);

/// Ranks of the questions by the model of before.
struct Before {
    /// Figures and ranks by task, the ranks in the order of the exam.
    tasks: [(Option<PoolFigures>, Vec<Option<usize>>); 2],
}

impl Job<'_, '_> {
    /// Measures the trained model and adds the figures to the report.
    ///
    /// Held-out questions are asked of the model itself. A task without a held-out question has the figures of the folds.
    pub(super) fn measure(
        &self,
        report: &mut Report,
        learned: &Learned,
        answers: &Arc<AnswerSet>,
        place: &Places<'_>,
    ) -> Result<Measured, TrainError> {
        let scoring = learned.graded.scoring;
        let now = place.with(&learned.vectors);
        let has_held_out = !self.held_out.is_empty();
        let of_held_out;
        let (exam, evaluated, base) = if has_held_out {
            let questions = Questions::held_out(answers, self.held_out);
            let exam = Exam::of(exam::index(answers, &now)?, questions);
            let evaluated = exam.evaluate(scoring)?;
            let base = exam.asked_of(&exam::index(answers, place)?);
            of_held_out = (exam, evaluated, base);
            (&of_held_out.0, &of_held_out.1, &of_held_out.2)
        } else {
            (
                &learned.graded.exam,
                &learned.graded.evaluated,
                &learned.base,
            )
        };
        let before = self.before(exam, base, place)?;
        report.compared_with = match self.baseline {
            Baseline::BaseEncoder => ComparedWith::BaseEncoder,
            Baseline::BuiltIn(_) => ComparedWith::BuiltIn,
            Baseline::Outcomes(_) => ComparedWith::Previous,
        };
        let [known, new] = before.compare(evaluated);
        (report.known_answers, report.new_answers) = (known, new);
        if has_held_out && (known.is_none() || new.is_none()) {
            let of_folds = self.before(&learned.graded.exam, &learned.base, place)?;
            let [known, new] = of_folds.compare(&learned.graded.evaluated);
            report.known_answers = report.known_answers.or(known);
            report.new_answers = report.new_answers.or(new);
        }
        report.difference = before.difference(exam, evaluated);
        report.protocol = match (has_held_out, exam.parts()) {
            (_, 0) => None,
            (true, _) => Some(Protocol::HeldOut),
            (false, folds) => Some(Protocol::CrossValidation { folds }),
        };
        self.measure_among_answers(report, exam, base, scoring)?;
        let joined = exam.join(evaluated);
        if let Some(joined) = &joined {
            report.findings = findings::of(self, exam, joined, &before.once(exam));
        }
        Ok(Measured {
            confidence: joined.map_or(Confidence::USUAL, |joined| joined.confidence),
            outcomes: outcomes(exam, evaluated, &before),
        })
    }

    /// Adds the figures of searching among the answers alone.
    fn measure_among_answers(
        &self,
        report: &mut Report,
        exam: &Exam,
        base: &Exam,
        scoring: Scoring,
    ) -> Result<(), TrainError> {
        let all = !self.held_out.is_empty();
        let (exam, base) = (exam.among_answers(all), base.among_answers(all));
        let figures = |exam: &Exam, scoring| -> Result<_, TrainError> {
            Ok(exam.evaluate(scoring)?.new.figures)
        };
        report.before = figures(&base, Scoring::default())?;
        report.after = figures(&exam, scoring)?;
        if let Some(hybrid) = scoring.hybrid {
            report.words = Some(hybrid.weight);
            report.without_words = figures(
                &exam,
                Scoring {
                    hybrid: None,
                    ..scoring
                },
            )?;
        }
        if let Some(rule) = scoring.expansion
            && rule.towards == Towards::Alike
        {
            report.expansion = Some(rule.weight);
            report.without_expansion = figures(
                &exam,
                Scoring {
                    expansion: None,
                    ..scoring
                },
            )?;
        }
        Ok(())
    }

    /// Asks the model of before the questions of an exam; `base` asks them of the base encoder.
    fn before(&self, exam: &Exam, base: &Exam, place: &Places<'_>) -> Result<Before, TrainError> {
        match self.baseline {
            Baseline::BaseEncoder => Ok(Before::of(&base.evaluate(self.untrained_scoring(base)?)?)),
            Baseline::BuiltIn(encoder) => {
                let Some(answers) = exam.answers() else {
                    return Ok(Before::of(&base.evaluate(Scoring::default())?));
                };
                let texts: Vec<&str> = place.of.keys().copied().collect();
                let vectors = normalized(encoder.encode_all(&texts));
                let place = Places {
                    of: texts.into_iter().zip(0..).collect(),
                    vectors: &vectors,
                };
                let index = exam::index(answers, &place)?;
                let scoring = Scoring {
                    hybrid: Some(Words::by_answer(bm25::DEFAULT_WEIGHT_STATIC)),
                    ..Scoring::default()
                };
                Ok(Before::of(&exam.asked_of(&index).evaluate(scoring)?))
            }
            Baseline::Outcomes(outcomes) => Ok(Before::of_outcomes(exam, outcomes)),
        }
    }
}

impl Before {
    fn of(evaluated: &Evaluated) -> Self {
        let of = |evaluation: &Evaluation| {
            let ranks = evaluation.outcomes.iter().map(|outcome| Some(outcome.rank));
            (evaluation.figures, ranks.collect())
        };
        Self {
            tasks: [of(&evaluated.known), of(&evaluated.new)],
        }
    }

    fn of_outcomes(exam: &Exam, outcomes: &[TestOutcome]) -> Self {
        let key = |question: &str, answer: &str| (normalize(question), normalize(answer));
        let pool = exam.answers().map_or(0, |answers| answers.len());
        let of = |task: Task, asked: &[(&str, u32)]| {
            let outcomes = outcomes.iter().filter(|outcome| outcome.task == task);
            let figures = PoolFigures::of_ranks(outcomes.clone().map(|outcome| outcome.rank), pool);
            let ranks: HashMap<Key, usize> = outcomes
                .map(|outcome| (key(&outcome.question, &outcome.answer), outcome.rank))
                .collect();
            let rank = |&(question, answer): &(&str, u32)| {
                let answer = exam.answers()?.get(answer)?;
                ranks.get(&key(question, &answer.answer)).copied()
            };
            (figures, asked.iter().map(rank).collect())
        };
        let [known, new] = exam.asked();
        Self {
            tasks: [of(Task::KnownAnswers, &known), of(Task::NewAnswers, &new)],
        }
    }

    /// Comparisons on known and on new answers; `None` without questions.
    fn compare(&self, after: &Evaluated) -> [Option<Comparison>; 2] {
        let [known, new] = &self.tasks;
        [(known, &after.known), (new, &after.new)].map(|((before, ranks), after)| {
            Some(Comparison {
                before: (*before)?,
                after: after.figures?,
                difference: difference(ranks.iter().copied().zip(after.reciprocal_ranks())),
            })
        })
    }

    /// Ranks of the questions of [`Exam::join`], in its order.
    fn once(&self, exam: &Exam) -> Vec<Option<usize>> {
        let [(_, known), (_, new)] = &self.tasks;
        let new = exam.of_only_new(new.clone());
        known.iter().copied().chain(new).collect()
    }

    /// Result of a paired test on the deciding questions.
    fn difference(&self, exam: &Exam, after: &Evaluated) -> Option<Difference> {
        difference(self.once(exam).into_iter().zip(exam.deciding_ranks(after)))
    }
}

/// Result of a paired test on ranks before and reciprocal ranks after. `None` if more than half of the questions have no
/// rank before.
fn difference(asked: impl Iterator<Item = (Option<usize>, f64)>) -> Option<Difference> {
    let asked: Vec<(Option<usize>, f64)> = asked.collect();
    let pairs = asked
        .iter()
        .filter_map(|&(rank, after)| Some((1.0 / rank? as f64, after)));
    let (before, after): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let is_enough = !before.is_empty() && 2 * before.len() >= asked.len();
    is_enough.then(|| Difference::of(&before, &after))
}

/// Outcomes of all questions of an exam.
fn outcomes(exam: &Exam, evaluated: &Evaluated, before: &Before) -> Vec<TestOutcome> {
    let Some(answers) = exam.answers() else {
        return Vec::new();
    };
    let text = |answer: u32| answers.get(answer).map(|known| known.answer.clone());
    let tasks = [
        (Task::KnownAnswers, &evaluated.known),
        (Task::NewAnswers, &evaluated.new),
    ];
    let mut found = Vec::new();
    for ((task, evaluation), (asked, (_, ranks))) in tasks
        .into_iter()
        .zip(exam.asked().into_iter().zip(&before.tasks))
    {
        for ((outcome, (question, answer)), rank_before) in
            evaluation.outcomes.iter().zip(asked).zip(ranks)
        {
            found.push(TestOutcome {
                task,
                question: question.into(),
                answer: text(answer).unwrap_or_default(),
                rank: outcome.rank,
                given: outcome.given.and_then(|hit| text(hit.answer)),
                score: outcome.given.map_or(0.0, |hit| hit.score),
                probability: outcome.probability,
                rank_before: *rank_before,
            });
        }
    }
    found
}
