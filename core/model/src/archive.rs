//! Models in zip files, Python wheels included.
//!
//! Archives are never unpacked to a path: entry names are only compared with known names, and one entry at a time
//! is read into memory, up to a limit. Symbolic links are ignored; encrypted entries and duplicate names are errors.

use super::ModelError;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// Models have far fewer entries.
const MAX_ENTRIES: usize = 1_000;
/// Largest accepted compression ratio. Weights hardly compress and JSON shrinks to a tenth, so a larger ratio
/// indicates a zip bomb.
const MAX_RATIO: u64 = 100;
/// Entries up to this size may have any compression ratio.
const RATIO_EXEMPT: u64 = 1 << 20;

/// Regular files of an archive: their positions by name.
#[derive(Clone, Debug)]
pub struct Listing(BTreeMap<String, usize>);

fn damaged(reason: impl fmt::Display) -> ModelError {
    ModelError::Archive {
        reason: reason.to_string(),
        source: None,
    }
}

fn unreadable(reason: impl fmt::Display, source: impl Error + Send + Sync + 'static) -> ModelError {
    ModelError::Archive {
        reason: reason.to_string(),
        source: Some(Box::new(source)),
    }
}

fn open_zip<R: Read + Seek>(file: R) -> Result<ZipArchive<R>, ModelError> {
    ZipArchive::new(file).map_err(|error| unreadable("it is not a complete zip file", error))
}

impl Listing {
    /// Lists the regular files of a zip file.
    ///
    /// # Errors
    /// If it isn't a zip file, has too many entries, or lists a name twice.
    pub fn read<R: Read + Seek>(file: R) -> Result<Self, ModelError> {
        let mut archive = open_zip(file)?;
        if archive.len() > MAX_ENTRIES {
            return Err(damaged(format_args!(
                "it has {} entries, more than the limit of {MAX_ENTRIES}",
                archive.len()
            )));
        }
        if archive.has_duplicate_names() {
            return Err(damaged("it lists a name twice"));
        }
        let mut names = BTreeMap::new();
        for position in 0..archive.len() {
            let entry = archive
                .by_index_raw(position)
                .map_err(|error| unreadable("an entry is damaged", error))?;
            if entry.is_symlink() || !entry.is_file() {
                continue;
            }
            let Ok(name) = entry.name() else { continue };
            if names.insert(name.into_owned(), position).is_some() {
                return Err(damaged("it lists a name twice"));
            }
        }
        Ok(Self(names))
    }

    /// Names of the regular files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a regular file has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads a file; `None` if no regular file has this name.
    ///
    /// # Errors
    /// If the file is larger than `limit` bytes, compressed like a zip bomb, or damaged.
    pub fn read_file<R: Read + Seek>(
        &self,
        archive: R,
        name: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ModelError> {
        let Some(position) = self.0.get(name) else {
            return Ok(None);
        };
        let mut archive = open_zip(archive)?;
        let entry = archive
            .by_index(*position)
            .map_err(|error| unreadable(format_args!("{name} is damaged"), error))?;
        let size = entry.size();
        if size > limit {
            return Err(ModelError::TooLarge {
                file: name.into(),
                limit,
            });
        }
        if size > RATIO_EXEMPT && size / MAX_RATIO > entry.compressed_size() {
            return Err(damaged(format_args!(
                "{name} is compressed to less than a hundredth of its size, like a zip bomb"
            )));
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(size as usize)
            .map_err(|error| unreadable(format_args!("{name} doesn't fit into memory"), error))?;
        // The archive declares this size; the data may be longer.
        entry
            .take(size + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(format_args!("{name} is damaged"), error))?;
        if bytes.len() as u64 != size {
            return Err(damaged(format_args!(
                "{name} doesn't have its declared size"
            )));
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::zip_files;
    use std::io::Cursor;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn read_file(zip: &[u8], name: &str, limit: u64) -> Result<Option<Vec<u8>>, ModelError> {
        Listing::read(Cursor::new(zip))?.read_file(Cursor::new(zip), name, limit)
    }

    #[test]
    fn read_file_matches_full_name() {
        let zip = zip_files(&[("a/b.json", b"{}"), ("b.json", b"[]")]);
        assert_eq!(read_file(&zip, "a/b.json", 9).unwrap().unwrap(), b"{}");
        assert_eq!(read_file(&zip, "c.json", 9).unwrap(), None);
        let listing = Listing::read(Cursor::new(&zip)).unwrap();
        assert_eq!(listing.names().collect::<Vec<_>>(), ["a/b.json", "b.json"]);
    }

    #[test]
    fn read_file_rejects_file_over_limit() {
        let zip = zip_files(&[("a", &[7; 100])]);
        assert!(read_file(&zip, "a", 100).is_ok());
        assert!(matches!(
            read_file(&zip, "a", 99),
            Err(ModelError::TooLarge { limit: 99, .. })
        ));
    }

    #[test]
    fn read_file_rejects_zip_bomb() {
        let zip = zip_files(&[("a", &vec![0; 8 << 20])]);
        let error = read_file(&zip, "a", 1 << 30).unwrap_err().to_string();
        assert!(error.contains("hundredth"), "{error}");
    }

    #[test]
    fn read_file_rejects_wrong_declared_size() {
        let data: Vec<u8> = (0..4_000u32).flat_map(u32::to_le_bytes).collect();
        let zip = zip_files(&[("a", &data)]);
        // The uncompressed size is stored twice: in the local header and in the central directory.
        for declared in [
            data.len() as u32 - 1,
            data.len() as u32 + 1,
            1,
            u32::MAX - 1,
        ] {
            let mut forged = zip.clone();
            let size = (data.len() as u32).to_le_bytes();
            let places: Vec<_> = (0..zip.len() - 4)
                .filter(|at| zip[*at..at + 4] == size)
                .collect();
            for at in places {
                forged[at..at + 4].copy_from_slice(&declared.to_le_bytes());
            }
            let read = read_file(&forged, "a", 1 << 20);
            assert!(!matches!(read, Ok(Some(_))), "{declared}");
        }
    }

    #[test]
    fn read_rejects_too_many_entries() {
        let names: Vec<String> = (0..=MAX_ENTRIES).map(|i| i.to_string()).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &b""[..])).collect();
        assert!(Listing::read(Cursor::new(zip_files(&files))).is_err());
        assert!(Listing::read(Cursor::new(zip_files(&files[1..]))).is_ok());
    }

    #[test]
    fn read_skips_links_and_directories() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_directory("folder", options).unwrap();
        writer
            .add_symlink("config.json", "/etc/passwd", options)
            .unwrap();
        let zip = writer.finish().unwrap().into_inner();
        assert_eq!(read_file(&zip, "config.json", 99).unwrap(), None);
        assert_eq!(Listing::read(Cursor::new(&zip)).unwrap().names().count(), 0);
    }

    #[test]
    fn damaged_archives_never_panic() {
        let zip = zip_files(&[("config.json", b"{\"a\": 1}"), ("x/y", b"abc")]);
        for end in 0..zip.len() {
            assert!(Listing::read(Cursor::new(&zip[..end])).is_err(), "{end}");
        }
        for at in 0..zip.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = zip.clone();
                changed[at] ^= change;
                let read = read_file(&changed, "config.json", 99);
                if let Ok(Some(bytes)) = read {
                    assert_eq!(
                        bytes, b"{\"a\": 1}",
                        "{at}: the checksum must detect the change"
                    );
                }
            }
        }
    }
}
