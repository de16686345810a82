use super::{Dataset, Error, QaModel, TextEncoder, Trainer};
use crate::train::{Event, ModelSelection, Recipe, TrainError};
use candle_core::{DType, Device, Tensor, Var};
use nearsay_core::{
    encoder::Encoder,
    head::{Folded, Head, HeadConfig, HeadError, Mode},
    loss::{ArcFace, Circle, GroupLoss, LossKind, PairLoss, split_pairs},
    sample::{BatchError, PairTargets},
};
use std::ops::ControlFlow;

type CandleError = candle_core::Error;

/// Twelve answers with two questions each.
fn data() -> Dataset {
    let topics = [
        "card", "fine", "parking", "printing", "rooms", "hours", "children", "books", "music",
        "wifi", "coffee", "events",
    ];
    Dataset::from_pairs(topics.iter().flat_map(|topic| {
        let answer = format!("Everything about {topic} is on page {topic}.");
        [
            (format!("What about {topic}?"), answer.clone()),
            (format!("I have a question on {topic}"), answer),
        ]
    }))
}

fn builtin() -> TextEncoder {
    TextEncoder::builtin().unwrap()
}

/// `y = x·W`
struct Linear(Var);

impl Linear {
    fn new(dim: usize, out: usize) -> Self {
        Self(Var::randn(0f32, 0.1, (dim, out), &Device::Cpu).unwrap())
    }
}

impl Head<Tensor> for Linear {
    fn in_dim(&self) -> usize {
        self.0.dims()[0]
    }

    fn out_dim(&self) -> usize {
        self.0.dims()[1]
    }

    fn forward(&self, x: &Tensor, _mode: Mode) -> Result<Tensor, HeadError<CandleError>> {
        Ok(x.matmul(&self.0)?)
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        vec![("weight".into(), &self.0)]
    }

    fn fold(&self) -> Result<Folded, HeadError<CandleError>> {
        Ok(Folded::Impossible("a test".into()))
    }
}

/// Mean squared distance of the pairs, and of pairs that don't belong together its negative.
struct Nearer;

impl PairLoss<Tensor> for Nearer {
    fn forward(
        &self,
        x: &Tensor,
        targets: &PairTargets,
    ) -> Result<Tensor, BatchError<CandleError>> {
        let (a, b) = split_pairs(x, targets)?;
        let near = (&a - &b)?.sqr()?.mean_all()?;
        let far = (&a - b.roll(1, 0)?)?.sqr()?.mean_all()?;
        Ok((near - far)?.reshape((1, 1))?)
    }
}

/// Letter counts times a matrix.
struct Letters(Var);

impl Encoder<Tensor> for Letters {
    type Input = str;
    type Error = CandleError;

    fn dim(&self) -> usize {
        16
    }

    fn trainable(&self) -> bool {
        true
    }

    fn encode(&self, texts: &[&str]) -> Result<Tensor, CandleError> {
        let letters = texts.iter().flat_map(|text| {
            ('a'..='z').map(move |letter| text.to_lowercase().matches(letter).count() as f32)
        });
        let counts = Tensor::from_iter(letters, &Device::Cpu)?;
        counts.reshape((texts.len(), 26))?.matmul(&self.0)
    }

    fn parameters(&self) -> Vec<(&str, &Tensor)> {
        vec![("projection", &self.0)]
    }
}

fn best(model: &QaModel, question: &str) -> String {
    let found = model.ask(question, 1).unwrap();
    found.first().unwrap().answer.answer.clone()
}

#[test]
fn trained_model_answers_evaluates_and_opens_as_it_was_saved() {
    let data = data().split(0.25, 1).unwrap();
    let model = Trainer::new(builtin()).epochs(3).fit(&data).unwrap();
    assert_eq!(model.answers().len(), 12);
    let figures = model.evaluate(&data.validation).unwrap();
    assert_eq!((figures.questions, figures.pool), (6, 12));
    assert!(figures.recall_5 > 0.5, "{figures}");

    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("model");
    model.save(&dir).unwrap();
    let opened = QaModel::open(&dir).unwrap();
    for question in ["What about parking?", "is there wifi", "coffee"] {
        let [a, b] = [&model, &opened].map(|model| model.ask(question, 3).unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.answer, b.answer, "{question}");
            assert!((a.score - b.score).abs() < 1e-5, "{question}");
        }
    }
    assert_eq!(opened.evaluate(&data.validation).unwrap(), figures);
    let copy = dir.with_file_name("copy");
    opened.save(&copy).unwrap();
    assert_eq!(
        best(&QaModel::open(&copy).unwrap(), "coffee"),
        best(&model, "coffee")
    );
}

#[test]
fn every_loss_trains_heads_and_token_embeddings() {
    for kind in LossKind::ALL {
        for has_head in [false, true] {
            let encoder = builtin();
            let head = HeadConfig::Gated { dim: encoder.dim() };
            let mut trainer = Trainer::new(encoder).loss_kind(kind).epochs(2);
            if has_head {
                trainer = trainer.head_config(head);
            }
            let trainer = trainer.selection(ModelSelection::Last).batch_size(8);
            let mut epochs = Vec::new();
            let model = trainer.fit_with(&data(), &mut |event| {
                if let Event::Epoch(epoch) = event {
                    epochs.push(epoch.loss);
                }
                ControlFlow::Continue(())
            });
            let model = model.unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert!(
                epochs.iter().all(|loss| loss.is_finite()),
                "{kind} {epochs:?}"
            );
            assert_eq!(epochs.len(), 2, "{kind}");
            assert!(epochs[1] < epochs[0], "{kind} {epochs:?}");
            assert!(best(&model, "What about wifi?").contains("wifi"), "{kind}");
        }
    }
}

#[test]
fn loss_head_and_encoder_of_the_callers_train_together() {
    let letters = Letters(Var::randn(0f32, 0.3, (26, 16), &Device::Cpu).unwrap());
    let before = letters.0.as_detached_tensor().to_vec2::<f32>().unwrap();
    let variable = letters.0.clone();
    let trainer = Trainer::new(TextEncoder::custom(letters))
        .head(Linear::new(16, 8))
        .loss(Nearer)
        .epochs(4)
        .learning_rate(0.01)
        .selection(ModelSelection::Last);
    let mut losses = Vec::new();
    let model = trainer
        .fit_with(&data(), &mut |event| {
            if let Event::Epoch(epoch) = event {
                losses.push(epoch.loss);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(losses[3] < losses[0], "{losses:?}");
    assert_ne!(variable.to_vec2::<f32>().unwrap(), before);
    assert_eq!(model.embed(&["wifi"]).unwrap().columns(), 8);
    assert!(model.evaluate(&data()).is_ok());
    let error = model.save("never").unwrap_err();
    assert!(matches!(error, Error::NotPortable { part: "an encoder" }));
}

#[test]
fn head_that_cannot_be_folded_is_served_from_memory() {
    let encoder = builtin();
    let head = Linear::new(encoder.dim(), 24);
    let trainer = Trainer::new(encoder).head(head).epochs(3);
    let trainer = trainer.group_loss(Circle::default());
    let model = trainer
        .selection(ModelSelection::Last)
        .fit(&data())
        .unwrap();
    assert_eq!(model.embed(&["wifi"]).unwrap().columns(), 24);
    assert!(best(&model, "What about wifi?").contains("wifi"));
    let error = model.save("never").unwrap_err();
    assert!(matches!(error, Error::NotPortable { part: "a head" }));
}

#[test]
fn parameters_that_are_no_variables_are_rejected() {
    let encoder = builtin();
    let kernel = Tensor::zeros((12, encoder.dim()), DType::F32, &Device::Cpu).unwrap();
    let loss = ArcFace::new(kernel.clone());
    assert_eq!(GroupLoss::<Tensor>::parameters(&loss).len(), 1);
    let head = HeadConfig::Gated { dim: encoder.dim() };
    let trainer = Trainer::new(encoder).head_config(head).group_loss(loss);
    let error = trainer.fit(&data()).unwrap_err();
    let Error::Train(TrainError::NotAVariable(error)) = error else {
        panic!("{error}");
    };
    assert_eq!(error.name, "kernel");

    let kernel = Var::from_tensor(&kernel.ones_like().unwrap()).unwrap();
    let loss = ArcFace::new(kernel.as_tensor().clone());
    let trainer = Trainer::new(builtin()).group_loss(loss).epochs(1);
    trainer
        .selection(ModelSelection::Last)
        .fit(&data())
        .unwrap();
}

#[test]
fn observer_stops_the_run() {
    let trainer = Trainer::new(builtin()).recipe(Recipe::Quaterion);
    let mut epochs = 0;
    let model = trainer.fit_with(&data(), &mut |event| {
        epochs += usize::from(matches!(event, Event::Epoch(_)));
        if epochs == 2 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(epochs, 2);
    let model = model.unwrap();
    assert!(model.report().unwrap().stopped);
}

#[test]
fn dataset_without_answers_is_an_error() {
    let none = Dataset::from_pairs::<String, String>([]);
    assert!(none.is_empty() && none.split(0.2, 1).is_err());
    let error = Trainer::new(builtin()).fit(&none).unwrap_err();
    assert!(
        matches!(error, Error::Train(TrainError::TooFew { .. })),
        "{error}"
    );
}
