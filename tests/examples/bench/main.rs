//! How fast Nearsay is, beside its peers on the same machine:
//!
//! ```sh
//! tests/peers/setup         # once: the peers, in a Python environment of their own
//! cargo run --release -p nearsay-tests --example bench -- [TOPIC]... [--passes N]
//!     [--peers VENV_DIR] [--model MINILM_DIR] [--cloud DIR]
//! ```
//!
//! | topic | measures | beside |
//! | --- | --- | --- |
//! | `encode` | 2,000 texts of the cloud FAQ, full precision | sentence-transformers, ONNX Runtime fp32, candle-transformers |
//! | `fast` | the same, reduced precision | ONNX Runtime fp32 and int8, PyTorch bf16 |
//! | `question` | one question of 20 tokens, by itself; then with a search | sentence-transformers |
//! | `head` | an epoch of recipe `quaterion` with its metrics | Quaterion; a plain PyTorch loop without metrics |
//! | `quick` | recipe `quick` until it is beyond the tutorial's last figures | – |
//! | `thorough` | a fine-tuning step of all layers, 32 pairs | PyTorch fp32, and bf16 under autocast |
//! | `search` | the exact top 10 of up to 1,000,000 made-up vectors | numpy, faiss |
//! | `bm25` | finding answers by their words, for orientation | bm25s alone |
//! | `import` | reading 100,000 lines | Python's json and csv, which check nothing |
//! | `start` | from the start of a process to its first answer | a script with sentence-transformers |
//! | `window` | from the start of the app to its window, MiniLM in it (`cargo build --release` first) | – |
//! | `memory` | the peak of embedding the cloud FAQ | sentence-transformers |
//!
//! Everybody has two threads, is loaded and warmed up before, and gets the settings that suit it best:
//! batch sizes and variants are tried out when it is loaded. Passes alternate (A B A B), so that a
//! machine that slows down slows all; medians count. A ratio is that of the medians, with the least
//! and the most of the rounds' own ratios behind it. Times of the processor are printed besides: on
//! a busy machine they are steadier than the clock's.
//!
//! The cloud FAQ states no licence and is not in this repository; without it (`--cloud DIR`) the
//! topics that need it say so. So does each peer that is not installed.

mod arguments;
mod data;
mod machine;
mod peer;
mod rounds;
mod table;
mod threads;
mod topic;

use arguments::{Arguments, Started};
use data::Data;
use peer::Peers;
use std::process::ExitCode;
use table::Table;
use threads::{THREADS, with_two_threads};

type Failure = Box<dyn std::error::Error>;

/// What a topic works with.
struct Bench {
    /// Rounds of a measurement.
    passes: usize,
    data: Data,
    peers: Peers,
}

fn main() -> ExitCode {
    let done = match arguments::started() {
        Started::AsNearsay(arguments) => return nearsay_cli::run(arguments),
        Started::Embedding { model, texts } => topic::memory::embed(&model, &texts).map(|()| true),
        Started::Bench(arguments) => {
            arguments.and_then(|arguments| with_two_threads(|| run(&arguments)))
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every topic could be measured to its end; whether the goals are reached is for
/// the table to say.
fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let bench = Bench {
        passes: arguments.passes,
        data: Data::new(arguments)?,
        peers: Peers::new(&arguments.peers),
    };
    machine::print();
    let mut table = Table::default();
    let mut good = true;
    for topic in topic::ALL {
        if !arguments.wants(topic.name) {
            continue;
        }
        println!("\n## {}", topic.name);
        if let Err(error) = (topic.run)(&bench, &mut table) {
            good = false;
            say_loudly(&format!("{} ended early: {error}", topic.name));
        }
    }
    bench.peers.print_versions();
    table.print();
    Ok(good)
}

/// Says what somebody who only looks at the table must not miss.
fn say_loudly(what: &str) {
    println!("*** {what} ***");
}
