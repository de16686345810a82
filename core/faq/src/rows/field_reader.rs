//! Reading the texts of a row from its fields.

use super::Row;
use super::clean;
use crate::columns::RowFields;
use crate::parse::{Rejection, Value};
use crate::{Field, IssueKind, ValueType, text};

/// Reads the texts of one row and counts the changes made to them.
#[derive(Default)]
pub(super) struct FieldReader {
    /// Control characters removed.
    controls: u64,
    /// Replacement characters found.
    lost: u64,
    paraphrases_left_out: u64,
    /// Whether texts are cleaned.
    cleans: bool,
    /// Texts whose HTML or escaped line breaks were converted.
    pub(super) converted: u64,
    /// Texts that look decoded in a wrong encoding.
    pub(super) double_encoded: u64,
}

impl FieldReader {
    /// Creates a reader. `controls` is the number of control characters already removed.
    pub(super) fn new(controls: u64) -> Self {
        Self {
            controls,
            ..Self::default()
        }
    }

    /// Creates a reader that cleans the texts of tables and documents.
    pub(super) fn cleaning() -> Self {
        Self {
            cleans: true,
            ..Self::default()
        }
    }

    /// Reads the text of a field; `None` if it is blank or not text.
    fn read_text(&mut self, value: Value<'_>) -> Result<Option<String>, Rejection> {
        let Some(text) = value.text()? else {
            return Ok(None);
        };
        let (text, controls) = text::strip_controls(text);
        self.controls += controls;
        if text::is_blank(&text) {
            return Ok(None);
        }
        let text = self.clean(text);
        self.lost += text.matches(char::REPLACEMENT_CHARACTER).count() as u64;
        Ok(Some(text))
    }

    fn clean(&mut self, text: String) -> String {
        self.double_encoded += u64::from(clean::is_double_encoded(&text));
        if !self.cleans {
            return text;
        }
        let cleaned = clean::clean(&text);
        self.converted += u64::from(cleaned.is_converted);
        if text::is_blank(&cleaned.text) {
            return text;
        }
        cleaned.text.into_owned()
    }

    /// Reads a short text or number about the row.
    fn read_label(&mut self, value: Option<Value<'_>>) -> Option<String> {
        let (label, controls) = text::strip_controls(value?.label()?);
        self.controls += controls;
        Some(label).filter(|label| !text::is_blank(label))
    }

    /// Reads the question and its paraphrases.
    pub(super) fn read_questions(
        &mut self,
        fields: &RowFields<'_>,
    ) -> Result<(String, Vec<String>), Rejection> {
        let mut questions = Vec::new();
        let mut kind = IssueKind::Missing {
            field: Field::Question,
        };
        if let Some(value) = fields.question {
            match self.read_text(value)? {
                Some(question) => questions.push(question),
                None => kind = missing_text(Field::Question, value.value_type()),
            }
            // A list or number is a mistake even if there are paraphrases as well.
            if !matches!(value.value_type(), ValueType::Text | ValueType::Null) {
                return Err(Rejection::new(kind, String::new()));
            }
        }
        for value in &fields.more_paraphrases {
            self.read_paraphrases(*value, &mut questions)?;
        }
        if let Some(value) = fields.paraphrases {
            self.read_paraphrases(value, &mut questions)?;
            if questions.is_empty() && fields.question.is_none() {
                kind = match value.value_type() {
                    ValueType::List => missing_text(Field::Question, ValueType::Text),
                    found => missing_text(Field::Question, found),
                };
            }
        }
        let mut questions = questions.into_iter();
        match questions.next() {
            Some(question) => Ok((question, questions.collect())),
            None => Err(Rejection::new(kind, String::new())),
        }
    }

    fn read_paraphrases(
        &mut self,
        value: Value<'_>,
        questions: &mut Vec<String>,
    ) -> Result<(), Rejection> {
        let list = match value.value_type() {
            ValueType::Null => return Ok(()),
            _ if value.is_empty_cell() => return Ok(()),
            _ => value.list().unwrap_or_else(|| vec![value]),
        };
        for value in list {
            let Some(text) = self.read_text(value)? else {
                self.paraphrases_left_out += 1;
                continue;
            };
            // A cell may hold several paraphrases.
            let texts = match value {
                Value::Text(_) => split_paraphrases(&text),
                _ => vec![text],
            };
            for text in texts {
                if !questions.contains(&text) {
                    questions.push(text);
                }
            }
        }
        Ok(())
    }

    /// Reads all answers of the row, at least one.
    pub(super) fn read_answers(
        &mut self,
        fields: &RowFields<'_>,
    ) -> Result<Vec<String>, Rejection> {
        let mut answers: Vec<String> = Vec::new();
        let mut kind = IssueKind::Missing {
            field: Field::Answer,
        };
        for value in [fields.answer, fields.answers].into_iter().flatten() {
            if value.value_type() == ValueType::Null {
                kind = missing_text(Field::Answer, ValueType::Null);
                continue;
            }
            kind = missing_text(Field::Answer, ValueType::Text);
            for value in value.list().unwrap_or_else(|| vec![value]) {
                match self.read_text(value)? {
                    Some(answer) if !answers.contains(&answer) => answers.push(answer),
                    Some(_) => {}
                    None if value.value_type() == ValueType::Text => {}
                    None => {
                        let kind = missing_text(Field::Answer, value.value_type());
                        return Err(Rejection::new(kind, String::new()));
                    }
                }
            }
        }
        if answers.is_empty() {
            Err(Rejection::new(kind, String::new()))
        } else {
            Ok(answers)
        }
    }

    /// Reads the answer of an FAQ row, which must have exactly one.
    fn read_single_answer(&mut self, fields: &RowFields<'_>) -> Result<String, Rejection> {
        let mut answers = self.read_answers(fields)?;
        let count = answers.len() as u64;
        match answers.pop() {
            Some(answer) if count == 1 => Ok(answer),
            _ => Err(Rejection::new(
                IssueKind::ManyAnswers { count },
                String::new(),
            )),
        }
    }

    /// Reads an FAQ row. The excerpt of a rejection is the question, if there is one.
    pub(super) fn read_row(&mut self, line: u64, fields: &RowFields<'_>) -> Result<Row, Rejection> {
        let (question, paraphrases) = self
            .read_questions(fields)
            .map_err(|f| add_excerpt(f, fields))?;
        let answer = self
            .read_single_answer(fields)
            .map_err(|f| add_excerpt(f, fields))?;
        Ok(Row {
            line,
            question,
            paraphrases,
            answer,
            source: self.read_label(fields.source),
            filename: self.read_label(fields.filename),
            id: self.read_label(fields.id),
        })
    }

    /// Issues about the texts read.
    pub(super) fn issues(&self) -> impl Iterator<Item = IssueKind> {
        let controls = IssueKind::ControlCharacters {
            count: self.controls,
        };
        let paraphrases = IssueKind::ParaphrasesLeftOut {
            count: self.paraphrases_left_out,
        };
        let lost = IssueKind::LostCharacters { count: self.lost };
        [
            (self.controls, controls),
            (self.paraphrases_left_out, paraphrases),
            (self.lost, lost),
        ]
        .into_iter()
        .filter_map(|(count, kind)| (count > 0).then_some(kind))
    }
}

/// Splits a cell of paraphrases: a JSON list of texts, one per line, or questions with separators.
fn split_paraphrases(cell: &str) -> Vec<String> {
    if cell.starts_with('[')
        && let Ok(texts) = serde_json::from_str::<Vec<String>>(cell)
    {
        return texts;
    }
    let lines: Vec<&str> = cell.lines().collect();
    let parts = if lines.len() > 1 {
        lines
    } else {
        [';', '|', '；']
            .into_iter()
            .map(|separator| cell.split(separator).collect::<Vec<_>>())
            .find(|parts| {
                let asked = |part: &&str| part.trim_end().ends_with(['?', '？', '؟']);
                parts.len() > 1 && parts.iter().all(asked)
            })
            .unwrap_or_else(|| vec![cell])
    };
    parts
        .into_iter()
        .map(|part| part.trim().trim_start_matches(['-', '*', '•']).trim())
        .filter(|part| !text::is_blank(part))
        .map(str::to_owned)
        .collect()
}

/// Issue for a field without visible text.
fn missing_text(field: Field, found: ValueType) -> IssueKind {
    match found {
        ValueType::Text => IssueKind::Empty { field },
        found => IssueKind::WrongType { field, found },
    }
}

/// Sets the excerpt of a rejection to the question, or else the answer, unless it has one.
pub(super) fn add_excerpt(mut rejection: Rejection, fields: &RowFields<'_>) -> Rejection {
    if !rejection.excerpt.is_empty() {
        return rejection;
    }
    let texts = [
        fields.question,
        fields.paraphrases,
        fields.answer,
        fields.answers,
    ];
    for value in texts.into_iter().flatten() {
        for value in value.list().unwrap_or_else(|| vec![value]) {
            if let Ok(Some(text)) = value.text() {
                rejection.excerpt = text::excerpt(&text);
                if !rejection.excerpt.is_empty() {
                    return rejection;
                }
            }
        }
    }
    rejection
}
