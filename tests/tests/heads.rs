//! Heads against Quaterion's numbers, on both back ends, or against finite differences where Quaterion
//! has none.

use candle_core::{Device, Var};
use nearsay_core::{
    candle::{TrainableHead, to_tensor},
    head::{Activation, Head, HeadConfig, Mode, Start, Weight, Weights},
    matrix::Matrix,
    tensor::Tensor,
};
use nearsay_tests::{assert_close, golden, matrix};
use serde_json::Value;

type Candle = candle_core::Tensor;

const DIM: usize = 8;

fn activation(name: &Value) -> Activation {
    let name = name.as_str().unwrap();
    let mut all = Activation::ALL.into_iter();
    all.find(|activation| activation.name() == name).unwrap()
}

/// Head of a golden case.
fn head_of(case: &Value) -> HeadConfig {
    let args = &case["args"];
    let size = |key: &str| args[key].as_u64().unwrap() as usize;
    let linear = |in_dim, out_dim| HeadConfig::Linear {
        in_dim,
        out_dim,
        bias: true,
    };
    match case["head"].as_str().unwrap() {
        "EmptyHead" => HeadConfig::Empty { dim: DIM },
        "GatedHead" => HeadConfig::Gated { dim: DIM },
        "SkipConnectionHead" => HeadConfig::SkipConnection {
            dim: DIM,
            layers: size("n_layers"),
            skip_dropout: 0.0,
        },
        "SequentialHead" => {
            assert_eq!(args["layers"], "Linear(8,12),ReLU,Linear(12,4)");
            HeadConfig::Sequential {
                parts: vec![
                    linear(8, 12),
                    HeadConfig::Activate {
                        dim: 12,
                        activation: Activation::Relu,
                    },
                    linear(12, 4),
                ],
            }
        }
        "StackedProjectionHead" => {
            let sizes = args["output_sizes"].as_array().unwrap();
            HeadConfig::StackedProjection {
                in_dim: DIM,
                out_dims: sizes.iter().map(|x| x.as_u64().unwrap() as usize).collect(),
                activation: activation(&args["activation_fn"]),
            }
        }
        "WideningHead" => HeadConfig::Widening {
            dim: DIM,
            factor: args["expansion_factor"].as_f64().unwrap(),
            activation: activation(&args["activation_fn"]),
        },
        "SoftmaxEmbeddingsHead" => HeadConfig::SoftmaxEmbeddings {
            dim: DIM,
            groups: size("output_groups"),
            size: size("output_size_per_group"),
        },
        other => panic!("unknown head {other}"),
    }
}

fn weights_of(case: &Value) -> Weights {
    let weights = case["weights"].as_object().unwrap().iter();
    weights
        .map(|(name, value)| Weight {
            name: name.clone(),
            value: matrix(value),
        })
        .collect()
}

fn plain(config: &HeadConfig, weights: &[Weight]) -> Box<dyn Head<Matrix>> {
    config
        .build(weights, |weight| Ok(weight.value.clone()))
        .unwrap()
}

/// On candle, for the loss `½·Σ y²`: output, gradient of the input, gradients of the weights by name.
fn run(
    config: &HeadConfig,
    weights: &[Weight],
    x: &Matrix,
    encoders: &[&str],
) -> (Candle, Candle, Vec<(String, Candle)>) {
    let head = TrainableHead::new(config, weights, &Device::Cpu).unwrap();
    let x = Var::from_tensor(&to_tensor(x, &Device::Cpu).unwrap()).unwrap();
    let y = head
        .head()
        .forward_routed(x.as_tensor(), encoders, Mode::Eval)
        .unwrap();
    let loss = y
        .sqr()
        .unwrap()
        .sum_all()
        .unwrap()
        .affine(0.5, 0.0)
        .unwrap();
    let gradients = loss.backward().unwrap();
    let parameters = head.head().parameters();
    assert_eq!(parameters.len(), head.variables().len());
    let of_weights = parameters
        .into_iter()
        .zip(head.variables())
        .map(|((name, _), variable)| {
            // A head in a switch without any rows has no gradient.
            let none = || variable.zeros_like().unwrap();
            (name, gradients.get(variable).cloned().unwrap_or_else(none))
        })
        .collect();
    (y, gradients.get(&x).unwrap().clone(), of_weights)
}

#[test]
fn heads_match_quaterion() {
    let golden = golden("heads.json");
    let input = matrix(&golden["input"]);
    let encoders = vec!["any"; input.rows()];
    let (mut cases, mut gradients) = (0, 0);
    for case in golden["cases"].as_array().unwrap() {
        let config = head_of(case);
        let what = format!("{} {}", case["head"], case["args"]);
        assert_eq!(case["loss"], "0.5*sum(output^2)");
        assert_eq!(case["output_size"], config.out_dim(), "{what}");
        let weights = weights_of(case);
        let expected = matrix(&case["output"]);

        let output = plain(&config, &weights)
            .forward(&input, Mode::Eval)
            .unwrap();
        assert_close(&output, expected.data(), &what);

        let (output, of_input, of_weights) = run(&config, &weights, &input, &encoders);
        assert_close(&output, expected.data(), &what);
        assert_close(&of_input, matrix(&case["grad_input"]).data(), &what);
        let expected = case["grad_weights"].as_object().unwrap();
        assert_eq!(expected.len(), of_weights.len(), "{what}");
        for (name, found) in of_weights {
            let expected = matrix(&expected[name.as_str()]);
            assert_close(&found, expected.data(), &format!("{what} {name}"));
            gradients += 1;
        }
        cases += 1;
    }
    assert_eq!((cases, gradients), (11, 39));
}

#[test]
fn fresh_weights_have_distribution_of_quaterions() {
    let golden = golden("heads.json");
    let dim = 384;
    let mut seen = 0;
    for (head, expected) in golden["init"].as_object().unwrap() {
        let config = match head.as_str() {
            "SkipConnectionHead(384)" => HeadConfig::SkipConnection {
                dim,
                layers: 1,
                skip_dropout: 0.0,
            },
            "GatedHead(384)" => HeadConfig::Gated { dim },
            "WideningHead(384)" => HeadConfig::Widening {
                dim,
                factor: 4.0,
                activation: Activation::Relu,
            },
            other => panic!("unknown head {other}"),
        };
        let weights = config.init(42);
        assert_eq!(weights.len(), expected.as_object().unwrap().len());
        for (spec, weight) in config.specs().iter().zip(&weights) {
            let what = format!("{head} {}", spec.name);
            let golden = &expected[&spec.name];
            let number = |key: &str| golden[key].as_f64().unwrap();
            let shape: Vec<u64> = match spec.shape.dims() {
                (1, columns) => vec![columns as u64],
                (rows, columns) => vec![rows as u64, columns as u64],
            };
            assert_eq!(golden["shape"], Value::from(shape), "{what}");
            let data: Vec<f64> = weight.value.data().iter().map(|&x| f64::from(x)).collect();
            let n = data.len() as f64;
            let mean = data.iter().sum::<f64>() / n;
            let spread = (data.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            let (least, most) = data
                .iter()
                .fold((f64::MAX, f64::MIN), |(a, b), &x| (a.min(x), b.max(x)));
            match spec.start {
                Start::Constant(start) => {
                    assert_eq!(
                        (least, most),
                        (f64::from(start), f64::from(start)),
                        "{what}"
                    );
                    assert_eq!((least, most), (number("min"), number("max")), "{what}");
                }
                Start::Uniform(bound) => {
                    let bound = f64::from(bound);
                    // Both reach the bound and don't exceed it, up to f32 rounding.
                    let reach = bound * (1.0 - 20.0 / n);
                    for (least, most) in [(least, most), (number("min"), number("max"))] {
                        assert!(
                            -bound * 1.000_001 <= least && least < -reach,
                            "{what} {least}"
                        );
                        assert!(reach < most && most <= bound * 1.000_001, "{what} {most}");
                    }
                    // Within five standard errors.
                    assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt(), "{what} {mean}");
                    let apart = (spread - number("std")).abs();
                    assert!(apart < 5.0 * bound / n.sqrt(), "{what} {spread}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
}

fn stacked(out_dims: &[usize], activation: Activation) -> HeadConfig {
    HeadConfig::StackedProjection {
        in_dim: DIM,
        out_dims: out_dims.to_vec(),
        activation,
    }
}

/// Heads without golden numbers: the residual head, a switch, and the smooth activations.
fn without_golden() -> Vec<HeadConfig> {
    let mut configs = vec![
        HeadConfig::Residual { dim: DIM },
        HeadConfig::Switch {
            heads: [
                ("question".into(), stacked(&[7, 5], Activation::Tanh)),
                ("picture".into(), stacked(&[5], Activation::Relu)),
                ("sound".into(), stacked(&[3, 5], Activation::Gelu)),
            ]
            .into(),
        },
    ];
    let smooth = Activation::ALL.into_iter();
    configs.extend(
        smooth
            .filter(|activation| *activation != Activation::Relu)
            .map(|activation| stacked(&[6, 4], activation)),
    );
    configs
}

#[test]
fn head_gradients_match_finite_differences() {
    let encoders = ["question", "picture", "picture", "question", "picture"];
    let step = 1e-2;
    let mut compared = 0;
    for config in without_golden() {
        let x = Matrix::from_fn(5, DIM, |row, column| {
            ((row * 5 + column * 3) % 17) as f32 * 0.1 - 0.8
        });
        let mut random = 0u32;
        let mut number = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let weights: Weights = config
            .init(0)
            .into_iter()
            .map(|weight| Weight {
                value: Matrix::from_fn(weight.value.rows(), weight.value.columns(), |_, _| {
                    number()
                }),
                name: weight.name,
            })
            .collect();
        // Sum in f64, since the differences are small.
        let loss = |weights: &[Weight], x: &Matrix| -> f64 {
            let y = plain(&config, weights).forward_routed(x, &encoders, Mode::Eval);
            let y = y.unwrap().into_data();
            y.iter().map(|&y| 0.5 * f64::from(y).powi(2)).sum()
        };
        let moved = |matrix: &Matrix, i: usize, step: f32| {
            let mut data = matrix.data().to_vec();
            data[i] += step;
            Matrix::new(matrix.rows(), matrix.columns(), data).unwrap()
        };
        let mut compare = |found: &Candle, what: &str, at: &dyn Fn(usize, f32) -> f64| {
            let found = found.to_vec().unwrap();
            let largest = found.iter().fold(1e-2f32, |a, b| a.max(b.abs()));
            for (i, &found) in found.iter().enumerate() {
                let slope = ((at(i, step) - at(i, -step)) / (2.0 * f64::from(step))) as f32;
                assert!(
                    (slope - found).abs() < 5e-3 * largest,
                    "{config:?} {what} {i}: {found} should be {slope}"
                );
                compared += 1;
            }
        };
        let (_, of_input, of_weights) = run(&config, &weights, &x, &encoders);
        compare(&of_input, "input", &|i, step| {
            loss(&weights, &moved(&x, i, step))
        });
        for (name, found) in of_weights {
            let number = weights.iter().position(|w| w.name == name).unwrap();
            compare(&found, &name, &|i, step| {
                let mut weights = weights.clone();
                weights[number].value = moved(&weights[number].value, i, step);
                loss(&weights, &x)
            });
        }
    }
    // Residual, three heads of the switch, four stacks, and the input of each.
    assert_eq!(compared, 64 + (103 + 45 + 47) + 4 * 82 + 6 * 40);
}
