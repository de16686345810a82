//! A row: one answer and the ways to ask for it.

use super::fields::Parts;
use super::json::{Fault, Value};
use super::problem::{Field, Found, ProblemKind};
use super::text;
use serde::{Deserialize, Serialize};

/// One row of an FAQ.
///
/// Written as JSON it is a line that [`read_jsonl`](super::read_jsonl) reads as the same row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line it was read from, counted from 1.
    #[serde(default)]
    pub line: u64,
    /// The question.
    pub question: String,
    /// Further ways to ask it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wordings: Vec<String>,
    /// The answer.
    pub answer: String,
    /// Where it comes from, as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The file it comes from, as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its name, as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Row {
    /// The question and all further ways to ask it.
    pub fn ways_to_ask(&self) -> impl Iterator<Item = &str> {
        core::iter::once(&self.question)
            .chain(&self.wordings)
            .map(String::as_str)
    }
}

/// Reads texts out of fields and counts what was changed on the way.
#[derive(Default)]
pub(super) struct Cleaner {
    controls: u64,
    lost: u64,
    wordings_left_out: u64,
}

impl Cleaner {
    /// `controls` is how many control characters are gone already.
    pub(super) fn new(controls: u64) -> Self {
        Self {
            controls,
            ..Self::default()
        }
    }

    /// The text of a field; `None` if it is no text or blank.
    fn text(&mut self, value: Value<'_>) -> Result<Option<String>, Fault> {
        let Some(text) = value.text()? else {
            return Ok(None);
        };
        let (text, controls) = text::strip_controls(text);
        self.controls += controls;
        if text::is_blank(&text) {
            return Ok(None);
        }
        self.lost += text.matches(char::REPLACEMENT_CHARACTER).count() as u64;
        Ok(Some(text))
    }

    /// A short text or number about the row.
    fn label(&mut self, value: Option<Value<'_>>) -> Option<String> {
        let (label, controls) = text::strip_controls(value?.label()?);
        self.controls += controls;
        Some(label).filter(|label| !text::is_blank(label))
    }

    /// The question and its further wordings.
    pub(super) fn question(&mut self, parts: &Parts<'_>) -> Result<(String, Vec<String>), Fault> {
        let mut ways = Vec::new();
        let mut complaint = ProblemKind::Missing {
            field: Field::Question,
        };
        if let Some(value) = parts.question {
            match self.text(value)? {
                Some(question) => ways.push(question),
                None => complaint = not_a_text(Field::Question, value.found()),
            }
            // A list or number is not what it should be, even if there are wordings as well.
            if !matches!(value.found(), Found::Text | Found::Null) {
                return Err(Fault::new(complaint, String::new()));
            }
        }
        if let Some(value) = parts.wordings {
            self.wordings(value, &mut ways)?;
            if ways.is_empty() && parts.question.is_none() {
                complaint = match value.found() {
                    Found::List => not_a_text(Field::Question, Found::Text),
                    found => not_a_text(Field::Question, found),
                };
            }
        }
        let mut ways = ways.into_iter();
        match ways.next() {
            Some(question) => Ok((question, ways.collect())),
            None => Err(Fault::new(complaint, String::new())),
        }
    }

    fn wordings(&mut self, value: Value<'_>, ways: &mut Vec<String>) -> Result<(), Fault> {
        let list = match value.found() {
            Found::Null => return Ok(()),
            _ if value.is_empty_cell() => return Ok(()),
            _ => value.list().unwrap_or_else(|| vec![value]),
        };
        for value in list {
            match self.text(value)? {
                Some(way) if !ways.contains(&way) => ways.push(way),
                Some(_) => {}
                None => self.wordings_left_out += 1,
            }
        }
        Ok(())
    }

    /// All answers of the row: at least one.
    pub(super) fn answers(&mut self, parts: &Parts<'_>) -> Result<Vec<String>, Fault> {
        let mut answers: Vec<String> = Vec::new();
        let mut complaint = ProblemKind::Missing {
            field: Field::Answer,
        };
        for value in [parts.answer, parts.answers].into_iter().flatten() {
            if value.found() == Found::Null {
                complaint = not_a_text(Field::Answer, Found::Null);
                continue;
            }
            complaint = not_a_text(Field::Answer, Found::Text);
            for value in value.list().unwrap_or_else(|| vec![value]) {
                match self.text(value)? {
                    Some(answer) if !answers.contains(&answer) => answers.push(answer),
                    Some(_) => {}
                    None if value.found() == Found::Text => {}
                    None => {
                        let kind = not_a_text(Field::Answer, value.found());
                        return Err(Fault::new(kind, String::new()));
                    }
                }
            }
        }
        match answers.is_empty() {
            true => Err(Fault::new(complaint, String::new())),
            false => Ok(answers),
        }
    }

    /// The one answer of an FAQ row.
    fn answer(&mut self, parts: &Parts<'_>) -> Result<String, Fault> {
        let mut answers = self.answers(parts)?;
        let count = answers.len() as u64;
        match answers.pop() {
            Some(answer) if count == 1 => Ok(answer),
            _ => Err(Fault::new(
                ProblemKind::ManyAnswers { count },
                String::new(),
            )),
        }
    }

    /// A whole FAQ row. A fault carries the question to recognise it by, if there is one.
    pub(super) fn row(&mut self, line: u64, parts: &Parts<'_>) -> Result<Row, Fault> {
        let (question, wordings) = self.question(parts).map_err(|f| name_it(f, parts))?;
        let answer = self.answer(parts).map_err(|f| name_it(f, parts))?;
        Ok(Row {
            line,
            question,
            wordings,
            answer,
            source: self.label(parts.source),
            filename: self.label(parts.filename),
            id: self.label(parts.id),
        })
    }

    /// What to tell about texts that were read.
    pub(super) fn remarks(&self) -> impl Iterator<Item = ProblemKind> {
        let controls = ProblemKind::ControlCharacters {
            count: self.controls,
        };
        let wordings = ProblemKind::WordingsLeftOut {
            count: self.wordings_left_out,
        };
        let lost = ProblemKind::LostCharacters { count: self.lost };
        [
            (self.controls, controls),
            (self.wordings_left_out, wordings),
            (self.lost, lost),
        ]
        .into_iter()
        .filter_map(|(count, kind)| (count > 0).then_some(kind))
    }
}

/// What is wrong with a field that has no text to be seen.
fn not_a_text(field: Field, found: Found) -> ProblemKind {
    match found {
        Found::Text => ProblemKind::Empty { field },
        found => ProblemKind::WrongType { field, found },
    }
}

/// Adds the question, or else the answer, to recognise the row by.
pub(super) fn name_it(mut fault: Fault, parts: &Parts<'_>) -> Fault {
    if !fault.excerpt.is_empty() {
        return fault;
    }
    let texts = [parts.question, parts.wordings, parts.answer, parts.answers];
    for value in texts.into_iter().flatten() {
        for value in value.list().unwrap_or_else(|| vec![value]) {
            if let Ok(Some(text)) = value.text() {
                fault.excerpt = text::excerpt(&text);
                if !fault.excerpt.is_empty() {
                    return fault;
                }
            }
        }
    }
    fault
}
