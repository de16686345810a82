//! `assets/models.json`: the models Nearsay can get by itself, and how each of their files must be.
//!
//! A model's files are of two kinds. What cannot be made here (weights, tokenizer, vocabulary) is
//! *fetched* and must have exactly the size and SHA-256 listed. The small settings around it are
//! *written* by us from the list: different places hold copies of them that differ in spaces or in
//! the version that saved them, and so the folder is the same wherever the rest came from.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    // A test sees to it that the list is readable; if it were not, no model would be known.
    serde_json::from_str(include_str!("../assets/models.json")).unwrap_or_default()
});

#[derive(Default, Deserialize)]
struct Manifest {
    models: Vec<KnownModel>,
}

/// A model that Nearsay can get by itself.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownModel {
    /// The name on the command line, and of its folder.
    pub name: String,
    /// What the rest of the world calls it.
    pub title: String,
    /// What it is good for, in one line.
    pub about: String,
    /// SPDX name of its licence.
    pub licence: String,
    /// Its name on the model hub.
    pub hub: Option<String>,
    /// The Python package it comes in.
    pub pip: Option<Package>,
    /// Files that must arrive exactly so.
    pub fetched: Vec<KnownFile>,
    /// Files written by us, by name.
    written: BTreeMap<String, serde_json::Value>,
}

/// A Python package with a model inside.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub package: String,
    /// The version that was looked at.
    pub version: String,
    /// Size of its wheel in bytes, for the progress bar.
    pub size: u64,
}

/// A file and how to know it.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownFile {
    /// Its name inside the model.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl KnownModel {
    /// Bytes that have to be fetched.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.fetched.iter().map(|file| file.size).sum()
    }

    /// Names and contents of the files written by us.
    pub(super) fn written(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        let files = self.written.iter();
        files.map(|(name, value)| (name.as_str(), format!("{value:#}\n").into_bytes()))
    }
}

/// All models Nearsay can get by itself, for `nearsay model list`.
#[must_use]
pub fn known_models() -> &'static [KnownModel] {
    &MANIFEST.models
}

/// One of them by its name.
#[must_use]
pub fn known_model(name: &str) -> Option<&'static KnownModel> {
    known_models().iter().find(|model| model.name == name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use nearsay_model::sha256_hex;

    /// A model of two small files, from nowhere.
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
    fn the_list_is_readable_and_has_minilm() {
        let model = known_model("minilm").unwrap();
        assert_eq!(model.size(), 91_566_131);
        assert!(model.fetched.iter().all(|file| file.sha256.len() == 64));
        let written: Vec<_> = model.written().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(written.len(), 7);
        assert!(written.contains(&"modules.json".into()));
        assert!(known_model("nothing").is_none());
    }

    #[test]
    fn names_are_plain() {
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
    fn no_host_is_named() {
        let list = include_str!("../assets/models.json");
        assert!(!list.contains("://"));
    }
}
