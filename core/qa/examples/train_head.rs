//! Trains a residual head over the built-in encoder, evaluates the model and saves it.
//!
//! ```sh
//! cargo run -p nearsay --example train_head
//! ```

use nearsay::{Dataset, TextEncoder, Trainer, head::HeadConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let faq = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/library_faq.jsonl");
    let data = Dataset::open(faq)?.split(0.2, 42)?;

    let encoder = TextEncoder::builtin()?;
    let head = HeadConfig::Residual { dim: encoder.dim() };
    let model = Trainer::new(encoder).head_config(head).fit(&data)?;

    println!("{}", model.evaluate(&data.validation)?);
    for found in model.ask("Where can I park my bike?", 3)? {
        println!("{:.2}  {}", found.score, found.answer.answer);
    }
    model.save(std::env::temp_dir().join("nearsay-library"))?;
    Ok(())
}
