//! The Export page.

use std::path::Path;

use super::count;
use crate::state::{Export, Exported};

pub const TITLE: &str = "Export";
pub const INTRO: &str =
    "Save the model in a folder, to use it on a server or from Python and Rust.";
pub const NO_DATA_MORE: &str = "There are no answers to export yet.";
pub const UNTRAINED: &str = "The model hasn’t been trained on your questions yet. You can export it now, or train it first.";
pub const OUT_OF_DATE: &str = "The data has changed since the last training. All answers will be exported, but training again may improve the results.";
/// Title of the card with the path box.
pub const WHERE: &str = "Export to";
pub const PATH_HINT: &str = "a new folder, such as /home/me/faq-model";
/// Name of the path box.
pub const PATH_LABEL: &str = "Folder to export to";
pub const CHOOSE: &str = "Choose folder…";
/// Name of the new folder in a chosen one.
pub const FOLDER: &str = "faq-model";
pub const EXPORT: &str = "Export";
/// Replaces another exported model.
pub const REPLACE: &str = "Replace";
pub const RUNNING: &str = "Exporting…";
pub const WILL_BE_WRITTEN: &str = "Files to be written";
pub const COPY: &str = "Copy";
pub const COPIED: &str = "Copied";

/// Exported files: name, description, and whether the file holds the user's data.
pub const FILES: [(&str, &str, bool); 6] = [
    ("model.safetensors", "the model", false),
    ("config files", "settings for other programs", false),
    ("answers.jsonl", "every answer with its questions", true),
    (
        "answers.safetensors",
        "the vectors of answers and questions",
        true,
    ),
    (
        "nearsay.json",
        "contents, test results and checksums",
        false,
    ),
    ("README.md", "a description for people", false),
];

/// Second line of the page's name in the rail.
pub fn rail(export: &Export) -> String {
    match &export.done {
        _ if export.running => "exporting…".to_owned(),
        Some(_) => "exported".to_owned(),
        None => "not exported yet".to_owned(),
    }
}

pub fn with_data(with_data: bool) -> &'static str {
    if with_data {
        "Model and answers"
    } else {
        "Model only"
    }
}

/// Consequence of the choice.
pub fn privacy(with_data: bool) -> &'static str {
    if with_data {
        "Anyone who gets the folder can read all your questions and answers."
    } else {
        "Your questions and answers are not exported. The model turns texts into vectors, but has no answers to give."
    }
}

pub fn replaces(path: &Path) -> String {
    format!(
        "{} already contains a model. Choose Replace to overwrite it.",
        path.display()
    )
}

/// Result of an export.
pub fn done(done: &Exported) -> String {
    let asked = count(done.asked, "question", "questions");
    match (done.same == done.asked, done.with_data) {
        (true, true) => format!("Exported and checked: {asked} asked, all answers are the same"),
        (true, false) => format!("Exported and checked: {asked} encoded, all vectors are the same"),
        (false, _) => format!(
            "Exported, but only {} of {asked} gave the same result. Export again, and report the problem if it persists",
            done.same
        ),
    }
}

/// Description of an exported file.
pub fn file(name: &str) -> &'static str {
    match name {
        "model.safetensors" | "0_StaticEmbedding/model.safetensors" => "the model",
        "answers.jsonl" => "answers and questions",
        "answers.safetensors" => "vectors of answers and questions",
        "nearsay.json" => "contents and checksums",
        "README.md" => "a description for people",
        name if name.ends_with("/model.safetensors") => "the trained layer",
        "0_StaticEmbedding/tokenizer.json" | "vocab.txt" => "the tokenizer",
        name if name.starts_with("tokenizer") => "the tokenizer",
        name if name.ends_with(".json") => "settings for other programs",
        _ => "",
    }
}

/// Name of a copy button.
pub fn copy_name(of: &str) -> String {
    format!("{COPY} {of}")
}

/// Examples of using the exported folder: name and code.
pub fn uses(done: &Exported) -> Vec<(&'static str, String)> {
    let dir = done.dir.display();
    let mut uses = vec![(
        "In Nearsay",
        format!("# or drop the folder on the window\nnearsay '{dir}'"),
    )];
    if done.with_data {
        uses.push((
            "In a terminal",
            format!("nearsay ask '{dir}' \"How do I get a card?\""),
        ));
    }
    uses.push((
        "In Python",
        format!(
            "from sentence_transformers import SentenceTransformer\n\
             model = SentenceTransformer(r\"{dir}\")\n\
             vectors = model.encode([\"How do I get a card?\"])"
        ),
    ));
    if done.with_data {
        uses.push((
            "In Rust",
            format!(
                "use nearsay::servable::Servable;
use nearsay_store::DiskStore;\n\
                 let model = Servable::open(&DiskStore, r\"{dir}\".as_ref(), &candle_core::Device::Cpu)?;\n\
                 for found in model.ask(\"How do I get a card?\", 3)? {{\n    \
                     println!(\"{{:.3}} {{}}\", found.score, found.answer.answer);\n\
                 }}"
            ),
        ));
    }
    uses
}
