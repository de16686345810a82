//! Decisions of a job: how the model ranks answers, and whether the trained model is kept.

use super::{
    Job, Source,
    exam::{Evaluated, Exam},
};
use crate::{
    answer_index::{
        Difference, STATIC_SPREAD, Scoring, TRANSFORMER_SPREAD, is_gain, is_gain_by, mean,
    },
    servable::{AnswerSet, Words},
    train::{ModelSelection, TrainError, Trainable},
};
use nearsay_search::{expansion::Rule, prototype::Prototype};

/// Number of questions from which a gain below one standard error counts.
const ENOUGH: usize = 200;

/// Keyword weights compared with the default.
const WEIGHTS: [f32; 11] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];

/// Settings compared with [`Prototype::USUAL`], as the prior and the sharpness, and no prototypes.
const PROTOTYPES: [Option<(f32, f32)>; 6] = [
    None,
    Some((8.0, 0.0)),
    Some((0.5, 0.0)),
    Some((2.0, 1.5)),
    Some((2.0, 3.0)),
    Some((2.0, 6.0)),
];

/// Standard errors by which a keyword weight must beat the default. Of few questions, the best of many weights often
/// wins by one standard error by chance.
const CLEARLY: f64 = 2.0;

/// A model's answers to an exam, with the scoring that suits it.
pub(super) struct Graded {
    pub(super) exam: Exam,
    pub(super) scoring: Scoring,
    pub(super) evaluated: Evaluated,
}

impl Job<'_, '_> {
    /// Default scoring of a model: expansion by own questions, the keyword weight of the settings, and prototypes if an
    /// answer has several paraphrases, or none of these if the settings validate nothing.
    fn default_scoring(&self, exam: &Exam) -> Result<Scoring, TrainError> {
        if self.settings.selection.validation_fraction().is_none() {
            return Ok(Scoring::default());
        }
        let answers = AnswerSet::of(self.rows);
        let has_several = answers.iter().any(|known| known.questions.len() > 1);
        Ok(Scoring {
            expansion: Some(Rule::OWN),
            hybrid: hybrid(self.scale_keyword_weight(self.settings.keyword_weight, exam)?),
            prototype: has_several.then_some(Prototype::USUAL),
        })
    }

    /// Scoring of the untrained model: the keyword weight of the settings, without expansion and prototypes.
    pub(super) fn untrained_scoring(&self, exam: &Exam) -> Result<Scoring, TrainError> {
        Ok(Scoring {
            hybrid: self.default_scoring(exam)?.hybrid,
            ..Scoring::default()
        })
    }

    /// Scales a keyword weight to the spread of the similarities of the model that takes an exam.
    fn scale_keyword_weight(&self, weight: f32, exam: &Exam) -> Result<f32, TrainError> {
        let reference = match self.source {
            Source::Static(_) => STATIC_SPREAD,
            Source::Network { .. } | Source::Custom(_) => TRANSFORMER_SPREAD,
        };
        let scaled = exam
            .index()
            .map(|index| index.scale_keyword_weight(weight, reference));
        Ok(scaled.transpose()?.unwrap_or(weight))
    }

    /// Chooses the scoring by the mean reciprocal rank of the deciding questions, and evaluates the model with it.
    ///
    /// Expansion by the questions of similar answers must gain more than one standard error, or anything at all with at
    /// least [`ENOUGH`] questions. Prototypes keep their default unless other settings gain one standard error, the keyword
    /// weight unless another one gains two.
    pub(super) fn grade(&self, exam: Exam) -> Result<Graded, TrainError> {
        let default = self.default_scoring(&exam)?;
        let grade = |scoring: Scoring| -> Result<(Scoring, Evaluated, Vec<f64>), TrainError> {
            let evaluated = exam.evaluate(scoring)?;
            let ranks = exam.deciding_ranks(&evaluated);
            Ok((scoring, evaluated, ranks))
        };
        let mut best = grade(default)?;
        if default.expansion.is_some() && !exam.is_empty() {
            let alike = grade(Scoring {
                expansion: Some(Rule::ALIKE),
                ..default
            })?;
            let wins = is_gain(&best.2, &alike.2)
                || (best.2.len() >= ENOUGH && mean(&alike.2) > mean(&best.2));
            if wins {
                best = alike;
            }
            if default.prototype.is_some() {
                let (scoring, by_default) = (best.0, best.2.clone());
                for other in PROTOTYPES {
                    let other = grade(Scoring {
                        prototype: other.map(|(prior, sharpness)| Prototype { prior, sharpness }),
                        ..scoring
                    })?;
                    if mean(&other.2) > mean(&best.2) && is_gain(&by_default, &other.2) {
                        best = other;
                    }
                }
            }
            let by_default = best.2.clone();
            let scoring = best.0;
            for weight in WEIGHTS {
                let weight = self.scale_keyword_weight(weight, &exam)?;
                let other = grade(Scoring {
                    hybrid: hybrid(weight),
                    ..scoring
                })?;
                if mean(&other.2) > mean(&best.2) && is_gain_by(CLEARLY, &by_default, &other.2) {
                    best = other;
                }
            }
        }
        let (scoring, evaluated, _) = best;
        Ok(Graded {
            exam,
            scoring,
            evaluated,
        })
    }

    /// Whether the trained model is used rather than the base model, by a paired test on the deciding questions.
    ///
    /// Without a measurable difference, a transformer is kept; a head or token embeddings are kept if they gain more
    /// than one standard error on the deciding questions, or on new answers without losing as much on the others.
    /// Always kept for [`ModelSelection::Last`], never without questions.
    pub(super) fn is_kept(&self, base: &Graded, trained: &Graded) -> bool {
        if self.settings.selection == ModelSelection::Last {
            return true;
        }
        if trained.exam.is_empty() {
            return false;
        }
        let ranks = |graded: &Graded| graded.exam.deciding_ranks(&graded.evaluated);
        let (before, after) = (ranks(base), ranks(trained));
        match Difference::of(&before, &after) {
            Difference::Better => true,
            Difference::Worse => false,
            Difference::NotMeasurable if self.settings.trainable == Trainable::FullModel => {
                !is_gain(&after, &before)
            }
            Difference::NotMeasurable => {
                let new = |graded: &Graded| graded.evaluated.new.reciprocal_ranks();
                is_gain(&before, &after)
                    || (is_gain(&new(base), &new(trained)) && !is_gain(&after, &before))
            }
        }
    }
}

fn hybrid(weight: f32) -> Option<Words> {
    (weight > 0.0).then(|| Words::by_answer(weight))
}

#[cfg(test)]
mod tests {
    use super::super::{Trained, tests::run};
    use crate::train::{Recipe, Settings};
    use nearsay_core::matrix::Matrix;
    use nearsay_faq::Row;
    use nearsay_search::expansion::Rule;
    use nearsay_text::{
        bm25,
        compact::{StaticEmbeddings, StaticEncoder},
        wordpiece::{Vocabulary, WordPiece},
    };

    const DIM: usize = 32;
    const PAIRS: usize = 160;
    const TOPICS: usize = 8;

    /// Trains on questions that name their topic in a word that no answer contains. If `alike`, the answers of a
    /// topic share a word.
    fn trained(alike: bool) -> Trained {
        let mut tokens = String::from("[UNK]");
        let mut random = fastrand::Rng::with_seed(3);
        let mut made_up = || -> Vec<f32> { (0..DIM).map(|_| random.f32() - 0.5).collect() };
        let mut rows = vec![made_up()];
        for topic in 0..TOPICS {
            tokens.push_str(&format!("\ntopic{topic}\ndetail{topic}"));
            rows.extend([made_up(), made_up()]);
        }
        for pair in 0..PAIRS {
            tokens.push_str(&format!("\nask{pair}\nanswer{pair}"));
            let (ask, answer) = (made_up(), made_up());
            let near = ask.iter().zip(&answer).map(|(a, b)| a + 0.4 * b);
            rows.extend([near.collect(), answer]);
        }
        let words = WordPiece::new(Vocabulary::parse(&tokens).unwrap());
        let table = StaticEmbeddings::Full(Matrix::from_rows(&rows).unwrap());
        let encoder = StaticEncoder::new(words, table).unwrap();
        let faq: Vec<Row> = (0..PAIRS)
            .map(|pair| Row {
                line: pair as u64 + 1,
                question: format!("topic{} ask{pair}", pair % TOPICS),
                answer: if alike {
                    format!("detail{} answer{pair}", pair % TOPICS)
                } else {
                    format!("answer{pair}")
                },
                ..Row::default()
            })
            .collect();
        let (held_out, learned) = faq.split_at(PAIRS / 4);
        let settings = Settings {
            epochs: 1,
            lr: 1e-9,
            ..Settings::of(Recipe::Quick, DIM)
        };
        run(&encoder, learned, held_out, &settings)
    }

    /// The questions of similar answers contain the topic.
    #[test]
    fn answers_are_expanded_by_similar_answers_if_that_gains() {
        let trained = trained(true);
        assert_eq!(trained.expansion, Some(Rule::ALIKE));
        let report = trained.report;
        let (with, without) = (report.after.unwrap(), report.without_expansion.unwrap());
        assert!(with.mrr_10 > without.mrr_10 + 0.05, "{with:?} {without:?}");
    }

    /// Three answers are too few for a validation split.
    #[test]
    fn three_answers_get_default_ranking() {
        let tokens = "[UNK]\na\nb\nc";
        let words = WordPiece::new(Vocabulary::parse(tokens).unwrap());
        let table =
            StaticEmbeddings::Full(Matrix::from_fn(4, DIM, |row, i| ((row * 7 + i) % 5) as f32));
        let encoder = StaticEncoder::new(words, table).unwrap();
        let row = |text: &str| Row {
            question: format!("{text} {text}"),
            answer: text.to_owned(),
            ..Row::default()
        };
        let rows = ["a", "b", "c"].map(row);
        let ranked = |recipe| {
            let settings = Settings::of_static(recipe, DIM);
            let trained = run(&encoder, &rows, &[], &settings);
            (trained.expansion, trained.words)
        };
        let usual = (Some(Rule::OWN), Some(bm25::DEFAULT_WEIGHT_STATIC));
        assert_eq!(ranked(Recipe::Quick), usual);
        assert_eq!(ranked(Recipe::Quaterion), (None, None));
    }

    #[test]
    fn answers_are_expanded_by_own_questions_otherwise() {
        let trained = trained(false);
        assert_eq!(trained.expansion, Some(Rule::OWN));
        assert!(trained.report.without_expansion.is_none());
    }
}
