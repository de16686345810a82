//! Pairs where the computing is done, and batches of them.

use crate::{candle::to_tensor, sample::PairTargets, train::Pairs};
use candle_core::{Device, Tensor};

/// Pairs on the device.
pub(super) struct Placed {
    anchors: Tensor,
    positives: Tensor,
    subgroups: Vec<u64>,
}

impl Placed {
    pub(super) fn new(pairs: Pairs, device: &Device) -> candle_core::Result<Self> {
        Ok(Self {
            anchors: to_tensor(&pairs.anchors, device)?,
            positives: to_tensor(&pairs.positives, device)?,
            subgroups: pairs.subgroups,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.subgroups.len()
    }

    /// The embeddings (`[2n, d]`) and targets of some pairs.
    pub(super) fn batch(&self, pairs: &[u32]) -> candle_core::Result<(Tensor, PairTargets)> {
        let rows = Tensor::from_slice(pairs, pairs.len(), self.anchors.device())?;
        let halves = [
            self.anchors.index_select(&rows, 0)?,
            self.positives.index_select(&rows, 0)?,
        ];
        let targets = PairTargets {
            scores: vec![1.0; pairs.len()],
            subgroups: pairs
                .iter()
                .map(|&pair| self.subgroups[pair as usize])
                .collect(),
        };
        Ok((Tensor::cat(&halves, 0)?, targets))
    }
}
