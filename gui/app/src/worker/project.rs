//! Opening a project and saving its changes.

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

use nearsay_store::{DiskStore, FileKind, Store, StoreError};

use super::{Event, EventSender, thread::start_error};
use crate::{state::UserError, text};
use nearsay_project::{Document, Folder, Models, folder, journal::Record, library, sample};

/// Time until a failed save is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Depth of the directories within `models` that are copied with a project.
const MAX_COPY_DEPTH: u8 = 3;

/// The project to open.
#[derive(Debug, Clone)]
pub enum ProjectSource {
    /// An existing project in this directory.
    Dir(PathBuf),
    /// A new copy of the sample.
    Sample,
    /// A new, empty project of this name.
    New(String),
    /// A document that isn't on disk yet.
    Unsaved(Box<Document>),
    /// A copy of the open project, with the models of its directory.
    Copy(Box<Document>, Box<Models>, PathBuf),
}

/// A project that was opened.
#[derive(Debug)]
pub struct OpenedProject {
    /// `None` if the project cannot be saved.
    pub dir: Option<PathBuf>,
    pub document: Document,
    pub models: Models,
    /// Another window has the project open.
    pub read_only: bool,
    /// Set if the last window crashed: the age of its last edit in seconds.
    pub restored_s: Option<u64>,
    /// The latest snapshot is damaged, so the one before was read.
    pub from_backup: bool,
    /// Reason why the project cannot be saved.
    pub error: Option<UserError>,
}

impl OpenedProject {
    fn new(dir: Option<PathBuf>, document: Document, models: Models) -> Self {
        Self {
            dir,
            document,
            models,
            read_only: false,
            restored_s: None,
            from_backup: false,
            error: None,
        }
    }
}

enum ProjectRequest {
    Save(Box<Record>),
    Retry,
}

/// Thread that saves a project. It saves what is left before it ends.
pub(super) struct ProjectWorker {
    requests: Option<Sender<ProjectRequest>>,
    thread: Option<JoinHandle<()>>,
    /// Number of records that aren't on disk yet.
    unsaved: Arc<AtomicUsize>,
}

impl ProjectWorker {
    /// Finishes the previous worker, opens a project, and saves its changes from then on.
    pub(super) fn start(
        source: ProjectSource,
        data_dir: PathBuf,
        previous: Option<Self>,
        events: EventSender,
    ) -> Result<Self, UserError> {
        let (requests, inbox) = mpsc::channel();
        let unsaved = Arc::new(AtomicUsize::new(0));
        let thread_unsaved = Arc::clone(&unsaved);
        let thread = std::thread::Builder::new()
            .name("project".to_owned())
            .spawn(move || {
                if let Some(previous) = previous {
                    previous.finish();
                }
                let (opened, folder) = match open_source(source, &data_dir) {
                    Ok(found) => found,
                    Err(error) => {
                        events.send(Event::Opened(Box::new(Err(error))));
                        return;
                    }
                };
                let (document, models) = (opened.document.clone(), opened.models.clone());
                events.send(Event::Opened(Box::new(Ok(opened))));
                if let Some(folder) = folder {
                    save_records(folder, document, models, &inbox, &thread_unsaved, &events);
                }
            })
            .map_err(start_error)?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
            unsaved,
        })
    }

    pub(super) fn save(&self, record: Record) {
        self.unsaved.fetch_add(1, Ordering::Relaxed);
        self.request(ProjectRequest::Save(Box::new(record)));
    }

    pub(super) fn is_all_saved(&self) -> bool {
        self.unsaved.load(Ordering::Relaxed) == 0
    }

    pub(super) fn retry(&self) {
        self.request(ProjectRequest::Retry);
    }

    /// Waits until everything is saved.
    pub(super) fn finish(mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that saves the project panicked");
        }
    }

    fn request(&self, request: ProjectRequest) {
        if let Some(requests) = &self.requests {
            // The thread of a project without a directory has ended; the window shows that the
            // project isn't saved.
            if requests.send(request).is_err() {
                tracing::debug!("the project isn't saved: it has no directory");
            }
        }
    }
}

/// A project, with the handle for saving it.
type Found = (OpenedProject, Option<Folder>);

fn open_source(source: ProjectSource, data_dir: &Path) -> Result<Found, UserError> {
    let store: Arc<dyn Store> = Arc::new(DiskStore);
    let (document, models) = match source {
        ProjectSource::Dir(dir) => return open_dir(store, &dir),
        ProjectSource::Sample => (
            sample::create_document(text::shell::SAMPLE, text::shell::SAMPLE_FILE),
            Models::default(),
        ),
        ProjectSource::New(name) => (Document::named(&name, folder::now_s()), Models::default()),
        ProjectSource::Unsaved(document) => (*document, Models::default()),
        ProjectSource::Copy(document, models, from) => {
            let mut document = *document;
            document.options.name = text::shell::copy_of(&document.options.name);
            document.options.sample = false;
            let (dir, folder) = create_dir(&store, data_dir, &document, &models)?;
            copy_models(&*store, &from, &dir)?;
            return Ok((
                OpenedProject::new(Some(dir), document, *models),
                Some(folder),
            ));
        }
    };
    match create_dir(&store, data_dir, &document, &models) {
        Ok((dir, folder)) => Ok((
            OpenedProject::new(Some(dir), document, models),
            Some(folder),
        )),
        // The project can be used without a directory, even on a full or read-only disk.
        Err(error) => Ok((
            OpenedProject {
                error: Some(error),
                ..OpenedProject::new(None, document, models)
            },
            None,
        )),
    }
}

fn open_dir(store: Arc<dyn Store>, dir: &Path) -> Result<Found, UserError> {
    let opened = Folder::open(store, dir).map_err(text::error::project)?;
    let project = OpenedProject {
        read_only: opened.folder.is_none(),
        restored_s: opened.restored_s,
        from_backup: opened.from_backup,
        ..OpenedProject::new(Some(dir.to_owned()), opened.document, opened.models)
    };
    Ok((project, opened.folder))
}

fn create_dir(
    store: &Arc<dyn Store>,
    data_dir: &Path,
    document: &Document,
    models: &Models,
) -> Result<(PathBuf, Folder), UserError> {
    let dir = library::choose_project_dir(&**store, data_dir, &document.options.name)?;
    let folder =
        Folder::create(Arc::clone(store), &dir, document, models).map_err(text::error::project)?;
    Ok((dir, folder))
}

fn copy_models(store: &dyn Store, from: &Path, to: &Path) -> Result<(), StoreError> {
    let (from, to) = (from.join(folder::MODELS), to.join(folder::MODELS));
    if store.exists(&from)? {
        copy_dir(store, &from, &to, MAX_COPY_DEPTH)?;
    }
    Ok(())
}

fn copy_dir(store: &dyn Store, from: &Path, to: &Path, depth: u8) -> Result<(), StoreError> {
    store.create_dir_all(to)?;
    for entry in store.list(from)? {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        match entry.kind {
            FileKind::File => store.copy(&from, &to)?,
            FileKind::Folder if depth > 0 => copy_dir(store, &from, &to, depth - 1)?,
            _ => {}
        }
    }
    Ok(())
}

/// Saves records until the window closes the project.
fn save_records(
    mut folder: Folder,
    mut document: Document,
    mut models: Models,
    inbox: &Receiver<ProjectRequest>,
    unsaved: &AtomicUsize,
    events: &EventSender,
) {
    let mut pending: Vec<Record> = Vec::new();
    let mut is_open = true;
    while is_open {
        let next = if pending.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(RETRY_INTERVAL)
        };
        match next {
            Ok(ProjectRequest::Save(record)) => pending.push(*record),
            Ok(ProjectRequest::Retry) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => is_open = false,
        }
        while let Ok(request) = inbox.try_recv() {
            if let ProjectRequest::Save(record) = request {
                pending.push(*record);
            }
        }
        if pending.is_empty() {
            continue;
        }
        let result = folder.append(&pending).and_then(|needs_snapshot| {
            unsaved.fetch_sub(pending.len(), Ordering::Relaxed);
            for record in pending.drain(..) {
                match record {
                    Record::Edit(edit) => document.apply(&edit),
                    Record::Models(now) => models = now,
                }
            }
            if needs_snapshot {
                folder.snapshot(&document, &models)?;
            }
            Ok(())
        });
        if let Err(error) = &result {
            tracing::warn!(%error, "cannot save the project");
        }
        events.send(Event::Saved(result.err().map(text::error::project)));
    }
    if pending.is_empty()
        && let Err(error) = folder.close()
    {
        // No data is lost; the next start reports a crash.
        tracing::warn!(%error, "cannot mark the project as closed");
    }
}
