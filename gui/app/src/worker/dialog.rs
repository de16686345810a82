//! File dialogs of the system. They never block the window.

use std::{future::Future, path::PathBuf, pin::Pin};

use super::{Event, EventSender, thread};
use crate::{
    state::{Picked, UserError},
    text,
};
use nearsay_project::files::FAQ_EXTENSIONS;

/// The files that will be picked; none if the dialog is cancelled.
pub type Picking = Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>>;

/// A file dialog: the system's, or a substitute in tests.
pub trait FileDialog {
    /// Opens the dialog. Called on the window's thread, as macOS requires; the future is awaited on
    /// another thread.
    fn pick(&mut self, what: Picked) -> Picking;
}

/// The system's dialog. On a system without one it returns no file at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDialog;

impl FileDialog for SystemDialog {
    fn pick(&mut self, what: Picked) -> Picking {
        let dialog = rfd::AsyncFileDialog::new().set_title(text::import::dialog_title(what));
        match what {
            Picked::Faqs | Picked::Questions => {
                let dialog = dialog
                    .add_filter(text::import::DIALOG_FILTER, FAQ_EXTENSIONS)
                    .add_filter(text::import::DIALOG_ALL, &["*"]);
                if what == Picked::Faqs {
                    let picking = dialog.pick_files();
                    Box::pin(async move {
                        let files = picking.await.unwrap_or_default();
                        files.iter().map(|file| file.path().to_path_buf()).collect()
                    })
                } else {
                    await_one(dialog.pick_file())
                }
            }
            Picked::Folder | Picked::Project => await_one(dialog.pick_folder()),
        }
    }
}

fn await_one(picking: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static) -> Picking {
    Box::pin(async move {
        let file = picking.await;
        file.iter().map(|file| file.path().to_path_buf()).collect()
    })
}

/// Awaits the dialog on a thread.
pub(super) fn start(what: Picked, picking: Picking, events: EventSender) -> Result<(), UserError> {
    let panic_events = events.clone();
    thread::start(
        "file-dialog",
        move || events.send(Event::Picked(what, pollster::block_on(picking))),
        move || panic_events.send(Event::Picked(what, Vec::new())),
    )
}
