//! A model inside a zip file; a Python wheel is one too.
//!
//! Nothing is ever unpacked to a path: entry names are data that known names are compared with, and
//! one entry at a time is read into memory, never more of it than its limit. Symbolic links,
//! encrypted entries and names listed twice count as not there or damaged.

use super::ModelError;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// More entries than any model has.
const MAX_ENTRIES: usize = 1_000;
/// Weights hardly shrink and JSON shrinks tenfold; what shrinks more was made to fill memory.
const MAX_RATIO: u64 = 100;
/// Too small to do harm, whatever its ratio.
const ALWAYS_FINE: u64 = 1 << 20;

/// The regular files of an archive, by name.
#[derive(Clone, Debug)]
pub struct Listing(BTreeMap<String, usize>);

fn damaged(reason: impl fmt::Display) -> ModelError {
    ModelError::Archive {
        reason: reason.to_string(),
    }
}

fn open<R: Read + Seek>(file: R) -> Result<ZipArchive<R>, ModelError> {
    ZipArchive::new(file)
        .map_err(|error| damaged(format_args!("it is no whole zip file ({error})")))
}

impl Listing {
    /// Lists the regular files.
    ///
    /// # Errors
    /// When it is no zip file, has too many entries or lists a name twice.
    pub fn read<R: Read + Seek>(file: R) -> Result<Self, ModelError> {
        let mut archive = open(file)?;
        if archive.len() > MAX_ENTRIES {
            return Err(damaged(format_args!(
                "it has {} entries, more than {MAX_ENTRIES}",
                archive.len()
            )));
        }
        if archive.has_duplicate_names() {
            return Err(damaged("it lists a name twice"));
        }
        let mut names = BTreeMap::new();
        for position in 0..archive.len() {
            let entry = archive.by_index_raw(position).map_err(damaged)?;
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

    /// The names of the regular files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is a regular file of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads one file whole, or nothing when the archive has none of that name.
    ///
    /// # Errors
    /// When it is larger than `limit`, packed suspiciously small, or damaged.
    pub fn file<R: Read + Seek>(
        &self,
        archive: R,
        name: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ModelError> {
        let Some(position) = self.0.get(name) else {
            return Ok(None);
        };
        let mut archive = open(archive)?;
        let entry = archive
            .by_index(*position)
            .map_err(|error| damaged(format_args!("{name}: {error}")))?;
        let size = entry.size();
        if size > limit {
            return Err(ModelError::TooLarge {
                file: name.into(),
                limit,
            });
        }
        if size > ALWAYS_FINE && size / MAX_RATIO > entry.compressed_size() {
            return Err(damaged(format_args!(
                "{name} is packed to less than a hundredth of its size"
            )));
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(size as usize)
            .map_err(|_| damaged(format_args!("{name} does not fit into memory")))?;
        // The size above is only what the archive claims: never take more than that.
        entry
            .take(size + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format_args!("{name}: {error}")))?;
        if bytes.len() as u64 != size {
            return Err(damaged(format_args!("{name} has another size than listed")));
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::zipped;
    use std::io::Cursor;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn file(zip: &[u8], name: &str, limit: u64) -> Result<Option<Vec<u8>>, ModelError> {
        Listing::read(Cursor::new(zip))?.file(Cursor::new(zip), name, limit)
    }

    #[test]
    fn reads_a_file_by_its_whole_name() {
        let zip = zipped(&[("a/b.json", b"{}"), ("b.json", b"[]")]);
        assert_eq!(file(&zip, "a/b.json", 9).unwrap().unwrap(), b"{}");
        assert_eq!(file(&zip, "c.json", 9).unwrap(), None);
        let listing = Listing::read(Cursor::new(&zip)).unwrap();
        assert_eq!(listing.names().collect::<Vec<_>>(), ["a/b.json", "b.json"]);
    }

    #[test]
    fn a_file_over_its_limit_is_refused() {
        let zip = zipped(&[("a", &[7; 100])]);
        assert!(file(&zip, "a", 100).is_ok());
        assert!(matches!(
            file(&zip, "a", 99),
            Err(ModelError::TooLarge { limit: 99, .. })
        ));
    }

    #[test]
    fn a_zip_bomb_is_refused_unread() {
        let zip = zipped(&[("a", &vec![0; 8 << 20])]);
        let error = file(&zip, "a", 1 << 30).unwrap_err().to_string();
        assert!(error.contains("hundredth"), "{error}");
    }

    #[test]
    fn a_wrong_size_in_the_listing_is_refused() {
        let data: Vec<u8> = (0..4_000u32).flat_map(u32::to_le_bytes).collect();
        let zip = zipped(&[("a", &data)]);
        // The uncompressed size stands twice: in front of the data and in the central directory.
        for claimed in [
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
                forged[at..at + 4].copy_from_slice(&claimed.to_le_bytes());
            }
            let read = file(&forged, "a", 1 << 20);
            assert!(!matches!(read, Ok(Some(_))), "{claimed}");
        }
    }

    #[test]
    fn too_many_entries_are_refused() {
        let names: Vec<String> = (0..=MAX_ENTRIES).map(|i| i.to_string()).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &b""[..])).collect();
        assert!(Listing::read(Cursor::new(zipped(&files))).is_err());
        assert!(Listing::read(Cursor::new(zipped(&files[1..]))).is_ok());
    }

    #[test]
    fn links_and_folders_are_not_there() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_directory("folder", options).unwrap();
        writer
            .add_symlink("config.json", "/etc/passwd", options)
            .unwrap();
        let zip = writer.finish().unwrap().into_inner();
        assert_eq!(file(&zip, "config.json", 99).unwrap(), None);
        assert_eq!(Listing::read(Cursor::new(&zip)).unwrap().names().count(), 0);
    }

    #[test]
    fn cut_anywhere_or_with_any_byte_changed_it_never_panics() {
        let zip = zipped(&[("config.json", b"{\"a\": 1}"), ("x/y", b"abc")]);
        for end in 0..zip.len() {
            assert!(Listing::read(Cursor::new(&zip[..end])).is_err(), "{end}");
        }
        for at in 0..zip.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = zip.clone();
                changed[at] ^= change;
                let read = file(&changed, "config.json", 99);
                if let Ok(Some(bytes)) = read {
                    assert_eq!(bytes, b"{\"a\": 1}", "{at}: the checksum must notice");
                }
            }
        }
    }
}
