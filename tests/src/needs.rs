//! Resources that tests need beyond this repository: data sets, models, other programs.
//!
//! Each function panics if its resource is missing and says how to provide it.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Directory of a data set in `NEARSAY_TEST_DATA`.
///
/// # Panics
/// If the variable is unset, or the directory doesn't exist.
pub fn test_data(name: &str) -> PathBuf {
    let Some(data) = crate::test_data_dir() else {
        panic!("set NEARSAY_TEST_DATA to a directory that holds the data set {name}");
    };
    let dir = data.join(name);
    assert!(
        dir.is_dir(),
        "NEARSAY_TEST_DATA: {} is missing",
        dir.display()
    );
    dir
}

/// Directory of MiniLM. The first call downloads it into the tests' data directory.
///
/// # Panics
/// If no source provides it; the message says what to do.
pub fn minilm() -> PathBuf {
    let model = nearsay_hub::known_model("minilm").unwrap();
    let store = nearsay_store::DiskStore;
    let obtained = nearsay_hub::obtain(&store, model, &crate::data_dir(), None, &mut |_| {
        ControlFlow::Continue(())
    });
    obtained.unwrap_or_else(|error| panic!("{error}"))
}

/// Python interpreter that has these modules: the first of the environment variables' values and
/// `python3` that can import them.
///
/// # Panics
/// If there is none; `requirements` names the file that lists the packages.
pub fn python(variables: &[&str], modules: &[&str], requirements: &str) -> String {
    let values = variables.iter().flat_map(std::env::var);
    let mut interpreters = values.chain(["python3".to_owned()]);
    let import = format!("import {}", modules.join(", "));
    let found = interpreters.find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", &import]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    found.unwrap_or_else(|| {
        panic!(
            "no Python has {}; install {requirements}, then set {} to that Python",
            modules.join(", "),
            variables[0]
        )
    })
}

/// The first of these programs that starts.
///
/// # Panics
/// If none does.
pub fn program(names: &[&str]) -> String {
    let found = names.iter().find(|name| {
        let mut command = Command::new(name);
        command.arg("--version");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    let Some(found) = found else {
        panic!("install {}", names.join(" or "));
    };
    (*found).to_owned()
}
