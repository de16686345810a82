use super::HeadError;
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{format, string::String, vec::Vec};

/// One named array of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Name within its head, for example `fc_0.weight`.
    pub name: String,
    /// The numbers, `[rows, columns]`; vectors are one row.
    pub value: Matrix,
}

/// All weights of a head, in the order of [`Head::parameters`](super::Head::parameters).
pub type Weights = Vec<Weight>;

/// What a head asks of one of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: WeightShape,
    /// What a fresh one holds.
    pub start: Start,
}

/// Shape of a weight. In files, PyTorch's among them, a vector has one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightShape {
    /// So many numbers: a bias, gates.
    Vector(usize),
    /// `(rows, columns)`.
    Matrix(usize, usize),
}

impl WeightShape {
    /// `(rows, columns)`; a vector is one row.
    #[must_use]
    pub fn dims(self) -> (usize, usize) {
        match self {
            Self::Vector(columns) => (1, columns),
            Self::Matrix(rows, columns) => (rows, columns),
        }
    }
}

/// What a fresh weight holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// This number everywhere.
    Constant(f32),
    /// Numbers drawn evenly from `[−bound, bound)`.
    Uniform(f32),
}

impl WeightSpec {
    /// A fresh weight.
    pub(super) fn draw(&self, random: &mut fastrand::Rng) -> Weight {
        let (rows, columns) = self.shape.dims();
        let value = Matrix::from_fn(rows, columns, |_, _| match self.start {
            Start::Constant(number) => number,
            Start::Uniform(bound) => (random.f32() * 2.0 - 1.0) * bound,
        });
        Weight {
            name: self.name.clone(),
            value,
        }
    }
}

/// Checks that there is each weight once, in its shape, and no other.
pub(super) fn check<E>(specs: &[WeightSpec], weights: &[Weight]) -> Result<(), HeadError<E>> {
    for spec in specs {
        let weight = weights.iter().find(|weight| weight.name == spec.name);
        let Some(weight) = weight else {
            let name = spec.name.clone();
            return Err(HeadError::Missing { name });
        };
        if weight.value.dims() != spec.shape.dims() {
            return Err(HeadError::Shape {
                name: spec.name.clone(),
                expected: spec.shape.dims(),
                found: weight.value.dims(),
            });
        }
    }
    let unknown = weights.iter().enumerate().find(|(number, weight)| {
        let before = &weights[..*number];
        specs.iter().all(|spec| spec.name != weight.name)
            || before.iter().any(|other| other.name == weight.name)
    });
    match unknown {
        Some((_, weight)) => Err(HeadError::Unknown {
            name: weight.name.clone(),
        }),
        None => Ok(()),
    }
}

/// Gives a weight by its name, placed on the tensor library.
pub(super) type Take<'a, T> = &'a mut dyn FnMut(&str) -> Result<T, HeadError<<T as Tensor>::Error>>;

/// The specs of a part, under the names they have in the whole.
pub(super) fn prefixed(prefix: &str, mut specs: Vec<WeightSpec>) -> Vec<WeightSpec> {
    for spec in &mut specs {
        spec.name = format!("{prefix}{}", spec.name);
    }
    specs
}

/// The present numbers of a weight.
pub(super) fn read<T: Tensor>(weight: &T) -> Result<Matrix, HeadError<T::Error>> {
    let (rows, columns) = weight.dims();
    Matrix::new(rows, columns, weight.to_vec()?).map_err(HeadError::Fold)
}
