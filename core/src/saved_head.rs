//! Layer 6: a head by itself, as a folder.
//!
//! ```text
//! head/
//!   config.json           the HeadConfig
//!   weights.safetensors   every weight by its name, 32-bit numbers; vectors have one dimension
//! ```
//!
//! Both files stand in for Quaterion's `config.json` and `weights.bin`, but the weights cannot run
//! code. Their names and shapes are Quaterion's too, so that a head of the same sizes there takes
//! them: `head.load_state_dict(safetensors.torch.load_file("weights.safetensors"))`.
//!
//! ```
//! use nearsay_core::{head::HeadConfig, saved_head::SavedHead, store::MemStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = HeadConfig::Gated { dim: 8 };
//! let weights = config.init(42);
//! let head = SavedHead { config, weights };
//! let store = MemStore::new();
//! head.save(&store, "head".as_ref())?;
//! assert_eq!(SavedHead::load(&store, "head".as_ref())?, head);
//! # Ok(()) }
//! ```

use crate::{
    head::{HeadConfig, HeadError, Weight, WeightShape, Weights},
    matrix::{Matrix, ShapeError},
    store::{ErrorKind, Operation, Owned, Store, StoreError},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{fmt, path::Path};

/// Name of the file with the configuration.
const CONFIG: &str = "config.json";

/// Name of the file with the weights.
const WEIGHTS: &str = "weights.safetensors";

/// Largest configuration that is read.
const CONFIG_LIMIT: u64 = 1 << 20;

/// How much longer than its weights a file may be: for its header, and so that a weight too many is
/// named rather than the file called too large.
const WEIGHTS_MARGIN: u64 = 64 << 20;

/// A head with its weights, to be saved or as it was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedHead {
    /// Which head.
    pub config: HeadConfig,
    /// Its weights.
    pub weights: Weights,
}

/// Why a head cannot be saved or loaded.
#[derive(Debug)]
pub enum SavedHeadError {
    /// A file is not what was saved.
    Damaged {
        /// Its name in the folder.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Configuration and weights do not go together; nothing was saved.
    Head(HeadError<ShapeError>),
    /// A weight holds a value that is not a finite number; nothing was saved.
    NotFinite {
        /// Its name.
        name: String,
    },
    /// Something could not be read or written.
    Store(StoreError),
}

impl SavedHeadError {
    fn damaged(file: &'static str, why: impl fmt::Display) -> Self {
        let why = why.to_string();
        Self::Damaged { file, why }
    }
}

impl fmt::Display for SavedHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { file, why } => write!(
                f,
                "the saved head is damaged: {file} {why}; copy the folder again from where it was \
                 saved, or save the head again"
            ),
            Self::Head(error) => write!(f, "the head cannot be saved: {error}"),
            Self::NotFinite { name } => write!(
                f,
                "the head cannot be saved: {name} holds a value that is not a finite number; train \
                 it with smaller steps"
            ),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SavedHeadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for SavedHeadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SavedHead {
    /// Writes the folder beside its place and only then gives it its name. In a saved head already
    /// there both files are replaced, and all others stay.
    ///
    /// # Errors
    /// When the folder holds files and no saved head, when configuration and weights do not go together, a weight is not finite, or the store
    /// fails; a former folder is then still there.
    pub fn save(&self, store: &dyn Store, dir: &Path) -> Result<(), SavedHeadError> {
        self.config
            .check()
            .and_then(|()| serde_json::to_vec_pretty(&self.config).map_err(|e| e.to_string()))
            .map_err(|sentence| SavedHeadError::Head(HeadError::Config(sentence)))
            .and_then(|config| {
                let weights = self.weights_to_bytes()?;
                let owned = owned(store, dir)?;
                let staging = store.stage_dir(dir)?;
                let path = staging.path();
                let written = store
                    .write_atomic(&path.join(CONFIG), &config)
                    .and_then(|()| store.write_atomic(&path.join(WEIGHTS), &weights))
                    .and_then(|()| store.replace_dir(path, dir, &owned));
                if written.is_err() {
                    // What cannot be removed now, a sweep removes later.
                    store.remove(path).ok();
                }
                Ok(written?)
            })
    }

    fn weights_to_bytes(&self) -> Result<Vec<u8>, SavedHeadError> {
        self.config
            .check_weights(&self.weights)
            .map_err(SavedHeadError::Head)?;
        let mut arrays = Vec::new();
        for spec in self.config.specs() {
            for weight in self
                .weights
                .iter()
                .filter(|weight| weight.name == spec.name)
            {
                if !weight.value.is_finite() {
                    return Err(SavedHeadError::NotFinite { name: spec.name });
                }
                arrays.push((&weight.name, shape(spec.shape), weight.value.to_le_bytes()));
            }
        }
        arrays
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|error| SavedHeadError::damaged(WEIGHTS, error))
    }

    /// Reads a folder.
    ///
    /// # Errors
    /// When a file is missing or damaged, the configuration cannot work, or a weight is missing, too
    /// many, of another shape or not finite; the message names it.
    pub fn load(store: &dyn Store, dir: &Path) -> Result<Self, SavedHeadError> {
        let bytes = store.read(&dir.join(CONFIG), CONFIG_LIMIT)?;
        let config: HeadConfig = serde_json::from_slice(&bytes).map_err(|error| {
            SavedHeadError::damaged(CONFIG, format_args!("does not describe a head ({error})"))
        })?;
        config.check().map_err(|sentence| {
            SavedHeadError::damaged(CONFIG, format_args!("cannot work ({sentence})"))
        })?;
        let specs = config.specs();
        let expected = specs.iter().fold(WEIGHTS_MARGIN, |sum, spec| {
            let (rows, columns) = spec.shape.dims();
            sum.saturating_add(4 * rows as u64 * columns as u64)
        });
        let bytes = store.read(&dir.join(WEIGHTS), expected)?;
        let damaged = |why: fmt::Arguments<'_>| SavedHeadError::damaged(WEIGHTS, why);
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| damaged(format_args!("is no safetensors file ({error})")))?;
        let mut weights = Weights::new();
        for spec in &specs {
            let name = &spec.name;
            let tensor = file
                .tensor(name)
                .map_err(|_| damaged(format_args!("lacks {name}")))?;
            if tensor.shape() != shape(spec.shape) {
                return Err(damaged(format_args!(
                    "has {name} in the shape {:?}, but it should be {:?}",
                    tensor.shape(),
                    shape(spec.shape)
                )));
            }
            if tensor.dtype() != Dtype::F32 {
                return Err(damaged(format_args!(
                    "has {name} in numbers of {:?}, not F32",
                    tensor.dtype()
                )));
            }
            let (rows, columns) = spec.shape.dims();
            let value = Matrix::from_le_bytes(rows, columns, tensor.data())
                .map_err(|error| damaged(format_args!("is damaged at {name} ({error})")))?;
            if !value.is_finite() {
                return Err(damaged(format_args!(
                    "has a value in {name} that is not a finite number"
                )));
            }
            weights.push(Weight {
                name: name.clone(),
                value,
            });
        }
        let mut names = file.names();
        names.sort_unstable();
        let unknown = |name: &&str| specs.iter().all(|spec| spec.name != **name);
        match names.into_iter().find(unknown) {
            Some(name) => Err(damaged(format_args!(
                "has {name:?}, which this head does not have"
            ))),
            None => Ok(Self { config, weights }),
        }
    }
}

/// The files that a head saved to `dir` may replace: both of a head that is there already.
fn owned(store: &dyn Store, dir: &Path) -> Result<Owned, StoreError> {
    store.recover(dir)?;
    match store.list(dir) {
        Ok(entries) if entries.is_empty() => return Ok(Owned::default()),
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Owned::default()),
        entries => drop(entries?),
    }
    let config = store.read(&dir.join(CONFIG), CONFIG_LIMIT).ok();
    let is_head = config.is_some_and(|bytes| serde_json::from_slice::<HeadConfig>(&bytes).is_ok());
    match is_head && store.exists(&dir.join(WEIGHTS))? {
        true => Ok(Owned::new([CONFIG, WEIGHTS])),
        false => Err(StoreError::new(
            Operation::Move,
            dir,
            ErrorKind::NotEmpty.into(),
        )),
    }
}

/// A weight's shape in files.
fn shape(shape: WeightShape) -> Vec<usize> {
    match shape {
        WeightShape::Vector(columns) => vec![columns],
        WeightShape::Matrix(rows, columns) => vec![rows, columns],
    }
}

#[cfg(test)]
mod tests;
