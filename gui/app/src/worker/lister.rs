//! Which rows the table shows, in which order, and what could be mended: worked out on a thread.

mod review;

use std::sync::{
    Arc,
    mpsc::{self, Sender},
};

use super::{Event, Outlet};
use crate::{
    state::{Column, Listing, Only, Review, Sort, UserError},
    text,
};
use nearsay_project::{Entries, EntryId, RowId};

/// What is to be listed.
#[derive(Debug, Clone, Default)]
pub struct ListWanted {
    /// The project's revision.
    pub revision: u64,
    /// Its entries.
    pub entries: Entries,
    /// Only rows with these letters.
    pub filter: String,
    /// Only rows of this kind.
    pub only: Only,
    /// Their order.
    pub sort: Sort,
    /// Entries that look alike and are not.
    pub apart: Vec<(EntryId, EntryId)>,
}

/// The thread. It ends when this is dropped.
pub(super) struct Handle(Sender<ListWanted>);

impl Handle {
    pub(super) fn list(&self, wanted: ListWanted) {
        self.0.send(wanted).ok();
    }
}

pub(super) fn start(outlet: Outlet) -> Result<Handle, UserError> {
    let (sender, inbox) = mpsc::channel::<ListWanted>();
    std::thread::Builder::new()
        .name("rows".to_owned())
        .spawn(move || {
            let mut review = Review::default();
            while let Ok(mut wanted) = inbox.recv() {
                while let Ok(newer) = inbox.try_recv() {
                    wanted = newer;
                }
                let rows = list(&wanted, &review);
                outlet.send(Event::Listed(Listing {
                    rows: Arc::new(rows),
                    revision: wanted.revision,
                }));
                if review.revision == wanted.revision {
                    continue;
                }
                let work = || review::review(&wanted);
                match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                    Ok(found) => review = found,
                    // Without suggestions the table is as good as before.
                    Err(_) => review.revision = wanted.revision,
                }
                outlet.send(Event::Reviewed(Box::new(review.clone())));
                if wanted.only == Only::Suggested {
                    outlet.send(Event::Listed(Listing {
                        rows: Arc::new(list(&wanted, &review)),
                        revision: wanted.revision,
                    }));
                }
            }
        })
        .map(|_| Handle(sender))
        .map_err(|error| text::error::no_thread().with_detail(error.to_string()))
}

fn list(wanted: &ListWanted, review: &Review) -> Vec<RowId> {
    let needle = wanted.filter.trim().to_lowercase();
    let suggested: std::collections::HashSet<RowId> = review
        .suggestions
        .iter()
        .flat_map(|suggestion| [suggestion.one, suggestion.other])
        .collect();
    let mut rows: Vec<RowId> = Vec::new();
    for (id, entry) in wanted.entries.iter() {
        let whole = needle.is_empty()
            || holds(&entry.answer, &needle)
            || entry
                .source
                .as_ref()
                .is_some_and(|text| holds(text, &needle));
        for (wording, number) in entry.wordings.iter().zip(0..) {
            let row = RowId {
                entry: *id,
                wording: number,
            };
            let kind = match wanted.only {
                Only::All => true,
                Only::HeldOut => wording.check,
                Only::SingleParaphrase => entry.wordings.len() == 1,
                Only::Suggested => suggested.contains(&row),
            };
            if kind && (whole || holds(&wording.text, &needle)) {
                rows.push(row);
            }
        }
    }
    sort(&mut rows, wanted);
    rows
}

/// Without case, and without making a copy where all letters are plain.
fn holds(text: &str, needle: &str) -> bool {
    if needle.is_ascii() && text.is_ascii() {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        return text
            .windows(needle.len())
            .any(|part| part.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}

fn sort(rows: &mut [RowId], wanted: &ListWanted) {
    let entry = |row: &RowId| wanted.entries.get(&row.entry);
    let key = |row: &RowId| -> String {
        let Some(entry) = entry(row) else {
            return String::new();
        };
        let wording = entry.wordings.get(row.wording as usize);
        match wanted.sort.by {
            Column::Number => String::new(),
            Column::Question => wording.map_or_else(String::new, |way| way.text.to_lowercase()),
            Column::Answer => entry.answer.to_lowercase(),
            Column::Source => entry.source.as_deref().unwrap_or_default().to_lowercase(),
            Column::Role => match wording.is_some_and(|way| way.check) {
                true => "1".to_owned(),
                false => "0".to_owned(),
            },
        }
    };
    if wanted.sort.by != Column::Number {
        rows.sort_by_cached_key(|row| (key(row), *row));
    }
    if wanted.sort.down {
        rows.reverse();
    }
}
