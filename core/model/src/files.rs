//! Finding a model in a folder or an archive, and reading its files.

use super::archive::Listing;
use super::config::CONFIG;
use super::settings::{MODULES, transformer_path};
use super::weights::WEIGHTS;
use super::{BertConfig, ModelError, ModelSettings, Pooling};
use nearsay_store::{ErrorKind, FileKind, Store};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const TOKENIZER: &str = "tokenizer.json";
const PICKLE: &str = "pytorch_model.bin";

/// What the weights may take, and every other file.
const MAX_WEIGHTS: u64 = 2_000_000_000;
const MAX_OTHER: u64 = 64_000_000;

/// A model may lie this many folders deep in what is given.
const MAX_DEPTH: usize = 4;
/// No more folders than this are looked into.
const MAX_FOLDERS: usize = 1_000;

/// The network's own files, in the order they are looked at; the first three must be there.
const NETWORK_FILES: [&str; 6] = [
    CONFIG,
    WEIGHTS,
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
];

/// The files of one model, read when asked for.
#[derive(Clone, Debug)]
pub struct ModelFiles<'s> {
    store: &'s dyn Store,
    path: PathBuf,
    /// What is in the archive, when `path` is one.
    archive: Option<Listing>,
    /// The folder of `modules.json` inside `path`: empty, or with a slash at its end.
    root: String,
    /// The folder of the network inside `root`: empty, or with a slash at its end.
    transformer: String,
    /// What stands for the weights' file, when it is another than that of the model.
    weights: Option<Vec<u8>>,
}

impl<'s> ModelFiles<'s> {
    /// Finds the model in `path`: a folder, a `.zip` or a `.whl`, with the model in it or in one of
    /// its sub-folders. If there are several the least deep is taken, of those the first by name.
    ///
    /// # Errors
    /// When there is nothing to read, no model in it, or only one in a format that can run code.
    pub fn open(store: &'s dyn Store, path: &Path) -> Result<Self, ModelError> {
        let folder = store
            .metadata(path)
            .map_err(|error| from_store(path, &error))?
            .kind
            == FileKind::Folder;
        let mut files = Self {
            store,
            path: path.into(),
            archive: None,
            root: String::new(),
            transformer: String::new(),
            weights: None,
        };
        let folders = if folder {
            files.folders()?
        } else {
            let file = store.open(path).map_err(|error| from_store(path, &error))?;
            files
                .archive
                .insert(Listing::read(file)?)
                .names()
                .map(|name| name.rfind('/').map_or("", |end| &name[..=end]).to_owned())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()
        };
        let mut folders: Vec<String> = folders;
        folders.sort_by_key(|folder| (folder.matches('/').count(), folder.clone()));
        let mut pickle = false;
        for folder in folders {
            if !files.has(&format!("{folder}{CONFIG}"))? {
                continue;
            }
            if files.has(&format!("{folder}{WEIGHTS}"))?
                && files.has(&format!("{folder}{TOKENIZER}"))?
            {
                files.root = folder;
                files.find_root()?;
                return Ok(files);
            }
            pickle |= files.has(&format!("{folder}{PICKLE}"))?;
        }
        Err(if pickle {
            ModelError::OnlyPickle { path: path.into() }
        } else {
            ModelError::NoModel { path: path.into() }
        })
    }

    /// All folders in the given one, with a slash at the end of each; links are not followed.
    fn folders(&self) -> Result<Vec<String>, ModelError> {
        let mut found = vec![String::new()];
        let mut next = 0;
        while next < found.len() {
            let folder = found[next].clone();
            next += 1;
            if folder.matches('/').count() == MAX_DEPTH {
                continue;
            }
            let path = self.path.join(&folder);
            let entries = match self.store.list(&path) {
                Ok(entries) => entries,
                // A sub-folder that may not be looked into holds no model for us.
                Err(_) if !folder.is_empty() => continue,
                Err(error) => return Err(from_store(&path, &error)),
            };
            for entry in entries {
                if let (FileKind::Folder, Some(name)) = (entry.kind, entry.name.to_str())
                    && found.len() < MAX_FOLDERS
                {
                    found.push(format!("{folder}{name}/"));
                }
            }
        }
        Ok(found)
    }

    /// Older models keep the network in a sub-folder of its own, `0_Transformer`; `modules.json` then
    /// lies in the folder above.
    fn find_root(&mut self) -> Result<(), ModelError> {
        if self.read(MODULES)?.is_some() {
            return Ok(());
        }
        let Some(inner) = self.root.strip_suffix('/') else {
            return Ok(());
        };
        let split = inner.rfind('/').map_or(0, |slash| slash + 1);
        let (above, name) = self.root.split_at(split);
        if let Some(modules) = self.raw(&format!("{above}{MODULES}"), MAX_OTHER)?
            && transformer_path(&modules).is_ok_and(|path| name.strip_suffix('/') == Some(&path))
        {
            self.transformer = name.into();
            self.root = above.into();
        }
        Ok(())
    }

    /// The folder or archive that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same model with other weights, as the bytes of a safetensors file: every file but the weights'
    /// is the model's own. Only when the weights are asked for are they checked.
    #[must_use]
    pub fn with_weights(self, weights: Vec<u8>) -> Self {
        Self {
            weights: Some(weights),
            ..self
        }
    }

    /// A file by its name inside the model, `1_Pooling/config.json` for example; nothing if the model
    /// has none of that name.
    ///
    /// # Errors
    /// When the name leads out of the model, the file is too large, or it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ModelError> {
        let plain = name.split('/').all(|part| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0'])
        });
        if !plain {
            return Err(ModelError::invalid(name, "the name leads out of the model"));
        }
        if let (WEIGHTS, Some(weights)) = (name, &self.weights) {
            return Ok(Some(weights.clone()));
        }
        let limit = if name.ends_with(WEIGHTS) {
            MAX_WEIGHTS
        } else {
            MAX_OTHER
        };
        let place = if NETWORK_FILES.contains(&name) {
            &self.transformer
        } else {
            ""
        };
        self.raw(&format!("{}{place}{name}", self.root), limit)
    }

    /// As [`read`](Self::read), for a file the model cannot do without.
    ///
    /// # Errors
    /// As there, and when there is none of that name.
    pub fn need(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        self.read(name)?
            .ok_or_else(|| ModelError::Missing { file: name.into() })
    }

    /// The network's shape, from `config.json`.
    ///
    /// # Errors
    /// When it cannot be read or describes another network than BERT.
    pub fn config(&self) -> Result<BertConfig, ModelError> {
        BertConfig::from_json(&self.need(CONFIG)?)
    }

    /// Length, pooling and what follows, from `modules.json` and the files it names.
    ///
    /// # Errors
    /// When a file cannot be read or asks for something that is not supported.
    pub fn settings(&self) -> Result<ModelSettings, ModelError> {
        ModelSettings::read(&self.transformer, &self.config()?, |name| {
            self.raw(&format!("{}{name}", self.root), MAX_OTHER)
        })
    }

    /// The weights, `model.safetensors`, checked number by number, and the prefix of their names.
    ///
    /// # Errors
    /// When they cannot be read or do not fit `config.json`.
    pub fn weights(&self) -> Result<(Vec<u8>, &'static str), ModelError> {
        let bytes = self.need(WEIGHTS)?;
        let prefix = super::check_weights(&bytes, &self.config()?)?;
        Ok((bytes, prefix))
    }

    /// The tokenizer, `tokenizer.json`, as it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn tokenizer(&self) -> Result<Vec<u8>, ModelError> {
        self.need(TOKENIZER)
    }

    /// Names of the network's files that an exported model must have a copy of; all can be
    /// [`read`](Self::read).
    ///
    /// # Errors
    /// When the store cannot say what is there.
    pub fn base_files(&self) -> Result<Vec<&'static str>, ModelError> {
        let mut names = Vec::new();
        for name in NETWORK_FILES {
            if self.has(&format!("{}{}{name}", self.root, self.transformer))? {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// A name for everything that decides what vector a text gets before head and normalisation:
    /// SHA-256 over weights, network shape, tokenizer and settings. The key of the embedding cache.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<String, ModelError> {
        let settings = self.settings()?;
        let pooling = match settings.pooling {
            Pooling::Mean => "mean",
            Pooling::Cls => "cls",
            Pooling::Max => "max",
        };
        let around = format!(
            "{} {} {pooling} {:?}",
            settings.max_seq_length, settings.do_lower_case, settings.prompt
        );
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(around.as_bytes());
        for name in [CONFIG, TOKENIZER, WEIGHTS] {
            add(&self.need(name)?);
        }
        Ok(hex(&hash.finalize()))
    }

    fn has(&self, name: &str) -> Result<bool, ModelError> {
        match &self.archive {
            Some(listing) => Ok(listing.has(name)),
            None => {
                let path = self.path.join(name);
                match self.store.metadata(&path) {
                    Ok(found) => Ok(found.kind == FileKind::File),
                    Err(error) if absent(error.kind) => Ok(false),
                    Err(error) => Err(from_store(&path, &error)),
                }
            }
        }
    }

    /// Reads by the full name inside the folder or archive.
    fn raw(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ModelError> {
        if let Some(listing) = &self.archive {
            let file = self
                .store
                .open(&self.path)
                .map_err(|error| from_store(&self.path, &error))?;
            return listing.file(file, name, limit);
        }
        let path = self.path.join(name);
        match self.store.read(&path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if absent(error.kind) => Ok(None),
            Err(error) if matches!(error.kind, ErrorKind::TooLarge { .. }) => {
                Err(ModelError::TooLarge {
                    file: name.into(),
                    limit,
                })
            }
            Err(error) => Err(from_store(&path, &error)),
        }
    }
}

fn absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotAFolder)
}

fn from_store(path: &Path, error: &nearsay_store::StoreError) -> ModelError {
    ModelError::Store {
        path: path.into(),
        reason: error.to_string(),
    }
}

/// SHA-256 of some bytes, in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits of bytes.
#[must_use]
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::{archive, folder, whole};
    use serde_json::json;

    fn files() -> Vec<(String, Vec<u8>)> {
        whole(&json!({}))
    }

    #[test]
    fn a_folder_a_zip_and_a_wheel_give_the_same_model() {
        let stores = [
            (folder("m", &files()), "m"),
            (folder("m/inner/model", &files()), "m"),
            (archive("m.zip", "", &files()), "m.zip"),
            (archive("m.whl", "package/model/", &files()), "m.whl"),
        ];
        let mut prints = BTreeSet::new();
        for (store, path) in &stores {
            let model = ModelFiles::open(store, Path::new(path)).unwrap();
            assert!(model.settings().unwrap().normalize);
            assert_eq!(model.settings().unwrap().max_seq_length, 8);
            assert_eq!(
                model.base_files().unwrap(),
                [CONFIG, WEIGHTS, TOKENIZER, "vocab.txt"]
            );
            assert_eq!(model.need("vocab.txt").unwrap(), b"[PAD]");
            assert!(model.weights().is_ok());
            prints.insert(model.fingerprint().unwrap());
        }
        assert_eq!(prints.len(), 1);
        assert_eq!(prints.first().unwrap().len(), 64);
    }

    #[test]
    fn the_network_may_lie_in_a_folder_of_its_own() {
        let moved: Vec<_> = files()
            .into_iter()
            .map(|(name, bytes)| {
                if name == MODULES {
                    let text = String::from_utf8(bytes).unwrap();
                    (
                        name,
                        text.replacen(r#""path":"""#, r#""path":"0_Transformer""#, 1)
                            .into(),
                    )
                } else if NETWORK_FILES.contains(&&name[..]) || name.starts_with("sentence") {
                    (format!("0_Transformer/{name}"), bytes)
                } else {
                    (name, bytes)
                }
            })
            .collect();
        let store = folder("m", &moved);
        let model = ModelFiles::open(&store, Path::new("m")).unwrap();
        let settings = model.settings().unwrap();
        assert!(settings.normalize);
        assert_eq!(settings.max_seq_length, 8);
        assert_eq!(model.base_files().unwrap().len(), 4);
    }

    #[test]
    fn the_fingerprint_changes_with_whatever_changes_a_vector() {
        let print = |files: &[(String, Vec<u8>)]| {
            let store = folder("m", files);
            let model = ModelFiles::open(&store, Path::new("m")).unwrap();
            model.fingerprint().unwrap()
        };
        let before = print(&files());
        for (name, other) in [
            (TOKENIZER, json!({"a": 1}).to_string().into_bytes()),
            (
                "sentence_bert_config.json",
                br#"{"max_seq_length": 9}"#.to_vec(),
            ),
            (
                "1_Pooling/config.json",
                br#"{"pooling_mode": "cls"}"#.to_vec(),
            ),
        ] {
            let mut changed = files();
            changed.iter_mut().find(|(file, _)| file == name).unwrap().1 = other;
            assert_ne!(print(&changed), before, "{name}");
        }
        let mut readme = files();
        readme.last_mut().unwrap().1 = b"another".to_vec();
        assert_eq!(print(&readme), before);
    }

    #[test]
    fn a_folder_with_a_pickle_only_is_told_apart_from_an_empty_one() {
        let pickle = [
            (CONFIG.to_owned(), b"{}".to_vec()),
            (PICKLE.to_owned(), b"\x80".to_vec()),
        ];
        let store = folder("m", &pickle);
        let error = ModelFiles::open(&store, Path::new("m")).unwrap_err();
        assert!(matches!(error, ModelError::OnlyPickle { .. }), "{error}");
        let store = folder("m", &[("a".into(), Vec::new())]);
        let error = ModelFiles::open(&store, Path::new("m")).unwrap_err();
        assert!(matches!(error, ModelError::NoModel { .. }), "{error}");
        let error = ModelFiles::open(&store, Path::new("n")).unwrap_err();
        assert!(matches!(error, ModelError::Store { .. }), "{error}");
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let store = folder("m", &files());
        store.write_atomic(Path::new("secret"), b"!").unwrap();
        let model = ModelFiles::open(&store, Path::new("m")).unwrap();
        for name in [
            "../secret",
            "/secret",
            "a/../../secret",
            "",
            ".",
            "a\\b",
            "C:x",
            "a\0",
        ] {
            assert!(model.read(name).is_err(), "{name:?}");
        }
        assert!(model.read("not/there").unwrap().is_none());
    }

    #[test]
    fn a_model_too_deep_or_none_is_not_found() {
        let store = folder("m/1/2/3/4/5", &files());
        assert!(ModelFiles::open(&store, Path::new("m")).is_err());
        assert!(ModelFiles::open(&store, Path::new("m/1")).is_ok());
    }
}
