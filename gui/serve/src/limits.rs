//! Limits of single requests and of all requests together.

use super::problem::Problem;
use std::time::Duration;

/// Bytes of a request body.
pub(super) const BODY: usize = 4 << 20;
/// Bytes of all request bodies together.
pub(super) const BODIES: usize = 64 << 20;
/// Bytes of a text; models read only its first few hundred words.
pub(super) const TEXT: usize = 16 << 10;
/// Texts of a request, the limit of OpenAI's API.
pub(super) const TEXTS: usize = 2048;
/// Answers to a question.
pub(super) const ANSWERS: usize = 100;
/// Open connections; further clients wait.
pub(super) const CONNECTIONS: usize = 800;
/// Edits, running and waiting.
pub(super) const EDITS: usize = 8;
/// Time limit for receiving a request head.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// Checks the number of texts and the length of each.
pub(super) fn check_texts<'a>(
    texts: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), Problem> {
    if texts.len() == 0 {
        return Err(Problem::bad_request("there is no text to encode"));
    }
    if texts.len() > TEXTS {
        return Err(Problem::too_large(format!(
            "{} texts are too many for a request; send at most {TEXTS}",
            texts.len()
        )));
    }
    for (text, number) in texts.zip(1..) {
        if text.trim().is_empty() {
            return Err(Problem::bad_request(format!("text {number} is empty")));
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
