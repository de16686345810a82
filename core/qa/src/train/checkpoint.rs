//! Checkpoints: one safetensors file with every array, and the rest as JSON in its metadata. A run resumed
//! from a checkpoint equals one that never stopped, bit for bit.

use super::{TrainError, event::Epoch};
use nearsay_core::{
    candle::adam::AdamState,
    head::{Weight, Weights},
    matrix::Matrix,
    metric::{RetrievalPrecision, RetrievalReciprocalRank},
};
use nearsay_store::{ErrorKind, Store};
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap, path::PathBuf};

/// Size limit of a checkpoint: weights and moments of some 300 million parameters.
const LIMIT: u64 = 4 << 30;

/// Version of the format.
const FORMAT: u32 = 1;

/// Key of the JSON in the file's metadata.
const KEY: &str = "nearsay_run";

/// Weights and the optimiser's state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The weights, followed by those of the loss.
    pub weights: Weights,
    /// The optimiser's moments and step count.
    pub adam: AdamState,
}

/// The best state so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Best {
    /// Epoch of the state; none for the initial state.
    pub epoch: Option<usize>,
    /// Validation score; higher is better.
    pub score: f32,
    /// Weights of the state.
    pub weights: Weights,
}

/// Sums over the present epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Loss of each batch times its pairs.
    pub loss: f64,
    /// Pairs seen.
    pub pairs: usize,
    /// `rp@1`, weighted by batch size.
    pub rp_1: RetrievalPrecision,
    /// `rrk`, weighted by batch size.
    pub rrk: RetrievalReciprocalRank,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            loss: 0.0,
            pairs: 0,
            rp_1: RetrievalPrecision::new(1),
            rrk: RetrievalReciprocalRank::default(),
        }
    }
}

/// The state of a run. Settings, data and this state determine the rest of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Hash of the settings and the data.
    pub run: String,
    /// The present epoch, from 0.
    pub epoch: usize,
    /// Steps done in it.
    pub batch: usize,
    /// The present weights; unused at the start of an epoch, where they equal `good`.
    pub now: Snapshot,
    /// The state at the start of the epoch, restored after divergence.
    pub good: Snapshot,
    /// Factor on the learning rate; halved after each divergence.
    pub lr_scale: f64,
    /// Number of divergences.
    pub retries: usize,
    /// The best state, if the settings select by validation.
    pub best: Option<Best>,
    /// Epochs since the best.
    pub since_best: usize,
    /// Sums over the present epoch.
    pub sums: Sums,
    /// The epochs done.
    pub epochs: Vec<Epoch>,
}

/// The part of a [`State`] that is JSON.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    run: String,
    epoch: usize,
    batch: usize,
    now_step: u64,
    good_step: u64,
    lr_scale: f64,
    retries: usize,
    best: Option<(Option<usize>, f32)>,
    since_best: usize,
    sums: Sums,
    epochs: Vec<Epoch>,
    /// Names of the weights, in order.
    names: Vec<String>,
}

/// A place for the state of a run.
#[derive(Clone, Debug)]
pub struct Checkpoint<'a> {
    store: &'a dyn Store,
    path: PathBuf,
}

impl<'a> Checkpoint<'a> {
    /// A checkpoint in this file.
    #[must_use]
    pub fn new(store: &'a dyn Store, path: PathBuf) -> Self {
        Self { store, path }
    }

    /// Replaces the saved state atomically.
    ///
    /// # Errors
    /// When the store fails; the former state is then still there.
    pub fn save(&self, state: &State) -> Result<(), TrainError> {
        Ok(self.store.write_atomic(&self.path, &to_bytes(state)?)?)
    }

    /// Reads the saved state, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self) -> Result<Option<State>, TrainError> {
        match self.store.read(&self.path, LIMIT) {
            Ok(bytes) => from_bytes(&bytes).map(Some).map_err(TrainError::Checkpoint),
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the saved state.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove(&self) -> Result<(), TrainError> {
        Ok(self.store.remove(&self.path)?)
    }
}

/// A matrix as a tensor of a file, converted to bytes only while it is written.
struct Array<'a>(&'a Matrix, [usize; 2]);

impl View for Array<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.to_le_bytes().into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.0.data())
    }
}

/// Every array of a state with its name in the file.
fn arrays(state: &State) -> Vec<(String, &Matrix)> {
    fn add<'a>(list: &mut Vec<(String, &'a Matrix)>, part: &str, snapshot: &'a Snapshot) {
        let weights = snapshot.weights.iter().map(|weight| &weight.value);
        let moments = snapshot.adam.first.iter().chain(&snapshot.adam.second);
        let names = ["weight", "first", "second"];
        let n = snapshot.weights.len().max(1);
        for (i, value) in weights.chain(moments).enumerate() {
            list.push((format!("{part}.{}.{}", names[(i / n).min(2)], i % n), value));
        }
    }
    let mut list = Vec::new();
    add(&mut list, "good", &state.good);
    if state.batch > 0 {
        add(&mut list, "now", &state.now);
    }
    for (i, weight) in state.best.iter().flat_map(|best| &best.weights).enumerate() {
        list.push((format!("best.weight.{i}"), &weight.value));
    }
    list
}

fn to_bytes(state: &State) -> Result<Vec<u8>, TrainError> {
    let wrap = |error: &dyn std::fmt::Display| TrainError::Checkpoint(error.to_string());
    let header = Header {
        format: FORMAT,
        run: state.run.clone(),
        epoch: state.epoch,
        batch: state.batch,
        now_step: state.now.adam.step,
        good_step: state.good.adam.step,
        lr_scale: state.lr_scale,
        retries: state.retries,
        best: state.best.as_ref().map(|best| (best.epoch, best.score)),
        since_best: state.since_best,
        sums: state.sums.clone(),
        epochs: state.epochs.clone(),
        names: state
            .good
            .weights
            .iter()
            .map(|weight| weight.name.clone())
            .collect(),
    };
    let header = serde_json::to_string(&header).map_err(|e| wrap(&e))?;
    let views = arrays(state).into_iter().map(|(name, value)| {
        let shape = [value.rows(), value.columns()];
        (name, Array(value, shape))
    });
    let metadata = HashMap::from([(KEY.to_owned(), header)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| wrap(&e))
}

fn from_bytes(bytes: &[u8]) -> Result<State, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let header = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
    let header = header.ok_or("it is not the state of a run")?;
    let header: Header =
        serde_json::from_str(header).map_err(|_| "its description is damaged".to_owned())?;
    if header.format != FORMAT {
        return Err(format!(
            "it is of format {}, this version reads {FORMAT}",
            header.format
        ));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let array = |name: String| -> Result<Matrix, String> {
        let tensor = file.tensor(&name).map_err(|e| e.to_string())?;
        let [rows, columns] = tensor.shape() else {
            return Err(format!("{name} is not a matrix"));
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is not of 32-bit numbers"));
        }
        Matrix::from_le_bytes(*rows, *columns, tensor.data()).map_err(|e| e.to_string())
    };
    let list = |part: &str| -> Result<Vec<Matrix>, String> {
        (0..header.names.len())
            .map(|i| array(format!("{part}.{i}")))
            .collect()
    };
    let weights = |part: &str| -> Result<Weights, String> {
        let named = header.names.iter().zip(list(part)?);
        Ok(named
            .map(|(name, value)| Weight {
                name: name.clone(),
                value,
            })
            .collect())
    };
    let snapshot = |part: &str, step: u64| -> Result<Snapshot, String> {
        Ok(Snapshot {
            weights: weights(&format!("{part}.weight"))?,
            adam: AdamState {
                step,
                first: list(&format!("{part}.first"))?,
                second: list(&format!("{part}.second"))?,
            },
        })
    };
    let best = match header.best {
        Some((epoch, score)) => Some(Best {
            epoch,
            score,
            weights: weights("best.weight")?,
        }),
        None => None,
    };
    let good = snapshot("good", header.good_step)?;
    let now = match header.batch {
        0 => good.clone(),
        _ => snapshot("now", header.now_step)?,
    };
    Ok(State {
        run: header.run.clone(),
        epoch: header.epoch,
        batch: header.batch,
        now,
        good,
        lr_scale: header.lr_scale,
        retries: header.retries,
        best,
        since_best: header.since_best,
        sums: header.sums.clone(),
        epochs: header.epochs.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::BatchFigures;
    use nearsay_core::head::HeadConfig;
    use nearsay_store::MemStore;
    use safetensors::tensor::TensorView;

    fn state() -> State {
        let weights = HeadConfig::SkipConnection {
            dim: 3,
            layers: 1,
            skip_dropout: 0.0,
        }
        .init(5);
        let moments: Vec<Matrix> = weights.iter().map(|weight| weight.value.clone()).collect();
        let snapshot = |step| Snapshot {
            weights: weights.clone(),
            adam: AdamState {
                step,
                first: moments.clone(),
                second: moments.clone(),
            },
        };
        let figures = BatchFigures {
            rp_1: 0.1,
            rrk: 1.0 / 3.0,
        };
        State {
            run: "abc".into(),
            epoch: 3,
            batch: 2,
            now: snapshot(14),
            good: snapshot(12),
            lr_scale: 0.5,
            retries: 1,
            best: Some(Best {
                epoch: Some(2),
                score: 0.7,
                weights: weights.clone(),
            }),
            since_best: 1,
            sums: Sums {
                loss: 1.0 / 3.0,
                pairs: 4,
                ..Sums::default()
            },
            epochs: vec![Epoch {
                epoch: 0,
                epochs: 9,
                loss: 0.3,
                train: figures,
                val: Some(figures),
                eta_s: 0.1,
            }],
        }
    }

    #[test]
    fn checkpoint_round_trips_exactly() {
        let store = MemStore::new();
        let checkpoint = Checkpoint::new(&store, "run.safetensors".into());
        assert!(checkpoint.load().unwrap().is_none());
        checkpoint.save(&state()).unwrap();
        assert_eq!(checkpoint.load().unwrap(), Some(state()));
        checkpoint.remove().unwrap();
        assert!(checkpoint.load().unwrap().is_none());
    }

    #[test]
    fn checkpoint_stores_unchanged_weights_once() {
        let state = State {
            batch: 0,
            good: state().now,
            ..state()
        };
        let bytes = to_bytes(&state).unwrap();
        assert!(bytes.len() < to_bytes(&self::state()).unwrap().len() * 3 / 4);
        assert_eq!(from_bytes(&bytes).unwrap(), state);
    }

    #[test]
    fn checkpoint_rejects_truncated_and_foreign_files() {
        let bytes = to_bytes(&state()).unwrap();
        for cut in 0..bytes.len() {
            assert!(from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let foreign = safetensors::serialize(Vec::<(&str, TensorView<'_>)>::new(), None).unwrap();
        assert!(
            from_bytes(&foreign)
                .unwrap_err()
                .contains("not the state of a run")
        );
    }
}
