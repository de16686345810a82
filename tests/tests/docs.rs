//! Documentation: links resolve, crates have their pages, the README keeps its form.

mod tracked;

use regex::Regex;
use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};
use tracked::{root, tracked_files};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A Markdown text without its code blocks and code spans.
fn without_code(text: &str) -> String {
    let blocks = Regex::new(r"(?ms)^ *```.*?^ *```").expect("a valid pattern");
    let spans = Regex::new("`[^`\n]*`").expect("a valid pattern");
    spans
        .replace_all(&blocks.replace_all(text, ""), "")
        .into_owned()
}

/// The anchors GitHub gives to the headings of a Markdown text.
fn anchors(text: &str) -> Vec<String> {
    let blocks = Regex::new(r"(?ms)^ *```.*?^ *```").expect("a valid pattern");
    blocks
        .replace_all(text, "")
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|&c| c.is_alphanumeric() || " -_".contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// Resolves `..` in a path without looking at the disk.
fn normalized(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts
}

#[test]
fn relative_links_resolve() {
    let link = Regex::new(r"\[[^\]]*\]\(([^)\s]+)\)").expect("a valid pattern");
    let root = root();
    let mut broken = String::new();
    let files = tracked_files(&root);
    // Test files of other programs link to pages of their own.
    let ours = |file: &&String| file.ends_with(".md") && !file.starts_with("core/faq/tests/");
    for file in files.iter().filter(ours) {
        let text = read(&root.join(file));
        for found in link.captures_iter(&without_code(&text)) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                PathBuf::from(file)
            } else {
                normalized(&Path::new(file).join("..").join(path))
            };
            let path = root.join(path);
            let resolves = path.exists()
                && (anchor.is_empty() || anchors(&read(&path)).iter().any(|known| known == anchor));
            if !resolves {
                writeln!(broken, "{file}: {target}").expect("a string");
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{broken}");
}

#[test]
fn every_crate_has_readme_and_changelog() {
    let root = root();
    let mut missing = Vec::new();
    for group in ["core", "gui"] {
        for entry in fs::read_dir(root.join(group)).expect("a readable directory") {
            let dir = entry.expect("a readable entry").path();
            if !dir.join("Cargo.toml").is_file() {
                continue;
            }
            for name in ["README.md", "CHANGELOG.md"] {
                if !dir.join(name).is_file() {
                    missing.push(dir.join(name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn readme_has_at_most_150_lines() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(lines <= 150, "README.md has {lines} lines");
}

#[test]
fn readme_shows_both_commands_on_lines_of_their_own() {
    let readme = read(&root().join("README.md"));
    for command in ["cargo run --release", "cargo test --workspace"] {
        assert!(readme.lines().any(|line| line == command), "{command}");
    }
}

#[test]
fn first_guide_page_lists_all_pages() {
    let guide = root().join("gui/app/guide");
    let start = read(&guide.join("start.md"));
    for entry in fs::read_dir(&guide).expect("a readable directory") {
        let name = entry.expect("a readable entry").file_name();
        let name = name.to_string_lossy();
        assert!(start.contains(&format!("]({name})")), "{name}");
    }
}
