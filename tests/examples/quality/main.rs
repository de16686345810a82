//! How often Nearsay finds the right answer, on every data set at hand, over several seeds, beside
//! its peers:
//!
//! ```sh
//! tests/peers/setup         # once: the peers, in a Python environment of their own
//! cargo run --release -p nearsay-tests --example quality -- [SET]...
//!     [--recipes quick,thorough,quaterion] [--encoders minilm,compact] [--seeds 3|2-3]
//!     [--model MINILM_DIR] [--peers VENV_DIR] [--shared DIR] [--peer-minutes 20] [--sizes 20,50,200]
//!     [--without learning,shrinkage,own-questions,words-by-answer]
//! ```
//!
//! | set | learns from | is asked | of |
//! | --- | --- | --- | --- |
//! | `cloud` | the cloud FAQ's train.jsonl | the questions of val.jsonl | A: the answers of val.jsonl; B: all answers |
//! | `library` | data/library_faq.jsonl, all of it | data/library_questions.jsonl, worded by others | its answers and known wordings |
//! | `cdc_covid_en` (or `covid`) | faq.jsonl, all of it | questions.jsonl, worded by users | its answers and known wordings |
//! | `NAME_asked`, for each of tests/data/asked | faq.jsonl of `--shared`'s folder NAME, all of it; of the cloud FAQ's its train.jsonl | questions in other words, written for it | its answers and known wordings |
//! | each other folder of `--shared` with a faq.jsonl | four fifths of its answers, by the seed | the questions of the others | all answers |
//! | `small` | subsets of 20, 50 and 200 pairs of the cloud FAQ | see [`small`] | |
//!
//! All are done when none is named, but for `medquad_en`, which is large. A run chooses nothing on
//! the questions asked: recipes keep a slice of what they learn from. (What no slice can tell, the
//! recipes have from other sets; `--without` says what it is worth, the README by which.) What the cloud FAQ and the split
//! sets keep aside is given to a run as it is in the app, to measure its threshold with.
//!
//! A model is trained as `nearsay train` does it, written as a folder and asked as `nearsay eval`
//! does: equal answers are one and equally right, ties count against us. “As shipped” has words in it where
//! the run chose them; “by meaning” is the same folder without. `frozen` is the encoder as it
//! comes, `words alone` BM25. Figures are means over the seeds with the least and the most in
//! brackets. Texts are embedded once by each encoder, which is told apart; seconds are those of
//! learning, what a run measures meanwhile included.
//!
//! The peer is sentence-transformers' fine-tuning by its ranking loss, all settings as the library
//! has them, stopped after `--peer-minutes` (0 leaves it out), and asked by cosine.
//!
//! For sets that keep rows aside a second table says what [`confidence`] is worth. `--without` says what each of some
//! [`choices`] is worth, of each set and of all named together.
//!
//! The sets of `--shared` are not in this repository; what is absent is told loudly.

mod arguments;
mod choices;
mod confidence;
mod encoder;
mod exam;
mod figures;
mod finetune;
mod folder;
// What is `bench`'s, which needs more of it.
#[path = "../bench/machine.rs"]
#[allow(dead_code)]
mod machine;
#[path = "../bench/peer.rs"]
#[allow(dead_code)]
mod peer;
#[path = "../bench/rounds.rs"]
#[allow(dead_code)]
mod rounds;
mod sets;
mod small;
mod table;
#[path = "../bench/threads.rs"]
mod threads;
mod trials;

use arguments::Arguments;
use choices::Worth;
use encoder::Encoder;
use peer::Peers;
use sets::Sets;
use std::process::ExitCode;
use tempfile::TempDir;
use threads::{THREADS, with_two_threads};

type Failure = Box<dyn std::error::Error>;

/// What all sets are measured with.
struct Quality {
    arguments: Arguments,
    encoders: Vec<Encoder>,
    peers: Peers,
    /// For embeddings, folders, and what goes between processes.
    shared: TempDir,
}

fn main() -> ExitCode {
    let done = Arguments::parse(std::env::args_os().skip(1))
        .and_then(|arguments| with_two_threads(|| run(arguments)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every set could be measured to its end.
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
            say_loudly(&format!("{name} ended early: {error}"));
        }
    }
    if sets.names.len() > 1 {
        println!("\n## all together");
        worth.print();
    }
    quality.peers.print_versions();
    Ok(good)
}

/// Says what somebody who only looks at the tables must not miss.
fn say_loudly(what: &str) {
    println!("*** {what} ***");
}
