//! Retrieval quality on every available data set, over several seeds, next to other libraries:
//!
//! ```sh
//! tests/peers/setup         # once: the other libraries, in their own Python environment
//! cargo run --release -p nearsay-bench -- quality [SET]...
//!     [--recipes quick,thorough,quaterion] [--encoders minilm,compact] [--seeds 3|2-3]
//!     [--model MINILM_DIR] [--peers VENV_DIR] [--data DIR] [--peer-minutes 20] [--sizes 20,50,200]
//!     [--without learning,shrinkage,own-questions,words-by-answer]
//! ```
//!
//! | set | training data | questions | searched |
//! | --- | --- | --- | --- |
//! | `cloud` | train.jsonl of the cloud FAQ | val.jsonl | A: the answers of val.jsonl; B: all answers |
//! | `library` | data/library_faq.jsonl | data/library_questions.jsonl, paraphrased by others | its answers and known paraphrases |
//! | `cdc_covid_en` (or `covid`) | faq.jsonl | questions.jsonl, by users | its answers and known paraphrases |
//! | `NAME_asked`, for each file in tests/data/asked | faq.jsonl of the data set NAME; train.jsonl of the cloud FAQ | paraphrases written for it | its answers and known paraphrases |
//! | `hwu64_10`, `hwu64_5`, … in few_shot | 5 or 10 paraphrases an answer | HWU64, CLINC150 and BANKING77's test questions | its answers and known paraphrases |
//! | `sofmattress`, `curekart` in hint3 | real questions to a chatbot | later questions to it, those in scope | its answers and known paraphrases |
//! | any other data set with a faq.jsonl | 80 % of its answers, chosen by the seed | the questions of the other answers | all answers |
//! | `small` | subsets of 20, 50 and 200 pairs of the cloud FAQ | see [`small`] | |
//!
//! Without SET, all sets are measured but `medquad_en`, which is large. The questions choose nothing:
//! recipes hold out a validation split of the training data. Choices that no validation split can make
//! were made on other sets; `--without` measures them. The cloud FAQ and the split sets give their
//! held-out rows to training, as the app does, to calibrate confidence.
//!
//! Training works as in `nearsay train`, evaluation of the written model as in `nearsay eval`: equal
//! answers are one answer, and ties count against us. "As shipped" is hybrid search where training
//! chose it, "dense" is dense search alone, `frozen` the base encoder, `words alone` BM25. Figures
//! are means over the seeds, with the smallest and the largest in brackets. Each encoder embeds the
//! texts once, which is reported separately; seconds are those of training, evaluation included.
//!
//! The other library is sentence-transformers, fine-tuned with its ranking loss and default settings
//! for at most `--peer-minutes` (0 skips it), and searched by cosine similarity.
//!
//! For sets with held-out rows, a second table evaluates [`confidence`]. `--without` evaluates
//! [`choices`], for each set and for all of them together.
//!
//! `--data`, or NEARSAY_TEST_DATA, is the directory of the data sets that are not in this repository.
//! A missing set is skipped with a warning.

mod arguments;
pub mod calibrate;
mod choices;
mod confidence;
mod encoder;
mod exam;
mod figures;
mod finetune;
mod folder;
mod sets;
mod small;
mod table;
mod trials;

use crate::{
    Failure, machine,
    peer::{self, Peers},
    print_warning,
    threads::with_two_threads,
};
use arguments::Arguments;
use choices::Worth;
use encoder::Encoder;
use sets::Sets;
use std::ffi::OsString;
use tempfile::TempDir;

/// Resources shared by the data sets.
struct Quality {
    arguments: Arguments,
    encoders: Vec<Encoder>,
    peers: Peers,
    /// Directory for embeddings, models, and files shared between processes.
    shared: TempDir,
}

/// Runs the `quality` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let arguments = Arguments::parse(arguments.into_iter())?;
    with_two_threads(|| run(arguments))
}

/// Returns whether every data set was measured.
fn run(arguments: Arguments) -> Result<bool, Failure> {
    let sets = Sets::find(&arguments)?;
    let shared = tempfile::tempdir()?;
    let encoders = arguments.encoders.iter().map(|name| {
        let model = arguments.model.as_deref();
        Encoder::open(name, model, &shared.path().join("embeddings"))
    });
    let quality = Quality {
        encoders: encoders.collect::<Result<_, _>>()?,
        peers: Peers::new(&arguments.peers),
        shared,
        arguments,
    };
    machine::print();
    let mut good = true;
    let mut worth = Worth::default();
    for name in &sets.names {
        println!("\n## {name}\n");
        let measured = match &**name {
            sets::SMALL => small::run(&quality, &sets),
            _ => trials::run(&quality, &sets, name, &mut worth),
        };
        if let Err(error) = measured {
            good = false;
            print_warning(&format!("{name} failed: {error}"));
        }
    }
    if sets.names.len() > 1 {
        println!("\n## all sets");
        worth.print();
    }
    quality.peers.print_versions();
    Ok(good)
}
