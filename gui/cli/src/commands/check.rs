//! `nearsay check FILE`: what is wrong with an FAQ file, by line, and what to do.

use super::input;
use nearsay_message::{
    UserError,
    terminal::{print_json, print_line},
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

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    let faq = input::faq(&args.file)?;
    if args.json {
        return print_json(&json!({
            "file": args.file.display().to_string(),
            "counts": faq.counts,
            "columns": faq.columns,
            "encoding": faq.encoding,
            "shape": faq.format,
            "problems": faq.issues,
        }));
    }
    for issue in &faq.issues {
        print_line(&issue.to_string())?;
    }
    print_line(&format!("{}: {}", args.file.display(), faq.counts))
}
