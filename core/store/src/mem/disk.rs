//! Inodes of the simulated disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};
use std::time::SystemTime;

use crate::ErrorKind;

pub(super) type Id = u64;
pub(super) type Names = BTreeMap<OsString, Id>;

pub(super) const ROOT: Id = 0;

#[derive(Clone)]
pub(super) enum Node {
    File {
        bytes: Vec<u8>,
        synced: Vec<u8>,
        modified: SystemTime,
    },
    Folder {
        names: Names,
        synced: Names,
    },
}

impl Node {
    pub(super) fn empty_file() -> Self {
        Self::File {
            bytes: Vec::new(),
            synced: Vec::new(),
            modified: SystemTime::now(),
        }
    }

    pub(super) fn empty_folder() -> Self {
        Self::Folder {
            names: Names::new(),
            synced: Names::new(),
        }
    }
}

/// Nodes by inode number, since names and file contents are synced independently. Nodes without a
/// name stay, because the synced state of a folder may still refer to them.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) nodes: BTreeMap<Id, Node>,
    pub(super) locked: BTreeSet<Id>,
}

impl Disk {
    pub(super) fn empty() -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::empty_folder())]),
            locked: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, node: Node) -> Id {
        let id = self.nodes.len() as Id; // nodes are never removed
        self.nodes.insert(id, node);
        id
    }

    pub(super) fn node(&self, id: Id) -> io::Result<&Node> {
        self.nodes
            .get(&id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn names(&self, id: Id) -> io::Result<&Names> {
        match self.node(id)? {
            Node::Folder { names, .. } => Ok(names),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn names_mut(&mut self, id: Id) -> io::Result<&mut Names> {
        match self.nodes.get_mut(&id) {
            Some(Node::Folder { names, .. }) => Ok(names),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Id> {
        self.walk(&split_path(path))
    }

    pub(super) fn walk(&self, names: &[OsString]) -> io::Result<Id> {
        names.iter().try_fold(ROOT, |id, name| {
            let found = self.names(id)?.get(name).copied();
            found.ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    /// Resolves a path to its parent folder and its name there.
    pub(super) fn resolve_parent(&self, path: &Path) -> io::Result<(Id, OsString)> {
        let mut names = split_path(path);
        let name = names.pop().ok_or(ErrorKind::BadName)?;
        if name.len() > 255 {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let parent = self.walk(&names)?;
        self.names(parent)?;
        Ok((parent, name))
    }

    pub(super) fn insert(&mut self, path: &Path, node: Node) -> io::Result<Id> {
        let (parent, name) = self.resolve_parent(path)?;
        if self.names(parent)?.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.add(node);
        self.names_mut(parent)?.insert(name, id);
        Ok(id)
    }

    pub(super) fn find_or_create_file(&mut self, path: &Path) -> io::Result<Id> {
        match self.find(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.insert(path, Node::empty_file()),
            found => found,
        }
    }
}

/// Splits a path into names from the root.
pub(super) fn split_path(path: &Path) -> Vec<OsString> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::ParentDir => {
                names.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    names
}
