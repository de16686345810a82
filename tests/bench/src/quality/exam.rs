//! Exams: questions with known right answers, and the texts they search.

use super::{
    Failure,
    figures::{Figures, Firsts},
};
use nearsay::servable::{AnswerSet, Words};
use nearsay_core::{
    matrix::Matrix,
    metric::{PoolScores, rank_right_answers},
};
use nearsay_faq::{Row, TestQuestion, normalize};
use nearsay_search::index::Hit;
use nearsay_text::bm25::Bm25Index;
use rayon::prelude::*;
use std::collections::HashMap;

/// Questions with known right answers, and the texts to search.
pub struct Exam {
    pub name: &'static str,
    /// Texts to search.
    pub texts: Vec<String>,
    /// Answer of each text.
    pub owners: Vec<u32>,
    pub answers: usize,
    pub questions: Vec<String>,
    /// Ids of each question's right answers, ascending.
    right: Vec<Vec<usize>>,
    /// Number of questions left out because none of their answers can be found.
    pub lost: usize,
}

/// Results of an exam.
#[derive(Clone)]
pub struct Asked {
    /// As shipped: hybrid search if the model has it.
    pub shipped: Figures,
    /// Dense search alone; `None` if that is what the model ships.
    pub meaning: Option<Figures>,
    /// Questions with a right first answer, as shipped.
    pub firsts: Firsts,
}

impl Exam {
    /// Exam over the distinct answers of rows.
    pub fn of_answers(name: &'static str, rows: &[Row], questions: &[TestQuestion]) -> Self {
        let set = AnswerSet::of(rows);
        let texts = set.iter().map(|known| known.answer.clone()).collect();
        let owners = (0..set.len() as u32).collect();
        Self::new(name, &set, texts, owners, questions)
    }

    /// Exam over the index of a model trained on these rows: answers and known paraphrases.
    pub fn of_index(name: &'static str, rows: &[Row], questions: &[TestQuestion]) -> Self {
        let set = AnswerSet::of(rows);
        let texts = set.texts().into_iter().map(str::to_owned).collect();
        Self::new(name, &set, texts, set.owners(), questions)
    }

    fn new(
        name: &'static str,
        set: &AnswerSet,
        texts: Vec<String>,
        owners: Vec<u32>,
        questions: &[TestQuestion],
    ) -> Self {
        let numbers = numbers(set);
        let mut exam = Self {
            name,
            texts,
            owners,
            answers: set.len(),
            questions: Vec::new(),
            right: Vec::new(),
            lost: 0,
        };
        for row in questions {
            let number = |answer| numbers.get(&normalize(answer)).copied();
            let mut right: Vec<usize> = row.answers.iter().filter_map(|a| number(a)).collect();
            right.sort_unstable();
            right.dedup();
            for question in std::iter::once(&row.question).chain(&row.paraphrases) {
                if right.is_empty() {
                    exam.lost += 1;
                    continue;
                }
                exam.questions.push(question.clone());
                exam.right.push(right.clone());
            }
        }
        exam
    }

    /// Searches by keyword score alone.
    pub fn by_words(&self) -> Result<Figures, Failure> {
        let words = Bm25Index::grouped(&self.texts, &self.owners)?;
        let ranks = self.ranks(|number| words.scores(&self.questions[number]));
        figures(&ranks)
    }

    /// Searches by the vectors of texts and questions, and by keyword scores if enabled.
    pub fn by_vectors(
        &self,
        texts: Matrix,
        questions: &Matrix,
        words: Words,
    ) -> Result<Asked, Failure> {
        let counts = (words.weight > 0.0).then_some(words);
        let index = Words::index(counts, texts, self.owners.clone(), &self.texts)?;
        let scores = |hits: Vec<Hit>| hits.iter().map(|hit| hit.score).collect::<Vec<f32>>();
        let meaning = self.ranks(|number| scores(index.scores(questions.row(number))));
        if words.weight <= 0.0 {
            return Ok(Asked {
                shipped: figures(&meaning)?,
                meaning: None,
                firsts: self.firsts(&meaning),
            });
        }
        let shipped = self.ranks(|number| {
            scores(index.ask_scores(&self.questions[number], questions.row(number)))
        });
        Ok(Asked {
            shipped: figures(&shipped)?,
            meaning: Some(figures(&meaning)?),
            firsts: self.firsts(&shipped),
        })
    }

    fn firsts(&self, ranks: &[Vec<usize>]) -> Firsts {
        let first = ranks.iter().map(|ranks| ranks.first() == Some(&1));
        self.questions.iter().cloned().zip(first).collect()
    }

    /// Ranks of each question's right answers. `scores` computes all scores of a question.
    fn ranks(&self, scores: impl Fn(usize) -> Vec<f32> + Sync) -> Vec<Vec<usize>> {
        let ranks = self.right.par_iter().enumerate().map(|(number, right)| {
            rank_right_answers(PoolScores {
                scores: &scores(number),
                right,
            })
        });
        ranks.collect()
    }
}

fn figures(ranks: &[Vec<usize>]) -> Result<Figures, Failure> {
    Figures::of(ranks).ok_or_else(|| "there is no question that could be asked".into())
}

/// Id of each answer, by its normalised text.
pub fn numbers(set: &AnswerSet) -> HashMap<String, usize> {
    let answers = set.iter().map(|known| normalize(&known.answer));
    answers.zip(0..).collect()
}

/// Questions of rows.
pub fn to_ask(rows: &[Row]) -> Vec<TestQuestion> {
    let to_ask = |row: &Row| TestQuestion {
        line: row.line,
        question: row.question.clone(),
        paraphrases: row.paraphrases.clone(),
        answers: vec![row.answer.clone()],
    };
    rows.iter().map(to_ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(question: &str, answer: &str) -> Row {
        Row {
            question: question.into(),
            answer: answer.into(),
            ..Row::default()
        }
    }

    /// Three rows of two answers, one of them in two spellings.
    fn rows() -> [Row; 3] {
        [
            row("how much", "Ten."),
            row("what price", "TEN."),
            row("when", "At noon."),
        ]
    }

    #[test]
    fn exam_merges_equal_answers_and_leaves_out_missing_ones() {
        let mut questions = to_ask(&rows());
        questions[2].answers.push("ten.".into());
        questions.push(TestQuestion {
            answers: vec!["Nowhere.".into()],
            ..TestQuestion::default()
        });
        let exam = Exam::of_answers("", &rows(), &questions);
        assert_eq!(exam.texts, ["Ten.", "At noon."]);
        assert_eq!(exam.right, [vec![0], vec![0], vec![0, 1]]);
        assert_eq!((exam.answers, exam.lost), (2, 1));
    }

    #[test]
    fn answer_ranks_by_its_best_text() {
        let exam = Exam::of_index("", &rows(), &to_ask(&rows()[1..]));
        assert_eq!(
            exam.texts,
            ["Ten.", "how much", "what price", "At noon.", "when"]
        );
        assert_eq!(exam.by_words().unwrap().recall_1, 1.0);
        let at = |degrees: f32| [degrees.to_radians().cos(), degrees.to_radians().sin()];
        let texts = Matrix::from_rows(&[at(90.0), at(80.0), at(10.0), at(30.0), at(40.0)]).unwrap();
        let questions = Matrix::from_rows(&[at(0.0), at(19.0)]).unwrap();
        // Both are nearest to the first answer's paraphrase, which is wrong for the second.
        let asked = exam
            .by_vectors(texts.clone(), &questions, Words::by_answer(0.0))
            .unwrap();
        assert_eq!((asked.shipped.recall_1, asked.shipped.mrr_10), (0.5, 0.75));
        assert_eq!(asked.meaning, None);
        let firsts = [("what price", true), ("when", false)];
        let firsts = firsts.map(|(question, first)| (question.to_owned(), first));
        assert_eq!(asked.firsts, firsts.into());
        let asked = exam
            .by_vectors(texts, &questions, Words::by_answer(1.0))
            .unwrap();
        assert_eq!(asked.shipped.recall_1, 1.0);
        assert_eq!(asked.meaning.unwrap().recall_1, 0.5);
    }
}
