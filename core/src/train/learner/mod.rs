//! What a run changes step by step.
//!
//! | learner | learns | from |
//! | --- | --- | --- |
//! | [`HeadLearner`] | a head over a frozen encoder | cached vectors |
//! | [`TableLearner`] | the rows of a static encoder's table | token ids |
//!
//! The loop ([`Fit`](super::Fit)) knows neither: it hands out batches, measures, saves and goes back.

mod head;
mod sparse_adam;
mod table;

pub use head::HeadLearner;
pub use table::TableLearner;

use super::{TrainError, checkpoint::Snapshot, data::Texts};
use candle_core::Tensor;
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
    fn embed(&self, texts: &Self::Placed, rows: &[u32]) -> Result<Tensor, TrainError>;

    /// One step: embeds the batch, asks for its loss and changes the weights to make that smaller;
    /// changes nothing when the loss is not finite.
    ///
    /// # Errors
    /// The loss's and the tensor library's.
    fn learn(
        &mut self,
        batch: Batch<'_, Self::Placed>,
        loss: &mut BatchLoss<'_>,
    ) -> Result<Learned, TrainError>;

    /// The weights and what the optimiser remembers.
    ///
    /// # Errors
    /// The tensor library's.
    fn snapshot(&self) -> Result<Snapshot, TrainError>;

    /// Goes back or on to a snapshot, with this learning rate from there.
    ///
    /// # Errors
    /// When it is one of other weights.
    fn restore(&mut self, snapshot: &Snapshot, lr: f64) -> Result<(), TrainError>;

    /// Feeds whatever it starts from, beyond settings and data, into a hash.
    fn hash(&self, hasher: &mut Sha256);
}

/// Some of the pairs.
#[derive(Clone, Copy)]
pub struct Batch<'a, P> {
    /// All anchors.
    pub anchors: &'a P,
    /// All positives.
    pub positives: &'a P,
    /// Numbers of the pairs in the batch.
    pub pairs: &'a [u32],
    /// Seed of this step's dropout.
    pub seed: u64,
}

/// The loss of a batch's embeddings, `[2n, d] → [1, 1]`.
pub type BatchLoss<'a> = dyn FnMut(&Tensor) -> Result<Tensor, TrainError> + 'a;

/// What came of a step.
pub struct Learned {
    /// The loss before the step.
    pub loss: f32,
    /// The embeddings before the step, `[2n, d]`, without gradient.
    pub embeddings: Tensor,
}

/// The only number of a `[1, 1]` tensor.
fn number(loss: &Tensor) -> Result<f32, TrainError> {
    let values: Vec<f32> = loss.flatten_all()?.to_vec1()?;
    Ok(values.first().copied().unwrap_or(f32::NAN))
}
