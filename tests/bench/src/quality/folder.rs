//! Evaluation of a trained model directory.

use super::{
    Failure,
    choices::Ranking,
    exam::{Asked, Exam},
};
use candle_core::Device;
use nearsay::servable::{Expander, Servable, Words};
use nearsay_core::matrix::Matrix;
use nearsay_search::{expansion::Own, index::Index};
use nearsay_store::DiskStore;
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// A served model.
pub struct Folder {
    pub served: Servable,
    dir: PathBuf,
    /// Raw vectors of the answers, before expansion.
    plain: Matrix,
    /// Row of each text's vector.
    known: HashMap<String, usize>,
}

impl Folder {
    /// Opens a model directory.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let served = Servable::open(&DiskStore, dir, &Device::Cpu)?;
        let texts = served.answers().texts().into_iter().map(str::to_owned);
        Ok(Self {
            known: texts.zip(0..).collect(),
            plain: served.plain_vectors(&DiskStore, dir)?,
            dir: dir.into(),
            served,
        })
    }

    /// Weight of keyword scores.
    pub fn words(&self) -> f32 {
        self.served.index().words_weight()
    }

    /// Unit vectors of texts; texts of the model reuse their vectors.
    pub fn vectors(&self, texts: &[&str]) -> Result<Matrix, Failure> {
        let unknown = |text: &&str| !self.known.contains_key(*text);
        let fresh: Vec<&str> = texts.iter().copied().filter(unknown).collect();
        let fresh = self.served.model().encode(&fresh)?;
        let mut fresh = fresh.iter_rows();
        let row = |text: &&str| match self.known.get(*text) {
            Some(number) => Some(self.plain.row(*number)),
            None => fresh.next(),
        };
        let rows: Option<Vec<&[f32]>> = texts.iter().map(row).collect();
        Ok(Matrix::from_rows(&rows.ok_or("a vector is missing")?)?)
    }

    /// Takes an exam.
    pub fn ask(&self, exam: &Exam) -> Result<Asked, Failure> {
        self.ask_by(exam, Ranking::of(self.served.manifest()))
    }

    /// Takes an exam with other ranking settings.
    pub fn ask_by(&self, exam: &Exam, ranking: Ranking) -> Result<Asked, Failure> {
        let vectors = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.vectors(&texts)
        };
        let questions = vectors(&exam.questions)?;
        let mut texts = vectors(&exam.texts)?;
        if ranking.moved
            && let Some(expander) = self.expander(&exam.questions)?
        {
            // If paraphrases are searched, every answer keeps its own; if not, right answers lose theirs.
            let own = match exam.texts.len() == exam.answers {
                true => Own::LeftOut,
                false => Own::Counts,
            };
            self.move_answers(&expander, &exam.texts, &exam.owners, &mut texts, own)?;
        }
        exam.by_vectors(texts, &questions, ranking.words)
    }

    /// Index without these questions; document expansion uses only the other questions.
    pub fn index_without(&self, questions: &[&str]) -> Result<Index, Failure> {
        let answers = self.served.answers();
        let (texts, owners) = (answers.texts(), answers.owners());
        let mut vectors = self.plain.clone();
        if let Some(expander) = self.expander(questions)? {
            self.move_answers(&expander, &texts, &owners, &mut vectors, Own::LeftOut)?;
        }
        let words = self.served.manifest().words;
        Ok(Words::index(words, vectors, owners, &texts)?)
    }

    fn expander<T: AsRef<str>>(&self, without: &[T]) -> Result<Option<Expander>, Failure> {
        let asked: HashSet<&str> = without.iter().map(AsRef::as_ref).collect();
        let is_asked = |text: &str| asked.contains(text);
        Ok(self.served.expander(&DiskStore, &self.dir, &is_asked)?)
    }

    /// Expands the first text of each owner, which is the answer.
    fn move_answers<T: AsRef<str>>(
        &self,
        expander: &Expander,
        texts: &[T],
        owners: &[u32],
        vectors: &mut Matrix,
        own: Own,
    ) -> Result<(), Failure> {
        let is_first = |text: &usize| *text == 0 || owners[*text - 1] != owners[*text];
        let answers: Vec<usize> = (0..owners.len()).filter(is_first).collect();
        let rows: Vec<&[f32]> = answers.iter().map(|&text| vectors.row(text)).collect();
        let mut moved = Matrix::from_rows(&rows)?;
        let names: Vec<&str> = answers.iter().map(|&text| texts[text].as_ref()).collect();
        expander.apply(&names, &mut moved, own)?;
        for (text, vector) in answers.into_iter().zip(moved.iter_rows()) {
            vectors.row_mut(text).copy_from_slice(vector);
        }
        Ok(())
    }
}
