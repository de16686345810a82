//! Metrics against Quaterion's numbers, on both back ends.

use candle_core::{Device, Var};
use nearsay_core::{
    candle::to_tensor,
    dataset::group_by_label,
    distance::{Cosine, Distance, DistanceKind},
    encoder::{CachePolicy, Cached, Concatenated, Encoder, Switch},
    evaluate::{Evaluator, GroupSampler, PairSampler},
    matrix::{Matrix, ShapeError},
    metric::{
        Metric, RetrievalPrecision, RetrievalRPrecision, RetrievalReciprocalRank, rank_groups,
        rank_pairs,
    },
    sample::{PairSample, PairTargets},
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

/// Checks the mean over all (row, top-R slot) entries.
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

#[test]
fn perfect_model_has_precision_one() {
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

/// Encoder whose inputs are vectors.
struct AsIs(Device);

impl Encoder<Matrix> for AsIs {
    type Input = [f32];
    type Error = ShapeError;

    fn dim(&self) -> usize {
        8
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&[f32]]) -> Result<Matrix, ShapeError> {
        Matrix::from_rows(batch)
    }
}

impl Encoder<candle_core::Tensor> for AsIs {
    type Input = [f32];
    type Error = candle_core::Error;

    fn dim(&self) -> usize {
        8
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&[f32]]) -> candle_core::Result<candle_core::Tensor> {
        let rows = Matrix::from_rows(batch).map_err(candle_core::Error::wrap)?;
        to_tensor(&rows, &self.0)
    }
}

/// Checks against Quaterion's functions on a one-way distance matrix.
fn check_one_way<T: Tensor>()
where
    AsIs: Encoder<T, Input = [f32]>,
{
    let golden = golden("pair_metrics.json");
    let embeddings = matrix(&golden["embeddings"]);
    let n = embeddings.rows() / 2;
    let pairs: Vec<PairSample<&[f32]>> = (0..n)
        .map(|i| PairSample::positive(embeddings.row(i), embeddings.row(n + i)))
        .collect();
    let expected = &golden["distinguish_a_to_b"];
    for batch in [3, n] {
        let sampler = PairSampler {
            distinguish: true,
            batch,
            ..PairSampler::default()
        };
        let mut evaluator = Evaluator::<T, _>::new(&Cosine, sampler)
            .with("precision_at_1", RetrievalPrecision::new(1))
            .with("reciprocal_rank", RetrievalReciprocalRank::default());
        for score in evaluator.evaluate(&pairs, &AsIs(Device::Cpu)).unwrap() {
            let expected = expected[&score.name].as_f64().unwrap() as f32;
            assert!(
                close(score.value.unwrap(), expected),
                "{score:?}: {expected}"
            );
        }
    }
}

#[test]
fn one_way_evaluation_on_matrix() {
    check_one_way::<Matrix>();
}

#[test]
fn one_way_evaluation_on_candle() {
    check_one_way::<candle_core::Tensor>();
}

#[test]
fn cached_group_evaluation_in_batches_on_candle() {
    let golden = golden("group_metrics.json");
    let embeddings = matrix(&golden["embeddings"]);
    let groups = numbers(&golden["groups"]);
    let rows: Vec<&[f32]> = embeddings.iter_rows().collect();
    let samples = group_by_label(
        rows.into_iter()
            .zip(groups.iter().map(|&group| group as u64)),
    );
    for policy in [CachePolicy::Memory, CachePolicy::Auto] {
        let cached =
            Cached::<candle_core::Tensor, _>::new(AsIs(Device::Cpu), policy, |row: &[f32]| {
                row.iter().flat_map(|x| x.to_le_bytes()).collect()
            })
            .unwrap();
        for case in golden["cases"].as_array().unwrap() {
            let distance: DistanceKind = case["distance"].as_str().unwrap().parse().unwrap();
            let sampler = GroupSampler {
                batch: 5,
                ..GroupSampler::default()
            };
            let mut evaluator =
                Evaluator::new(&distance, sampler).with("rrp", RetrievalRPrecision::default());
            let found = evaluator.evaluate(&samples, &cached).unwrap()[0]
                .value
                .unwrap();
            assert!(
                close(found, case["value"].as_f64().unwrap() as f32),
                "{case}: {found}"
            );
        }
        assert_eq!(cached.cached_count(), 14);
    }
}

/// Encoder that multiplies a number by a trainable row.
struct Scaled(Var);

impl Encoder<candle_core::Tensor> for Scaled {
    type Input = f32;
    type Error = candle_core::Error;

    fn dim(&self) -> usize {
        2
    }

    fn trainable(&self) -> bool {
        true
    }

    fn encode(&self, batch: &[&f32]) -> candle_core::Result<candle_core::Tensor> {
        let column: Vec<f32> = batch.iter().map(|&&x| x).collect();
        let column = candle_core::Tensor::new(column, self.0.device())?.unsqueeze(1)?;
        column.broadcast_mul(self.0.as_tensor())
    }

    fn parameters(&self) -> Vec<(&str, &candle_core::Tensor)> {
        vec![("row", self.0.as_tensor())]
    }
}

#[test]
fn concatenated_and_switched_encoders_backpropagate() {
    let variable = || {
        let row = candle_core::Tensor::new(&[[1f32, 2.0]], &Device::Cpu).unwrap();
        Var::from_tensor(&row).unwrap()
    };
    let gradient = |loss: candle_core::Tensor, of: &Var| -> Vec<f32> {
        let gradients = loss.backward().unwrap();
        let found = gradients.get(of).unwrap().flatten_all().unwrap();
        found.to_vec1().unwrap()
    };
    let (a, b) = (variable(), variable());
    let both = Concatenated::new("a", Scaled(a.clone()), |pair: &(f32, f32)| &pair.0)
        .and("b", Scaled(b.clone()), |pair: &(f32, f32)| &pair.1)
        .unwrap();
    let batch = [&(1.0, 10.0), &(2.0, 20.0), &(3.0, 30.0)];
    let loss = || both.encode(&batch).unwrap().sum_all().unwrap();
    assert_eq!(gradient(loss(), &a), [6.0, 6.0]);
    assert_eq!(gradient(loss(), &b), [60.0, 60.0]);
    let names: Vec<&str> = both
        .parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["a.row", "b.row"]);

    fn sign(x: &f32) -> &str {
        if *x < 0.0 { "minus" } else { "plus" }
    }
    let either = Switch::new(sign, "plus", Scaled(a.clone()), |x: &f32| x)
        .and("minus", Scaled(b.clone()), |x: &f32| x)
        .unwrap();
    let vectors = either.encode(&[&1.0, &-3.0, &5.0, &-7.0]).unwrap();
    let values: Vec<f32> = vectors.flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(values, [1.0, 2.0, -3.0, -6.0, 5.0, 10.0, -7.0, -14.0]);
    // Distinct weights reveal rows in the wrong place.
    let weights = candle_core::Tensor::new(&[[1f32], [10.0], [100.0], [1000.0]], &Device::Cpu);
    let loss = || {
        vectors
            .broadcast_mul(weights.as_ref().unwrap())
            .unwrap()
            .sum_all()
            .unwrap()
    };
    assert_eq!(gradient(loss(), &a), [501.0, 501.0]);
    assert_eq!(gradient(loss(), &b), [-7030.0, -7030.0]);
}
