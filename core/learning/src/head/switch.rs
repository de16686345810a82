use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{
    borrow::ToOwned as _, boxed::Box, collections::BTreeMap, format, string::String, vec::Vec,
};

/// A head for each encoder: row `i` goes through the head that bears the name of the encoder it
/// came from, and comes out as row `i` again.
///
/// For models with several encoders into one space, for example of questions and of pictures. All
/// heads must have the same lengths, in and out. Rows are named by
/// [`forward_routed`](Head::forward_routed); [`forward`](Head::forward) alone is refused. Weights
/// are named `<encoder>.<name>`. Which head is taken depends on more than the embedding, so this
/// head does not fold. Source: `quaterion_models/heads/switch_head.py`, which leaves out the
/// dropout of the heads within; here they keep it.
pub struct Switch<T> {
    heads: BTreeMap<String, Box<dyn Head<T>>>,
}

impl<T: Tensor> Switch<T> {
    /// These heads, each under the name of its encoder.
    ///
    /// # Errors
    /// When there is none, a name is empty or has a dot, or the lengths differ.
    pub fn new(heads: BTreeMap<String, Box<dyn Head<T>>>) -> Result<Self, HeadError<T::Error>> {
        check_heads(
            heads
                .iter()
                .map(|(name, head)| (name.as_str(), head.in_dim(), head.out_dim())),
        )
        .map_err(HeadError::Config)?;
        Ok(Self { heads })
    }

    fn first(&self) -> Option<&dyn Head<T>> {
        self.heads.values().next().map(Box::as_ref)
    }
}

/// Checks names and lengths, `(name, in, out)`.
pub(super) fn check_heads<'a>(
    mut heads: impl Iterator<Item = (&'a str, usize, usize)>,
) -> Result<(), String> {
    let named = |name: &str| {
        if name.is_empty() || name.contains('.') {
            return Err(format!(
                "a head of a switch is named {name:?}; a name must not be empty or have a dot"
            ));
        }
        Ok(())
    };
    let Some((first, takes, gives)) = heads.next() else {
        return Err("a switch has no heads; give it at least one".into());
    };
    named(first)?;
    for (name, other_takes, other_gives) in heads {
        named(name)?;
        if (other_takes, other_gives) != (takes, gives) {
            return Err(format!(
                "the heads of a switch must have the same lengths, but {first:?} turns {takes} \
                 into {gives} and {name:?} {other_takes} into {other_gives}"
            ));
        }
    }
    Ok(())
}

/// One above the other: `[a, m], [b, m], … → [a + b + …, m]`.
fn concat_rows<T: Tensor>(parts: &[T]) -> Result<T, T::Error> {
    let parts: Vec<T> = parts.iter().map(T::transpose).collect::<Result<_, _>>()?;
    T::concat_columns(&parts)?.transpose()
}

impl<T: Tensor> Head<T> for Switch<T> {
    fn in_dim(&self) -> usize {
        self.first().map_or(0, |head| head.in_dim())
    }

    fn out_dim(&self) -> usize {
        self.first().map_or(0, |head| head.out_dim())
    }

    /// # Errors
    /// Always [`HeadError::Unrouted`].
    fn forward(&self, _x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        Err(HeadError::Unrouted)
    }

    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        let rows = x.dims().0;
        if encoders.len() != rows {
            return Err(HeadError::Names {
                rows,
                names: encoders.len(),
            });
        }
        if let Some(&name) = encoders
            .iter()
            .find(|name| !self.heads.contains_key(**name))
        {
            return Err(HeadError::NoHead {
                encoder: name.to_owned(),
            });
        }
        if rows == 0 {
            return Ok(x.constant(&[], 0, self.out_dim())?);
        }
        let mut outputs = Vec::new();
        // Where each row of `x` lies in the outputs.
        let mut place = alloc::vec![0u32; rows];
        let mut placed = 0;
        for ((name, head), number) in self.heads.iter().zip(0..) {
            let mine: Vec<u32> = (0u32..)
                .zip(encoders)
                .filter_map(|(row, encoder)| (encoder == name).then_some(row))
                .collect();
            if mine.is_empty() {
                continue;
            }
            for &row in &mine {
                place[row as usize] = placed;
                placed += 1;
            }
            let names: Vec<&str> = mine.iter().map(|&row| encoders[row as usize]).collect();
            let x = x.select_rows(&mine)?;
            outputs.push(head.forward_routed(&x, &names, mode.part(number))?);
        }
        Ok(concat_rows(&outputs)?.select_rows(&place)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        self.heads
            .iter()
            .flat_map(|(encoder, head)| {
                let named = head.parameters().into_iter();
                named.map(move |(name, weight)| (format!("{encoder}.{name}"), weight))
            })
            .collect()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        Ok(Folded::Impossible(
            "which head of a switch is taken depends on the encoder, not on the embedding".into(),
        ))
    }
}
