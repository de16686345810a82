//! The system's file dialog, without ever blocking the window.

use std::{future::Future, path::PathBuf, pin::Pin};

use super::{Event, Outlet, thread};
use crate::{state::Trouble, text};

/// The file somebody picks, some time; `None` when they pick none.
pub type Picking = Pin<Box<dyn Future<Output = Option<PathBuf>> + Send>>;

/// Something that lets somebody pick a file: the system's dialog, or a stand-in for it.
pub trait FileDialog {
    /// Starts picking. Called on the window's own thread, which macOS demands; the future is
    /// awaited on another.
    fn pick(&mut self) -> Picking;
}

/// The system's own dialog. Where the system has none, it ends at once without a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDialog;

impl FileDialog for SystemDialog {
    fn pick(&mut self) -> Picking {
        let picking = rfd::AsyncFileDialog::new()
            .set_title(text::data::DIALOG_TITLE)
            .add_filter(text::data::DIALOG_FILTER, &text::data::READABLE)
            .add_filter(text::data::DIALOG_ALL, &["*"])
            .pick_file();
        Box::pin(async move { picking.await.map(|file| file.path().to_path_buf()) })
    }
}

/// Awaits the dialog on a named thread.
pub(super) fn start(picking: Picking, outlet: Outlet) -> Result<(), Trouble> {
    let broken = outlet.clone();
    thread::start(
        "file-dialog",
        move || outlet.send(Event::Picked(pollster::block_on(picking))),
        move || broken.send(Event::Picked(None)),
    )
}
