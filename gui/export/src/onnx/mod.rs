//! A folder for ONNX Runtime and what is built on it: encoder, pooling, head and scaling to length 1 as one
//! graph, and a tokenizer that cuts and fills up by itself.
//!
//! ```text
//! out/
//!   onnx/model.onnx           input_ids, attention_mask → sentence_embedding [batch, dim]; of a network
//!                             last_hidden_state [batch, sequence, hidden] too
//!   tokenizer.json  tokenizer_config.json  special_tokens_map.json  config.json
//!   modules.json  1_Pooling/ …     of a network: for sentence-transformers with backend="onnx", which takes
//!                             last_hidden_state and does the rest by itself
//! ```
//!
//! | module | makes |
//! | --- | --- |
//! | [`bert`] | the nodes of a network |
//! | [`head`] | the nodes behind an encoder |
//! | [`graph`] | both into a graph |
//! | [`proto`], [`file`] | the graph into a file |
//! | [`tokenizer`] | the tokenizer's files |
//! | [`folder`] | all of them into a folder |
//!
//! Token types are no input: those of a single text are all alike. Numbers are 32-bit floats.

mod bert;
mod file;
mod folder;
mod graph;
mod head;
mod proto;
mod tokenizer;

use super::{Format, UserError, print_json, print_line, replaceable};
use bert::Bert;
use candle_core::{Device, safetensors::SliceSafetensors};
use file::OnnxFile;
use folder::Folder;
use graph::Graph;
use nearsay::servable::{Manifest, TextModel};
use nearsay_core::{candle::to_tensor, head::Dense, matrix::Matrix};
use nearsay_model::{ModelFiles, Pooling};
use nearsay_store::{DiskStore, Store as _};
use proto::{Attribute, DataType, Dim, ValueInfo};
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use tokenizer::Tokenizer;

const MODEL: &str = "onnx/model.onnx";

/// What goes in and what comes out, by the names that readers look for.
const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";
const EMBEDDING: &str = "sentence_embedding";
const HIDDEN: &str = "last_hidden_state";

/// What a mask is cast to.
const FLOATS: i64 = DataType::Float as i64;

const CONFIG: &str = "config.json";
/// Largest tokenizer that is read.
const TOKENIZER_LIMIT: u64 = 64_000_000;
/// Files of the model's folder that stay there: the weights are in the graph, the rest is Nearsay's own.
const LEFT_OUT: [&str; 5] = [
    "model.safetensors",
    "answers.jsonl",
    "answers.safetensors",
    "plain.safetensors",
    "README.md",
];

/// What was made, as JSON.
#[derive(Serialize)]
struct Made<'a> {
    format: Format,
    target: &'a str,
    /// Length of a vector.
    dim: usize,
    /// Tokens of a text that count; null when all do.
    max_tokens: Option<usize>,
    /// What has to be put before every text.
    prompt: &'a str,
}

/// What is read of the model's folder.
struct Source<'a> {
    dir: &'a Path,
    manifest: &'a Manifest,
    layers: &'a [Dense],
    /// Length of a vector.
    dim: usize,
}

pub(super) fn export(dir: &Path, target: &Path, json: bool) -> Result<(), UserError> {
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
    // A model is not to be in memory twice.
    drop(model);
    let (max_tokens, prompt) = match &table {
        Some(table) => source.table(table, target)?,
        None => source.network(target)?,
    };
    let (name, dim) = (target.to_string_lossy(), source.dim);
    if json {
        return print_json(&Made {
            format: Format::Onnx,
            target: &name,
            dim,
            max_tokens,
            prompt: &prompt,
        });
    }
    print_line(&format!(
        "{name}: {MODEL} makes {EMBEDDING} of each text, {dim} numbers"
    ))?;
    if !prompt.is_empty() {
        print_line(&format!(
            "Put “{prompt}” before every text, as Nearsay does: a graph cannot do it."
        ))?;
    }
    Ok(())
}

/// Tokens of a text that count, and what has to be put before it.
type Rules = (Option<usize>, String);

impl Source<'_> {
    /// Writes a folder whose encoder is a table.
    fn table(&self, table: &Matrix, target: &Path) -> Result<Rules, UserError> {
        let is_tokenizer = |name: &&String| name.rsplit('/').next() == Some(tokenizer::TOKENIZER);
        let name = self.manifest.files.keys().find(is_tokenizer);
        let name = name.map_or(tokenizer::TOKENIZER, String::as_str);
        let tokenizer = DiskStore.read(&self.dir.join(name), TOKENIZER_LIMIT)?;
        let tokenizer = Tokenizer::of_table(&tokenizer)?;
        let mut graph = Graph::default();
        let mask = graph.node("Cast", &[MASK], &[Attribute::int("to", FLOATS)]);
        let shape = [table.rows(), table.columns()];
        let rows = graph.weight("embedding.weight", &shape, || {
            to_tensor(table, &Device::Cpu)
        });
        let tokens = graph.node("Gather", &[&rows, IDS], &[]);
        let pooled = head::pool(&mut graph, &tokens, &mask, Pooling::Mean);
        let embedding = head::finish(&mut graph, pooled, self.layers);
        graph.output(&embedding, EMBEDDING);
        let config = json!({
            "model_type": "static-embedding", "vocab_size": table.rows(),
            "hidden_size": table.columns(), "pad_token_id": tokenizer.pad_id(),
        });
        let folder = Folder {
            model: file(graph, self.dim, None),
            small: vec![
                (tokenizer::TOKENIZER, tokenizer.whole()),
                (tokenizer::SETTINGS, tokenizer.settings(None)?),
                (tokenizer::SPECIAL, tokenizer.special()),
                (CONFIG, config),
            ],
            copied: Vec::new(),
            from: self.dir,
        };
        folder.write(target)?;
        Ok((None, String::new()))
    }

    /// Writes a folder whose encoder is a network.
    fn network(&self, target: &Path) -> Result<Rules, UserError> {
        let files = ModelFiles::open(&DiskStore, self.dir)?;
        let (config, settings) = (files.config()?, files.settings()?);
        let tokenizer = Tokenizer::of_network(&files.tokenizer()?, &settings, config.pad_token_id)?;
        let own = files.read(tokenizer::SETTINGS)?;
        let mut small = vec![
            (tokenizer::TOKENIZER, tokenizer.whole()),
            (tokenizer::SETTINGS, tokenizer.settings(own.as_deref())?),
        ];
        if files.read(tokenizer::SPECIAL)?.is_none() {
            small.push((tokenizer::SPECIAL, tokenizer.special()));
        }
        let made = |name: &str| small.iter().any(|(other, _)| *other == name);
        let names = self.manifest.files.keys().map(String::as_str);
        let copied = names
            .filter(|name| !LEFT_OUT.contains(name) && !made(name))
            .collect();
        let (weights, prefix) = files.weights()?;
        let weights = SliceSafetensors::new(&weights)?;
        let network = Bert {
            config: &config,
            file: &weights,
            prefix,
        };
        let mut graph = Graph::default();
        let mask = graph.node("Cast", &[MASK], &[Attribute::int("to", FLOATS)]);
        let hidden = network.hidden(&mut graph, IDS, &mask)?;
        let pooled = head::pool(&mut graph, &hidden, &mask, settings.pooling);
        let embedding = head::finish(&mut graph, pooled, self.layers);
        graph.output(&embedding, EMBEDDING);
        graph.output(&hidden, HIDDEN);
        let folder = Folder {
            model: file(graph, self.dim, Some(config.hidden_size)),
            small,
            copied,
            from: self.dir,
        };
        folder.write(target)?;
        Ok((Some(settings.max_seq_length), settings.prompt))
    }
}

/// The graph with what goes in and comes out; `hidden` is the length of a token's vector, where that comes out.
fn file(graph: Graph<'_>, dim: usize, hidden: Option<usize>) -> OnnxFile<'_> {
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
