use super::{FineTuner, weights};
use crate::EncodeError;
use nearsay_core::matrix::ShapeError;
use safetensors::{Dtype, SafeTensorError, tensor::TensorView};
use std::collections::HashMap;

/// Where a network stands in its training: a list of numbers for each of its weights that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct TunerState {
    /// The weights.
    pub weights: Vec<Vec<f32>>,
    /// Running means of their gradients.
    pub first: Vec<Vec<f32>>,
    /// Running means of their gradients' squares.
    pub second: Vec<Vec<f32>>,
    /// Steps taken.
    pub steps: u64,
}

impl FineTuner {
    /// The weights as the tensors of a safetensors file: name, shape, numbers row by row.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        weights::tensors(&self.config, &self.lists)
    }

    /// The weights as the bytes of a safetensors file of the BERT family, in `f32`.
    ///
    /// # Errors
    /// When the file cannot be put together.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EncodeError> {
        let tensors = self.tensors();
        let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
            .into_iter()
            .map(|(name, shape, numbers)| {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                (name, shape, bytes.collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        });
        let views: Result<Vec<_>, SafeTensorError> = views.collect();
        // Transformers 4.41 and others of its time read no file that does not say whose layout it has.
        let layout = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let file = views.and_then(|views| safetensors::serialize(views, Some(layout)));
        file.map_err(|error| EncodeError::Tensor(candle_core::Error::wrap(error)))
    }

    /// What learns, what the optimiser remembers of it, and the steps taken.
    #[must_use]
    pub fn state(&self) -> TunerState {
        let learning = self.learning();
        let copy = |lists: &[Vec<f32>]| learning.iter().map(|&list| lists[list].clone()).collect();
        TunerState {
            weights: copy(&self.lists),
            first: copy(&self.first_moments),
            second: copy(&self.second_moments),
            steps: self.steps,
        }
    }

    /// Goes back or on to a state.
    ///
    /// # Errors
    /// When it is one of another network, or of other layers that learn.
    pub fn set_state(&mut self, state: &TunerState) -> Result<(), ShapeError> {
        let learning = self.learning();
        for from in [&state.weights, &state.first, &state.second] {
            let own = learning.iter().map(|&list| self.lists[list].len());
            if !own.eq(from.iter().map(Vec::len)) {
                return Err(ShapeError {
                    operation: "state of a network",
                    left: (learning.len(), self.dim()),
                    right: (from.len(), 0),
                });
            }
        }
        for (to, from) in [
            (&mut self.lists, &state.weights),
            (&mut self.first_moments, &state.first),
            (&mut self.second_moments, &state.second),
        ] {
            for (&list, from) in learning.iter().zip(from) {
                to[list].clone_from(from);
            }
        }
        self.steps = state.steps;
        self.pack(self.first);
        Ok(())
    }

    /// Numbers of the lists that learn.
    fn learning(&self) -> Vec<usize> {
        let moments = self.first_moments.iter().enumerate();
        let learning = moments.filter(|(_, moments)| !moments.is_empty());
        learning.map(|(list, _)| list).collect()
    }
}
