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
//!
//! Token types are no input: those of a single text are all alike. Numbers are 32-bit floats.

mod bert;
mod file;
mod graph;
mod head;
mod proto;
mod tokenizer;

use super::{Format, Trouble, print_json, print_line, replaceable};
use bert::Bert;
use candle_core::{Device, safetensors::SliceSafetensors};
use file::OnnxFile;
use graph::Graph;
use nearsay_core::{
    candle::to_tensor,
    head::Dense,
    matrix::Matrix,
    model::{ModelFiles, Pooling},
    servable::{Manifest, TextModel},
    store::{DiskStore, Store as _},
};
use proto::{Attribute, DataType, Dim, ValueInfo};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokenizer::Tokenizer;

const MODEL: &str = "onnx/model.onnx";

/// What goes in and what comes out, by the names that readers look for.
const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";
const EMBEDDING: &str = "sentence_embedding";
const HIDDEN: &str = "last_hidden_state";

/// Protobuf has no larger messages.
const LIMIT: usize = i32::MAX as usize;
/// Largest tokenizer that is read.
const TOKENIZER_LIMIT: u64 = 64_000_000;

const CONFIG: &str = "config.json";
/// Files that may be in the folder, beside those of modules.
const FILES: [&str; 8] = [
    CONFIG,
    tokenizer::TOKENIZER,
    tokenizer::SETTINGS,
    tokenizer::SPECIAL,
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
];
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

pub(super) fn export(dir: &Path, target: &Path, json: bool) -> Result<(), Trouble> {
    let manifest = Manifest::read(&DiskStore, dir)?;
    manifest.verify(&DiskStore, dir)?;
    let model = TextModel::open(&DiskStore, dir, &Device::Cpu)?;
    let dim = model.dim();
    let layers: Vec<Dense> = model.layers().cloned().collect();
    let table = model.table().map(|encoder| encoder.table().full());
    // A model is not to be in memory twice.
    drop(model);
    let (max_tokens, prompt) = match &table {
        Some(table) => table_model(dir, target, table, &layers, dim)?,
        None => network_model(dir, target, &manifest, &layers, dim)?,
    };
    let name = target.to_string_lossy();
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

/// A folder whose encoder is a table.
fn table_model(
    dir: &Path,
    target: &Path,
    table: &Matrix,
    layers: &[Dense],
    dim: usize,
) -> Result<Rules, Trouble> {
    let bytes = DiskStore.read(&dir.join(tokenizer::TOKENIZER), TOKENIZER_LIMIT)?;
    let tokenizer = Tokenizer::of_table(&bytes)?;
    let mut graph = Graph::default();
    let mask = graph.node(
        "Cast",
        &[MASK],
        &[Attribute::int("to", DataType::Float as i64)],
    );
    let rows = graph.weight("embedding.weight", &[table.rows(), table.columns()], || {
        to_tensor(table, &Device::Cpu)
    });
    let tokens = graph.node("Gather", &[&rows, IDS], &[]);
    let pooled = head::pool(&mut graph, &tokens, &mask, Pooling::Mean);
    let config = json!({
        "model_type": "static-embedding", "vocab_size": table.rows(),
        "hidden_size": table.columns(), "pad_token_id": tokenizer.pad_id(),
    });
    let small = [
        (tokenizer::TOKENIZER, tokenizer.whole()),
        (tokenizer::SETTINGS, tokenizer.settings(None)?),
        (tokenizer::SPECIAL, tokenizer.special()),
        (CONFIG, config),
    ];
    let embedding = head::finish(&mut graph, pooled, layers);
    graph.output(&embedding, EMBEDDING);
    let file = file(graph, dim, None);
    write(target, &file, &small, &[], dir)?;
    Ok((None, String::new()))
}

/// A folder whose encoder is a network.
fn network_model(
    dir: &Path,
    target: &Path,
    manifest: &Manifest,
    layers: &[Dense],
    dim: usize,
) -> Result<Rules, Trouble> {
    let files = ModelFiles::open(&DiskStore, dir)?;
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
    let names = manifest.files.keys().map(String::as_str);
    let copied: Vec<&str> = names
        .filter(|name| !LEFT_OUT.contains(name) && small.iter().all(|(other, _)| other != name))
        .collect();
    let (weights, prefix) = files.weights()?;
    let weights = SliceSafetensors::new(&weights)?;
    let network = Bert {
        config: &config,
        file: &weights,
        prefix,
    };
    let mut graph = Graph::default();
    let mask = graph.node(
        "Cast",
        &[MASK],
        &[Attribute::int("to", DataType::Float as i64)],
    );
    let hidden = network.hidden(&mut graph, IDS, &mask)?;
    let pooled = head::pool(&mut graph, &hidden, &mask, settings.pooling);
    let embedding = head::finish(&mut graph, pooled, layers);
    graph.output(&embedding, EMBEDDING);
    graph.output(&hidden, HIDDEN);
    let file = file(graph, dim, Some(config.hidden_size));
    write(target, &file, &small, &copied, dir)?;
    Ok((Some(settings.max_seq_length), settings.prompt))
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

/// Writes the folder beside its place and only then gives it its name.
fn write(
    target: &Path,
    file: &OnnxFile<'_>,
    small: &[(&str, Value)],
    copied: &[&str],
    from: &Path,
) -> Result<(), Trouble> {
    if file.len() > LIMIT {
        return Err(Trouble::new(
            format_args!(
                "this model would take {:.1} GB as ONNX; a file of that format may have 2 GB",
                file.len() as f64 / 1e9
            ),
            "Serve the folder as it is: “nearsay serve”, or sentence-transformers.",
        ));
    }
    if DiskStore.exists(target)? {
        replaceable(target, &|name| name == "onnx" || ours(name))?;
        let onnx = target.join("onnx");
        if DiskStore.exists(&onnx)? {
            replaceable(&onnx, &|name| name == "model.onnx")?;
        }
    }
    let staging = DiskStore.stage_dir(target)?;
    let place = |name: &str| -> Result<PathBuf, Trouble> {
        let place = staging.path().join(name);
        if let Some(parent) = place.parent() {
            DiskStore.create_dir_all(parent)?;
        }
        Ok(place)
    };
    DiskStore.write_stream(&place(MODEL)?, &mut |out| file.write(out))?;
    for (name, value) in small {
        DiskStore.write_atomic(&place(name)?, value.to_string().as_bytes())?;
    }
    for name in copied {
        DiskStore.copy(&from.join(name), &place(name)?)?;
    }
    Ok(DiskStore.rename_dir(staging.path(), target)?)
}

/// Whether something in a folder has a name that an earlier export may have given it.
fn ours(name: &str) -> bool {
    let module = name.split_once('_').is_some_and(|(number, kind)| {
        number.parse::<u32>().is_ok() && ["Pooling", "Dense", "Normalize"].contains(&kind)
    });
    module || FILES.contains(&name)
}
