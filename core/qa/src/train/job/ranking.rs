//! Selects the ranking settings of a trained model: document expansion and the keyword weight.

use super::{Job, texts::Places};
use crate::{
    answer_index::{Scoring, is_gain, mean},
    servable::Words,
    train::TrainError,
};
use nearsay_search::expansion::Rule;

/// Number of validation questions from which a gain below one standard error counts.
const ENOUGH: usize = 200;

impl Job<'_, '_> {
    /// Selects the ranking settings by the mean reciprocal rank on the validation split. Without a split, the
    /// defaults apply, or none if the settings hold out nothing.
    ///
    /// The keyword weight keeps its default unless another one gains clearly
    /// ([`choose_keyword_weight`](crate::answer_index::AnswerIndex::choose_keyword_weight)). Expansion by the
    /// questions of similar answers must gain more than one standard error, or anything at all with at least
    /// [`ENOUGH`] questions. Otherwise answers are expanded by their own questions, which the split can't
    /// measure: its answers have none.
    pub(super) fn ranking(&self, place: &Places<'_>) -> Result<Scoring, TrainError> {
        let hybrid = |weight: f32| (weight > 0.0).then(|| Words::by_answer(weight));
        let Some(slice) = self.slice() else {
            return Ok(match self.settings.selection.validation_fraction() {
                Some(_) => Scoring {
                    expansion: Some(Rule::OWN),
                    hybrid: hybrid(self.settings.keyword_weight),
                },
                None => Scoring::default(),
            });
        };
        let (index, questions) = (slice.index(place)?, &slice.questions);
        let alike = Scoring {
            expansion: Some(Rule::ALIKE),
            hybrid: None,
        };
        let plain = index.evaluate(questions)?.reciprocal_ranks();
        let expanded = index.evaluate_with(questions, alike)?.reciprocal_ranks();
        let wins =
            is_gain(&plain, &expanded) || (plain.len() >= ENOUGH && mean(&expanded) > mean(&plain));
        let alike = wins.then_some(Rule::ALIKE);
        let weight = index.choose_keyword_weight(questions, alike, self.settings.keyword_weight)?;
        Ok(Scoring {
            expansion: Some(alike.unwrap_or(Rule::OWN)),
            hybrid: hybrid(weight),
        })
    }
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
