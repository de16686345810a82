//! The Export step.

use std::path::Path;

use super::count;
use crate::state::{Export, Exported};

/// The step's headline.
pub const TITLE: &str = "Export";
/// Under it.
pub const INTRO: &str = "A folder that answers without this app: on a server, in Python, in Rust";
/// Without data.
pub const NO_DATA_MORE: &str = "There is nothing to answer with yet";
/// Nothing was trained yet.
pub const UNTRAINED: &str = "The model has not learned your questions yet. It can be exported as it is, or better trained first";
/// The data have changed since the training.
pub const OUT_OF_DATE: &str =
    "The data have changed since the last training. All answers go along; training again may help";
/// Above the path box.
pub const WHERE: &str = "Where to";
/// Hint in it.
pub const PATH_HINT: &str = "a new folder, for example /home/me/faq-model";
/// Its name.
pub const PATH_LABEL: &str = "Folder to export to";
/// Opens the dialog.
pub const CHOOSE: &str = "Choose folder…";
/// Name of the new folder in a chosen one.
pub const FOLDER: &str = "faq-model";
/// Writes it.
pub const EXPORT: &str = "Export";
/// Writes it over another model.
pub const REPLACE: &str = "Replace it";
/// While it is written.
pub const RUNNING: &str = "Exporting…";
/// Above the list of files.
pub const WILL_BE_WRITTEN: &str = "What will be written";
/// Copies an example.
pub const COPY: &str = "Copy";
/// It was copied.
pub const COPIED: &str = "Copied";

/// What is written: a name, what it is, and whether it holds the data.
pub const FILES: [(&str, &str, bool); 6] = [
    (
        "model.safetensors",
        "the model itself: numbers, no program",
        false,
    ),
    ("config files", "how other programs must read it", false),
    (
        "answers.jsonl",
        "every answer with the ways to ask for it",
        true,
    ),
    (
        "answers.safetensors",
        "the same as numbers, so that nothing must be computed again",
        true,
    ),
    (
        "nearsay.json",
        "what is in the folder and how good it is, with checksums",
        false,
    ),
    ("README.md", "a page for whoever gets the folder", false),
];

/// The step's state in the rail.
pub fn rail(export: &Export) -> String {
    match &export.done {
        _ if export.running => "exporting…".to_owned(),
        Some(_) => "exported".to_owned(),
        None => "not exported yet".to_owned(),
    }
}

/// The choice of what goes along.
pub fn with_data(with_data: bool) -> &'static str {
    if with_data {
        "Model and answers"
    } else {
        "Model only"
    }
}

/// What that means for whoever gets the folder.
pub fn privacy(with_data: bool) -> &'static str {
    if with_data {
        "Whoever gets the folder can read all your questions and answers"
    } else {
        "Your questions and answers stay here. The folder turns texts into numbers, but has nothing to answer with"
    }
}

/// Something is there already.
pub fn replaces(path: &Path) -> String {
    format!(
        "There is a model in {} already. Press again to replace it",
        path.display()
    )
}

/// What came of it.
pub fn done(done: &Exported) -> String {
    let asked = count(done.asked, "question", "questions");
    match (done.same == done.asked, done.with_data) {
        (true, true) => {
            format!("Exported and checked: {asked} asked again, all with the same answers")
        }
        (true, false) => {
            format!("Exported and checked: {asked} read again, all with the same numbers")
        }
        (false, _) => format!(
            "Exported, but only {} of {asked} came out the same. Export again, and tell us if it stays so",
            done.same
        ),
    }
}

/// What a written file is.
pub fn file(name: &str) -> &'static str {
    match name {
        "model.safetensors" | "0_StaticEmbedding/model.safetensors" => "the model",
        "answers.jsonl" => "answers and questions",
        "answers.safetensors" => "the same as numbers",
        "nearsay.json" => "contents and checksums",
        "README.md" => "a page to read",
        name if name.ends_with("/model.safetensors") => "the trained layer",
        "0_StaticEmbedding/tokenizer.json" | "vocab.txt" => "how words are cut",
        name if name.starts_with("tokenizer") => "how words are cut",
        name if name.ends_with(".json") => "for other programs",
        _ => "",
    }
}

/// Name of a copy button.
pub fn copy_name(of: &str) -> String {
    format!("{COPY} {of}")
}

/// How to use the folder: names and code.
pub fn uses(done: &Exported) -> Vec<(&'static str, String)> {
    let dir = done.dir.display();
    let mut uses = vec![(
        "In Nearsay",
        format!("# or drop the folder on its window\nnearsay '{dir}'"),
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
