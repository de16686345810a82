use super::HeadError;
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{format, string::String, vec::Vec};

/// Named weight matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Name within its head, for example `fc_0.weight`.
    pub name: String,
    /// Values, `[rows, columns]`; a vector has one row.
    pub value: Matrix,
}

/// All weights of a head, in the order of [`Head::parameters`](super::Head::parameters).
pub type Weights = Vec<Weight>;

/// Name, shape and initial values of a weight.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Name within the head.
    pub name: String,
    /// Shape in files.
    pub shape: WeightShape,
    /// Initial values.
    pub start: Start,
}

/// Shape of a weight in files; vectors are one-dimensional, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightShape {
    /// Length of a vector, for example a bias.
    Vector(usize),
    /// Rows and columns of a matrix.
    Matrix(usize, usize),
}

impl WeightShape {
    /// `(rows, columns)` in memory; a vector has one row.
    #[must_use]
    pub fn dims(self) -> (usize, usize) {
        match self {
            Self::Vector(columns) => (1, columns),
            Self::Matrix(rows, columns) => (rows, columns),
        }
    }
}

/// Initial values of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// The same value for all elements.
    Constant(f32),
    /// Values drawn uniformly from `[−bound, bound)`.
    Uniform(f32),
}

impl WeightSpec {
    /// Draws initial values.
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

/// Checks that `weights` holds each specified weight once, in its shape, and no other.
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

/// Returns a weight of the tensor back end by name.
pub(super) type Take<'a, T> = &'a mut dyn FnMut(&str) -> Result<T, HeadError<<T as Tensor>::Error>>;

/// Prepends `prefix` to the names in `specs`.
pub(super) fn prefixed(prefix: &str, mut specs: Vec<WeightSpec>) -> Vec<WeightSpec> {
    for spec in &mut specs {
        spec.name = format!("{prefix}{}", spec.name);
    }
    specs
}

/// Copies the values of a weight to the host.
pub(super) fn read<T: Tensor>(weight: &T) -> Result<Matrix, HeadError<T::Error>> {
    let (rows, columns) = weight.dims();
    Matrix::new(rows, columns, weight.to_vec()?).map_err(HeadError::Fold)
}
