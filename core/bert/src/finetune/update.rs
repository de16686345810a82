//! Updating the weights after a backward pass.

use super::{
    AdamW, FineTuner,
    adamw::Update,
    weights::{TOKENS, is_matrix},
};
use std::sync::Mutex;

impl FineTuner {
    /// One step of AdamW. The gradients of the workers are summed in their order, so the result is deterministic.
    pub(super) fn update_weights(&mut self, optimizer: AdamW) {
        self.steps += 1;
        let token_gradients = self.token_gradients();
        let hidden = self.config.hidden_size;
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        let lists = self.lists.iter_mut().zip(moments).enumerate();
        let mut updates = Vec::new();
        let workers = &self.workers;
        for (list, (weights, (first, second))) in lists {
            if first.is_empty() {
                continue;
            }
            let coefficients = optimizer.coefficients(self.steps, is_matrix(list));
            // Pieces that the cores share: single rows of the token embeddings, which have one gradient each.
            let piece = if list == TOKENS { hidden } else { 1 << 16 };
            let moments = first.chunks_mut(piece).zip(second.chunks_mut(piece));
            for (number, (weights, (first, second))) in
                weights.chunks_mut(piece).zip(moments).enumerate()
            {
                let from = number * piece;
                let gradients: Vec<&[f32]> = if list == TOKENS {
                    token_gradients.row(number).into_iter().collect()
                } else {
                    workers
                        .iter()
                        .map(|worker| &worker.gradients.lists[list][from..from + weights.len()])
                        .collect()
                };
                updates.push((coefficients, weights, first, second, gradients));
            }
        }
        let queue = Mutex::new(updates.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..workers.len() {
                scope.spawn(|| {
                    loop {
                        let batch: Vec<_> = match queue.lock() {
                            Ok(mut queue) => queue.by_ref().take(64).collect(),
                            Err(_) => return,
                        };
                        if batch.is_empty() {
                            return;
                        }
                        for (coefficients, weights, first, second, gradients) in batch {
                            Update {
                                coefficients,
                                weights,
                                first,
                                second,
                                gradients: &gradients,
                            }
                            .run();
                        }
                    }
                });
            }
        });
        self.pack(self.first);
    }

    /// Gradients of the token embeddings, summed over the occurrences of each token in a fixed order.
    pub(super) fn token_gradients(&self) -> TokenGradients {
        let hidden = self.config.hidden_size;
        let mut sums = TokenGradients {
            starts: vec![None; self.config.vocab_size],
            rows: Vec::new(),
            hidden,
        };
        for worker in &self.workers {
            let gradients = &worker.gradients;
            for (&id, row) in gradients
                .token_ids
                .iter()
                .zip(gradients.token_rows.chunks_exact(hidden))
            {
                let next = sums.rows.len();
                if let Some(start) = sums.starts[id as usize] {
                    let sum: &mut [f32] = &mut sums.rows[start..start + hidden];
                    sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
                } else {
                    sums.starts[id as usize] = Some(next);
                    sums.rows.extend_from_slice(row);
                }
            }
        }
        sums
    }
}

/// Gradients of the token embeddings that occur in a batch.
pub(super) struct TokenGradients {
    /// Start of each token's gradient in `rows`; `None` if the token doesn't occur.
    starts: Vec<Option<usize>>,
    rows: Vec<f32>,
    hidden: usize,
}

impl TokenGradients {
    pub(super) fn row(&self, token: usize) -> Option<&[f32]> {
        let start = self.starts[token]?;
        Some(&self.rows[start..start + self.hidden])
    }
}
