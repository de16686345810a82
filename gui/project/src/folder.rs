//! A project on disk; `NOTES.md` lists its files.

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
/// Directory of the trained models.
pub const MODELS: &str = "models";
/// Outcomes of the test questions of a trained model, beside its directory.
#[must_use]
pub fn outcomes_of(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".outcomes.jsonl");
    name.into()
}

/// Input of the last training: the questions to train on.
pub const TRAINING: &str = "training.jsonl";
/// Input of the last training: the held-out questions.
pub const CHECKING: &str = "checking.jsonl";

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 8 << 30;
/// Length of the journal from which a snapshot should be written, in bytes.
const LONG_JOURNAL: u64 = 4 << 20;
const FORMAT_VERSION: u32 = 1;

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

/// A project that this process writes. It holds the lock until it is dropped.
#[derive(Debug)]
pub struct Folder {
    store: Arc<dyn Store>,
    dir: PathBuf,
    seq: u64,
    journal_bytes: u64,
    _lock: LockGuard,
}

/// A project that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Handle for writing; `None` if another window holds the lock.
    pub folder: Option<Folder>,
    pub document: Document,
    pub models: Models,
    /// Set if the last window crashed: the age of its last edit in seconds.
    pub restored_s: Option<u64>,
    /// The latest snapshot is damaged, so the one before was read.
    pub from_backup: bool,
}

impl Folder {
    /// Creates a project in a directory.
    ///
    /// # Errors
    /// If the directory cannot be written or another process holds the lock.
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
        folder.mark_open()?;
        Ok(folder)
    }

    /// Opens a project, read-only while another window holds its lock.
    ///
    /// # Errors
    /// If the directory holds no project, or neither the latest snapshot nor the one before is readable.
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
        let crashed = lock.is_some() && store.exists(&dir.join(OPEN))?;
        let (found, torn, from_backup) = match load_snapshot(&*store, dir, SNAPSHOT, &[JOURNAL])? {
            Some((found, torn)) => (found, torn, false),
            None => match load_snapshot(&*store, dir, LAST_SNAPSHOT, &[LAST_JOURNAL, JOURNAL])? {
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
        let restored_s = crashed.then(|| {
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
                folder.mark_open()?;
                Some(folder)
            }
            None => None,
        };
        Ok(Opened {
            folder,
            document: found.document,
            models: found.models,
            restored_s,
            from_backup,
        })
    }

    /// The project's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends records to the journal and syncs it, so that they survive a power loss. Returns whether
    /// the journal is long enough for a [`snapshot`](Self::snapshot).
    ///
    /// # Errors
    /// If the journal cannot be written; it contains none of the records then.
    pub fn append(&mut self, records: &[Record]) -> Result<bool, ProjectError> {
        let mut bytes = Vec::new();
        for (record, seq) in records.iter().zip(self.seq + 1..) {
            bytes.extend(journal::encode_line(seq, record)?);
        }
        self.store.append_sync(&self.dir.join(JOURNAL), &bytes)?;
        self.seq += records.len() as u64;
        self.journal_bytes += bytes.len() as u64;
        Ok(self.journal_bytes > LONG_JOURNAL)
    }

    /// Writes the whole project and starts an empty journal. `document` and `models` must include every
    /// record appended so far.
    ///
    /// # Errors
    /// If a file cannot be written; the previous state stays readable.
    pub fn snapshot(&mut self, document: &Document, models: &Models) -> Result<(), ProjectError> {
        let bytes = serde_json::to_vec(&SnapshotOut {
            format: FORMAT_VERSION,
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
        // After a crash between these lines, reading skips the records that the snapshot includes.
        self.store.write_atomic(&path(SNAPSHOT), &bytes)?;
        self.store.write_atomic(&path(JOURNAL), b"")?;
        self.journal_bytes = 0;
        Ok(())
    }

    /// Records that the window closed normally.
    ///
    /// # Errors
    /// If the marker file cannot be removed. No data is lost, but the next start reports a crash.
    pub fn close(self) -> Result<(), ProjectError> {
        Ok(self.store.remove(&self.dir.join(OPEN))?)
    }

    fn mark_open(&self) -> Result<(), StoreError> {
        self.store.write_atomic(&self.dir.join(OPEN), b"")
    }
}

/// Reads a snapshot and replays the journals. Also returns whether a journal is torn or has a gap;
/// `None` if the snapshot is missing or damaged.
fn load_snapshot(
    store: &dyn Store,
    dir: &Path,
    snapshot: &str,
    journals: &[&str],
) -> Result<Option<(SnapshotIn, bool)>, ProjectError> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let Some(bytes) = read_file(store, &dir.join(snapshot))? else {
        return Ok(None);
    };
    match serde_json::from_slice::<Version>(&bytes) {
        Ok(Version { format }) if format > FORMAT_VERSION => {
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
        let bytes = read_file(store, &dir.join(name))?.unwrap_or_default();
        let read = journal::read_records(&bytes);
        torn |= read.valid_bytes < bytes.len();
        for (seq, record) in read.records {
            if seq != found.seq + 1 {
                // The snapshot includes earlier records; later ones build on missing records.
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

fn read_file(store: &dyn Store, path: &Path) -> Result<Option<Vec<u8>>, ProjectError> {
    let mut bytes = Vec::new();
    match store.metadata(path) {
        Ok(about) if about.len <= MAX_BYTES => {}
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

/// The current time in seconds since 1970.
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
    use crate::{Edit, Entry, Paraphrase};
    use nearsay_store::{Fault, FaultStore, MemStore};

    fn add(document: &Document, question: &str) -> Edit {
        let entry = Entry {
            paraphrases: vec![Paraphrase {
                text: question.into(),
                ..Paraphrase::default()
            }],
            answer: "Yes".into(),
            source: None,
        };
        Edit {
            what: format!("add {question}"),
            patches: vec![document.patch_entry(document.next_entry, Some(entry))],
            affects_model: true,
        }
    }

    fn questions(document: &Document) -> Vec<String> {
        document
            .rows()
            .map(|(_, _, paraphrase)| paraphrase.text.clone())
            .collect()
    }

    #[test]
    fn open_restores_appended_records_after_a_crash() {
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
        drop(folder); // A killed process releases its lock and doesn't remove its marker.
        let opened = Folder::open(Arc::clone(&store), dir).unwrap();
        assert_eq!(opened.document, document);
        assert!(opened.restored_s.is_some() && opened.folder.is_some());
        // A second window opens it read-only.
        let second = Folder::open(Arc::clone(&store), dir).unwrap();
        assert!(second.folder.is_none() && second.document == document);
        opened.folder.unwrap().close().unwrap();
        assert!(Folder::open(store, dir).unwrap().restored_s.is_none());
    }

    #[test]
    fn open_falls_back_to_the_previous_snapshot() {
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
        assert!(opened.from_backup);
        assert_eq!(opened.document, document);
    }

    #[test]
    fn open_restores_saved_edits_after_a_fault_at_any_step() {
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
