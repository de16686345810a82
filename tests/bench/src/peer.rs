//! Peers: other libraries in Python workers, which run a pass per line of input.

use crate::{Failure, print_warning, rounds::Cost, threads::THREADS};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Python environment of the peers.
pub struct Peers {
    venv: PathBuf,
    scripts: PathBuf,
    versions: RefCell<BTreeMap<String, String>>,
}

impl Peers {
    /// Peers of a Python environment, installed or not.
    pub fn new(venv: &Path) -> Self {
        Self {
            venv: venv.into(),
            scripts: Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers"),
            versions: RefCell::default(),
        }
    }

    /// Directory of the ONNX exports.
    pub fn onnx(&self) -> PathBuf {
        self.venv.join("onnx")
    }

    /// Starts a worker, which loads and warms up; prints a warning if that fails.
    pub fn start(&self, name: &str, script: &str, load: &Value) -> Option<Peer> {
        match self.try_start(name, script, load) {
            Ok(peer) => Some(peer),
            Err(error) => {
                print_warning(&format!("{name} is not measured: {error}"));
                None
            }
        }
    }

    fn try_start(&self, name: &str, script: &str, load: &Value) -> Result<Peer, Failure> {
        let mut child = self
            .python(script)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".into());
        };
        let mut peer = Peer {
            name: name.into(),
            child,
            stdin: Some(stdin),
            stdout: BufReader::new(stdout),
        };
        let ready = peer.ask(load)?;
        if let Some(versions) = ready["versions"].as_object() {
            for (package, version) in versions {
                let version = version.as_str().unwrap_or_default().to_owned();
                self.versions.borrow_mut().insert(package.clone(), version);
            }
        }
        if let Some(note) = ready["ready"].as_str() {
            println!("{name}: {note}");
        }
        Ok(peer)
    }

    /// Command that runs a Python script with [`THREADS`] threads and the libraries' own choice of kernels.
    pub fn python(&self, script: &str) -> Result<Command, Failure> {
        let python = self.venv.join("bin/python");
        if !python.is_file() {
            let hint = "tests/peers/setup installs the peers";
            return Err(format!("there is no {}; {hint}", python.display()).into());
        }
        let threads = THREADS.to_string();
        let mut command = Command::new(python);
        command.arg("-B").arg(self.scripts.join(script));
        for variable in [
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "RAYON_NUM_THREADS",
        ] {
            command.env(variable, &threads);
        }
        // These may be set for another machine; NumPy's own choice is good.
        for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"] {
            command.env_remove(variable);
        }
        // No downloads during measurements.
        command.env("HF_HUB_OFFLINE", "1");
        Ok(command)
    }

    /// Prints the versions of all peers that ran.
    pub fn print_versions(&self) {
        let versions = self.versions.borrow();
        let list: Vec<String> = versions
            .iter()
            .map(|(package, version)| format!("{package} {version}"))
            .collect();
        if !list.is_empty() {
            println!("\npeers: {}", list.join(", "));
        }
    }
}

/// Worker that has loaded and warmed up.
pub struct Peer {
    pub name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    /// Sends a request and waits for the reply.
    pub fn ask(&mut self, request: &Value) -> Result<Value, Failure> {
        if let Some(stdin) = &mut self.stdin {
            writeln!(stdin, "{request}")?;
            stdin.flush()?;
        }
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("{} ended without an answer", self.name).into());
        }
        let reply: Value = serde_json::from_str(&line)?;
        match reply["error"].as_str() {
            Some(error) => Err(error.into()),
            None => Ok(reply),
        }
    }

    /// Runs a pass.
    pub fn pass(&mut self) -> Result<Cost, Failure> {
        self.pass_of(&json!({}))
    }

    /// Runs a pass with a request of its own.
    pub fn pass_of(&mut self, request: &Value) -> Result<Cost, Failure> {
        Cost::of(&self.ask(request)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The worker ends with its input.
        self.stdin = None;
        self.child.wait().ok();
    }
}
