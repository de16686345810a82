//! Compares two training recipes for the built-in encoder on held-out questions.
//!
//! ```sh
//! cargo run -p nearsay --example evaluate
//! ```

use nearsay::{Dataset, TextEncoder, Trainer, train::Recipe};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let faq = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/library_faq.jsonl");
    let data = Dataset::open(faq)?.split(0.2, 42)?;
    for recipe in [Recipe::Quaterion, Recipe::Quick] {
        let trainer = Trainer::new(TextEncoder::builtin()?).recipe(recipe);
        let model = trainer.epochs(10).fit(&data)?;
        println!("{recipe:<10} {}", model.evaluate(&data.validation)?);
    }
    Ok(())
}
