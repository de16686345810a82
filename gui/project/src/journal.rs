//! Edits as lines of a file.
//!
//! A line is `9f3c… {"seq":12,"record":{…}}`: a checksum (FNV-1a, 64 bits) of the rest of the line, then
//! the record with its number as JSON. Reading stops at the first torn or changed line, because later
//! records may build on the missing one.

use serde::{Deserialize, Serialize};

use super::{Edit, Models, hash::fnv1a};

/// A change of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// An edit, an undo or a redo.
    Edit(Edit),
    /// A new list of models.
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

/// Encodes a record as one line, line end included.
///
/// # Errors
/// If the record cannot be written as JSON.
pub fn encode_line(seq: u64, record: &Record) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(&LineOut { seq, record })?;
    Ok(format!("{:016x} {json}\n", fnv1a(json.as_bytes())).into_bytes())
}

/// The readable part of a journal.
#[derive(Debug, Default)]
pub struct ReadRecords {
    /// Records with their numbers.
    pub records: Vec<(u64, Record)>,
    /// Length of the readable part in bytes.
    pub valid_bytes: usize,
}

/// Reads the records before the first torn line.
#[must_use]
pub fn read_records(bytes: &[u8]) -> ReadRecords {
    let mut found = ReadRecords::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(LineIn { seq, record }) = parse_line(line) else {
            break;
        };
        found.records.push((seq, record));
        found.valid_bytes += line.len();
    }
    found
}

fn parse_line(line: &[u8]) -> Option<LineIn> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (checksum, json) = line.split_once(' ')?;
    let checksum = u64::from_str_radix(checksum, 16).ok()?;
    (checksum == fnv1a(json.as_bytes())).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_records_stops_at_torn_and_changed_lines() {
        let record = Record::Edit(Edit {
            what: "tea".into(),
            ..Edit::default()
        });
        let mut bytes = encode_line(1, &record).unwrap();
        bytes.extend(encode_line(2, &record).unwrap());
        let two = bytes.len();
        bytes.extend(&encode_line(3, &record).unwrap()[..20]);
        let found = read_records(&bytes);
        assert_eq!((found.records.len(), found.valid_bytes), (2, two));
        bytes[40] ^= 1;
        assert_eq!(read_records(&bytes).records.len(), 0);
    }
}
