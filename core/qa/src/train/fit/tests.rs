use super::{epochs::RETRIES, *};
use crate::train::{ModelSelection, Recipe, learner::train_head};
use candle_core::Device;
use nearsay_core::{distance::DistanceKind, loss::LossKind};
use nearsay_store::{MemStore, Store};

const DIM: usize = 8;

/// Pairs whose answers are their questions turned: something to learn.
fn pairs(n: usize, seed: u64) -> Pairs {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut number = || random.f32() * 2.0 - 1.0;
    let rows: Vec<Vec<f32>> = (0..n)
        .map(|_| (0..DIM).map(|_| number()).collect())
        .collect();
    let turned: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| {
            let mut turned = row.clone();
            turned.rotate_left(1);
            turned
                .iter()
                .zip(row)
                .map(|(a, b)| 0.6 * a + 0.4 * b)
                .collect()
        })
        .collect();
    let matrix = |rows: &[Vec<f32>]| Matrix::from_rows(rows).unwrap();
    Pairs::new(matrix(&rows), matrix(&turned), (0..n as u64).collect()).unwrap()
}

fn settings(recipe: Recipe) -> Settings {
    Settings {
        epochs: 6,
        batch: 16,
        lr: 0.01,
        ..Settings::of(recipe, DIM)
    }
}

fn run(
    settings: &Settings,
    train: &Pairs,
    control: &Control,
    checkpoint: Option<Checkpoint<'_>>,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Fitted, TrainError> {
    let val = pairs(20, 99);
    let val = Some(&val);
    let fit = Fit {
        settings,
        train,
        val,
        validation: None,
        control,
        checkpoint,
        to_beat: None,
        vectors: None,
        guide: None,
        loss: Loss::FromSettings,
    };
    train_head(&fit, &Device::Cpu, resume, on_event)
}

fn simple(settings: &Settings, train: &Pairs) -> (Result<Fitted, TrainError>, Vec<Event>) {
    let mut events = Vec::new();
    let fitted = run(
        settings,
        train,
        &Control::new(),
        None,
        false,
        &mut |event| events.push(event),
    );
    (fitted, events)
}

#[test]
fn recipes_lower_the_loss_and_report_every_epoch() {
    for recipe in [Recipe::Quick, Recipe::Quaterion] {
        let settings = Settings {
            epochs: 30,
            ..settings(recipe)
        };
        let (fitted, events) = simple(&settings, &pairs(60, 1));
        let epochs = fitted.unwrap().epochs;
        let (first, last) = (epochs[0], epochs[epochs.len() - 1]);
        assert!(
            last.loss < first.loss * 0.9,
            "{recipe}: {} to {}",
            first.loss,
            last.loss
        );
        assert!(last.val.unwrap().rrk > first.val.unwrap().rrk, "{recipe}");
        let told = events
            .iter()
            .filter(|event| matches!(event, Event::Epoch(_)))
            .count();
        assert_eq!(told, epochs.len());
    }
}

#[test]
fn fit_is_deterministic_for_a_seed() {
    let weights = |seed| {
        let settings = Settings {
            seed,
            ..settings(Recipe::Quaterion)
        };
        simple(&settings, &pairs(40, 1)).0.unwrap().weights
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

/// Stops after every possible step, goes on, and ends where an uninterrupted run ends.
#[test]
fn resumed_run_equals_an_uninterrupted_one() {
    for (recipe, loss) in [
        (Recipe::Quick, LossKind::MultipleNegativesRanking),
        (Recipe::Quaterion, LossKind::MultipleNegativesRanking),
        // Its kernel is part of the checkpoint.
        (Recipe::Quick, LossKind::ArcFace),
    ] {
        let (settings, train) = (settings(recipe).with_loss(loss), pairs(40, 1));
        let whole = simple(&settings, &train).0.unwrap();
        for stop_after in 1..=settings.epochs {
            let store = MemStore::new();
            let checkpoint = Checkpoint::new(&store, "run".into());
            let control = Control::new();
            let mut epochs = 0;
            let part = run(
                &settings,
                &train,
                &control,
                Some(checkpoint.clone()),
                false,
                &mut |event| {
                    epochs += usize::from(matches!(event, Event::Epoch(_)));
                    if epochs == stop_after {
                        control.stop();
                    }
                },
            );
            assert_eq!(part.unwrap().stopped, stop_after < whole.epochs.len());
            let resumed = run(
                &settings,
                &train,
                &Control::new(),
                Some(checkpoint),
                true,
                &mut |_| {},
            )
            .unwrap();
            assert_eq!(
                resumed.weights, whole.weights,
                "{recipe}, stopped after {stop_after}"
            );
            assert_eq!(resumed.kept_epoch, whole.kept_epoch);
            let figures = |fitted: &Fitted| -> Vec<_> {
                fitted
                    .epochs
                    .iter()
                    .map(|e| (e.loss, e.train, e.val))
                    .collect()
            };
            assert_eq!(figures(&resumed), figures(&whole));
        }
    }
}

#[test]
fn resume_rejects_checkpoints_of_other_runs() {
    let store = MemStore::new();
    let checkpoint = || Some(Checkpoint::new(&store, "run".into()));
    let (settings, train) = (settings(Recipe::Quick), pairs(40, 1));
    run(
        &settings,
        &train,
        &Control::new(),
        checkpoint(),
        false,
        &mut |_| {},
    )
    .unwrap();
    let other = Settings {
        lr: 0.02,
        ..settings.clone()
    };
    let error = run(
        &other,
        &train,
        &Control::new(),
        checkpoint(),
        true,
        &mut |_| {},
    )
    .unwrap_err();
    assert!(matches!(error, TrainError::OtherRun), "{error}");
    let data = pairs(40, 2);
    let error = run(
        &settings,
        &data,
        &Control::new(),
        checkpoint(),
        true,
        &mut |_| {},
    )
    .unwrap_err();
    assert!(matches!(error, TrainError::OtherRun), "{error}");
    store.write_atomic("run".as_ref(), b"rubbish").unwrap();
    let error = run(
        &settings,
        &train,
        &Control::new(),
        checkpoint(),
        true,
        &mut |_| {},
    )
    .unwrap_err();
    assert!(matches!(error, TrainError::Checkpoint(_)), "{error}");
}

#[test]
fn nan_input_ends_the_run_as_diverged() {
    let mut train = pairs(40, 1);
    let mut data = train.anchors.clone().into_data();
    data[3] = f32::NAN;
    train.anchors = Matrix::new(40, DIM, data).unwrap();
    let (fitted, events) = simple(&settings(Recipe::Quaterion), &train);
    let error = fitted.unwrap_err();
    assert!(
        matches!(error, TrainError::Diverged { epoch: 0, .. }),
        "{error}"
    );
    let notes = events
        .iter()
        .filter(|event| matches!(event, Event::Note(_)))
        .count();
    assert_eq!(notes, RETRIES);
}

/// With a step size just beyond what numbers can hold, the run goes back, halves it and gets
/// through; no weight is ever anything but finite.
#[test]
fn divergence_restores_the_last_good_state_and_halves_lr() {
    let train = pairs(40, 1);
    let recovered = (0..120).find_map(|i| {
        let settings = Settings {
            lr: 1e10 * 1.3f64.powi(i),
            distance: DistanceKind::DotProduct,
            selection: ModelSelection::Last,
            ..settings(Recipe::Quick)
        };
        let (fitted, events) = simple(&settings, &train);
        let notes = events
            .iter()
            .filter(|event| matches!(event, Event::Note(_)))
            .count();
        fitted.ok().filter(|_| notes > 0)
    });
    let fitted = recovered.expect("some step size fails where its half does not");
    assert_eq!(fitted.epochs.len(), 6);
    for weight in &fitted.weights {
        assert!(
            weight.value.data().iter().all(|x| x.is_finite()),
            "{}",
            weight.name
        );
    }
}

#[test]
fn untrained_head_is_kept_when_no_epoch_is_better() {
    // Answers equal to their questions: no state can beat the identity.
    let anchors = pairs(60, 1).anchors;
    let train = Pairs::new(anchors.clone(), anchors, (0..60).collect()).unwrap();
    let fitted = simple(&settings(Recipe::Quick), &train).0.unwrap();
    assert_eq!(fitted.kept_epoch, None);
    assert!(fitted.weights[0].value.data().iter().all(|&x| x == 0.0));
    assert!(fitted.epochs.len() <= 6);
}

#[test]
fn fit_rejects_unusable_data_and_settings() {
    let error = simple(&settings(Recipe::Quick), &Pairs::default())
        .0
        .unwrap_err();
    assert!(matches!(error, TrainError::TooFew { pairs: 0 }), "{error}");
    let bad = Settings {
        lr: -1.0,
        ..settings(Recipe::Quick)
    };
    assert!(matches!(
        simple(&bad, &pairs(9, 1)).0,
        Err(TrainError::Settings(_))
    ));
    let wide = Settings::of(Recipe::Quick, DIM + 1);
    assert!(matches!(
        simple(&wide, &pairs(9, 1)).0,
        Err(TrainError::Settings(_))
    ));
}

#[test]
fn fit_runs_on_few_pairs() {
    for n in 2..8 {
        let fitted = simple(&settings(Recipe::Quick), &pairs(n, 1)).0.unwrap();
        assert!(!fitted.epochs.is_empty());
    }
}
