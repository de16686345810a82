//! Files that Nearsay did not write survive training, exports and distilling.

use nearsay_tests::{app, run_ok, write_file};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Writes an FAQ file of thirty answers.
fn write_faq(dir: &Path) -> PathBuf {
    let line =
        |n| format!("{{\"question\":\"question number {n}\",\"answer\":\"answer number {n}\"}}\n");
    let file = dir.join("faq.jsonl");
    write_file(&file, (0..30).map(line).collect::<String>());
    file
}

fn train(faq: &Path, out: &Path) -> Command {
    let mut train = app!();
    train.arg("train").arg(faq).arg("--out").arg(out);
    train.args(["--encoder", "compact"]);
    train
}

/// Error message of a command that must fail.
fn error_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Writes a diary, a photo and a repository.
fn write_other_files(dir: &Path) {
    for folder in ["photos", ".git/refs", "empty"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for file in ["diary.txt", "photos/a.jpg", ".git/HEAD"] {
        write_file(&dir.join(file), "mine");
    }
}

/// All files below a directory with their content, and all directories.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.insert(path.clone(), Vec::new());
                open.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

#[test]
fn train_refuses_directory_with_other_files() {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    write_other_files(&work);
    let faq = write_faq(&work);
    let before = tree(dir.path());
    let message = error_of(&mut train(&faq, &work));
    assert!(
        message.contains("not empty and not a Nearsay model"),
        "{message}"
    );
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn train_keeps_other_files_in_model_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (faq, model) = (write_faq(dir.path()), dir.path().join("model"));
    fs::create_dir(&model).unwrap();
    run_ok(&mut train(&faq, &model));
    write_other_files(&model);
    let before = fs::read(model.join("nearsay.json")).unwrap();
    run_ok(train(&faq, &model).args(["--seed", "7"]));
    assert_ne!(fs::read(model.join("nearsay.json")).unwrap(), before);
    for file in ["diary.txt", "photos/a.jpg", ".git/HEAD"] {
        assert_eq!(fs::read(model.join(file)).unwrap(), b"mine");
    }
    assert!(model.join("empty").is_dir() && model.join(".git/refs").is_dir());
    let names = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    // The lock file of the model stays, as beside a model that is served.
    assert_eq!(names, [".model.lock", "faq.jsonl", "model"]);
}

#[test]
fn export_refuses_directory_with_other_files() {
    let dir = tempfile::tempdir().unwrap();
    let (faq, model) = (write_faq(dir.path()), dir.path().join("model"));
    run_ok(&mut train(&faq, &model));
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    write_other_files(&work);
    // Files with names that exports use, but that no export wrote.
    let named = dir.path().join("named");
    fs::create_dir_all(named.join("onnx")).unwrap();
    for file in [
        "answers.jsonl",
        "vectors.npy",
        "config.json",
        "onnx/model.onnx",
    ] {
        write_file(&named.join(file), "mine");
    }
    for target in [&work, &named] {
        let before = tree(target);
        // ONNX export of the compact encoder fails for another reason.
        for format in ["page", "npy", "parquet", "pgvector", "onnx"] {
            let mut export = app!();
            export.arg("export").arg(&model).args(["--to", format]);
            error_of(export.arg(target));
            assert_eq!(tree(target), before, "{format}");
        }
    }
}

#[test]
fn export_replaces_file_named_as_target() {
    let dir = tempfile::tempdir().unwrap();
    let (faq, model) = (write_faq(dir.path()), dir.path().join("model"));
    run_ok(&mut train(&faq, &model));
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    write_other_files(&work);
    let before = tree(&work);
    for format in ["page", "parquet", "pgvector"] {
        let target = work.join("out");
        for _ in 0..2 {
            let mut export = app!();
            export.arg("export").arg(&model).args(["--to", format]);
            run_ok(export.arg(&target));
        }
        fs::remove_file(&target).unwrap();
        assert_eq!(tree(&work), before, "{format}");
    }
}

#[test]
fn distill_refuses_directory() {
    let dir = tempfile::tempdir().unwrap();
    write_other_files(dir.path());
    let before = tree(dir.path());
    let mut distill = app!();
    let message = error_of(distill.arg("distill").arg("--out").arg(dir.path()));
    assert!(message.contains("it is not an ordinary file"), "{message}");
    assert_eq!(tree(dir.path()), before);
}
