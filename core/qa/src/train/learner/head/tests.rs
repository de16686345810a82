use super::*;
use crate::train::{
    Recipe, Settings,
    learner::{Batch, Learner},
};
use nearsay_core::{distance::DistanceKind, head::HeadConfig, metric::Ranks, sample::PairTargets};

const DIM: usize = 20;

fn settings(head: HeadConfig, distance: DistanceKind) -> Settings {
    Settings {
        head,
        distance,
        normalize: false,
        weight_decay: 0.01,
        lr: 0.01,
        ..Settings::of(Recipe::Quaterion, DIM)
    }
}

fn heads() -> Vec<HeadConfig> {
    let skip = HeadConfig::SkipConnection {
        dim: DIM,
        layers: 1,
        skip_dropout: 0.0,
    };
    let linear = |out_dim, bias| HeadConfig::Linear {
        in_dim: DIM,
        out_dim,
        bias,
    };
    vec![
        skip.clone().with_dropout(0.3),
        skip,
        HeadConfig::Residual { dim: DIM },
        HeadConfig::Residual { dim: DIM }.with_dropout(0.1),
        linear(DIM, true),
        linear(7, false),
    ]
}

/// Some pairs, with what is known of them.
struct Sample {
    anchors: Matrix,
    positives: Matrix,
    targets: PairTargets,
    pairs: Vec<u32>,
}

impl Sample {
    /// `n` of `n + 3` pairs; every fifth positive is the one before, every seventh anchor is zero.
    fn new(n: usize, seed: u64) -> Self {
        let random = &mut fastrand::Rng::with_seed(seed);
        let rows = n + 3;
        let anchors = Matrix::from_fn(rows, DIM, |_, _| random.f32() - 0.5);
        let mut positives = Matrix::from_fn(rows, DIM, |row, column| {
            anchors.row(row)[column] + random.f32() - 0.5
        });
        let mut anchors = anchors;
        let mut subgroups: Vec<u64> = (0..rows as u64).map(|row| row * 31 % 101).collect();
        for row in (5..rows).step_by(5) {
            let same = positives.row(row - 1).to_vec();
            positives.row_mut(row).copy_from_slice(&same);
            subgroups[row] = subgroups[row - 1];
        }
        for row in (6..rows).step_by(7) {
            anchors.row_mut(row).fill(0.0);
        }
        let mut pairs: Vec<u32> = (0..rows as u32).collect();
        random.shuffle(&mut pairs);
        pairs.truncate(n);
        let subgroups = pairs.iter().map(|&pair| subgroups[pair as usize]);
        Self {
            targets: PairTargets {
                scores: vec![1.0; n],
                subgroups: subgroups.collect(),
            },
            anchors,
            positives,
            pairs,
        }
    }

    fn batch<'a, P>(&'a self, anchors: &'a P, positives: &'a P) -> Batch<'a, P> {
        Batch {
            anchors,
            positives,
            pairs: &self.pairs,
            targets: &self.targets,
        }
    }

    /// Loss, first moments (a tenth of the gradients) and weights after some steps, and the ranks
    /// before the first and after the last.
    fn learn<L: Learner<Texts = Matrix>>(&self, learner: &mut L, steps: u64) -> Outcome {
        let [anchors, positives] =
            [&self.anchors, &self.positives].map(|side| learner.place(side.clone()).unwrap());
        let batch = || self.batch(&anchors, &positives);
        let (mut first, mut last) = (Ranks::default(), Ranks::default());
        let mut losses = Vec::new();
        for step in 0..steps {
            let ranks = if step == 0 { &mut first } else { &mut last };
            losses.push(learner.learn(batch(), step, ranks).unwrap());
        }
        learner.rank(batch(), &mut last).unwrap();
        let snapshot = learner.snapshot().unwrap();
        Outcome {
            losses,
            gradients: snapshot.adam.first,
            weights: snapshot.weights.into_iter().map(|w| w.value).collect(),
            ranks: [first, last],
        }
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    losses: Vec<f32>,
    gradients: Vec<Matrix>,
    weights: Vec<Matrix>,
    ranks: [Ranks; 2],
}

/// To 1e-5 of the largest, or to what one rounding of a probability near 1 makes of a gradient at a
/// sharpness of 20, if that is more: of a batch that is already in order both have only such.
fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(5e-3f32, |most, x| most.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 1e-5 * largest,
            "{what}: {a} {b} of {largest}"
        );
    }
}

/// Loss, every gradient and every rank, on every head, distance, mask and length of batch.
#[test]
fn closed_form_equals_autograd() {
    for head in heads() {
        for distance in [DistanceKind::Cosine, DistanceKind::PlainCosine] {
            for (symmetric, mask) in [(true, true), (true, false), (false, true)] {
                for n in [1, 2, 33, 150] {
                    let settings = Settings {
                        symmetric,
                        mask_equal_answers: mask,
                        ..settings(head.clone(), distance)
                    };
                    let what = format!("{head:?} {distance} {symmetric} {mask} {n}");
                    let sample = Sample::new(n, 3);
                    let mut closed = ClosedHead::new(&settings).unwrap();
                    let mut autograd = AutogradHead::new(&settings, &Device::Cpu).unwrap();
                    let found = sample.learn(&mut closed, 1);
                    let expected = sample.learn(&mut autograd, 1);
                    assert_eq!(found.ranks[0], expected.ranks[0], "{what}");
                    let (a, b) = (found.losses[0], expected.losses[0]);
                    assert!((a - b).abs() <= 1e-5 * b.abs().max(0.1), "{what}: {a} {b}");
                    for (a, b) in found.gradients.iter().zip(&expected.gradients) {
                        // Of one pair alone the loss is 0 whatever the weights.
                        if n > 1 {
                            close(a.data(), b.data(), &what);
                        } else {
                            assert!(a.data().iter().all(|g| g.abs() < 1e-6), "{what} {a:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn closed_form_and_autograd_agree_over_several_steps() {
    for head in heads() {
        let settings = settings(head, DistanceKind::Cosine);
        let sample = Sample::new(40, 4);
        let found = sample.learn(&mut ClosedHead::new(&settings).unwrap(), 8);
        let mut autograd = AutogradHead::new(&settings, &Device::Cpu).unwrap();
        let expected = sample.learn(&mut autograd, 8);
        for (a, b) in found.losses.iter().zip(&expected.losses) {
            assert!((a - b).abs() < 1e-4, "{found:?} {expected:?}");
        }
        assert!(found.losses[7] < found.losses[0]);
    }
}

#[test]
fn closed_gradient_agrees_with_finite_differences() {
    for head in heads() {
        let settings = settings(head, DistanceKind::PlainCosine);
        let sample = Sample::new(12, 5);
        let mut learner = ClosedHead::new(&settings).unwrap();
        let start = learner.snapshot().unwrap();
        let gradients = sample.learn(&mut learner, 1).gradients;
        let mut loss = |weight: usize, place: usize, step: f32| {
            let mut moved = start.clone();
            moved.weights[weight].value.data_mut()[place] += step;
            learner.restore(&moved).unwrap();
            sample.learn(&mut learner, 1).losses[0]
        };
        for (weight, gradient) in gradients.iter().enumerate() {
            let largest = gradient
                .data()
                .iter()
                .fold(1e-3f32, |m, g| m.max(10.0 * g.abs()));
            for place in (0..gradient.data().len()).step_by(7) {
                let step = 2e-3;
                let slope = loss(weight, place, step) - loss(weight, place, -step);
                let (slope, found) = (slope / (2.0 * step), 10.0 * gradient.data()[place]);
                assert!(
                    (slope - found).abs() < 0.03 * largest,
                    "{slope} {found} of {largest}"
                );
            }
        }
    }
}

#[test]
fn closed_head_is_bit_equal_on_any_number_of_threads() {
    let settings = Settings {
        mask_equal_answers: true,
        ..settings(heads().remove(0), DistanceKind::Cosine)
    };
    let sample = Sample::new(400, 6);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let run = || sample.learn(&mut ClosedHead::new(&settings).unwrap(), 5);
        pool.build().unwrap().install(run)
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn learners_restore_each_others_snapshots() {
    let settings = settings(heads().remove(1), DistanceKind::Cosine);
    let sample = Sample::new(30, 7);
    let mut closed = ClosedHead::new(&settings).unwrap();
    let mut autograd = AutogradHead::new(&settings, &Device::Cpu).unwrap();
    sample.learn(&mut closed, 3);
    let saved = closed.snapshot().unwrap();
    autograd.restore(&saved).unwrap();
    assert_eq!(autograd.snapshot().unwrap(), saved);
    sample.learn(&mut autograd, 3);
    let saved = autograd.snapshot().unwrap();
    closed.restore(&saved).unwrap();
    assert_eq!(closed.snapshot().unwrap(), saved);
    let mut other = ClosedHead::new(&Settings::of(Recipe::Quick, DIM)).unwrap();
    assert!(other.restore(&saved).is_err());
}

#[test]
fn non_finite_loss_leaves_the_weights_unchanged() {
    let settings = settings(heads().remove(1), DistanceKind::Cosine);
    for number in [f32::NAN, f32::INFINITY, 1e30] {
        let mut sample = Sample::new(10, 8);
        sample.anchors.row_mut(sample.pairs[2] as usize)[1] = number;
        let mut learner = ClosedHead::new(&settings).unwrap();
        let before = learner.snapshot().unwrap();
        assert!(sample.learn(&mut learner, 1).losses[0].is_nan());
        assert_eq!(learner.snapshot().unwrap(), before);
    }
}

/// The recipes are computed by hand; what is not covered is left to autograd.
#[test]
fn closed_head_supports_the_recipes_only() {
    for recipe in [Recipe::Quick, Recipe::Quaterion] {
        assert!(ClosedHead::new(&Settings::of(recipe, DIM)).is_some());
    }
    let good = Settings::of(Recipe::Quaterion, DIM);
    let skip = |layers, skip_dropout| HeadConfig::SkipConnection {
        dim: DIM,
        layers,
        skip_dropout,
    };
    let not = [
        settings(skip(2, 0.0), DistanceKind::Cosine),
        settings(skip(1, 0.1), DistanceKind::Cosine),
        settings(HeadConfig::Gated { dim: DIM }, DistanceKind::Cosine),
        settings(skip(1, 0.0), DistanceKind::DotProduct),
        Settings {
            scale: 65.0,
            ..good.clone()
        },
        Settings {
            scale: 33.0,
            distance: DistanceKind::PlainCosine,
            ..good
        },
    ];
    for settings in not {
        assert!(ClosedHead::new(&settings).is_none(), "{settings:?}");
    }
}
