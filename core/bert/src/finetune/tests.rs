use super::*;
use crate::test_util::tiny_tokenizer;
use nearsay_core::matrix::Matrix;
use nearsay_model::test_util::made_up;
use nearsay_model::{Activation, ModelSettings};

fn config() -> BertConfig {
    BertConfig {
        vocab_size: 40,
        hidden_size: 64,
        layers: 2,
        heads: 2,
        intermediate_size: 96,
        max_positions: 40,
        type_vocab_size: 2,
        activation: Activation::Gelu,
        layer_norm_eps: 1e-12,
        pad_token_id: 0,
    }
}

fn builder() -> VarBuilder<'static> {
    // Of the size real weights have, so that attention and gelu matter.
    let weights = made_up(&config(), "", |name, data, _| {
        for (n, bytes) in data.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let x = ((n * 7919 + name.len() * 31) % 997) as f32 / 997.0 - 0.5;
            let one = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            *bytes = (one + 0.4 * x).to_le_bytes();
        }
    });
    VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu).unwrap()
}

fn tuner(first: usize, products: Products, threads: usize) -> FineTuner {
    let lists = weights::load(&config(), &builder()).unwrap();
    let settings = ModelSettings {
        max_seq_length: 40,
        do_lower_case: false,
        pooling: Pooling::Mean,
        dims: 64,
        normalize: false,
        dense: Vec::new(),
        prompt: String::new(),
    };
    let tokenizer = tiny_tokenizer().to_string();
    let texts = Texts::read(tokenizer.as_bytes(), &settings, 40).unwrap();
    FineTuner::new(texts, config(), lists, first, products, threads)
}

fn texts() -> Vec<Vec<u32>> {
    [1usize, 5, 33, 40, 7, 2]
        .iter()
        .map(|length| {
            (0..*length as u32)
                .map(|n| (n * 13 + *length as u32) % 40)
                .collect()
        })
        .collect()
}

fn borrowed(texts: &[Vec<u32>]) -> Vec<&[u32]> {
    texts.iter().map(Vec::as_slice).collect()
}

/// Σ c ∘ e with fixed c: its gradient is c.
fn target(embeddings: &Matrix) -> Matrix {
    let data = (0..embeddings.data().len()).map(|n| ((n * 31 % 17) as f32 - 8.0) / 8.0);
    Matrix::new(embeddings.rows(), embeddings.columns(), data.collect()).unwrap()
}

fn value(embeddings: &Matrix) -> f64 {
    let target = target(embeddings);
    let pairs = embeddings.data().iter().zip(target.data());
    pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[test]
fn embeddings_are_those_of_the_network_that_is_read() {
    let read = super::super::ragged::Ragged::load(
        &config(),
        &builder(),
        Pooling::Mean,
        super::super::Precision::F32,
    )
    .unwrap();
    let expected = read.forward(&texts(), &mut Default::default()).unwrap();
    for (products, least) in [(Products::F32, 1e-5), (Products::Bf16, 0.05)] {
        for threads in [1, 2, 3, 8] {
            let found = tuner(0, products, threads)
                .embed(&borrowed(&texts()))
                .unwrap();
            let far = found
                .data()
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f32::max) < least, "{products:?} {threads}");
        }
    }
}

/// The gradient of each list, along a direction in it, by differences of the value.
#[test]
fn gradients_are_slopes() {
    for first in [0, 1] {
        let mut tuner = tuner(first, Products::F32, 2);
        let texts = texts();
        let texts = borrowed(&texts);
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        tuner.back(&texts, &parts, &target(&embeddings)).unwrap();
        let words = tuner.word_gradients();
        for list in 0..tuner.lists.len() {
            let learned = first == 0 || list >= place(first, 0);
            let size = tuner.lists[list].len();
            let gradient: Vec<f32> = match list {
                WORDS => (0..40)
                    .flat_map(|word| words.row(word).map_or(vec![0.0; 64], <[f32]>::to_vec))
                    .collect(),
                _ if learned => {
                    let sum = |n: usize| {
                        tuner
                            .workers
                            .iter()
                            .map(|w| w.gradients.lists[list][n])
                            .sum()
                    };
                    (0..size).map(sum).collect()
                }
                _ => continue,
            };
            if !learned {
                assert!(gradient.iter().all(|g| *g == 0.0));
                continue;
            }
            let mut random = fastrand::Rng::with_seed(list as u64);
            let direction: Vec<f32> = (0..size).map(|_| random.f32() - 0.5).collect();
            let along: f64 = gradient
                .iter()
                .zip(&direction)
                .map(|(g, d)| f64::from(*g) * f64::from(*d))
                .sum();
            let before = tuner.lists[list].clone();
            let mut at = |by: f32| {
                let moved = before.iter().zip(&direction).map(|(w, d)| w + by * d);
                tuner.lists[list] = moved.collect();
                tuner.pack(0);
                value(&tuner.embed(&texts).unwrap())
            };
            let by = 2e-3;
            let slope = (at(by) - at(-by)) / f64::from(2.0 * by);
            tuner.lists[list] = before;
            let far = (slope - along).abs();
            assert!(
                far < 0.02 * along.abs() + 0.02,
                "list {list} of first {first}: {slope} {along}"
            );
        }
    }
}

#[test]
fn rounded_gradients_point_the_same_way() {
    let texts = texts();
    let texts = borrowed(&texts);
    let gradients = |products| {
        let mut tuner = tuner(0, products, 1);
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        tuner.back(&texts, &parts, &target(&embeddings)).unwrap();
        tuner.workers.remove(0).gradients.lists
    };
    let (exact, rounded) = (gradients(Products::F32), gradients(Products::Bf16));
    for (list, (a, b)) in exact.iter().zip(&rounded).enumerate() {
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-30);
        assert!(a.is_empty() || cosine > 0.99, "list {list}: {cosine}");
    }
}

#[test]
fn steps_make_the_loss_smaller_and_are_the_same_again() {
    let texts = texts();
    let texts = borrowed(&texts);
    let run = |products, first, threads| {
        let mut tuner = tuner(first, products, threads);
        let optimizer = AdamW {
            lr: 1e-3,
            weight_decay: 0.01,
        };
        let mut losses = Vec::new();
        for _ in 0..5 {
            let mut loss = |embeddings: &Matrix| {
                Ok::<_, EncodeError>((value(embeddings) as f32, target(embeddings)))
            };
            losses.push(tuner.step(&texts, optimizer, &mut loss).unwrap());
        }
        (losses, tuner.lists)
    };
    for products in [Products::F32, Products::Bf16] {
        for first in [0, 1] {
            let (losses, lists) = run(products, first, 2);
            assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
            assert_eq!(run(products, first, 2), (losses, lists.clone()));
            let before = tuner(first, products, 1).lists;
            for (list, (a, b)) in before.iter().zip(&lists).enumerate() {
                assert_eq!(a != b, first == 0 || list >= place(first, 0), "list {list}");
            }
        }
    }
}

#[test]
fn large_batches_are_computed_in_parts() {
    let text: Vec<u32> = (0..40).collect();
    let many = vec![&text[..]; 120];
    let tuner = tuner(0, Products::F32, 2);
    let parts = tuner.parts(&many);
    assert!(parts.iter().all(|parts| parts.len() > 1));
    let places: Vec<usize> = parts.into_iter().flatten().flatten().collect();
    assert_eq!(places, (0..120).collect::<Vec<_>>());
    // And the gradient is that of the whole: twice the texts, twice the gradient.
    let gradient = |count: usize| {
        let mut tuner = self::tuner(0, Products::F32, 1);
        let texts = vec![&text[..]; count];
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        let ones = Matrix::new(
            count,
            64,
            (0..count * 64).map(|n| (n % 64) as f32).collect(),
        )
        .unwrap();
        assert_eq!(embeddings.rows(), count);
        tuner.back(&texts, &parts, &ones).unwrap();
        tuner.workers.remove(0).gradients.lists
    };
    let (one, many) = (gradient(1), gradient(60));
    for (one, many) in one.iter().zip(&many) {
        let largest = one.iter().fold(0f32, |max, g| max.max(g.abs()));
        for (a, b) in one.iter().zip(many) {
            assert!(
                (60.0 * a - b).abs() <= 60.0 * 1e-3 * largest + 1e-4,
                "{a} {b}"
            );
        }
    }
}

#[test]
fn what_is_not_finite_changes_nothing() {
    let mut tuner = tuner(0, Products::F32, 1);
    let before = tuner.lists.clone();
    let mut loss = |embeddings: &Matrix| Ok::<_, EncodeError>((f32::NAN, target(embeddings)));
    let value = tuner.step(&[&[1, 2]], AdamW::default(), &mut loss).unwrap();
    assert!(value.is_nan() && tuner.lists == before);
    assert!(
        tuner
            .embed(&[&[40]])
            .unwrap_err()
            .to_string()
            .contains("token 40")
    );
    assert!(tuner.embed(&[&[]]).is_err());
}

#[test]
fn saved_weights_are_those_that_were_read() {
    let tuner = tuner(0, Products::F32, 1);
    for (name, shape, numbers) in tuner.tensors() {
        let read = builder().get(shape, &name).unwrap();
        let read: Vec<f32> = read.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(read, numbers, "{name}");
    }
    let file = tuner.to_safetensors().unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let layout = header
        .metadata()
        .as_ref()
        .and_then(|said| said.get("format"));
    assert_eq!(layout.map(String::as_str), Some("pt"));
}
