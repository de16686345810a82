use super::*;
use crate::test_util::tiny_tokenizer as tokenizer;
use nearsay_model::test_util::{archive, folder, whole};
use nearsay_store::MemStore;
use std::path::Path;

fn load(store: &MemStore, path: &str) -> Result<SentenceEncoder, EncodeError> {
    let files = ModelFiles::open(store, Path::new(path))?;
    SentenceEncoder::load(&files, &Device::Cpu)
}

fn tiny() -> SentenceEncoder {
    load(&folder("m", &whole(&tokenizer())), "m").unwrap()
}

fn go_on(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn near(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn a_text_alone_and_among_others_gets_the_same_vector() {
    let encoder = tiny();
    let texts = ["a", "", "ab? b", "b b b b b b b b b b", "unknown", "?"];
    let all = encoder.encode_all(&texts, &mut go_on).unwrap();
    assert_eq!((all.rows(), all.columns()), (6, 4));
    for (text, row) in texts.iter().zip(all.iter_rows()) {
        let alone = encoder.encode_all(&[text], &mut go_on).unwrap();
        assert!(near(alone.row(0), row), "{text:?}");
    }
    assert!(!near(all.row(0), all.row(2)));
}

#[test]
fn the_trait_gives_the_same_rows() {
    let encoder = tiny();
    let tensor = encoder.encode(&["a", "b"]).unwrap();
    let rows = encoder.encode_all(&["a", "b"], &mut go_on).unwrap();
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
fn progress_reaches_the_total_and_can_stop_the_work() {
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
    // And the workers are free again.
    assert_eq!(encoder.encode_all(&["a"], &mut go_on).unwrap().rows(), 1);
}

#[test]
fn an_archive_gives_the_same_vectors_as_a_folder() {
    let store = archive("m.whl", "package/model/", &whole(&tokenizer()));
    let other = load(&store, "m.whl").unwrap();
    let (a, b) = (
        tiny().encode_all(&["ab?"], &mut go_on).unwrap(),
        other.encode_all(&["ab?"], &mut go_on).unwrap(),
    );
    assert_eq!(a.data(), b.data());
}

#[test]
fn other_poolings_work_too() {
    let pooled = |mode: &str| {
        let mut files = whole(&tokenizer());
        let pooling = files
            .iter_mut()
            .find(|(name, _)| name.starts_with("1_"))
            .unwrap();
        pooling.1 = format!("{{\"pooling_mode\": \"{mode}\"}}").into_bytes();
        let encoder = load(&folder("m", &files), "m").unwrap();
        let texts = ["a b", "a b b b ab ?"];
        let all = encoder.encode_all(&texts, &mut go_on).unwrap();
        let alone = encoder.encode_all(&texts[..1], &mut go_on).unwrap();
        assert!(near(alone.row(0), all.row(0)), "{mode}");
        all.row(0).to_vec()
    };
    let (mean, cls, max) = (pooled("mean"), pooled("cls"), pooled("max"));
    assert!(!near(&mean, &cls) && !near(&mean, &max) && !near(&cls, &max));
    assert!(max.iter().zip(&cls).all(|(max, cls)| max >= cls));
}

#[test]
fn damaged_files_are_refused_with_words() {
    for (name, bytes) in [
        ("tokenizer.json", &b"{}"[..]),
        ("tokenizer.json", b"\x00"),
        ("model.safetensors", b"12345678"),
        ("config.json", b"{}"),
    ] {
        let mut files = whole(&tokenizer());
        files.iter_mut().find(|(file, _)| file == name).unwrap().1 = bytes.to_vec();
        let error = load(&folder("m", &files), "m").unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_precision_is_known_by_its_name() {
    for precision in [Precision::F32, Precision::Fast] {
        assert_eq!(precision.to_string().parse(), Ok(precision));
    }
    let said = "half".parse::<Precision>().unwrap_err();
    assert!(said.contains("half") && said.contains("fast"), "{said}");
    assert_ne!(Precision::Fast.key("m"), Precision::F32.key("m"));
}
