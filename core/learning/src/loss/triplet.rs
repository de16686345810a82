use super::{
    GroupLoss, MemoryLoss,
    mining::{
        Relation, batch_distances, largest, memory_distances, select_entries, select_one_per_row,
        smallest, softplus,
    },
};
use crate::{
    distance::{Distance, DistanceKind},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Selection of the triplets (anchor, positive, negative) in a [`Triplet`] loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum TripletMining {
    /// All triplets that violate the margin.
    All,
    /// The farthest positive and the nearest negative of each anchor. The default.
    #[default]
    Hard,
    /// For each anchor and positive, the nearest negative beyond the positive, or the farthest negative
    /// if none is beyond.
    SemiHard,
}

/// Triplet loss: anchors must be nearer to their positives than to their negatives by a margin.
///
/// ```text
/// all        L = Σ max(d_ap − d_an + m, 0) / number of triplets where that is above 0
/// hard       L = mean over a of max((d_ap* − d_an*)/μ + m, 0)
/// hard soft  L = mean over a of ln(1 + exp(d_ap* − d_an*))
/// semi-hard  L = mean over (a, p) of max(d_ap − d_an′ + m, 0)
/// ```
///
/// `d_ap` and `d_an` are the matrix distances of an anchor to a positive and a negative. In *hard*
/// mining, `p*` is the farthest positive and `n*` the nearest negative. In *semi-hard* mining, `n′` is
/// the nearest negative with `d_an > d_ap`, or the farthest negative if none satisfies this. `μ` is the
/// mean of all `d_an*` with [`relative`](Self::relative) and 1 otherwise.
///
/// In hard mining, an anchor without positives (a group of one item) has `d_ap* = 0` and is still pushed
/// away from the others. Anchors without negatives are ignored.
///
/// Mining `All` and `SemiHard` take memory for `anchor–positive pairs × items` numbers.
///
/// # Errors
/// [`BatchError::NothingToCompare`] if the batch has no triplet: all items belong to one group or, except
/// for hard mining, no two items belong to the same group.
///
/// # Differences from Quaterion
///
/// Mining `All` equals Quaterion, and so does `Hard` for nonnegative distances. Otherwise `compat`
/// reproduces Quaterion:
///
/// - Semi-hard mining compares *every* positive pair of the batch with every negative pair, regardless
///   of their anchors, counts each item as its own positive, and clips at the margin:
///   `mean of min(max(d_p − d_n + m, 0), m)`. Clipping removes the gradient where the negative is nearer
///   than the positive, the most informative case.
/// - Hard mining replaces excluded distances by 0 (for the largest) or adds the row's largest distance
///   to them (for the smallest). Both can select excluded entries if distances are negative, as for
///   [`DotProduct`](crate::distance::DotProduct).
/// - `μ` can be 0 or negative; here it is the absolute value of the mean, at least 1e-6.
///
/// Sources: Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015, §3.2 (semi-hard); Hermans,
/// Beyer and Leibe, "In defense of the triplet loss", 2017 (all, hard, soft);
/// `quaterion/loss/triplet_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triplet<D = DistanceKind> {
    /// Distance between embeddings. Default: cosine.
    pub distance: D,
    /// Minimum difference between negative and positive distances; unused with `soft`. Default: 0.5.
    pub margin: f32,
    /// Selection of the triplets. Default: hard.
    pub mining: TripletMining,
    /// For hard mining: whether to use a smooth hinge without a margin. Default: false.
    pub soft: bool,
    /// For hard mining without `soft`: whether to divide differences by the mean distance to the hardest
    /// negatives, so that collapsing all embeddings doesn't reduce the loss. Default: true, as in
    /// Quaterion; false is the form of Hermans, Beyer and Leibe.
    pub relative: bool,
    /// Whether to use Quaterion's formula; see above. Default: false.
    pub compat: bool,
}

impl Default for Triplet {
    fn default() -> Self {
        Self {
            distance: DistanceKind::Cosine,
            margin: 0.5,
            mining: TripletMining::Hard,
            soft: false,
            relative: true,
            compat: false,
        }
    }
}

/// Lower bound of the divisor `μ`.
const MIN_MEAN: f32 = 1e-6;

const NEEDS_TRIPLET: &str = "two items of one group and one of another";
const NEEDS_NEGATIVE: &str = "items of two groups";

/// Anchor–positive pairs whose anchor has a negative.
struct AnchorPositives<T> {
    anchors: Vec<u32>,
    positives: Vec<usize>,
    /// Distances of each anchor to all items: `[pairs, m]`.
    rows: T,
    /// Distances of each anchor to its positive: `[pairs, 1]`.
    own: T,
}

impl<T: Tensor> AnchorPositives<T> {
    fn collect(d: &T, relation: &Relation) -> Result<Self, BatchError<T::Error>> {
        let (mut anchors, mut positives) = (Vec::new(), Vec::new());
        for anchor in 0..relation.dims().0 {
            if relation.negatives(anchor).next().is_some() {
                for positive in relation.positives(anchor) {
                    anchors.push(anchor as u32);
                    positives.push(positive);
                }
            }
        }
        if anchors.is_empty() {
            return Err(BatchError::NothingToCompare {
                needs: NEEDS_TRIPLET,
            });
        }
        let rows = d.select_rows(&anchors)?;
        let own = select_one_per_row(&rows, positives.iter().copied().map(Some))?;
        Ok(Self {
            anchors,
            positives,
            rows,
            own,
        })
    }
}

impl<D> Triplet<D> {
    fn hinge<T: Tensor>(&self, difference: &T) -> Result<T, T::Error> {
        difference.affine(1.0, self.margin)?.relu()
    }

    fn forward_all<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        let pairs = AnchorPositives::collect(d, relation)?;
        let m = relation.dims().1;
        let mut negative = alloc::vec![0.0; pairs.anchors.len() * m];
        for (pair, &anchor) in pairs.anchors.iter().enumerate() {
            for column in relation.negatives(anchor as usize) {
                negative[pair * m + column] = 1.0;
            }
        }
        let negative = d.constant(&negative, pairs.anchors.len(), m)?;
        let losses = self.hinge(&pairs.own.sub(&pairs.rows)?)?.mul(&negative)?;
        let active = losses.to_vec()?.into_iter().filter(|&x| x > 1e-16).count();
        Ok(losses.sum()?.affine(1.0 / active.max(1) as f32, 0.0)?)
    }

    fn forward_hard<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        let m = relation.dims().1;
        let values = d.to_vec()?;
        let (mut anchors, mut positives) = (Vec::new(), Vec::new());
        let (mut negatives, mut added) = (Vec::new(), Vec::new());
        for (anchor, row) in values.chunks(m).enumerate() {
            let mut positive = largest(row, relation.positives(anchor));
            let mut negative = smallest(row, relation.negatives(anchor));
            let mut largest_added = None;
            if self.compat {
                // Quaterion sets excluded entries to 0 for the largest positive …
                let others = relation.positives(anchor).count() < m;
                positive = positive.filter(|&p| !others || row[p] > 0.0);
                // … and adds the row's largest distance to them for the smallest negative.
                let top = largest(row, 0..m);
                let shifted: Vec<f32> = (0..m)
                    .map(|j| match top {
                        Some(top) if !relation.is_negative(anchor, j) => row[j] + row[top],
                        _ => row[j],
                    })
                    .collect();
                negative = smallest(&shifted, 0..m);
                largest_added = top.filter(|_| {
                    negative.is_some_and(|negative| !relation.is_negative(anchor, negative))
                });
            }
            if negative.is_some() {
                anchors.push(anchor as u32);
                positives.push(positive);
                negatives.push(negative);
                added.push(largest_added);
            }
        }
        if anchors.is_empty() {
            return Err(BatchError::NothingToCompare {
                needs: NEEDS_NEGATIVE,
            });
        }
        let rows = d.select_rows(&anchors)?;
        let positive = select_one_per_row(&rows, positives)?;
        let mut negative = select_one_per_row(&rows, negatives)?;
        if added.iter().any(Option::is_some) {
            negative = negative.add(&select_one_per_row(&rows, added)?)?;
        }
        let difference = positive.sub(&negative)?;
        if self.soft {
            return Ok(softplus(&difference)?.mean()?);
        }
        let difference = if self.relative {
            let mean = negative.mean()?;
            difference.div(&if self.compat {
                mean
            } else {
                mean.abs()?.clamp_min(MIN_MEAN)?
            })?
        } else {
            difference
        };
        Ok(self.hinge(&difference)?.mean()?)
    }

    fn forward_semi_hard<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        let pairs = AnchorPositives::collect(d, relation)?;
        let m = relation.dims().1;
        let values = d.to_vec()?;
        let anchor_positives = pairs.anchors.iter().zip(&pairs.positives);
        let negatives = anchor_positives.map(|(&anchor, &positive)| {
            let anchor = anchor as usize;
            let row = &values[anchor * m..(anchor + 1) * m];
            let farther = relation
                .negatives(anchor)
                .filter(|&negative| row[negative] > row[positive]);
            smallest(row, farther).or_else(|| largest(row, relation.negatives(anchor)))
        });
        let negative = select_one_per_row(&pairs.rows, negatives.collect::<Vec<_>>())?;
        Ok(self.hinge(&pairs.own.sub(&negative)?)?.mean()?)
    }

    /// Quaterion's semi-hard mining: compares every positive pair with every negative pair.
    fn forward_pooled<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        let (n, m) = relation.dims();
        let (negatives, positives): (Vec<u32>, Vec<u32>) = (0..(n * m) as u32)
            .partition(|&entry| relation.is_negative(entry as usize / m, entry as usize % m));
        if positives.is_empty() || negatives.is_empty() {
            return Err(BatchError::NothingToCompare {
                needs: NEEDS_NEGATIVE,
            });
        }
        let negative = select_entries(d, &negatives)?.transpose()?;
        let losses = self.hinge(&select_entries(d, &positives)?.sub(&negative)?)?;
        let excess = losses.affine(1.0, -self.margin)?.relu()?;
        Ok(losses.sub(&excess)?.mean()?)
    }

    fn forward_distances<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        match self.mining {
            TripletMining::All => self.forward_all(d, relation),
            TripletMining::Hard => self.forward_hard(d, relation),
            TripletMining::SemiHard if self.compat => self.forward_pooled(d, relation),
            TripletMining::SemiHard => self.forward_semi_hard(d, relation),
        }
    }
}

impl<T: Tensor, D: Distance<T>> GroupLoss<T> for Triplet<D> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let (d, relation) = batch_distances(&self.distance, embeddings, groups)?;
        self.forward_distances(&d, &relation)
    }
}

/// Applies the formulas to positives and negatives in the memory. Quaterion has no counterpart for
/// mining `All`.
impl<T: Tensor, D: Distance<T>> MemoryLoss<T> for Triplet<D> {
    fn forward_memory(
        &self,
        embeddings: &T,
        groups: &[u64],
        memory: &T,
        memory_groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let (d, relation) = memory_distances(
            &self.distance,
            (embeddings, groups),
            (memory, memory_groups),
        )?;
        self.forward_distances(&d, &relation)
    }
}
