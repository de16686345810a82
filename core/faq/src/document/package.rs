//! Zip packages, as which workbooks and text documents are stored.

use crate::{FileFormat, ReadError};
use std::io::{self, Cursor, Read as _};
use zip::ZipArchive;
use zip::result::ZipError;

/// Maximum number of entries of a package.
const MAX_ENTRIES: usize = 10_000;

/// A zip package in memory, whose unpacked parts together are limited.
pub(super) struct Package {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    /// Names of the entries, in order.
    names: Vec<String>,
    /// Number of bytes that may still be unpacked.
    budget: usize,
    limit: usize,
}

/// Error for a damaged package.
pub(super) fn damaged(format: FileFormat, error: &dyn core::fmt::Display) -> ReadError {
    ReadError::Damaged {
        format,
        reason: crate::text::excerpt(&error.to_string()),
    }
}

impl Package {
    /// Opens a package whose parts may unpack to `limit` bytes together.
    ///
    /// # Errors
    /// [`ReadError::Damaged`], when the directory of the package can't be read;
    /// [`ReadError::TooLarge`], when it has too many entries.
    pub(super) fn open(bytes: Vec<u8>, limit: usize) -> Result<Self, ReadError> {
        let format = FileFormat::Archive;
        let archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(format, &error))?;
        if archive.len() > MAX_ENTRIES {
            return Err(ReadError::TooLarge { format, limit });
        }
        let names = archive.file_names().map(|name| match name {
            Ok(name) => name.into_owned(),
            Err(_) => String::new(),
        });
        let names = names.collect();
        Ok(Self {
            archive,
            names,
            budget: limit,
            limit,
        })
    }

    /// Names of the entries, in the order of the directory.
    #[cfg(feature = "archive")]
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the name of any entry begins like this.
    pub(super) fn has(&self, beginning: &str) -> bool {
        self.names.iter().any(|name| name.starts_with(beginning))
    }

    /// First name that begins and ends like this.
    pub(super) fn find(&self, beginning: &str, end: &str) -> Option<String> {
        let mut names = self.names.iter();
        let found = names.find(|name| name.starts_with(beginning) && name.ends_with(end));
        found.cloned()
    }

    /// Unpacks an entry; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`ReadError`], when the entry is damaged, needs a password, or is too large.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(index) = self.names.iter().position(|n| n == name) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        self.unpack(index, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Unpacks an entry as text.
    ///
    /// # Errors
    /// [`ReadError`], when the entry is missing, damaged or too large, or isn't UTF-8.
    pub(super) fn read_text(&mut self, name: &str) -> Result<String, ReadError> {
        let bytes = self
            .read(name)?
            .ok_or_else(|| damaged(FileFormat::Archive, &format_args!("it has no part {name}")))?;
        // Parts are UTF-8 in practice, though XML would allow UTF-16.
        String::from_utf8(bytes)
            .or_else(|error| decode_utf16(error.as_bytes()))
            .map_err(|()| damaged(FileFormat::Archive, &format_args!("{name} isn't UTF-8")))
    }

    /// Checks that all parts together unpack to no more than the limit, for readers that don't
    /// limit themselves.
    ///
    /// # Errors
    /// [`ReadError`], when an entry is damaged or the parts are too large.
    pub(super) fn check_size(&mut self) -> Result<(), ReadError> {
        for index in 0..self.archive.len() {
            self.unpack(index, &mut io::sink())?;
        }
        self.budget = self.limit;
        Ok(())
    }

    /// Returns the bytes of the package.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.archive.into_inner().into_inner()
    }

    fn unpack(&mut self, index: usize, into: &mut dyn io::Write) -> Result<(), ReadError> {
        let format = FileFormat::Archive;
        let entry = self.archive.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(reason) if reason == ZipError::PASSWORD_REQUIRED => {
                ReadError::Refused {
                    kind: "a zip archive with a password",
                    remedy: "Unpack it, and choose the FAQ file inside.",
                }
            }
            error => damaged(format, &error),
        })?;
        let budget = self.budget as u64;
        let unpacked =
            io::copy(&mut entry.take(budget + 1), into).map_err(|error| damaged(format, &error))?;
        if unpacked > budget {
            let limit = self.limit;
            return Err(ReadError::TooLarge { format, limit });
        }
        self.budget -= usize::try_from(unpacked).unwrap_or(self.budget);
        Ok(())
    }
}

/// Decodes UTF-16 with a byte order mark.
fn decode_utf16(bytes: &[u8]) -> Result<String, ()> {
    let from = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return Err(()),
    };
    let (pairs, _) = bytes.get(2..).unwrap_or_default().as_chunks::<2>();
    let units = pairs.iter().map(|pair| from(*pair));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .map_err(|_| ())
}
