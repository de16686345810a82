//! Finding a model in a directory or an archive and reading its files.

use super::archive::Listing;
use super::config::{CONFIG, TOKENIZER};
use super::quantized::{self, QuantizedModel};
use super::settings::{MODULES, transformer_path};
use super::weights::WEIGHTS;
use super::{BertConfig, ModelError, ModelSettings, Pooling};
use nearsay_store::{DiskStore, ErrorKind, FileKind, Store};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PICKLE: &str = "pytorch_model.bin";

/// Size limit of the weights in bytes.
pub const MAX_WEIGHTS: u64 = 2_000_000_000;
/// Size limit of every other file in bytes.
pub const MAX_OTHER: u64 = 64_000_000;

/// Levels of subdirectories that are searched for a model.
const MAX_DEPTH: usize = 4;
/// Number of directories that are searched for a model.
const MAX_FOLDERS: usize = 1_000;

/// Files of the transformer; the first three are required.
const TRANSFORMER_FILES: [&str; 6] = [
    CONFIG,
    WEIGHTS,
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
];

/// The files of a model, read on demand.
#[derive(Clone, Debug)]
pub struct ModelFiles<'s> {
    store: &'s dyn Store,
    path: PathBuf,
    /// Contents of the archive, if `path` is one.
    archive: Option<Listing>,
    /// Model with quantized weights, if `path` is one; it is read instead of the store.
    quantized: Option<Arc<QuantizedModel>>,
    /// Directory of `modules.json` inside `path`: empty, or ending with a slash.
    root: String,
    /// Directory of the transformer inside `root`: empty, or ending with a slash.
    transformer: String,
    /// Weights that replace those of the model.
    weights: Option<Vec<u8>>,
}

impl<'s> ModelFiles<'s> {
    /// Finds the model in `path`, which may be a directory, a `.zip` or a `.whl` file, with the model at the top or
    /// in a subdirectory, or a file made by [`quantize`](crate::quantized::quantize). If there are several models, the one with the fewest parent directories is used, then the
    /// first by name.
    ///
    /// # Errors
    /// If `path` can't be read, contains no model, or contains only one in a format that can run code.
    pub fn open(store: &'s dyn Store, path: &Path) -> Result<Self, ModelError> {
        let is_folder = store.metadata(path)?.kind == FileKind::Folder;
        let mut files = Self {
            store,
            path: path.into(),
            archive: None,
            quantized: None,
            root: String::new(),
            transformer: String::new(),
            weights: None,
        };
        if !is_folder && is_quantized(store, path)? {
            let bytes = store.read(path, MAX_WEIGHTS)?;
            files.quantized = Some(Arc::new(QuantizedModel::parse(bytes)?));
            return Ok(files);
        }
        let mut folders: Vec<String> = if is_folder {
            files.list_folders()?
        } else {
            files
                .archive
                .insert(Listing::read(store.open(path)?)?)
                .names()
                .map(|name| name.rfind('/').map_or("", |end| &name[..=end]).to_owned())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()
        };
        folders.sort_by_key(|folder| (folder.matches('/').count(), folder.clone()));
        let mut found_pickle = false;
        for folder in folders {
            if !files.contains(&format!("{folder}{CONFIG}"))? {
                continue;
            }
            if files.contains(&format!("{folder}{WEIGHTS}"))?
                && files.contains(&format!("{folder}{TOKENIZER}"))?
            {
                files.root = folder;
                files.find_root()?;
                return Ok(files);
            }
            found_pickle |= files.contains(&format!("{folder}{PICKLE}"))?;
        }
        Err(if found_pickle {
            ModelError::OnlyPickle { path: path.into() }
        } else {
            ModelError::NoModel { path: path.into() }
        })
    }

    /// The files of a quantized model in memory.
    #[must_use]
    pub fn of_quantized(model: Arc<QuantizedModel>) -> ModelFiles<'static> {
        ModelFiles {
            store: &DiskStore,
            path: PathBuf::new(),
            archive: None,
            quantized: Some(model),
            root: String::new(),
            transformer: String::new(),
            weights: None,
        }
    }

    /// The quantized weights, unless [`with_weights`](Self::with_weights) has replaced them; `None` for models with
    /// other weights.
    #[must_use]
    pub fn quantized(&self) -> Option<&Arc<QuantizedModel>> {
        self.quantized.as_ref().filter(|_| self.weights.is_none())
    }

    /// Lists `path` and its subdirectories, each ending with a slash. Links are not followed.
    fn list_folders(&self) -> Result<Vec<String>, ModelError> {
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
                // An unreadable subdirectory can't contain the model.
                Err(_) if !folder.is_empty() => continue,
                Err(error) => return Err(error.into()),
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

    /// Moves `root` one directory up if the transformer is in a subdirectory of the model, such as
    /// `0_Transformer` in older models.
    fn find_root(&mut self) -> Result<(), ModelError> {
        if self.read(MODULES)?.is_some() {
            return Ok(());
        }
        let Some(inner) = self.root.strip_suffix('/') else {
            return Ok(());
        };
        let split = inner.rfind('/').map_or(0, |slash| slash + 1);
        let (above, name) = self.root.split_at(split);
        if let Some(modules) = self.read_raw(&format!("{above}{MODULES}"), MAX_OTHER)?
            && transformer_path(&modules).is_ok_and(|path| name.strip_suffix('/') == Some(&path))
        {
            self.transformer = name.into();
            self.root = above.into();
        }
        Ok(())
    }

    /// Directory or file that was opened; empty for a model in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the weights of the model by the bytes of another safetensors file.
    ///
    /// [`weights`](Self::weights) validates them.
    #[must_use]
    pub fn with_weights(self, weights: Vec<u8>) -> Self {
        Self {
            weights: Some(weights),
            ..self
        }
    }

    /// Reads a file by its name inside the model, for example `1_Pooling/config.json`; `None` if there is no such
    /// file.
    ///
    /// # Errors
    /// If the name leads out of the model, or if the file is too large or can't be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ModelError> {
        let is_inside = name.split('/').all(|part| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0'])
        });
        if !is_inside {
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
        let folder = if TRANSFORMER_FILES.contains(&name) {
            &self.transformer
        } else {
            ""
        };
        self.read_raw(&format!("{}{folder}{name}", self.root), limit)
    }

    /// Reads a required file; see [`read`](Self::read).
    ///
    /// # Errors
    /// Those of [`read`](Self::read), and [`ModelError::Missing`] if there is no such file.
    pub fn read_required(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        self.read(name)?
            .ok_or_else(|| ModelError::Missing { file: name.into() })
    }

    /// Reads the shape of the transformer from `config.json`.
    ///
    /// # Errors
    /// If the file can't be read or doesn't describe a supported BERT model.
    pub fn config(&self) -> Result<BertConfig, ModelError> {
        BertConfig::from_json(&self.read_required(CONFIG)?)
    }

    /// Reads maximum length, prompt, pooling and further modules, from `modules.json` and the files it lists.
    ///
    /// # Errors
    /// If a file can't be read or contains a setting that is not supported.
    pub fn settings(&self) -> Result<ModelSettings, ModelError> {
        ModelSettings::read(&self.transformer, &self.config()?, |name| {
            self.read_raw(&format!("{}{name}", self.root), MAX_OTHER)
        })
    }

    /// Reads and validates the weights, `model.safetensors`. Returns them with the prefix of the tensor names.
    ///
    /// # Errors
    /// If they can't be read or don't match `config.json`.
    pub fn weights(&self) -> Result<(Vec<u8>, &'static str), ModelError> {
        let bytes = self.read_required(WEIGHTS)?;
        let prefix = super::check_weights(&bytes, &self.config()?)?;
        Ok((bytes, prefix))
    }

    /// Reads `tokenizer.json`, without validating it.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn tokenizer(&self) -> Result<Vec<u8>, ModelError> {
        self.read_required(TOKENIZER)
    }

    /// Names of the transformer's files that exist. An exported model needs a copy of each; they can be passed to
    /// [`read`](Self::read).
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn base_files(&self) -> Result<Vec<&'static str>, ModelError> {
        let mut names = Vec::new();
        for name in TRANSFORMER_FILES {
            if self.contains(&format!("{}{}{name}", self.root, self.transformer))? {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// SHA-256 over everything that determines the pooled vector of a text: weights, shape, tokenizer and settings,
    /// in hexadecimal. It is the key of the embedding cache.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn fingerprint(&self) -> Result<String, ModelError> {
        let settings = self.settings()?;
        let pooling = match settings.pooling {
            Pooling::Mean => "mean",
            Pooling::Cls => "cls",
            Pooling::Max => "max",
        };
        let text_settings = format!(
            "{} {} {pooling} {:?}",
            settings.max_seq_length, settings.do_lower_case, settings.prompt
        );
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(text_settings.as_bytes());
        for name in [CONFIG, TOKENIZER] {
            add(&self.read_required(name)?);
        }
        match self.quantized() {
            // Their own hash, so that nothing is dequantized.
            Some(model) => add(model.sha256().as_bytes()),
            None => add(&self.read_required(WEIGHTS)?),
        }
        Ok(to_hex(&hash.finalize()))
    }

    /// Whether a file exists, by its full name inside the directory or archive.
    fn contains(&self, name: &str) -> Result<bool, ModelError> {
        if let Some(model) = &self.quantized {
            return Ok(name == WEIGHTS || model.file(name).is_some());
        }
        if let Some(listing) = &self.archive {
            return Ok(listing.contains(name));
        }
        match self.store.metadata(&self.path.join(name)) {
            Ok(found) => Ok(found.kind == FileKind::File),
            Err(error) if is_absent(error.kind) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file by its full name inside the directory or archive.
    fn read_raw(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ModelError> {
        if let Some(model) = &self.quantized {
            return match name {
                WEIGHTS => model.to_safetensors().map(Some),
                _ => Ok(model.file(name).map(<[u8]>::to_vec)),
            };
        }
        if let Some(listing) = &self.archive {
            return listing.read_file(self.store.open(&self.path)?, name, limit);
        }
        match self.store.read(&self.path.join(name), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(error.kind) => Ok(None),
            Err(error) if matches!(error.kind, ErrorKind::TooLarge { .. }) => {
                Err(ModelError::TooLarge {
                    file: name.into(),
                    limit,
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a file starts like a quantized model.
fn is_quantized(store: &dyn Store, path: &Path) -> Result<bool, ModelError> {
    let mut start = Vec::new();
    let read = store
        .open(path)?
        .take(quantized::MAGIC.len() as u64)
        .read_to_end(&mut start);
    // An unreadable file is reported by the reader of archives.
    Ok(read.is_ok() && start == quantized::MAGIC)
}

/// Whether an error means that the file doesn't exist.
pub fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotAFolder)
}

/// Computes the SHA-256 of bytes, in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Formats bytes as lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::{archive, folder, tiny_model_files};
    use serde_json::json;

    fn files() -> Vec<(String, Vec<u8>)> {
        tiny_model_files(&json!({}))
    }

    #[test]
    fn open_reads_equal_models_from_directory_zip_and_wheel() {
        let stores = [
            (folder("m", &files()), "m"),
            (folder("m/inner/model", &files()), "m"),
            (archive("m.zip", "", &files()), "m.zip"),
            (archive("m.whl", "package/model/", &files()), "m.whl"),
        ];
        let mut fingerprints = BTreeSet::new();
        for (store, path) in &stores {
            let model = ModelFiles::open(store, Path::new(path)).unwrap();
            assert!(model.settings().unwrap().normalize);
            assert_eq!(model.settings().unwrap().max_seq_length, 8);
            assert_eq!(
                model.base_files().unwrap(),
                [CONFIG, WEIGHTS, TOKENIZER, "vocab.txt"]
            );
            assert_eq!(model.read_required("vocab.txt").unwrap(), b"[PAD]");
            assert!(model.weights().is_ok());
            fingerprints.insert(model.fingerprint().unwrap());
        }
        assert_eq!(fingerprints.len(), 1);
        assert_eq!(fingerprints.first().unwrap().len(), 64);
    }

    #[test]
    fn open_finds_transformer_in_subdirectory() {
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
                } else if TRANSFORMER_FILES.contains(&&name[..]) || name.starts_with("sentence") {
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
    fn fingerprint_changes_with_tokenizer_and_settings() {
        let fingerprint = |files: &[(String, Vec<u8>)]| {
            let store = folder("m", files);
            let model = ModelFiles::open(&store, Path::new("m")).unwrap();
            model.fingerprint().unwrap()
        };
        let before = fingerprint(&files());
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
            assert_ne!(fingerprint(&changed), before, "{name}");
        }
        let mut readme = files();
        readme.last_mut().unwrap().1 = b"another".to_vec();
        assert_eq!(fingerprint(&readme), before);
    }

    #[test]
    fn open_reports_pickles_missing_models_and_missing_paths() {
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
        assert!(matches!(error, ModelError::Store(_)), "{error}");
    }

    #[test]
    fn read_rejects_names_outside_the_model() {
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
    fn open_searches_four_levels_of_directories() {
        let store = folder("m/1/2/3/4/5", &files());
        assert!(ModelFiles::open(&store, Path::new("m")).is_err());
        assert!(ModelFiles::open(&store, Path::new("m/1")).is_ok());
    }
}
