//! Keeping the open project on disk, without ever blocking the window.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use nearsay_store::{DiskStore, Store, StoreError};

use super::{Event, Outlet};
use crate::{state::UserError, text};
use nearsay_project::{Document, Folder, Models, folder, journal::Record, sample, shelf};

/// What cannot be written is tried again this often.
const AGAIN: Duration = Duration::from_secs(3);

/// Which project to open.
#[derive(Debug, Clone)]
pub enum Which {
    /// The one in this folder.
    At(PathBuf),
    /// A new copy of the sample.
    Sample,
    /// A new one of this name.
    New(String),
    /// This one, which could not be kept so far.
    Unkept(Box<Document>),
    /// A copy of this one, with its models.
    Copy(Box<Document>, Box<Models>, PathBuf),
}

/// A project that is open now.
#[derive(Debug)]
pub struct OpenedProject {
    /// Its folder; none when it cannot be kept.
    pub dir: Option<PathBuf>,
    /// Its content.
    pub document: Document,
    /// Its models.
    pub models: Models,
    /// Another window has it.
    pub look_only: bool,
    /// The last window died; its last edit was so many seconds ago.
    pub restored_s: Option<u64>,
    /// The newest state was damaged, and this is the one before.
    pub older: bool,
    /// Why it cannot be kept.
    pub error: Option<UserError>,
}

enum Note {
    Records(Vec<Record>),
    Again,
}

/// The thread that keeps a project. When this is dropped it writes what is left and ends.
pub(super) struct Handle {
    notes: Option<Sender<Note>>,
    thread: Option<JoinHandle<()>>,
    /// Records that are not on disk yet.
    waiting: Arc<AtomicUsize>,
}

impl Handle {
    pub(super) fn keep(&self, record: Record) {
        if let Some(notes) = &self.notes {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            notes.send(Note::Records(vec![record])).ok();
        }
    }

    pub(super) fn has_kept_all(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    pub(super) fn again(&self) {
        if let Some(notes) = &self.notes {
            notes.send(Note::Again).ok();
        }
    }

    /// Waits until all is written.
    pub(super) fn finish(mut self) {
        drop(self.notes.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Opens a project on a thread, which then keeps it; the one before is finished first.
pub(super) fn start(
    which: Which,
    data_dir: PathBuf,
    last: Option<Handle>,
    outlet: Outlet,
) -> Result<Handle, UserError> {
    let (notes, inbox) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&waiting);
    let thread = std::thread::Builder::new()
        .name("project".to_owned())
        .spawn(move || {
            if let Some(last) = last {
                last.finish();
            }
            let (opened, folder) = match open(which, &data_dir) {
                Ok(found) => found,
                Err(error) => {
                    outlet.send(Event::Opened(Box::new(Err(error))));
                    return;
                }
            };
            let (document, models) = (opened.document.clone(), opened.models.clone());
            outlet.send(Event::Opened(Box::new(Ok(opened))));
            if let Some(folder) = folder {
                keep(folder, document, models, &inbox, &left, &outlet);
            }
        })
        .map_err(|error| text::error::no_thread().with_detail(error.to_string()))?;
    Ok(Handle {
        notes: Some(notes),
        thread: Some(thread),
        waiting,
    })
}

type Found = (OpenedProject, Option<Folder>);

fn open(which: Which, data_dir: &Path) -> Result<Found, UserError> {
    let store: Arc<dyn Store> = Arc::new(DiskStore);
    let (document, models) = match which {
        Which::At(dir) => return open_at(store, &dir),
        Which::Sample => (
            sample::document(text::shell::SAMPLE, text::shell::SAMPLE_FILE),
            Models::default(),
        ),
        Which::New(name) => (Document::named(&name, folder::now_s()), Models::default()),
        Which::Unkept(document) => (*document, Models::default()),
        Which::Copy(document, models, from) => {
            let mut document = *document;
            document.options.name = text::shell::copy_of(&document.options.name);
            document.options.sample = false;
            let (dir, folder) = create(&store, data_dir, &document, &models)?;
            copy_models(&*store, &from, &dir)?;
            return Ok(found(dir, folder, document, *models));
        }
    };
    match create(&store, data_dir, &document, &models) {
        Ok((dir, folder)) => Ok(found(dir, folder, document, models)),
        // A full or locked disk must not keep anybody from looking around.
        Err(error) => Ok((
            OpenedProject {
                dir: None,
                document,
                models,
                look_only: false,
                restored_s: None,
                older: false,
                error: Some(error),
            },
            None,
        )),
    }
}

fn found(dir: PathBuf, folder: Folder, document: Document, models: Models) -> Found {
    let opened = OpenedProject {
        dir: Some(dir),
        document,
        models,
        look_only: false,
        restored_s: None,
        older: false,
        error: None,
    };
    (opened, Some(folder))
}

fn open_at(store: Arc<dyn Store>, dir: &Path) -> Result<Found, UserError> {
    let opened = Folder::open(store, dir).map_err(text::error::project)?;
    let project = OpenedProject {
        dir: Some(dir.to_owned()),
        document: opened.document,
        models: opened.models,
        look_only: opened.folder.is_none(),
        restored_s: opened.restored_s,
        older: opened.older,
        error: None,
    };
    Ok((project, opened.folder))
}

fn create(
    store: &Arc<dyn Store>,
    data_dir: &Path,
    document: &Document,
    models: &Models,
) -> Result<(PathBuf, Folder), UserError> {
    let dir = shelf::new_dir(&**store, data_dir, &document.options.name)?;
    let folder =
        Folder::create(Arc::clone(store), &dir, document, models).map_err(text::error::project)?;
    Ok((dir, folder))
}

fn copy_models(store: &dyn Store, from: &Path, to: &Path) -> Result<(), StoreError> {
    let (from, to) = (from.join(folder::MODELS), to.join(folder::MODELS));
    if store.exists(&from)? {
        copy_all(store, &from, &to, 3)?;
    }
    Ok(())
}

fn copy_all(store: &dyn Store, from: &Path, to: &Path, depth: u8) -> Result<(), StoreError> {
    use nearsay_store::FileKind;
    store.create_dir_all(to)?;
    for entry in store.list(from)? {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        match entry.kind {
            FileKind::File => store.copy(&from, &to)?,
            FileKind::Folder if depth > 0 => copy_all(store, &from, &to, depth - 1)?,
            _ => {}
        }
    }
    Ok(())
}

/// Writes records until nobody sends any more.
fn keep(
    mut folder: Folder,
    mut document: Document,
    mut models: Models,
    inbox: &Receiver<Note>,
    left: &AtomicUsize,
    outlet: &Outlet,
) {
    let mut pending: Vec<Record> = Vec::new();
    let mut is_open = true;
    while is_open {
        let next = if pending.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(AGAIN)
        };
        match next {
            Ok(Note::Records(records)) => pending.extend(records),
            Ok(Note::Again) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => is_open = false,
        }
        while let Ok(note) = inbox.try_recv() {
            if let Note::Records(records) = note {
                pending.extend(records);
            }
        }
        if pending.is_empty() {
            continue;
        }
        let result = folder.append(&pending).and_then(|due| {
            left.fetch_sub(pending.len(), Ordering::Relaxed);
            for record in pending.drain(..) {
                match record {
                    Record::Edit(edit) => document.apply(&edit),
                    Record::Models(now) => models = now,
                }
            }
            if due {
                folder.snapshot(&document, &models)?;
            }
            Ok(())
        });
        outlet.send(Event::Kept(result.err().map(text::error::project)));
    }
    // Nothing is lost if the mark stays: the next start only says that it restored the work.
    if pending.is_empty() {
        folder.close().ok();
    }
}
