//! Metrics against Quaterion's own, on both back ends.

use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    distance::{Cosine, Distance, DistanceKind},
    matrix::Matrix,
    metric::{
        Metric, RetrievalPrecision, RetrievalRPrecision, RetrievalReciprocalRank, rank_groups,
        rank_pairs,
    },
    sample::PairTargets,
    tensor::Tensor,
};
use nearsay_tests::{close, golden, matrix, numbers};

fn candle(m: &Matrix) -> candle_core::Tensor {
    to_tensor(m, &Device::Cpu).unwrap()
}

fn check_pair_metrics<T: Tensor>(place: impl Fn(&Matrix) -> T) {
    let golden = golden("pair_metrics.json");
    let embeddings = place(&matrix(&golden["embeddings"]));
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 32);
    for case in cases {
        let distance: DistanceKind = case["distance"].as_str().unwrap().parse().unwrap();
        let scores = numbers(&golden[case["labels"].as_str().unwrap()]);
        let subgroups = vec![0; scores.len()];
        let targets = PairTargets { scores, subgroups };
        let ranks = rank_pairs(&distance, &embeddings, &targets).unwrap();
        let rows = numbers(&case["per_row"]);
        let found = match case["metric"].as_str().unwrap() {
            "RetrievalPrecision" => {
                let k = case["k"].as_u64().unwrap() as usize;
                let mut of_row = vec![0.0; ranks.rows];
                for positive in ranks.positives.iter().filter(|positive| positive.rank <= k) {
                    of_row[positive.row] = positive.label / k as f32;
                }
                assert_eq!(of_row.len(), rows.len());
                assert!(
                    of_row.iter().zip(&rows).all(|(&a, &b)| close(a, b)),
                    "{case}"
                );
                let mut metric = RetrievalPrecision::new(k);
                metric.update(&ranks);
                metric.compute().unwrap()
            }
            "RetrievalReciprocalRank" => {
                assert_eq!(ranks.positives.len(), rows.len());
                for (positive, &expected) in ranks.positives.iter().zip(&rows) {
                    assert!(close(1.0 / positive.rank as f32, expected), "{case}");
                }
                let mut metric = RetrievalReciprocalRank::default();
                metric.update(&ranks);
                metric.compute().unwrap()
            }
            other => panic!("unknown metric {other}"),
        };
        assert!(
            close(found, case["mean"].as_f64().unwrap() as f32),
            "{case}: {found}"
        );
    }
}

#[test]
fn pair_metrics_on_matrix() {
    check_pair_metrics(Clone::clone);
}

#[test]
fn pair_metrics_on_candle() {
    check_pair_metrics(candle);
}

/// The four cases: the mean over all (row, top-R slot) entries.
fn check_group_metrics<T: Tensor>(place: impl Fn(&Matrix) -> T) {
    let golden = golden("group_metrics.json");
    let embeddings = place(&matrix(&golden["embeddings"]));
    let groups: Vec<u64> = numbers(&golden["groups"])
        .iter()
        .map(|&g| g as u64)
        .collect();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        assert_eq!(case["metric"], "RetrievalRPrecision");
        let distance: DistanceKind = case["distance"].as_str().unwrap().parse().unwrap();
        let ranks = rank_groups(&distance, &embeddings, &groups).unwrap();
        let mut metric = RetrievalRPrecision::default();
        metric.update(&ranks);
        let (found, expected) = (metric.compute().unwrap(), case["value"].as_f64().unwrap());
        assert!(close(found, expected as f32), "{case}: {found}");
    }
}

#[test]
fn group_metrics_on_matrix() {
    check_group_metrics(Clone::clone);
}

#[test]
fn group_metrics_on_candle() {
    check_group_metrics(candle);
}

/// A perfect model scores 1 in both batch metrics.
#[test]
fn a_perfect_model_scores_one() {
    let half = Matrix::new(4, 4, (0..16).map(|i| f32::from(i % 5 == 0)).collect()).unwrap();
    let both: Vec<f32> = half.data().iter().chain(half.data()).copied().collect();
    let x = Matrix::new(8, 4, both).unwrap();
    let ranks = rank_pairs(
        &Cosine as &dyn Distance<Matrix>,
        &x,
        &PairTargets::positives(4),
    )
    .unwrap();
    let mut metric = RetrievalPrecision::new(1);
    metric.update(&ranks);
    assert_eq!(metric.compute(), Some(1.0));
}
