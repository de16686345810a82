//! Speed of Nearsay, next to other libraries on the same machine:
//!
//! ```sh
//! tests/peers/setup         # once: the other libraries, in their own Python environment
//! cargo run --release -p nearsay-bench -- speed [TOPIC]... [--passes N]
//!     [--peers VENV_DIR] [--model MINILM_DIR] [--cloud DIR]
//! ```
//!
//! | topic | measures | next to |
//! | --- | --- | --- |
//! | `encode` | 2,000 texts of the cloud FAQ, full precision | sentence-transformers, ONNX Runtime fp32, candle-transformers |
//! | `fast` | the same texts, reduced precision | ONNX Runtime fp32 and int8, PyTorch bf16 |
//! | `question` | one question of 20 tokens: encoding, then encoding and search | sentence-transformers |
//! | `head` | an epoch of the recipe `quaterion` with its metrics | Quaterion; a plain PyTorch loop without metrics |
//! | `quick` | the recipe `quick` until it exceeds the tutorial's final figures | – |
//! | `thorough` | a fine-tuning step of all layers, 32 pairs | PyTorch fp32, and bf16 under autocast |
//! | `search` | the exact top 10 of up to 1,000,000 synthetic vectors | NumPy, Faiss |
//! | `bm25` | keyword search, for orientation | bm25s alone |
//! | `import` | reading 100,000 lines | Python's json and csv, which validate nothing |
//! | `start` | process start to first answer | a script with sentence-transformers |
//! | `window` | app start to visible window, with a MiniLM model (`cargo build --release` first) | – |
//! | `memory` | peak memory of embedding the cloud FAQ | sentence-transformers |
//!
//! Every program gets two threads, loads and warms up before the measurement, and runs with its
//! fastest settings: workers try batch sizes and variants while they load. Passes alternate (A B A B),
//! so that a slowdown of the machine affects all programs; the table shows medians. A ratio is that of
//! the medians, followed by the smallest and largest ratio of a round. Processor time is printed too,
//! since it varies less than wall time on a busy machine.
//!
//! The cloud FAQ has no licence and is not in this repository. Topics that need it, and libraries that
//! are not installed, are skipped with a warning.

mod arguments;
mod data;
mod table;
mod topic;

use crate::{
    Failure, machine,
    peer::Peers,
    print_warning, rounds,
    threads::{THREADS, with_two_threads},
};
use arguments::Arguments;
use data::Data;
use std::{ffi::OsString, path::Path};
use table::Table;

/// First argument of the child process that embeds texts and reports its memory.
const EMBED: &str = "--embed";

/// Resources shared by the topics.
struct Bench {
    /// Passes per measurement.
    passes: usize,
    data: Data,
    peers: Peers,
}

/// Runs the `speed` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    if let [first, model, texts] = &arguments[..]
        && first == EMBED
    {
        topic::memory::embed(Path::new(model), Path::new(texts))?;
        return Ok(true);
    }
    let arguments = Arguments::parse(arguments)?;
    with_two_threads(|| run(&arguments))
}

/// Returns whether every topic was measured; the table says whether the goals were reached.
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
            print_warning(&format!("{} failed: {error}", topic.name));
        }
    }
    bench.peers.print_versions();
    table.print();
    Ok(good)
}
