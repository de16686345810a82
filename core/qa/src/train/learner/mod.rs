//! What a run changes step by step.
//!
//! | learner | learns | from |
//! | --- | --- | --- |
//! | [`ClosedHead`], [`AutogradHead`] | a head over a frozen encoder | cached vectors |
//! | [`TableLearner`] | the rows of a static encoder's table | token ids |
//! | [`NetworkLearner`] | the weights of a network | token ids |
//!
//! The loop ([`Fit`](super::Fit)) knows neither: it hands out batches, measures, saves and goes back.

pub mod head;
mod in_batch;
mod network;
mod sparse_adam;
mod table;

pub use head::{AutogradHead, ClosedHead, train_head};
pub use network::NetworkLearner;
pub use table::TableLearner;

use super::{TrainError, bags::Bags, checkpoint::Snapshot, data::Texts};
use candle_core::Tensor;
use nearsay_core::{
    distance::DistanceKind,
    metric::{Ranks, rank_pairs},
    sample::PairTargets,
};
use sha2::Sha256;

/// Something that can be trained on pairs of texts.
pub trait Learner {
    /// Texts as the data has them.
    type Texts: Texts;
    /// Texts where the computing is done.
    type Placed;

    /// Puts texts where the computing is done.
    ///
    /// # Errors
    /// When they are not what the learner takes, or the device refuses.
    fn place(&self, texts: Self::Texts) -> Result<Self::Placed, TrainError>;

    /// The embeddings of some texts as things stand, `[rows.len(), d]`, without gradient.
    ///
    /// # Errors
    /// The tensor library's.
    fn embed(&mut self, texts: &Self::Placed, rows: &[u32]) -> Result<Tensor, TrainError>;

    /// One step: embeds the batch with dropout drawn from `seed`, and changes the weights to make its
    /// loss smaller. Changes nothing when the loss is not finite.
    ///
    /// Returns the loss before the step; `ranks` are then those of the same embeddings, as
    /// [`rank`](Self::rank) has them, unless the loss is not finite.
    ///
    /// # Errors
    /// The loss's and the tensor library's.
    fn learn(
        &mut self,
        batch: Batch<'_, Self::Placed>,
        seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError>;

    /// Where each embedding of a batch finds its other half, as things stand; see [`rank_pairs`].
    ///
    /// # Errors
    /// When the batch cannot be ranked, and the tensor library's.
    fn rank(&mut self, batch: Batch<'_, Self::Placed>, ranks: &mut Ranks)
    -> Result<(), TrainError>;

    /// The weights and what the optimiser remembers.
    ///
    /// # Errors
    /// The tensor library's.
    fn snapshot(&self) -> Result<Snapshot, TrainError>;

    /// Goes back or on to a snapshot.
    ///
    /// # Errors
    /// When it is one of other weights.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError>;

    /// The learning rate from here on.
    fn set_lr(&mut self, lr: f64);

    /// Feeds whatever it starts from, beyond settings and data, into a hash.
    fn hash(&self, hasher: &mut Sha256);
}

/// Some of the pairs.
pub struct Batch<'a, P> {
    /// All anchors.
    pub anchors: &'a P,
    /// All positives.
    pub positives: &'a P,
    /// Numbers of the pairs in the batch.
    pub pairs: &'a [u32],
    /// What is known of them.
    pub targets: &'a PairTargets,
}

/// The texts of a batch, all anchors first.
fn texts<'a>(batch: &Batch<'a, Bags>) -> Vec<&'a [u32]> {
    [batch.anchors, batch.positives]
        .into_iter()
        .flat_map(|side| batch.pairs.iter().map(|&pair| side.get(pair as usize)))
        .collect()
}

/// The ranks of a batch whose embeddings are a tensor, `[2n, d]`.
fn rank_tensor(
    distance: DistanceKind,
    embeddings: &Tensor,
    targets: &PairTargets,
    ranks: &mut Ranks,
) -> Result<(), TrainError> {
    *ranks = rank_pairs(&distance, embeddings, targets)?;
    Ok(())
}

/// The only number of a `[1, 1]` tensor.
fn number(loss: &Tensor) -> Result<f32, TrainError> {
    let values: Vec<f32> = loss.flatten_all()?.to_vec1()?;
    Ok(values.first().copied().unwrap_or(f32::NAN))
}
