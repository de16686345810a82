//! The model card: `README.md` of a model directory.

use super::{AnswerSet, Manifest};
use serde_json::Value;
use std::fmt::Write as _;

/// File name of the card in the model directory.
pub(super) const NAME: &str = "README.md";

/// Accuracy@1 as “62 of 100”; `None` if the figures lack it.
fn of_hundred(figures: &Value) -> Option<String> {
    let share = figures.get("recall@1")?.as_f64()?;
    Some(format!("{:.0} of 100", share * 100.0))
}

/// Writes the card of a model with its answers, or of a model without answers. `layers` is the number of `Dense`
/// modules.
pub(super) fn card(manifest: &Manifest, answers: Option<&AnswerSet>, layers: usize) -> String {
    let mut text = String::from(
        "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags:\n\
         - sentence-transformers\n- feature-extraction\n- faq\n---\n\n",
    );
    let faq = answers.map_or("an FAQ", |_| "this FAQ");
    let encoder = match layers {
        0 => "an encoder".into(),
        1 => format!("an encoder with a layer trained on {faq}"),
        n => format!("an encoder with {n} layers trained on {faq}"),
    };
    match answers {
        Some(answers) => {
            let paraphrases: usize = answers.iter().map(|answer| answer.questions.len()).sum();
            writeln!(
                text,
                "# FAQ model\n\nThis model answers questions from an FAQ with {} answers and {paraphrases} questions. It \
                 embeds a question with {encoder} and returns the answer with the most similar vector.\n",
                answers.len(),
            )
        }
        None => writeln!(
            text,
            "# FAQ encoder\n\nThis model embeds texts with {encoder}. It contains no answers: add your own, and \
             return the answer with the vector most similar to that of the question.\n",
        ),
    }
    .ok();
    if answers.is_some() && manifest.words.is_some_and(|words| words.weight > 0.0) {
        text.push_str(WORDS);
    }
    let report = &manifest.report;
    if let (Some(before), Some(after)) =
        (of_hundred(&report["before"]), of_hundred(&report["after"]))
    {
        let questions = &report["after"]["questions"];
        let pool = &report["after"]["pool"];
        writeln!(
            text,
            "## Evaluation\n\n{questions} held-out questions were searched among {pool} answers, without the \
             other questions of the FAQ. The right answer came first for {before} before training and for \
             {after} after training.\n"
        )
        .ok();
        if answers.is_some_and(|answers| Some(answers.len() as u64) != pool.as_u64()) {
            writeln!(
                text,
                "Answers were added or removed after this evaluation.\n"
            )
            .ok();
        }
        writeln!(
            text,
            "| | accuracy@1 | accuracy@5 | accuracy@10 | mrr@10 | ndcg@10 |"
        )
        .ok();
        writeln!(text, "| --- | --- | --- | --- | --- | --- |").ok();
        for name in ["before", "after"] {
            write!(text, "| {name} |").ok();
            for key in ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"] {
                let value = report[name][key].as_f64().unwrap_or(f64::NAN);
                write!(text, " {value:.3} |").ok();
            }
            writeln!(text).ok();
        }
        writeln!(text).ok();
    }
    let recipe = report["settings"]["recipe"].as_str().unwrap_or("none");
    writeln!(
        text,
        "## Training\n\nBase encoder: {}. Recipe: {recipe}. Written by Nearsay {}. `nearsay.json` has the settings and \
         the full report{}.\n",
        manifest.encoder,
        manifest.written_by,
        answers.map_or("", |_| "; `answers.jsonl` has the answers"),
    )
    .ok();
    text.push_str(answers.map_or(USE_MODEL, |_| USE));
    text
}

/// Paragraph on keyword scores, for hybrid search only.
const WORDS: &str = "\
Nearsay adds a keyword score (BM25) with the weight in `nearsay.json`. Other programs that load this directory \
compare vectors only.\n\n";

/// Instructions for a model with answers.
const USE: &str = "\
## Usage\n\nIn the app, drop this folder on the window of Nearsay, or run\n\n\
```sh\nnearsay .\n```\n\nIn a terminal:\n\n```sh\nnearsay ask . \"How do I …?\"\n```\n\n\
In Python, after `pip install sentence-transformers`, in this folder:\n\n```python\n\
import json\n\
from sentence_transformers import SentenceTransformer\n\n\
model = SentenceTransformer(\".\")\n\
answers = [json.loads(line)[\"answer\"] for line in open(\"answers.jsonl\", encoding=\"utf-8\")]\n\
scores = model.similarity(model.encode([\"How do I …?\"]), model.encode(answers))[0]\n\
print(answers[scores.argmax()])\n```\n\n\
In Rust, with the crate `nearsay`:\n\n```rust\n\
let model = nearsay::QaModel::open(\".\")?;\n\
let best = model.ask(\"How do I …?\", 1)?;\n```\n";

/// Instructions for a model without answers.
const USE_MODEL: &str = "\
## Usage\n\nIn the app, drop this folder on the window of Nearsay, then a file with questions and answers.\n\nIn a terminal, encode texts:\n\n```sh\necho \"How do I …?\" | nearsay encode .\n```\n\n\
In Python, after `pip install sentence-transformers`, in this folder:\n\n```python\n\
from sentence_transformers import SentenceTransformer\n\n\
model = SentenceTransformer(\".\")\n\
answers = [\"…\", \"…\"]\n\
scores = model.similarity(model.encode([\"How do I …?\"]), model.encode(answers))[0]\n\
print(answers[scores.argmax()])\n```\n\n\
In Rust, with the crate `nearsay`:\n\n```rust\n\
let model = TextModel::open(&DiskStore, \".\".as_ref(), &Device::Cpu)?;\n\
let vectors = model.encode(&[\"How do I …?\"])?;\n```\n";
