use super::build::assemble;
use super::*;
use crate::ModelFiles;
use crate::test_util::{folder, tiny_model_files};
use nearsay_store::{MemStore, Store as _};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The tiny model, quantized.
static TINY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let store = folder("m", &tiny_model_files(&json!({})));
    quantize(&ModelFiles::open(&store, Path::new("m")).unwrap()).unwrap()
});

/// Splits a file into header and payload.
fn split(bytes: &[u8]) -> (serde_json::Value, Vec<u8>) {
    let len = u32::from_le_bytes(*bytes[44..].first_chunk().unwrap()) as usize;
    let header = serde_json::from_slice(&bytes[PREFIX..PREFIX + len]).unwrap();
    (header, bytes[PREFIX + len..].to_vec())
}

/// The error of the tiny model after a change, with a correct hash.
fn error_after(change: impl FnOnce(&mut serde_json::Value, &mut Vec<u8>)) -> String {
    let (mut header, mut payload) = split(&TINY);
    change(&mut header, &mut payload);
    let bytes = assemble(header.to_string().as_bytes(), &payload);
    QuantizedModel::parse(bytes).unwrap_err().to_string()
}

#[test]
fn quantize_is_deterministic_and_close_to_the_weights() {
    let store = folder("m", &tiny_model_files(&json!({})));
    let files = ModelFiles::open(&store, Path::new("m")).unwrap();
    assert!(quantize(&files).unwrap() == *TINY);
    let model = QuantizedModel::parse(TINY.clone()).unwrap();
    let (weights, _) = files.weights().unwrap();
    let weights = crate::open_safetensors("", &weights).unwrap();
    for (name, _) in expected_tensors(&files.config().unwrap()) {
        let expected = weights.tensor(&name).unwrap();
        let expected = expected.data().as_chunks::<4>().0.iter();
        let found = model.tensor(&name).unwrap().to_f32();
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - f32::from_le_bytes(*expected)).abs();
            assert!(error < 0.03 / 127.0, "{name}: {error}");
        }
    }
}

#[test]
fn open_reads_quantized_file_like_a_directory() {
    let store = folder("m", &tiny_model_files(&json!({})));
    store.write_atomic(Path::new("m.nsq"), &TINY).unwrap();
    let plain = ModelFiles::open(&store, Path::new("m")).unwrap();
    let files = ModelFiles::open(&store, Path::new("m.nsq")).unwrap();
    assert_eq!(files.settings().unwrap(), plain.settings().unwrap());
    assert_eq!(files.base_files().unwrap(), plain.base_files().unwrap());
    assert_eq!(files.tokenizer().unwrap(), plain.tokenizer().unwrap());
    assert!(files.weights().is_ok());
    assert!(files.quantized().is_some());
    assert_ne!(files.fingerprint().unwrap(), plain.fingerprint().unwrap());
    let replaced = files.clone().with_weights(plain.weights().unwrap().0);
    assert!(replaced.quantized().is_none());
    assert_eq!(
        replaced.fingerprint().unwrap(),
        plain.fingerprint().unwrap()
    );
}

#[test]
fn quantize_rejects_trained_models() {
    let mut files = tiny_model_files(&json!({}));
    for (name, bytes) in &mut files {
        if name == "modules.json" {
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replace("1_Pooling", "7_Pooling").into();
        }
        *name = name.replace("1_Pooling", "7_Pooling");
    }
    let store = folder("m", &files);
    let files = ModelFiles::open(&store, Path::new("m")).unwrap();
    assert!(files.settings().is_ok());
    assert!(quantize(&files).is_err());
}

#[test]
fn truncated_files_are_rejected() {
    for end in 0..TINY.len() {
        assert!(
            QuantizedModel::parse(TINY[..end].to_vec()).is_err(),
            "{end}"
        );
    }
    let mut longer = TINY.clone();
    longer.push(0);
    assert!(QuantizedModel::parse(longer).is_err());
}

#[test]
fn flipped_bits_are_rejected() {
    for place in 0..TINY.len() {
        let mut changed = TINY.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(QuantizedModel::parse(changed).is_err(), "{place}");
    }
}

#[test]
fn newer_versions_are_rejected_with_advice() {
    let mut newer = TINY.clone();
    newer[40] = 2;
    let error = QuantizedModel::parse(newer).unwrap_err().to_string();
    assert!(error.contains("update Nearsay"), "{error}");
}

#[test]
fn wrong_headers_are_rejected_despite_a_correct_hash() {
    for (change, expected) in [
        ("/files/0/len", "more than the file contains"),
        ("/tensors/0/shape/0", "more than the file contains"),
        ("/tensors/0/shape/1", "more than the file contains"),
    ] {
        for size in [u64::MAX, u64::MAX / 2, 1 << 40] {
            let error = error_after(|header, _| *header.pointer_mut(change).unwrap() = size.into());
            assert!(error.contains(expected), "{change} {size}: {error}");
        }
    }
    let error = error_after(|header, _| {
        let first = header["files"][0].clone();
        header["files"].as_array_mut().unwrap().push(first);
    });
    assert!(
        error.contains("twice") || error.contains("more than"),
        "{error}"
    );
    let error = error_after(|header, _| header["tensors"][3]["name"] = "other".into());
    assert!(error.contains("is missing"), "{error}");
    let error = error_after(|header, _| header["tensors"][0]["shape"] = json!([4, 8]));
    assert!(error.contains("shape"), "{error}");
    let error = error_after(|header, _| header["tensors"][0]["shape"] = json!([]));
    assert!(error.contains("more than the file contains"), "{error}");
    let error = error_after(|header, _| header["tensors"][0]["format"] = "int4".into());
    assert!(error.contains("more than the file contains"), "{error}");
    let error = error_after(|_, payload| payload.push(0));
    assert!(error.contains("more than its header"), "{error}");
    let error = error_after(|_, payload| {
        let end = payload.len();
        payload[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(error.contains("not finite"), "{error}");
    let mut long = TINY.clone();
    long[44..48].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(QuantizedModel::parse(long).is_err());
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(
        place in 0usize..2_000,
        byte: u8,
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (header, own) = split(&TINY);
        let mut header = header.to_string().into_bytes();
        let place = place % header.len();
        header[place] = byte;
        for payload in [own, payload] {
            if let Ok(model) = QuantizedModel::parse(assemble(&header, &payload)) {
                let files = ModelFiles::of_quantized(Arc::new(model));
                let _weights = files.weights();
            }
        }
    }

    #[test]
    fn int4_and_int8_keep_numbers_within_half_a_step(
        numbers in proptest::collection::vec(-1f32..1.0, 64),
        power in -6i32..6,
    ) {
        let size = 10f32.powi(power);
        let numbers: Vec<f32> = numbers.iter().map(|x| x * size).collect();
        for (format, steps) in [(Format::Int4, 7.0), (Format::Int8, 127.0), (Format::F32, 1e9)] {
            let mut bytes = Vec::new();
            build::write_tensor(format, &numbers, 32, &mut bytes);
            prop_assert_eq!(Some(bytes.len()), format.len(&[2, 32]));
            let tensor = QuantizedTensor::new(format, 32, &bytes);
            prop_assert!(tensor.is_finite());
            let found = tensor.to_f32();
            for (row, (found, numbers)) in found.chunks(32).zip(numbers.chunks(32)).enumerate() {
                let largest = numbers.iter().fold(0f32, |max, x| max.max(x.abs()));
                let errors = found.iter().zip(numbers).map(|(a, b)| (a - b).abs());
                let squares: f32 = errors.map(|error| error * error).sum();
                // The best scale is at least as good as the one without clipping.
                prop_assert!(squares <= 32.0 * (largest / steps).powi(2) * 1.01 + 1e-9, "{}", row);
            }
        }
    }
}

#[test]
fn read_row_reads_the_layout_of_the_documentation() {
    let mut block = half::f16::from_f32(0.5).to_le_bytes().to_vec();
    block.extend((0..16).map(|n| n | (15 - n) << 4));
    let tensor = QuantizedTensor::new(Format::Int4, 32, &block);
    let mut row = [0.0; 32];
    tensor.read_row(0, &mut row);
    for n in 0..16 {
        assert_eq!(row[n], 0.5 * (n as f32 - 8.0));
        assert_eq!(row[16 + n], 0.5 * (7.0 - n as f32));
    }
    assert_eq!(tensor.format(), Format::Int4);
    assert!(tensor.int8().is_none());
    let store: MemStore = folder("m", &[("a".into(), block)]);
    assert!(ModelFiles::open(&store, Path::new("m/a")).is_err());
}
