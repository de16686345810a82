//! Fixtures shared by the integration tests and the benchmarks.
//!
//! A test that needs more than this repository and a Rust toolchain is ignored by default:
//! `#[ignore = "needs MiniLM"]`. Run with `--include-ignored`, it fails if the need is missing; it
//! never passes without testing anything. Needs that CI doesn't always meet are also modules, which
//! `--skip` can name: `needs_test_data`, `needs_onnxruntime`, `needs_export_python`, `needs_browser`.

pub mod needs;
pub mod server;
pub mod unicode_tables;

use nearsay::servable::{AnswerSet, Confidence, Export, ExportEncoder, ServableError};
use nearsay_core::{head::Folded, matrix::Matrix, tensor::Tensor};
use nearsay_store::{DiskStore, Store as _};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Golden numbers from a file in `tests/golden/`, computed by Quaterion and PyTorch
/// (`tests/golden/generate.py`).
///
/// # Panics
/// If the file is missing or isn't JSON.
pub fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Numbers of a JSON array.
///
/// # Panics
/// If the value isn't an array of numbers.
pub fn numbers(value: &Value) -> Vec<f32> {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("not an array: {value}"));
    list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

/// Matrix of a JSON array of rows; a flat array becomes a single row.
///
/// # Panics
/// If the value is anything else.
pub fn matrix(value: &Value) -> Matrix {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("not an array: {value}"));
    if list.first().is_some_and(Value::is_number) {
        return Matrix::from_rows(&[numbers(value)]).unwrap();
    }
    Matrix::from_rows(&list.iter().map(numbers).collect::<Vec<_>>()).unwrap()
}

/// Whether two numbers agree to 1e-4, relative or absolute.
pub fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-4 * a.abs().max(b.abs()).max(1.0)
}

/// Asserts that all values agree to 1e-4, relative or absolute.
///
/// # Panics
/// If two values differ by more.
pub fn assert_close<T: Tensor>(found: &T, expected: &[f32], what: &str) {
    let found = found.to_vec().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        assert!(close(a, b), "{what}, value {i}: {a} should be {b}");
    }
}

/// Command that runs the app with the tests' data directory. Only for integration tests.
#[macro_export]
macro_rules! app {
    () => {
        $crate::app_at(env!("CARGO_BIN_EXE_nearsay-under-test"))
    };
}

/// Command that runs the app at this path with the tests' data directory, and with one thread so
/// that results are bit-identical.
pub fn app_at(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("RAYON_NUM_THREADS", "1")
        .env("NEARSAY_DATA", data_dir());
    command
}

/// Runs a command that must succeed.
///
/// # Panics
/// If it fails; the message holds its stderr.
pub fn run_ok(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}

/// JSON lines of a command's stdout.
///
/// # Panics
/// If a line isn't JSON.
pub fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text.lines().map(line).collect()
}

/// Data directory of the tests, with models and cached embeddings: `NEARSAY_DATA`, or the app's own.
///
/// # Panics
/// If this user has no home directory.
pub fn data_dir() -> PathBuf {
    let data = nearsay_hub::dirs::DataDir::new(None).unwrap_or_else(|error| panic!("{error}"));
    data.root().to_owned()
}

/// Directory of the data sets that are not part of this repository, from `NEARSAY_TEST_DATA`.
pub fn test_data_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("NEARSAY_TEST_DATA").filter(|dir| !dir.is_empty());
    dir.map(PathBuf::from)
}

/// Path of a sample file in `data/`.
pub fn sample_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../data")
        .join(name)
}

/// Path of a file in `tests/`.
pub fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Writes a file.
///
/// # Panics
/// If it can't be written.
pub fn write_file(path: &Path, content: impl AsRef<[u8]>) {
    DiskStore.write_atomic(path, content.as_ref()).unwrap();
}

/// Writes a model directory that was never trained: default confidence, dense search only.
///
/// `vectors` holds the pooled vector of each of the answers' texts, before the head.
///
/// # Errors
/// As for [`Export::write`].
pub fn write_model(
    dir: &Path,
    encoder: (&str, ExportEncoder<'_>),
    head: &Folded,
    answers: &AnswerSet,
    vectors: &Matrix,
) -> Result<(), ServableError> {
    let (encoder_name, encoder) = encoder;
    let export = Export {
        encoder,
        encoder_name,
        head,
        answers,
        vectors,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
        report: Value::Null,
    };
    export.write(&DiskStore, dir)
}
