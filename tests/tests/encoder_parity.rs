//! MiniLM against sentence-transformers, on 32 texts.
//!
//! `golden/texts.json` holds the texts and their token ids, `golden/text_embeddings.safetensors`
//! the vectors, by sentence-transformers 6.2.0 on PyTorch 2.8.0, one CPU thread.

use candle_core::{Device, safetensors};
use nearsay_bert::SentenceEncoder;
use nearsay_core::encoder::Encoder as _;
use nearsay_core::matrix::Matrix;
use nearsay_model::{ModelFiles, Pooling};
use nearsay_store::DiskStore;
use nearsay_tests::{golden, needs, test_file};
use std::ops::ControlFlow;
use std::sync::OnceLock;

fn encoder() -> &'static SentenceEncoder {
    static ENCODER: OnceLock<SentenceEncoder> = OnceLock::new();
    ENCODER.get_or_init(|| {
        let folder = needs::minilm();
        let files = ModelFiles::open(&DiskStore, &folder).unwrap();
        SentenceEncoder::load(&files, &Device::Cpu).unwrap()
    })
}

fn texts() -> Vec<(String, Vec<u32>)> {
    let value = golden("texts.json");
    let list = value["texts"].as_array().unwrap();
    list.iter()
        .map(|text| {
            let ids = serde_json::from_value(text["ids_st_max256"].clone()).unwrap();
            (text["text"].as_str().unwrap().to_owned(), ids)
        })
        .collect()
}

fn expected(name: &str) -> Vec<Vec<f32>> {
    let file = test_file("golden/text_embeddings.safetensors");
    let tensors = safetensors::load(file, &Device::Cpu).unwrap();
    tensors[name].to_vec2().unwrap()
}

fn encode(texts: &[&str]) -> Matrix {
    encoder()
        .encode_all(texts, &mut |_, _| ControlFlow::Continue(()))
        .unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max)
}

#[test]
#[ignore = "needs MiniLM"]
fn settings_match_model_files() {
    let settings = encoder().settings();
    assert_eq!((settings.max_seq_length, settings.dims), (256, 384));
    assert_eq!(settings.pooling, Pooling::Mean);
    assert!(settings.normalize && settings.dense.is_empty());
}

#[test]
#[ignore = "needs MiniLM"]
fn token_ids_match_golden_texts() {
    let texts = texts();
    assert_eq!(texts.len(), 32);
    for (text, ids) in texts {
        assert_eq!(encoder().token_ids(&text).unwrap(), ids, "{text:?}");
    }
}

#[test]
#[ignore = "needs MiniLM"]
fn vectors_match_sentence_transformers_to_1e_4() {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(|(text, _)| &text[..]).collect();
    let rows = encode(&texts);
    let (pooled, normalized) = (expected("mean_pooled_unnormalized"), expected("normalized"));
    let mut worst = 0f32;
    for (n, row) in rows.iter_rows().enumerate() {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        let unit: Vec<f32> = row.iter().map(|x| x / length).collect();
        let difference =
            largest_difference(row, &pooled[n]).max(largest_difference(&unit, &normalized[n]));
        assert!(difference < 1e-4, "{:?}: {difference}", texts[n]);
        assert!(cosine(row, &pooled[n]) >= 0.99999, "{:?}", texts[n]);
        worst = worst.max(difference);
    }
    println!("largest difference {worst:e}");
}

#[test]
#[ignore = "needs MiniLM"]
fn vector_does_not_depend_on_batch() {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(|(text, _)| &text[..]).collect();
    let rows = encode(&texts);
    for (text, row) in texts.iter().zip(rows.iter_rows()) {
        let alone = encode(&[text]);
        assert!(cosine(alone.row(0), row) >= 0.99999, "{text:?}");
        assert!(largest_difference(alone.row(0), row) < 1e-5, "{text:?}");
        let tensor = encoder().encode(&[text]).unwrap();
        assert_eq!(
            tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            alone.data()
        );
    }
}
