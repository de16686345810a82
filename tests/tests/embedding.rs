//! `kill -9` in the middle of embedding: the next run finds what was done and embeds only the rest.

use nearsay::cache::{CHUNK_LEN, Embedded, EmbeddingCache, Uninterrupted};
use nearsay_core::matrix::Matrix;
use nearsay_store::DiskStore;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
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

/// Embeds all texts, slowly, telling every piece that is saved.
fn embed(dir: &Path, pause: Duration, mut told: impl FnMut(usize)) -> Embedded {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cache = EmbeddingCache::new(&DiskStore, dir, "made-up", DIM);
    let mut encode = |texts: &[&str], _: &mut dyn FnMut(usize) -> bool| {
        std::thread::sleep(pause);
        let rows: Vec<_> = texts.iter().map(|text| vector(text)).collect();
        Ok(Some(Matrix::from_rows(&rows)?))
    };
    let mut on_progress = |progress: nearsay::cache::Progress| told(progress.done);
    cache
        .embed(&texts, &mut encode, &Uninterrupted, &mut on_progress)
        .unwrap()
        .unwrap()
}

#[test]
#[ignore = "the child of the test below"]
fn embeds_until_killed() {
    let dir = std::env::var_os(DIR).unwrap();
    embed(dir.as_ref(), Duration::from_millis(200), |done| {
        println!("saved {done}")
    });
}

#[test]
fn a_killed_embedding_goes_on_where_it_was() {
    for kill_after in [1, 3] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "embeds_until_killed", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let saved = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("saved "));
        assert_eq!(saved.take(kill_after).count(), kill_after);
        child.kill().unwrap();
        child.wait().unwrap();

        let embedded = embed(dir.path(), Duration::ZERO, |_| {});
        assert!(
            embedded.fresh <= (PIECES - kill_after) * CHUNK_LEN,
            "{}",
            embedded.fresh
        );
        assert!(embedded.fresh > 0, "it was killed before the end");
        assert_eq!(embedded.damaged, 0);
        for (text, row) in texts().iter().zip(embedded.embeddings.iter_rows()) {
            assert_eq!(row, vector(text));
        }
        assert_eq!(embed(dir.path(), Duration::ZERO, |_| {}).fresh, 0);
    }
}
