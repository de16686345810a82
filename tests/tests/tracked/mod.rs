//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Paths from the top of the repository, in Git's order; of a source archive, every file on disk.
pub fn tracked_files(root: &Path) -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output();
    if let Ok(output) = git
        && output.status.success()
    {
        let names = String::from_utf8(output.stdout).expect("paths are UTF-8");
        return names
            .split_terminator('\0')
            .map(str::to_owned)
            .filter(|name| root.join(name).is_file())
            .collect();
    }
    let mut files = Vec::new();
    collect_files(root, "", &mut files);
    files.sort();
    files
}

fn collect_files(root: &Path, below: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(below)).expect("a readable directory") {
        let entry = entry.expect("a readable entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{below}{name}");
        if !entry.path().is_dir() {
            files.push(path);
        } else if !["target", ".git", "__pycache__"].contains(&name.as_str()) {
            collect_files(root, &format!("{path}/"), files);
        }
    }
}
