//! How answers are to be ranked by a finished model: what counts beside the cosine of two vectors.

use super::{
    Job,
    exam::unit,
    texts::{Places, ways},
};
use crate::train::{
    TrainError, blend,
    blend::{is_gain, mean},
    data::answer_groups,
};
use nearsay_search::expansion::{Expansion, Rule};
use nearsay_text::bm25::Bm25Index;
use std::collections::HashSet;

/// Questions by which a small gain is believed.
const ENOUGH: usize = 200;

/// What counts beside the cosine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ranking {
    /// How answers are moved; none when they are compared as they are.
    pub(super) expansion: Option<Rule>,
    /// The weight of words; 0 when they do not count.
    pub(super) words: f32,
}

impl Job<'_, '_> {
    /// What wins on the slice of the training questions; what is usual where they are too few for one, and nothing
    /// where the settings want none.
    ///
    /// Words count for what they usually do unless another weight wins clearly ([`blend::choose`]). The questions
    /// of other answers must win by more than one standard error of what a question gains; they may also win by
    /// less where [`ENOUGH`] are asked: then a gain is likelier than a loss of the same size, and on the two other
    /// slices of so many whose error is known it won by more than two. Where they lose, an answer's own count, of
    /// which a slice tells nothing, as its answers have none.
    pub(super) fn ranking(&self, place: &Places<'_>) -> Result<Ranking, TrainError> {
        let Some(exam) = self.slice_exam(place)? else {
            return Ok(match self.settings.selection.validation_fraction() {
                Some(_) => Ranking {
                    expansion: Some(Rule::OWN),
                    words: self.settings.keyword_weight,
                },
                None => Ranking::default(),
            });
        };
        let plain = exam.reciprocal_ranks(self.device)?;
        let expansion = self.expansion(place, Rule::ALIKE, Known::WithoutSlice)?;
        let mut exam = exam.expanded(Some(&expansion))?;
        let moved = exam.reciprocal_ranks(self.device)?;
        let wins =
            is_gain(&plain, &moved) || (plain.len() >= ENOUGH && mean(&moved) > mean(&plain));
        if !wins {
            exam = exam.plain();
        }
        let rule = if wins { Rule::ALIKE } else { Rule::OWN };
        let lexical = Bm25Index::new(exam.pool());
        let mut asked = Vec::with_capacity(exam.questions().len());
        exam.scores(self.device, &mut |question, scores| {
            asked.push(blend::Asked {
                meaning: scores.scores.to_vec(),
                words: lexical.scores(question),
                right: scores.right.to_vec(),
            });
        })?;
        let words = blend::choose(self.settings.keyword_weight, asked);
        Ok(Ranking {
            expansion: Some(rule),
            words,
        })
    }

    /// The training questions with their answers, towards which answers are moved.
    pub(super) fn expansion(
        &self,
        place: &Places<'_>,
        rule: Rule,
        known: Known,
    ) -> Result<Expansion, TrainError> {
        let mut pairs = ways(self.rows).collect::<Vec<_>>();
        let mut groups = answer_groups(pairs.iter().map(|(_, row)| row.answer.as_str()));
        if known == Known::WithoutSlice {
            let kept: HashSet<usize> = self
                .settings
                .validation_split(&groups)
                .into_iter()
                .collect();
            let mut number = 0..;
            let mut is_known = || number.next().is_some_and(|pair| !kept.contains(&pair));
            pairs.retain(|_| is_known());
            let mut number = 0..;
            groups.retain(|_| number.next().is_some_and(|pair| !kept.contains(&pair)));
        }
        let questions: Vec<&str> = pairs.iter().map(|(way, _)| *way).collect();
        let answers: Vec<&str> = pairs.iter().map(|(_, row)| row.answer.as_str()).collect();
        let (answers, questions) = (place.rows(&answers)?, place.rows(&questions)?);
        Expansion::new(rule, unit(answers), unit(questions), groups)
            .map_err(|error| TrainError::Encoder(error.into()))
    }
}

/// Which training questions are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// All.
    All,
    /// All but those of the slice, which are asked.
    WithoutSlice,
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

    /// A run whose questions name their topic in a word that no answer has; answers of a topic have a word of
    /// their own, if `alike`.
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
                answer: match alike {
                    true => format!("detail{} answer{pair}", pair % TOPICS),
                    false => format!("answer{pair}"),
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

    /// What is asked about answers like it tells of the topic.
    #[test]
    fn answers_are_moved_where_that_wins() {
        let trained = trained(true);
        assert_eq!(trained.expansion, Some(Rule::ALIKE));
        let report = trained.report;
        let (with, without) = (report.after.unwrap(), report.without_expansion.unwrap());
        assert!(with.mrr_10 > without.mrr_10 + 0.05, "{with:?} {without:?}");
    }

    /// Too few to keep some aside.
    #[test]
    fn three_answers_are_ranked_as_usual() {
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
    fn they_stay_where_it_does_not() {
        let trained = trained(false);
        assert_eq!(trained.expansion, Some(Rule::OWN));
        assert!(trained.report.without_expansion.is_none());
    }
}
