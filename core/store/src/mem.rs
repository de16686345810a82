//! A simulated disk in memory, for tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Entry, ErrorKind, FileKind, LockGuard, Metadata, ReadSeek, Sink, Steps};

mod disk;

use disk::{Disk, Id, Names, Node, ROOT, split_path};

/// Store in memory, for tests.
///
/// It behaves like [`DiskStore`](super::DiskStore), without links, pipes and permissions. The root
/// folder always exists and is also the current folder, so `/a` and `a` are the same. The store
/// tracks which content is synced, see [`MemStore::after_power_loss`].
///
/// Clones share the same disk; [`MemStore::snapshot`] creates an independent copy.
#[derive(Clone)]
pub struct MemStore {
    disk: Arc<Mutex<Disk>>,
    can_exchange: bool,
}

impl MemStore {
    /// Creates an empty disk.
    pub fn new() -> Self {
        Self::with(Disk::empty(), true)
    }

    /// Creates an empty disk that can't exchange two names, like those of some systems.
    #[must_use]
    pub fn without_exchange() -> Self {
        Self::with(Disk::empty(), false)
    }

    fn with(disk: Disk, can_exchange: bool) -> Self {
        Self {
            disk: Arc::new(Mutex::new(disk)),
            can_exchange,
        }
    }

    /// Copies the current state of the disk, without locks.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let mut disk = self.disk().clone();
        disk.locked.clear();
        Self::with(disk, self.can_exchange)
    }

    /// Copies the disk as the worst power loss would leave it, with synced content only.
    ///
    /// Files and folders have the content and names of their last sync.
    #[must_use]
    pub fn after_power_loss(&self) -> Self {
        let old = self.disk();
        let mut new = Disk::empty();
        let mut open = vec![(ROOT, ROOT)];
        while let Some((from, to)) = open.pop() {
            let Some(Node::Folder { synced, .. }) = old.nodes.get(&from) else {
                continue;
            };
            let mut names = Names::new();
            for (name, id) in synced {
                let node = match old.nodes.get(id) {
                    Some(Node::File {
                        synced, modified, ..
                    }) => Node::File {
                        bytes: synced.clone(),
                        synced: synced.clone(),
                        modified: *modified,
                    },
                    _ => Node::empty_folder(),
                };
                let copy = new.add(node);
                open.push((*id, copy));
                names.insert(name.clone(), copy);
            }
            new.nodes.insert(
                to,
                Node::Folder {
                    names: names.clone(),
                    synced: names,
                },
            );
        }
        Self::with(new, self.can_exchange)
    }

    /// Returns all files with their content, including temporary ones. Paths are relative to the root.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = self.disk();
        let mut files = BTreeMap::new();
        let mut open = vec![(PathBuf::new(), ROOT)];
        while let Some((path, id)) = open.pop() {
            match disk.nodes.get(&id) {
                Some(Node::File { bytes, .. }) => {
                    files.insert(path, bytes.clone());
                }
                Some(Node::Folder { names, .. }) => {
                    open.extend(names.iter().map(|(name, id)| (path.join(name), *id)));
                }
                None => {}
            }
        }
        files
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemStore ")?;
        f.debug_map()
            .entries(self.files().into_iter().map(|(path, b)| (path, b.len())))
            .finish()
    }
}

impl Steps for MemStore {
    fn stat(&self, path: &Path) -> io::Result<Metadata> {
        let disk = self.disk();
        Ok(match disk.node(disk.find(path)?)? {
            Node::File {
                bytes, modified, ..
            } => Metadata {
                kind: FileKind::File,
                len: bytes.len() as u64,
                modified: Some(*modified),
            },
            Node::Folder { .. } => Metadata {
                kind: FileKind::Folder,
                len: 0,
                modified: None,
            },
        })
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.stat(path).map(|metadata| metadata.kind)
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let disk = self.disk();
        let names = disk.names(disk.find(dir)?)?;
        let entry = |(name, id): (&OsString, &Id)| {
            let (kind, len) = match disk.node(*id)? {
                Node::File { bytes, .. } => (FileKind::File, bytes.len() as u64),
                Node::Folder { .. } => (FileKind::Folder, 0),
            };
            Ok(Entry {
                name: name.clone(),
                kind,
                len,
            })
        };
        names.iter().map(entry).collect()
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        let disk = self.disk();
        match disk.node(disk.find(path)?)? {
            Node::File { bytes, .. } => Ok(Box::new(Cursor::new(bytes.clone()))),
            Node::Folder { .. } => Err(ErrorKind::NotARegularFile.into()),
        }
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let mut disk = self.disk();
        let id = disk.insert(path, Node::empty_file())?;
        disk.locked.insert(id);
        Ok(Box::new(MemSink {
            id,
            start: 0,
            _lock: Some(self.unlocker(id)),
            store: self.clone(),
        }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let mut disk = self.disk();
        let id = disk.find_or_create_file(path)?;
        let start = match disk.node(id)? {
            Node::File { bytes, .. } => bytes.len() as u64,
            Node::Folder { .. } => return Err(ErrorKind::NotARegularFile.into()),
        };
        Ok(Box::new(MemSink {
            id,
            start,
            _lock: None,
            store: self.clone(),
        }))
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk().insert(dir, Node::empty_folder()).map(|_| ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let moved = disk.find(from)?;
        let (old_parent, old_name) = disk.resolve_parent(from)?;
        let (new_parent, new_name) = disk.resolve_parent(to)?;
        let folder = matches!(disk.node(moved)?, Node::Folder { .. });
        if folder
            && split_path(to).starts_with(&split_path(from))
            && split_path(to) != split_path(from)
        {
            return Err(io::ErrorKind::InvalidInput.into()); // a folder can't move into itself
        }
        if let Some(there) = disk.names(new_parent)?.get(&new_name).copied() {
            match disk.node(there)? {
                _ if there == moved => return Ok(()),
                Node::File { .. } if folder => return Err(io::ErrorKind::NotADirectory.into()),
                Node::Folder { .. } if !folder => return Err(io::ErrorKind::IsADirectory.into()),
                Node::Folder { names, .. } if !names.is_empty() => {
                    return Err(io::ErrorKind::DirectoryNotEmpty.into());
                }
                _ => {}
            }
        }
        disk.names_mut(old_parent)?.remove(&old_name);
        disk.names_mut(new_parent)?.insert(new_name, moved);
        Ok(())
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        if !self.can_exchange {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut disk = self.disk();
        let (first, second) = (disk.find(a)?, disk.find(b)?);
        let (first_parent, first_name) = disk.resolve_parent(a)?;
        let (second_parent, second_name) = disk.resolve_parent(b)?;
        disk.names_mut(first_parent)?.insert(first_name, second);
        disk.names_mut(second_parent)?.insert(second_name, first);
        Ok(())
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.find(path)?;
        let (parent, name) = disk.resolve_parent(path)?;
        disk.names_mut(parent)?.remove(&name);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let id = disk.find(dir)?;
        match disk.nodes.get_mut(&id) {
            Some(Node::Folder { names, synced }) => synced.clone_from(names),
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockGuard> {
        let mut disk = self.disk();
        let id = disk.find_or_create_file(path)?;
        if matches!(disk.node(id)?, Node::Folder { .. }) {
            return Err(ErrorKind::NotARegularFile.into());
        }
        if !disk.locked.insert(id) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(LockGuard::new(path, self.unlocker(id)))
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.disk().find(dir)?;
        Ok(1 << 40)
    }
}

struct Unlocker(MemStore, Id);

impl Drop for Unlocker {
    fn drop(&mut self) {
        self.0.disk().locked.remove(&self.1);
    }
}

impl MemStore {
    fn unlocker(&self, id: Id) -> Unlocker {
        Unlocker(self.clone(), id)
    }
}

struct MemSink {
    store: MemStore,
    id: Id,
    start: u64,
    _lock: Option<Unlocker>,
}

impl MemSink {
    fn modify(&mut self, modify: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) -> io::Result<()> {
        match self.store.disk().nodes.get_mut(&self.id) {
            Some(Node::File {
                bytes,
                synced,
                modified,
            }) => {
                modify(bytes, synced);
                *modified = SystemTime::now();
                Ok(())
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Sink for MemSink {
    fn start(&self) -> u64 {
        self.start
    }

    fn write(&mut self, more: &[u8]) -> io::Result<()> {
        self.modify(|bytes, _| bytes.extend_from_slice(more))
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.modify(|bytes, _| bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX)))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.modify(|bytes, synced| synced.clone_from(bytes))
    }
}
