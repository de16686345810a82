use super::{Dataset, Error, QaModel};
use crate::{
    servable::{AnswerSet, HeldOut, KnownAnswer, Words, check},
    train::PoolFigures,
};
use nearsay_core::metric::{Metric as _, PoolMetrics};
use nearsay_faq::{Row, normalize};
use nearsay_search::expansion::{Kind, Own, Texts};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    ops::ControlFlow,
};

/// A question to ask, with the number of its answer.
struct Question<'a> {
    text: &'a str,
    right: u32,
}

impl QaModel {
    /// Asks every question of a dataset and compares the answers, as the model would answer without
    /// having seen the questions.
    ///
    /// The questions themselves are taken out of the index. One whose answer has other paraphrases is
    /// searched among answers and paraphrases. One whose answer has none left is searched among the
    /// answers alone, where the questions of no answer count. Answers that the model lacks are added.
    ///
    /// # Errors
    /// When a text cannot be embedded, and [`Error::NoRows`] for an empty dataset.
    pub fn evaluate(&self, data: &Dataset) -> Result<PoolFigures, Error> {
        let answers = self.answers_without(data);
        let numbers: HashMap<String, u32> = answers
            .iter()
            .map(|answer| normalize(&answer.answer))
            .zip(0..)
            .collect();
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for row in data.rows() {
            let Some(&right) = numbers.get(&normalize(&row.answer)) else {
                continue;
            };
            let has_others = answers
                .get(right)
                .is_some_and(|own| !own.questions.is_empty());
            let part = if has_others { &mut known } else { &mut new };
            part.extend(row.all_questions().map(|text| Question { text, right }));
        }
        let mut metrics = PoolMetrics::default();
        for (questions, own) in [(known, Own::Counts), (new, Own::LeftOut)] {
            for rank in self.ranks(&answers, &questions, own)? {
                metrics.update(&[rank]);
            }
        }
        PoolFigures::of(&metrics, answers.len()).ok_or(Error::NoRows)
    }

    /// The model's answers, with the dataset's added and its questions removed.
    fn answers_without(&self, data: &Dataset) -> AnswerSet {
        let asked: HashSet<&str> = data.rows().iter().flat_map(Row::all_questions).collect();
        let mut answers: Vec<KnownAnswer> = self.answers().iter().cloned().collect();
        for answer in &mut answers {
            answer
                .questions
                .retain(|question| !asked.contains(question.as_str()));
        }
        let mut known: HashSet<String> = answers
            .iter()
            .map(|answer| normalize(&answer.answer))
            .collect();
        for row in data.rows() {
            if known.insert(normalize(&row.answer)) {
                answers.push(KnownAnswer {
                    answer: row.answer.clone(),
                    questions: Vec::new(),
                    row: row.line,
                    source: row.source.clone(),
                });
            }
        }
        AnswerSet::from_known(answers)
    }

    /// The rank of each question's answer.
    fn ranks(
        &self,
        answers: &AnswerSet,
        questions: &[Question<'_>],
        own: Own,
    ) -> Result<Vec<usize>, Error> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let (texts, owners, kinds) = (answers.texts(), answers.owners(), answers.kinds());
        let mut vectors = self.embed(&texts)?;
        if let Some(rule) = self.served().manifest().expansion {
            let texts = Texts {
                vectors: &vectors,
                owners: &owners,
                kinds: &kinds,
            };
            vectors = texts.expanded(rule, own)?;
        }
        let without: Vec<u32> = match own {
            Own::Counts => Vec::new(),
            Own::LeftOut => (0..)
                .zip(&kinds)
                .filter_map(|(text, kind)| (*kind != Kind::Answer).then_some(text))
                .collect(),
        };
        let index = Words::index(self.served().manifest().words, vectors, owners, &texts)?;
        let asked: Vec<&str> = questions.iter().map(|question| question.text).collect();
        let asked = self.embed(&asked)?;
        let exam: Vec<HeldOut<'_>> = questions
            .iter()
            .zip(asked.iter_rows())
            .map(|(question, vector)| HeldOut {
                vector,
                question: question.text,
                right: question.right,
            })
            .collect();
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let checked = check(&index, &without, &exam, go_on)?;
        Ok(checked.iter().map(|checked| checked.rank).collect())
    }
}

impl fmt::Display for PoolFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "accuracy@1 {:.3}  accuracy@5 {:.3}  mrr@10 {:.3}  ndcg@10 {:.3}  ({} questions, {} answers)",
            self.recall_1, self.recall_5, self.mrr_10, self.ndcg_10, self.questions, self.pool
        )
    }
}
