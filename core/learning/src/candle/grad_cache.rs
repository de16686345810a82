//! Gradients of batches that are too large to be embedded at once.
//!
//! A ranking loss needs all embeddings of a batch together, but the *graph* behind an embedding,
//! which is what fills the memory, is needed only while its gradient passes. So the batch is
//! embedded twice:
//!
//! ```text
//! 1. for each part: eᵢ = f(xᵢ), graph thrown away
//! 2. L(e₁ … eₙ), gᵢ = ∂L/∂eᵢ
//! 3. for each part: f(xᵢ) again, ∂/∂w of Σ f(xᵢ) ⊙ gᵢ, added up
//! ```
//!
//! The sum is exactly ∂L/∂w. Sources: Gao et al., "Scaling deep contrastive learning batch size under
//! memory limited setup", 2021; `sentence_transformers/losses/CachedMultipleNegativesRankingLoss.py`
//! (which this is with [`MultipleNegativesRanking`](crate::loss::MultipleNegativesRanking)).
//! Quaterion has no such thing.

use crate::{
    loss::{GroupLoss, PairLoss},
    sample::{BatchError, PairTargets},
};
use candle_core::{Error, Tensor, Var, backprop::GradStore};
use std::ops::Range;

/// A batch's loss and its gradients, as if it had been embedded at once.
pub struct CachedGradients {
    /// The loss.
    pub loss: f32,
    /// Gradients of all variables that took part: those behind the embeddings, and the loss's own.
    pub gradients: GradStore,
}

/// Embeds a batch in parts.
///
/// # Example
///
/// ```
/// use candle_core::{Device, Var};
/// use nearsay_core::{candle::grad_cache::GradCache, loss::MultipleNegativesRanking, sample::PairTargets};
///
/// let x = candle_core::Tensor::rand(-1f32, 1.0, (8, 3), &Device::Cpu)?;
/// let w = Var::rand(-1f32, 1.0, (3, 3), &Device::Cpu)?;
/// let cache = GradCache { part: 3, seed: 42 };
/// let found = cache.pairs(
///     &MultipleNegativesRanking::default(),
///     &PairTargets::positives(4),
///     |rows, _seed| x.narrow(0, rows.start, rows.len())?.matmul(&w),
/// )?;
/// assert_eq!(found.gradients.get(&w).unwrap().dims(), [3, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradCache {
    /// Rows embedded at a time; a part of 0 is taken for 1.
    pub part: usize,
    /// Where the seeds of the parts come from. Each part is embedded twice with the same seed, so
    /// that dropout is the same both times.
    pub seed: u64,
}

impl GradCache {
    /// Loss and gradients of a batch of pairs; `embed(rows, seed) → [rows.len(), d]` embeds some of
    /// its `2n` rows (all `a`, then all `b`), dropping out by that seed alone.
    ///
    /// # Errors
    /// When `embed` fails or gives another number of rows, or the loss refuses the batch.
    pub fn pairs<L: PairLoss<Tensor> + ?Sized>(
        &self,
        loss: &L,
        targets: &PairTargets,
        embed: impl FnMut(Range<usize>, u64) -> candle_core::Result<Tensor>,
    ) -> Result<CachedGradients, BatchError<Error>> {
        self.backward(2 * targets.len(), embed, |embeddings| {
            loss.forward(embeddings, targets)
        })
    }

    /// Loss and gradients of a batch of items with these groups, otherwise as [`pairs`](Self::pairs).
    ///
    /// # Errors
    /// As [`pairs`](Self::pairs).
    pub fn groups<L: GroupLoss<Tensor> + ?Sized>(
        &self,
        loss: &L,
        groups: &[u64],
        embed: impl FnMut(Range<usize>, u64) -> candle_core::Result<Tensor>,
    ) -> Result<CachedGradients, BatchError<Error>> {
        self.backward(groups.len(), embed, |embeddings| {
            loss.forward(embeddings, groups)
        })
    }

    /// Loss and gradients of `rows` rows under any function of all their embeddings `→ [1, 1]`.
    ///
    /// # Errors
    /// [`BatchError::Empty`] without rows; when `embed` fails or gives another number of rows; as
    /// `loss`.
    pub fn backward(
        &self,
        rows: usize,
        mut embed: impl FnMut(Range<usize>, u64) -> candle_core::Result<Tensor>,
        loss: impl FnOnce(&Tensor) -> Result<Tensor, BatchError<Error>>,
    ) -> Result<CachedGradients, BatchError<Error>> {
        if rows == 0 {
            return Err(BatchError::Empty);
        }
        let parts = self.parts(rows);
        let mut embed = |rows: &Range<usize>, seed: u64| {
            let embedded = embed(rows.clone(), seed)?;
            if embedded.dims2()?.0 == rows.len() {
                return Ok(embedded);
            }
            let found = embedded.dims2()?.0;
            Err(Error::Msg(format!(
                "rows {rows:?} were asked for, {found} embeddings came"
            )))
        };
        let mut embedded = Vec::with_capacity(parts.len());
        for (rows, seed) in &parts {
            embedded.push(embed(rows, *seed)?.detach());
        }
        let embeddings = Var::from_tensor(&Tensor::cat(&embedded, 0)?)?;
        drop(embedded);

        let value = loss(embeddings.as_tensor())?;
        let mut gradients = value.backward()?;
        let value = value.flatten_all()?.get(0)?.to_scalar()?;
        // A loss that does not depend on the embeddings leaves nothing to pass on.
        if let Some(of_embeddings) = gradients.remove(&embeddings) {
            // candle's gradients are themselves functions of the loss's weights: cut off, or these
            // would get a gradient of the gradient on top of their own.
            let of_embeddings = of_embeddings.detach();
            for (rows, seed) in &parts {
                let share = of_embeddings.narrow(0, rows.start, rows.len())?;
                let surrogate = (embed(rows, *seed)? * share)?.sum_all()?;
                gradients.extend(surrogate.backward()?)?;
            }
        }
        Ok(CachedGradients {
            loss: value,
            gradients,
        })
    }

    /// The parts of a batch, each with its seed.
    fn parts(&self, rows: usize) -> Vec<(Range<usize>, u64)> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let part = self.part.max(1);
        (0..rows)
            .step_by(part)
            .map(|start| (start..(start + part).min(rows), random.u64(..)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        candle::{TrainableHead, to_tensor},
        head::{HeadConfig, Mode},
        loss::{Contrastive, GuidedRanking, MultipleNegativesRanking, Softmax, normal_kernel},
        matrix::Matrix,
    };
    use candle_core::Device;

    const PAIRS: usize = 11;
    const DIM: usize = 6;

    fn input() -> Tensor {
        let mut random = fastrand::Rng::with_seed(9);
        let data = (0..2 * PAIRS * DIM).map(|_| random.f32() * 2.0 - 1.0);
        let x = Matrix::new(2 * PAIRS, DIM, data.collect()).unwrap();
        to_tensor(&x, &Device::Cpu).unwrap()
    }

    fn head(skip_dropout: f32) -> TrainableHead {
        let config = HeadConfig::SkipConnection {
            dim: DIM,
            layers: 2,
            skip_dropout,
        };
        let mut weights = config.init(3);
        for weight in &mut weights {
            // Open gates, so that weights behind them have gradients to speak of.
            if weight.name.starts_with("gates") {
                weight.value = Matrix::new(1, DIM, vec![0.5; DIM]).unwrap();
            }
        }
        TrainableHead::new(&config, &weights, &Device::Cpu).unwrap()
    }

    fn assert_same(found: &CachedGradients, loss: &Tensor, variables: &[Var]) {
        let value: f32 = loss.flatten_all().unwrap().to_vec1().unwrap()[0];
        assert!((found.loss - value).abs() < 1e-5, "{} {value}", found.loss);
        let expected = loss.backward().unwrap();
        let mut largest = 0.0f32;
        for variable in variables {
            let read = |store: &GradStore| -> Vec<f32> {
                let gradient = store.get(variable).unwrap();
                gradient.flatten_all().unwrap().to_vec1().unwrap()
            };
            for (a, b) in read(&found.gradients).iter().zip(read(&expected)) {
                assert!((a - b).abs() < 1e-5, "{a} should be {b}");
                largest = largest.max(b.abs());
            }
        }
        assert!(largest > 1e-3, "gradients of {largest} prove nothing");
    }

    #[test]
    fn parts_give_the_gradients_of_the_whole() {
        let (x, head) = (input(), head(0.0));
        let targets = PairTargets::positives(PAIRS);
        let ranking = MultipleNegativesRanking {
            symmetric: true,
            ..Default::default()
        };
        let guided = GuidedRanking {
            scale: 10.0,
            ..Default::default()
        };
        let guided = guided.with_guide(&x);
        let contrastive = Contrastive::default();
        let losses: [&dyn PairLoss<Tensor>; 3] = [&ranking, &guided, &contrastive];
        for loss in losses {
            let embeddings = head.head().forward(&x, Mode::Eval).unwrap();
            let whole = loss.forward(&embeddings, &targets).unwrap();
            for part in [0, 1, 5, 11, 22, 100] {
                let cache = GradCache { part, seed: 1 };
                let mut rows_seen = 0;
                let found = cache
                    .pairs(loss, &targets, |rows, _| {
                        rows_seen += rows.len();
                        let x = x.narrow(0, rows.start, rows.len())?;
                        head.head()
                            .forward(&x, Mode::Eval)
                            .map_err(candle_core::Error::wrap)
                    })
                    .unwrap();
                assert_eq!(rows_seen, 2 * 2 * PAIRS);
                assert_same(&found, &whole, head.variables());
            }
        }
    }

    #[test]
    fn dropout_is_the_same_both_times() {
        let (x, head) = (input(), head(0.4));
        let targets = PairTargets::positives(PAIRS);
        let loss = MultipleNegativesRanking::default();
        let cache = GradCache { part: 8, seed: 5 };
        let embed = |rows: Range<usize>, seed| {
            let x = x.narrow(0, rows.start, rows.len())?;
            let mode = Mode::Train { seed };
            head.head()
                .forward(&x, mode)
                .map_err(candle_core::Error::wrap)
        };
        let mut seeds = Vec::new();
        let found = cache
            .pairs(&loss, &targets, |rows, seed| {
                seeds.push(seed);
                embed(rows, seed)
            })
            .unwrap();
        // Three parts of different seeds, twice.
        assert_eq!(seeds.len(), 6);
        assert_eq!(seeds[..3], seeds[3..]);
        assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2]);
        // The same embeddings with their graphs kept.
        let parts = cache.parts(2 * PAIRS);
        let kept: Vec<Tensor> = parts
            .into_iter()
            .map(|(rows, seed)| embed(rows, seed).unwrap())
            .collect();
        let whole = loss
            .forward(&Tensor::cat(&kept, 0).unwrap(), &targets)
            .unwrap();
        assert_same(&found, &whole, head.variables());
        let eval = head.head().forward(&x, Mode::Eval).unwrap();
        let eval = loss.forward(&eval, &targets).unwrap();
        let eval: f32 = eval.flatten_all().unwrap().to_vec1().unwrap()[0];
        assert!((found.loss - eval).abs() > 1e-3, "nothing was dropped");
    }

    #[test]
    fn the_weights_of_a_loss_get_their_gradient_too() {
        let (x, head) = (input(), head(0.0));
        let groups: Vec<u64> = (0..2 * PAIRS as u64).map(|i| i % 4).collect();
        let kernel = to_tensor(&normal_kernel(4, DIM, 2), &Device::Cpu).unwrap();
        let kernel = Var::from_tensor(&kernel).unwrap();
        let loss = Softmax::new(kernel.as_tensor().clone());
        let found = GradCache { part: 5, seed: 0 }
            .groups(&loss, &groups, |rows, _| {
                let x = x.narrow(0, rows.start, rows.len())?;
                head.head()
                    .forward(&x, Mode::Eval)
                    .map_err(candle_core::Error::wrap)
            })
            .unwrap();
        let embeddings = head.head().forward(&x, Mode::Eval).unwrap();
        let whole = loss.forward(&embeddings, &groups).unwrap();
        let mut variables = head.variables().to_vec();
        variables.push(kernel);
        assert_same(&found, &whole, &variables);
    }

    #[test]
    fn refuses_nothing_and_the_wrong_number_of_rows() {
        let loss = MultipleNegativesRanking::default();
        let cache = GradCache { part: 4, seed: 0 };
        let x = input();
        let found = cache.pairs(&loss, &PairTargets::positives(0), |_, _| Ok(x.clone()));
        assert!(matches!(found, Err(BatchError::Empty)));
        let found = cache.pairs(&loss, &PairTargets::positives(PAIRS), |_, _| Ok(x.clone()));
        let Err(BatchError::Tensor(error)) = found else {
            panic!("embeddings of other rows were taken");
        };
        assert!(error.to_string().contains("22 embeddings"), "{error}");
    }
}
