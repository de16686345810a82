//! Help desk that needs no operating system: layers 0 to 4 without `std`.
//!
//! ```sh
//! cargo run -p nearsay-search --no-default-features --example no_os
//! cargo run -p nearsay-search --no-default-features --example no_os -- "May my dog come in?"
//! ```
//!
//! This file only prints. `desk.rs` needs only `alloc`; `tests/no_std` runs it on a processor without an operating
//! system.

mod desk;

use std::process::ExitCode;

fn main() -> ExitCode {
    let desk = match desk::Desk::open() {
        Ok(desk) => desk,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&str> = match &asked[..] {
        [] => desk::ASKED.iter().map(|&(question, _)| question).collect(),
        asked => asked.iter().map(String::as_str).collect(),
    };
    for question in asked {
        match desk.answer(question) {
            Ok(Some((answer, score))) => println!("{question}\n  {answer} ({score:.2})"),
            Ok(None) => println!("{question}\n  (nothing is near)"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
