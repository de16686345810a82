//! Options and progress of reading.

use super::{ColumnChoice, Encoding};

/// Limits on what is read and kept. Anything beyond a limit is reported with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Maximum size of one row, in bytes after decoding to UTF-8. Default: 1 MB.
    pub row_bytes: usize,
    /// Maximum number of rows. Default: 200,000.
    pub rows: usize,
    /// Maximum number of bytes read from a file. Default: 1 GB.
    pub bytes: u64,
    /// Maximum number of issues listed; further ones are only counted. Default: 10,000.
    pub issues: usize,
    /// Maximum size of a document that has to be read whole (a workbook, a web page, a text
    /// document), and of its unpacked parts together, in bytes. Default: 256 MB.
    pub document_bytes: usize,
    /// Maximum nesting of elements or values in a document read whole. Default: 256.
    pub depth: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            row_bytes: 1_000_000,
            rows: 200_000,
            bytes: 1_000_000_000,
            issues: 10_000,
            document_bytes: 256_000_000,
            depth: 256,
        }
    }
}

/// Options for reading a file. By default, columns and encoding are detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Size limits.
    pub limits: ReadLimits,
    /// Columns of the questions and answers; `None` detects them by name and content.
    pub columns: Option<ColumnChoice>,
    /// Encoding of the file; `None` guesses it from the first bytes.
    pub encoding: Option<Encoding>,
    /// Sheet of a workbook to read, by its name or its number from 1; `None` reads all visible
    /// sheets.
    pub sheet: Option<String>,
    /// Name of the file. It decides between formats that the content leaves open, and never
    /// overrules the content.
    pub file_name: Option<String>,
}

/// Progress of reading, passed to the progress callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Rows kept.
    pub rows: u64,
}
