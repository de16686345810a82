//! `nearsay export --to onnx`: what others read is the model that `nearsay encode` runs.

#[path = "onnx/evaluate.rs"]
mod evaluate;
#[path = "onnx/model.rs"]
mod model;

use candle_core::{Device, Tensor};
use model::Model;
use nearsay_tests::{app, done, json_lines, minilm, sample, save, say_loudly};
use prost::Message as _;
use serde_json::Value;
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokenizers::Tokenizer;

const TEXTS: [&str; 8] = [
    "my daughter lost her card",
    "",
    "Naïve CAFÉ, 10:30?!",
    "図書館はどこですか 🙂",
    "[UNK] zzyzx",
    "a",
    "\u{200b}",
    "open on Sunday",
];

fn train(model: &Path, encoder: &str, recipe: &str) {
    let mut train = app!();
    train
        .arg("train")
        .arg(sample("library_faq.jsonl"))
        .arg("--out")
        .arg(model);
    train.args(["--encoder", encoder, "--recipe", recipe]);
    done(train.args(["--seed", "1", "--epochs", "3"]));
}

fn export(model: &Path, target: &Path) -> Value {
    let mut export = app!();
    export.arg("export").arg(model).args(["--to", "onnx"]);
    json_lines(&done(export.arg(target).arg("--json"))).remove(0)
}

fn encode(model: &Path, texts: &[String], file: &Path) -> Vec<Vec<f32>> {
    save(file, texts.join("\n") + "\n");
    let mut encode = app!();
    encode.arg("encode").arg(model).arg("--json");
    let lines = json_lines(&done(encode.stdin(File::open(file).unwrap())));
    lines.iter().map(nearsay_tests::numbers).collect()
}

/// Reads the graph anew, evaluates it on texts that the folder's own tokenizer cuts and fills up, and compares.
fn evaluated_is_encoded(model: &Path, onnx: &Path, texts: &[String]) {
    let file = Model::decode(&*std::fs::read(onnx.join("onnx/model.onnx")).unwrap()).unwrap();
    assert_eq!((file.ir_version, file.opset_import.len()), (8, 1));
    let set = &file.opset_import[0];
    assert_eq!((set.domain.as_str(), set.version), ("", 17));
    let graph = file.graph.unwrap();
    let names: Vec<&str> = graph.input.iter().map(|value| &*value.name).collect();
    assert_eq!(names, ["input_ids", "attention_mask"]);
    assert_eq!(graph.output[0].name, "sentence_embedding");
    let tokenizer = Tokenizer::from_file(onnx.join("tokenizer.json")).unwrap();
    let encoded = tokenizer.encode_batch(texts.to_vec(), true).unwrap();
    let shape = (texts.len(), encoded[0].len());
    let tensor = |numbers: Vec<i64>| Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
    let all = |of: fn(&tokenizers::Encoding) -> &[u32]| {
        let numbers = encoded.iter().flat_map(|text| of(text).to_vec());
        tensor(numbers.map(i64::from).collect())
    };
    let inputs = [
        ("input_ids", all(|text| text.get_ids())),
        ("attention_mask", all(|text| text.get_attention_mask())),
    ];
    let found = evaluate::run(&graph, &inputs).unwrap();
    let found: Vec<Vec<f32>> = found["sentence_embedding"].to_vec2().unwrap();
    let ours = encode(model, texts, &onnx.join("texts"));
    for ((text, ours), found) in texts.iter().zip(&ours).zip(&found) {
        let pairs = ours.iter().zip(found);
        let furthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            ours.len() == found.len() && furthest < 1e-5,
            "{text:?}: {furthest}"
        );
    }
}

fn texts(longest: usize) -> Vec<String> {
    let long = (0..longest).map(|n| format!("word {n} "));
    TEXTS
        .iter()
        .map(|&text| text.to_owned())
        .chain([long.collect()])
        .collect()
}

#[test]
fn a_table_becomes_a_graph() {
    let dir = tempfile::tempdir().unwrap();
    let [model, onnx] = ["model", "onnx"].map(|name| dir.path().join(name));
    train(&model, "compact", "quaterion");
    let said = export(&model, &onnx);
    assert_eq!(
        (&said["dim"], &said["max_tokens"]),
        (&256.into(), &Value::Null)
    );
    evaluated_is_encoded(&model, &onnx, &texts(300));
    let settings = std::fs::read(onnx.join("tokenizer_config.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    assert_eq!(settings["pad_token"], "[PAD]");
    // An export of before is replaced; other things are not.
    save(&onnx.join("texts"), "mine");
    let mut again = app!();
    again.arg("export").arg(&model).args(["--to", "onnx"]);
    let refused = again.arg(&onnx).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("texts"),
        "{said}"
    );
    std::fs::remove_file(onnx.join("texts")).unwrap();
    export(&model, &onnx);
}

#[test]
fn a_network_becomes_a_graph() {
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let [model, onnx] = ["model", "onnx"].map(|name| dir.path().join(name));
    train(&model, "minilm", "quick");
    let said = export(&model, &onnx);
    assert_eq!(
        (&said["dim"], &said["max_tokens"]),
        (&384.into(), &256.into())
    );
    // Longer than the network takes.
    evaluated_is_encoded(&model, &onnx, &texts(150));
    assert!(onnx.join("modules.json").exists() && !onnx.join("model.safetensors").exists());
}

/// A Python with readers of ONNX: `NEARSAY_EXPORT_PYTHON`, `NEARSAY_PYTHON` or `python3`.
fn python() -> Option<String> {
    let named = ["NEARSAY_EXPORT_PYTHON", "NEARSAY_PYTHON"].map(|name| std::env::var(name).ok());
    let names = named.into_iter().flatten().chain(["python3".to_owned()]);
    let has = |python: &String| {
        let mut command = Command::new(python);
        command
            .args(["-c", "import numpy, onnxruntime, safetensors, tokenizers"])
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = names.into_iter().find(has);
    if found.is_none() {
        say_loudly(
            "no Python has onnxruntime, so the exported graphs were not run by it; see \
             tests/export/readers/onnx-runtime.txt for what it needs, and name one with NEARSAY_EXPORT_PYTHON",
        );
    }
    found
}

#[test]
fn readers_make_the_vectors_that_encode_makes() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    train(&model, "compact", "quick");
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("export/readers.py");
    let mut check = Command::new(python);
    check
        .arg("-B")
        .arg(script)
        .args(["--activations", "--reader", "onnxruntime"])
        .arg(env!("CARGO_BIN_EXE_nearsay-under-test"))
        .arg(&model);
    println!("{}", String::from_utf8_lossy(&done(&mut check).stdout));
}
