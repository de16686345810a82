//! Group losses against Quaterion's numbers, against naive loops in double precision, and against
//! finite differences.
//!
//! Where Quaterion deviates from a paper, a loss has two behaviours: the paper's by default, and
//! Quaterion's with `compat`. For both, the tests check the value on both back ends and the gradient.

#[path = "losses/check.rs"]
mod check;
#[path = "losses/naive.rs"]
mod naive;

use candle_core::Var;
use check::{Batch, Candle, Spec, candle, check_slopes, integers, rows, slope};
use naive::Rows;
use nearsay_core::{
    candle::to_matrix,
    distance::DistanceKind,
    loss::{
        Circle, CosFace, FastAp, GroupLoss, GuideMargin, GuidedRanking, MemoryLoss,
        OnlineContrastive, PairMining, Triplet, TripletMining,
    },
    matrix::Matrix,
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use nearsay_tests::{assert_close, close, golden, matrix};
use proptest::prelude::*;
use serde_json::Value;

/// A golden gradient; `None` where Quaterion has none, or NaN.
fn golden_gradient(value: &Value) -> Option<Matrix> {
    let list = value.as_array()?;
    let nulls = list.iter().flat_map(|row| row.as_array().unwrap());
    let nulls = nulls.filter(|x| x.is_null()).count();
    if nulls == 0 {
        return Some(matrix(value));
    }
    assert_eq!(nulls, list.len() * list[0].as_array().unwrap().len());
    None
}

fn expected_value(case: &Value) -> f32 {
    case["value"].as_f64().unwrap() as f32
}

#[test]
fn group_losses_match_quaterion() {
    let golden = golden("group_losses.json");
    let batch = Batch::of(&golden);
    let (mut values, mut gradients, mut of_weights, mut without) = (0, 0, 0, 0);
    for case in golden["cases"].as_array().unwrap() {
        let what = format!("{} {}", case["loss"], case["args"]);
        let spec = Spec::of(case, true);
        let expected = expected_value(case);
        let plain = batch.value(&spec);
        assert!(close(plain, expected), "{what}: {plain} {expected}");
        let (value, gradient, weights) = batch.gradients(&spec);
        assert!(
            close(value, expected),
            "{what} on candle: {value} {expected}"
        );
        values += 1;

        match golden_gradient(&case["grad_embeddings"]) {
            Some(expected) => {
                assert_close(&gradient, expected.data(), &what);
                gradients += 1;
            }
            None => {
                assert!(gradient.is_finite(), "{what}");
                batch.check_plain(&spec);
                without += 1;
            }
        }
        if let Some(found) = weights {
            let expected = match &spec {
                Spec::Center { .. } => matrix(&case["grad_centers"]),
                _ => matrix(&case["grad_kernel"]).transpose().unwrap(),
            };
            assert_eq!(found.dims(), expected.dims(), "{what}");
            assert_close(&found, expected.data(), &format!("{what} weights"));
            of_weights += 1;
        }
    }
    // Without gradient: OnlineContrastive (edits a Euclidean matrix in place) and FastAP (0/0).
    assert_eq!((values, gradients, without, of_weights), (36, 32, 4, 7));
}

#[test]
fn default_group_losses_match_papers_and_declared_differences() {
    let golden = golden("group_losses.json");
    let batch = Batch::of(&golden);
    let (mut same, mut different) = (0, 0);
    for case in golden["cases"].as_array().unwrap() {
        let what = format!("{} {}", case["loss"], case["args"]);
        let spec = Spec::of(case, false);
        batch.check_naive(&spec);
        // Circle loss detaches its weights, so finite differences include them and its gradient doesn't.
        if !matches!(spec, Spec::Circle(_)) {
            batch.check_plain(&spec);
        }
        let (value, gradient, _) = batch.gradients(&spec);
        let expected = expected_value(case);
        if spec.differs() {
            let apart = (value - expected).abs() > 1e-3 * expected.abs().max(1.0);
            assert!(apart, "{what}: {value} {expected}");
            different += 1;
        } else {
            assert!(close(value, expected), "{what}: {value} {expected}");
            if let Some(expected) = golden_gradient(&case["grad_embeddings"]) {
                assert_close(&gradient, expected.data(), &what);
            }
            same += 1;
        }
    }
    // 4 semi-hard, 2 hard by dot product, 8 online contrastive, 2 circle, 2 CosFace.
    assert_eq!((same, different), (18, 18));
}

#[test]
fn fast_ap_gradient_matches_quaterion() {
    let golden = golden("group_losses.json");
    let tight = &golden["fastap_tight"];
    let batch = Batch {
        embeddings: matrix(&tight["embeddings"]),
        groups: integers(&tight["groups"]),
        ..Batch::of(&golden)
    };
    let spec = Spec::FastAp(FastAp {
        bins: tight["num_bins"].as_u64().unwrap() as usize,
    });
    let expected = expected_value(tight);
    let plain = batch.value(&spec);
    assert!(close(plain, expected), "{plain} {expected}");
    let (value, gradient, _) = batch.gradients(&spec);
    assert!(close(value, expected), "{value} {expected}");
    let expected = golden_gradient(&tight["grad_embeddings"]).expect("a gradient");
    assert_close(&gradient, expected.data(), "tight FastAP");
    batch.check_naive(&spec);
}

/// Values on both back ends and the gradient of a batch against the golden memory.
fn against_memory<L: MemoryLoss<Matrix> + MemoryLoss<Candle>>(
    loss: &L,
    golden: &Value,
) -> (f32, f32, Matrix) {
    let batch = Batch::of(golden);
    let memory = matrix(&golden["memory_embeddings"]);
    let memory_groups = integers(&golden["memory_groups"]);
    let plain = loss
        .forward_memory(&batch.embeddings, &batch.groups, &memory, &memory_groups)
        .unwrap();
    let x = Var::from_tensor(&candle(&batch.embeddings)).unwrap();
    let value = loss
        .forward_memory(
            x.as_tensor(),
            &batch.groups,
            &candle(&memory),
            &memory_groups,
        )
        .unwrap();
    let gradient = value.backward().unwrap().remove(&x).unwrap();
    (
        plain.data()[0],
        value.to_vec().unwrap()[0],
        to_matrix(&gradient).unwrap(),
    )
}

#[test]
fn cross_batch_memory_matches_quaterion() {
    let golden = golden("group_losses.json");
    let mut seen = 0;
    for case in golden["xbm"].as_array().unwrap() {
        let what = format!("{} {}", case["loss"], case["args"]);
        let Spec::Triplet(loss) = Spec::of(case, true) else {
            panic!("{what}");
        };
        let (plain, value, gradient) = against_memory(&loss, &golden);
        let expected = expected_value(case);
        assert!(close(plain, expected), "{what}: {plain} {expected}");
        assert!(
            close(value, expected),
            "{what} on candle: {value} {expected}"
        );
        let expected = golden_gradient(&case["grad_embeddings"]).expect("a gradient");
        assert_close(&gradient, expected.data(), &what);
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn cross_batch_memory_matches_papers() {
    let golden = golden("group_losses.json");
    let batch = Batch::of(&golden);
    let x = rows(&batch.embeddings);
    let memory = rows(&matrix(&golden["memory_embeddings"]));
    let memory_groups = integers(&golden["memory_groups"]);
    let memory = Some((&memory, memory_groups.as_slice()));
    let check = |found: (f32, f32, Matrix), what: &str, at: &dyn Fn(&Rows) -> f64| {
        let (plain, value, gradient) = found;
        let expected = at(&x) as f32;
        assert!(close(plain, expected), "{what}: {plain} {expected}");
        assert!(
            close(value, expected),
            "{what} on candle: {value} {expected}"
        );
        check_slopes(&gradient, 1e-3, what, |i, j| slope(&x, i, j, at));
    };
    for distance in DistanceKind::ALL {
        for mining in [
            TripletMining::All,
            TripletMining::Hard,
            TripletMining::SemiHard,
        ] {
            let loss = Triplet {
                distance,
                mining,
                ..Default::default()
            };
            let at = |x: &Rows| naive::triplet(&loss, x, &batch.groups, memory);
            check(against_memory(&loss, &golden), &format!("{loss:?}"), &at);
        }
        for mining in [PairMining::All, PairMining::Hard] {
            let loss = OnlineContrastive {
                distance,
                mining,
                ..Default::default()
            };
            let at = |x: &Rows| naive::online_contrastive(&loss, x, &batch.groups, memory);
            check(against_memory(&loss, &golden), &format!("{loss:?}"), &at);
        }
    }
}

/// Every loss with every option that Quaterion lacks.
fn specs() -> Vec<Spec> {
    let mut specs = vec![
        Spec::FastAp(FastAp { bins: 1 }),
        Spec::FastAp(FastAp { bins: 17 }),
        Spec::ArcFace {
            scale: 64.0,
            margin: 0.5,
        },
        Spec::CosFace {
            scale: 64.0,
            margin: 0.35,
            compat: false,
        },
        Spec::Softmax { temperature: 0.05 },
        Spec::Center { weight: 0.5 },
    ];
    for distance in DistanceKind::ALL {
        for mining in [
            TripletMining::All,
            TripletMining::Hard,
            TripletMining::SemiHard,
        ] {
            for (soft, relative) in [(false, true), (false, false), (true, false)] {
                specs.push(Spec::Triplet(Triplet {
                    distance,
                    mining,
                    soft,
                    relative,
                    ..Default::default()
                }));
            }
        }
        for mining in [PairMining::All, PairMining::Hard] {
            for squared in [false, true] {
                specs.push(Spec::Online(OnlineContrastive {
                    distance,
                    mining,
                    squared,
                    margin: 1.0,
                    ..Default::default()
                }));
            }
        }
        for pooled in [false, true] {
            specs.push(Spec::Circle(Circle {
                distance,
                pooled,
                scale: 4.0,
                ..Default::default()
            }));
        }
    }
    specs
}

#[test]
fn every_loss_option_matches_papers() {
    let batch = Batch::of(&golden("group_losses.json"));
    let specs = specs();
    assert_eq!(specs.len(), 6 + 5 * (9 + 4 + 2));
    for spec in specs {
        batch.check_naive(&spec);
    }
}

fn spec_with_compat(spec: Spec) -> Spec {
    match spec {
        Spec::Triplet(loss) => Spec::Triplet(Triplet {
            compat: true,
            ..loss
        }),
        Spec::Online(loss) => Spec::Online(OnlineContrastive {
            compat: true,
            ..loss
        }),
        Spec::Circle(loss) => Spec::Circle(Circle {
            compat: true,
            ..loss
        }),
        Spec::CosFace { scale, margin, .. } => Spec::CosFace {
            scale,
            margin,
            compat: true,
        },
        other => other,
    }
}

/// Rows that repeat, are opposite to or equal to a kernel row, or are zero, very short or very long.
fn degenerate(kernel: &Matrix) -> impl Strategy<Value = Vec<Vec<f32>>> + use<> {
    let own: Vec<f32> = kernel.row(0).to_vec();
    let opposite: Vec<f32> = own.iter().map(|x| -x).collect();
    let unit = |scale: f32| {
        let mut row = vec![0.0; own.len()];
        row[1] = scale;
        row
    };
    let choices = vec![
        unit(0.0),
        unit(1.0),
        unit(-1.0),
        unit(1e-18),
        unit(1e4),
        opposite,
        own,
    ];
    prop::collection::vec(prop::sample::select(choices), 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn degenerate_batches_have_finite_gradients(
        (x, groups) in degenerate(&matrix(&golden("group_losses.json")["centers"])).prop_flat_map(|x| {
            let n = x.len();
            (Just(x), prop::collection::vec(0u64..6, n))
        })
    ) {
        let base = Batch::of(&golden("group_losses.json"));
        let batch = Batch {
            embeddings: Matrix::from_rows(&x).unwrap(),
            groups,
            kernel: base.centers.clone(),
            centers: base.centers,
        };
        for spec in specs() {
            // Quaterion's relative form divides by a mean that can be 0.
            let divides = matches!(spec, Spec::Triplet(loss) if loss.relative && !loss.soft);
            let compat = (!divides).then(|| spec_with_compat(spec));
            for spec in [Some(spec), compat].into_iter().flatten() {
                let plain = spec.build(batch.weights(&spec).clone());
                match plain.forward(&batch.embeddings, &batch.groups) {
                    Ok(value) => {
                        prop_assert!(value.is_finite(), "{spec:?}");
                        let (value, of_x, of_weights) = batch.gradients(&spec);
                        prop_assert!(value.is_finite(), "{spec:?}");
                        prop_assert!(of_x.is_finite(), "{spec:?}: {of_x:?}");
                        prop_assert!(of_weights.is_none_or(|m| m.is_finite()), "{spec:?}");
                    }
                    Err(BatchError::NothingToCompare { .. }) => {}
                    Err(error) => prop_assert!(false, "{spec:?}: {error}"),
                }
            }
        }
    }
}

#[test]
fn guided_ranking_matches_naive_loops() {
    let golden = golden("pair_losses.json");
    let x = matrix(&golden["embeddings"]);
    let n = x.rows() / 2;
    // The guide uses half of the dimensions.
    let halves: Vec<Vec<f32>> = x.iter_rows().map(|row| row[..4].to_vec()).collect();
    let guide = Matrix::from_rows(&halves).unwrap();
    let mut targets = PairTargets::positives(n);
    targets.subgroups[1] = targets.subgroups[0];
    let (plain_rows, guide_rows) = (rows(&x), rows(&guide));
    let mut seen = Vec::new();
    for margin in [
        GuideMargin::Absolute(0.0),
        GuideMargin::Absolute(-0.2),
        GuideMargin::Relative(0.1),
    ] {
        for options in 0..16u32 {
            let on = |bit: u32| options & (1 << bit) != 0;
            let loss = GuidedRanking {
                scale: 5.0,
                margin,
                symmetric: on(0),
                contrast_anchors: on(1),
                contrast_positives: on(2),
                mask_subgroups: on(3),
                ..Default::default()
            };
            let at = |x: &Rows| naive::guided(&loss, x, &guide_rows, &targets.subgroups);
            let expected = at(&plain_rows) as f32;
            let plain = loss.forward_guided(&x, &guide, &targets).unwrap();
            assert_close(&plain, &[expected], &format!("{loss:?}"));
            let variable = Var::from_tensor(&candle(&x)).unwrap();
            let guide_variable = Var::from_tensor(&candle(&guide)).unwrap();
            let value = loss
                .forward_guided(variable.as_tensor(), guide_variable.as_tensor(), &targets)
                .unwrap();
            assert_close(&value, &[expected], &format!("{loss:?}"));
            let mut gradients = value.backward().unwrap();
            assert!(gradients.get(&guide_variable).is_none(), "{loss:?}");
            let gradient = to_matrix(&gradients.remove(&variable).unwrap()).unwrap();
            check_slopes(&gradient, 1e-3, &format!("{loss:?}"), |i, j| {
                slope(&plain_rows, i, j, at)
            });
            seen.push(expected);
        }
    }
    assert_eq!(seen.len(), 3 * 16);
    let apart = |a: f32, b: f32| (a - b).abs() > 1e-4;
    for bit in 0..4 {
        let switched = |i: usize| apart(seen[i], seen[i ^ (1 << bit)]);
        assert!((0..48).any(switched), "option {bit} does nothing");
    }
    for other in [16, 32] {
        assert!((0..16).any(|i| apart(seen[i], seen[i + other])), "margins");
    }
}

#[test]
fn kernel_rows_are_groups() {
    // One embedding equals each kernel row: its cosine to its own group is 1 only if rows are groups.
    let kernel = matrix(&golden("group_losses.json")["centers"]);
    let groups: Vec<u64> = (0..kernel.rows() as u64).collect();
    let loss = CosFace {
        margin: 0.0,
        ..CosFace::new(kernel.clone())
    };
    let value = loss.forward(&kernel, &groups).unwrap().data()[0];
    assert!(value < 0.01, "{value}");
}
