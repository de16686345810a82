//! A trained model's folder, asked.

use super::{
    Failure,
    exam::{Asked, Exam},
};
use candle_core::Device;
use nearsay_core::{matrix::Matrix, servable::Servable, store::DiskStore};
use std::{collections::HashMap, path::Path};

/// A folder as it is served.
pub struct Folder {
    pub served: Servable,
    /// Numbers of the vectors it has, by their text.
    known: HashMap<String, usize>,
}

impl Folder {
    /// Opens one.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let served = Servable::open(&DiskStore, dir, &Device::Cpu)?;
        let texts = served.answers().texts().into_iter().map(str::to_owned);
        Ok(Self {
            known: texts.zip(0..).collect(),
            served,
        })
    }

    /// What words count for in it.
    pub fn words(&self) -> f32 {
        self.served.index().words_weight()
    }

    /// Unit vectors of texts; those it has are not made again.
    pub fn vectors(&self, texts: &[&str]) -> Result<Matrix, Failure> {
        let unknown = |text: &&str| !self.known.contains_key(*text);
        let fresh: Vec<&str> = texts.iter().copied().filter(unknown).collect();
        let fresh = self.served.model().encode(&fresh)?;
        let mut fresh = fresh.iter_rows();
        let kept = self.served.index().vectors();
        let row = |text: &&str| match self.known.get(*text) {
            Some(number) => Some(kept.row(*number)),
            None => fresh.next(),
        };
        let rows: Option<Vec<&[f32]>> = texts.iter().map(row).collect();
        Ok(Matrix::from_rows(&rows.ok_or("a vector is missing")?)?)
    }

    /// Asks it an exam.
    pub fn ask(&self, exam: &Exam) -> Result<Asked, Failure> {
        let vectors = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.vectors(&texts)
        };
        let (texts, questions) = (vectors(&exam.texts)?, vectors(&exam.questions)?);
        exam.by_vectors(texts, &questions, self.words())
    }
}
