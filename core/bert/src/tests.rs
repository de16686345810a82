use super::*;
use crate::test_util::tiny_tokenizer as tokenizer;
use nearsay_model::test_util::{archive, folder, tiny_model_files};
use nearsay_store::MemStore;
use std::path::Path;

fn load(store: &MemStore, path: &str) -> Result<SentenceEncoder, EncodeError> {
    let files = ModelFiles::open(store, Path::new(path))?;
    SentenceEncoder::load(&files, &Device::Cpu)
}

fn tiny() -> SentenceEncoder {
    load(&folder("m", &tiny_model_files(&tokenizer())), "m").unwrap()
}

fn ignore_progress(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn is_close(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn encode_all_does_not_depend_on_other_texts() {
    let encoder = tiny();
    let texts = ["a", "", "ab? b", "b b b b b b b b b b", "unknown", "?"];
    let all = encoder.encode_all(&texts, &mut ignore_progress).unwrap();
    assert_eq!((all.rows(), all.columns()), (6, 4));
    for (text, row) in texts.iter().zip(all.iter_rows()) {
        let alone = encoder.encode_all(&[text], &mut ignore_progress).unwrap();
        assert!(is_close(alone.row(0), row), "{text:?}");
    }
    assert!(!is_close(all.row(0), all.row(2)));
}

#[test]
fn encode_equals_encode_all() {
    let encoder = tiny();
    let tensor = encoder.encode(&["a", "b"]).unwrap();
    let rows = encoder
        .encode_all(&["a", "b"], &mut ignore_progress)
        .unwrap();
    assert_eq!(tensor.dims(), [2, 4]);
    assert_eq!(
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
        rows.data()
    );
    assert_eq!(encoder.dim(), 4);
    assert!(!encoder.trainable());
    assert_eq!(encoder.encode(&[]).unwrap().dims(), [0, 4]);
}

#[test]
fn encode_all_reports_progress_and_can_be_cancelled() {
    let encoder = tiny();
    let texts = vec!["a b a b a b"; 2_000];
    let mut last = 0;
    let all = encoder.encode_all(&texts, &mut |done, total| {
        assert!(done > last && done <= total && total == 2_000);
        last = done;
        ControlFlow::Continue(())
    });
    assert_eq!((all.unwrap().rows(), last), (2_000, 2_000));
    let mut calls = 0;
    let stopped = encoder.encode_all(&texts, &mut |_, _| {
        calls += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(stopped, Err(EncodeError::Cancelled)));
    assert_eq!(calls, 1);
    // The workers are idle again.
    assert_eq!(
        encoder
            .encode_all(&["a"], &mut ignore_progress)
            .unwrap()
            .rows(),
        1
    );
}

#[test]
fn load_from_archive_equals_load_from_directory() {
    let store = archive("m.whl", "package/model/", &tiny_model_files(&tokenizer()));
    let other = load(&store, "m.whl").unwrap();
    let (a, b) = (
        tiny().encode_all(&["ab?"], &mut ignore_progress).unwrap(),
        other.encode_all(&["ab?"], &mut ignore_progress).unwrap(),
    );
    assert_eq!(a.data(), b.data());
}

#[test]
fn encode_all_supports_every_pooling() {
    let pooled = |mode: &str| {
        let mut files = tiny_model_files(&tokenizer());
        let pooling = files
            .iter_mut()
            .find(|(name, _)| name.starts_with("1_"))
            .unwrap();
        pooling.1 = format!("{{\"pooling_mode\": \"{mode}\"}}").into_bytes();
        let encoder = load(&folder("m", &files), "m").unwrap();
        let texts = ["a b", "a b b b ab ?"];
        let all = encoder.encode_all(&texts, &mut ignore_progress).unwrap();
        let alone = encoder
            .encode_all(&texts[..1], &mut ignore_progress)
            .unwrap();
        assert!(is_close(alone.row(0), all.row(0)), "{mode}");
        all.row(0).to_vec()
    };
    let (mean, cls, max) = (pooled("mean"), pooled("cls"), pooled("max"));
    assert!(!is_close(&mean, &cls) && !is_close(&mean, &max) && !is_close(&cls, &max));
    assert!(max.iter().zip(&cls).all(|(max, cls)| max >= cls));
}

#[test]
fn load_names_damaged_files() {
    for (name, bytes) in [
        ("tokenizer.json", &b"{}"[..]),
        ("tokenizer.json", b"\x00"),
        ("model.safetensors", b"12345678"),
        ("config.json", b"{}"),
    ] {
        let mut files = tiny_model_files(&tokenizer());
        files.iter_mut().find(|(file, _)| file == name).unwrap().1 = bytes.to_vec();
        let error = load(&folder("m", &files), "m").unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn precision_parses_its_name() {
    for precision in [Precision::F32, Precision::Fast] {
        assert_eq!(precision.to_string().parse(), Ok(precision));
    }
    let error = "half".parse::<Precision>().unwrap_err().to_string();
    assert!(error.contains("half") && error.contains("fast"), "{error}");
    assert_ne!(Precision::Fast.key("m"), Precision::F32.key("m"));
}
