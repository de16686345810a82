use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A head with dropout on its input.
///
/// In training `y = head(x ⊙ m / (1 − p))`, where each element of `m` is 0 with probability `p` and
/// otherwise 1; in inference `y = head(x)`. With [`Empty`](super::Empty) as the inner head it is
/// plain dropout, for use in a [`Sequential`](super::Sequential). Weight names and folding are those
/// of the inner head. Sources: `torch.nn.Dropout`; the field `dropout` of
/// `quaterion_models/heads/encoder_head.py`.
pub struct Dropout<T> {
    rate: f32,
    head: Box<dyn Head<T>>,
}

impl<T: Tensor> Dropout<T> {
    /// Wraps `head` with dropout of probability `rate`.
    ///
    /// # Errors
    /// If `rate` is outside `[0, 1)`.
    pub fn new(rate: f32, head: Box<dyn Head<T>>) -> Result<Self, HeadError<T::Error>> {
        check_rate(rate).map_err(HeadError::Config)?;
        Ok(Self { rate, head })
    }

    /// Applies dropout to `x`; also returns the mode for the inner head.
    fn apply_dropout(&self, x: &T, mode: Mode) -> Result<(T, Mode), T::Error> {
        let mut random = mode.part(0).random();
        Ok((dropout(x, self.rate, random.as_mut())?, mode.part(1)))
    }
}

/// Checks that a dropout rate is in `[0, 1)`.
pub(super) fn check_rate(rate: f32) -> Result<(), String> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(alloc::format!(
        "head's dropout is {rate}; use a value of at least 0 and below 1"
    ))
}

/// Endless dropout factors: 0 with probability `rate`, otherwise `1 / (1 − rate)`.
fn dropout_factors(rate: f32, random: &mut fastrand::Rng) -> impl Iterator<Item = f32> {
    let kept = 1.0 - rate;
    core::iter::repeat_with(move || if random.f32() < kept { 1.0 / kept } else { 0.0 })
}

/// Applies the dropout of [`Dropout`] to a row-major batch.
pub fn drop_in_place(x: &mut [f32], rate: f32, mode: Mode) {
    if let Some(mut random) = mode.part(0).random().filter(|_| rate > 0.0) {
        let factors = dropout_factors(rate, &mut random);
        x.iter_mut()
            .zip(factors)
            .for_each(|(x, factor)| *x *= factor);
    }
}

/// Zeroes elements of `x` with probability `rate` and scales up the others; returns `x` unchanged
/// without a random generator.
pub(super) fn dropout<T: Tensor>(
    x: &T,
    rate: f32,
    random: Option<&mut fastrand::Rng>,
) -> Result<T, T::Error> {
    let Some(random) = random.filter(|_| rate > 0.0) else {
        return Ok(x.clone());
    };
    let (rows, columns) = x.dims();
    let factors: Vec<f32> = dropout_factors(rate, random).take(rows * columns).collect();
    x.mul(&x.constant(&factors, rows, columns)?)
}

impl<T: Tensor> Head<T> for Dropout<T> {
    fn in_dim(&self) -> usize {
        self.head.in_dim()
    }

    fn out_dim(&self) -> usize {
        self.head.out_dim()
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
        let (x, mode) = self.apply_dropout(x, mode)?;
        self.head.forward(&x, mode)
    }

    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        let (x, mode) = self.apply_dropout(x, mode)?;
        self.head.forward_routed(&x, encoders, mode)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        self.head.parameters()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        self.head.fold()
    }
}
