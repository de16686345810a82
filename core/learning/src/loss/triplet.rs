use super::{
    GroupLoss, MemoryLoss,
    mining::{Relation, entries, largest, pick, smallest, softplus},
};
use crate::{
    distance::{Distance, DistanceKind},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Which triplets of anchor, positive and negative a [`Triplet`] loss learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum TripletMining {
    /// Every triplet that is within the margin.
    All,
    /// For each anchor its farthest positive and nearest negative; the default.
    #[default]
    Hard,
    /// For each anchor and positive the nearest negative that is farther than the positive; the
    /// farthest negative where none is.
    SemiHard,
}

/// Triplet loss: an anchor must be nearer to its positives than to its negatives, by a margin.
///
/// ```text
/// all        L = Σ max(d_ap − d_an + m, 0) / number of triplets where that is above 0
/// hard       L = mean over a of max((d_ap* − d_an*)/μ + m, 0)
/// hard soft  L = mean over a of ln(1 + exp(d_ap* − d_an*))
/// semi-hard  L = mean over (a, p) of max(d_ap − d_an′ + m, 0)
/// ```
///
/// `d_ap`, `d_an` are the matrix distances of an anchor to a positive and a negative. In *hard*
/// mining `p*` is the farthest positive, `n*` the nearest negative. In *semi-hard* mining `n′` is
/// the nearest negative with `d_an > d_ap`, or the farthest negative where there is none. `μ` is the
/// mean of all `d_an*` with [`relative`](Self::relative), else 1.
///
/// An anchor without a positive (the only one of its group) has `d_ap* = 0` in hard mining: it is
/// its own positive, and still learns to keep away from the others. Anchors without a negative
/// count nowhere.
///
/// Mining `All` and `SemiHard` take memory for `anchor–positive pairs × items` numbers.
///
/// # Errors
/// [`BatchError::NothingToCompare`] when the batch has no such triplet: for hard mining all items
/// of one group; for the others also no two items of one group.
///
/// # Differences from Quaterion
///
/// Mining `All` is Quaterion's, and so is `Hard` for distances that are never negative. Otherwise,
/// `compat` brings back what Quaterion computes:
///
/// - Semi-hard mining compares *every* positive pair of the batch with every negative pair,
///   whichever their anchors, counts each item as its own positive, and cuts at the margin:
///   `mean of min(max(d_p − d_n + m, 0), m)`. The cut ends the gradient where the negative is nearer
///   than the positive, which is where there is most to learn.
/// - Hard mining sets distances that do not count to 0 (for the largest) or adds the row's largest
///   distance (for the smallest). Both choose entries that do not count once distances are negative,
///   as those of [`DotProduct`](crate::distance::DotProduct) are.
/// - `μ` may be 0 or negative; ours is the mean's absolute value, at least 1e-6.
///
/// Sources: Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015, §3.2 (semi-hard); Hermans,
/// Beyer and Leibe, "In defense of the triplet loss", 2017 (all, hard, soft);
/// `quaterion/loss/triplet_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triplet<D = DistanceKind> {
    /// How far apart two embeddings are; cosine by default.
    pub distance: D,
    /// How much farther than the positive a negative must be; 0.5 by default. Soft: not used.
    pub margin: f32,
    /// Which triplets count; hard by default.
    pub mining: TripletMining,
    /// Hard mining only: a smooth hinge without a margin; off by default.
    pub soft: bool,
    /// Hard mining only, not soft: whether differences are divided by the mean distance to the
    /// hardest negatives, so that drawing all embeddings together does not lessen the loss. On by
    /// default, as in Quaterion; off is Hermans, Beyer and Leibe's form.
    pub relative: bool,
    /// Whether to compute what Quaterion does where that differs, see above; off by default.
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

/// Least of the number that differences are divided by.
const LEAST_MEAN: f32 = 1e-6;

const NEEDS_TRIPLET: &str = "two items of one group and one of another";
const NEEDS_NEGATIVE: &str = "items of two groups";

/// Anchor–positive pairs that have a negative, each as a row of distances.
struct AnchorPositives<T> {
    anchors: Vec<u32>,
    positives: Vec<usize>,
    /// Distances of the anchor to everything: `[pairs, m]`.
    rows: T,
    /// Distance of the anchor to the positive: `[pairs, 1]`.
    own: T,
}

impl<T: Tensor> AnchorPositives<T> {
    fn of(d: &T, relation: &Relation) -> Result<Self, BatchError<T::Error>> {
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
        let own = pick(&rows, positives.iter().copied().map(Some))?;
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

    fn all<T: Tensor>(&self, d: &T, relation: &Relation) -> Result<T, BatchError<T::Error>> {
        let pairs = AnchorPositives::of(d, relation)?;
        let m = relation.dims().1;
        let mut negative = alloc::vec![0.0; pairs.anchors.len() * m];
        for (pair, &anchor) in pairs.anchors.iter().enumerate() {
            for column in relation.negatives(anchor as usize) {
                negative[pair * m + column] = 1.0;
            }
        }
        let negative = d.constant(&negative, pairs.anchors.len(), m)?;
        let rest = self.hinge(&pairs.own.sub(&pairs.rows)?)?.mul(&negative)?;
        let active = rest.to_vec()?.into_iter().filter(|&x| x > 1e-16).count();
        Ok(rest.sum()?.affine(1.0 / active.max(1) as f32, 0.0)?)
    }

    fn hard<T: Tensor>(&self, d: &T, relation: &Relation) -> Result<T, BatchError<T::Error>> {
        let m = relation.dims().1;
        let values = d.to_vec()?;
        let (mut anchors, mut positives) = (Vec::new(), Vec::new());
        let (mut negatives, mut added) = (Vec::new(), Vec::new());
        for (anchor, row) in values.chunks(m).enumerate() {
            let mut positive = largest(row, relation.positives(anchor));
            let mut negative = smallest(row, relation.negatives(anchor));
            let mut largest_added = None;
            if self.compat {
                // Entries that do not count enter as 0 here …
                let others = relation.positives(anchor).count() < m;
                positive = positive.filter(|&p| !others || row[p] > 0.0);
                // … and with the row's largest on top here.
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
        let positive = pick(&rows, positives)?;
        let mut negative = pick(&rows, negatives)?;
        if added.iter().any(Option::is_some) {
            negative = negative.add(&pick(&rows, added)?)?;
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
                mean.abs()?.clamp_min(LEAST_MEAN)?
            })?
        } else {
            difference
        };
        Ok(self.hinge(&difference)?.mean()?)
    }

    fn semi_hard<T: Tensor>(&self, d: &T, relation: &Relation) -> Result<T, BatchError<T::Error>> {
        let pairs = AnchorPositives::of(d, relation)?;
        let m = relation.dims().1;
        let values = d.to_vec()?;
        let chosen = pairs.anchors.iter().zip(&pairs.positives);
        let negatives = chosen.map(|(&anchor, &positive)| {
            let anchor = anchor as usize;
            let row = &values[anchor * m..(anchor + 1) * m];
            let farther = relation
                .negatives(anchor)
                .filter(|&negative| row[negative] > row[positive]);
            smallest(row, farther).or_else(|| largest(row, relation.negatives(anchor)))
        });
        let negative = pick(&pairs.rows, negatives.collect::<Vec<_>>())?;
        Ok(self.hinge(&pairs.own.sub(&negative)?)?.mean()?)
    }

    /// Quaterion's: every positive pair with every negative pair.
    fn pooled<T: Tensor>(&self, d: &T, relation: &Relation) -> Result<T, BatchError<T::Error>> {
        let (n, m) = relation.dims();
        let (negatives, positives): (Vec<u32>, Vec<u32>) = (0..(n * m) as u32)
            .partition(|&entry| relation.is_negative(entry as usize / m, entry as usize % m));
        if positives.is_empty() || negatives.is_empty() {
            return Err(BatchError::NothingToCompare {
                needs: NEEDS_NEGATIVE,
            });
        }
        let negative = entries(d, &negatives)?.transpose()?;
        let rest = self.hinge(&entries(d, &positives)?.sub(&negative)?)?;
        let above = rest.affine(1.0, -self.margin)?.relu()?;
        Ok(rest.sub(&above)?.mean()?)
    }

    fn of_distances<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        match self.mining {
            TripletMining::All => self.all(d, relation),
            TripletMining::Hard => self.hard(d, relation),
            TripletMining::SemiHard if self.compat => self.pooled(d, relation),
            TripletMining::SemiHard => self.semi_hard(d, relation),
        }
    }
}

impl<T: Tensor, D: Distance<T>> GroupLoss<T> for Triplet<D> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let relation = Relation::within(embeddings.dims().0, groups)?;
        let d = self.distance.distance_matrix(embeddings, embeddings)?;
        self.of_distances(&d, &relation)
    }
}

/// The same formulas with all positives and negatives in the memory. Quaterion has no loss for
/// mining `All` here.
impl<T: Tensor, D: Distance<T>> MemoryLoss<T> for Triplet<D> {
    fn forward_memory(
        &self,
        embeddings: &T,
        groups: &[u64],
        memory: &T,
        memory_groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let counts = (embeddings.dims().0, memory.dims().0);
        let relation = Relation::across(counts, groups, memory_groups)?;
        let d = self.distance.distance_matrix(embeddings, memory)?;
        self.of_distances(&d, &relation)
    }
}
