use super::{Batch, Learner, sparse_adam::SparseAdam, texts};
use crate::train::{
    Settings, TrainError,
    bags::Bags,
    checkpoint::Snapshot,
    data::{Fingerprint, Pairs},
    objective::{Loss, LossValue, Objective},
};
use candle_core::{Device, Tensor, Var};
use nearsay_core::{
    candle::to_tensor,
    head::Weight,
    matrix::{Matrix, ShapeError},
    metric::Ranks,
};
use nearsay_text::compact::StaticEmbeddings;
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
    objective: Objective,
}

impl TableLearner {
    /// A learner of the rows of a table that the pairs use; the first pairs are those to train on.
    ///
    /// # Errors
    /// When a parameter of the loss is not a variable.
    pub fn new(
        settings: &Settings,
        loss: &Loss,
        table: &StaticEmbeddings<'_>,
        data: &[&Pairs<Bags>],
    ) -> Result<Self, TrainError> {
        let mut tokens: Vec<u32> = data
            .iter()
            .flat_map(|pairs| [&pairs.anchors, &pairs.positives])
            .flat_map(Bags::tokens)
            .copied()
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        let rows = table.gather(&tokens);
        let groups = data.first().map_or(0, |pairs| pairs.groups());
        Ok(Self {
            adam: SparseAdam::new(rows.rows(), rows.columns(), settings.lr),
            objective: Objective::new(settings, loss, groups, rows.columns(), &Device::Cpu)?,
            tokens,
            rows,
        })
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

impl Learner for TableLearner {
    type Texts = Bags;
    /// Texts as numbers of rows rather than of tokens.
    type Placed = Bags;

    fn place(&self, texts: Bags) -> Result<Bags, TrainError> {
        let rows: HashMap<u32, u32> = self.tokens.iter().copied().zip(0..).collect();
        let placed = texts.map(|token| rows.get(&token).copied());
        placed.ok_or_else(|| TrainError::Encoder("a text has a token that is not trained".into()))
    }

    fn set_guide(&mut self, guide: Pairs) {
        self.objective.set_guide(guide);
    }

    fn embed(&mut self, texts: &Bags, rows: &[u32]) -> Result<Tensor, TrainError> {
        let means = self.means(rows.iter().map(|&row| texts.get(row as usize)));
        Ok(to_tensor(&means?, &Device::Cpu)?)
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Bags>,
        _seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError> {
        let texts = texts(&batch);
        let means = self.means(texts.iter().copied())?;
        let means = Var::from_tensor(&to_tensor(&means, &Device::Cpu)?)?;
        let LossValue { value, gradients } =
            self.objective
                .compute(means.as_tensor(), batch.pairs, batch.targets)?;
        let Some(gradients) = gradients else {
            return Ok(value);
        };
        self.objective.step(&gradients)?;
        if let Some(gradient) = gradients.get(&means) {
            let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            let (touched, sums) = scatter(&texts, &gradient, self.rows.columns());
            self.adam.step(&mut self.rows, &touched, &sums);
        }
        let means = means.as_detached_tensor();
        self.objective.rank(&means, batch.targets, ranks)?;
        Ok(value)
    }

    fn rank(&mut self, batch: Batch<'_, Bags>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let means = self.means(texts(&batch).into_iter())?;
        let means = to_tensor(&means, &Device::Cpu)?;
        self.objective.rank(&means, batch.targets, ranks)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let weights = vec![Weight {
            name: NAME.into(),
            value: self.rows.clone(),
        }];
        let mut snapshot = Snapshot {
            weights,
            adam: self.adam.state(),
        };
        self.objective.save(&mut snapshot)?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let other = || TrainError::Checkpoint("it is one of another vocabulary".into());
        let snapshot = self.objective.restore(snapshot)?;
        let [Weight { value, .. }] = &snapshot.weights[..] else {
            return Err(other());
        };
        if (value.rows(), value.columns()) != (self.rows.rows(), self.rows.columns()) {
            return Err(other());
        }
        self.adam.restore(&snapshot.adam).ok_or_else(other)?;
        self.rows = value.clone();
        Ok(())
    }

    fn set_lr(&mut self, lr: f64) {
        self.adam.lr = lr;
        self.objective.set_lr(lr);
    }

    fn hash(&self, hasher: &mut Fingerprint) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Checkpoint, Control, Event, Fit, Fitted, Recipe, data::Texts as _};
    use nearsay_core::tensor::Tensor as _;
    use nearsay_store::MemStore;

    const DIM: usize = 8;
    const TOKENS: u32 = 60;

    fn table() -> StaticEmbeddings<'static> {
        let mut random = fastrand::Rng::with_seed(5);
        let data = (0..TOKENS as usize * DIM).map(|_| random.f32() - 0.5);
        StaticEmbeddings::Full(Matrix::new(TOKENS as usize, DIM, data.collect()).unwrap())
    }

    /// Questions of a topic's own word and some noise, answers of another word of the topic: what is
    /// to be learned is which words go together.
    fn pairs(n: u32, seed: u64) -> Pairs<Bags> {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut anchors, mut positives) = (Bags::new(), Bags::new());
        let mut subgroups = Vec::new();
        for pair in 0..n {
            let topic = pair % 20;
            anchors.push(|ids| ids.extend([topic, 40 + random.u32(..15), topic]));
            positives.push(|ids| ids.extend([20 + topic, 40 + random.u32(..15)]));
            subgroups.push(u64::from(pair));
        }
        Pairs::new(anchors, positives, subgroups).unwrap()
    }

    fn settings() -> Settings {
        Settings {
            epochs: 6,
            batch: 16,
            ..Settings::of_static(Recipe::Quick, DIM)
        }
    }

    fn run(
        settings: &Settings,
        train: &Pairs<Bags>,
        control: &Control,
        checkpoint: Option<Checkpoint<'_>>,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Fitted, TrainError> {
        let val = pairs(20, 99);
        let mut learner =
            TableLearner::new(settings, &Loss::FromSettings, &table(), &[train, &val])?;
        let fit = Fit {
            settings,
            train,
            val: Some(&val),
            validation: None,
            control,
            checkpoint,
            to_beat: None,
            vectors: None,
            guide: None,
            loss: Loss::FromSettings,
        };
        fit.run(&mut learner, resume, on_event)
    }

    #[test]
    fn token_embeddings_lower_the_loss() {
        let fitted = run(
            &settings(),
            &pairs(80, 1),
            &Control::new(),
            None,
            false,
            &mut |_| {},
        )
        .unwrap();
        let (first, last) = (fitted.epochs[0], fitted.epochs[fitted.epochs.len() - 1]);
        assert!(last.loss < 0.8 * first.loss, "{} {}", first.loss, last.loss);
        assert!(last.val.unwrap().rrk > first.val.unwrap().rrk);
        assert!(fitted.kept_epoch.is_some());
    }

    #[test]
    fn resumed_run_equals_an_uninterrupted_one() {
        let (settings, train) = (settings(), pairs(60, 1));
        let whole = run(&settings, &train, &Control::new(), None, false, &mut |_| {}).unwrap();
        for stop_after in 1..whole.epochs.len() {
            let store = MemStore::new();
            let checkpoint = Checkpoint::new(&store, "run".into());
            let control = Control::new();
            let mut epochs = 0;
            let mut stop = |event: Event| {
                epochs += usize::from(matches!(event, Event::Epoch(_)));
                if epochs == stop_after {
                    control.stop();
                }
            };
            let saved = Some(checkpoint.clone());
            let part = run(&settings, &train, &control, saved, false, &mut stop).unwrap();
            assert!(part.stopped);
            let free = Control::new();
            let resumed = run(
                &settings,
                &train,
                &free,
                Some(checkpoint),
                true,
                &mut |_| {},
            );
            let resumed = resumed.unwrap();
            assert_eq!(resumed.weights, whole.weights, "stopped after {stop_after}");
            assert_eq!(resumed.kept_epoch, whole.kept_epoch);
        }
    }

    #[test]
    fn resume_rejects_another_vocabulary() {
        let store = MemStore::new();
        let checkpoint = || Some(Checkpoint::new(&store, "run".into()));
        let free = Control::new();
        run(
            &settings(),
            &pairs(40, 1),
            &free,
            checkpoint(),
            false,
            &mut |_| {},
        )
        .unwrap();
        let other = pairs(44, 1);
        let error = run(&settings(), &other, &free, checkpoint(), true, &mut |_| {});
        assert!(matches!(error.unwrap_err(), TrainError::OtherRun));
    }

    /// The gradient that reaches the rows is that of the loss: finite differences, row by row.
    #[test]
    fn gradients_of_rows_agree_with_finite_differences() {
        let train = pairs(6, 3);
        let settings = settings();
        let mut learner =
            TableLearner::new(&settings, &Loss::FromSettings, &table(), &[&train]).unwrap();
        let anchors = learner.place(train.anchors.clone()).unwrap();
        let positives = learner.place(train.positives.clone()).unwrap();
        let loss = settings.ranking_loss();
        let targets = nearsay_core::sample::PairTargets::positives(train.len());
        let texts: Vec<Vec<u32>> = [&anchors, &positives]
            .iter()
            .flat_map(|side| (0..side.len()).map(|text| side.get(text).to_vec()))
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let value = |learner: &TableLearner| -> f32 {
            let means = learner.means(texts.iter().copied()).unwrap();
            nearsay_core::loss::PairLoss::forward(&loss, &means, &targets)
                .unwrap()
                .data()[0]
        };
        let means = learner.means(texts.iter().copied()).unwrap();
        let means = Var::from_tensor(&to_tensor(&means, &Device::Cpu).unwrap()).unwrap();
        let gradients = nearsay_core::loss::PairLoss::forward(&loss, means.as_tensor(), &targets)
            .unwrap()
            .backward()
            .unwrap();
        let gradient = gradients.get(&means).unwrap().to_vec().unwrap();
        let (touched, sums) = scatter(&texts, &gradient, DIM);
        assert!(touched.len() > 10);
        let step = 2e-3;
        for (&row, sums) in touched.iter().zip(sums.chunks_exact(DIM)) {
            for (column, expected) in sums.iter().enumerate() {
                let start = learner.rows.row(row as usize)[column];
                let mut at = |x: f32| {
                    learner.rows.row_mut(row as usize)[column] = x;
                    value(&learner)
                };
                let slope = (at(start + step) - at(start - step)) / (2.0 * step);
                at(start);
                assert!(
                    (slope - expected).abs() < 0.02,
                    "{row},{column}: {slope} {expected}"
                );
            }
        }
    }

    #[test]
    fn step_changes_only_rows_of_the_batch() {
        let train = pairs(20, 3);
        let settings = settings();
        let mut learner =
            TableLearner::new(&settings, &Loss::FromSettings, &table(), &[&train]).unwrap();
        let before = learner.rows.clone();
        let anchors = learner.place(train.anchors.clone()).unwrap();
        let positives = learner.place(train.positives.clone()).unwrap();
        let batch = Batch {
            anchors: &anchors,
            positives: &positives,
            pairs: &[0, 1],
            targets: &nearsay_core::sample::PairTargets::positives(2),
        };
        learner.learn(batch, 0, &mut Ranks::default()).unwrap();
        let inside: Vec<u32> = [0, 1]
            .iter()
            .flat_map(|&pair| [anchors.get(pair), positives.get(pair)].concat())
            .collect();
        for row in 0..learner.rows.rows() {
            let changed = learner.rows.row(row) != before.row(row);
            assert_eq!(changed, inside.contains(&(row as u32)), "row {row}");
        }
    }
}
