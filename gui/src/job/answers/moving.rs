//! The project as the questions kept aside are asked of it: answers moved towards the questions of
//! answers like them, those kept aside not being there. A few answers at a time.

use nearsay_core::{
    expansion::{Expansion, Kind, Own, Texts},
    index::Index,
    lexical::Lexical,
    matrix::Matrix,
};

use super::{bench::inside, layout::Layout};
use crate::state::Trouble;

/// So many answers are moved before the thread looks up.
const PIECE: usize = 256;

/// Vectors of all texts on the way to an index.
pub(super) struct Moving {
    expansion: Expansion,
    own: Own,
    vectors: Matrix,
    /// The texts that are answers, and how many of them are done.
    answers: Vec<usize>,
    done: usize,
}

impl Moving {
    /// Starts with the vectors of all texts as the model makes them.
    pub(super) fn new(
        layout: &Layout,
        plain: Matrix,
        weight: f32,
        own: Own,
    ) -> Result<Self, Trouble> {
        let kinds = layout.kinds(|aside| match aside {
            true => Kind::KeptAside,
            false => Kind::Question,
        });
        let texts = Texts {
            vectors: &plain,
            owners: &layout.owners,
            kinds: &kinds,
        };
        let is_answer = |text: &usize| kinds.get(*text) == Some(&Kind::Answer);
        Ok(Self {
            expansion: Expansion::of(weight, &texts).map_err(inside)?,
            own,
            answers: (0..kinds.len()).filter(is_answer).collect(),
            vectors: plain,
            done: 0,
        })
    }

    /// Moves some answers; false when there are none left.
    pub(super) fn step(&mut self, layout: &Layout) -> Result<bool, Trouble> {
        let end = (self.done + PIECE).min(self.answers.len());
        let now = self.answers.get(self.done..end).unwrap_or_default();
        move_some(&self.expansion, layout, now, self.own, &mut self.vectors)?;
        self.done = end;
        Ok(end < self.answers.len())
    }

    /// What they are asked of.
    pub(super) fn finish(self, layout: &Layout, words: f32) -> Result<Index, Trouble> {
        index(layout, self.vectors, words)
    }
}

/// Moves the vectors of some texts, which are answers.
pub(super) fn move_some(
    expansion: &Expansion,
    layout: &Layout,
    texts: &[usize],
    own: Own,
    vectors: &mut Matrix,
) -> Result<(), Trouble> {
    let rows: Vec<&[f32]> = texts.iter().map(|text| vectors.row(*text)).collect();
    let mut moved = Matrix::from_rows(&rows).map_err(inside)?;
    let owner = |text: &usize| layout.owners.get(*text).copied().unwrap_or_default();
    let groups: Vec<u64> = texts.iter().map(|text| owner(text).into()).collect();
    expansion.apply(&mut moved, &groups, own).map_err(inside)?;
    for (text, vector) in texts.iter().zip(moved.iter_rows()) {
        vectors.row_mut(*text).copy_from_slice(vector);
    }
    Ok(())
}

/// An index of all texts, with their words if these count.
pub(super) fn index(layout: &Layout, vectors: Matrix, words: f32) -> Result<Index, Trouble> {
    Index::new(vectors, layout.owners.clone())
        .and_then(|index| match words > 0.0 {
            true => index.with_words(Lexical::new(&layout.texts()), words),
            false => Ok(index),
        })
        .map_err(inside)
}
