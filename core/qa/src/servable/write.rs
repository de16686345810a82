use super::{
    AnswerSet, Confidence, Data, FileEntry, Manifest, Servable, ServableError, Words, answers,
    card, dense, manifest, owned::owned, version,
};
use crate::answer_index::{Scoring, place_vectors};
use candle_core::Device;
use nearsay_core::{
    candle::through,
    head::{Dense, Folded},
    matrix::Matrix,
    tensor::Tensor as _,
};
use nearsay_model::{EMBEDDING_TENSOR, ModelFiles, Pooling, sha256_hex, tokenizer_json};
use nearsay_search::{expansion::Rule, prototype::Prototype};
use nearsay_store::Store;
use nearsay_text::{compact::StaticEmbeddings, wordpiece::WordPiece};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Parts of a model to export.
pub struct Export<'a> {
    /// The encoder.
    pub encoder: ExportEncoder<'a>,
    /// Name of the encoder, for example `minilm`.
    pub encoder_name: &'a str,
    /// The head, folded.
    pub head: &'a Folded,
    /// The answers and their paraphrases; at least one answer.
    pub answers: &'a AnswerSet,
    /// Pooled vectors of the texts of `answers`, before the head, `[n, d]`.
    pub vectors: &'a Matrix,
    /// Confidence rule.
    pub confidence: &'a Confidence,
    /// Keyword scoring; `None` or a weight of 0 for dense search.
    pub words: Option<Words>,
    /// Document expansion, applied during the export; `None` or a weight of 0 for unexpanded answers.
    pub expansion: Option<Rule>,
    /// Prototype scoring, applied during the export; `None` to compare with the nearest paraphrase alone.
    pub prototype: Option<Prototype>,
    /// Training report; null if nothing was trained.
    pub report: Value,
}

/// Encoder of a model to export.
pub enum ExportEncoder<'a> {
    /// A transformer, whose files are copied.
    Network(&'a ModelFiles<'a>),
    /// Static embeddings, written in single precision.
    Static {
        /// The tokenizer.
        words: &'a WordPiece,
        /// The embeddings, `[tokens, d]`.
        table: StaticEmbeddings<'a>,
    },
}

impl Export<'_> {
    /// Writes the model to a directory.
    ///
    /// Writes to a temporary directory beside `dir`, opens the result to verify it, and renames it to `dir`. If `dir`
    /// is already a model, replaces the files that its manifest lists and keeps all others.
    ///
    /// # Errors
    /// On every error `dir` stays unchanged.
    ///
    /// - [`ServableError::Occupied`] if `dir` has files but isn't a model
    /// - [`ServableError::NoAnswers`] if there are no answers
    /// - [`ServableError::Head`] if the head can't be folded
    /// - [`ServableError::Weight`] if a weight isn't a number from 0 to 4
    /// - another error if a file can't be read or written
    pub fn write(&self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        if self.answers.is_empty() {
            return Err(ServableError::NoAnswers);
        }
        let layers = match self.head {
            Folded::Identity => &[],
            Folded::Layers(layers) => layers.as_slice(),
            Folded::Impossible(why) => return Err(ServableError::Head { why: why.clone() }),
        };
        let scoring = manifest::sound_scoring(self.words, self.expansion, self.prototype)?;
        staged(store, dir, |staging| {
            self.fill(store, staging, layers, scoring)?;
            Servable::open(store, staging, &Device::Cpu)?;
            Ok(())
        })
    }

    fn fill(
        &self,
        store: &dyn Store,
        dir: &Path,
        layers: &[Dense],
        scoring: Scoring,
    ) -> Result<(), ServableError> {
        let mut folder = Folder::new(store, dir);
        let mut modules = match &self.encoder {
            ExportEncoder::Network(files) => network(files, &mut folder)?,
            ExportEncoder::Static { words, table } => static_embedding(words, table, &mut folder)?,
        };
        behind(&mut modules, layers, &mut folder)?;
        let vectors = self.finished_vectors(layers)?;
        let manifest = Manifest {
            format: version::FORMAT,
            written_by: env!("CARGO_PKG_VERSION").into(),
            encoder: self.encoder_name.into(),
            confidence: self.confidence.clone(),
            words: scoring.hybrid,
            expansion: scoring.expansion,
            prototype: scoring.prototype,
            report: self.report.clone(),
            files: BTreeMap::new(),
        };
        let mut compared = vectors;
        let unexpanded = place_vectors(self.answers, &mut compared, scoring)
            .map_err(|e| ServableError::changed(answers::VECTORS, e))?;
        let data = Data {
            answers: self.answers,
            vectors: &compared,
            plain: unexpanded.as_ref(),
        };
        folder.finish(manifest, Some(data), layers.len())
    }

    /// Computes the unit vectors of all texts: head, then normalization.
    fn finished_vectors(&self, layers: &[Dense]) -> Result<Matrix, ServableError> {
        let vectors = through(layers, self.vectors)
            .map_err(|e| ServableError::changed(answers::VECTORS, e))?;
        vectors
            .normalize_rows()
            .map_err(|e| ServableError::changed(answers::VECTORS, e))
    }
}

/// Fills a temporary directory beside `dir` and renames it to `dir`. If `dir` is already a model, replaces the files that
/// its manifest lists and keeps all others. Removes the temporary directory if `fill` fails.
pub(super) fn staged(
    store: &dyn Store,
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<(), ServableError>,
) -> Result<(), ServableError> {
    owned(store, dir)?;
    let staging = store.stage_dir(dir)?;
    let written = fill(staging.path()).and_then(|()| {
        // Listed again, because `dir` may have changed in the meantime.
        let owned = owned(store, dir)?;
        Ok(store.replace_dir(staging.path(), dir, &owned)?)
    });
    if written.is_err() {
        store.remove(staging.path()).ok();
    }
    written
}

/// Class name and directory of each module.
type Modules = Vec<(&'static str, String)>;

/// Copies a transformer and writes its settings for sentence-transformers, in the schema that every version reads.
fn network(files: &ModelFiles<'_>, folder: &mut Folder<'_>) -> Result<Modules, ServableError> {
    for name in files.base_files()? {
        folder.put(name, &files.read_required(name)?)?;
    }
    let settings = files.settings()?;
    folder.put_json(
        "sentence_bert_config.json",
        &json!({
            "max_seq_length": settings.max_seq_length,
            "do_lower_case": settings.do_lower_case,
        }),
    )?;
    folder.put_json(
        "1_Pooling/config.json",
        &json!({
            "word_embedding_dimension": settings.dims,
            "pooling_mode_cls_token": settings.pooling == Pooling::Cls,
            "pooling_mode_mean_tokens": settings.pooling == Pooling::Mean,
            "pooling_mode_max_tokens": settings.pooling == Pooling::Max,
            "pooling_mode_mean_sqrt_len_tokens": false,
        }),
    )?;
    about(&settings.prompt, "3.0.0", folder)?;
    Ok(vec![
        ("Transformer", String::new()),
        ("Pooling", "1_Pooling".into()),
    ])
}

/// Directory of static embeddings. sentence-transformers before 5 loads any module with an empty path as a transformer.
const STATIC: &str = "0_StaticEmbedding";

/// Writes static embeddings and their tokenizer as a `StaticEmbedding` module.
fn static_embedding(
    words: &WordPiece,
    table: &StaticEmbeddings<'_>,
    folder: &mut Folder<'_>,
) -> Result<Modules, ServableError> {
    let name = format!("{STATIC}/model.safetensors");
    let rows = table.to_matrix();
    let bytes = rows.to_le_bytes();
    let file = TensorView::new(Dtype::F32, vec![rows.rows(), rows.columns()], &bytes)
        .and_then(|view| safetensors::serialize([(EMBEDDING_TENSOR, view)], None))
        .map_err(|e| ServableError::changed(&name, e))?;
    folder.put(&name, &file)?;
    let vocabulary = words.vocabulary();
    let tokens = (0..vocabulary.len() as u32).map_while(|id| vocabulary.token(id));
    folder.put_json(&format!("{STATIC}/tokenizer.json"), &tokenizer_json(tokens))?;
    // First version of sentence-transformers with this module.
    about("", "3.2.0", folder)?;
    Ok(vec![("StaticEmbedding", STATIC.into())])
}

/// Writes the dense layers after an encoder, and the list of all modules in the schema that every version of
/// sentence-transformers reads.
fn behind(
    modules: &mut Modules,
    layers: &[Dense],
    folder: &mut Folder<'_>,
) -> Result<(), ServableError> {
    for layer in layers {
        let name = format!("{}_Dense", modules.len());
        for (file, bytes) in dense::to_files(&name, layer)? {
            folder.put(&file, &bytes)?;
        }
        modules.push(("Dense", name));
    }
    // The number is only part of a name; without layers it stays 3, as in all earlier models.
    let normalize = format!("{}_Normalize", modules.len().max(3));
    folder.store.create_dir_all(&folder.dir.join(&normalize))?;
    modules.push(("Normalize", normalize));
    let list: Vec<Value> = modules
        .iter()
        .enumerate()
        .map(|(i, (kind, path))| {
            let kind = format!("sentence_transformers.models.{kind}");
            json!({"idx": i, "name": i.to_string(), "path": path, "type": kind})
        })
        .collect();
    folder.put_json("modules.json", &Value::Array(list))
}

/// Writes the settings of a whole model for sentence-transformers, which warns if it is older than `version`.
fn about(prompt: &str, version: &str, folder: &mut Folder<'_>) -> Result<(), ServableError> {
    let (prompts, default) = match prompt {
        "" => (json!({}), Value::Null),
        prompt => (json!({"default": prompt}), json!("default")),
    };
    folder.put_json(
        "config_sentence_transformers.json",
        &json!({
            "__version__": {
                "sentence_transformers": version, "transformers": "4.41.0", "pytorch": "2.3.0",
            },
            "prompts": prompts,
            "default_prompt_name": default,
            "similarity_fn_name": "cosine",
        }),
    )
}

/// Model directory while it is being written, with the entries of its manifest so far.
pub(super) struct Folder<'a> {
    store: &'a dyn Store,
    dir: &'a Path,
    files: BTreeMap<String, FileEntry>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(store: &'a dyn Store, dir: &'a Path) -> Self {
        Self {
            store,
            dir,
            files: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), ServableError> {
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            self.store.create_dir_all(parent)?;
        }
        self.store.write_atomic(&path, bytes)?;
        let entry = FileEntry {
            bytes: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        };
        self.files.insert(name.into(), entry);
        Ok(())
    }

    fn put_json(&mut self, name: &str, value: &Value) -> Result<(), ServableError> {
        let bytes =
            serde_json::to_vec_pretty(value).map_err(|e| ServableError::changed(name, e))?;
        self.put(name, &bytes)
    }

    /// Writes the answers and their vectors, if `data` is given, then the model card, and last the manifest with the
    /// entries of all files written.
    pub(super) fn finish(
        mut self,
        mut manifest: Manifest,
        data: Option<Data<'_>>,
        layers: usize,
    ) -> Result<(), ServableError> {
        if let Some(data) = data {
            let answers = data.answers;
            let raw_rows = manifest.scoring().raw_rows(answers);
            let plain = data.plain.filter(|_| raw_rows.is_some());
            if data.vectors.rows() != answers.texts_len() || plain.map(Matrix::rows) != raw_rows {
                return Err(ServableError::changed(
                    answers::VECTORS,
                    "lacks vectors of some texts",
                ));
            }
            self.put(answers::TEXTS, &answers::to_jsonl(answers)?)?;
            self.put(answers::VECTORS, &answers::vectors_to_bytes(data.vectors)?)?;
            if let Some(plain) = plain {
                self.put(answers::PLAIN, &answers::vectors_to_bytes(plain)?)?;
            }
        }
        let card = card::card(&manifest, data.map(|data| data.answers), layers);
        self.put(card::NAME, card.as_bytes())?;
        manifest.files = self.files;
        let bytes = serde_json::to_vec_pretty(&manifest)
            .map_err(|e| ServableError::changed(manifest::NAME, e))?;
        Ok(self
            .store
            .write_atomic(&self.dir.join(manifest::NAME), &bytes)?)
    }
}
