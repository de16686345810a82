use super::*;
use crate::{
    cache::OnProgress,
    train::{ModelSelection, Recipe, Task},
};
use nearsay_bert::{SentenceEncoder, test_util::tiny_tokenizer};
use nearsay_core::loss::LossKind;
use nearsay_model::{
    BertConfig,
    test_util::{folder, synthetic_weights, tiny_model_files},
};
use nearsay_store::MemStore;
use nearsay_text::{
    compact::StaticEmbeddings,
    wordpiece::{Vocabulary, WordPiece},
};

use serde_json::json;
use std::ops::ControlFlow;

const DIM: usize = 16;

/// An encoder with `n` question words, `n` answer words, and a word that every held-out question contains.
fn encoder(n: usize) -> StaticEncoder<'static> {
    let mut tokens = String::from("[UNK]\naside");
    for i in 0..n {
        tokens.push_str(&format!("\nask{i}\nanswer{i}"));
    }
    let words = WordPiece::new(Vocabulary::parse(&tokens).unwrap());
    let mut random = fastrand::Rng::with_seed(5);
    let table = Matrix::from_fn(2 + 2 * n, DIM, |_, _| random.f32() * 2.0 - 1.0);
    StaticEncoder::new(words, StaticEmbeddings::Full(table)).unwrap()
}

fn trained(n: usize) -> Trained {
    let encoder = encoder(n);
    let rows = |what: &str| -> Vec<Row> {
        (0..n)
            .map(|i| Row {
                line: i as u64 + 1,
                question: format!("ask{i}{what}"),
                answer: format!("answer{i}"),
                ..Row::default()
            })
            .collect()
    };
    let settings = Settings {
        epochs: 1,
        batch: 8,
        ..Settings::of(Recipe::Quick, DIM)
    };
    run(&encoder, &rows(""), &rows(" aside"), &settings)
}

/// Runs a job with a static encoder.
pub(super) fn run(
    encoder: &StaticEncoder<'_>,
    rows: &[Row],
    held_out: &[Row],
    settings: &Settings,
) -> Trained {
    let job = Job {
        rows,
        held_out,
        settings,
        source: Source::Static(encoder),
        encoder: "made up",
        device: &Device::Cpu,
        control: &Control::new(),
        baseline: Baseline::default(),
        checkpoint: None,
        loss: Loss::FromSettings,
        head: None,
    };
    job.run(false, &mut |_| {}).unwrap().unwrap()
}

/// Held-out questions don't find themselves.
#[test]
fn calibration_is_measured_on_held_out_questions() {
    let run = trained(24);
    let calibration = run.confidence.calibration.unwrap();
    assert_eq!(calibration.questions(), 24);
    let right = run.report.known_answers.unwrap().after.recall_1 * 24.0;
    // The calibration adds one right and one wrong answer to the observations.
    let said: f64 = calibration
        .blocks()
        .iter()
        .map(|block| f64::from(block.probability) * block.questions as f64)
        .sum();
    assert!((f64::from(right) - said).abs() < 2.0, "{right} {said}");
    for block in calibration.blocks() {
        assert!(block.score < 0.999, "{calibration:?}");
    }
    assert_eq!(trained(19).confidence.calibration, None);
}

const TOKENS: [&str; 3] = ["a", "b", "ab"];

/// Question `i` and its paraphrase, with an answer of three words.
fn spelled(i: usize, last: &str) -> String {
    let [one, two] = [TOKENS[i % 3], TOKENS[i / 3 % 3]];
    format!("{one} {two} {last}")
}

/// Settings that train on all rows for three epochs and keep the last.
fn to_the_end() -> Settings {
    Settings {
        epochs: 3,
        batch: 4,
        lr: 1e-2,
        selection: ModelSelection::Last,
        ..Settings::of(Recipe::Thorough, 32)
    }
}

/// Runs a job with a tiny transformer; the callback can stop it.
fn tuned(
    store: &MemStore,
    settings: &Settings,
    resume: bool,
    mut on_event: impl FnMut(Event) -> ControlFlow<()>,
) -> Trained {
    let files = ModelFiles::open(store, "base".as_ref()).unwrap();
    let rows: Vec<Row> = (0..9)
        .map(|i| Row {
            line: i as u64 + 1,
            question: spelled(i, "?"),
            answer: spelled(i, "b b"),
            ..Row::default()
        })
        .collect();
    let encoder = SentenceEncoder::load(&files, &Device::Cpu).unwrap();
    let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
        Ok(Some(encoder.encode_all(texts, on_progress)?))
    };
    let control = &Control::new();
    let job = Job {
        rows: &rows,
        held_out: &rows[..2],
        settings,
        source: Source::Network {
            files: &files,
            cache: Some(EmbeddingCache::new(store, "cache".as_ref(), "tiny", 32)),
            encode: &mut encode,
        },
        encoder: "tiny",
        device: &Device::Cpu,
        control,
        baseline: Baseline::default(),
        checkpoint: Some(Checkpoint::new(store, "run".into())),
        loss: Loss::FromSettings,
        head: None,
    };
    let mut on_event = |event| {
        if on_event(event).is_break() {
            control.stop();
        }
    };
    job.run(resume, &mut on_event).unwrap().unwrap()
}

fn go_on(_: Event) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn tiny() -> MemStore {
    let config = json!({
        "model_type": "bert", "vocab_size": 8, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 1, "intermediate_size": 32, "max_position_embeddings": 16,
        "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
    });
    let config = config.to_string().into_bytes();
    let mut random = fastrand::Rng::with_seed(2);
    let weights = synthetic_weights(
        &BertConfig::from_json(&config).unwrap(),
        "",
        |name, data, _| {
            let one = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            for bytes in data.as_chunks_mut::<4>().0 {
                *bytes = (one + 0.5 * (random.f32() - 0.5)).to_le_bytes();
            }
        },
    );
    let mut files = tiny_model_files(&tiny_tokenizer());
    for (name, bytes) in &mut files {
        match name.as_str() {
            "config.json" => bytes.clone_from(&config),
            "model.safetensors" => bytes.clone_from(&weights),
            _ => {}
        }
    }
    folder("base", &files)
}

#[test]
fn transformer_improves_on_its_training_data() {
    let store = tiny();
    let trained = tuned(&store, &to_the_end(), false, go_on);
    let report = &trained.report;
    let (before, after) = (report.before.unwrap(), report.after.unwrap());
    assert!(after.mrr_10 > before.mrr_10, "{before:?} {after:?}");
    // The vectors are those of the saved transformer.
    let weights = trained.network.unwrap();
    let files = ModelFiles::open(&store, "base".as_ref()).unwrap();
    let encoder = SentenceEncoder::load(&files.with_weights(weights), &Device::Cpu).unwrap();
    let texts = trained.answers.texts();
    let vectors = encoder.encode_all(&texts, &mut |_, _| ControlFlow::Continue(()));
    assert_eq!(vectors.unwrap(), trained.vectors);
}

#[test]
fn transformer_trains_under_every_loss() {
    for kind in LossKind::ALL {
        let settings = to_the_end().with_loss(kind);
        let mut losses = Vec::new();
        tuned(&tiny(), &settings, false, |event| {
            if let Event::Epoch(epoch) = event {
                losses.push(epoch.loss);
            }
            ControlFlow::Continue(())
        });
        assert_eq!(losses.len(), 3, "{kind}");
        assert!(losses.iter().all(|loss| loss.is_finite()), "{kind}");
        assert_ne!(losses[2], losses[0], "{kind}: training changes the loss");
    }
}

#[test]
fn stopped_transformer_run_resumes_to_same_result() {
    let whole = tuned(&tiny(), &to_the_end(), false, go_on);
    let store = tiny();
    let part = tuned(&store, &to_the_end(), false, |event| match event {
        Event::Epoch(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(part.report.stopped && part.report.epochs == 1);
    let rest = tuned(&store, &to_the_end(), true, go_on);
    assert_eq!(rest.report.epochs, 3);
    assert!(rest.network == whole.network);
}

/// Settings that hold out three of the nine questions for validation.
fn checked() -> Settings {
    Settings {
        selection: ModelSelection::RejectIfWorse { fraction: 0.3 },
        ..to_the_end()
    }
}

/// Runs a job and returns the result with the progress of the refit; the run can stop at its first event.
fn run_checked(settings: &Settings, stop: bool) -> (Vec<f32>, Trained) {
    let mut shares = Vec::new();
    let trained = tuned(&tiny(), settings, false, |event| match event {
        Event::Refit { share, .. } => {
            shares.push(share);
            if stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        _ => ControlFlow::Continue(()),
    });
    (shares, trained)
}

#[test]
fn transformer_is_refitted_on_all_data() {
    let (shares, trained) = run_checked(&checked(), false);
    assert_eq!(shares, [1.0 / 3.0, 2.0 / 3.0, 1.0]);
    assert_eq!(trained.report.kept_epoch, Some(2));
    let straight = tuned(&tiny(), &to_the_end(), false, go_on);
    assert!(trained.network.is_some() && trained.network == straight.network);
    // Stopping the refit keeps the validated model.
    let (shares, stopped) = run_checked(&checked(), true);
    assert_eq!(shares.len(), 1);
    assert!(stopped.network.is_some() && stopped.network != trained.network);
}

#[test]
fn transformer_without_gain_is_kept() {
    let settings = Settings {
        lr: 1e-12,
        ..checked()
    };
    let (_, same) = run_checked(&settings, false);
    assert!(same.network.is_some());
    assert_eq!(same.report.kept_epoch, Some(2));
}

/// Rows of forty answers with one question each.
fn forty() -> Vec<Row> {
    (0..40)
        .map(|i| Row {
            question: format!("ask{i}"),
            answer: format!("answer{i}"),
            ..Row::default()
        })
        .collect()
}

/// A head must be better, a transformer must not be worse.
#[test]
fn model_selection_depends_on_gain() {
    let encoder = encoder(40);
    let rows = forty();
    let head = Settings {
        selection: ModelSelection::RejectIfWorse { fraction: 0.3 },
        ..Settings::of(Recipe::Quick, DIM)
    };
    let transformer = Settings {
        trainable: Trainable::FullModel,
        ..head.clone()
    };
    let texts: Vec<&str> = rows
        .iter()
        .flat_map(|row| [row.question.as_str(), row.answer.as_str()])
        .collect();
    // Each question equals its answer, or the answer of the next row.
    let vectors = |shift: usize| {
        Matrix::from_fn(80, 40, |text, x| {
            f32::from((text / 2 + shift * (text % 2)) % 40 == x)
        })
    };
    let (good, bad) = (vectors(0), vectors(1));
    let control = Control::new();
    let kept = |settings: &Settings, rows: &[Row], before, after| {
        let job = Job {
            encoder: "made up",
            ..Job::new(rows, settings, Source::Static(&encoder), &control)
        };
        let place = Places {
            of: texts.iter().copied().zip(0..).collect(),
            vectors: before,
        };
        let mut train = |_: usize, _: &[usize]| Ok(Some(Matrix::clone(after)));
        let exam = job.examine(&place, &job.folds(), after, &mut train);
        job.decide(&place, exam.unwrap()).unwrap().0
    };
    for (before, after, better, no_worse) in [
        (&bad, &good, true, true),
        (&good, &bad, false, false),
        (&good, &good, false, true),
    ] {
        assert_eq!(kept(&head, &rows, before, after), better);
        assert_eq!(kept(&transformer, &rows, before, after), no_worse);
    }
    // Without questions there is no evidence.
    assert!(!kept(&head, &rows[..3], &bad, &good));
    assert!(!kept(&transformer, &rows[..3], &bad, &good));
    let last = Settings {
        selection: ModelSelection::Last,
        ..head
    };
    assert!(kept(&last, &rows, &good, &bad));
}

/// Rows of `n` answers with three questions each, of an encoder with as many words.
fn three_each(n: usize) -> Vec<Row> {
    let words = |what: &str, i: usize| format!("{what}{} ask{i}", i % 8);
    let row = |i: usize| Row {
        line: i as u64 + 1,
        question: words("ask", i),
        paraphrases: vec![words("answer", i), format!("ask{i} ask{i} aside")],
        answer: format!("answer{i}"),
        ..Row::default()
    };
    (0..n).map(row).collect()
}

#[test]
fn every_question_is_asked_once_for_each_task_and_learned_from() {
    let (encoder, rows) = (encoder(40), three_each(40));
    let settings = Settings {
        epochs: 2,
        ..Settings::of(Recipe::Quick, DIM)
    };
    let trained = run(&encoder, &rows, &[], &settings);
    let report = &trained.report;
    assert_eq!((report.train_rows, report.held_out), (120, 0));
    assert_eq!(
        report.protocol,
        Some(report::Protocol::CrossValidation { folds: 10 })
    );
    let (known, new) = (report.known_answers.unwrap(), report.new_answers.unwrap());
    for figures in [known.before, known.after, new.before, new.after] {
        assert_eq!((figures.questions, figures.pool), (120, 40));
    }
    assert_eq!(report.headline(), Some(known));
    assert!(known.difference.is_some() && report.difference == known.difference);
    // The figures of the tutorial's task keep their former names.
    assert_eq!(report.after, Some(new.after));
    let known_outcomes = trained
        .outcomes
        .iter()
        .filter(|outcome| outcome.task == Task::KnownAnswers);
    let right = known_outcomes.clone().filter(|outcome| outcome.is_right());
    assert_eq!(known_outcomes.count(), 120);
    assert!((right.count() as f32 / 120.0 - known.after.recall_1).abs() < 1e-6);
    assert_eq!(trained.outcomes.len(), 240);
    // Another seed asks the same questions.
    let other = run(&encoder, &rows, &[], &settings.clone().with_seed(7));
    let known_before = |trained: &Trained| trained.report.known_answers.unwrap().before;
    let (one, other) = (known_before(&trained), known_before(&other));
    assert!(
        (one.recall_1 - other.recall_1).abs() < 0.05,
        "{one:?} {other:?}"
    );
}

#[test]
fn earlier_outcomes_are_the_figures_of_before() {
    let (encoder, rows) = (encoder(40), three_each(40));
    let settings = Settings {
        epochs: 2,
        ..Settings::of(Recipe::Quick, DIM)
    };
    let first = run(&encoder, &rows, &[], &settings);
    let again = |rows: &[Row]| {
        let control = Control::new();
        let job = Job {
            baseline: Baseline::Outcomes(&first.outcomes),
            ..Job::new(rows, &settings, Source::Static(&encoder), &control)
        };
        job.run(false, &mut |_| {}).unwrap().unwrap().report
    };
    let (same, figures) = (again(&rows), first.report.known_answers.unwrap().after);
    assert_eq!(same.compared_with, report::ComparedWith::Previous);
    assert_eq!(same.difference, Some(report::Difference::NotMeasurable));
    // The same ranks; only the number of right answers at other ranks than the first may be rounded.
    let before = same.known_answers.unwrap().before;
    assert!((before.mrr_10 - figures.mrr_10).abs() < 1e-6);
    // An edit of the data doesn't change the figures of an earlier training.
    let mut edited = rows.clone();
    edited[0].question = "ask39 aside".into();
    let edited = again(&edited);
    assert_eq!(edited.known_answers.unwrap().before, before);
    assert!(edited.difference.is_some());
    // Other questions can't be compared.
    let mut other = rows.clone();
    for row in &mut other {
        row.answer.push_str(" aside");
    }
    assert_eq!(again(&other).difference, None);
}
