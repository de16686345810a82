use super::*;
use crate::matrix::{Matrix, ShapeError};
use alloc::{boxed::Box, collections::BTreeMap, format, string::ToString as _, vec};
use proptest::prelude::*;

const DIM: usize = 6;

fn linear(in_dim: usize, out_dim: usize) -> HeadConfig {
    HeadConfig::Linear {
        in_dim,
        out_dim,
        bias: true,
    }
}

fn activate(dim: usize, activation: Activation) -> HeadConfig {
    HeadConfig::Activate { dim, activation }
}

fn skip(layers: usize, skip_dropout: f32) -> HeadConfig {
    HeadConfig::SkipConnection {
        dim: DIM,
        layers,
        skip_dropout,
    }
}

fn stacked(out_dims: &[usize], activation: Activation) -> HeadConfig {
    HeadConfig::StackedProjection {
        in_dim: DIM,
        out_dims: out_dims.to_vec(),
        activation,
    }
}

fn sequential(parts: Vec<HeadConfig>) -> HeadConfig {
    HeadConfig::Sequential { parts }
}

fn switch(heads: &[(&str, HeadConfig)]) -> HeadConfig {
    let heads = heads.iter();
    HeadConfig::Switch {
        heads: heads
            .map(|(name, head)| ((*name).into(), head.clone()))
            .collect(),
    }
}

fn softmax() -> HeadConfig {
    HeadConfig::SoftmaxEmbeddings {
        dim: DIM,
        groups: 3,
        size: 4,
    }
}

fn question_and_picture() -> HeadConfig {
    switch(&[
        ("question", stacked(&[7, 5], Activation::Tanh)),
        ("picture", linear(DIM, 5)),
    ])
}

/// Every kind of foldable head, in several forms.
fn foldable_configs() -> Vec<HeadConfig> {
    let mut configs = vec![
        HeadConfig::Empty { dim: DIM },
        linear(DIM, 3),
        HeadConfig::Linear {
            in_dim: DIM,
            out_dim: 8,
            bias: false,
        },
        HeadConfig::Gated { dim: DIM },
        skip(1, 0.0),
        skip(3, 0.5),
        HeadConfig::Residual { dim: DIM },
        stacked(&[5], Activation::Relu),
        stacked(&[9, 7, 4], Activation::Gelu),
        HeadConfig::Widening {
            dim: DIM,
            factor: 2.5,
            activation: Activation::Tanh,
        },
        HeadConfig::Gated { dim: DIM }.with_dropout(0.3),
        HeadConfig::Empty { dim: DIM }.with_dropout(0.3),
        sequential(vec![
            HeadConfig::Empty { dim: DIM }.with_dropout(0.3),
            activate(DIM, Activation::Sigmoid),
            activate(DIM, Activation::Relu),
            HeadConfig::Gated { dim: DIM },
            linear(DIM, 4),
            linear(4, 5),
            sequential(vec![activate(5, Activation::Tanh), linear(5, 2)]),
        ]),
    ];
    configs.extend(Activation::ALL.map(|activation| activate(DIM, activation)));
    configs
}

/// Every kind of head.
pub(crate) fn configs() -> Vec<HeadConfig> {
    let mut configs = foldable_configs();
    configs.extend([softmax(), question_and_picture()]);
    configs
}

fn build(config: &HeadConfig, weights: &[Weight]) -> Box<dyn Head<Matrix>> {
    config
        .build(weights, |weight| Ok(weight.value.clone()))
        .unwrap()
}

fn build_error(config: &HeadConfig, weights: &[Weight]) -> HeadError<ShapeError> {
    let built = config.build(weights, |weight| Ok::<_, ShapeError>(weight.value.clone()));
    built.err().unwrap()
}

fn input() -> Matrix {
    Matrix::from_fn(4, DIM, |row, column| {
        ((row * DIM + column) % 11) as f32 * 0.3 - 1.0
    })
}

/// Random values for all weights, including those with constant initial values.
fn random_weights(config: &HeadConfig, seed: u64) -> Weights {
    let mut random = fastrand::Rng::with_seed(seed);
    let specs = config.specs().into_iter();
    specs
        .map(|spec| {
            let (rows, columns) = spec.shape.dims();
            let value = Matrix::from_fn(rows, columns, |_, _| random.f32() * 3.0 - 1.5);
            let name = spec.name;
            Weight { name, value }
        })
        .collect()
}

/// Foldable sequences that map length 4 to length 4.
fn sequences() -> impl Strategy<Value = HeadConfig> {
    let part = prop_oneof![
        Just(HeadConfig::Empty { dim: 4 }),
        Just(HeadConfig::Gated { dim: 4 }),
        Just(HeadConfig::Residual { dim: 4 }),
        Just(linear(4, 4)),
        (1usize..3, 0usize..2).prop_map(|(layers, half)| HeadConfig::SkipConnection {
            dim: 4,
            layers,
            skip_dropout: half as f32 * 0.5,
        }),
        (1usize..9, 0usize..5).prop_map(|(wide, i)| HeadConfig::StackedProjection {
            in_dim: 4,
            out_dims: vec![wide, 4],
            activation: Activation::ALL[i],
        }),
        (0usize..5).prop_map(|i| activate(4, Activation::ALL[i])),
    ];
    part.prop_recursive(2, 12, 4, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 1..5).prop_map(sequential),
            part.prop_map(|part| part.with_dropout(0.5)),
        ]
    })
}

/// Checks that the folded layers return the output of the head.
fn check_folding(config: &HeadConfig, seed: u64, x: &Matrix) -> Result<(), TestCaseError> {
    let head = build(config, &random_weights(config, seed));
    let expected = head.forward(x, Mode::Eval).unwrap();
    let folded = head.fold().unwrap();
    let mut found = x.clone();
    for layer in folded.layers().unwrap() {
        found = layer.forward(&found).unwrap();
    }
    prop_assert_eq!(found.dims(), expected.dims());
    let largest = expected.data().iter().fold(1.0f32, |a, b| a.max(b.abs()));
    for (a, b) in expected.data().iter().zip(found.data()) {
        prop_assert!((a - b).abs() < 1e-4 * largest, "{:?}: {} {}", config, a, b);
    }
    // All linear layers but the last are merged into their successors.
    let layers = folded.layers().unwrap();
    for layer in layers.iter().rev().skip(1) {
        prop_assert_ne!(layer.activation, Activation::Identity);
    }
    Ok(())
}

proptest! {
    #[test]
    fn folded_layers_agree_with_head(
        seed: u64,
        x in prop::collection::vec(-2.0f32..2.0, 5 * DIM),
    ) {
        let x = Matrix::new(5, DIM, x).unwrap();
        for config in foldable_configs() {
            check_folding(&config, seed, &x)?;
        }
    }

    #[test]
    fn sequential_folds_any_foldable_parts(
        config in sequences(),
        seed: u64,
        x in prop::collection::vec(-2.0f32..2.0, 3 * 4),
    ) {
        prop_assert_eq!(config.check(), Ok(()));
        check_folding(&config, seed, &Matrix::new(3, 4, x).unwrap())?;
    }

    #[test]
    fn switch_output_follows_row_order(
        seed: u64,
        names in prop::collection::vec(prop::sample::select(vec!["question", "picture"]), 1..9),
    ) {
        let config = question_and_picture();
        let head = build(&config, &random_weights(&config, seed));
        let n = names.len();
        let x = Matrix::from_fn(n, DIM, |row, column| ((row * 7 + column * 3) % 13) as f32 * 0.2);
        let ordered = head.forward_routed(&x, &names, Mode::Eval).unwrap();
        let mut order: Vec<u32> = (0..n as u32).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let shuffled: Vec<&str> = order.iter().map(|&row| names[row as usize]).collect();
        let x = x.select_rows(&order).unwrap();
        let found = head.forward_routed(&x, &shuffled, Mode::Eval).unwrap();
        prop_assert_eq!(found, ordered.select_rows(&order).unwrap());
    }
}

#[test]
fn config_dims_match_built_head() {
    for config in configs() {
        assert_eq!(config.check(), Ok(()), "{config:?}");
        let head = build(&config, &config.init(3));
        assert_eq!(config.in_dim(), DIM);
        assert_eq!(
            (config.in_dim(), config.out_dim()),
            (head.in_dim(), head.out_dim())
        );
        let names = ["question", "picture", "picture", "question"];
        let y = head.forward_routed(&input(), &names, Mode::Eval).unwrap();
        assert_eq!(y.dims(), (4, config.out_dim()), "{config:?}");
        let narrow = Matrix::zeros(4, 1);
        let result = head.forward_routed(&narrow, &names, Mode::Eval);
        assert!(result.is_err(), "{config:?}");
    }
}

#[test]
fn init_is_seeded_and_ordered_like_parameters() {
    for config in configs() {
        let weights = config.init(1);
        let mut converted = Vec::new();
        let head = config.build(&weights, |weight| {
            converted.push(weight.name.clone());
            Ok::<_, ShapeError>(weight.value.clone())
        });
        let head = head.unwrap();
        let parameters = head.parameters();
        let names: Vec<String> = parameters.iter().map(|(name, _)| name.clone()).collect();
        let expected: Vec<String> = weights.iter().map(|w| w.name.clone()).collect();
        assert_eq!(names, expected);
        assert_eq!(converted, expected);
        assert!(
            weights
                .iter()
                .zip(&parameters)
                .all(|(weight, (_, value))| weight.value == **value)
        );
        assert_eq!(config.init(1), weights);
        let specs = config.specs();
        let has_random = specs
            .iter()
            .any(|spec| matches!(spec.start, Start::Uniform(_)));
        assert_eq!(config.init(2) != weights, has_random, "{config:?}");
    }
}

#[test]
fn weight_names_match_quaterion() {
    fn names(config: HeadConfig) -> Vec<String> {
        config.specs().into_iter().map(|spec| spec.name).collect()
    }
    assert_eq!(
        names(skip(2, 0.0)),
        [
            "gates_0",
            "fc_0.weight",
            "fc_0.bias",
            "gates_1",
            "fc_1.weight",
            "fc_1.bias"
        ]
    );
    let nested = sequential(vec![
        HeadConfig::Gated { dim: DIM }.with_dropout(0.1),
        activate(DIM, Activation::Relu),
        stacked(&[3, 4], Activation::Relu),
    ]);
    assert_eq!(
        names(nested),
        [
            "_sequential.0.gates",
            "_sequential.2._stack.0.weight",
            "_sequential.2._stack.0.bias",
            "_sequential.2._stack.2.weight",
            "_sequential.2._stack.2.bias"
        ]
    );
    assert_eq!(
        names(switch(&[("b", softmax()), ("a", softmax())]))[..2],
        ["a.projection_layer.weight", "a.projection_layer.bias"]
    );
}

#[test]
fn build_rejects_wrong_weights() {
    let config = skip(1, 0.0);
    let other = HeadConfig::SkipConnection {
        dim: DIM - 1,
        layers: 1,
        skip_dropout: 0.0,
    };
    let error = build_error(&config, &other.init(0));
    assert!(matches!(error, HeadError::Shape { .. }), "{error}");
    let error = build_error(&config, &[]);
    assert!(matches!(error, HeadError::Missing { .. }), "{error}");
    let error = build_error(&config, &skip(2, 0.0).init(0));
    let HeadError::Unknown { name } = &error else {
        panic!("{error}");
    };
    assert_eq!(name, "gates_1");
    let mut twice = config.init(0);
    twice.push(twice[1].clone());
    let error = build_error(&config, &twice);
    assert!(error.to_string().contains("fc_0.weight"), "{error}");
}

#[test]
fn check_rejects_invalid_configurations() {
    let widening = |factor| HeadConfig::Widening {
        dim: DIM,
        factor,
        activation: Activation::Relu,
    };
    let groups = |groups, size| HeadConfig::SoftmaxEmbeddings {
        dim: DIM,
        groups,
        size,
    };
    let bad = [
        (HeadConfig::Empty { dim: 0 }, "length is 0"),
        (HeadConfig::Gated { dim: 65_537 }, "length is 65537"),
        (HeadConfig::Residual { dim: 0 }, "length is 0"),
        (activate(0, Activation::Relu), "length is 0"),
        (linear(0, 2), "input length is 0"),
        (linear(2, 0), "output length is 0"),
        (skip(0, 0.0), "number of layers is 0"),
        (skip(usize::MAX, 0.0), "number of layers"),
        (skip(1, 1.0), "dropout is 1"),
        (skip(1, f32::NAN), "dropout is NaN"),
        (
            HeadConfig::Gated { dim: DIM }.with_dropout(-0.1),
            "dropout is -0.1",
        ),
        (
            HeadConfig::Gated { dim: 0 }.with_dropout(0.1),
            "length is 0",
        ),
        (sequential(vec![]), "no parts"),
        (
            sequential(vec![linear(DIM, 3), linear(4, 2)]),
            "part 1 of a sequential head has input length 4, but the part before it has output \
             length 3",
        ),
        (sequential(vec![skip(1, 2.0)]), "dropout is 2"),
        (stacked(&[], Activation::Relu), "no layers"),
        (stacked(&[4, 0], Activation::Relu), "is 0"),
        (widening(0.1), "widening factor is 0.1"),
        (widening(f64::NAN), "widening factor is NaN"),
        (widening(f64::INFINITY), "widening factor is inf"),
        (widening(1e9), "widening factor is 1000000000"),
        (groups(0, 4), "number of groups is 0"),
        (groups(4, 0), "size of a group is 0"),
        (groups(60_000, 60_000), "output length is 3600000000"),
        (switch(&[]), "no heads"),
        (switch(&[("", softmax())]), "is named \"\""),
        (
            switch(&[("a", softmax()), ("a.b", softmax())]),
            "is named \"a.b\"",
        ),
        (
            switch(&[("a", softmax()), ("b", linear(DIM, 5))]),
            "same lengths",
        ),
        (
            switch(&[("a", HeadConfig::Gated { dim: 0 })]),
            "length is 0",
        ),
    ];
    for (config, expected) in bad {
        let message = config.check().unwrap_err();
        assert!(message.contains(expected), "{config:?}: {message}");
        let error = build_error(&config, &[]);
        assert_eq!(error, HeadError::Config(message));
    }
}

#[test]
fn constructors_check_custom_parts() {
    let part = |in_dim, out_dim| {
        let config = linear(in_dim, out_dim);
        build(&config, &config.init(0))
    };
    assert!(Sequential::new(vec![part(2, 3), part(3, 1)]).is_ok());
    assert!(Sequential::new(vec![part(2, 3), part(2, 3)]).is_err());
    assert!(Sequential::<Matrix>::new(vec![]).is_err());
    assert!(Dropout::new(1.0, part(2, 3)).is_err());
    let two = |out_dim| BTreeMap::from([("a".into(), part(2, 3)), ("b".into(), part(2, out_dim))]);
    assert!(Switch::new(two(3)).is_ok());
    assert!(Switch::new(two(4)).is_err());
}

#[test]
fn fold_returns_minimal_layers() {
    fn layers(config: HeadConfig) -> Option<Vec<Activation>> {
        let folded = build(&config, &config.init(5)).fold().unwrap();
        let layers = folded.layers()?.iter();
        Some(layers.map(|layer| layer.activation).collect())
    }
    use Activation::{Gelu, Identity, Relu, Tanh};
    let expected = [
        (HeadConfig::Empty { dim: DIM }, vec![]),
        (HeadConfig::Empty { dim: DIM }.with_dropout(0.5), vec![]),
        (activate(DIM, Identity), vec![]),
        (activate(DIM, Tanh), vec![Tanh]),
        (skip(3, 0.0), vec![Identity]),
        (stacked(&[5, 6, 7], Gelu), vec![Gelu, Gelu, Identity]),
        (stacked(&[5, 6, 7], Identity), vec![Identity]),
        (
            sequential(vec![
                HeadConfig::Gated { dim: DIM },
                skip(1, 0.0),
                linear(DIM, 3),
                activate(3, Relu),
                activate(3, Tanh),
                HeadConfig::Gated { dim: 3 },
                HeadConfig::Residual { dim: 3 },
            ]),
            vec![Relu, Tanh, Identity],
        ),
    ];
    for (config, expected) in expected {
        assert_eq!(layers(config.clone()), Some(expected), "{config:?}");
    }
    for config in [softmax(), question_and_picture()] {
        assert_eq!(layers(config.clone()), None);
        // Heads that contain it aren't foldable either.
        let dim = config.out_dim();
        let within = sequential(vec![config, HeadConfig::Gated { dim }]);
        assert_eq!(layers(within.with_dropout(0.5)), None);
    }
}

#[test]
fn softmax_embeddings_sum_to_one_per_group() {
    let config = softmax();
    let mut weights = random_weights(&config, 1);
    // Logits of one group far below those of another must not underflow to 0.
    weights[1].value = Matrix::from_fn(1, 12, |_, column| if column < 4 { -500.0 } else { 500.0 });
    let y = build(&config, &weights)
        .forward(&input(), Mode::Eval)
        .unwrap();
    for row in y.iter_rows() {
        for group in row.chunks(4) {
            assert!(group.iter().all(|x| (0.0..=1.0).contains(x)));
            assert!((group.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
        }
    }
}

#[test]
fn switch_maps_each_row_by_its_head() {
    let config = question_and_picture();
    let HeadConfig::Switch { heads } = &config else {
        panic!();
    };
    let weights = random_weights(&config, 9);
    let head = build(&config, &weights);
    let names = ["picture", "question", "question", "picture"];
    let y = head.forward_routed(&input(), &names, Mode::Eval).unwrap();
    for (row, name) in names.into_iter().enumerate() {
        let own = heads[name].specs().into_iter();
        let own: Weights = own
            .map(|spec| {
                let whole = format!("{name}.{}", spec.name);
                let weight = weights.iter().find(|weight| weight.name == whole).unwrap();
                Weight {
                    name: spec.name,
                    value: weight.value.clone(),
                }
            })
            .collect();
        let alone = input().select_rows(&[row as u32]).unwrap();
        let expected = build(&heads[name], &own)
            .forward(&alone, Mode::Eval)
            .unwrap();
        assert_eq!(y.row(row), expected.data(), "row {row}");
    }
}

#[test]
fn switch_requires_encoder_names() {
    let config = question_and_picture();
    let switch = build(&config, &config.init(0));
    let run = |names: &[&str]| switch.forward_routed(&input(), names, Mode::Eval);
    assert_eq!(
        switch.forward(&input(), Mode::Eval),
        Err(HeadError::Unrouted)
    );
    assert_eq!(
        run(&["picture"]),
        Err(HeadError::Names { rows: 4, names: 1 })
    );
    let error = run(&["picture", "question", "sound", "picture"]).unwrap_err();
    assert!(error.to_string().contains("\"sound\""), "{error}");
    let none = switch.forward_routed(&Matrix::zeros(0, DIM), &[], Mode::Eval);
    assert_eq!(none.unwrap().dims(), (0, 5));
    // Heads that contain a switch forward the names.
    let within = sequential(vec![config, HeadConfig::Gated { dim: 5 }]).with_dropout(0.5);
    let within = build(&within, &within.init(0));
    let names = ["picture"; 4];
    assert!(within.forward(&input(), Mode::Eval).is_err());
    assert!(within.forward_routed(&input(), &names, Mode::Eval).is_ok());
}

#[test]
fn dropout_applies_in_training_only_and_is_seeded() {
    let gated = HeadConfig::Gated { dim: DIM };
    let within = sequential(vec![gated.clone(), gated.clone().with_dropout(0.5)]);
    let configs = [skip(1, 0.5), gated.with_dropout(0.5), within];
    for config in configs {
        let head = build(&config, &config.init(3));
        let run = |mode| head.forward(&input(), mode).unwrap();
        assert_eq!(run(Mode::Eval), run(Mode::Eval));
        assert_eq!(run(Mode::Train { seed: 1 }), run(Mode::Train { seed: 1 }));
        assert_ne!(run(Mode::Train { seed: 1 }), run(Mode::Train { seed: 2 }));
        assert_ne!(run(Mode::Train { seed: 1 }), run(Mode::Eval));
    }
}

#[test]
fn dropout_keeps_mean_and_parts_draw_independently() {
    let drop = HeadConfig::Empty { dim: 1000 }.with_dropout(0.25);
    let head = build(&drop, &[]);
    let ones = Matrix::from_fn(10, 1000, |_, _| 1.0);
    let mode = Mode::Train { seed: 7 };
    let once = head.forward(&ones, mode).unwrap();
    let dropped = once.data().iter().filter(|x| **x == 0.0).count();
    assert!((2300..2700).contains(&dropped), "{dropped} of 10,000");
    let kept = once.data().iter().filter(|x| **x != 0.0);
    assert!(kept.into_iter().all(|x| (x - 1.0 / 0.75).abs() < 1e-6));
    // Two dropouts of 0.25 keep 0.75² of the elements only if they draw independent masks.
    let twice = sequential(vec![drop.clone(), drop]);
    let twice = build(&twice, &[]).forward(&ones, mode).unwrap();
    let left = twice.data().iter().filter(|x| **x != 0.0).count();
    assert!((5400..5850).contains(&left), "{left} of 10,000");
}

#[cfg(feature = "std")]
#[test]
fn head_config_json_round_trips() {
    for config in configs() {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<HeadConfig>(&json).unwrap(),
            config,
            "{json}"
        );
    }
    // A file of an early version, and optional fields.
    let skip: HeadConfig =
        serde_json::from_str(r#"{"kind":"skip_connection","dim":6,"layers":1,"skip_dropout":0.5}"#)
            .unwrap();
    assert_eq!(skip, super::tests::skip(1, 0.5));
    for (short, config) in [
        (
            r#"{"kind":"skip_connection","dim":6}"#,
            super::tests::skip(1, 0.0),
        ),
        (r#"{"kind":"linear","in_dim":6,"out_dim":2}"#, linear(6, 2)),
        (
            r#"{"kind":"widening","dim":6}"#,
            HeadConfig::Widening {
                dim: 6,
                factor: 4.0,
                activation: Activation::Relu,
            },
        ),
        (
            r#"{"kind":"stacked_projection","in_dim":6,"out_dims":[2]}"#,
            stacked(&[2], Activation::Relu),
        ),
    ] {
        assert_eq!(serde_json::from_str::<HeadConfig>(short).unwrap(), config);
    }
    for unknown in [
        r#"{"kind":"gated","dim":6,"dims":7}"#,
        r#"{"kind":"gate","dim":6}"#,
        r#"{"kind":"activate","dim":6,"activation":"swish"}"#,
        r#"{"dim":6}"#,
    ] {
        assert!(
            serde_json::from_str::<HeadConfig>(unknown).is_err(),
            "{unknown}"
        );
    }
}

#[test]
fn interpolate_from_identity_scales_single_linear_layer() {
    let weight = Matrix::from_rows(&[[3.0, 2.0], [-4.0, 1.0]]).unwrap();
    let bias = Matrix::from_rows(&[[8.0, -4.0]]).unwrap();
    let layer = |activation| {
        Folded::Layers(vec![Dense {
            weight: weight.clone(),
            bias: bias.clone(),
            activation,
        }])
    };
    let part = layer(Activation::Identity).interpolate_from_identity(0.25);
    let x = Matrix::from_rows(&[[1.0, 2.0]]).unwrap();
    let y = part.layers().unwrap()[0].forward(&x).unwrap();
    // ¾·x + ¼·(3 + 4 + 8, −4 + 2 − 4).
    assert_eq!(y.data(), [0.75 + 15.0 / 4.0, 1.5 - 6.0 / 4.0]);
    assert_eq!(
        layer(Activation::Identity).interpolate_from_identity(1.0),
        layer(Activation::Identity)
    );
    // A layer with an activation stays unchanged.
    assert_eq!(
        layer(Activation::Tanh).interpolate_from_identity(0.5),
        layer(Activation::Tanh)
    );
    assert_eq!(
        Folded::Identity.interpolate_from_identity(0.5),
        Folded::Identity
    );
}
