//! Evaluation of a trained model directory.

use super::{
    Failure,
    choices::Ranking,
    exam::{Asked, Exam},
};
use candle_core::Device;
use nearsay::{answer_index::AnswerIndex, servable::Servable};
use nearsay_core::matrix::Matrix;
use nearsay_faq::normalize;
use nearsay_search::expansion::{Expansion, Kind, Own};
use nearsay_store::DiskStore;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// Kinds of texts: the first text of each owner is the answer.
fn kinds(owners: &[u32]) -> Vec<Kind> {
    let first = |text: usize| text == 0 || owners[text - 1] != owners[text];
    let kind = |text| {
        if first(text) {
            Kind::Answer
        } else {
            Kind::Question
        }
    };
    (0..owners.len()).map(kind).collect()
}

/// A served model.
pub struct Folder {
    pub served: Servable,
    /// Raw vectors of all texts, before expansion.
    plain: Matrix,
    /// Row of each text's vector.
    known: HashMap<String, usize>,
}

impl Folder {
    /// Opens a model directory.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let mut served = Servable::open(&DiskStore, dir, &Device::Cpu)?;
        served.load_unexpanded(&DiskStore, dir)?;
        let texts = served.answers().texts().into_iter().map(str::to_owned);
        Ok(Self {
            known: texts.zip(0..).collect(),
            plain: served.answer_index().raw_vectors().into_owned(),
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
        if let Some(prototype) = self.served.manifest().prototype {
            prototype.apply(&mut texts, &exam.owners, &kinds(&exam.owners))?;
        }
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

    /// Its answers and paraphrases.
    pub fn index(&self) -> &AnswerIndex {
        self.served.answer_index()
    }

    fn expander<T: AsRef<str>>(&self, without: &[T]) -> Result<Option<Expansion>, Failure> {
        let asked: HashSet<&str> = without.iter().map(AsRef::as_ref).collect();
        let is_asked = |text: &str| asked.contains(text);
        Ok(self.index().expansion(&is_asked)?)
    }

    /// Expands the first text of each owner, which is the answer.
    fn move_answers<T: AsRef<str>>(
        &self,
        expander: &Expansion,
        texts: &[T],
        owners: &[u32],
        vectors: &mut Matrix,
        own: Own,
    ) -> Result<(), Failure> {
        let kinds = kinds(owners);
        let is_first = |text: &usize| kinds[*text] == Kind::Answer;
        let answers: Vec<usize> = (0..owners.len()).filter(is_first).collect();
        let rows: Vec<&[f32]> = answers.iter().map(|&text| vectors.row(text)).collect();
        let mut moved = Matrix::from_rows(&rows)?;
        let known = self.served.answers().iter();
        let known: HashMap<String, u64> = known
            .map(|known| normalize(&known.answer))
            .zip(0..)
            .collect();
        let group = |&text: &usize| known.get(&normalize(texts[text].as_ref())).copied();
        let groups: Vec<u64> = answers
            .iter()
            .map(|text| group(text).unwrap_or(u64::MAX))
            .collect();
        expander.apply(&mut moved, &groups, own)?;
        for (text, vector) in answers.into_iter().zip(moved.iter_rows()) {
            vectors.row_mut(text).copy_from_slice(vector);
        }
        Ok(())
    }
}
