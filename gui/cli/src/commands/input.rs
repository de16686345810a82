//! Reads the input files of commands.

use nearsay_faq as faq;
use nearsay_faq::{Faq, Questions, ReadError, ReadOptions, Row, read_questions};
use nearsay_message::UserError;
use nearsay_store::{DiskStore, Store as _};
use std::{io::BufReader, ops::ControlFlow, path::Path};

/// Issues of a file printed on stderr; `nearsay check` prints all.
const MAX_ISSUES: usize = 5;

/// Reads an FAQ file with its issues.
pub(super) fn read_faq(file: &Path) -> Result<Faq, UserError> {
    read_with(file, |reader| {
        faq::read(reader, &options_for(file), &mut |_| {
            ControlFlow::Continue(())
        })
    })
}

/// Reads the rows of an FAQ file and prints issues on stderr.
pub(super) fn read_rows(file: &Path) -> Result<Vec<Row>, UserError> {
    let faq = read_faq(file)?;
    eprintln!("{}: {}", file.display(), faq.counts);
    print_issues(file, faq.issues.iter().map(ToString::to_string));
    if faq.rows.is_empty() {
        return Err(UserError::new(
            format_args!(
                "{} has no row with a question and an answer",
                file.display()
            ),
            format_args!(
                "“nearsay check {}” lists the issues by line.",
                file.display()
            ),
        ));
    }
    Ok(faq.rows)
}

/// Reads test questions and prints issues on stderr.
pub(super) fn read_test_questions(file: &Path) -> Result<Questions, UserError> {
    let questions = read_with(file, |reader| {
        read_questions(reader, &options_for(file), &mut |_| {
            ControlFlow::Continue(())
        })
    })?;
    print_issues(file, questions.issues.iter().map(ToString::to_string));
    Ok(questions)
}

/// Options with the name of the file, which helps to recognize its format.
fn options_for(file: &Path) -> ReadOptions {
    ReadOptions {
        file_name: Some(file.display().to_string()),
        ..ReadOptions::default()
    }
}

fn read_with<T>(
    file: &Path,
    read: impl FnOnce(BufReader<Box<dyn nearsay_store::ReadSeek>>) -> Result<T, ReadError>,
) -> Result<T, UserError> {
    let stream = DiskStore.open(file)?;
    read(BufReader::new(stream)).map_err(|error| UserError::from(error).about(file))
}

fn print_issues(file: &Path, issues: impl ExactSizeIterator<Item = String>) {
    let more = issues.len().saturating_sub(MAX_ISSUES);
    for issue in issues.take(MAX_ISSUES) {
        eprintln!("  {issue}");
    }
    if more > 0 {
        eprintln!(
            "  … and {more} more; “nearsay check {}” lists them all",
            file.display()
        );
    }
}
