//! Reading the files a command is given.

use nearsay_faq as faq;
use nearsay_faq::{Faq, Questions, ReadError, ReadOptions, Row, read_questions};
use nearsay_message::UserError;
use nearsay_store::{DiskStore, Store as _};
use std::{io::BufReader, ops::ControlFlow, path::Path};

/// Problems of a file that are told on stderr; `nearsay check` tells them all.
const TOLD: usize = 5;

/// An FAQ file of any kind, with everything that is wrong with it.
pub(super) fn faq(file: &Path) -> Result<Faq, UserError> {
    read(file, |reader| {
        faq::read(reader, &ReadOptions::default(), &mut |_| {
            ControlFlow::Continue(())
        })
    })
}

/// The rows of an FAQ file; what is wrong with it goes to stderr.
pub(super) fn rows(file: &Path) -> Result<Vec<Row>, UserError> {
    let faq = faq(file)?;
    eprintln!("{}: {}", file.display(), faq.counts);
    tell(file, faq.issues.iter().map(ToString::to_string));
    if faq.rows.is_empty() {
        return Err(UserError::new(
            format_args!(
                "{} has no row with a question and an answer",
                file.display()
            ),
            format_args!(
                "“nearsay check {}” says what is wrong with each line.",
                file.display()
            ),
        ));
    }
    Ok(faq.rows)
}

/// A file of test questions; what is wrong with it goes to stderr.
pub(super) fn questions(file: &Path) -> Result<Questions, UserError> {
    let questions = read(file, |reader| {
        read_questions(reader, &ReadOptions::default(), &mut |_| {
            ControlFlow::Continue(())
        })
    })?;
    tell(file, questions.issues.iter().map(ToString::to_string));
    Ok(questions)
}

fn read<T>(
    file: &Path,
    read: impl FnOnce(BufReader<Box<dyn nearsay_store::ReadSeek>>) -> Result<T, ReadError>,
) -> Result<T, UserError> {
    let stream = DiskStore.open(file)?;
    read(BufReader::new(stream)).map_err(|error| UserError::from(error).about(file))
}

fn tell(file: &Path, problems: impl ExactSizeIterator<Item = String>) {
    let more = problems.len().saturating_sub(TOLD);
    for problem in problems.take(TOLD) {
        eprintln!("  {problem}");
    }
    if more > 0 {
        eprintln!(
            "  … and {more} more; “nearsay check {}” lists them all",
            file.display()
        );
    }
}
