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
    let vector = match layers {
        0 => "a vector by a language model".into(),
        1 => format!("a vector by a language model with a layer trained on {faq}"),
        n => format!("a vector by a language model with {n} layers trained on {faq}"),
    };
    match answers {
        Some(answers) => {
            let wordings: usize = answers.iter().map(|answer| answer.questions.len()).sum();
            writeln!(
                text,
                "# An FAQ that answers\n\nThis folder answers questions from an FAQ of {} answers \
                 with {wordings} known wordings. It turns a text into {vector} and finds the answer \
                 nearest to it.\n",
                answers.len(),
            )
        }
        None => writeln!(
            text,
            "# A model for an FAQ\n\nThis folder turns a text into {vector}. It holds the model \
             only, without answers: bring your own, and take the one whose vector is nearest to the \
             question's.\n",
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
            "## How good it is\n\n{questions} questions were kept aside and asked of all {pool} \
             answers, without their known wordings. {before} found their answer first before \
             training, {after} after it.\n"
        )
        .ok();
        if answers.is_some_and(|answers| Some(answers.len() as u64) != pool.as_u64()) {
            writeln!(
                text,
                "That was when it was trained; answers have been added or removed since.\n"
            )
            .ok();
        }
        writeln!(
            text,
            "| | recall@1 | recall@5 | recall@10 | mrr@10 | ndcg@10 |"
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
        "## How it was made\n\nEncoder: {}. Recipe: {recipe}. Written by Nearsay {}. The settings \
         and the full report stand in `nearsay.json`{}.\n",
        manifest.encoder,
        manifest.written_by,
        answers.map_or("", |_| ", the answers in `answers.jsonl`"),
    )
    .ok();
    text.push_str(answers.map_or(USE_MODEL, |_| USE));
    text
}

/// Paragraph on keyword scores, for hybrid search only.
const WORDS: &str = "\
Nearsay also counts the words that a question shares with an answer or its known wordings, by the weight \
that stands in `nearsay.json`. Other readers of this folder compare vectors alone.\n\n";

/// Instructions for a model with answers.
const USE: &str = "\
## How to use it\n\nIn the app, to ask, correct and train it: drop this folder on Nearsay's window, or\n\n\
```sh\nnearsay .\n```\n\nIn a terminal:\n\n```sh\nnearsay ask . \"How do I …?\"\n```\n\n\
In Python, after `pip install sentence-transformers`, in this folder:\n\n```python\n\
import json\n\
from sentence_transformers import SentenceTransformer\n\n\
model = SentenceTransformer(\".\")\n\
answers = [json.loads(line)[\"answer\"] for line in open(\"answers.jsonl\", encoding=\"utf-8\")]\n\
scores = model.similarity(model.encode([\"How do I …?\"]), model.encode(answers))[0]\n\
print(answers[scores.argmax()])\n```\n\n\
In Rust, with the crate `nearsay-core` and its feature `candle`:\n\n```rust\n\
let model = Servable::open(&DiskStore, \".\".as_ref(), &Device::Cpu)?;\n\
let best = model.ask(\"How do I …?\", 1)?;\n```\n";

/// Instructions for a model without answers.
const USE_MODEL: &str = "\
## How to use it\n\nIn the app: drop this folder on Nearsay's window, then a file with questions and answers; it \
answers from them at once.\n\nIn a terminal, texts in, vectors out:\n\n```sh\necho \"How do I …?\" | nearsay encode .\n```\n\n\
In Python, after `pip install sentence-transformers`, in this folder:\n\n```python\n\
from sentence_transformers import SentenceTransformer\n\n\
model = SentenceTransformer(\".\")\n\
answers = [\"…\", \"…\"]\n\
scores = model.similarity(model.encode([\"How do I …?\"]), model.encode(answers))[0]\n\
print(answers[scores.argmax()])\n```\n\n\
In Rust, with the crate `nearsay-core` and its feature `candle`:\n\n```rust\n\
let model = TextModel::open(&DiskStore, \".\".as_ref(), &Device::Cpu)?;\n\
let vectors = model.encode(&[\"How do I …?\"])?;\n```\n";
