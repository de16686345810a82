//! Learners: models that the training loop updates step by step.
//!
//! | learner | trains | on |
//! | --- | --- | --- |
//! | [`ClosedHead`], [`AutogradHead`] | a head over a frozen encoder | cached vectors |
//! | [`TableLearner`] | the token embeddings of a static encoder | token ids |
//! | [`NetworkLearner`] | the weights of a transformer | token ids |
//! | [`EncoderLearner`] | the parameters of any encoder on candle | texts |
//!
//! The loop ([`Fit`](super::Fit)) is the same for all of them: it makes batches, measures, saves and
//! recovers from divergence.

mod encoder;
pub mod head;
mod in_batch;
mod network;
mod sparse_adam;
mod table;

pub use encoder::EncoderLearner;
pub use head::{AutogradHead, ClosedHead, train_head};
pub use network::NetworkLearner;
pub use table::TableLearner;

use super::{
    Pairs, TrainError,
    bags::Bags,
    checkpoint::Snapshot,
    data::{Fingerprint, Texts},
};
use candle_core::Tensor;
use nearsay_core::{metric::Ranks, sample::PairTargets};

/// A model that can be trained on pairs of texts.
pub trait Learner {
    /// Texts in the data.
    type Texts: Texts;
    /// Texts on the learner's device.
    type Placed;

    /// Moves texts to the learner's device.
    ///
    /// # Errors
    /// When the texts don't fit the learner, or the device refuses.
    fn place(&self, texts: Self::Texts) -> Result<Self::Placed, TrainError>;

    /// Sets the base vectors of the training pairs, for losses with a guide. The loop calls this at
    /// most once, before the first step.
    fn set_guide(&mut self, _guide: Pairs) {}

    /// The present embeddings of some texts, `[rows.len(), d]`, without gradient.
    ///
    /// # Errors
    /// The tensor library's.
    fn embed(&mut self, texts: &Self::Placed, rows: &[u32]) -> Result<Tensor, TrainError>;

    /// Takes one optimiser step on a batch, with dropout drawn from `seed`. Changes nothing when the loss
    /// is not finite.
    ///
    /// Returns the loss before the step. Unless it is not finite, `ranks` are those of the same
    /// embeddings, as by [`rank`](Self::rank).
    ///
    /// # Errors
    /// The loss's and the tensor library's.
    fn learn(
        &mut self,
        batch: Batch<'_, Self::Placed>,
        seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError>;

    /// Ranks of the present embeddings of a batch; see [`rank_pairs`](nearsay_core::metric::rank_pairs).
    ///
    /// # Errors
    /// When the batch cannot be ranked, and the tensor library's.
    fn rank(&mut self, batch: Batch<'_, Self::Placed>, ranks: &mut Ranks)
    -> Result<(), TrainError>;

    /// The weights and the optimiser's state.
    ///
    /// # Errors
    /// The tensor library's.
    fn snapshot(&self) -> Result<Snapshot, TrainError>;

    /// Restores a snapshot.
    ///
    /// # Errors
    /// When the snapshot has other weights.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError>;

    /// Sets the learning rate of the next steps.
    fn set_lr(&mut self, lr: f64);

    /// Adds the initial weights to the run's fingerprint, unless the settings determine them.
    fn hash(&self, _hasher: &mut Fingerprint) {}
}

/// A batch of pairs.
pub struct Batch<'a, P> {
    /// All anchors.
    pub anchors: &'a P,
    /// All positives.
    pub positives: &'a P,
    /// Numbers of the pairs in the batch.
    pub pairs: &'a [u32],
    /// Targets of the pairs in the batch.
    pub targets: &'a PairTargets,
}

/// The texts of a batch, all anchors first.
fn texts<'a>(batch: &Batch<'a, Bags>) -> Vec<&'a [u32]> {
    [batch.anchors, batch.positives]
        .into_iter()
        .flat_map(|side| batch.pairs.iter().map(|&pair| side.get(pair as usize)))
        .collect()
}
