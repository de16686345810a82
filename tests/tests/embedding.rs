//! `kill -9` during embedding: the next run embeds only the texts whose vectors were not yet saved.

use nearsay::cache::{CHUNK_LEN, Embedded, EmbeddingCache, OnProgress, Progress, Uninterrupted};
use nearsay_core::matrix::Matrix;
use nearsay_store::DiskStore;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

const DIR: &str = "NEARSAY_TEST_EMBEDDING";
const DIM: usize = 8;
const PIECES: usize = 6;

fn vector(text: &str) -> [f32; DIM] {
    std::array::from_fn(|i| {
        text.bytes()
            .map(|byte| f32::from(byte) * (i + 1) as f32)
            .sum()
    })
}

fn texts() -> Vec<String> {
    (0..PIECES * CHUNK_LEN)
        .map(|number| format!("synthetic text {number}"))
        .collect()
}

/// Embeds all texts. `on_saved` gets the number of texts whose vectors are saved.
fn embed(dir: &Path, mut on_saved: impl FnMut(usize)) -> Embedded {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cache = EmbeddingCache::new(&DiskStore, dir, "made-up", DIM);
    let mut encode = |texts: &[&str], _: &mut OnProgress<'_>| {
        let rows: Vec<_> = texts.iter().map(|text| vector(text)).collect();
        Ok(Some(Matrix::from_rows(&rows)?))
    };
    let mut on_progress = |progress: Progress| on_saved(progress.done);
    cache
        .embed(&texts, &mut encode, &Uninterrupted, &mut on_progress)
        .unwrap()
        .unwrap()
}

/// Embeds in a child process, which waits after each piece until the parent allows the next one.
fn embed_in_child(dir: &Path) {
    let mut permits = std::io::stdin().lines();
    embed(dir, |done| {
        println!("saved {done}");
        assert!(permits.next().is_some_and(|line| line.is_ok()));
    });
}

#[test]
fn killed_embedding_resumes_from_saved_pieces() {
    if let Some(dir) = std::env::var_os(DIR) {
        return embed_in_child(dir.as_ref());
    }
    for kill_after in [1, 3] {
        let dir = tempfile::tempdir().unwrap();
        // This same test, which is the child once the variable is set.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed_embedding_resumes_from_saved_pieces"])
            .arg("--nocapture")
            .env(DIR, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut permits = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut saved = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("saved "));
        for piece in 1..=kill_after {
            assert!(saved.next().is_some(), "piece {piece}");
            if piece < kill_after {
                writeln!(permits).unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let embedded = embed(dir.path(), |_| {});
        assert!(
            embedded.fresh <= (PIECES - kill_after) * CHUNK_LEN,
            "{}",
            embedded.fresh
        );
        assert!(embedded.fresh > 0, "the child was killed before the end");
        assert_eq!(embedded.damaged, 0);
        for (text, row) in texts().iter().zip(embedded.embeddings.iter_rows()) {
            assert_eq!(row, vector(text));
        }
        assert_eq!(embed(dir.path(), |_| {}).fresh, 0);
    }
}
