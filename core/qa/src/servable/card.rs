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

/// Names and explanations of the tasks, by their keys in the report.
const TASKS: [(&str, &str, &str); 2] = [
    (
        "known_answers",
        "Known answers, new words",
        "each question was asked without itself, while its answer and other paraphrases stayed in the index",
    ),
    (
        "new_answers",
        "New answers",
        "all questions of an answer were held out, and the answers alone were searched",
    ),
];

/// Number of answers that were searched in the evaluation.
fn pool(report: &Value) -> Option<u64> {
    let tasks = TASKS.iter().map(|(key, ..)| &report[*key]["after"]["pool"]);
    tasks
        .chain([&report["after"]["pool"]])
        .find_map(Value::as_u64)
}

/// Writes the figures of a report, if it has any.
fn evaluation(text: &mut String, report: &Value) {
    let mut rows = Vec::new();
    let mut sentences = Vec::new();
    for (key, name, explanation) in TASKS {
        let (before, after) = (&report[key]["before"], &report[key]["after"]);
        if let (Some(before), Some(now)) = (of_hundred(before), of_hundred(after)) {
            let questions = &after["questions"];
            sentences.push(format!(
                "- **{name}** ({questions} questions): {explanation}. The right answer came first for {before} before \
                 training and for {now} after training."
            ));
            rows.push((format!("{name}, before"), &report[key]["before"]));
            rows.push((format!("{name}, after"), after));
        }
    }
    // Reports of earlier versions have figures of held-out questions alone.
    if rows.is_empty()
        && let (Some(before), Some(after)) =
            (of_hundred(&report["before"]), of_hundred(&report["after"]))
    {
        let questions = &report["after"]["questions"];
        let pool = &report["after"]["pool"];
        sentences.push(format!(
            "{questions} held-out questions were searched among {pool} answers, without the other questions of the \
             FAQ. The right answer came first for {before} before training and for {after} after training."
        ));
        rows.extend(["before", "after"].map(|name| (name.to_owned(), &report[name])));
    }
    if rows.is_empty() {
        return;
    }
    writeln!(text, "## Evaluation\n\n{}\n", sentences.join("\n")).ok();
    if let Some(sentence) = protocol(report) {
        writeln!(text, "{sentence}\n").ok();
    }
    writeln!(
        text,
        "| | accuracy@1 | accuracy@5 | accuracy@10 | mrr@10 | ndcg@10 |"
    )
    .ok();
    writeln!(text, "| --- | --- | --- | --- | --- | --- |").ok();
    for (name, figures) in rows {
        write!(text, "| {name} |").ok();
        for key in ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"] {
            let value = figures[key].as_f64().unwrap_or(f64::NAN);
            write!(text, " {value:.3} |").ok();
        }
        writeln!(text).ok();
    }
    writeln!(text).ok();
}

/// Explains how the figures were measured, and the result of the paired test.
fn protocol(report: &Value) -> Option<String> {
    let protocol = &report["protocol"];
    let folds = protocol["cross_validation"]["folds"].as_u64();
    let how = match (folds, protocol.as_str()) {
        (Some(1), _) => "The model that was asked these questions was trained without them.",
        (Some(_), _) => {
            "Every question was asked of a model trained without it; this model is trained on all of them."
        }
        (None, Some("held_out")) => "The model is not trained on these questions.",
        (None, _) => return None,
    };
    let difference = match report["difference"].as_str() {
        Some("better") => " Training made it measurably better.",
        Some("worse") => " Training made it measurably worse.",
        Some("not_measurable") => " The difference is not measurable.",
        _ => "",
    };
    Some(format!("{how}{difference}"))
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
    evaluation(&mut text, report);
    let pool = pool(report);
    if answers.is_some_and(|answers| pool.is_some_and(|pool| answers.len() as u64 != pool)) {
        text.push_str("Answers were added or removed after this evaluation.\n\n");
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn figures(accuracy: f64) -> Value {
        json!({
            "questions": 60, "pool": 20, "recall@1": accuracy, "recall@5": 0.9, "recall@10": 1.0,
            "mrr@10": 0.8, "ndcg@10": 0.85,
        })
    }

    fn written(report: &Value) -> String {
        let mut text = String::new();
        evaluation(&mut text, report);
        text
    }

    #[test]
    fn evaluation_names_both_tasks_and_the_protocol() {
        let comparison =
            |before, after| json!({"before": figures(before), "after": figures(after)});
        let report = json!({
            "known_answers": comparison(0.5, 0.625),
            "new_answers": comparison(0.25, 0.375),
            "difference": "not_measurable",
            "protocol": {"cross_validation": {"folds": 10}},
            "before": figures(0.25), "after": figures(0.375),
        });
        let text = written(&report);
        for part in [
            "- **Known answers, new words** (60 questions): each question was asked without itself",
            "The right answer came first for 50 of 100 before training and for 62 of 100 after training.",
            "| New answers, after | 0.375 | 0.900 | 1.000 | 0.800 | 0.850 |",
            "this model is trained on all of them. The difference is not measurable.",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(pool(&report), Some(20));
    }

    #[test]
    fn evaluation_reads_reports_of_earlier_versions() {
        let report = json!({"before": figures(0.25), "after": figures(0.5)});
        let text = written(&report);
        assert!(text.contains("60 held-out questions were searched among 20 answers"));
        assert!(text.contains("| before | 0.250 |") && text.contains("| after | 0.500 |"));
        assert_eq!(
            (written(&json!({})), pool(&json!({}))),
            (String::new(), None)
        );
    }
}
