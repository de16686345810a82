//! The project as the questions kept aside are asked of it: answers moved towards questions, those kept
//! aside not being there. A few answers at a time.

use nearsay::servable::Words;
use nearsay_core::matrix::Matrix;
use nearsay_search::{
    expansion::{Expansion, Kind, Own, Rule, Texts},
    index::Index,
};

use super::{inside, layout::Layout};
use crate::state::UserError;

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
        rule: Rule,
        own: Own,
    ) -> Result<Self, UserError> {
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
            expansion: Expansion::of(rule, &texts).map_err(inside)?,
            own,
            answers: (0..kinds.len()).filter(is_answer).collect(),
            vectors: plain,
            done: 0,
        })
    }

    /// Moves some answers; false when there are none left.
    pub(super) fn step(&mut self, layout: &Layout) -> Result<bool, UserError> {
        let end = (self.done + PIECE).min(self.answers.len());
        let now = self.answers.get(self.done..end).unwrap_or_default();
        self.expansion
            .apply_to(now, &layout.owners, &mut self.vectors, self.own)
            .map_err(inside)?;
        self.done = end;
        Ok(end < self.answers.len())
    }

    /// What they are asked of.
    pub(super) fn finish(self, layout: &Layout, words: Option<Words>) -> Result<Index, UserError> {
        index(layout, self.vectors, words)
    }
}

/// An index of all texts, with their words if these count.
pub(super) fn index(
    layout: &Layout,
    vectors: Matrix,
    words: Option<Words>,
) -> Result<Index, UserError> {
    let owners = layout.owners.clone();
    Words::index(words, vectors, owners, &layout.texts()).map_err(inside)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use nearsay::servable::{AnswerSet, Confidence, Export, ExportEncoder, KnownAnswer};
    use nearsay_core::head::Folded;
    use nearsay_search::expansion::{Kind, Rule};
    use nearsay_store::DiskStore;
    use tempfile::tempdir;

    use super::{
        super::bench::{Bench, Step},
        *,
    };
    use nearsay_project::{Entry, Paraphrase, Shared};

    const FAQ: [(&str, &str, bool); 4] = [
        ("When do you open?", "At nine, on Sundays at ten.", false),
        ("When do you close?", "At six.", true),
        ("Where can I park?", "Behind the house.", false),
        ("Is parking free?", "The first hour is.", false),
    ];

    fn layout(revision: u64, faq: &[(&str, &str, bool)]) -> Layout {
        let entry = |(question, answer, check): &(&str, &str, bool)| {
            let wording = Paraphrase {
                text: (*question).to_owned(),
                held_out: *check,
                ..Paraphrase::default()
            };
            Shared::new(Entry {
                paraphrases: vec![wording],
                answer: (*answer).to_owned(),
                source: None,
            })
        };
        let entries: BTreeMap<_, _> = (1..).zip(faq.iter().map(entry)).collect();
        Layout::of(revision, Shared::new(entries))
    }

    /// A model whose answers are moved, in a folder.
    fn write(dir: &Path) {
        let encoder = nearsay_text::compact::built_in::encoder().unwrap();
        let known = |(question, answer, _): &(&str, &str, bool)| KnownAnswer {
            answer: (*answer).to_owned(),
            questions: vec![(*question).to_owned()],
            row: 1,
            source: None,
        };
        let answers = AnswerSet::from_known(FAQ.iter().map(known).collect());
        Export {
            encoder: ExportEncoder::Static {
                words: encoder.tokenizer(),
                table: encoder.embeddings().clone(),
            },
            encoder_name: "compact",
            head: &Folded::Identity,
            answers: &answers,
            vectors: &encoder.encode_all(&answers.texts()),
            confidence: &Confidence::USUAL,
            words: None,
            expansion: Some(Rule::ALIKE),
            report: serde_json::Value::Null,
        }
        .write(&DiskStore, dir)
        .unwrap();
    }

    /// The project's vectors as they should be, `aside` questions being of this kind.
    fn expected(bench: &Bench, layout: &Layout, aside: Kind, own: Own) -> Matrix {
        let plain = bench.body().model().encode(&layout.texts()).unwrap();
        let kinds = layout.kinds(|is_aside| if is_aside { aside } else { Kind::Question });
        let texts = Texts {
            vectors: &plain,
            owners: &layout.owners,
            kinds: &kinds,
        };
        texts.expanded(Rule::ALIKE, own).unwrap()
    }

    fn near(a: &[f32], b: &[f32]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn known_answers_stay_as_they_were_moved_and_new_ones_are() {
        let dir = tempdir().unwrap();
        write(dir.path());
        let mut bench = Bench::trained(dir.path()).unwrap();
        let former = layout(1, &FAQ);
        let moved = expected(&bench, &former, Kind::Question, Own::Counts);
        let mut more = FAQ.to_vec();
        more.push((
            "Do you open on holidays?",
            "No, we stay closed then.",
            false,
        ));
        let now = layout(2, &more);
        assert!(matches!(bench.step(&now, dir.path()).unwrap(), Step::Ready));
        let (_, index) = bench.index.as_ref().unwrap();
        for text in 0..former.owners.len() {
            assert!(near(index.vectors().row(text), moved.row(text)), "{text}");
        }
        let new = former.owners.len();
        let moved = expected(&bench, &now, Kind::Question, Own::Counts);
        assert!(near(index.vectors().row(new), moved.row(new)));
        let plain = bench.body().model().encode(&now.texts()).unwrap();
        assert!(!near(index.vectors().row(new), plain.row(new)));
        let kept = bench.plain.as_ref().unwrap();
        for (answer, text) in (0..now.owners.len()).step_by(2).enumerate() {
            assert!(near(kept.row(answer), plain.row(text)), "{text}");
        }
    }

    /// What is kept aside must not help to find its own answer.
    #[test]
    fn questions_kept_aside_move_nothing_while_they_are_asked() {
        let dir = tempdir().unwrap();
        write(dir.path());
        let bench = Bench::trained(dir.path()).unwrap();
        let layout = layout(1, &FAQ);
        let plain = bench.body().model().encode(&layout.texts()).unwrap();
        for own in [Own::Counts, Own::LeftOut] {
            let mut moving = Moving::new(&layout, plain.clone(), Rule::ALIKE, own).unwrap();
            while moving.step(&layout).unwrap() {}
            let index = moving.finish(&layout, None).unwrap();
            let moved = expected(&bench, &layout, Kind::KeptAside, own);
            for text in 0..layout.owners.len() {
                assert!(near(index.vectors().row(text), moved.row(text)), "{text}");
            }
            let served = expected(&bench, &layout, Kind::Question, own);
            let rows = moved.iter_rows().zip(served.iter_rows());
            assert!(!rows.into_iter().all(|(a, b)| near(a, b)), "{own:?}");
        }
    }
}
