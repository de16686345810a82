//! Reading an FAQ of any kind.

use super::jsonl::gathered;
use super::source::Accept;
use super::{Faq, Progress, ReadError, ReadOptions};
use core::ops::ControlFlow;
use std::io::BufRead;

/// Reads an FAQ: JSON, a table, or a text of questions and answers.
///
/// What it is, is told by its first 64 kB, never by a name. JSON is read as
/// [`read_jsonl`](super::read_jsonl) reads it; all it says about rows, memory and `progress` holds
/// here too. A table whose columns have other names, or none, can be read with a
/// [`ColumnChoice`](super::ColumnChoice): of the names in its first row, or of the places `"1"`,
/// `"2"` and so on.
///
/// # Errors
/// [`ReadError`], when the stream fails, is stopped, or nothing in it can be understood.
///
/// # Example
///
/// ```
/// use core::ops::ControlFlow;
/// use nearsay_core::faq::{ReadOptions, Shape, read};
///
/// let file = "Frage;Antwort\n\"Offen; auch sonntags?\";Nein.\nWo?;\n";
/// let faq = read(file.as_bytes(), &ReadOptions::default(), &mut |_| {
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(faq.shape, Shape::Table { delimiter: ';' });
/// assert_eq!(faq.rows[0].question, "Offen; auch sonntags?");
/// assert_eq!(
///     faq.problems[0].to_string(),
///     "line 3: the answer is empty for \"Wo?\". Fill it in, or delete the row."
/// );
/// # Ok::<(), nearsay_core::faq::ReadError>(())
/// ```
pub fn read<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Faq, ReadError> {
    gathered(reader, options, progress, Accept::Any)
}
