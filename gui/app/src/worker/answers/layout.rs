//! The project's texts in a row, as an index needs them.

use nearsay_search::expansion::Kind;

use nearsay_project::{Entries, EntryId, RowId};

/// Every text of a project: of each entry the answer, then its wordings.
#[derive(Default)]
pub(super) struct Layout {
    /// Which revision of the project it is.
    pub(super) revision: u64,
    /// The entries.
    pub(super) entries: Entries,
    /// Their numbers; their places here are the numbers of their answers.
    pub(super) ids: Vec<EntryId>,
    /// For every text, the place of its entry.
    pub(super) owners: Vec<u32>,
    /// For every text, its wording's number plus one; 0 is the answer itself.
    pub(super) wordings: Vec<u32>,
    /// For every text, whether it is a question kept aside.
    pub(super) aside: Vec<bool>,
}

impl Layout {
    pub(super) fn of(revision: u64, entries: Entries) -> Self {
        let mut layout = Self {
            revision,
            ..Self::default()
        };
        for ((id, entry), place) in entries.iter().zip(0..) {
            layout.ids.push(*id);
            let checks = entry.paraphrases.iter().map(|wording| wording.held_out);
            for (check, number) in std::iter::once(false).chain(checks).zip(0..) {
                layout.owners.push(place);
                layout.wordings.push(number);
                layout.aside.push(check);
            }
        }
        layout.entries = entries;
        layout
    }

    /// What each text is; `question` says it of a wording, given whether it is kept aside.
    pub(super) fn kinds(&self, question: impl Fn(bool) -> Kind) -> Vec<Kind> {
        let kind = |(wording, aside): (&u32, &bool)| match wording {
            0 => Kind::Answer,
            _ => question(*aside),
        };
        self.wordings.iter().zip(&self.aside).map(kind).collect()
    }

    /// All texts, in order.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.entries
            .values()
            .flat_map(|entry| {
                let ways = entry
                    .paraphrases
                    .iter()
                    .map(|wording| wording.text.as_str());
                std::iter::once(entry.answer.as_str()).chain(ways)
            })
            .collect()
    }

    /// The entry at a place.
    pub(super) fn entry(&self, place: u32) -> Option<EntryId> {
        self.ids.get(place as usize).copied()
    }

    /// The row a text stands on: a wording's own, or the first of an answer.
    pub(super) fn row(&self, text: u32) -> Option<RowId> {
        let (owner, wording) = (
            *self.owners.get(text as usize)?,
            *self.wordings.get(text as usize)?,
        );
        Some(RowId {
            entry: self.entry(owner)?,
            paraphrase: wording.saturating_sub(1),
        })
    }
}
