//! `nearsay export --to onnx`: the graph gives the vectors that `nearsay encode` gives.

#[path = "onnx/evaluate.rs"]
mod evaluate;
#[path = "onnx/model.rs"]
mod model;

use candle_core::{Device, Tensor};
use model::Model;
use nearsay_tests::{app, json_lines, needs, run_ok, sample_file, test_file, write_file};
use prost::Message as _;
use serde_json::Value;
use std::{fs::File, path::Path, process::Command};
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
        .arg(sample_file("library_faq.jsonl"))
        .arg("--out")
        .arg(model);
    train.args(["--encoder", encoder, "--recipe", recipe]);
    run_ok(train.args(["--seed", "1", "--epochs", "3"]));
}

fn export(model: &Path, target: &Path) -> Value {
    let mut export = app!();
    export.arg("export").arg(model).args(["--to", "onnx"]);
    json_lines(&run_ok(export.arg(target).arg("--json"))).remove(0)
}

fn encode(model: &Path, texts: &[String], file: &Path) -> Vec<Vec<f32>> {
    write_file(file, texts.join("\n") + "\n");
    let mut encode = app!();
    encode.arg("encode").arg(model).arg("--json");
    let lines = json_lines(&run_ok(encode.stdin(File::open(file).unwrap())));
    lines.iter().map(nearsay_tests::numbers).collect()
}

/// Evaluates the exported graph on texts that the exported tokenizer truncates and pads, and compares
/// the vectors with those of `nearsay encode`.
fn assert_graph_gives_same_vectors(model: &Path, onnx: &Path, texts: &[String]) {
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
fn static_embeddings_export_to_graph() {
    let dir = tempfile::tempdir().unwrap();
    let [model, onnx] = ["model", "onnx"].map(|name| dir.path().join(name));
    train(&model, "compact", "quaterion");
    let said = export(&model, &onnx);
    assert_eq!(
        (&said["dim"], &said["max_tokens"]),
        (&256.into(), &Value::Null)
    );
    assert_graph_gives_same_vectors(&model, &onnx, &texts(300));
    let settings = std::fs::read(onnx.join("tokenizer_config.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    assert_eq!(settings["pad_token"], "[PAD]");
    // An earlier export is replaced; other files are not.
    write_file(&onnx.join("texts"), "mine");
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
#[ignore = "needs MiniLM"]
fn transformer_exports_to_graph() {
    needs::minilm();
    let dir = tempfile::tempdir().unwrap();
    let [model, onnx] = ["model", "onnx"].map(|name| dir.path().join(name));
    train(&model, "minilm", "quick");
    let said = export(&model, &onnx);
    assert_eq!(
        (&said["dim"], &said["max_tokens"]),
        (&384.into(), &256.into())
    );
    // Longer than the transformer's maximum.
    assert_graph_gives_same_vectors(&model, &onnx, &texts(150));
    assert!(onnx.join("modules.json").exists() && !onnx.join("model.safetensors").exists());
}

mod needs_onnxruntime {
    use super::*;

    #[test]
    #[ignore = "needs a Python with onnxruntime"]
    fn onnxruntime_gives_same_vectors_as_encode() {
        let python = needs::python(
            &["NEARSAY_EXPORT_PYTHON", "NEARSAY_PYTHON"],
            &["numpy", "onnxruntime", "safetensors", "tokenizers"],
            "tests/export/readers/onnx-runtime.txt",
        );
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        train(&model, "compact", "quick");
        let mut check = Command::new(python);
        check
            .arg("-B")
            .arg(test_file("export/readers.py"))
            .args(["--activations", "--reader", "onnxruntime"])
            .arg(env!("CARGO_BIN_EXE_nearsay-under-test"))
            .arg(&model);
        println!("{}", String::from_utf8_lossy(&run_ok(&mut check).stdout));
    }
}
