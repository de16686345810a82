//! Gradients of all weights.

use super::weights::{TOKENS, list_index};

/// Gradients, in the order of the lists of [`weights`](super::weights).
///
/// The gradient of the token embeddings is sparse: one row per token of the texts, instead of a list.
pub(super) struct Gradients {
    /// Gradient of each list; empty for the token embeddings and for lists that aren't trained.
    pub(super) lists: Vec<Vec<f32>>,
    /// Token id of each row of `token_rows`.
    pub(super) token_ids: Vec<u32>,
    /// Gradients of token embeddings, `[tokens, hidden]`; a token that occurs twice has two rows.
    pub(super) token_rows: Vec<f32>,
}

impl Gradients {
    /// Zeros for the lists that are trained when layer `first` is the first trained layer.
    pub(super) fn zeros(lists: &[Vec<f32>], first: usize) -> Self {
        let is_trained = |list: usize| {
            if first == 0 {
                list != TOKENS
            } else {
                list >= list_index(first, 0)
            }
        };
        Self {
            lists: lists
                .iter()
                .enumerate()
                .map(|(list, numbers)| {
                    let len = if is_trained(list) { numbers.len() } else { 0 };
                    vec![0.0; len]
                })
                .collect(),
            token_ids: Vec::new(),
            token_rows: Vec::new(),
        }
    }

    /// Resets all gradients to zero.
    pub(super) fn clear(&mut self) {
        for list in &mut self.lists {
            list.fill(0.0);
        }
        self.token_ids.clear();
        self.token_rows.clear();
    }
}
