use super::{
    AdamW, FineTuner,
    adamw::Update,
    weights::{WORDS, is_matrix},
};
use std::sync::Mutex;

impl FineTuner {
    /// AdamW with the workers' gradients, summed in their order.
    pub(super) fn update(&mut self, optimizer: AdamW) {
        self.steps += 1;
        let words = self.word_gradients();
        let hidden = self.config.hidden_size;
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        let lists = self.lists.iter_mut().zip(moments).enumerate();
        let mut updates = Vec::new();
        let workers = &self.workers;
        for (list, (weights, (first, second))) in lists {
            if first.is_empty() {
                continue;
            }
            let step = optimizer.at(self.steps, is_matrix(list));
            // Pieces of one row or more, so that the cores can share them.
            let piece = if list == WORDS { hidden } else { 1 << 16 };
            let moments = first.chunks_mut(piece).zip(second.chunks_mut(piece));
            for (number, (weights, (first, second))) in
                weights.chunks_mut(piece).zip(moments).enumerate()
            {
                let from = number * piece;
                let gradients: Vec<&[f32]> = match list {
                    WORDS => words.row(number).into_iter().collect(),
                    _ => workers
                        .iter()
                        .map(|worker| &worker.gradients.lists[list][from..from + weights.len()])
                        .collect(),
                };
                updates.push((step, weights, first, second, gradients));
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
                        for (step, weights, first, second, gradients) in batch {
                            Update {
                                step,
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

    /// The gradients of the words' rows, those of the tokens of one word summed in their order.
    pub(super) fn word_gradients(&self) -> WordGradients {
        let hidden = self.config.hidden_size;
        let mut sums = WordGradients {
            places: vec![None; self.config.vocab_size],
            rows: Vec::new(),
            hidden,
        };
        for worker in &self.workers {
            let gradients = &worker.gradients;
            for (&id, row) in gradients
                .tokens
                .iter()
                .zip(gradients.words.chunks_exact(hidden))
            {
                let next = sums.rows.len();
                match sums.places[id as usize] {
                    Some(place) => {
                        let sum: &mut [f32] = &mut sums.rows[place..place + hidden];
                        sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
                    }
                    None => {
                        sums.places[id as usize] = Some(next);
                        sums.rows.extend_from_slice(row);
                    }
                }
            }
        }
        sums
    }
}

pub(super) struct WordGradients {
    /// Where a word's row starts; none when no text has it.
    places: Vec<Option<usize>>,
    rows: Vec<f32>,
    hidden: usize,
}

impl WordGradients {
    pub(super) fn row(&self, word: usize) -> Option<&[f32]> {
        let place = self.places[word]?;
        Some(&self.rows[place..place + self.hidden])
    }
}
