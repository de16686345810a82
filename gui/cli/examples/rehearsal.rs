//! Opens the window with an imitated training process; `rehearsal.sh` lists the modes.
//!
//! `cargo run -p nearsay-cli --example rehearsal -- [MODE [PACE [FILE]]]`

use std::path::PathBuf;

use nearsay_app::{
    app::{OpenOptions, open_with},
    worker::{Engine, PATIENCE},
};

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_else(|| "spin".into());
    let pace = arguments.next().unwrap_or_else(|| "0.2".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rehearsal.sh");
    let data_dir = std::env::temp_dir().join("nearsay-rehearsal");
    let engine = Engine {
        program: PathBuf::from("/bin/sh"),
        prefix: vec![script.into(), mode, pace],
        data_dir: data_dir.clone(),
        patience: PATIENCE,
    };
    let options = OpenOptions {
        file: arguments.next().map(PathBuf::from),
        data_dir,
    };
    if let Err(error) = open_with(options, engine) {
        eprintln!("{error}\n{}", error.error().detail);
        std::process::exit(1);
    }
}
