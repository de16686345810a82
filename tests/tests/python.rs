//! The exported folder in Python's sentence-transformers, unchanged.

use nearsay_tests::{app, minilm, sample, save, say_loudly};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A Python that has sentence-transformers: `NEARSAY_PYTHON`, or `python3`.
fn python() -> Option<String> {
    let python = std::env::var("NEARSAY_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&python);
    command
        .args(["-c", "import sentence_transformers"])
        .stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    say_loudly(&format!(
        "{python} has no sentence-transformers, so the exported folder was not loaded in Python; \
         name one that has with NEARSAY_PYTHON"
    ));
    None
}

/// Trains on the library sample and leaves the folder at `model`.
fn train(model: &Path, encoder: &str, recipe: &str, seed: u64) {
    let train = app!()
        .arg("train")
        .arg(sample("library_faq.jsonl"))
        .arg("--out")
        .arg(model)
        .args(["--encoder", encoder, "--recipe", recipe])
        .args(["--seed", &seed.to_string(), "--epochs", "20"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&train.stderr);
    assert!(train.status.success(), "{encoder} {recipe}: {complaint}");
}

#[test]
fn sentence_transformers_gives_the_same_vectors() {
    let Some(python) = python() else { return };
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let mut texts: Vec<String> = ["", "a", "Где книга?", "図書館はどこですか", "🙂 naïve café"]
        .map(String::from)
        .into();
    texts[0] = "word ".repeat(400);
    for line in std::fs::read_to_string(sample("library_faq.jsonl"))
        .unwrap()
        .lines()
        .take(100)
    {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        texts.push(row["question"].as_str().unwrap().into());
        texts.push(row["answer"].as_str().unwrap().into());
    }
    let text_file = dir.path().join("texts");
    save(&text_file, texts.join("\n") + "\n");
    for (encoder, recipe, layer) in [
        ("minilm", "quick", Some("2_Dense")),
        ("minilm", "quaterion", Some("2_Dense")),
        ("compact", "quick", None),
        ("compact", "quaterion", Some("1_Dense")),
    ] {
        // A head that does not help is not kept: then another slice of the questions decides.
        let learned = (1..=8).any(|seed| {
            train(&model, encoder, recipe, seed);
            layer.is_none_or(|layer| model.join(layer).exists())
        });
        assert!(learned, "{encoder} {recipe}: there is a head to compare");
        let vectors = app!()
            .arg("encode")
            .arg(&model)
            .arg("--json")
            .stdin(std::fs::File::open(&text_file).unwrap())
            .output()
            .unwrap();
        assert!(vectors.status.success());
        let vector_file = dir.path().join("vectors");
        save(&vector_file, vectors.stdout);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/same_vectors.py");
        let compared = Command::new(&python)
            .arg(script)
            .args([&model, &text_file, &vector_file])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&compared.stdout);
        let complaint = String::from_utf8_lossy(&compared.stderr);
        assert!(
            compared.status.success(),
            "{encoder} {recipe}: {said}{complaint}"
        );
        println!("{encoder} {recipe}: {said}");
    }
}
