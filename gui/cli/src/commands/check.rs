//! `nearsay check FILE`: lists the issues of an FAQ file.

use super::input;
use crate::terminal::{print_json, print_line};
use nearsay_message::UserError;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// FAQ file: spreadsheet, CSV, web page, document, PDF, JSON, Markdown or text
    file: PathBuf,
    /// Write the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    let faq = input::read_faq(&args.file)?;
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
