//! What may be chosen before reading, and what is told during it.

use super::{ColumnChoice, Encoding};

/// How much is read. Whatever a limit leaves out is told, with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Longest row, in bytes (after decoding to UTF-8). Default: 1 MB.
    pub row_bytes: usize,
    /// Most rows kept. Default: 200,000.
    pub rows: usize,
    /// Most bytes read of a file. Default: 1 GB.
    pub bytes: u64,
    /// Most problems listed; further ones are only counted. Default: 10,000.
    pub problems: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            row_bytes: 1_000_000,
            rows: 200_000,
            bytes: 1_000_000_000,
            problems: 10_000,
        }
    }
}

/// How a file is read. The default finds everything out by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// How much.
    pub limits: ReadLimits,
    /// Which columns hold the questions and answers, when their names are unusual.
    pub columns: Option<ColumnChoice>,
    /// The encoding, when guessing it fails.
    pub encoding: Option<Encoding>,
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that are read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Rows kept.
    pub rows: u64,
}
