use super::{Dataset, Error, QaModel};
use crate::{
    servable::{AnswerSet, KnownAnswer},
    train::PoolFigures,
};
use nearsay_faq::normalize;
use std::{collections::HashSet, fmt, sync::Arc};

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
        let answers = Arc::new(self.answers_with(data));
        let rows = data.rows().iter();
        let asked = rows.flat_map(|row| {
            row.all_questions()
                .map(move |text| (text, row.answer.as_str()))
        });
        let asked: Vec<(&str, &str)> = asked.collect();
        let questions: Vec<&str> = asked.iter().map(|(question, _)| *question).collect();
        let vectors = self.embed(&questions)?;
        let queries = answers.test_queries(&asked, Some(&vectors));
        let index = self.served().answer_index();
        let index = index.update_with(answers, &mut |texts| self.embed(texts))?;
        index.evaluate(&queries)?.figures.ok_or(Error::NoRows)
    }

    /// The model's answers, with those of a dataset added.
    fn answers_with(&self, data: &Dataset) -> AnswerSet {
        let mut answers: Vec<KnownAnswer> = self.answers().iter().cloned().collect();
        let known = answers.iter().map(|answer| normalize(&answer.answer));
        let mut known: HashSet<String> = known.collect();
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
