//! Text encoders as trait objects, and an encoder with a head behind it.

use super::{NotAVariable, to_matrix, variable};
use crate::{
    encoder::{BoxError, Encoder},
    head::{Head, Mode},
    matrix::Matrix,
};
use candle_core::{Tensor, Var};
use std::{ops::ControlFlow, sync::Arc};

/// Texts encoded at once.
const BATCH: usize = 64;

/// An [`Encoder`] of texts as a trait object, whatever its error type.
///
/// Every encoder of `str` on candle has this trait; implement [`Encoder`] instead.
pub trait TextEncode: Send + Sync {
    /// Length of an embedding.
    fn dim(&self) -> usize;

    /// Whether training changes this encoder.
    fn trainable(&self) -> bool;

    /// Embeds texts, not normalised: `n` texts → `[n, dim]`.
    ///
    /// # Errors
    /// The encoder's.
    fn embed(&self, texts: &[&str], mode: Mode) -> Result<Tensor, BoxError>;

    /// Names and variables of the weights that training changes, in a fixed order.
    ///
    /// # Errors
    /// When a parameter is not a variable.
    fn variables(&self) -> Result<Vec<(String, Var)>, NotAVariable>;
}

impl<E: Encoder<Tensor, Input = str> + Send + Sync> TextEncode for E {
    fn dim(&self) -> usize {
        Encoder::dim(self)
    }

    fn trainable(&self) -> bool {
        Encoder::trainable(self)
    }

    fn embed(&self, texts: &[&str], _mode: Mode) -> Result<Tensor, BoxError> {
        Ok(self.encode(texts)?)
    }

    fn variables(&self) -> Result<Vec<(String, Var)>, NotAVariable> {
        let parameters = self.parameters().into_iter();
        parameters
            .map(|(name, parameter)| Ok((name.to_owned(), variable(name, parameter)?)))
            .collect()
    }
}

/// A text encoder that runs and models can share.
pub type SharedEncoder = Arc<dyn TextEncode>;

/// A head that runs and models can share.
pub type SharedHead = Arc<dyn Head<Tensor> + Send + Sync>;

/// A text encoder with a head behind it.
pub struct WithHead {
    /// The encoder.
    pub encoder: SharedEncoder,
    /// The head.
    pub head: SharedHead,
}

impl TextEncode for WithHead {
    fn dim(&self) -> usize {
        self.head.out_dim()
    }

    fn trainable(&self) -> bool {
        self.encoder.trainable()
    }

    fn embed(&self, texts: &[&str], mode: Mode) -> Result<Tensor, BoxError> {
        let vectors = self.encoder.embed(texts, mode)?;
        Ok(self.head.forward(&vectors, mode)?)
    }

    fn variables(&self) -> Result<Vec<(String, Var)>, NotAVariable> {
        let mut all = Vec::new();
        for (name, own) in self.encoder.variables()? {
            all.push((format!("encoder.{name}"), own));
        }
        for (name, parameter) in self.head.parameters() {
            all.push((format!("head.{name}"), variable(&name, parameter)?));
        }
        Ok(all)
    }
}

/// Embeds any number of texts in batches, without gradient: `n` texts → `[n, dim]`.
///
/// `on_progress` gets the texts done and their number. [`ControlFlow::Break`] stops the work, and
/// then there is no result.
///
/// # Errors
/// The encoder's, and when it returns another number of embeddings or another length.
pub fn embed_all(
    encoder: &dyn TextEncode,
    texts: &[&str],
    on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Option<Matrix>, BoxError> {
    let dim = encoder.dim();
    let mut data = Vec::with_capacity(texts.len() * dim);
    for batch in texts.chunks(BATCH) {
        if on_progress(data.len() / dim.max(1), texts.len()).is_break() {
            return Ok(None);
        }
        let vectors = to_matrix(&encoder.embed(batch, Mode::Eval)?.detach())?;
        let (rows, columns) = (vectors.rows(), vectors.columns());
        if (rows, columns) != (batch.len(), dim) {
            return Err(format!(
                "the encoder returned {rows} embeddings of length {columns} for {} texts; it should \
                 return one of length {dim} for each",
                batch.len()
            )
            .into());
        }
        data.extend(vectors.into_data());
    }
    Ok(Some(Matrix::new(texts.len(), dim, data)?))
}
