//! Properties of all group losses, and tests of single losses.

use super::*;
use crate::{
    distance::DistanceKind,
    matrix::{Matrix, ShapeError},
};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};
use proptest::prelude::*;

const ITEMS: usize = 7;
const DIM: usize = 3;
const GROUPS: usize = 4;

/// A loss and its expected properties.
struct Case {
    name: String,
    loss: Box<dyn GroupLoss<Matrix>>,
    /// Whether the loss ignores embedding lengths.
    cosine: bool,
    /// Minimum content of a batch.
    needs: Needs,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    Item,
    Items,
    Positive,
    Negative,
    Triplet,
}

impl Needs {
    fn are_met(self, groups: &[u64]) -> bool {
        let mut sizes = [0; GROUPS];
        for &group in groups {
            sizes[group as usize] += 1;
        }
        let positive = sizes.iter().any(|&size| size > 1);
        let negative = sizes.iter().filter(|&&size| size > 0).count() > 1;
        match self {
            Self::Item => true,
            Self::Items => groups.len() > 1,
            Self::Positive => positive,
            Self::Negative => negative,
            Self::Triplet => positive && negative,
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut push = |name: String, cosine, needs, loss: Box<dyn GroupLoss<Matrix>>| {
        cases.push(Case {
            name,
            loss,
            cosine,
            needs,
        });
    };
    for distance in DistanceKind::ALL {
        let cosine = matches!(distance, DistanceKind::Cosine | DistanceKind::PlainCosine);
        for mining in [
            TripletMining::All,
            TripletMining::Hard,
            TripletMining::SemiHard,
        ] {
            for (soft, relative) in [(false, true), (false, false), (true, true)] {
                if mining != TripletMining::Hard && (soft || relative) {
                    continue;
                }
                let loss = Triplet {
                    distance,
                    mining,
                    soft,
                    relative,
                    ..Default::default()
                };
                let needs = match mining {
                    TripletMining::Hard => Needs::Negative,
                    _ => Needs::Triplet,
                };
                push(format!("{loss:?}"), cosine, needs, Box::new(loss));
            }
        }
        for mining in [PairMining::All, PairMining::Hard] {
            for squared in [false, true] {
                let loss = OnlineContrastive {
                    distance,
                    mining,
                    squared,
                    ..Default::default()
                };
                push(format!("{loss:?}"), cosine, Needs::Items, Box::new(loss));
            }
        }
        for pooled in [false, true] {
            let loss = Circle {
                distance,
                pooled,
                scale: 16.0,
                ..Default::default()
            };
            push(format!("{loss:?}"), cosine, Needs::Triplet, Box::new(loss));
        }
    }
    let kernel = || normal_kernel(GROUPS, DIM, 5);
    let named = [
        (
            "FastAp",
            true,
            Needs::Positive,
            Box::new(FastAp::default()) as Box<dyn GroupLoss<Matrix>>,
        ),
        (
            "ArcFace",
            true,
            Needs::Item,
            Box::new(ArcFace::new(kernel())),
        ),
        (
            "CosFace",
            true,
            Needs::Item,
            Box::new(CosFace::new(kernel())),
        ),
        (
            "Softmax",
            false,
            Needs::Item,
            Box::new(Softmax::new(kernel())),
        ),
        (
            "Center",
            true,
            Needs::Item,
            Box::new(Center::new(xavier_centers(GROUPS, DIM, 5))),
        ),
    ];
    for (name, cosine, needs, loss) in named {
        push(String::from(name), cosine, needs, loss);
    }
    cases
}

fn value(loss: &dyn GroupLoss<Matrix>, x: &Matrix, groups: &[u64]) -> f32 {
    let found = loss.forward(x, groups).unwrap();
    assert_eq!((found.rows(), found.columns()), (1, 1));
    found.data()[0]
}

/// Embeddings without ties, on a grid that every loss resolves.
fn embeddings() -> impl Strategy<Value = Matrix> {
    prop::collection::vec(-3.0f32..3.0, ITEMS * DIM)
        .prop_map(|data| Matrix::new(ITEMS, DIM, data).unwrap())
}

/// Embeddings with repeated, zero, very long and very short rows.
fn degenerate() -> impl Strategy<Value = Matrix> {
    let row = prop::sample::select(vec![
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0],
        [1e-20, 0.0, 1e-20],
        [1e4, 1e4, -1e4],
        [0.6, 0.8, 0.0],
    ]);
    prop::collection::vec(row, 1..=ITEMS).prop_map(|rows| Matrix::from_rows(&rows).unwrap())
}

fn groups(count: usize) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..GROUPS as u64, count)
}

proptest! {
    #[test]
    fn group_losses_ignore_item_order(
        x in embeddings(),
        groups in groups(ITEMS),
        order in Just((0..ITEMS as u32).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let shuffled = x.select_rows(&order).unwrap();
        let shuffled_groups: Vec<u64> = order.iter().map(|&i| groups[i as usize]).collect();
        for case in cases() {
            if case.needs.are_met(&groups) {
                let a = value(&*case.loss, &x, &groups);
                let b = value(&*case.loss, &shuffled, &shuffled_groups);
                prop_assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{}: {a} {b}", case.name);
            }
        }
    }

    #[test]
    fn cosine_losses_ignore_embedding_length(
        x in embeddings(),
        groups in groups(ITEMS),
        scales in prop::collection::vec(0.2f32..5.0, ITEMS),
    ) {
        prop_assume!(x.iter_rows().all(|row| crate::matrix::dot(row, row) > 0.1));
        let scaled = x.mul(&Matrix::new(ITEMS, 1, scales).unwrap()).unwrap();
        for case in cases().iter().filter(|case| case.cosine && case.needs.are_met(&groups)) {
            let a = value(&*case.loss, &x, &groups);
            let b = value(&*case.loss, &scaled, &groups);
            // The relative triplet loss of coinciding embeddings divides by almost 0.
            prop_assert!((a - b).abs() <= 2e-3 * a.abs().max(1.0), "{}: {a} {b}", case.name);
        }
    }

    #[test]
    fn group_losses_are_nonnegative(x in embeddings(), groups in groups(ITEMS)) {
        for case in cases() {
            // Dot-product distances can be negative.
            let negative = case.name.contains("DotProduct") && case.name.starts_with("Online");
            if case.needs.are_met(&groups) && !negative {
                let found = value(&*case.loss, &x, &groups);
                prop_assert!(found >= -1e-5, "{}: {found}", case.name);
            }
        }
    }

    #[test]
    fn degenerate_batches_give_finite_loss_or_error(
        (x, groups) in degenerate().prop_flat_map(|x| { let n = x.rows(); (Just(x), groups(n)) })
    ) {
        for case in cases() {
            match case.loss.forward(&x, &groups) {
                Ok(found) => {
                    prop_assert!(case.needs.are_met(&groups), "{}", case.name);
                    prop_assert!(found.is_finite(), "{}: {found:?}", case.name);
                }
                Err(BatchError::NothingToCompare { .. }) => {
                    prop_assert!(!case.needs.are_met(&groups), "{}", case.name);
                }
                Err(error) => prop_assert!(false, "{}: {error}", case.name),
            }
        }
    }
}

#[test]
fn group_losses_reject_mismatched_batch() {
    let x = Matrix::from_rows(&[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).unwrap();
    let empty = Matrix::new(0, DIM, vec![]).unwrap();
    for case in cases() {
        let found = case.loss.forward(&x, &[0]);
        let expected = BatchError::<ShapeError>::Groups { rows: 2, groups: 1 };
        assert_eq!(found, Err(expected), "{}", case.name);
        let found = case.loss.forward(&empty, &[]);
        assert_eq!(found, Err(BatchError::Empty), "{}", case.name);
    }
}

#[test]
fn only_kernel_losses_have_parameters() {
    for case in cases() {
        let names: Vec<String> = case.loss.parameters().into_iter().map(|p| p.0).collect();
        let expected: &[&str] = match case.name.as_str() {
            "ArcFace" | "CosFace" | "Softmax" => &["kernel"],
            "Center" => &["centers"],
            _ => &[],
        };
        assert_eq!(names, expected, "{}", case.name);
    }
}

#[test]
fn triplet_loss_matches_hand_computed_values() {
    // Points on a line; the distance is the absolute difference.
    let x = Matrix::from_rows(&[[0.0], [1.0], [1.2], [5.0]]).unwrap();
    let groups = [0, 0, 1, 2];
    let loss = |mining| Triplet {
        distance: DistanceKind::Manhattan,
        margin: 0.5,
        mining,
        relative: false,
        ..Default::default()
    };
    let of = |mining| value(&loss(mining), &x, &groups);
    // (0, 1, 2): 1 − 1.2 + 0.5 and (1, 0, 2): 1 − 0.2 + 0.5; the negative at 5 satisfies the margin.
    assert!((of(TripletMining::All) - f32::midpoint(0.3, 1.3)).abs() < 1e-5);
    // The same two triplets, plus anchors without positives: 0.5 − 0.2, and 0 for the one at 5.
    assert!((of(TripletMining::Hard) - (0.3 + 1.3 + 0.3) / 4.0).abs() < 1e-5);
    // The nearest negative beyond the positive is at 1.2 for anchor 0 and at 5 for anchor 1: 1 − 4 + 0.5.
    assert!((of(TripletMining::SemiHard) - 0.3 / 2.0).abs() < 1e-5);
}

#[test]
fn online_contrastive_uses_hard_negatives() {
    let groups = [0, 0, 1];
    let at = |x: f32, compat| {
        let x = Matrix::from_rows(&[[0.0, 0.0], [0.1, 0.0], [x, 0.0]]).unwrap();
        let loss = OnlineContrastive {
            distance: DistanceKind::Manhattan,
            compat,
            ..Default::default()
        };
        value(&loss, &x, &groups)
    };
    // Positive distances 0.1; negative distances 0.4, 0.3 and 0.3; margin 0.5.
    assert!((at(0.4, false) - 0.5 * (0.1 + (0.1 + 0.2 + 0.2) / 3.0)).abs() < 1e-6);
    assert!((at(9.0, false) - 0.5 * 0.1).abs() < 1e-6);
    // In Quaterion each item is its own negative.
    assert_eq!(at(0.4, true), at(9.0, true));
    assert!((at(9.0, true) - 0.5 * (0.1 + 0.5)).abs() < 1e-6);
}

#[test]
fn circle_pulls_far_positives_harder() {
    let groups = [0, 0, 1];
    let slope = |angle: f32| {
        let at = |angle: f32| {
            let x = Matrix::from_rows(&[
                [1.0, 0.0],
                [libm::cosf(angle), libm::sinf(angle)],
                [0.0, -1.0],
            ])
            .unwrap();
            let loss = Circle {
                scale: 8.0,
                ..Default::default()
            };
            value(&loss, &x, &groups)
        };
        (at(angle + 0.01) - at(angle - 0.01)) / 0.02
    };
    assert!(slope(1.4) > 2.0 * slope(0.4));
}

fn pairs(rows: &[[f32; 2]]) -> Matrix {
    Matrix::from_rows(rows).unwrap()
}

#[test]
fn guided_ranking_without_exclusions_equals_ranking_loss() {
    let x = pairs(&[
        [1.0, 0.1],
        [0.2, 1.0],
        [1.0, 1.0],
        [0.9, 0.0],
        [0.3, 0.7],
        [0.8, 1.0],
    ]);
    let targets = PairTargets::positives(3);
    for symmetric in [false, true] {
        let guided = GuidedRanking {
            scale: 5.0,
            margin: GuideMargin::Absolute(-9.0),
            symmetric,
            contrast_anchors: false,
            contrast_positives: false,
            ..Default::default()
        };
        let ranking = MultipleNegativesRanking {
            distance: DistanceKind::PlainCosine,
            scale: 5.0,
            symmetric,
            ..Default::default()
        };
        let a = guided.forward_guided(&x, &x, &targets).unwrap().data()[0];
        let b = ranking.forward(&x, &targets).unwrap().data()[0];
        assert!((a - b).abs() < 1e-6, "{a} {b}");
        let wrapped = guided.with_guide(&x).forward(&x, &targets).unwrap();
        assert_eq!(wrapped.data()[0], a);
    }
}

#[test]
fn guided_ranking_excludes_negatives_near_in_guide() {
    // The guide's answers of pairs 0 and 1 are similar; that of pair 2 is different.
    let x = pairs(&[
        [1.0, 0.0],
        [1.0, 0.1],
        [0.0, 1.0],
        [1.0, 0.1],
        [1.0, 0.0],
        [0.0, 1.0],
    ]);
    let targets = PairTargets::positives(3);
    let loss = |margin| GuidedRanking {
        scale: 10.0,
        margin,
        contrast_anchors: false,
        contrast_positives: false,
        ..Default::default()
    };
    let of = |margin, guide: &Matrix| {
        let found = loss(margin).forward_guided(&x, guide, &targets).unwrap();
        found.data()[0]
    };
    // A guide with dissimilar embeddings excludes nothing.
    let apart = Matrix::from_rows(&[
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
    ])
    .unwrap();
    let kept = of(GuideMargin::Absolute(0.0), &apart);
    let left_out = of(GuideMargin::Absolute(0.0), &x);
    assert!(kept > 0.4 && left_out < 1e-3, "{kept} {left_out}");
    // The guide's cosine of pairs 0 and 1 is 0.995: with the positives exchanged, the own positives
    // are nearest, and only a margin excludes the others.
    let order = [0, 1, 2, 4, 3, 5];
    let exchanged = x.select_rows(&order).unwrap();
    let of = |margin| {
        let found = loss(margin).forward_guided(&exchanged, &exchanged, &targets);
        found.unwrap().data()[0]
    };
    assert!(of(GuideMargin::Absolute(0.0)) > 0.4);
    assert!(of(GuideMargin::Absolute(0.1)) < 1e-3);
    assert!(of(GuideMargin::Relative(0.1)) < 1e-3);
    assert!(of(GuideMargin::Relative(0.001)) > 0.4);
}

#[test]
fn contrasts_add_other_items_as_candidates() {
    let x = pairs(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    let targets = PairTargets::positives(2);
    let of = |contrast_anchors, contrast_positives| {
        let loss = GuidedRanking {
            scale: 1.0,
            contrast_anchors,
            contrast_positives,
            ..Default::default()
        };
        loss.forward_guided(&x, &x, &targets).unwrap().data()[0]
    };
    // −ln(e / (e + k)) for k negatives with cosine 0.
    let expected = |k: f32| libm::logf(1.0 + k / core::f32::consts::E);
    assert!((of(false, false) - expected(1.0)).abs() < 1e-6);
    assert!((of(true, false) - expected(2.0)).abs() < 1e-6);
    assert!((of(false, true) - expected(2.0)).abs() < 1e-6);
    assert!((of(true, true) - expected(3.0)).abs() < 1e-6);
}

#[test]
fn guided_ranking_rejects_mismatched_batch() {
    let x = pairs(&[[1.0, 0.0], [1.0, 0.0]]);
    let loss = GuidedRanking::default();
    let guide = pairs(&[[1.0, 0.0]]);
    let found = loss.forward_guided(&x, &guide, &PairTargets::positives(1));
    assert_eq!(found, Err(BatchError::Guide { rows: 2, guide: 1 }));
    let targets = PairTargets {
        scores: vec![0.5],
        subgroups: vec![0],
    };
    let found = loss.forward_guided(&x, &x, &targets);
    assert!(matches!(found, Err(BatchError::NotPositive { .. })));
}
