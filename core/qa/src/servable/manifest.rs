use super::{Confidence, ServableError, answers, version};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_model::{hex, sha256_hex};
use nearsay_search::{expansion::Rule, index::Index};
use nearsay_store::{ErrorKind, Operation, Store, StoreError};
use nearsay_text::bm25::Bm25Index;
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

/// Name of the manifest in the folder.
pub(super) const NAME: &str = version::MANIFEST_NAME;

/// Largest manifest that is read.
pub(super) const LIMIT: u64 = 16 << 20;

/// The files of the answers; a folder without its data has none of them.
pub(super) const DATA: [&str; 3] = [answers::TEXTS, answers::VECTORS, answers::PLAIN];

/// What the folder says of itself: `nearsay.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Version of Nearsay that wrote it.
    pub written_by: String,
    /// Name of the encoder, for example `minilm`.
    pub encoder: String,
    /// When an answer is sure, and how probably it is right.
    #[serde(flatten)]
    pub confidence: Confidence,
    /// What words count for beside vectors; none when vectors alone are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// How the vectors of answers were moved; none when they are as the model makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<Rule>,
    /// The report of the training, as the feature `train` writes it; null when nothing was trained.
    pub report: Value,
    /// Every other file, by its name with forward slashes.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// From which sureness on an answer is given without a warning; see [`Confidence`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The least sureness.
    #[serde(alias = "score")] // its name before there were shares
    pub sureness: f32,
    /// Questions kept aside that it was measured on; 0 when it is only the usual value.
    pub questions: usize,
}

impl Threshold {
    /// The usual value, a score, for a model without questions kept aside.
    pub const USUAL: Self = Self {
        sureness: 0.5,
        questions: 0,
    };
}

/// What words count for beside vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Times [`Bm25Index::scores`] of a text's document, added to the cosine similarity of the text; from 0 to 4.
    pub weight: f32,
    /// What a document is.
    #[serde(default)]
    pub by: By,
}

/// What is compared with the words of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Each text by itself, as in folders of before there was anything else.
    #[default]
    Text,
    /// An answer with all its wordings.
    Answer,
}

impl Words {
    /// Words that are compared by answer and count for so much.
    #[must_use]
    pub fn by_answer(weight: f32) -> Self {
        Self {
            weight,
            by: By::Answer,
        }
    }

    /// An index of texts by their vectors, `[n, d]`, text `i` being of answer `owners[i]`, and by their words if
    /// there are to be any.
    ///
    /// # Errors
    /// When there is not one vector and one owner a text.
    pub fn index<T: AsRef<str>>(
        words: Option<Self>,
        vectors: Matrix,
        owners: Vec<u32>,
        texts: &[T],
    ) -> Result<Index, ShapeError> {
        let index = Index::new(vectors, owners)?;
        match words {
            Some(words) => {
                let lexical = words.of(texts, index.owners())?;
                index.with_words(lexical, words.weight)
            }
            None => Ok(index),
        }
    }

    /// The words of texts, text `i` being of answer `owners[i]`, for
    /// [`Index::with_words`](nearsay_search::index::Index::with_words).
    ///
    /// # Errors
    /// When there is not one owner a text.
    pub fn of<T: AsRef<str>>(self, texts: &[T], owners: &[u32]) -> Result<Bm25Index, ShapeError> {
        match self.by {
            By::Text => Ok(Bm25Index::new(texts)),
            By::Answer => Bm25Index::grouped(texts, owners),
        }
    }

    /// None when they count for nothing.
    ///
    /// # Errors
    /// When the weight is not a number from 0 to 4.
    pub(super) fn sound(words: Option<Self>) -> Result<Option<Self>, ServableError> {
        match words.filter(|words| !words.is_sound()) {
            Some(Self { weight, .. }) => Err(ServableError::Weight { weight }),
            None => Ok(words.filter(|words| words.weight > 0.0)),
        }
    }

    fn is_sound(self) -> bool {
        (0.0..=4.0).contains(&self.weight)
    }
}

/// The rule by which answers are moved; none when its weight is 0.
///
/// # Errors
/// When the weight is not a number from 0 to 4.
pub(super) fn sound(rule: Option<Rule>) -> Result<Option<Rule>, ServableError> {
    match rule.filter(|rule| !rule.is_sound()) {
        Some(Rule { weight, .. }) => Err(ServableError::Weight { weight }),
        None => Ok(rule.filter(|rule| rule.weight > 0.0)),
    }
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// When there is none, or as [`parse`](Self::parse) says.
    pub fn read(store: &dyn Store, dir: &Path) -> Result<Self, ServableError> {
        Self::parse(&Self::bytes(store, dir)?)
    }

    /// The manifest of a folder as it stands there.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(super) fn bytes(store: &dyn Store, dir: &Path) -> Result<Vec<u8>, ServableError> {
        match store.read(&dir.join(NAME), LIMIT) {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotAFolder) => {
                Err(ServableError::NotAModel { dir: dir.into() })
            }
            read => Ok(read?),
        }
    }

    /// Parses a manifest, of this version or an older one.
    ///
    /// # Errors
    /// When it is damaged, or of a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ServableError> {
        let manifest = version::read(bytes)?;
        if !manifest.confidence.is_sound() {
            return Err(ServableError::changed(
                NAME,
                "has a threshold or a score of no answer that is no number",
            ));
        }
        if manifest.words.is_some_and(|words| !words.is_sound()) {
            return Err(ServableError::changed(
                NAME,
                "has a weight of words that is not from 0 to 4",
            ));
        }
        if manifest
            .expansion
            .is_some_and(|expansion| !expansion.is_sound())
        {
            return Err(ServableError::changed(
                NAME,
                "has a weight of expansion that is not from 0 to 4",
            ));
        }
        match manifest.files.keys().find(|name| !plain(name)) {
            Some(name) => Err(ServableError::changed(
                NAME,
                format_args!("names a file outside of the folder ({name:?})"),
            )),
            None => Ok(manifest),
        }
    }

    /// Checks that every file is there and is the one that was written.
    ///
    /// # Errors
    /// For the first file that is missing or changed.
    pub fn verify(&self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        self.verify_all_but(&[], store, dir)
    }

    /// As [`verify`](Self::verify), of the files that are not read in any other way.
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

    /// A file that must be listed.
    pub(super) fn entry(&self, name: &str) -> Result<&FileEntry, ServableError> {
        let entry = self.files.get(name);
        entry.ok_or_else(|| ServableError::changed(name, "is not listed in nearsay.json"))
    }

    /// Whether the folder holds answers, or was written without its data.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        DATA.iter().any(|&name| self.files.contains_key(name))
    }
}

impl FileEntry {
    /// The content of a file, if it is the one that was written.
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

    /// Hands over the content of a file in pieces, each read once, and says at the end whether it is
    /// the file that was written. What was handed over counts for nothing when it is not.
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

const LONGER: &str = "is longer than it was written";
const SHORTER: &str = "is shorter than it was written";
const ANOTHER: &str = "is not the file that was written";

/// Read at a time: what is read, hashed and looked at stays in a core's own memory.
const PIECE: usize = 1 << 18;

/// Longer files are hashed on a thread beside the one that reads them: each is half of the work.
const BESIDE: u64 = 16 << 20;

/// Where the pieces of a file go to be hashed.
enum Hashing {
    Here(Box<Sha256>),
    Beside {
        pieces: SyncSender<Arc<Vec<u8>>>,
        done: Receiver<Arc<Vec<u8>>>,
    },
}

impl Hashing {
    /// A piece to read into: one that was hashed, if there is one.
    fn room(&self) -> Arc<Vec<u8>> {
        match self {
            Self::Here(_) => Arc::default(),
            Self::Beside { done, .. } => done.try_recv().unwrap_or_default(),
        }
    }

    fn update(&mut self, piece: &Arc<Vec<u8>>) {
        match self {
            Self::Here(hash) => hash.update(&**piece),
            // It listens until it is told that there is no more.
            Self::Beside { pieces, .. } => pieces.send(Arc::clone(piece)).unwrap_or_default(),
        }
    }
}

/// SHA-256, in hexadecimal, of the pieces that `read` hands over, on a thread beside it if wanted and if
/// there is one to be had.
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
                Hashing::Here(hash) => hex(&hash.finalize()),
                Hashing::Beside { .. } => String::new(), // it is here
            });
        };
        let mut hash = Hashing::Beside { pieces, done };
        let result = read(&mut hash);
        drop(hash);
        match thread.join() {
            Ok(hash) => result.map(|()| hex(&hash.finalize())),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A file that cannot be read, by its name where that says enough.
fn refused(name: &str, error: StoreError) -> ServableError {
    match error.kind {
        ErrorKind::NotFound => ServableError::changed(name, "is missing"),
        ErrorKind::TooLarge { .. } => ServableError::changed(name, LONGER),
        _ => error.into(),
    }
}

/// Whether a name stays in the folder, at most one folder deep.
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
            report: Value::Null,
            files: names
                .iter()
                .map(|&name| (name.to_owned(), entry.clone()))
                .collect(),
        })
        .unwrap()
    }

    #[test]
    fn names_must_stay_in_the_folder() {
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
    fn words_weigh_from_nothing_to_four() {
        let with = |words: &str| {
            let text = format!(
                r#"{{"format": 1, "written_by": "0.1.0", "encoder": "minilm", {words}
                "threshold": {{"score": 0.5, "questions": 0}}, "report": null, "files": {{}}}}"#
            );
            Manifest::parse(text.as_bytes())
        };
        // Folders of former versions have none.
        assert_eq!(with("").unwrap().words, None);
        for weight in [0.0, 0.35, 4.0] {
            let found = with(&format!(r#""words": {{"weight": {weight}}},"#)).unwrap();
            let by = By::Text;
            assert_eq!(found.words, Some(Words { weight, by }));
            let found = with(&format!(
                r#""words": {{"weight": {weight}, "by": "answer"}},"#
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
            let error = Words::sound(Some(Words::by_answer(weight))).unwrap_err();
            assert!(error.to_string().contains("from 0 to 4"), "{error}");
        }
        assert_eq!(Words::sound(Some(Words::by_answer(0.0))).unwrap(), None);
        let some = Some(Words::by_answer(0.2));
        assert_eq!(Words::sound(some).unwrap(), some);
    }
}
