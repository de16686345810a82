//! Versions of the folder's format, and how a manifest of an older one becomes one of this.
//!
//! `nearsay.json` says its version. A field or a file that readers can do without (`words`, `expansion`,
//! `plain.safetensors` came so) raises nothing; what they would misread raises [`FORMAT`] and adds the step
//! that turns the manifest before it into the new one. The compiler counts the steps.

use super::{Manifest, ServableError};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Name of the manifest in a model directory.
pub(super) const MANIFEST_NAME: &str = "nearsay.json";

/// The version that is written.
pub(super) const FORMAT: u32 = 1;

/// Makes of a manifest's fields those of the next version, or says why it cannot.
type Step = fn(&mut Map<String, Value>) -> Result<(), &'static str>;

/// From version 1 to 2, from 2 to 3, and so on.
const STEPS: [Step; FORMAT as usize - 1] = [];

/// A manifest's fields as this version knows them, of whatever version it is.
pub(super) fn read(bytes: &[u8]) -> Result<Manifest, ServableError> {
    let damaged = |_| ServableError::changed(MANIFEST_NAME, "is not readable");
    match check(bytes)? {
        FORMAT => serde_json::from_slice(bytes).map_err(damaged),
        older => {
            let mut fields = serde_json::from_slice(bytes).map_err(damaged)?;
            upgrade(&mut fields, older, &STEPS)?;
            serde_json::from_value(Value::Object(fields)).map_err(damaged)
        }
    }
}

/// The version of a manifest, if this program can read it.
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
            "says a version of its format that there never was (0)",
        )),
        1..=FORMAT => Ok(format),
        _ => Err(ServableError::Newer { format }),
    }
}

/// Takes a manifest's fields from version `from` through all steps after it.
fn upgrade(
    fields: &mut Map<String, Value>,
    from: u32,
    steps: &[Step],
) -> Result<(), ServableError> {
    for (step, version) in steps.iter().zip(1_u32..) {
        if version >= from {
            step(fields).map_err(|why| ServableError::changed(MANIFEST_NAME, why))?;
            fields.insert("format".into(), Value::from(version + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_older_manifest_goes_through_each_step_after_it() {
        let rename: Step = |fields| {
            let name = fields.remove("name").ok_or("lacks its name")?;
            fields.insert("encoder".into(), name);
            Ok(())
        };
        let add: Step = |fields| {
            fields.insert("report".into(), Value::Null);
            Ok(())
        };
        let upgraded = |mut fields: Value, from| {
            let fields = fields.as_object_mut().unwrap();
            let done = upgrade(fields, from, &[rename, add]);
            done.map(|()| Value::Object(fields.clone()))
        };
        let now = json!({"format": 3, "encoder": "minilm", "report": null});
        let first = json!({"format": 1, "name": "minilm"});
        let second = json!({"format": 2, "encoder": "minilm"});
        assert_eq!(upgraded(first, 1).unwrap(), now);
        assert_eq!(upgraded(second, 2).unwrap(), now);
        assert_eq!(upgraded(now.clone(), 3).unwrap(), now);
        let error = upgraded(json!({"format": 1}), 1).unwrap_err().to_string();
        assert!(error.contains("nearsay.json lacks its name"), "{error}");
    }

    #[test]
    fn versions_that_cannot_be_read_are_refused_with_words() {
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
