//! Finding the question and answer columns of a table.

use super::sample::{Sample, has_question_mark};
use crate::column_names::{Role, derive_role, is_answer_name, is_question_name};
use crate::columns::find_columns;
use crate::parse::table::{Layout, name_columns, number_columns};
use crate::{ColumnChoice, Field, IssueKind, ReadError, text};

/// Maximum number of records above the column names.
const MAX_TITLE_RECORDS: usize = 10;

/// Lays out a table whose first record has known names, or the names of the chosen columns.
pub(crate) fn find_in_first_row(sample: &Sample, choice: Option<&ColumnChoice>) -> Option<Layout> {
    let names = name_columns(&sample.first_row());
    let (has_question, has_answer) = find_columns(&names);
    let are_known = has_question && has_answer && names.len() > 1;
    let Some(choice) = choice else {
        return are_known.then(|| sample.layout(names, true));
    };
    let has_chosen_name =
        contains_name(&names, &choice.question) || contains_name(&names, &choice.answer);
    let has_chosen_names =
        contains_name(&names, &choice.question) && contains_name(&names, &choice.answer);
    // If both names are numbers, they are column numbers.
    let numbers = (
        parse_column_number(&choice.question),
        parse_column_number(&choice.answer),
    );
    let (Some(question), Some(answer)) = numbers else {
        return has_chosen_names.then(|| Layout {
            choice: Some(choice.clone()),
            ..sample.layout(names, true)
        });
    };
    if !(sample.is_table() || are_known) || question.max(answer) > sample.width {
        return None;
    }
    // Unnamed columns are named by their number, so the first record may have the chosen names.
    let has_names = are_known || has_chosen_name;
    let names = if has_names {
        names
    } else {
        number_columns(sample.width)
    };
    let choice = ColumnChoice {
        question: names.get(question - 1)?.clone(),
        answer: names.get(answer - 1)?.clone(),
    };
    Some(Layout {
        choice: Some(choice),
        ..sample.layout(names, has_names)
    })
}

/// Whether a column has the given name, compared case-insensitively.
fn contains_name(names: &[String], name: &str) -> bool {
    let key = text::normalize(name);
    names.iter().any(|n| n == name || text::normalize(n) == key)
}

/// Parses a column number, counted from 1.
fn parse_column_number(name: &str) -> Option<usize> {
    name.trim().parse().ok().filter(|number| *number > 0)
}

/// Lays out a table with other text, such as a title, above its column names. Only unambiguous or
/// chosen names count.
pub(crate) fn find_below_title(sample: &Sample, choice: Option<&ColumnChoice>) -> Option<Layout> {
    let rows = sample.rows.iter().take(MAX_TITLE_RECORDS + 1).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        name_columns(&cells)
    })
    .find_map(|names| {
        let is_header = match choice {
            None => {
                names.iter().any(|n| names_question(n)) && names.iter().any(|n| names_answer(n))
            }
            Some(choice) => {
                contains_name(&names, &choice.question) && contains_name(&names, &choice.answer)
            }
        };
        (is_header && names.len() > 1).then(|| Layout {
            has_title: true,
            choice: choice.cloned(),
            ..sample.layout(names, true)
        })
    })
}

/// Maximum number of words in a name that stands below a title.
const MAX_NAME_WORDS: usize = 4;

/// Whether a short name means the question or several ways to ask it.
fn names_question(name: &str) -> bool {
    let is_short = name.split_whitespace().count() <= MAX_NAME_WORDS;
    let role = || derive_role(name);
    is_question_name(name)
        || (is_short && matches!(role(), Some(Role::Question | Role::Paraphrases)))
}

/// Whether a short name means the answer or several answers.
fn names_answer(name: &str) -> bool {
    let is_short = name.split_whitespace().count() <= MAX_NAME_WORDS;
    let role = || derive_role(name);
    is_answer_name(name) || (is_short && matches!(role(), Some(Role::Answer | Role::Answers)))
}

/// Lays out a table of two columns of which one has a known name; `None` if no name is known.
///
/// # Errors
/// [`ReadError::UnknownColumns`], when one name is known but there are not exactly two columns.
pub(crate) fn complete_half_known(sample: &Sample) -> Option<Result<Layout, ReadError>> {
    let names = name_columns(&sample.first_row());
    if names.len() > 1 && !sample.is_table() {
        return None;
    }
    let question = names.iter().position(|n| names_question(n));
    let answer = names.iter().position(|n| names_answer(n));
    let (missing, known) = match (question, answer) {
        (Some(known), None) => (Field::Answer, known),
        (None, Some(known)) => (Field::Question, known),
        _ => return None,
    };
    let [first, second] = &names[..] else {
        return Some(Err(ReadError::UnknownColumns {
            missing: Some(missing),
            columns: names,
        }));
    };
    let question_is_first = (known == 0) == (missing == Field::Answer);
    let (question, answer) = if question_is_first {
        (first.clone(), second.clone())
    } else {
        (second.clone(), first.clone())
    };
    Some(Ok(Layout {
        choice: Some(ColumnChoice {
            question: question.clone(),
            answer: answer.clone(),
        }),
        note: Some(IssueKind::GuessedColumns { question, answer }),
        ..sample.layout(names, true)
    }))
}

/// Error for a choice of columns that the table doesn't have.
pub(crate) fn no_such_column(sample: &Sample, choice: &ColumnChoice) -> ReadError {
    let mut columns = name_columns(&sample.first_row());
    let key = text::normalize(&choice.question);
    let number = key.parse::<usize>().unwrap_or(0);
    let has_question =
        (1..=sample.width).contains(&number) || columns.iter().any(|n| text::normalize(n) == key);
    let column = if has_question {
        choice.answer.clone()
    } else {
        choice.question.clone()
    };
    if column.trim().parse::<usize>().is_ok() {
        columns = number_columns(sample.width);
    }
    ReadError::NoSuchColumn { column, columns }
}

/// Lays out a table without known names by the content of its columns: the question column has the
/// most question marks, the answer column the longest texts. Returns `None` if the sample is too
/// irregular to be a table.
///
/// # Errors
/// [`ReadError::UnknownColumns`], when the columns are ambiguous.
pub(crate) fn guess_by_content(sample: &Sample) -> Result<Option<Layout>, ReadError> {
    let question_marks: Vec<usize> = (0..sample.width)
        .map(|column| sample.count_question_marks(column))
        .collect();
    let most = question_marks.iter().copied().max().unwrap_or(0);
    let question = question_marks.iter().position(|n| *n == most).unwrap_or(0);
    let is_regular = sample.is_declared || (sample.rows.len() > 1 && sample.agreement() >= 0.8);
    if sample.width == 2 && (is_regular || most > 0) {
        return Ok(Some(headerless_layout(
            sample,
            question,
            1 - question.min(1),
        )));
    }
    if !is_regular && (most == 0 || sample.rows.len() < 2) {
        return Ok(None);
    }
    // A question in the first record means that it doesn't hold column names.
    let starts_with_question = sample
        .rows
        .first()
        .and_then(|row| row.get(question))
        .is_some_and(|cell| has_question_mark(cell));
    let are_mostly_questions = most * 5 >= sample.rows.len() * 3;
    if starts_with_question && are_mostly_questions {
        let mut lengths: Vec<(usize, usize)> = (0..sample.width)
            .filter(|column| *column != question)
            .map(|column| (sample.text_length(column), column))
            .collect();
        lengths.sort_unstable();
        if let [.., (second, _), (longest, answer)] = lengths[..]
            && longest >= second.saturating_mul(2)
        {
            return Ok(Some(headerless_layout(sample, question, answer)));
        }
    }
    let columns = if starts_with_question {
        number_columns(sample.width)
    } else {
        name_columns(&sample.first_row())
    };
    Err(ReadError::UnknownColumns {
        missing: None,
        columns,
    })
}

/// Layout of a table whose first record is a row. `question` and `answer` are column indices.
fn headerless_layout(sample: &Sample, question: usize, answer: usize) -> Layout {
    let (question, answer) = (question + 1, answer + 1);
    Layout {
        choice: Some(ColumnChoice {
            question: question.to_string(),
            answer: answer.to_string(),
        }),
        note: Some(IssueKind::NoHeader {
            question: question as u64,
            answer: answer as u64,
        }),
        ..sample.layout(number_columns(sample.width), false)
    }
}
