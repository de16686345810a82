//! `nearsay check FILE`: what is wrong with an FAQ file, by line, and what to do.

use super::input;
use crate::{
    terminal::{print_json, print_line},
    trouble::Trouble,
};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The FAQ file
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn command(args: &Args) -> Result<(), Trouble> {
    let faq = input::faq(&args.file)?;
    if args.json {
        return print_json(&json!({
            "file": args.file.display().to_string(),
            "counts": faq.counts,
            "columns": faq.columns,
            "encoding": faq.encoding,
            "shape": faq.shape,
            "problems": faq.problems,
        }));
    }
    for problem in &faq.problems {
        print_line(&problem.to_string())?;
    }
    print_line(&format!("{}: {}", args.file.display(), faq.counts))
}
