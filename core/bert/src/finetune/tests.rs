use super::*;
use crate::test_util::tiny_tokenizer;
use nearsay_core::matrix::Matrix;
use nearsay_model::test_util::synthetic_weights;
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
    // As large as real weights, so that attention and GELU matter.
    let weights = synthetic_weights(&config(), "", |name, data, _| {
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

fn tuner(first: usize, precision: MatmulPrecision, threads: usize) -> FineTuner {
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
    let tokenizer = TextTokenizer::parse(tokenizer.as_bytes(), &settings, 40).unwrap();
    FineTuner::new(tokenizer, config(), lists, first, precision, threads)
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

/// The gradient c of the loss Σ c ∘ e of embeddings e, with fixed c.
fn target(embeddings: &Matrix) -> Matrix {
    let data = (0..embeddings.data().len()).map(|n| ((n * 31 % 17) as f32 - 8.0) / 8.0);
    Matrix::new(embeddings.rows(), embeddings.columns(), data.collect()).unwrap()
}

/// The loss whose gradient is [`target`].
fn value(embeddings: &Matrix) -> f64 {
    let target = target(embeddings);
    let pairs = embeddings.data().iter().zip(target.data());
    pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[test]
fn embed_matches_inference() {
    let read = crate::ragged::Ragged::load(
        &config(),
        &crate::source::WeightSource::Tensors(&builder()),
        Pooling::Mean,
        crate::Precision::F32,
    )
    .unwrap();
    let expected = read.forward(&texts(), &mut Default::default()).unwrap();
    for (precision, tolerance) in [(MatmulPrecision::F32, 1e-5), (MatmulPrecision::Bf16, 0.05)] {
        for threads in [1, 2, 3, 8] {
            let found = tuner(0, precision, threads)
                .embed(&borrowed(&texts()))
                .unwrap();
            let errors = found
                .data()
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs());
            let error = errors.fold(0.0, f32::max);
            assert!(error < tolerance, "{precision:?} {threads}: {error}");
        }
    }
}

/// Compares the gradient of each list along a random direction with a finite difference.
#[test]
fn backward_matches_finite_differences() {
    for first in [0, 1] {
        let mut tuner = tuner(first, MatmulPrecision::F32, 2);
        let texts = texts();
        let texts = borrowed(&texts);
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        tuner
            .backward(&texts, &parts, &target(&embeddings))
            .unwrap();
        let tokens = tuner.token_gradients();
        for list in 0..tuner.lists.len() {
            let is_trained = first == 0 || list >= list_index(first, 0);
            let size = tuner.lists[list].len();
            let gradient: Vec<f32> = match list {
                TOKENS => (0..40)
                    .flat_map(|token| tokens.row(token).map_or(vec![0.0; 64], <[f32]>::to_vec))
                    .collect(),
                _ if is_trained => {
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
            if !is_trained {
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
            let mut value_at = |step: f32| {
                let shifted = before.iter().zip(&direction).map(|(w, d)| w + step * d);
                tuner.lists[list] = shifted.collect();
                tuner.pack(0);
                value(&tuner.embed(&texts).unwrap())
            };
            let step = 2e-3;
            let slope = (value_at(step) - value_at(-step)) / f64::from(2.0 * step);
            tuner.lists[list] = before;
            let error = (slope - along).abs();
            assert!(
                error < 0.02 * along.abs() + 0.02,
                "list {list} of first {first}: {slope} {along}"
            );
        }
    }
}

#[test]
fn bf16_gradients_have_direction_of_f32_gradients() {
    let texts = texts();
    let texts = borrowed(&texts);
    let gradients = |precision| {
        let mut tuner = tuner(0, precision, 1);
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        tuner
            .backward(&texts, &parts, &target(&embeddings))
            .unwrap();
        tuner.workers.remove(0).gradients.lists
    };
    let (exact, rounded) = (
        gradients(MatmulPrecision::F32),
        gradients(MatmulPrecision::Bf16),
    );
    for (list, (a, b)) in exact.iter().zip(&rounded).enumerate() {
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-30);
        assert!(a.is_empty() || cosine > 0.99, "list {list}: {cosine}");
    }
}

#[test]
fn steps_reduce_the_loss_and_are_deterministic() {
    let texts = texts();
    let texts = borrowed(&texts);
    let run = |precision, first, threads| {
        let mut tuner = tuner(first, precision, threads);
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
    for precision in [MatmulPrecision::F32, MatmulPrecision::Bf16] {
        for first in [0, 1] {
            let (losses, lists) = run(precision, first, 2);
            assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
            assert_eq!(run(precision, first, 2), (losses, lists.clone()));
            let before = tuner(first, precision, 1).lists;
            for (list, (a, b)) in before.iter().zip(&lists).enumerate() {
                let is_trained = first == 0 || list >= list_index(first, 0);
                assert_eq!(a != b, is_trained, "list {list}");
            }
        }
    }
}

#[test]
fn large_batches_are_divided_into_parts() {
    let text: Vec<u32> = (0..40).collect();
    let many = vec![&text[..]; 120];
    let tuner = tuner(0, MatmulPrecision::F32, 2);
    let parts = tuner.divide(&many);
    assert!(parts.iter().all(|parts| parts.len() > 1));
    let indices: Vec<usize> = parts.into_iter().flatten().flatten().collect();
    assert_eq!(indices, (0..120).collect::<Vec<_>>());
    // The gradient is that of the whole batch: 60 equal texts have 60 times the gradient of one.
    let gradient = |count: usize| {
        let mut tuner = self::tuner(0, MatmulPrecision::F32, 1);
        let texts = vec![&text[..]; count];
        let (embeddings, parts) = tuner.forward(&texts).unwrap();
        let ones = Matrix::new(
            count,
            64,
            (0..count * 64).map(|n| (n % 64) as f32).collect(),
        )
        .unwrap();
        assert_eq!(embeddings.rows(), count);
        tuner.backward(&texts, &parts, &ones).unwrap();
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
fn step_with_loss_that_is_not_finite_keeps_weights() {
    let mut tuner = tuner(0, MatmulPrecision::F32, 1);
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
fn to_safetensors_keeps_loaded_weights() {
    let tuner = tuner(0, MatmulPrecision::F32, 1);
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
        .and_then(|metadata| metadata.get("format"));
    assert_eq!(layout.map(String::as_str), Some("pt"));
}
