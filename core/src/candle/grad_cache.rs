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
/// use nearsay_core::{
///     candle::grad_cache::GradCache, loss::MultipleNegativesRanking, sample::PairTargets,
/// };
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
