//! Distances, pair losses and training against Quaterion's numbers, on both back ends.

use candle_core::{Device, Var};
use nearsay::train::{
    Recipe, Settings,
    learner::{AutogradHead, Batch, ClosedHead, Learner},
};
use nearsay_core::{
    candle::{
        TrainableHead,
        adam::{Adam, AdamConfig},
        to_matrix, to_tensor,
    },
    distance::{Distance, DistanceKind},
    head::{HeadConfig, Mode, Weight},
    loss::{Contrastive, MultipleNegativesRanking, PairLoss},
    matrix::Matrix,
    metric::Ranks,
    sample::PairTargets,
    tensor::Tensor,
};
use nearsay_tests::{assert_close, golden, matrix, numbers};
use serde_json::Value;

type Candle = candle_core::Tensor;

fn candle(m: &Matrix) -> Candle {
    to_tensor(m, &Device::Cpu).unwrap()
}

fn check_distances<T: Tensor>(place: impl Fn(&Matrix) -> T) {
    let golden = golden("distances.json");
    let [x, y, z] = ["x", "y", "z"].map(|name| matrix(&golden[name]));
    let mut zeroed = x.clone().into_data();
    zeroed[2 * x.columns()..3 * x.columns()].fill(0.0);
    let x0 = place(&Matrix::new(x.rows(), x.columns(), zeroed).unwrap());
    let [x, y, z] = [x, y, z].map(|m| place(&m));
    let cases = golden["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 4);
    for (name, case) in cases {
        let d: DistanceKind = name.parse().unwrap();
        let check = |found: T, key: &str| {
            let expected = matrix(&case[key]).into_data();
            assert_close(&found, &expected, &format!("{name} {key}"));
        };
        check(d.distance(&x, &y).unwrap(), "distance_xy");
        check(d.similarity(&x, &y).unwrap(), "similarity_xy");
        check(d.distance_matrix(&x, &z).unwrap(), "distance_matrix_xz");
        check(d.similarity_matrix(&x, &z).unwrap(), "similarity_matrix_xz");
        check(d.distance_matrix(&x, &x).unwrap(), "distance_matrix_xx");
        check(d.similarity_matrix(&x, &x).unwrap(), "similarity_matrix_xx");
        check(d.distance(&x0, &y).unwrap(), "distance_x0y");
        check(d.distance_matrix(&x0, &z).unwrap(), "distance_matrix_x0z");
    }
}

#[test]
fn distances_match_quaterion_on_matrix() {
    check_distances(Clone::clone);
}

#[test]
fn distances_match_quaterion_on_candle() {
    check_distances(candle);
}

/// Pair loss of a golden case.
fn pair_loss<T: Tensor>(case: &Value) -> Box<dyn PairLoss<T>> {
    let args = &case["args"];
    let distance = args["distance"]
        .as_str()
        .unwrap()
        .parse::<DistanceKind>()
        .unwrap();
    let number = |key: &str| args[key].as_f64().unwrap() as f32;
    match case["loss"].as_str().unwrap() {
        "ContrastiveLoss" => Box::new(Contrastive {
            distance,
            margin: number("margin"),
            average: args["size_average"].as_bool().unwrap(),
        }),
        "MultipleNegativesRankingLoss" => Box::new(MultipleNegativesRanking {
            distance,
            scale: number("scale"),
            symmetric: args["symmetric"].as_bool().unwrap(),
            mask_subgroups: false,
        }),
        other => panic!("unknown loss {other}"),
    }
}

fn targets(golden: &Value, case: &Value) -> PairTargets {
    let scores = numbers(&golden["labels_sets"][case["labels"].as_str().unwrap()]);
    let subgroups = numbers(&golden["subgroup_sets"][case["subgroups"].as_str().unwrap()]);
    let subgroups = subgroups[..scores.len()]
        .iter()
        .map(|&x| x as u64)
        .collect();
    PairTargets { scores, subgroups }
}

#[test]
fn pair_losses_match_quaterion() {
    let golden = golden("pair_losses.json");
    let embeddings = matrix(&golden["embeddings"]);
    let (mut values, mut gradients) = (0, 0);
    for case in golden["cases"].as_array().unwrap() {
        let what = format!("{} {} {}", case["loss"], case["args"], case["subgroups"]);
        let targets = targets(&golden, case);
        let expected = [case["value"].as_f64().unwrap() as f32];

        let plain = pair_loss::<Matrix>(case)
            .forward(&embeddings, &targets)
            .unwrap();
        assert_close(&plain, &expected, &what);

        let variable = Var::from_tensor(&candle(&embeddings)).unwrap();
        let loss = pair_loss::<Candle>(case)
            .forward(variable.as_tensor(), &targets)
            .unwrap();
        assert_close(&loss, &expected, &what);
        values += 1;

        // Null where Quaterion can't compute the gradient.
        if !case["grad_embeddings"].is_null() {
            let gradient = loss.backward().unwrap().remove(&variable).unwrap();
            assert_close(&gradient, matrix(&case["grad_embeddings"]).data(), &what);
            gradients += 1;
        }
    }
    assert_eq!((values, gradients), (39, 36));
}

#[test]
fn pair_loss_gradients_match_finite_differences() {
    let golden = golden("pair_losses.json");
    let embeddings = matrix(&golden["embeddings"]);
    for case in golden["cases"].as_array().unwrap() {
        let what = format!("{} {} {}", case["loss"], case["args"], case["subgroups"]);
        let targets = targets(&golden, case);
        let variable = Var::from_tensor(&candle(&embeddings)).unwrap();
        let loss = pair_loss::<Candle>(case)
            .forward(variable.as_tensor(), &targets)
            .unwrap();
        let gradient = loss.backward().unwrap().remove(&variable).unwrap();
        let gradient = to_matrix(&gradient).unwrap().into_data();
        let plain = pair_loss::<Matrix>(case);
        let at = |i: usize, step: f32| {
            let mut data = embeddings.data().to_vec();
            data[i] += step;
            let x = Matrix::new(embeddings.rows(), embeddings.columns(), data).unwrap();
            plain.forward(&x, &targets).unwrap().data()[0]
        };
        let largest = gradient.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
        let step = 4e-3;
        let mut apart = 0;
        for i in 0..gradient.len() {
            let slope = (at(i, step) - at(i, -step)) / (2.0 * step);
            // A kink (relu, max, |x|) within the step may affect a few values.
            apart += usize::from((slope - gradient[i]).abs() > 0.03 * largest);
        }
        assert!(apart <= 2, "{what}: {apart} of {} values", gradient.len());
    }
}

/// Five steps with the head, loss and optimiser of the tutorial.
#[test]
fn training_steps_match_quaterion() {
    let golden = golden("train_trajectory.json");
    let (q, a) = (candle(&matrix(&golden["q"])), candle(&matrix(&golden["a"])));
    let n = q.dim(0).unwrap();
    let batch = Candle::cat(&[q, a], 0).unwrap();
    let config = HeadConfig::SkipConnection {
        dim: 8,
        layers: 1,
        skip_dropout: 0.0,
    };
    let named = |key: &str| -> Vec<Weight> {
        let order = config.init(0);
        order
            .into_iter()
            .map(|w| Weight {
                value: matrix(&golden[key][&w.name]),
                name: w.name,
            })
            .collect()
    };
    let head = TrainableHead::new(&config, &named("init"), &Device::Cpu).unwrap();
    let mut adam = Adam::new(
        head.variables().to_vec(),
        AdamConfig {
            lr: 0.01,
            ..AdamConfig::default()
        },
    )
    .unwrap();
    let loss = MultipleNegativesRanking {
        symmetric: true,
        ..Default::default()
    };
    let expected = numbers(&golden["losses"]);
    assert_eq!(expected.len(), 5);
    for &expected in &expected {
        let embeddings = head
            .head()
            .forward(&batch, Mode::Train { seed: 0 })
            .unwrap();
        let loss = loss
            .forward(&embeddings, &PairTargets::positives(n))
            .unwrap();
        assert_close(&loss, &[expected], "loss");
        adam.step(&loss.backward().unwrap()).unwrap();
    }
    for (found, expected) in head.weights().unwrap().iter().zip(named("final")) {
        assert_close(&found.value, expected.value.data(), &expected.name);
    }
}

/// The same five steps, through the learners that the training loop uses.
#[test]
fn training_steps_of_both_learners_match_quaterion() {
    let settings = Settings::of(Recipe::Quaterion, 8).with_lr(0.01);
    five_steps(ClosedHead::new(&settings).unwrap());
    five_steps(AutogradHead::new(&settings, &Device::Cpu).unwrap());
}

fn five_steps<L: Learner<Texts = Matrix>>(mut learner: L) {
    let golden = golden("train_trajectory.json");
    let mut start = learner.snapshot().unwrap();
    for weight in &mut start.weights {
        weight.value = matrix(&golden["init"][&weight.name]);
    }
    learner.restore(&start).unwrap();
    learner.set_lr(0.01);
    let [anchors, positives] = ["q", "a"].map(|side| learner.place(matrix(&golden[side])).unwrap());
    let expected = numbers(&golden["losses"]);
    let n = matrix(&golden["q"]).rows();
    for &expected in &expected {
        let batch = Batch {
            anchors: &anchors,
            positives: &positives,
            pairs: &(0..n as u32).collect::<Vec<_>>(),
            targets: &PairTargets::positives(n),
        };
        let loss = learner.learn(batch, 0, &mut Ranks::default()).unwrap();
        assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
    }
    for weight in learner.snapshot().unwrap().weights {
        let expected = matrix(&golden["final"][&weight.name]);
        assert_close(&weight.value, expected.data(), &weight.name);
    }
}
