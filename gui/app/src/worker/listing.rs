//! Listing the rows of the table, and looking for suggestions.

mod review;

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
};

use super::{Event, EventSender, thread::start_error};
use crate::state::{Column, Listing, Only, Review, Sort, UserError};
use nearsay_project::{Entries, EntryId, Paraphrase, RowId};

/// Entries to list, with filter and order.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// The project's revision.
    pub revision: u64,
    pub entries: Entries,
    /// Text that the rows contain, in any case.
    pub filter: String,
    /// Kind of rows.
    pub only: Only,
    pub sort: Sort,
    /// Pairs of entries without suggestions to merge them.
    pub apart: Vec<(EntryId, EntryId)>,
}

/// Thread that lists rows. It ends when this handle is dropped.
pub(super) struct ListWorker(Sender<ListRequest>);

impl ListWorker {
    pub(super) fn start(events: EventSender) -> Result<Self, UserError> {
        let (sender, inbox) = mpsc::channel();
        std::thread::Builder::new()
            .name("listing".to_owned())
            .spawn(move || answer_requests(&inbox, &events))
            .map(|_| Self(sender))
            .map_err(start_error)
    }

    /// Requests a listing. A request replaces earlier ones that aren't being worked on.
    pub(super) fn request(&self, request: ListRequest) {
        if self.0.send(request).is_err() {
            tracing::warn!("cannot list rows: the thread has ended");
        }
    }
}

fn answer_requests(inbox: &Receiver<ListRequest>, events: &EventSender) {
    let mut review = Review::default();
    while let Ok(mut request) = inbox.recv() {
        while let Ok(newer) = inbox.try_recv() {
            request = newer;
        }
        send_listing(&request, &review, events);
        if review.revision == request.revision {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| review::review_entries(&request))) {
            Ok(found) => review = found,
            Err(_) => {
                // The table works without suggestions.
                tracing::error!("looking for suggestions panicked");
                review.revision = request.revision;
            }
        }
        events.send(Event::Reviewed(Box::new(review.clone())));
        if request.only == Only::Suggested {
            send_listing(&request, &review, events);
        }
    }
}

fn send_listing(request: &ListRequest, review: &Review, events: &EventSender) {
    events.send(Event::Listed(Listing {
        rows: Arc::new(list_rows(request, review)),
        revision: request.revision,
    }));
}

fn list_rows(request: &ListRequest, review: &Review) -> Vec<RowId> {
    let needle = request.filter.trim().to_lowercase();
    let suggested: HashSet<RowId> = review
        .suggestions
        .iter()
        .flat_map(|suggestion| [suggestion.one, suggestion.other])
        .collect();
    let mut rows: Vec<RowId> = Vec::new();
    for (id, entry) in request.entries.iter() {
        let entry_matches = needle.is_empty()
            || contains_text(&entry.answer, &needle)
            || entry
                .source
                .as_ref()
                .is_some_and(|text| contains_text(text, &needle));
        for (paraphrase, number) in entry.paraphrases.iter().zip(0..) {
            let row = RowId {
                entry: *id,
                paraphrase: number,
            };
            let matches_kind = match request.only {
                Only::All => true,
                Only::HeldOut => paraphrase.held_out,
                Only::SingleParaphrase => entry.paraphrases.len() == 1,
                Only::Suggested => suggested.contains(&row),
            };
            if matches_kind && (entry_matches || contains_text(&paraphrase.text, &needle)) {
                rows.push(row);
            }
        }
    }
    sort_rows(&mut rows, request);
    rows
}

/// Compares without case. Doesn't copy ASCII texts. `needle` is lower-case.
fn contains_text(text: &str, needle: &str) -> bool {
    if needle.is_ascii() && text.is_ascii() {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        return text
            .windows(needle.len())
            .any(|part| part.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}

fn sort_rows(rows: &mut [RowId], request: &ListRequest) {
    if request.sort.by != Column::Number {
        rows.sort_by_cached_key(|row| (make_sort_key(row, request), *row));
    }
    if request.sort.down {
        rows.reverse();
    }
}

fn make_sort_key(row: &RowId, request: &ListRequest) -> String {
    let Some(entry) = request.entries.get(&row.entry) else {
        return String::new();
    };
    let paraphrase: Option<&Paraphrase> = entry.paraphrases.get(row.paraphrase as usize);
    match request.sort.by {
        Column::Number => String::new(),
        Column::Question => {
            paraphrase.map_or_else(String::new, |paraphrase| paraphrase.text.to_lowercase())
        }
        Column::Answer => entry.answer.to_lowercase(),
        Column::Source => entry.source.as_deref().unwrap_or_default().to_lowercase(),
        // Training questions first.
        Column::Role => {
            let held_out = paraphrase.is_some_and(|paraphrase| paraphrase.held_out);
            u8::from(held_out).to_string()
        }
    }
}
