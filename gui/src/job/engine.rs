//! The program that does the heavy work: this very one, as a child process.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How many of the questions are kept aside for checking.
const CHECK_SHARE: &str = "0.2";
/// Long enough to finish a round and save.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How many answers a question gets.
const TOP: &str = "5";

/// Which program to start, and where the app keeps its things.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The program.
    pub program: PathBuf,
    /// Arguments before the sub-command; none but in tests and rehearsals.
    pub prefix: Vec<OsString>,
    /// The app's data folder.
    pub data_dir: PathBuf,
    /// How long a training may take to stop by itself before it is ended by force.
    pub patience: Duration,
}

/// What is to be trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainRequest {
    /// The FAQ file.
    pub file: PathBuf,
    /// The folder the model goes into.
    pub out: PathBuf,
    /// Go on from the last saved point.
    pub go_on: bool,
}

impl Engine {
    /// This program itself.
    ///
    /// # Errors
    /// When the system does not say which file this program is.
    pub fn this_program(data_dir: PathBuf) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            prefix: Vec::new(),
            data_dir,
            patience: PATIENCE,
        })
    }

    /// `train FILE --out DIR … --json --data DATA_DIR`.
    pub(super) fn train(&self, request: &TrainRequest) -> Command {
        let mut command = self.command("train");
        command.arg(&request.file).arg("--out").arg(&request.out);
        command
            .args([
                "--val-split",
                CHECK_SHARE,
                "--recipe",
                "quick",
                "--json",
                "--data",
            ])
            .arg(&self.data_dir);
        if request.go_on {
            command.arg("--resume");
        }
        command
    }

    /// `ask DIR --json --top 5`.
    pub(super) fn ask(&self, dir: &Path) -> Command {
        let mut command = self.command("ask");
        command.arg(dir).args(["--json", "--top", TOP]);
        command
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.prefix).arg(name);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
