//! Fixtures shared by the tests of this package.

pub mod server;

use nearsay_core::{matrix::Matrix, tensor::Tensor};
use serde_json::Value;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The golden numbers of a file in `tests/golden/`: computed with Quaterion and PyTorch themselves.
///
/// # Panics
/// When the file is missing or not JSON.
pub fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A list of numbers.
///
/// # Panics
/// When it is something else.
pub fn numbers(value: &Value) -> Vec<f32> {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"));
    list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

/// A list of rows as a matrix; a plain list as one row.
///
/// # Panics
/// When it is something else.
pub fn matrix(value: &Value) -> Matrix {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"));
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
/// When they don't.
pub fn assert_close<T: Tensor>(found: &T, expected: &[f32], what: &str) {
    let found = found.to_vec().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        assert!(close(a, b), "{what}, value {i}: {a} should be {b}");
    }
}

/// The folder of data sets that may not be part of this repository, when it is there; says loudly
/// when it is not.
pub fn shared_data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    say_loudly(&format!(
        "{} is absent, so what needs its data sets was not run",
        path.display()
    ));
    None
}

/// The app as a command, with the data folder the tests share; for integration tests only.
#[macro_export]
macro_rules! app {
    () => {
        $crate::app_at(env!("CARGO_BIN_EXE_nearsay-under-test"))
    };
}

/// The app at this path as a command, one thread for bit-equal results, with the data folder the
/// tests share.
pub fn app_at(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("RAYON_NUM_THREADS", "1")
        .env("NEARSAY_DATA", data_dir());
    command
}

/// Runs a command to its end.
///
/// # Panics
/// With what it said on stderr, when it fails.
pub fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}

/// The JSON lines a command wrote to stdout.
///
/// # Panics
/// When a line is something else.
pub fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text.lines().map(line).collect()
}

/// Where the model and saved embeddings of the tests are kept: `NEARSAY_DATA`, or the app's own
/// folder on this machine.
///
/// # Panics
/// When this user has no home folder.
pub fn data_dir() -> PathBuf {
    let data = nearsay_hub::dirs::DataDir::new(None).unwrap_or_else(|error| panic!("{error}"));
    data.root().to_owned()
}

/// The folder of MiniLM, got once into the shared data folder as a user would get it.
///
/// # Panics
/// With the message that says what to do, when no source has it.
pub fn minilm() -> PathBuf {
    let model = nearsay_hub::known_model("minilm").unwrap();
    let store = nearsay_store::DiskStore;
    nearsay_hub::obtain(&store, model, &data_dir(), None, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

/// A file of our own sample data.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../data")
        .join(name)
}

/// Writes a file a test brings.
///
/// # Panics
/// When it cannot be written.
pub fn save(path: &Path, content: impl AsRef<[u8]>) {
    use nearsay_store::{DiskStore, Store as _};
    DiskStore.write_atomic(path, content.as_ref()).unwrap();
}

/// Says that something was not tested, past the capturing of a test's output.
pub fn say_loudly(what: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "\n*** NOT TESTED: {what} ***\n").ok();
}
