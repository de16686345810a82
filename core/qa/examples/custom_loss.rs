//! Trains a head with a custom loss, with gradients by candle.
//!
//! ```sh
//! cargo run -p nearsay --example custom_loss
//! ```

use nearsay::candle_core::{Error, Tensor};
use nearsay::loss::{PairLoss, split_pairs};
use nearsay::sample::{BatchError, PairTargets};
use nearsay::{Dataset, TextEncoder, Trainer, head::HeadConfig};

/// Mean squared distance of a question to its own answer, minus the distance to the answer of another pair.
struct Nearer;

impl PairLoss<Tensor> for Nearer {
    fn forward(&self, x: &Tensor, targets: &PairTargets) -> Result<Tensor, BatchError<Error>> {
        let (questions, answers) = split_pairs(x, targets)?;
        let rest = answers.narrow(0, 1, targets.len() - 1)?;
        let others = Tensor::cat(&[rest, answers.narrow(0, 0, 1)?], 0)?;
        let near = (&questions - answers)?.sqr()?.mean_all()?;
        let far = (questions - others)?.sqr()?.mean_all()?;
        Ok((near - far)?.reshape((1, 1))?)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let faq = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/library_faq.jsonl");
    let data = Dataset::open(faq)?.split(0.2, 42)?;
    let encoder = TextEncoder::builtin()?;
    let head = HeadConfig::Gated { dim: encoder.dim() };
    let trainer = Trainer::new(encoder).head_config(head).loss(Nearer);
    let model = trainer.epochs(10).fit(&data)?;
    println!("{}", model.evaluate(&data.validation)?);
    Ok(())
}
