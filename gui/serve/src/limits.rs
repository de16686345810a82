//! How much one request may ask for, and all of them together.

use super::problem::Problem;
use std::time::Duration;

/// Bytes of a request's body.
pub(super) const BODY: usize = 4 << 20;
/// Bytes of all bodies together.
pub(super) const BODIES: usize = 64 << 20;
/// Bytes of one text; models read a few hundred words of it.
pub(super) const TEXT: usize = 16 << 10;
/// Texts of one request, as many as OpenAI's API takes.
pub(super) const TEXTS: usize = 2048;
/// Answers to one question.
pub(super) const ANSWERS: usize = 100;
/// Open connections; further ones wait.
pub(super) const CONNECTIONS: usize = 800;
/// Edits that wait for the one that is being made.
pub(super) const EDITS: usize = 8;
/// How long the head of a request may take to come.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// Texts to be encoded that are none or not too many, not empty and not too long.
pub(super) fn check<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Problem> {
    if texts.len() == 0 {
        return Err(Problem::bad("there is no text to encode"));
    }
    if texts.len() > TEXTS {
        return Err(Problem::too_large(format!(
            "{} texts at once are too many; send at most {TEXTS}",
            texts.len()
        )));
    }
    for (text, number) in texts.zip(1..) {
        if text.trim().is_empty() {
            return Err(Problem::bad(format!("text {number} is empty")));
        }
        if text.len() > TEXT {
            return Err(Problem::too_large(format!(
                "text {number} has {} bytes; send at most {TEXT}",
                text.len()
            )));
        }
    }
    Ok(())
}
