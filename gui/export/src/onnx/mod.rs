//! ONNX export: encoder, pooling, head and normalisation as one graph, and a tokenizer that truncates and pads.
//!
//! ```text
//! out/
//!   onnx/model.onnx           input_ids, attention_mask → sentence_embedding [batch, dim];
//!                             transformers also last_hidden_state [batch, sequence, hidden]
//!   tokenizer.json  tokenizer_config.json  special_tokens_map.json  config.json
//!   modules.json  1_Pooling/ …     transformers only: for sentence-transformers with backend="onnx", which reads
//!                             last_hidden_state and applies the modules itself
//! ```
//!
//! | module | contents |
//! | --- | --- |
//! | [`bert`] | graph nodes of a transformer |
//! | [`head`] | graph nodes of pooling and head |
//! | [`graph`] | the graph builder |
//! | [`proto`], [`file`] | the file format |
//! | [`tokenizer`] | the tokenizer files |
//! | [`folder`] | the exported directory |
//!
//! Token types are not an input, because all tokens of a single text have the same. Weights are f32.

mod bert;
mod file;
mod folder;
mod graph;
mod head;
mod proto;
mod tokenizer;

use super::ExportError;
use bert::Bert;
use candle_core::{Device, safetensors::SliceSafetensors};
use file::OnnxFile;
use folder::OnnxDir;
use graph::Graph;
use nearsay::servable::{Manifest, TextModel};
use nearsay_core::{candle::to_tensor, head::Dense, matrix::Matrix};
use nearsay_model::{ModelFiles, Pooling};
use nearsay_store::{DiskStore, Store as _};
use proto::{Attribute, DataType, Dim, ValueInfo};
use serde_json::json;
use std::path::Path;
use tokenizer::Tokenizer;

const MODEL: &str = "onnx/model.onnx";

// Names of inputs and outputs that ONNX readers expect.
const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";
const EMBEDDING: &str = "sentence_embedding";
const HIDDEN: &str = "last_hidden_state";

/// Type of a cast mask.
const FLOATS: i64 = DataType::Float as i64;

const CONFIG: &str = "config.json";
/// Largest tokenizer file, in bytes.
const TOKENIZER_LIMIT: u64 = 64_000_000;
/// Files of the model directory that are not copied: the weights are in the graph, the others are Nearsay's.
const NOT_COPIED: [&str; 5] = [
    "model.safetensors",
    "answers.jsonl",
    "answers.safetensors",
    "plain.safetensors",
    "README.md",
];

#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OnnxSummary {
    /// Dimensions of a vector.
    pub dim: usize,
    /// Tokens after which texts are truncated. `None` if they are not.
    pub max_tokens: Option<usize>,
    /// Prefix that clients must put before every text.
    pub prompt: String,
}

/// The model to export.
struct Source<'a> {
    dir: &'a Path,
    manifest: &'a Manifest,
    layers: &'a [Dense],
    /// Dimensions of a vector.
    dim: usize,
}

pub(super) fn export(dir: &Path, target: &Path) -> Result<OnnxSummary, ExportError> {
    let manifest = Manifest::read(&DiskStore, dir)?;
    manifest.verify(&DiskStore, dir)?;
    let model = TextModel::open(&DiskStore, dir, &Device::Cpu)?;
    let layers: Vec<Dense> = model.layers().cloned().collect();
    let source = Source {
        dir,
        manifest: &manifest,
        layers: &layers,
        dim: model.dim(),
    };
    let table = model
        .table()
        .map(|encoder| encoder.embeddings().to_matrix());
    // Frees the model: the graph loads the weights again, one by one.
    drop(model);
    let (max_tokens, prompt) = match &table {
        Some(table) => source.export_static(table, target)?,
        None => source.export_transformer(target)?,
    };
    Ok(OnnxSummary {
        dim: source.dim,
        max_tokens,
        prompt,
    })
}

/// Maximum number of tokens, and the prompt.
type TextRules = (Option<usize>, String);

impl Source<'_> {
    fn export_static(&self, table: &Matrix, target: &Path) -> Result<TextRules, ExportError> {
        let is_tokenizer = |name: &&String| name.rsplit('/').next() == Some(tokenizer::TOKENIZER);
        let name = self.manifest.files.keys().find(is_tokenizer);
        let name = name.map_or(tokenizer::TOKENIZER, String::as_str);
        let tokenizer = DiskStore.read(&self.dir.join(name), TOKENIZER_LIMIT)?;
        let tokenizer = Tokenizer::for_static(&tokenizer)?;
        let mut graph = Graph::default();
        let mask = graph.add_node("Cast", &[MASK], &[Attribute::int("to", FLOATS)]);
        let shape = [table.rows(), table.columns()];
        let rows = graph.add_weight("embedding.weight", &shape, || {
            to_tensor(table, &Device::Cpu)
        });
        let tokens = graph.add_node("Gather", &[&rows, IDS], &[]);
        let pooled = head::add_pooling(&mut graph, &tokens, &mask, Pooling::Mean);
        let embedding = head::add_head(&mut graph, pooled, self.layers);
        graph.set_output(&embedding, EMBEDDING);
        let config = json!({
            "model_type": "static-embedding", "vocab_size": table.rows(),
            "hidden_size": table.columns(), "pad_token_id": tokenizer.pad_id(),
        });
        let folder = OnnxDir {
            model: build_file(graph, self.dim, None),
            generated: vec![
                (tokenizer::TOKENIZER, tokenizer.to_json()),
                (tokenizer::SETTINGS, tokenizer.to_config(None)?),
                (tokenizer::SPECIAL, tokenizer.to_special_tokens()),
                (CONFIG, config),
            ],
            copied: Vec::new(),
            from: self.dir,
        };
        folder.write(target)?;
        Ok((None, String::new()))
    }

    fn export_transformer(&self, target: &Path) -> Result<TextRules, ExportError> {
        let files = ModelFiles::open(&DiskStore, self.dir)?;
        let (config, settings) = (files.config()?, files.settings()?);
        let tokenizer =
            Tokenizer::for_transformer(&files.tokenizer()?, &settings, config.pad_token_id)?;
        let own = files.read(tokenizer::SETTINGS)?;
        let mut generated = vec![
            (tokenizer::TOKENIZER, tokenizer.to_json()),
            (tokenizer::SETTINGS, tokenizer.to_config(own.as_deref())?),
        ];
        if files.read(tokenizer::SPECIAL)?.is_none() {
            generated.push((tokenizer::SPECIAL, tokenizer.to_special_tokens()));
        }
        let is_generated = |name: &str| generated.iter().any(|(other, _)| *other == name);
        let copied = self
            .manifest
            .files
            .keys()
            .map(String::as_str)
            .filter(|name| !NOT_COPIED.contains(name) && !is_generated(name))
            .collect();
        let (weights, prefix) = files.weights()?;
        let weights = SliceSafetensors::new(&weights)?;
        let transformer = Bert {
            config: &config,
            file: &weights,
            prefix,
        };
        let mut graph = Graph::default();
        let mask = graph.add_node("Cast", &[MASK], &[Attribute::int("to", FLOATS)]);
        let hidden = transformer.add_transformer(&mut graph, IDS, &mask)?;
        let pooled = head::add_pooling(&mut graph, &hidden, &mask, settings.pooling);
        let embedding = head::add_head(&mut graph, pooled, self.layers);
        graph.set_output(&embedding, EMBEDDING);
        graph.set_output(&hidden, HIDDEN);
        let folder = OnnxDir {
            model: build_file(graph, self.dim, Some(config.hidden_size)),
            generated,
            copied,
            from: self.dir,
        };
        folder.write(target)?;
        Ok((Some(settings.max_seq_length), settings.prompt))
    }
}

/// Adds inputs and outputs to a graph; `hidden` is the size of the token embeddings, if they are an output.
fn build_file(graph: Graph<'_>, dim: usize, hidden: Option<usize>) -> OnnxFile<'_> {
    let [batch, sequence] = ["batch", "sequence"].map(|name| Dim::Param(name.into()));
    let length = |length: usize| Dim::Value(length as i64);
    let texts = [batch.clone(), sequence.clone()];
    let inputs = [IDS, MASK].map(|name| ValueInfo::tensor(name, DataType::Int64, texts.clone()));
    let floats = |name, shape: Vec<Dim>| ValueInfo::tensor(name, DataType::Float, shape);
    let mut outputs = vec![floats(EMBEDDING, vec![batch.clone(), length(dim)])];
    if let Some(hidden) = hidden {
        outputs.push(floats(HIDDEN, vec![batch, sequence, length(hidden)]));
    }
    OnnxFile::new(graph, inputs.into(), outputs)
}
