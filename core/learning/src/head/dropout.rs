use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{boxed::Box, string::String, vec::Vec};

/// Any head behind dropout on its input: `y = head(x ⊙ m / (1 − p))` in training, where each
/// number of `m` is 0 with probability `p` and else 1; in use `y = head(x)`.
///
/// Around [`Empty`](super::Empty) it is dropout alone, as a part of a
/// [`Sequential`](super::Sequential). The weights keep the names of the head within. It folds as
/// that head does. Sources: `torch.nn.Dropout`; `quaterion_models/heads/encoder_head.py`, where
/// every head has this as its field `dropout`.
pub struct Dropout<T> {
    rate: f32,
    head: Box<dyn Head<T>>,
}

impl<T: Tensor> Dropout<T> {
    /// Drops `rate` of the numbers that go into a head, which must be in `[0, 1)`.
    ///
    /// # Errors
    /// For any other rate.
    pub fn new(rate: f32, head: Box<dyn Head<T>>) -> Result<Self, HeadError<T::Error>> {
        check_rate(rate).map_err(HeadError::Config)?;
        Ok(Self { rate, head })
    }

    /// The head's input, and what the head itself draws from.
    fn drop(&self, x: &T, mode: Mode) -> Result<(T, Mode), T::Error> {
        let mut random = mode.part(0).random();
        Ok((dropout(x, self.rate, random.as_mut())?, mode.part(1)))
    }
}

/// Refuses what is no probability of being dropped.
pub(super) fn check_rate(rate: f32) -> Result<(), String> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(alloc::format!(
        "a head's dropout is {rate}; it must be at least 0 and below 1"
    ))
}

/// What each number is multiplied by, without end: 0 for a share of `rate`, else `1 / (1 − rate)`.
fn mask(rate: f32, random: &mut fastrand::Rng) -> impl Iterator<Item = f32> {
    let kept = 1.0 - rate;
    core::iter::repeat_with(move || if random.f32() < kept { 1.0 / kept } else { 0.0 })
}

/// Does to the numbers of a batch, in their order, what [`Dropout`] does to its input.
pub fn drop_in_place(x: &mut [f32], rate: f32, mode: Mode) {
    if let Some(mut random) = mode.part(0).random().filter(|_| rate > 0.0) {
        let factors = mask(rate, &mut random);
        x.iter_mut()
            .zip(factors)
            .for_each(|(x, factor)| *x *= factor);
    }
}

/// `x` with `rate` of its numbers set to 0 and the others scaled up, when there is something to
/// draw from.
pub(super) fn dropout<T: Tensor>(
    x: &T,
    rate: f32,
    random: Option<&mut fastrand::Rng>,
) -> Result<T, T::Error> {
    let Some(random) = random.filter(|_| rate > 0.0) else {
        return Ok(x.clone());
    };
    let (rows, columns) = x.dims();
    let mask: Vec<f32> = mask(rate, random).take(rows * columns).collect();
    x.mul(&x.constant(&mask, rows, columns)?)
}

impl<T: Tensor> Head<T> for Dropout<T> {
    fn in_dim(&self) -> usize {
        self.head.in_dim()
    }

    fn out_dim(&self) -> usize {
        self.head.out_dim()
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
        let (x, mode) = self.drop(x, mode)?;
        self.head.forward(&x, mode)
    }

    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        let (x, mode) = self.drop(x, mode)?;
        self.head.forward_routed(&x, encoders, mode)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        self.head.parameters()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        self.head.fold()
    }
}
