use super::{ServableError, answers, version};
use crate::answer_index::{Confidence, Scoring, Words};
use nearsay_model::{sha256_hex, to_hex};
use nearsay_search::{expansion::Rule, prototype::Prototype};
use nearsay_store::{ErrorKind, Operation, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

/// File name of the manifest in the model directory.
pub(super) const NAME: &str = version::MANIFEST_NAME;

/// Maximum size of a manifest in bytes.
pub(super) const LIMIT: u64 = 16 << 20;

/// Files with the answers and their vectors. A model without answers has none of these files.
pub(super) const DATA: [&str; 3] = [answers::TEXTS, answers::VECTORS, answers::PLAIN];

/// Manifest of a model: `nearsay.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version.
    pub format: u32,
    /// Version of Nearsay that wrote the model.
    pub written_by: String,
    /// Name of the encoder, for example `minilm`.
    pub encoder: String,
    /// Confidence rule.
    #[serde(flatten)]
    pub confidence: Confidence,
    /// Keyword scoring; `None` for dense search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// Document expansion; `None` if the answers aren't expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<Rule>,
    /// Prototype scoring; `None` to compare with the nearest paraphrase alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototype: Option<Prototype>,
    /// Training report; null if nothing was trained.
    pub report: Value,
    /// Size and hash of every other file, by its relative path with forward slashes.
    pub files: BTreeMap<String, FileEntry>,
}

/// Size and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Validates the weight; returns `None` if it is 0.
///
/// # Errors
/// If the weight isn't a number from 0 to 4.
pub(super) fn validate_hybrid(words: Option<Words>) -> Result<Option<Words>, ServableError> {
    match words.filter(|words| !words.is_sound()) {
        Some(Words { weight, .. }) => Err(ServableError::Weight { weight }),
        None => Ok(words.filter(|words| words.weight > 0.0)),
    }
}

/// Validates the settings of a scoring; leaves out those that change nothing.
///
/// # Errors
/// If a weight isn't a number from 0 to 4, or a prior or sharpness none from 0 to 100.
pub(super) fn sound_scoring(
    words: Option<Words>,
    expansion: Option<Rule>,
    prototype: Option<Prototype>,
) -> Result<Scoring, ServableError> {
    match prototype.filter(|prototype| !prototype.is_sound()) {
        Some(prototype) => Err(ServableError::Prototype { prototype }),
        None => Ok(Scoring {
            hybrid: validate_hybrid(words)?,
            expansion: sound(expansion)?,
            prototype,
        }),
    }
}

/// Validates a document expansion; returns `None` if its weight is 0.
///
/// # Errors
/// If the weight isn't a number from 0 to 4.
fn sound(rule: Option<Rule>) -> Result<Option<Rule>, ServableError> {
    match rule.filter(|rule| !rule.is_sound()) {
        Some(Rule { weight, .. }) => Err(ServableError::Weight { weight }),
        None => Ok(rule.filter(|rule| rule.weight > 0.0)),
    }
}

impl Manifest {
    /// Reads the manifest of a model.
    ///
    /// # Errors
    /// [`ServableError::NotAModel`] if the directory has no manifest; an error if the manifest can't be read; the errors
    /// of [`parse`](Self::parse).
    pub fn read(store: &dyn Store, dir: &Path) -> Result<Self, ServableError> {
        Self::parse(&Self::bytes(store, dir)?)
    }

    /// Reads the bytes of a model's manifest.
    ///
    /// # Errors
    /// [`ServableError::NotAModel`] if the directory has no manifest; an error if the manifest can't be read.
    pub(super) fn bytes(store: &dyn Store, dir: &Path) -> Result<Vec<u8>, ServableError> {
        match store.read(&dir.join(NAME), LIMIT) {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotAFolder) => {
                Err(ServableError::NotAModel { dir: dir.into() })
            }
            read => Ok(read?),
        }
    }

    /// Parses a manifest of this format version or an older one.
    ///
    /// # Errors
    /// If the manifest is damaged or has a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ServableError> {
        let manifest = version::read(bytes)?;
        if !manifest.confidence.is_sound() {
            return Err(ServableError::changed(
                NAME,
                "has a threshold, abstain score or `own_text` that is out of range",
            ));
        }
        if manifest.words.is_some_and(|words| !words.is_sound()) {
            return Err(ServableError::changed(
                NAME,
                "has a weight of words that isn't from 0 to 4",
            ));
        }
        if manifest
            .expansion
            .is_some_and(|expansion| !expansion.is_sound())
        {
            return Err(ServableError::changed(
                NAME,
                "has a weight of expansion that isn't from 0 to 4",
            ));
        }
        if manifest
            .prototype
            .is_some_and(|prototype| !prototype.is_sound())
        {
            return Err(ServableError::changed(
                NAME,
                "has a prior or sharpness of prototypes that isn't from 0 to 100",
            ));
        }
        match manifest.files.keys().find(|name| !plain(name)) {
            Some(name) => Err(ServableError::changed(
                NAME,
                format_args!("lists a file outside of the model directory ({name:?})"),
            )),
            None => Ok(manifest),
        }
    }

    /// Verifies the size and hash of every file.
    ///
    /// # Errors
    /// [`ServableError::Changed`] for the first file that is missing or changed.
    pub fn verify(&self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        self.verify_all_but(&[], store, dir)
    }

    /// Like [`verify`](Self::verify), but skips some files.
    pub(super) fn verify_all_but(
        &self,
        others: &[&str],
        store: &dyn Store,
        dir: &Path,
    ) -> Result<(), ServableError> {
        let files = self.files.iter();
        for (name, entry) in files.filter(|(name, _)| !others.contains(&name.as_str())) {
            entry.stream(store, dir, name, &mut |_| {})?;
        }
        Ok(())
    }

    /// Entry of a required file.
    pub(super) fn entry(&self, name: &str) -> Result<&FileEntry, ServableError> {
        let entry = self.files.get(name);
        entry.ok_or_else(|| ServableError::changed(name, "isn't listed in nearsay.json"))
    }

    /// Scoring of the answers: keyword scores, document expansion and prototypes.
    #[must_use]
    pub fn scoring(&self) -> Scoring {
        Scoring {
            hybrid: self.words,
            expansion: self.expansion,
            prototype: self.prototype,
        }
    }

    /// Whether the model has answers. Models exported without data have none.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        DATA.iter().any(|&name| self.files.contains_key(name))
    }
}

impl FileEntry {
    /// Reads a file and verifies its size and hash.
    pub(super) fn read(
        &self,
        store: &dyn Store,
        dir: &Path,
        name: &str,
    ) -> Result<Vec<u8>, ServableError> {
        let read = store.read(&dir.join(name), self.bytes);
        let bytes = read.map_err(|error| refused(name, error))?;
        if bytes.len() as u64 != self.bytes {
            return Err(ServableError::changed(name, SHORTER));
        }
        if sha256_hex(&bytes) != self.sha256 {
            return Err(ServableError::changed(name, ANOTHER));
        }
        Ok(bytes)
    }

    /// Reads a file once, passes its content to `take` in pieces, and verifies its size and hash at the end. On an error,
    /// discard the pieces.
    pub(super) fn stream(
        &self,
        store: &dyn Store,
        dir: &Path,
        name: &str,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ServableError> {
        let path = dir.join(name);
        let mut file = store.open(&path).map_err(|error| refused(name, error))?;
        let mut len = 0;
        let digest = hashing(self.bytes > BESIDE, |hash| {
            loop {
                let mut piece = hash.room();
                let bytes = Arc::make_mut(&mut piece);
                bytes.resize(PIECE, 0);
                let read = match file.read(bytes) {
                    Ok(0) => return Ok(()),
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                    Err(error) => return Err(StoreError::new(Operation::Read, &path, error).into()),
                };
                bytes.truncate(read);
                len += read as u64;
                if len > self.bytes {
                    return Err(ServableError::changed(name, LONGER));
                }
                hash.update(&piece);
                take(&piece);
            }
        })?;
        if len != self.bytes {
            return Err(ServableError::changed(name, SHORTER));
        }
        if digest != self.sha256 {
            return Err(ServableError::changed(name, ANOTHER));
        }
        Ok(())
    }
}

const LONGER: &str = "is longer than when it was written";
const SHORTER: &str = "is shorter than when it was written";
const ANOTHER: &str = "has another content than when it was written";

/// Size of a piece in bytes; small enough to stay in a core's cache while it is hashed and processed.
const PIECE: usize = 1 << 18;

/// Size in bytes from which a file is hashed on a second thread, because reading and hashing take equally long.
const BESIDE: u64 = 16 << 20;

/// Hasher of a file's pieces, on this thread or on a second one.
enum Hashing {
    Here(Box<Sha256>),
    Beside {
        pieces: SyncSender<Arc<Vec<u8>>>,
        done: Receiver<Arc<Vec<u8>>>,
    },
}

impl Hashing {
    /// Returns a buffer to read into; reuses that of a hashed piece if possible.
    fn room(&self) -> Arc<Vec<u8>> {
        match self {
            Self::Here(_) => Arc::default(),
            Self::Beside { done, .. } => done.try_recv().unwrap_or_default(),
        }
    }

    fn update(&mut self, piece: &Arc<Vec<u8>>) {
        match self {
            Self::Here(hash) => hash.update(&**piece),
            // The thread receives until `pieces` is dropped, so sending doesn't fail.
            Self::Beside { pieces, .. } => pieces.send(Arc::clone(piece)).unwrap_or_default(),
        }
    }
}

/// SHA-256 in hexadecimal of the pieces that `read` passes on. Hashes on a second thread if `beside` is true and a
/// thread can be started.
fn hashing(
    beside: bool,
    read: impl FnOnce(&mut Hashing) -> Result<(), ServableError>,
) -> Result<String, ServableError> {
    thread::scope(|scope| {
        let (pieces, to_hash) = mpsc::sync_channel::<Arc<Vec<u8>>>(4);
        let (give_back, done) = mpsc::channel();
        let work = move || {
            let mut hash = Sha256::new();
            for piece in to_hash {
                hash.update(&*piece);
                give_back.send(piece).unwrap_or_default();
            }
            hash
        };
        let thread = thread::Builder::new().name("hash".to_owned());
        let thread = beside.then(|| thread.spawn_scoped(scope, work)).transpose();
        let Ok(Some(thread)) = thread else {
            let mut hash = Hashing::Here(Box::default());
            read(&mut hash)?;
            return Ok(match hash {
                Hashing::Here(hash) => to_hex(&hash.finalize()),
                Hashing::Beside { .. } => String::new(), // unreachable
            });
        };
        let mut hash = Hashing::Beside { pieces, done };
        let result = read(&mut hash);
        drop(hash);
        match thread.join() {
            Ok(hash) => result.map(|()| to_hex(&hash.finalize())),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Converts the error of reading a listed file; a missing or too large file counts as changed.
fn refused(name: &str, error: StoreError) -> ServableError {
    match error.kind {
        ErrorKind::NotFound => ServableError::changed(name, "is missing"),
        ErrorKind::TooLarge { .. } => ServableError::changed(name, LONGER),
        _ => error.into(),
    }
}

/// Whether a path stays in the model directory: at most one subdirectory deep, and no hidden or special names.
pub(super) fn plain(name: &str) -> bool {
    let part = |part: &str| {
        (1..=64).contains(&part.len())
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.split('/').count() <= 2 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_index::By;

    fn manifest(names: &[&str]) -> Vec<u8> {
        let entry = FileEntry {
            bytes: 1,
            sha256: String::new(),
        };
        serde_json::to_vec(&Manifest {
            format: version::FORMAT,
            written_by: "0.1.0".into(),
            encoder: "minilm".into(),
            confidence: Confidence::USUAL,
            words: None,
            expansion: None,
            prototype: None,
            report: Value::Null,
            files: names
                .iter()
                .map(|&name| (name.to_owned(), entry.clone()))
                .collect(),
        })
        .unwrap()
    }

    #[test]
    fn parse_rejects_paths_outside_of_model_directory() {
        assert!(Manifest::parse(&manifest(&["config.json", "2_Dense/model.safetensors"])).is_ok());
        for name in [
            "../x",
            "/etc/passwd",
            "a/../b",
            "a/b/c",
            "",
            "a//b",
            "C:\\x",
            ".hidden",
            "a\0b",
            "a/",
        ] {
            let error = Manifest::parse(&manifest(&[name])).unwrap_err();
            assert!(matches!(error, ServableError::Changed { .. }), "{name:?}");
        }
    }

    #[test]
    fn keyword_weight_must_be_from_0_to_4() {
        let with = |words: &str| {
            let text = format!(
                r#"{{"format": 1, "written_by": "0.1.0", "encoder": "minilm", {words}
                "threshold": {{"score": 0.5, "questions": 0}}, "report": null, "files": {{}}}}"#
            );
            Manifest::parse(text.as_bytes())
        };
        // Older models have no keyword scoring.
        assert_eq!(with("").unwrap().words, None);
        for weight in [0.0, 0.35, 4.0] {
            let found = with(&format!(r#""words": {{"weight": {weight}}},"#)).unwrap();
            let (by, near) = (By::Text, false);
            assert_eq!(found.words, Some(Words { weight, by, near }));
            let found = with(&format!(
                r#""words": {{"weight": {weight}, "by": "answer", "near": true}},"#
            ));
            assert_eq!(found.unwrap().words, Some(Words::by_answer(weight)));
        }
        for weight in ["-0.1", "4.01"] {
            let error = with(&format!(r#""words": {{"weight": {weight}}},"#)).unwrap_err();
            assert!(error.to_string().contains("weight of words"), "{error}");
        }
        for weight in ["null", "1e39"] {
            assert!(with(&format!(r#""words": {{"weight": {weight}}},"#)).is_err());
        }
        for weight in [-1.0, 4.5, f32::NAN, f32::INFINITY] {
            let error = validate_hybrid(Some(Words::by_answer(weight))).unwrap_err();
            assert!(error.to_string().contains("from 0 to 4"), "{error}");
        }
        assert_eq!(validate_hybrid(Some(Words::by_answer(0.0))).unwrap(), None);
        let some = Some(Words::by_answer(0.2));
        assert_eq!(validate_hybrid(some).unwrap(), some);
    }
}
