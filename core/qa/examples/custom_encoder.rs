//! Trains a custom encoder: letter counts times a matrix, with gradients by candle.
//!
//! ```sh
//! cargo run -p nearsay --example custom_encoder
//! ```

use nearsay::candle_core::{Device, Error, Tensor, Var};
use nearsay::{Dataset, TextEncoder, Trainer, encoder::Encoder, loss::Triplet};

/// Counts of the 26 letters, times a trainable matrix `[26, 16]`.
struct Letters(Var);

impl Encoder<Tensor> for Letters {
    type Input = str;
    type Error = Error;

    fn dim(&self) -> usize {
        16
    }
    fn trainable(&self) -> bool {
        true
    }
    fn encode(&self, texts: &[&str]) -> Result<Tensor, Error> {
        let letters = texts.iter().flat_map(|text| {
            ('a'..='z').map(move |letter| text.to_lowercase().matches(letter).count() as f32)
        });
        let counts = Tensor::from_iter(letters, &Device::Cpu)?;
        counts.reshape((texts.len(), 26))?.matmul(&self.0)
    }
    fn parameters(&self) -> Vec<(&str, &Tensor)> {
        vec![("projection", &self.0)]
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let faq = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/library_faq.jsonl");
    let data = Dataset::open(faq)?.split(0.2, 42)?;
    let letters = Letters(Var::randn(0f32, 0.2, (26, 16), &Device::Cpu)?);
    let trainer = Trainer::new(TextEncoder::custom(letters)).group_loss(Triplet::default());
    let model = trainer.epochs(5).fit(&data)?;
    println!("{}", model.evaluate(&data.validation)?);
    Ok(())
}
