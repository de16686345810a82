//! Making a project of an exported folder. The project that is open goes on meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nearsay_store::{DiskStore, Store};

use super::{Event, Outlet, thread};
use crate::{state::UserError, text};
use nearsay_project::adopt::{self, Labels};

/// Starts a thread that makes the project.
pub(super) fn start(from: PathBuf, data_dir: PathBuf, outlet: Outlet) -> Result<(), UserError> {
    let broken = outlet.clone();
    thread::start(
        "folder",
        move || {
            let adopted = work(&from, &data_dir, &outlet);
            outlet.send(Event::Adopted(Box::new(adopted)));
        },
        move || {
            let error = Err(text::error::broken());
            broken.send(Event::Adopted(Box::new(error)));
        },
    )
}

fn work(from: &Path, data_dir: &Path, outlet: &Outlet) -> Result<adopt::Adopted, UserError> {
    let store: Arc<dyn Store> = Arc::new(DiskStore);
    let labels = Labels {
        unnamed: text::shell::NEW_PROJECT,
        import: text::folder::import,
        described: text::folder::IMPORT_WHAT,
        no_question: text::folder::NO_QUESTION,
        no_question_fix: text::folder::NO_QUESTION_FIX,
    };
    adopt::adopt(&store, data_dir, from, &labels, &mut |done, total| {
        let share = done as f32 / total.max(1) as f32;
        outlet.progress(Event::Adopting(share));
    })
    .map_err(text::error::project)
}
