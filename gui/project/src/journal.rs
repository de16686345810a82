//! Edits as lines of a file: a checksum, a number, and the record as JSON.
//!
//! `9f3c… {"seq":12,"record":{…}}`: the checksum (FNV-1a, 64 bits) is of what follows it. A line that
//! is torn or changed ends the reading: what comes after it may build on what is missing.

use serde::{Deserialize, Serialize};

use super::{Edit, Models, hash::fnv1a};

/// Something that happened to a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// An edit, an undo or a redo.
    Edit(Edit),
    /// The models have changed.
    Models(Models),
}

#[derive(Serialize)]
struct LineOut<'a> {
    seq: u64,
    record: &'a Record,
}

#[derive(Deserialize)]
struct LineIn {
    seq: u64,
    record: Record,
}

/// One line, with its end.
///
/// # Errors
/// When the record cannot be written as JSON.
pub fn line(seq: u64, record: &Record) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(&LineOut { seq, record })?;
    Ok(format!("{:016x} {json}\n", fnv1a(json.as_bytes())).into_bytes())
}

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Read {
    /// Its records with their numbers.
    pub records: Vec<(u64, Record)>,
    /// Bytes of them; what comes after is torn.
    pub whole: usize,
}

/// Reads records up to the first torn one.
#[must_use]
pub fn read(bytes: &[u8]) -> Read {
    let mut found = Read::default();
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(LineIn { seq, record }) = parse(piece) else {
            break;
        };
        found.records.push((seq, record));
        found.whole += piece.len();
    }
    found
}

fn parse(piece: &[u8]) -> Option<LineIn> {
    let piece = std::str::from_utf8(piece.strip_suffix(b"\n")?).ok()?;
    let (sum, json) = piece.split_once(' ')?;
    let sum = u64::from_str_radix(sum, 16).ok()?;
    (sum == fnv1a(json.as_bytes())).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_ends_the_journal() {
        let record = Record::Edit(Edit {
            what: "tea".into(),
            ..Edit::default()
        });
        let mut bytes = line(1, &record).unwrap();
        bytes.extend(line(2, &record).unwrap());
        let two = bytes.len();
        bytes.extend(&line(3, &record).unwrap()[..20]);
        let found = read(&bytes);
        assert_eq!((found.records.len(), found.whole), (2, two));
        // A changed byte is noticed as well.
        bytes[40] ^= 1;
        assert_eq!(read(&bytes).records.len(), 0);
    }
}
