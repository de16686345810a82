use super::{
    AnswerSet, Confidence, Data, FileEntry, Manifest, Servable, ServableError, Words, answers,
    card, dense, manifest, owned::owned, version,
};
use candle_core::Device;
use nearsay_core::{
    candle::through,
    head::{Dense, Folded},
    matrix::{Matrix, ShapeError},
    tensor::Tensor as _,
};
use nearsay_model::{ModelFiles, Pooling, TABLE, sha256_hex, tokenizer_json};
use nearsay_search::expansion::{Kind, Own, Rule, Texts};
use nearsay_store::Store;
use nearsay_text::{compact::StaticEmbeddings, wordpiece::WordPiece};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Everything that goes into a folder.
pub struct Export<'a> {
    /// The encoder.
    pub encoder: ExportEncoder<'a>,
    /// Its name.
    pub encoder_name: &'a str,
    /// The head, folded.
    pub head: &'a Folded,
    /// The answers and their known wordings.
    pub answers: &'a AnswerSet,
    /// The pooled vector of each of the set's texts, before the head, `[n, d]`.
    pub vectors: &'a Matrix,
    /// When an answer is sure, and how probably it is right.
    pub confidence: &'a Confidence,
    /// What words count for beside vectors, from 0 to 4; none or 0 when vectors alone are compared.
    pub words: Option<Words>,
    /// How answers are moved towards questions; none, or with a weight of 0, when they are compared as they
    /// are.
    pub expansion: Option<Rule>,
    /// The report of the training; null when nothing was trained.
    pub report: Value,
}

/// The encoder of an exported model.
pub enum ExportEncoder<'a> {
    /// A network whose files are copied.
    Network(&'a ModelFiles<'a>),
    /// A table, written as full numbers.
    Static {
        /// Its tokenizer.
        words: &'a WordPiece,
        /// A row for each token.
        table: StaticEmbeddings<'a>,
    },
}

impl Export<'_> {
    /// Writes the folder beside its place, reads it again as whoever serves it will, and only then
    /// gives it its name. In a model already there the files it names are replaced, and all others stay.
    ///
    /// # Errors
    /// [`ServableError::Occupied`] when the folder holds other files and no model. When the head cannot be folded, words are to count for what they cannot, or something cannot be
    /// read, written or read again; the former folder is then still there.
    pub fn write(&self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        if self.answers.is_empty() {
            return Err(ServableError::NoAnswers);
        }
        let layers = match self.head {
            Folded::Identity => &[],
            Folded::Layers(layers) => layers.as_slice(),
            Folded::Impossible(why) => return Err(ServableError::Head { why: why.clone() }),
        };
        let words = Words::sound(self.words)?;
        let expansion = manifest::sound(self.expansion)?;
        staged(store, dir, |staging| {
            self.fill(store, staging, layers, words, expansion)?;
            Servable::open(store, staging, &Device::Cpu)?;
            Ok(())
        })
    }

    fn fill(
        &self,
        store: &dyn Store,
        dir: &Path,
        layers: &[Dense],
        words: Option<Words>,
        expansion: Option<Rule>,
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
            words,
            expansion,
            report: self.report.clone(),
            files: BTreeMap::new(),
        };
        let (moved, plain) = match expansion {
            Some(rule) => {
                let (moved, plain) = expanded(rule, self.answers, &vectors)
                    .map_err(|e| ServableError::changed(answers::VECTORS, e))?;
                (moved, Some(plain))
            }
            None => (vectors, None),
        };
        let data = Data {
            answers: self.answers,
            vectors: &moved,
            plain: plain.as_ref(),
        };
        folder.finish(manifest, Some(data), layers.len())
    }

    /// The unit vectors of all texts, through the head's layers.
    fn finished_vectors(&self, layers: &[Dense]) -> Result<Matrix, ServableError> {
        let vectors = through(layers, self.vectors)
            .map_err(|e| ServableError::changed(answers::VECTORS, e))?;
        vectors
            .normalize_rows()
            .map_err(|e| ServableError::changed(answers::VECTORS, e))
    }
}

/// The vectors of all texts, answers moved by a rule, their own questions known; and those of answers as they
/// were.
pub(super) fn expanded(
    rule: Rule,
    answers: &AnswerSet,
    vectors: &Matrix,
) -> Result<(Matrix, Matrix), ShapeError> {
    let (owners, kinds) = (answers.owners(), answers.kinds());
    let texts = Texts {
        vectors,
        owners: &owners,
        kinds: &kinds,
    };
    let moved = texts.expanded(rule, Own::Counts)?;
    let mut plain = Vec::with_capacity(answers.len() * vectors.columns());
    for (vector, kind) in vectors.iter_rows().zip(&kinds) {
        if *kind == Kind::Answer {
            plain.extend_from_slice(vector);
        }
    }
    Ok((moved, Matrix::new(answers.len(), vectors.columns(), plain)?))
}

/// Has a folder filled and read again beside its place, and only then gives it its name. In a model
/// already there the files it names are replaced, and all others stay. When filling fails, nothing is
/// left of it.
pub(super) fn staged(
    store: &dyn Store,
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<(), ServableError>,
) -> Result<(), ServableError> {
    owned(store, dir)?;
    let staging = store.stage_dir(dir)?;
    let written = fill(staging.path()).and_then(|()| {
        // Looked up again: the folder may have changed since.
        let owned = owned(store, dir)?;
        Ok(store.replace_dir(staging.path(), dir, &owned)?)
    });
    if written.is_err() {
        store.remove(staging.path()).ok();
    }
    written
}

/// Modules by class name and folder.
type Modules = Vec<(&'static str, String)>;

/// Copies a network and says what sentence-transformers must know of it, in the schema that every
/// version reads.
fn network(files: &ModelFiles<'_>, folder: &mut Folder<'_>) -> Result<Modules, ServableError> {
    for name in files.base_files()? {
        folder.put(name, &files.need(name)?)?;
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

/// Where a table lies: versions before 5 take a module without a folder for a network, whatever its kind.
const STATIC: &str = "0_StaticEmbedding";

/// Writes a table and its tokenizer as a `StaticEmbedding`.
fn static_embedding(
    words: &WordPiece,
    table: &StaticEmbeddings<'_>,
    folder: &mut Folder<'_>,
) -> Result<Modules, ServableError> {
    let name = format!("{STATIC}/model.safetensors");
    let rows = table.to_matrix();
    let bytes = rows.to_le_bytes();
    let file = TensorView::new(Dtype::F32, vec![rows.rows(), rows.columns()], &bytes)
        .and_then(|view| safetensors::serialize([(TABLE, view)], None))
        .map_err(|e| ServableError::changed(&name, e))?;
    folder.put(&name, &file)?;
    let vocabulary = words.vocabulary();
    let tokens = (0..vocabulary.len() as u32).map_while(|id| vocabulary.token(id));
    folder.put_json(&format!("{STATIC}/tokenizer.json"), &tokenizer_json(tokens))?;
    // The first that knows the module.
    about("", "3.2.0", folder)?;
    Ok(vec![("StaticEmbedding", STATIC.into())])
}

/// Writes the layers behind an encoder, and the list of all modules in the schema that every version
/// of sentence-transformers reads.
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
    // A folder's number is only a name; this one has stood in every model so far.
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

/// What sentence-transformers keeps of a whole model; before `version` it warns that it may not know all of it.
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

/// The folder while it is being filled.
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

    /// What stands behind the model's files: the answers with their vectors, if there are to be any, the card,
    /// and at last the manifest, with the files written.
    pub(super) fn finish(
        mut self,
        mut manifest: Manifest,
        data: Option<Data<'_>>,
        layers: usize,
    ) -> Result<(), ServableError> {
        if let Some(data) = data {
            let answers = data.answers;
            let plain = manifest.expansion.map(|_| data.plain);
            let lacks = |plain: Option<&Matrix>| plain.map(Matrix::rows) != Some(answers.len());
            if data.vectors.rows() != answers.owners().len() || plain.is_some_and(lacks) {
                return Err(ServableError::changed(
                    answers::VECTORS,
                    "lacks some of the texts",
                ));
            }
            self.put(answers::TEXTS, &answers.to_jsonl()?)?;
            self.put(answers::VECTORS, &answers::vectors_to_bytes(data.vectors)?)?;
            if let Some(plain) = plain.flatten() {
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
