//! The program that does the heavy work: this very one, as a child process.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use nearsay_project::{Effort, Tuning, estimate::recipe_settings};

/// Long enough to finish a round and save.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Which program to start, and where the app keeps its things.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The program.
    pub program: PathBuf,
    /// Arguments before the sub-command; none but in tests and rehearsals.
    pub prefix: Vec<OsString>,
    /// The app's data folder.
    pub data_dir: PathBuf,
    /// How long a training may take to stop by itself before it is ended by force; longer when a
    /// network learns.
    pub patience: Duration,
}

/// What is to be trained.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainRequest {
    /// What to learn from.
    pub train: PathBuf,
    /// What to check with; none when nothing is kept aside.
    pub check: Option<PathBuf>,
    /// The folder the model goes into.
    pub out: PathBuf,
    /// With which encoder, and what of it learns.
    pub effort: Effort,
    /// What somebody set by hand.
    pub tuning: Tuning,
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
        command.arg(&request.train).arg("--out").arg(&request.out);
        match &request.check {
            Some(check) => command.arg("--val").arg(check),
            None => command.args(["--val-split", "0"]),
        };
        let usual = recipe_settings(request.effort);
        let encoder = match request.effort {
            Effort::Quick => "compact",
            Effort::Balanced | Effort::Thorough => "minilm",
        };
        command.args(["--recipe", usual.recipe.name(), "--encoder", encoder]);
        command.args(["--json", "--data"]).arg(&self.data_dir);
        let Tuning {
            rounds,
            batch,
            pace,
            seed,
        } = request.tuning;
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        };
        set("--epochs", rounds.map(|n| n.to_string()));
        set("--batch", batch.map(|n| n.to_string()));
        set("--seed", seed.map(|n| n.to_string()));
        set(
            "--lr",
            pace.map(|pace| (usual.lr * f64::from(pace) / 100.0).to_string()),
        );
        if request.go_on {
            command.arg("--resume");
        }
        command
    }

    /// How long a training of this effort may take to stop by itself. A network that learned reads
    /// all texts once more before it is kept.
    pub(super) fn patience(&self, effort: Effort) -> Duration {
        match effort {
            Effort::Quick | Effort::Balanced => self.patience,
            Effort::Thorough => self.patience * 30,
        }
    }

    /// The program, at a priority below the window's: it may use all that is left over.
    #[cfg(unix)]
    fn in_background(&self) -> Command {
        // It gives its place to the program, number and all, so that a kill reaches that.
        let nice = std::path::Path::new("/usr/bin/nice");
        if !nice.is_file() || !self.program.is_file() {
            return Command::new(&self.program);
        }
        let mut command = Command::new(nice);
        command.args(["-n", "10"]).arg(&self.program);
        command
    }

    /// The program, at a priority below the window's: it may use all that is left over.
    #[cfg(windows)]
    fn in_background(&self) -> Command {
        use std::os::windows::process::CommandExt as _;
        const BELOW_NORMAL_PRIORITY_CLASS: u32 = 0x4000;
        let mut command = Command::new(&self.program);
        command.creation_flags(BELOW_NORMAL_PRIORITY_CLASS);
        command
    }

    fn command(&self, name: &str) -> Command {
        let mut command = self.in_background();
        command.args(&self.prefix).arg(name);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Engine {
        Engine {
            program: "nearsay".into(),
            prefix: Vec::new(),
            data_dir: "data".into(),
            patience: PATIENCE,
        }
    }

    /// The arguments of a training, in one line.
    fn line(effort: Effort, tuning: Tuning) -> String {
        let request = TrainRequest {
            train: "train.jsonl".into(),
            check: None,
            out: "out".into(),
            effort,
            tuning,
            go_on: false,
        };
        let command = engine().train(&request);
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy())
            .collect();
        args.join(" ")
    }

    #[test]
    fn each_effort_has_an_encoder_and_a_recipe() {
        for (effort, expected) in [
            (Effort::Quick, "--recipe quick --encoder compact"),
            (Effort::Balanced, "--recipe quick --encoder minilm"),
            (Effort::Thorough, "--recipe thorough --encoder minilm"),
        ] {
            let line = line(effort, Tuning::default());
            assert!(line.contains(expected), "{line}");
            assert!(!line.contains("--lr"), "{line}");
        }
    }

    #[test]
    fn the_size_of_steps_is_in_parts_of_what_each_recipe_takes() {
        let half = Tuning {
            pace: Some(50),
            ..Tuning::default()
        };
        for (effort, expected) in [
            (Effort::Quick, "--lr 0.005"),
            (Effort::Balanced, "--lr 0.0005"),
            (Effort::Thorough, "--lr 0.00005"),
        ] {
            let line = line(effort, half);
            assert!(line.ends_with(expected), "{line}");
        }
    }

    #[test]
    fn a_network_has_longer_to_stop() {
        let engine = engine();
        assert_eq!(engine.patience(Effort::Balanced), PATIENCE);
        assert!(engine.patience(Effort::Thorough) > Duration::from_secs(120));
    }
}
