use super::{Batch, BatchLoss, Learned, Learner, number, sparse_adam::SparseAdam};
use crate::{
    candle::to_tensor,
    compact::Table,
    head::Weight,
    matrix::{Matrix, ShapeError},
    train::{Settings, TrainError, bags::Bags, checkpoint::Snapshot, data::Pairs},
};
use candle_core::{Device, Tensor, Var};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Name of the weight in a snapshot.
const NAME: &str = "rows";

/// The rows of a static encoder's table, optimised by sparse Adam.
///
/// Of the whole table only the rows of tokens that stand in the data take part; the others keep what
/// they were. The gradient of a row is that of the texts it stands in, each divided by the text's
/// number of tokens: a text is the mean of its rows.
pub struct TableLearner {
    /// The tokens that take part, ascending; row `i` is token `tokens[i]`'s.
    tokens: Vec<u32>,
    rows: Matrix,
    adam: SparseAdam,
}

impl TableLearner {
    /// Learns the rows of a table that the pairs use.
    #[must_use]
    pub fn new(settings: &Settings, table: &Table<'_>, data: &[&Pairs<Bags>]) -> Self {
        let mut tokens: Vec<u32> = data
            .iter()
            .flat_map(|pairs| [&pairs.anchors, &pairs.positives])
            .flat_map(Bags::tokens)
            .copied()
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        let rows = table.to_full(&tokens);
        Self {
            adam: SparseAdam::new(rows.rows(), rows.columns(), settings.lr),
            tokens,
            rows,
        }
    }

    /// The tokens whose rows may be learned, ascending: token `i` is row `i` of a snapshot's weight.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// A text is the mean of its rows: `[texts, dim]`.
    fn means<'a>(
        &self,
        texts: impl ExactSizeIterator<Item = &'a [u32]>,
    ) -> Result<Matrix, ShapeError> {
        let (n, dim) = (texts.len(), self.rows.columns());
        let mut data = vec![0.0f32; n * dim];
        for (text, mean) in texts.zip(data.chunks_exact_mut(dim.max(1))) {
            for &row in text {
                let row = self.rows.row(row as usize);
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
            }
            let share = 1.0 / text.len().max(1) as f32;
            mean.iter_mut().for_each(|m| *m *= share);
        }
        Matrix::new(n, dim, data)
    }
}

fn wrong(error: ShapeError) -> TrainError {
    TrainError::Tensor(candle_core::Error::wrap(error))
}

impl Learner for TableLearner {
    type Texts = Bags;
    /// Texts as numbers of rows rather than of tokens.
    type Placed = Bags;

    fn place(&self, texts: Bags) -> Result<Bags, TrainError> {
        let rows: HashMap<u32, u32> = self.tokens.iter().copied().zip(0..).collect();
        texts.map(|token| rows.get(&token).copied()).ok_or_else(|| {
            TrainError::Setting("there are texts of tokens that take no part".into())
        })
    }

    fn embed(&self, texts: &Bags, rows: &[u32]) -> Result<Tensor, TrainError> {
        let means = self.means(rows.iter().map(|&row| texts.get(row as usize)));
        Ok(to_tensor(&means.map_err(wrong)?, &Device::Cpu)?)
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Bags>,
        loss: &mut BatchLoss<'_>,
    ) -> Result<Learned, TrainError> {
        let texts: Vec<&[u32]> = [batch.anchors, batch.positives]
            .iter()
            .flat_map(|side| batch.pairs.iter().map(|&pair| side.get(pair as usize)))
            .collect();
        let means = self.means(texts.iter().copied()).map_err(wrong)?;
        let means = Var::from_tensor(&to_tensor(&means, &Device::Cpu)?)?;
        let loss = loss(means.as_tensor())?;
        let value = number(&loss)?;
        if let Some(gradient) = loss.backward()?.get(&means)
            && value.is_finite()
        {
            let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            let (touched, sums) = scatter(&texts, &gradient, self.rows.columns());
            self.adam.step(&mut self.rows, &touched, &sums);
        }
        Ok(Learned {
            loss: value,
            embeddings: means.as_detached_tensor(),
        })
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let weights = vec![Weight {
            name: NAME.into(),
            value: self.rows.clone(),
        }];
        Ok(Snapshot {
            weights,
            adam: self.adam.state(),
        })
    }

    fn restore(&mut self, snapshot: &Snapshot, lr: f64) -> Result<(), TrainError> {
        let other = || TrainError::Checkpoint("it is one of another vocabulary".into());
        let [Weight { value, .. }] = &snapshot.weights[..] else {
            return Err(other());
        };
        if (value.rows(), value.columns()) != (self.rows.rows(), self.rows.columns()) {
            return Err(other());
        }
        self.adam.restore(&snapshot.adam).ok_or_else(other)?;
        self.adam.lr = lr;
        self.rows = value.clone();
        Ok(())
    }

    fn hash(&self, hasher: &mut Sha256) {
        for token in &self.tokens {
            hasher.update(token.to_le_bytes());
        }
        hasher.update(self.rows.to_le_bytes());
    }
}

/// The gradient of each row that stands in a text, from the gradients of the texts (`[texts, dim]`):
/// (the rows, in order of appearance; their gradients, one after another).
fn scatter(texts: &[&[u32]], gradient: &[f32], dim: usize) -> (Vec<u32>, Vec<f32>) {
    let mut place: HashMap<u32, usize> = HashMap::new();
    let (mut touched, mut sums) = (Vec::new(), Vec::new());
    for (text, gradient) in texts.iter().zip(gradient.chunks_exact(dim.max(1))) {
        let share = 1.0 / text.len().max(1) as f32;
        for &row in *text {
            let at = *place.entry(row).or_insert_with(|| {
                touched.push(row);
                sums.resize(sums.len() + dim, 0.0);
                touched.len() - 1
            });
            let sum = &mut sums[at * dim..(at + 1) * dim];
            sum.iter_mut()
                .zip(gradient)
                .for_each(|(s, g)| *s += share * g);
        }
    }
    (touched, sums)
}
