//! State of a training run, and the weights as a file.

use super::{FineTuner, weights};
use crate::EncodeError;
use nearsay_core::matrix::ShapeError;
use safetensors::{Dtype, SafeTensorError, tensor::TensorView};
use std::collections::HashMap;

/// State of a training run: one list of numbers for each trained tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TunerState {
    /// Weights.
    pub weights: Vec<Vec<f32>>,
    /// First moments of AdamW: running means of the gradients.
    pub first: Vec<Vec<f32>>,
    /// Second moments of AdamW: running means of the squared gradients.
    pub second: Vec<Vec<f32>>,
    /// Number of optimiser steps.
    pub steps: u64,
}

impl FineTuner {
    /// All weights as tensors: name, shape, and numbers, row-major.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        weights::to_tensors(&self.config, &self.lists)
    }

    /// Serializes the weights as a safetensors file of a BERT model, in `f32`.
    ///
    /// # Errors
    /// If serialization fails.
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
        // Required by transformers 4.41 and similar versions.
        let layout = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let file = views.and_then(|views| safetensors::serialize(views, Some(layout)));
        file.map_err(|error| EncodeError::Tensor(candle_core::Error::wrap(error)))
    }

    /// Copies the trained weights, the moments of the optimiser and the number of steps.
    #[must_use]
    pub fn state(&self) -> TunerState {
        let trained = self.trained_lists();
        let copy = |lists: &[Vec<f32>]| trained.iter().map(|&list| lists[list].clone()).collect();
        TunerState {
            weights: copy(&self.lists),
            first: copy(&self.first_moments),
            second: copy(&self.second_moments),
            steps: self.steps,
        }
    }

    /// Restores a state.
    ///
    /// # Errors
    /// If the state belongs to a transformer of another shape or with other trained layers.
    pub fn set_state(&mut self, state: &TunerState) -> Result<(), ShapeError> {
        let trained = self.trained_lists();
        for from in [&state.weights, &state.first, &state.second] {
            let expected = trained.iter().map(|&list| self.lists[list].len());
            if !expected.eq(from.iter().map(Vec::len)) {
                return Err(ShapeError {
                    operation: "state of a transformer",
                    left: (trained.len(), self.dim()),
                    right: (from.len(), 0),
                });
            }
        }
        for (to, from) in [
            (&mut self.lists, &state.weights),
            (&mut self.first_moments, &state.first),
            (&mut self.second_moments, &state.second),
        ] {
            for (&list, from) in trained.iter().zip(from) {
                to[list].clone_from(from);
            }
        }
        self.steps = state.steps;
        self.pack(self.first);
        Ok(())
    }

    /// Indices of the trained lists.
    fn trained_lists(&self) -> Vec<usize> {
        self.first_moments
            .iter()
            .enumerate()
            .filter(|(_, moments)| !moments.is_empty())
            .map(|(list, _)| list)
            .collect()
    }
}
