//! A project on disk.
//!
//! ```text
//! projects/library-3f9a/
//!   project.json        everything, as of some record
//!   journal.jsonl       the records since
//!   project.last.json   journal.last.jsonl     the same before that, should it be damaged
//!   open                there while a window has it open; left behind by one that died
//!   lock                held by the window that writes
//!   models/3/           a trained model
//!   training.jsonl  checking.jsonl             what the last training was given
//! ```

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use nearsay_store::{ErrorKind, LockGuard, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::{
    Document, Models, ProjectError,
    journal::{self, Record},
};

const SNAPSHOT: &str = "project.json";
const JOURNAL: &str = "journal.jsonl";
const LAST_SNAPSHOT: &str = "project.last.json";
const LAST_JOURNAL: &str = "journal.last.jsonl";
const OPEN: &str = "open";
const LOCK: &str = "lock";
/// The folder of the trained models.
pub const MODELS: &str = "models";
/// What a training is given to learn from.
pub const TRAINING: &str = "training.jsonl";
/// What it is given to check with.
pub const CHECKING: &str = "checking.jsonl";

/// Nothing larger is read.
const LIMIT: u64 = 8 << 30;
/// With a longer journal a snapshot is due.
const LONG_JOURNAL: u64 = 4 << 20;
/// Version of the format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct SnapshotOut<'a> {
    format: u32,
    seq: u64,
    document: &'a Document,
    models: &'a Models,
}

#[derive(Deserialize)]
struct SnapshotIn {
    seq: u64,
    document: Document,
    models: Models,
}

/// A project that this window writes.
#[derive(Debug)]
pub struct Folder {
    store: Arc<dyn Store>,
    dir: PathBuf,
    seq: u64,
    journal_bytes: u64,
    _lock: LockGuard,
}

/// A project as it was found.
#[derive(Debug)]
pub struct Opened {
    /// To write it; none when another window does.
    pub folder: Option<Folder>,
    /// Its content.
    pub document: Document,
    /// Its models.
    pub models: Models,
    /// The last window died; its last edit was so many seconds ago.
    pub restored_s: Option<u64>,
    /// The newest state was damaged, and this is the one before.
    pub older: bool,
}

impl Folder {
    /// A new project in this folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(
        store: Arc<dyn Store>,
        dir: &Path,
        document: &Document,
        models: &Models,
    ) -> Result<Self, ProjectError> {
        store.create_dir_all(&dir.join(MODELS))?;
        let lock = store.lock(&dir.join(LOCK))?;
        let mut folder = Self {
            store,
            dir: dir.to_owned(),
            seq: 0,
            journal_bytes: 0,
            _lock: lock,
        };
        folder.snapshot(document, models)?;
        folder.mark()?;
        Ok(folder)
    }

    /// Opens a project; without the right to write it while another window has it.
    ///
    /// # Errors
    /// When there is none, or neither its newest state nor the one before can be read.
    pub fn open(store: Arc<dyn Store>, dir: &Path) -> Result<Opened, ProjectError> {
        if !store.exists(&dir.join(SNAPSHOT))? && !store.exists(&dir.join(LAST_SNAPSHOT))? {
            return Err(ProjectError::NotFound {
                dir: dir.to_owned(),
            });
        }
        let lock = match store.lock(&dir.join(LOCK)) {
            Ok(lock) => Some(lock),
            Err(error) if matches!(error.kind, ErrorKind::Held) => None,
            Err(error) => return Err(error.into()),
        };
        if lock.is_some() {
            store.sweep(dir)?;
            store.sweep(&dir.join(MODELS))?;
        }
        let died = lock.is_some() && store.exists(&dir.join(OPEN))?;
        let (found, torn, older) = match load(&*store, dir, SNAPSHOT, &[JOURNAL])? {
            Some((found, torn)) => (found, torn, false),
            None => match load(&*store, dir, LAST_SNAPSHOT, &[LAST_JOURNAL, JOURNAL])? {
                Some((found, _)) => (found, true, true),
                None => {
                    return Err(ProjectError::Damaged {
                        dir: dir.to_owned(),
                    });
                }
            },
        };
        let changed = store
            .metadata(&dir.join(JOURNAL))
            .or_else(|_| store.metadata(&dir.join(SNAPSHOT)))?;
        let restored_s = died.then(|| {
            let ago = changed.modified.and_then(|time| time.elapsed().ok());
            ago.unwrap_or_default().as_secs()
        });
        let folder = match lock {
            Some(lock) => {
                let mut folder = Self {
                    journal_bytes: store
                        .metadata(&dir.join(JOURNAL))
                        .map_or(0, |about| about.len),
                    store,
                    dir: dir.to_owned(),
                    seq: found.seq,
                    _lock: lock,
                };
                if torn {
                    folder.snapshot(&found.document, &found.models)?;
                }
                folder.mark()?;
                Some(folder)
            }
            None => None,
        };
        Ok(Opened {
            folder,
            document: found.document,
            models: found.models,
            restored_s,
            older,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds records to the journal; on return they survive a power loss. Says whether a snapshot is
    /// due.
    ///
    /// # Errors
    /// When they cannot be written; none of them is there then.
    pub fn append(&mut self, records: &[Record]) -> Result<bool, ProjectError> {
        let mut bytes = Vec::new();
        for (record, seq) in records.iter().zip(self.seq + 1..) {
            bytes.extend(journal::line(seq, record)?);
        }
        self.store.append_sync(&self.dir.join(JOURNAL), &bytes)?;
        self.seq += records.len() as u64;
        self.journal_bytes += bytes.len() as u64;
        Ok(self.journal_bytes > LONG_JOURNAL)
    }

    /// Writes everything anew, and begins the journal anew. `document` and `models` must be as all
    /// records made them.
    ///
    /// # Errors
    /// When it cannot be written; the former state is there then.
    pub fn snapshot(&mut self, document: &Document, models: &Models) -> Result<(), ProjectError> {
        let bytes = serde_json::to_vec(&SnapshotOut {
            format: FORMAT,
            seq: self.seq,
            document,
            models,
        })?;
        let path = |name: &str| self.dir.join(name);
        for (from, to) in [(SNAPSHOT, LAST_SNAPSHOT), (JOURNAL, LAST_JOURNAL)] {
            if self.store.exists(&path(from))? {
                self.store.copy(&path(from), &path(to))?;
            }
        }
        // Records up to this one are passed over should the journal still be there.
        self.store.write_atomic(&path(SNAPSHOT), &bytes)?;
        self.store.write_atomic(&path(JOURNAL), b"")?;
        self.journal_bytes = 0;
        Ok(())
    }

    /// Says that the window was closed as it should be.
    ///
    /// # Errors
    /// When the mark cannot be removed; nothing is lost by that.
    pub fn close(self) -> Result<(), ProjectError> {
        Ok(self.store.remove(&self.dir.join(OPEN))?)
    }

    fn mark(&self) -> Result<(), StoreError> {
        self.store.write_atomic(&self.dir.join(OPEN), b"")
    }
}

/// A snapshot with the records after it, and whether the last of these was torn; none when the
/// snapshot cannot be read.
fn load(
    store: &dyn Store,
    dir: &Path,
    snapshot: &str,
    journals: &[&str],
) -> Result<Option<(SnapshotIn, bool)>, ProjectError> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let Some(bytes) = read(store, &dir.join(snapshot))? else {
        return Ok(None);
    };
    match serde_json::from_slice::<Version>(&bytes) {
        Ok(Version { format }) if format > FORMAT => {
            return Err(ProjectError::Newer {
                dir: dir.to_owned(),
            });
        }
        Ok(_) => {}
        Err(_) => return Ok(None),
    }
    let Ok(mut found) = serde_json::from_slice::<SnapshotIn>(&bytes) else {
        return Ok(None);
    };
    let mut torn = false;
    for name in journals {
        let bytes = read(store, &dir.join(name))?.unwrap_or_default();
        let read = journal::read(&bytes);
        torn |= read.whole < bytes.len();
        for (seq, record) in read.records {
            if seq != found.seq + 1 {
                // Before the snapshot, or after a gap: the one is in it, the other builds on what
                // is missing.
                torn |= seq > found.seq;
                continue;
            }
            found.seq = seq;
            match record {
                Record::Edit(edit) => found.document.apply(&edit),
                Record::Models(models) => found.models = models,
            }
        }
    }
    Ok(Some((found, torn)))
}

fn read(store: &dyn Store, path: &Path) -> Result<Option<Vec<u8>>, ProjectError> {
    let mut bytes = Vec::new();
    match store.metadata(path) {
        Ok(about) if about.len <= LIMIT => {}
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind, ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    store
        .open(path)?
        .read_to_end(&mut bytes)
        .map_err(|source| ProjectError::Read {
            path: path.to_owned(),
            source,
        })?;
    Ok(Some(bytes))
}

/// Seconds since 1970.
#[must_use]
pub fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edit, Entry, Wording};
    use nearsay_store::{Fault, FaultStore, MemStore};

    fn add(document: &Document, question: &str) -> Edit {
        let entry = Entry {
            wordings: vec![Wording {
                text: question.into(),
                ..Wording::default()
            }],
            answer: "Yes".into(),
            source: None,
        };
        Edit {
            what: format!("add {question}"),
            patches: vec![document.put(document.next_entry, Some(entry))],
            teaches: true,
        }
    }

    fn questions(document: &Document) -> Vec<String> {
        document
            .rows()
            .map(|(_, _, wording)| wording.text.clone())
            .collect()
    }

    #[test]
    fn what_was_appended_is_there_after_a_kill() {
        let store = MemStore::new();
        let dir = Path::new("/p");
        let mut document = Document::named("Desk", 1);
        let mut folder = Folder::create(
            Arc::new(store.snapshot()),
            dir,
            &document,
            &Models::default(),
        )
        .unwrap();
        let store = Arc::clone(&folder.store);
        for n in 0..3 {
            let edit = add(&document, &format!("q{n}"));
            document.apply(&edit);
            folder.append(&[Record::Edit(edit)]).unwrap();
        }
        drop(folder); // A killed process frees its lock and does nothing else.
        let opened = Folder::open(Arc::clone(&store), dir).unwrap();
        assert_eq!(opened.document, document);
        assert!(opened.restored_s.is_some() && opened.folder.is_some());
        // A second window may only look.
        let second = Folder::open(Arc::clone(&store), dir).unwrap();
        assert!(second.folder.is_none() && second.document == document);
        opened.folder.unwrap().close().unwrap();
        assert!(Folder::open(store, dir).unwrap().restored_s.is_none());
    }

    #[test]
    fn a_damaged_snapshot_falls_back_to_the_one_before() {
        let store: Arc<dyn Store> = Arc::new(MemStore::new());
        let dir = Path::new("/p");
        let mut document = Document::named("Desk", 1);
        let mut folder =
            Folder::create(Arc::clone(&store), dir, &document, &Models::default()).unwrap();
        for n in 0..4 {
            let edit = add(&document, &format!("q{n}"));
            document.apply(&edit);
            folder.append(&[Record::Edit(edit)]).unwrap();
            if n == 1 {
                folder.snapshot(&document, &Models::default()).unwrap();
            }
        }
        drop(folder);
        store.write_atomic(&dir.join(SNAPSHOT), b"{\"for").unwrap();
        let opened = Folder::open(store, dir).unwrap();
        assert!(opened.older);
        assert_eq!(opened.document, document);
    }

    #[test]
    fn whatever_step_fails_the_project_opens_with_all_that_was_saved() {
        let dir = Path::new("/p");
        for fault in [Fault::Crash, Fault::Full] {
            for step in 1..400 {
                let disk = FaultStore::new(MemStore::new());
                let store: Arc<FaultStore<MemStore>> = Arc::new(disk);
                let shared: Arc<dyn Store> = Arc::clone(&store) as _;
                let mut document = Document::named("Desk", 1);
                let mut folder =
                    Folder::create(shared, dir, &document, &Models::default()).unwrap();
                store.fail_step(store.steps() + step, fault);
                let mut saved = 0;
                for n in 0..4 {
                    let edit = add(&document, &format!("q{n}"));
                    document.apply(&edit);
                    if folder.append(&[Record::Edit(edit)]).is_err() {
                        break;
                    }
                    saved = n + 1;
                    if n == 1 && folder.snapshot(&document, &Models::default()).is_err() {
                        break;
                    }
                }
                let fired = store.fired();
                drop(folder);
                store.heal();
                let opened = Folder::open(store, dir).unwrap();
                let found = questions(&opened.document);
                assert!(found.len() >= saved, "step {step}: {found:?} of {saved}");
                for (n, question) in found.iter().enumerate() {
                    assert_eq!(*question, format!("q{n}"));
                }
                if !fired {
                    assert_eq!(saved, 4);
                    break;
                }
            }
        }
    }
}
