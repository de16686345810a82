//! Copies of model directories, verified while they are written.

use super::{FileEntry, Manifest, ServableError, journal, manifest};
use nearsay_model::sha256_hex;
use nearsay_store::{ErrorKind, Store};
use std::{io, path::Path};

/// Copies a model into the existing directory `to`, with the edits in its journal. Reads each file once and verifies its
/// hash. Files that don't belong to the model aren't copied.
///
/// `on_progress` gets the number of bytes copied and the total.
///
/// # Errors
/// If a file is missing or changed, if the model has a newer format, or if a file can't be read or written. Files that
/// were already copied stay in `to`.
pub fn copy(
    store: &dyn Store,
    from: &Path,
    to: &Path,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<Manifest, ServableError> {
    let bytes = Manifest::bytes(store, from)?;
    let manifest = Manifest::parse(&bytes)?;
    let total = manifest.files.values().map(|entry| entry.bytes).sum();
    let mut done = 0;
    for (name, entry) in &manifest.files {
        if let Some((folder, _)) = name.rsplit_once('/') {
            store.create_dir_all(&to.join(folder))?;
        }
        copy_file(store, (from, to), name, entry, &mut |more| {
            done += more;
            on_progress(done, total);
        })?;
    }
    if let Some(edits) = edits_of(store, from)? {
        store.write_atomic(&to.join(journal::NAME), &edits)?;
    }
    store.write_atomic(&to.join(manifest::NAME), &bytes)?;
    Ok(manifest)
}

/// SHA-256 in hexadecimal of a model's manifest and journal. Copies have equal fingerprints; rewriting or editing the
/// model changes its fingerprint.
///
/// # Errors
/// If the directory isn't a model or can't be read.
pub fn fingerprint(store: &dyn Store, dir: &Path) -> Result<String, ServableError> {
    let mut bytes = Manifest::bytes(store, dir)?;
    bytes.extend(edits_of(store, dir)?.unwrap_or_default());
    Ok(sha256_hex(&bytes))
}

/// Content of the journal; `None` if it is missing or empty.
fn edits_of(store: &dyn Store, dir: &Path) -> Result<Option<Vec<u8>>, ServableError> {
    match store.read(&dir.join(journal::NAME), journal::LIMIT) {
        Ok(bytes) => Ok((!bytes.is_empty()).then_some(bytes)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn copy_file(
    store: &dyn Store,
    (from, to): (&Path, &Path),
    name: &str,
    entry: &FileEntry,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(), ServableError> {
    let mut wrong = None;
    let written = store.write_stream(&to.join(name), &mut |file| {
        let mut write = Ok(());
        let read = entry.stream(store, from, name, &mut |piece| {
            if write.is_ok() {
                write = file.write_all(piece);
            }
            on_bytes(piece.len() as u64);
        });
        write?;
        read.map_err(|error| {
            wrong = Some(error);
            io::Error::other("the copied file doesn't match its hash")
        })
    });
    match wrong {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests as folder, *};
    use crate::servable::{Edit, Journal, KnownAnswer, Servable};
    use candle_core::Device;
    use nearsay_store::MemStore;

    /// A model with an edit in its journal and a file that doesn't belong to it.
    fn edited() -> MemStore {
        let store = MemStore::new();
        folder::write_by(
            &store,
            &folder::head(),
            Some(0.3),
            Some(nearsay_search::expansion::Rule::ALIKE),
        )
        .unwrap();
        let precision = nearsay_bert::Precision::F32;
        let opened = Journal::open(&store, "model".as_ref(), &Device::Cpu, precision);
        let (mut journal, _) = opened.unwrap();
        let answer = KnownAnswer {
            answer: "a b a".into(),
            questions: vec!["ab".into()],
            row: 0,
            source: None,
        };
        journal.append(&Edit::Add(answer)).unwrap();
        drop(journal);
        let notes = Path::new("model/notes.txt");
        store.write_atomic(notes, b"my own").unwrap();
        store
    }

    #[test]
    fn copy_has_same_answers_and_fingerprint() {
        let store = edited();
        let (from, to) = (Path::new("model"), Path::new("copy"));
        store.create_dir_all(to).unwrap();
        let mut told = Vec::new();
        copy(&store, from, to, &mut |done, total| {
            told.push((done, total));
        })
        .unwrap();
        let open = |dir| Servable::open(&store, dir, &Device::Cpu).unwrap();
        let (before, after) = (open(from), open(to));
        assert_eq!(before.answers(), after.answers());
        assert_eq!(before.answers().len(), 3);
        assert_eq!(before.index().vectors(), after.index().vectors());
        assert!(!store.exists(&to.join("notes.txt")).unwrap());
        assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(told.last().is_some_and(|(done, total)| done == total));
        let known = |dir| fingerprint(&store, dir).unwrap();
        assert_eq!(known(from), known(to));
        store.write_atomic(&to.join(journal::NAME), b"").unwrap();
        assert_ne!(known(from), known(to));
    }

    #[test]
    fn copy_names_damaged_file_and_does_not_copy_it() {
        let whole = edited();
        let manifest = Manifest::read(&whole, "model".as_ref()).unwrap();
        for name in manifest.files.keys() {
            let store = whole.snapshot();
            let path = Path::new("model").join(name);
            let bytes = store.read(&path, 1 << 20).unwrap();
            store.write_atomic(&path, &bytes[1..]).unwrap();
            store.create_dir_all("copy".as_ref()).unwrap();
            let copied = copy(&store, "model".as_ref(), "copy".as_ref(), &mut |_, _| {});
            let error = copied.unwrap_err().to_string();
            assert!(error.contains(name.as_str()), "{name}: {error}");
            assert!(!store.exists(&Path::new("copy").join(name)).unwrap());
            assert!(!store.exists("copy/nearsay.json".as_ref()).unwrap());
        }
    }
}
