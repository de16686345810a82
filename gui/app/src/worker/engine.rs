//! The program that trains: this one, started as a child process.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nearsay_project::{Effort, Tuning, estimate::recipe_settings, folder::outcomes_of};

/// Default of [`Engine::patience`]: long enough to finish an epoch and save.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// In place of the outcomes of a model: the untrained built-in encoder.
pub const BUILT_IN: &str = "built-in";

/// The program to start, and its data directory.
#[derive(Debug, Clone)]
pub struct Engine {
    pub program: PathBuf,
    /// Arguments before the sub-command; used in tests only.
    pub prefix: Vec<OsString>,
    /// The app's data directory.
    pub data_dir: PathBuf,
    /// Time from asking a training to stop until it is killed; longer for [`Effort::Thorough`].
    pub patience: Duration,
}

/// Settings and files of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainRequest {
    /// File of questions to train on.
    pub train: PathBuf,
    /// File of held-out questions, if there are any.
    pub held_out: Option<PathBuf>,
    /// Test outcomes of the current model, or [`BUILT_IN`]; `None` to compare with the base encoder.
    pub compare: Option<PathBuf>,
    /// Directory for the model.
    pub out: PathBuf,
    pub effort: Effort,
    pub tuning: Tuning,
    /// Resume from the last checkpoint.
    pub resume: bool,
}

impl Engine {
    /// An engine that runs the current program.
    ///
    /// # Errors
    /// If the path of the program is unknown.
    pub fn this_program(data_dir: PathBuf) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            prefix: Vec::new(),
            data_dir,
            patience: PATIENCE,
        })
    }

    /// Makes the command `train FILE --out DIR … --json --data DATA_DIR`.
    pub(super) fn train_command(&self, request: &TrainRequest) -> Command {
        let mut command = self.subcommand("train");
        command.arg(&request.train).arg("--out").arg(&request.out);
        match &request.held_out {
            Some(held_out) => command.arg("--val").arg(held_out),
            None => command.args(["--val-split", "0"]),
        };
        command.arg("--outcomes").arg(outcomes_of(&request.out));
        // Models of earlier versions of the program have no outcomes.
        let compare = request.compare.as_ref();
        if let Some(compare) = compare.filter(|file| *file == Path::new(BUILT_IN) || file.is_file())
        {
            command.arg("--compare").arg(compare);
        }
        let defaults = recipe_settings(request.effort);
        let encoder = match request.effort {
            Effort::Quick => "compact",
            Effort::Balanced | Effort::Thorough => "minilm",
        };
        command.args(["--recipe", defaults.recipe.name(), "--encoder", encoder]);
        command.args(["--json", "--data"]).arg(&self.data_dir);
        let Tuning {
            epochs,
            batch,
            lr_percent,
            seed,
        } = request.tuning;
        let lr = lr_percent.map(|percent| defaults.lr * f64::from(percent) / 100.0);
        for (name, value) in [
            ("--epochs", epochs.map(|n| n.to_string())),
            ("--batch", batch.map(|n| n.to_string())),
            ("--seed", seed.map(|n| n.to_string())),
            ("--lr", lr.map(|lr| lr.to_string())),
        ] {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        }
        if request.resume {
            command.arg("--resume");
        }
        command
    }

    /// Time until a training of this effort is killed after it was asked to stop. A trained transformer
    /// embeds all texts again before it is saved.
    pub(super) fn stop_timeout(&self, effort: Effort) -> Duration {
        match effort {
            Effort::Quick | Effort::Balanced => self.patience,
            Effort::Thorough => self.patience * 30,
        }
    }

    /// A command that runs the program at a lower priority than the window.
    #[cfg(unix)]
    fn background_command(&self) -> Command {
        // `nice` replaces itself with the program, so the process id stays valid for killing it.
        let nice = std::path::Path::new("/usr/bin/nice");
        if !nice.is_file() || !self.program.is_file() {
            return Command::new(&self.program);
        }
        let mut command = Command::new(nice);
        command.args(["-n", "10"]).arg(&self.program);
        command
    }

    /// A command that runs the program at a lower priority than the window.
    #[cfg(windows)]
    fn background_command(&self) -> Command {
        use std::os::windows::process::CommandExt as _;
        const BELOW_NORMAL_PRIORITY_CLASS: u32 = 0x4000;
        let mut command = Command::new(&self.program);
        command.creation_flags(BELOW_NORMAL_PRIORITY_CLASS);
        command
    }

    fn subcommand(&self, name: &str) -> Command {
        let mut command = self.background_command();
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

    /// The arguments of a training, joined with spaces.
    fn arguments(effort: Effort, tuning: Tuning) -> String {
        let request = TrainRequest {
            train: "train.jsonl".into(),
            held_out: None,
            compare: Some(BUILT_IN.into()),
            out: "out".into(),
            effort,
            tuning,
            resume: false,
        };
        let command = engine().train_command(&request);
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy())
            .collect();
        args.join(" ")
    }

    #[test]
    fn train_command_sets_encoder_and_recipe_of_each_effort() {
        for (effort, expected) in [
            (Effort::Quick, "--recipe quick --encoder compact"),
            (Effort::Balanced, "--recipe quick --encoder minilm"),
            (Effort::Thorough, "--recipe thorough --encoder minilm"),
        ] {
            let line = arguments(effort, Tuning::default());
            assert!(line.contains(expected), "{line}");
            assert!(
                line.contains("--outcomes out.outcomes.jsonl --compare built-in"),
                "{line}"
            );
            assert!(!line.contains("--lr"), "{line}");
        }
    }

    #[test]
    fn train_command_scales_the_learning_rate_of_the_recipe() {
        let half = Tuning {
            lr_percent: Some(50),
            ..Tuning::default()
        };
        for (effort, expected) in [
            (Effort::Quick, "--lr 0.005"),
            (Effort::Balanced, "--lr 0.0005"),
            (Effort::Thorough, "--lr 0.00005"),
        ] {
            let line = arguments(effort, half);
            assert!(line.ends_with(expected), "{line}");
        }
    }

    #[test]
    fn stop_timeout_is_longer_for_transformers() {
        let engine = engine();
        assert_eq!(engine.stop_timeout(Effort::Balanced), PATIENCE);
        assert!(engine.stop_timeout(Effort::Thorough) > Duration::from_mins(2));
    }
}
