//! Benchmarks. Run them in release mode:
//!
//! ```sh
//! cargo run --release -p nearsay-bench -- COMMAND [ARGUMENT]...
//! ```
//!
//! | command | measures |
//! | --- | --- |
//! | [`speed`] | encoding, training, search and startup, next to other libraries |
//! | [`quality`] | how often the right answer comes first, on every data set available |
//! | [`calibrate`](quality::calibrate) | calibration of confidence; writes the universal calibrator's weights |
//! | [`load`] | `nearsay serve` at four times the rate it sustains |
//! | [`scale`] | embedding up to a million texts, with a `kill -9` in the middle |
//! | [`big_folder`] | opening and searching a model with a million answers |
//! | [`compact_speed`] | throughput and cold start of the compact encoder |
//! | [`tutorial_table`] | a training run next to the figures of Quaterion's tutorial |
//! | `unicode_tables` | nothing: prints `core/text/src/wordpiece/tables.rs` |
//!
//! Data sets without a licence are not in this repository. `NEARSAY_TEST_DATA` names the directory
//! that holds them.

mod big_folder;
mod compact_speed;
mod load;
mod machine;
mod peer;
mod quality;
mod rounds;
mod scale;
mod speed;
mod threads;
mod tutorial_table;

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

type Failure = Box<dyn std::error::Error>;

/// Runs a benchmark. Returns whether it measured everything and, where it checks limits, whether
/// they hold.
type Run = fn(Vec<OsString>) -> Result<bool, Failure>;

const COMMANDS: [(&str, Run); 9] = [
    ("speed", speed::main),
    ("quality", quality::main),
    ("calibrate", quality::calibrate::main),
    ("load", load::main),
    ("scale", scale::main),
    ("big_folder", big_folder::main),
    ("compact_speed", compact_speed::main),
    ("tutorial_table", tutorial_table::main),
    ("unicode_tables", print_unicode_tables),
];

/// First argument of a child process that runs Nearsay itself.
const AS_NEARSAY: &str = "--as-nearsay";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == AS_NEARSAY) {
        // The program name that `nearsay_cli::run` expects stands where the marker was.
        return nearsay_cli::run(arguments);
    }
    let name = match arguments.is_empty() {
        true => String::new(),
        false => arguments.remove(0).to_string_lossy().into_owned(),
    };
    let Some((_, run)) = COMMANDS.into_iter().find(|(known, _)| *known == name) else {
        let names = COMMANDS.map(|(name, _)| name).join(", ");
        eprintln!("unknown benchmark “{name}”; choose one of {names}");
        return ExitCode::from(2);
    };
    match run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn print_unicode_tables(_: Vec<OsString>) -> Result<bool, Failure> {
    print!("{}", nearsay_tests::unicode_tables::tables());
    Ok(true)
}

/// This program as a child process that runs Nearsay itself.
fn nearsay_command() -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_NEARSAY);
    Ok(command)
}

/// This program as a child process that runs a benchmark command.
fn child_command(name: &str) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name);
    Ok(command)
}

/// The `nearsay` binary that `cargo build --release` puts next to this one.
fn built_nearsay() -> Result<PathBuf, Failure> {
    let name = format!("nearsay{}", std::env::consts::EXE_SUFFIX);
    let program = std::env::current_exe()?.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    let hint = "build it with `cargo build --release -p nearsay-cli`";
    Err(format!("{} does not exist; {hint}", program.display()).into())
}

/// The user's cache directory.
fn cache_dir() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    given.map_or_else(
        || std::env::home_dir().unwrap_or_default().join(".cache"),
        PathBuf::from,
    )
}

/// Peak resident memory of this process in MB; `None` if the system does not report it.
fn peak_memory_mb() -> Option<f64> {
    nearsay_tests::server::peak_memory_mb("self")
}

/// Prints a warning that stands out between the tables.
fn print_warning(text: &str) {
    println!("*** {text} ***");
}
