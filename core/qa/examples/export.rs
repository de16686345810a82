//! Saves a model and opens it again.
//!
//! ```sh
//! cargo run -p nearsay --example export
//! ```
//!
//! `SentenceTransformer(path)` opens the directory as an encoder; `nearsay serve` serves it over HTTP.

use nearsay::{Dataset, QaModel, TextEncoder, Trainer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Dataset::from_pairs([
        ("When do you open?", "We open at nine."),
        ("What are your opening hours?", "We open at nine."),
        ("Is parking free?", "Parking is free on weekends."),
        ("Where can I park?", "Parking is free on weekends."),
        ("How do I get a card?", "Bring proof of your address."),
        ("I lost my card", "A replacement card costs two euros."),
    ]);
    let dir = std::env::temp_dir().join("nearsay-export");
    Trainer::new(TextEncoder::builtin()?)
        .fit(&data)?
        .save(&dir)?;

    let model = QaModel::open(&dir)?;
    let found = model.ask("what time does it open", 1)?;
    println!("{}", found[0].answer.answer);
    println!(
        "{} files in {}",
        std::fs::read_dir(&dir)?.count(),
        dir.display()
    );
    Ok(())
}
