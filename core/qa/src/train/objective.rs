//! The loss of a run, as the learners compute it.

use super::{
    Settings, SettingsError, TrainError,
    checkpoint::Snapshot,
    data::Pairs,
    settings::{Purpose, seed},
};
use candle_core::{Device, Tensor, Var, backprop::GradStore};
use nearsay_core::{
    candle::{
        adam::{Adam, AdamConfig, AdamState},
        to_matrix, to_tensor, variable,
    },
    distance::DistanceKind,
    head::Weight,
    loss::{
        ArcFace, Center, Circle, Contrastive, CosFace, FastAp, GroupLoss, GuidedRanking, LossKind,
        OnlineContrastive, PairLoss, Softmax, Triplet, normal_kernel, xavier_centers,
    },
    matrix::Matrix,
    metric::{Ranks, rank_pairs},
    sample::{BatchError, PairTargets},
};
use std::{borrow::Cow, sync::Arc};

/// A pair loss that runs can share.
pub type SharedPairLoss = Arc<dyn PairLoss<Tensor> + Send + Sync>;

/// A group loss that runs can share.
pub type SharedGroupLoss = Arc<dyn GroupLoss<Tensor> + Send + Sync>;

/// The loss that a run minimises.
///
/// Group losses take the answers for groups: a question and its answer share the label, and so do
/// all questions of one answer.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Loss {
    /// The loss that the settings name, with their scale, distance and masking.
    #[default]
    FromSettings,
    /// A pair loss of the caller's.
    Pairs(SharedPairLoss),
    /// A group loss of the caller's. Its parameters must be candle variables, and are trained too.
    Groups(SharedGroupLoss),
}

impl Loss {
    /// Whether this is [`FromSettings`](Self::FromSettings).
    #[must_use]
    pub fn is_from_settings(&self) -> bool {
        matches!(self, Self::FromSettings)
    }
}

/// Prefix of the loss's own weights in a snapshot.
const PREFIX: &str = "loss:";

/// Whether a weight of a snapshot belongs to the loss.
pub(super) fn is_of_loss(weight: &Weight) -> bool {
    weight.name.starts_with(PREFIX)
}

enum Formula {
    Pairs(SharedPairLoss),
    Groups(SharedGroupLoss),
    Guided(GuidedRanking),
}

/// A loss with the weights that it learns itself, and their optimiser.
pub struct Objective {
    formula: Formula,
    names: Vec<String>,
    variables: Vec<Var>,
    adam: Adam,
    distance: DistanceKind,
    /// Base vectors of the training pairs.
    guide: Option<Pairs>,
    device: Device,
}

/// A loss that was computed, and what follows from it.
pub struct LossValue {
    /// The loss; NaN or infinite after divergence.
    pub value: f32,
    /// Gradients of all variables; none when the value is not finite.
    pub gradients: Option<GradStore>,
}

impl Objective {
    /// The loss of a run over `groups` answers and embeddings of length `dim`.
    ///
    /// # Errors
    /// When a parameter of the loss is not a variable, or the device refuses.
    pub fn new(
        settings: &Settings,
        loss: &Loss,
        groups: usize,
        dim: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (mut names, mut variables) = (Vec::new(), Vec::new());
        let mut weight = |name: &str, value: Matrix| -> Result<Tensor, TrainError> {
            let variable = Var::from_tensor(&to_tensor(&value, device)?)?;
            let tensor = variable.as_tensor().clone();
            names.push(format!("{PREFIX}{name}"));
            variables.push(variable);
            Ok(tensor)
        };
        let kernel_seed = seed(settings.seed, Purpose::Weights, 1);
        let kernel = || normal_kernel(groups, dim, kernel_seed);
        let formula = match loss {
            Loss::Pairs(loss) => Formula::Pairs(Arc::clone(loss)),
            Loss::Groups(loss) => {
                for (name, parameter) in loss.parameters() {
                    variables.push(variable(&name, parameter)?);
                    names.push(format!("{PREFIX}{name}"));
                }
                Formula::Groups(Arc::clone(loss))
            }
            Loss::FromSettings => match settings.loss {
                LossKind::MultipleNegativesRanking => {
                    Formula::Pairs(Arc::new(settings.ranking_loss()))
                }
                LossKind::GuidedRanking => Formula::Guided(GuidedRanking {
                    mask_subgroups: settings.mask_equal_answers,
                    ..GuidedRanking::default()
                }),
                LossKind::Contrastive => Formula::Pairs(Arc::new(Contrastive::default())),
                LossKind::OnlineContrastive => {
                    Formula::Groups(Arc::new(OnlineContrastive::default()))
                }
                LossKind::Triplet => Formula::Groups(Arc::new(Triplet::default())),
                LossKind::Circle => Formula::Groups(Arc::new(Circle::default())),
                LossKind::FastAp => Formula::Groups(Arc::new(FastAp::default())),
                LossKind::Softmax => {
                    Formula::Groups(Arc::new(Softmax::new(weight("kernel", kernel())?)))
                }
                LossKind::ArcFace => {
                    Formula::Groups(Arc::new(ArcFace::new(weight("kernel", kernel())?)))
                }
                LossKind::CosFace => {
                    Formula::Groups(Arc::new(CosFace::new(weight("kernel", kernel())?)))
                }
                LossKind::Center => {
                    let centers = xavier_centers(groups, dim, kernel_seed);
                    Formula::Groups(Arc::new(SoftmaxAndCenter {
                        softmax: Softmax::new(weight("kernel", kernel())?),
                        center: Center::new(weight("centers", centers)?),
                    }))
                }
                _ => {
                    return Err(SettingsError::Unsupported {
                        reason: "this loss needs a newer version of Nearsay",
                    }
                    .into());
                }
            },
        };
        let config = AdamConfig {
            lr: settings.lr,
            weight_decay: settings.weight_decay,
            ..AdamConfig::default()
        };
        Ok(Self {
            formula,
            names,
            adam: Adam::new(variables.clone(), config)?,
            variables,
            distance: settings.distance,
            guide: None,
            device: device.clone(),
        })
    }

    /// Sets the base vectors of the training pairs; only a guided loss keeps them.
    pub fn set_guide(&mut self, guide: Pairs) {
        if matches!(self.formula, Formula::Guided(_)) {
            self.guide = Some(guide);
        }
    }

    /// The loss of a batch of embeddings, `[2n, d]`, all anchors first, of these training pairs.
    ///
    /// # Errors
    /// When the loss cannot use the batch, and the tensor library's.
    pub fn compute(
        &self,
        embeddings: &Tensor,
        pairs: &[u32],
        targets: &PairTargets,
    ) -> Result<LossValue, TrainError> {
        let loss = match &self.formula {
            Formula::Pairs(loss) => loss.forward(embeddings, targets)?,
            Formula::Groups(loss) => {
                targets.check::<candle_core::Error>(embeddings.dims2()?.0)?;
                let groups = [targets.subgroups.as_slice(); 2].concat();
                loss.forward(embeddings, &groups)?
            }
            Formula::Guided(loss) => {
                let guide = self.guide(pairs)?;
                loss.forward_guided(embeddings, &guide, targets)?
            }
        };
        let values: Vec<f32> = loss.flatten_all()?.to_vec1()?;
        let value = values.first().copied().unwrap_or(f32::NAN);
        let gradients = value.is_finite().then(|| loss.backward()).transpose()?;
        Ok(LossValue { value, gradients })
    }

    /// Base vectors of a batch, `[2n, d]`, all anchors first.
    fn guide(&self, pairs: &[u32]) -> Result<Tensor, TrainError> {
        let Some(guide) = &self.guide else {
            return Err(SettingsError::Unsupported {
                reason: "guided_ranking needs vectors of a frozen base encoder; choose another loss",
            }
            .into());
        };
        let rows = [&guide.anchors, &guide.positives]
            .into_iter()
            .flat_map(|side| pairs.iter().map(|&pair| side.row(pair as usize)));
        let rows: Vec<&[f32]> = rows.collect();
        Ok(to_tensor(&Matrix::from_rows(&rows)?, &self.device)?)
    }

    /// The ranks of a batch of embeddings, `[2n, d]`.
    ///
    /// # Errors
    /// When embeddings and targets differ in number.
    pub fn rank(
        &self,
        embeddings: &Tensor,
        targets: &PairTargets,
        ranks: &mut Ranks,
    ) -> Result<(), TrainError> {
        *ranks = rank_pairs(&self.distance, embeddings, targets)?;
        Ok(())
    }

    /// Updates the loss's own weights.
    ///
    /// # Errors
    /// The tensor library's.
    pub fn step(&mut self, gradients: &GradStore) -> Result<(), TrainError> {
        if !self.variables.is_empty() {
            self.adam.step(gradients)?;
        }
        Ok(())
    }

    /// Sets the learning rate of the loss's own weights.
    pub fn set_lr(&mut self, lr: f64) {
        self.adam.set_lr(lr);
    }

    /// Appends the loss's own weights and moments to a learner's.
    ///
    /// # Errors
    /// The tensor library's.
    pub fn save(&self, snapshot: &mut Snapshot) -> Result<(), TrainError> {
        if self.variables.is_empty() {
            return Ok(());
        }
        for (name, variable) in self.names.iter().zip(&self.variables) {
            snapshot.weights.push(Weight {
                name: name.clone(),
                value: to_matrix(variable.as_tensor())?,
            });
        }
        let AdamState { first, second, .. } = self.adam.state()?;
        snapshot.adam.first.extend(first);
        snapshot.adam.second.extend(second);
        Ok(())
    }

    /// Takes the loss's own weights and moments off a snapshot, and returns the learner's part.
    ///
    /// # Errors
    /// When the snapshot has other weights.
    pub fn restore<'a>(&mut self, snapshot: &'a Snapshot) -> Result<Cow<'a, Snapshot>, TrainError> {
        if self.variables.is_empty() {
            return Ok(Cow::Borrowed(snapshot));
        }
        let other = || TrainError::Checkpoint("it is one of another loss".into());
        let mut rest = snapshot.clone();
        let own = rest.weights.len().checked_sub(self.names.len());
        let own = rest.weights.split_off(own.ok_or_else(other)?);
        if !own.iter().map(|weight| &weight.name).eq(&self.names) {
            return Err(other());
        }
        for (variable, weight) in self.variables.iter().zip(&own) {
            variable.set(&to_tensor(&weight.value, &self.device)?)?;
        }
        let tail = |moments: &mut Vec<Matrix>| {
            let start = moments.len().checked_sub(own.len());
            Ok::<_, TrainError>(moments.split_off(start.ok_or_else(other)?))
        };
        let state = AdamState {
            step: rest.adam.step,
            first: tail(&mut rest.adam.first)?,
            second: tail(&mut rest.adam.second)?,
        };
        self.adam.restore(&state)?;
        Ok(Cow::Owned(rest))
    }
}

/// Cross-entropy, and beside it the distance to the centre of the own group.
struct SoftmaxAndCenter {
    softmax: Softmax<Tensor>,
    center: Center<Tensor>,
}

impl GroupLoss<Tensor> for SoftmaxAndCenter {
    fn forward(
        &self,
        embeddings: &Tensor,
        groups: &[u64],
    ) -> Result<Tensor, BatchError<candle_core::Error>> {
        let center = self.center.forward(embeddings, groups)?;
        Ok((self.softmax.forward(embeddings, groups)? + center)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Recipe;

    /// Eight pairs with four answers.
    fn batch() -> (Tensor, PairTargets, Pairs) {
        let mut random = fastrand::Rng::with_seed(7);
        let mut matrix = |rows| Matrix::from_fn(rows, 6, |_, _| random.f32() - 0.5);
        let groups: Vec<u64> = (0..8).map(|pair| pair % 4).collect();
        let pairs = Pairs::new(matrix(8), matrix(8), groups.clone()).unwrap();
        let targets = PairTargets {
            scores: vec![1.0; 8],
            subgroups: groups,
        };
        let embeddings = to_tensor(&matrix(16), &Device::Cpu).unwrap();
        (embeddings, targets, pairs)
    }

    #[test]
    fn every_loss_has_a_gradient_and_restores_its_weights() {
        let (embeddings, targets, pairs) = batch();
        let numbers: Vec<u32> = (0..8).collect();
        for kind in LossKind::ALL {
            let settings = Settings::of(Recipe::Quick, 6).with_loss(kind);
            let loss = &Loss::FromSettings;
            let mut objective = Objective::new(&settings, loss, 4, 6, &Device::Cpu).unwrap();
            objective.set_guide(pairs.clone());
            let embeddings = Var::from_tensor(&embeddings).unwrap();
            let compute = |objective: &Objective| {
                let embeddings = embeddings.as_tensor();
                objective.compute(embeddings, &numbers, &targets).unwrap()
            };
            let LossValue { value, gradients } = compute(&objective);
            assert!(value.is_finite() && value > 0.0, "{kind}: {value}");
            let gradients = gradients.unwrap();
            let gradient = to_matrix(gradients.get(&embeddings).unwrap()).unwrap();
            assert!(gradient.data().iter().any(|g| g.abs() > 1e-9), "{kind}");

            let mut before = Snapshot::default();
            objective.save(&mut before).unwrap();
            objective.step(&gradients).unwrap();
            let rest = objective.restore(&before).unwrap();
            assert_eq!(*rest, Snapshot::default(), "{kind}");
            assert_eq!(compute(&objective).value, value, "{kind}");
        }
    }
}
