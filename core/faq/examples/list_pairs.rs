//! Prints the questions and answers of a file: `cargo run --example list_pairs -- faq.xlsx`.

use nearsay_faq::{ReadOptions, read};
use std::{error::Error, fs::File, io::BufReader, ops::ControlFlow};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let options = ReadOptions {
            file_name: Some(path.clone()),
            ..ReadOptions::default()
        };
        let file = BufReader::new(File::open(&path)?);
        match read(file, &options, &mut |_| ControlFlow::Continue(())) {
            Ok(faq) => {
                println!("{path}: {}: {}", faq.format.name(), faq.counts);
                for row in &faq.rows {
                    println!("{} {:?}\n    {:?}", row.line, row.question, row.answer);
                    println!("    {:?} {:?}", row.paraphrases, row.source);
                }
                for issue in &faq.issues {
                    println!("  {issue}");
                }
            }
            Err(error) => println!("{path}: {error}"),
        }
    }
    Ok(())
}
