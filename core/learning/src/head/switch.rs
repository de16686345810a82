use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{
    borrow::ToOwned as _, boxed::Box, collections::BTreeMap, format, string::String, vec::Vec,
};

/// One head per encoder: each row is mapped by the head of the encoder it came from.
///
/// For models with several encoders into one space, for example of questions and of pictures. All
/// heads have the same input and output length. [`forward_routed`](Head::forward_routed) passes the
/// encoder name of each row; [`forward`](Head::forward) returns an error. Weights are named
/// `<encoder>.<name>`. The head isn't foldable, because the choice of head depends on the encoder.
/// Source: `quaterion_models/heads/switch_head.py`, which ignores the dropout of the inner heads;
/// here it applies.
pub struct Switch<T> {
    heads: BTreeMap<String, Box<dyn Head<T>>>,
}

impl<T: Tensor> Switch<T> {
    /// Creates a switch from heads by encoder name.
    ///
    /// # Errors
    /// If `heads` is empty, a name is empty or contains a dot, or the heads differ in input or output
    /// length.
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

/// Checks the names and lengths of heads, `(name, in, out)`.
pub(super) fn check_heads<'a>(
    mut heads: impl Iterator<Item = (&'a str, usize, usize)>,
) -> Result<(), String> {
    let Some((first, in_dim, out_dim)) = heads.next() else {
        return Err("switch has no heads; add at least one".into());
    };
    check_name(first)?;
    for (name, other_in, other_out) in heads {
        check_name(name)?;
        if (other_in, other_out) != (in_dim, out_dim) {
            return Err(format!(
                "the heads of a switch must have the same lengths, but {first:?} maps {in_dim} to \
                 {out_dim} and {name:?} maps {other_in} to {other_out}"
            ));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains('.') {
        return Err(format!(
            "a head of a switch is named {name:?}; use a non-empty name without dots"
        ));
    }
    Ok(())
}

impl<T: Tensor> Head<T> for Switch<T> {
    fn in_dim(&self) -> usize {
        self.first().map_or(0, |part| part.in_dim())
    }

    fn out_dim(&self) -> usize {
        self.first().map_or(0, |part| part.out_dim())
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
        // Position of each row of `x` in the concatenated outputs.
        let mut positions = alloc::vec![0u32; rows];
        let mut count = 0;
        for ((name, head), number) in self.heads.iter().zip(0..) {
            let selected: Vec<u32> = (0u32..)
                .zip(encoders)
                .filter_map(|(row, encoder)| (encoder == name).then_some(row))
                .collect();
            if selected.is_empty() {
                continue;
            }
            for &row in &selected {
                positions[row as usize] = count;
                count += 1;
            }
            let names: Vec<&str> = selected.iter().map(|&row| encoders[row as usize]).collect();
            let x = x.select_rows(&selected)?;
            outputs.push(head.forward_routed(&x, &names, mode.part(number))?);
        }
        Ok(T::concat_rows(&outputs)?.select_rows(&positions)?)
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
            "a switch chooses its head by the encoder, not by the embedding".into(),
        ))
    }
}
