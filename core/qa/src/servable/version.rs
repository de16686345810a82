//! Versions of the model directory's format.
//!
//! `nearsay.json` states its version. A new field or file that readers can do without (`words`, `expansion` and
//! `plain.safetensors` came this way) keeps the version. A change that older readers would misread raises
//! [`FORMAT`] and adds code that converts a manifest of the version before.

use super::{Manifest, ServableError};
use serde::Deserialize;

/// File name of the manifest in a model directory.
pub(super) const MANIFEST_NAME: &str = "nearsay.json";

/// Format version of newly written models.
pub(super) const FORMAT: u32 = 1;

/// Parses a manifest of any supported format version.
pub(super) fn read(bytes: &[u8]) -> Result<Manifest, ServableError> {
    check(bytes)?;
    let damaged = |_| ServableError::changed(MANIFEST_NAME, "is not readable");
    serde_json::from_slice(bytes).map_err(damaged)
}

/// Reads the format version of a manifest; an error if it is unsupported.
pub(super) fn check(bytes: &[u8]) -> Result<u32, ServableError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let Ok(Format { format }) = serde_json::from_slice(bytes) else {
        return Err(ServableError::changed(MANIFEST_NAME, "is not readable"));
    };
    match format {
        0 => Err(ServableError::changed(
            MANIFEST_NAME,
            "has format version 0, which never was in use",
        )),
        1..=FORMAT => Ok(format),
        _ => Err(ServableError::Newer { format }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_rejects_unsupported_versions_with_an_error() {
        for (text, words) in [
            (r#"{"format": 2, "something": "new"}"#, "newer version"),
            (r#"{"format": 0}"#, "never was"),
            (r#"{"format": -1}"#, "not readable"),
            (r#"{"something": "else"}"#, "not readable"),
            ("{", "not readable"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
