//! Making a project from an exported directory.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nearsay_store::{DiskStore, Store};

use super::{Event, EventSender, thread};
use crate::{state::UserError, text};
use nearsay_project::adopt::{self, Labels};

/// Makes the project on a thread.
pub(super) fn start(
    from: PathBuf,
    data_dir: PathBuf,
    events: EventSender,
) -> Result<(), UserError> {
    let panic_events = events.clone();
    thread::start(
        "adopt",
        move || {
            let adopted = adopt_folder(&from, &data_dir, &events);
            events.send(Event::Adopted(Box::new(adopted)));
        },
        move || panic_events.send(Event::Adopted(Box::new(Err(text::error::broken())))),
    )
}

fn adopt_folder(
    from: &Path,
    data_dir: &Path,
    events: &EventSender,
) -> Result<adopt::Adopted, UserError> {
    let store: Arc<dyn Store> = Arc::new(DiskStore);
    let labels = Labels {
        unnamed: text::shell::NEW_PROJECT,
        import: text::folder::import,
        described: text::folder::IMPORT_WHAT,
        no_question: text::folder::NO_QUESTION,
        no_question_fix: text::folder::NO_QUESTION_FIX,
    };
    adopt::adopt(&store, data_dir, from, &labels, &mut |done, total| {
        let fraction = done as f32 / total.max(1) as f32;
        events.send_progress(Event::Adopting(fraction));
    })
    .map_err(text::error::project)
}
