use super::{
    AnswerSet, FileEntry, Manifest, Servable, ServableError, Threshold, answers, card, dense,
    manifest,
};
use crate::{
    candle::{to_matrix, to_tensor},
    head::{Dense, Folded},
    matrix::Matrix,
    model::{ModelFiles, Pooling, sha256_hex},
    store::Store,
    tensor::Tensor as _,
};
use candle_core::Device;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Everything that goes into a folder.
pub struct Export<'a> {
    /// The encoder's files, to be copied.
    pub encoder: &'a ModelFiles<'a>,
    /// Its name.
    pub encoder_name: &'a str,
    /// The head, folded.
    pub head: &'a Folded,
    /// The answers and their known wordings.
    pub answers: &'a AnswerSet,
    /// The pooled vector of each of the set's texts, before the head, `[n, d]`.
    pub vectors: &'a Matrix,
    /// From which score on an answer is given without a warning.
    pub threshold: Threshold,
    /// The report of the training; null when nothing was trained.
    pub report: Value,
}

impl Export<'_> {
    /// Writes the folder beside its place, reads it again as whoever serves it will, and only then
    /// gives it its name; a folder already there is replaced as a whole.
    ///
    /// # Errors
    /// When the head cannot be folded, or something cannot be read, written or read again; the
    /// former folder is then still there.
    pub fn write(&self, store: &dyn Store, dir: &Path) -> Result<(), ServableError> {
        if self.answers.is_empty() {
            return Err(ServableError::NoAnswers);
        }
        let layers = match self.head {
            Folded::Identity => &[],
            Folded::Layers(layers) => layers.as_slice(),
            Folded::Impossible(why) => return Err(ServableError::Head { why: why.clone() }),
        };
        let staging = store.stage_dir(dir)?;
        let written = self.fill(store, staging.path(), layers).and_then(|()| {
            Servable::open(store, staging.path(), &Device::Cpu)?;
            Ok(store.rename_dir(staging.path(), dir)?)
        });
        if written.is_err() {
            store.remove(staging.path()).ok();
        }
        written
    }

    fn fill(&self, store: &dyn Store, dir: &Path, layers: &[Dense]) -> Result<(), ServableError> {
        let mut folder = Folder {
            store,
            dir,
            files: BTreeMap::new(),
        };
        for name in self.encoder.base_files()? {
            folder.put(name, &self.encoder.need(name)?)?;
        }
        self.sentence_transformers(&mut folder, layers)?;
        folder.put(answers::TEXTS, &self.answers.to_jsonl()?)?;
        folder.put(
            answers::VECTORS,
            &answers::vectors_to_bytes(&self.finished_vectors(layers)?)?,
        )?;
        let mut manifest = Manifest {
            format: manifest::FORMAT,
            written_by: env!("CARGO_PKG_VERSION").into(),
            encoder: self.encoder_name.into(),
            threshold: self.threshold,
            report: self.report.clone(),
            files: BTreeMap::new(),
        };
        folder.put(
            "README.md",
            card::card(&manifest, self.answers, layers.len()).as_bytes(),
        )?;
        manifest.files = folder.files;
        let bytes = serde_json::to_vec_pretty(&manifest)
            .map_err(|e| ServableError::changed(manifest::NAME, e))?;
        Ok(store.write_atomic(&dir.join(manifest::NAME), &bytes)?)
    }

    /// The unit vectors of all texts, through the head's layers.
    fn finished_vectors(&self, layers: &[Dense]) -> Result<Matrix, ServableError> {
        if self.vectors.rows() != self.answers.owners().len() {
            return Err(ServableError::changed(
                answers::VECTORS,
                "lacks some of the texts",
            ));
        }
        // On candle, whose products are faster than ours.
        let through = || -> candle_core::Result<Matrix> {
            let mut x = to_tensor(self.vectors, &Device::Cpu)?;
            for layer in layers {
                let place = |matrix| to_tensor(matrix, &Device::Cpu);
                let product = x.matmul_t(&place(&layer.weight)?)?;
                let linear = product.broadcast_add(&place(&layer.bias)?)?;
                x = layer.activation.apply(&linear)?;
            }
            to_matrix(&x)
        };
        let vectors = through().map_err(|e| ServableError::changed(answers::VECTORS, e))?;
        vectors
            .normalize_rows()
            .map_err(|e| ServableError::changed(answers::VECTORS, e))
    }

    /// The files that sentence-transformers reads, in the schema that every version reads.
    fn sentence_transformers(
        &self,
        folder: &mut Folder<'_>,
        layers: &[Dense],
    ) -> Result<(), ServableError> {
        let settings = self.encoder.settings()?;
        let dense: Vec<String> = (2..2 + layers.len())
            .map(|number| format!("{number}_Dense"))
            .collect();
        // 3 with one layer, and without any too.
        let normalize = format!("{}_Normalize", 2 + layers.len().max(1));
        let mut modules = vec![("Transformer", ""), ("Pooling", "1_Pooling")];
        modules.extend(dense.iter().map(|folder| ("Dense", folder.as_str())));
        modules.push(("Normalize", &normalize));
        let modules: Vec<Value> = modules
            .iter()
            .enumerate()
            .map(|(i, (kind, path))| {
                let kind = format!("sentence_transformers.models.{kind}");
                json!({"idx": i, "name": i.to_string(), "path": path, "type": kind})
            })
            .collect();
        folder.put_json("modules.json", &Value::Array(modules))?;
        folder.put_json(
            "sentence_bert_config.json",
            &json!({
                "max_seq_length": settings.max_seq_length,
                "do_lower_case": settings.do_lower_case,
            }),
        )?;
        let (prompts, default) = if settings.prompt.is_empty() {
            (json!({}), Value::Null)
        } else {
            (json!({"default": settings.prompt}), json!("default"))
        };
        folder.put_json(
            "config_sentence_transformers.json",
            &json!({
                "__version__": {
                    "sentence_transformers": "3.0.0", "transformers": "4.41.0", "pytorch": "2.3.0",
                },
                "prompts": prompts,
                "default_prompt_name": default,
                "similarity_fn_name": "cosine",
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
        for (name, layer) in dense.iter().zip(layers) {
            for (file, bytes) in dense::to_files(name, layer)? {
                folder.put(&file, &bytes)?;
            }
        }
        Ok(folder.store.create_dir_all(&folder.dir.join(normalize))?)
    }
}

/// The folder while it is being filled.
struct Folder<'a> {
    store: &'a dyn Store,
    dir: &'a Path,
    files: BTreeMap<String, FileEntry>,
}

impl Folder<'_> {
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), ServableError> {
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
}
