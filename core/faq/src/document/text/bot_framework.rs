//! Files of the Bot Framework (`.qna`, `.lu`): questions, other ways to ask, and answers.

use crate::document::{Document, FieldRecord, FieldValue, Head};
use crate::{FileFormat, ReadError, ReadOptions};

pub(super) fn recognize(head: &Head<'_>) -> bool {
    head.has_extension(&["qna", "lu"])
        || head
            .text
            .lines()
            .any(|line| line.trim().starts_with("# ? "))
}

/// Part of an entry that the next lines belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Question,
    Answer,
    Other,
}

pub(super) fn read(source: &str, _: &ReadOptions) -> Result<Document, ReadError> {
    let mut records: Vec<FieldRecord> = Vec::new();
    let mut open: Option<(u64, Vec<String>, Vec<&str>)> = None;
    let mut part = Part::Other;
    let mut total = 0;
    for (at, line) in source.lines().enumerate() {
        total = at as u64 + 1;
        let trimmed = line.trim();
        if part == Part::Answer {
            if trimmed.starts_with("```") {
                part = Part::Other;
            } else if let Some((_, _, answer)) = &mut open {
                answer.push(line);
            }
            continue;
        }
        if let Some(question) = trimmed
            .strip_prefix("# ?")
            .or_else(|| trimmed.strip_prefix("## ?"))
        {
            records.extend(open.take().map(to_record));
            open = Some((total, vec![question.trim().to_owned()], Vec::new()));
            part = Part::Question;
        } else if trimmed.starts_with("```") {
            part = Part::Answer;
        } else if trimmed.starts_with("**") || trimmed.starts_with('#') {
            // Filters and prompts
            part = Part::Other;
        } else if part == Part::Question
            && let Some(paraphrase) = trimmed
                .strip_prefix("- ")
                .or_else(|| trimmed.strip_prefix("* "))
            && let Some((_, questions, _)) = &mut open
        {
            questions.push(paraphrase.trim().to_owned());
        }
    }
    records.extend(open.take().map(to_record));
    if records.is_empty() {
        return Err(ReadError::NothingFound {
            format: FileFormat::PlainText,
            looked_for: "Write each question behind \"# ?\", and its answer between lines of ```. \
                         Intents without answers can't be used.",
        });
    }
    Ok(Document::of_records(FileFormat::PlainText, records, total))
}

fn to_record((position, mut questions, answer): (u64, Vec<String>, Vec<&str>)) -> FieldRecord {
    let paraphrases = questions.split_off(1);
    let question = questions.pop().unwrap_or_default();
    let mut record = FieldRecord {
        position,
        fields: vec![("question".to_owned(), FieldValue::Text(question))],
    };
    if !paraphrases.is_empty() {
        let field = ("paraphrases".to_owned(), FieldValue::Texts(paraphrases));
        record.fields.push(field);
    }
    record.with("answer", answer.join("\n").trim().to_owned())
}
