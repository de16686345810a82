//! The system's file dialogs, without ever blocking the window.

use std::{future::Future, path::PathBuf, pin::Pin};

use super::{Event, Outlet, thread};
use crate::{
    state::{Picked, UserError},
    text,
};
use nearsay_project::files::FAQ_EXTENSIONS;

/// What somebody picks, some time; nothing when they pick none.
pub type Picking = Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>>;

/// Something that lets somebody pick files: the system's dialog, or a stand-in for it.
pub trait FileDialog {
    /// Starts picking. Called on the window's own thread, which macOS demands; the future is
    /// awaited on another.
    fn pick(&mut self, what: Picked) -> Picking;
}

/// The system's own dialog. Where the system has none, it ends at once without a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDialog;

impl FileDialog for SystemDialog {
    fn pick(&mut self, what: Picked) -> Picking {
        let dialog = rfd::AsyncFileDialog::new().set_title(text::import::dialog_title(what));
        match what {
            Picked::Faqs | Picked::Questions => {
                let dialog = dialog
                    .add_filter(text::import::DIALOG_FILTER, &FAQ_EXTENSIONS)
                    .add_filter(text::import::DIALOG_ALL, &["*"]);
                if what == Picked::Faqs {
                    let picking = dialog.pick_files();
                    Box::pin(async move {
                        let files = picking.await.unwrap_or_default();
                        files.iter().map(|file| file.path().to_path_buf()).collect()
                    })
                } else {
                    one(dialog.pick_file())
                }
            }
            Picked::Folder | Picked::Project => one(dialog.pick_folder()),
        }
    }
}

fn one(picking: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static) -> Picking {
    Box::pin(async move {
        let file = picking.await;
        file.iter().map(|file| file.path().to_path_buf()).collect()
    })
}

/// Awaits the dialog on a named thread.
pub(super) fn start(what: Picked, picking: Picking, outlet: Outlet) -> Result<(), UserError> {
    let broken = outlet.clone();
    thread::start(
        "file-dialog",
        move || outlet.send(Event::Picked(what, pollster::block_on(picking))),
        move || broken.send(Event::Picked(what, Vec::new())),
    )
}
