//! A group loss on a batch: its value and gradient on both back ends against the loops of
//! [`naive`](super::naive) and against finite differences.

use super::naive::{self, Rows};
use candle_core::{Device, Var};
use nearsay_core::{
    candle::{to_matrix, to_tensor},
    distance::DistanceKind,
    loss::{
        ArcFace, Center, Circle, CosFace, FastAp, GroupLoss, OnlineContrastive, PairMining,
        Softmax, Triplet, TripletMining,
    },
    matrix::Matrix,
    tensor::Tensor,
};
use nearsay_tests::{close, matrix};
use serde_json::Value;

pub type Candle = candle_core::Tensor;

pub fn candle(m: &Matrix) -> Candle {
    to_tensor(m, &Device::Cpu).unwrap()
}

pub fn integers(value: &Value) -> Vec<u64> {
    let list = value.as_array().unwrap().iter();
    list.map(|x| x.as_u64().unwrap()).collect()
}

pub fn rows(m: &Matrix) -> Rows {
    let row = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect();
    m.iter_rows().map(row).collect()
}

/// A loss without its trainable weights.
#[derive(Clone, Copy, Debug)]
pub enum Spec {
    Triplet(Triplet),
    Online(OnlineContrastive),
    Circle(Circle),
    FastAp(FastAp),
    ArcFace {
        scale: f32,
        margin: f32,
    },
    CosFace {
        scale: f32,
        margin: f32,
        compat: bool,
    },
    Softmax {
        temperature: f32,
    },
    Center {
        weight: f32,
    },
}

impl Spec {
    /// Loss of a golden case, as in the paper or, with `compat`, as in Quaterion.
    pub fn of(case: &Value, compat: bool) -> Self {
        let args = &case["args"];
        let number = |key: &str| args[key].as_f64().unwrap() as f32;
        let distance = || args["distance"].as_str().unwrap().parse().unwrap();
        let mining = args["mining"].as_str();
        match case["loss"].as_str().unwrap() {
            "TripletLoss" | "TripletLoss.xbm_loss" => Self::Triplet(Triplet {
                distance: distance(),
                margin: number("margin"),
                mining: match mining.unwrap() {
                    "all" => TripletMining::All,
                    "hard" => TripletMining::Hard,
                    "semi_hard" => TripletMining::SemiHard,
                    other => panic!("unknown mining {other}"),
                },
                soft: args["soft"].as_bool().unwrap_or(false),
                relative: true,
                compat,
            }),
            "OnlineContrastiveLoss" => Self::Online(OnlineContrastive {
                distance: distance(),
                margin: number("margin"),
                mining: match mining.unwrap() {
                    "all" => PairMining::All,
                    "hard" => PairMining::Hard,
                    other => panic!("unknown mining {other}"),
                },
                squared: false,
                compat,
            }),
            "CircleLoss" => {
                assert_eq!(distance(), DistanceKind::Cosine);
                Self::Circle(Circle {
                    margin: number("margin"),
                    scale: number("scale_factor"),
                    distance: if compat {
                        DistanceKind::Cosine
                    } else {
                        DistanceKind::PlainCosine
                    },
                    pooled: false,
                    compat,
                })
            }
            "FastAPLoss" => Self::FastAp(FastAp {
                bins: args["num_bins"].as_u64().unwrap() as usize,
            }),
            "ArcFaceLoss" => Self::ArcFace {
                scale: number("scale"),
                margin: number("margin"),
            },
            "CosFaceLoss" => Self::CosFace {
                scale: number("scale"),
                margin: number("margin"),
                compat,
            },
            "SoftmaxLoss" => Self::Softmax {
                temperature: number("temperature"),
            },
            "CenterLoss" => Self::Center {
                weight: number("lambda_c"),
            },
            other => panic!("unknown loss {other}"),
        }
    }

    /// Whether Quaterion deviates from the paper, and so from the default.
    pub fn differs(&self) -> bool {
        match self {
            Self::Triplet(loss) => match loss.mining {
                TripletMining::All => false,
                TripletMining::Hard => loss.distance == DistanceKind::DotProduct,
                TripletMining::SemiHard => true,
            },
            Self::Online(_) | Self::Circle(_) | Self::CosFace { .. } => true,
            Self::FastAp(_) | Self::ArcFace { .. } | Self::Softmax { .. } | Self::Center { .. } => {
                false
            }
        }
    }

    pub fn has_weights(&self) -> bool {
        matches!(
            self,
            Self::ArcFace { .. }
                | Self::CosFace { .. }
                | Self::Softmax { .. }
                | Self::Center { .. }
        )
    }

    /// Builds the loss; `weights` is its kernel or its centres.
    pub fn build<T: Tensor>(&self, weights: T) -> Box<dyn GroupLoss<T>> {
        match *self {
            Self::Triplet(loss) => Box::new(loss),
            Self::Online(loss) => Box::new(loss),
            Self::Circle(loss) => Box::new(loss),
            Self::FastAp(loss) => Box::new(loss),
            Self::ArcFace { scale, margin } => Box::new(ArcFace {
                kernel: weights,
                scale,
                margin,
            }),
            Self::CosFace {
                scale,
                margin,
                compat,
            } => Box::new(CosFace {
                kernel: weights,
                scale,
                margin,
                compat,
            }),
            Self::Softmax { temperature } => Box::new(Softmax {
                kernel: weights,
                temperature,
            }),
            Self::Center { weight } => Box::new(Center {
                centers: weights,
                weight,
            }),
        }
    }

    /// Value by the naive loops; `fixed` is the input of weights without gradient.
    pub fn naive(&self, x: &Rows, fixed: &Rows, weights: &Rows, groups: &[u64]) -> f64 {
        match *self {
            Self::Triplet(loss) => naive::triplet(&loss, x, groups, None),
            Self::Online(loss) => naive::online_contrastive(&loss, x, groups, None),
            Self::Circle(loss) => naive::circle(&loss, x, fixed, groups),
            Self::FastAp(loss) => naive::fast_ap(&loss, x, groups),
            Self::ArcFace { scale, margin } => naive::classify(x, weights, groups, |x, k, own| {
                let margin = if own { f64::from(margin) } else { 0.0 };
                f64::from(scale) * (naive::cos(x, k).acos() + margin).cos()
            }),
            Self::CosFace { scale, margin, .. } => {
                naive::classify(x, weights, groups, |x, k, own| {
                    let margin = if own { f64::from(margin) } else { 0.0 };
                    f64::from(scale) * (naive::cos(x, k) - margin)
                })
            }
            Self::Softmax { temperature } => naive::classify(x, weights, groups, |x, k, _| {
                naive::dot(x, k) / f64::from(temperature)
            }),
            Self::Center { weight } => naive::center(f64::from(weight), x, weights, groups),
        }
    }
}

/// A batch, and the weights of losses that have any.
pub struct Batch {
    pub embeddings: Matrix,
    pub groups: Vec<u64>,
    pub kernel: Matrix,
    pub centers: Matrix,
}

impl Batch {
    pub fn of(golden: &Value) -> Self {
        Self {
            embeddings: matrix(&golden["embeddings"]),
            groups: integers(&golden["groups"]),
            // Quaterion's kernels have a column per group, Nearsay's a row.
            kernel: matrix(&golden["kernel"]).transpose().unwrap(),
            centers: matrix(&golden["centers"]),
        }
    }

    pub fn weights(&self, spec: &Spec) -> &Matrix {
        match spec {
            Spec::Center { .. } => &self.centers,
            _ => &self.kernel,
        }
    }

    pub fn value(&self, spec: &Spec) -> f32 {
        let loss = spec.build(self.weights(spec).clone());
        loss.forward(&self.embeddings, &self.groups).unwrap().data()[0]
    }

    /// On candle: value, gradient of the embeddings, and gradient of the weights if there are any.
    pub fn gradients(&self, spec: &Spec) -> (f32, Matrix, Option<Matrix>) {
        let x = Var::from_tensor(&candle(&self.embeddings)).unwrap();
        let weights = Var::from_tensor(&candle(self.weights(spec))).unwrap();
        let loss = spec.build(weights.as_tensor().clone());
        let parameters = loss.parameters();
        assert_eq!(parameters.len(), usize::from(spec.has_weights()));
        let value = loss.forward(x.as_tensor(), &self.groups).unwrap();
        let mut gradients = value.backward().unwrap();
        let mut take = |variable: &Var| to_matrix(&gradients.remove(variable)?).ok();
        let of_x = take(&x).expect("a gradient of the embeddings");
        let of_weights = take(&weights);
        assert_eq!(of_weights.is_some(), spec.has_weights(), "{spec:?}");
        (value.to_vec().unwrap()[0], of_x, of_weights)
    }

    /// Compares values and gradients with the naive loops.
    pub fn check_naive(&self, spec: &Spec) {
        let (x, weights) = (rows(&self.embeddings), rows(self.weights(spec)));
        let at = |x: &Rows, weights: &Rows| {
            spec.naive(x, &rows(&self.embeddings), weights, &self.groups)
        };
        let (value, of_x, of_weights) = self.gradients(spec);
        let expected = at(&x, &weights) as f32;
        assert!(
            close(value, expected),
            "{spec:?} on candle: {value} {expected}"
        );
        let value = self.value(spec);
        assert!(
            close(value, expected),
            "{spec:?} on Matrix: {value} {expected}"
        );
        check_slopes(&of_x, 1e-3, &format!("{spec:?}"), |i, j| {
            slope(&x, i, j, |x| at(x, &weights))
        });
        if let Some(of_weights) = of_weights {
            check_slopes(&of_weights, 1e-3, &format!("{spec:?} weights"), |i, j| {
                slope(&weights, i, j, |weights| at(&x, weights))
            });
        }
    }

    /// Compares gradients with finite differences on the matrix back end. Single precision needs long
    /// steps, which may contain a kink, so a few values may differ.
    pub fn check_plain(&self, spec: &Spec) {
        let (_, of_x, of_weights) = self.gradients(spec);
        let step = 5e-4;
        let shifted = |m: &Matrix, i: usize, step: f32| {
            let mut data = m.data().to_vec();
            data[i] += step;
            Matrix::new(m.rows(), m.columns(), data).unwrap()
        };
        let check = |gradient: &Matrix, at: &dyn Fn(usize, f32) -> f32| {
            let largest = gradient.data().iter().fold(1e-3f32, |a, b| a.max(b.abs()));
            let apart = gradient
                .data()
                .iter()
                .enumerate()
                .filter(|&(i, gradient)| {
                    let slope = (at(i, step) - at(i, -step)) / (2.0 * step);
                    (slope - gradient).abs() > 0.03 * largest
                })
                .count();
            let count = gradient.data().len();
            assert!(apart <= count / 24, "{spec:?}: {apart} of {count} values");
        };
        let plain = |x: &Matrix, weights: &Matrix| {
            let loss = spec.build(weights.clone());
            loss.forward(x, &self.groups).unwrap().data()[0]
        };
        let (x, weights) = (&self.embeddings, self.weights(spec));
        check(&of_x, &|i, step| plain(&shifted(x, i, step), weights));
        if let Some(of_weights) = of_weights {
            check(&of_weights, &|i, step| plain(x, &shifted(weights, i, step)));
        }
    }
}

pub fn slope(at: &Rows, i: usize, j: usize, f: impl Fn(&Rows) -> f64) -> f64 {
    let step = 1e-6;
    let shifted = |step: f64| {
        let mut rows = at.clone();
        rows[i][j] += step;
        f(&rows)
    };
    (shifted(step) - shifted(-step)) / (2.0 * step)
}

pub fn check_slopes(
    found: &Matrix,
    within: f64,
    what: &str,
    expected: impl Fn(usize, usize) -> f64,
) {
    let largest = found.data().iter().fold(1e-3f32, |a, b| a.max(b.abs()));
    for i in 0..found.rows() {
        for j in 0..found.columns() {
            let (found, expected) = (f64::from(found.row(i)[j]), expected(i, j));
            assert!(
                (found - expected).abs() < within * f64::from(largest),
                "{what} at {i}, {j}: {found} should be {expected}"
            );
        }
    }
}
