//! Best-effort reading of records that were left out.

use crate::{ANSWER_NAMES, Columns, Faq, FileFormat, Issue, QUESTION_NAMES};

impl Faq {
    /// Guesses the question and the answer of a record that was left out, so that a user can fix it.
    /// Texts that cannot be guessed are empty, and both are for other issues.
    #[must_use]
    pub fn salvage(&self, issue: &Issue) -> (String, String) {
        let Some(raw) = &issue.raw else {
            return Default::default();
        };
        match self.format {
            FileFormat::Table { delimiter } => salvage_cells(raw, delimiter, &self.columns),
            FileFormat::Workbook => salvage_cells(raw, '\t', &self.columns),
            format if format.is_json() => salvage_json(raw),
            // The excerpt of the issue is the question already.
            _ => Default::default(),
        }
    }
}

fn salvage_json(raw: &str) -> (String, String) {
    let raw = raw.trim().trim_end_matches(',');
    if !raw.starts_with('{') {
        return (raw.trim_matches('"').to_owned(), String::new());
    }
    (
        find_field(raw, QUESTION_NAMES).unwrap_or_default(),
        find_field(raw, ANSWER_NAMES).unwrap_or_default(),
    )
}

fn find_field(raw: &str, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| read_json_field(raw, name))
}

/// Splits a table row without regard to quotes, since unbalanced quotes are a frequent mistake.
fn salvage_cells(raw: &str, delimiter: char, columns: &Columns) -> (String, String) {
    let cells: Vec<String> = raw.split(delimiter).map(clean_cell).collect();
    // A row with a cell for each column has its texts in the right columns.
    if let (Some(question), Some(answer)) = (
        find_column(columns, columns.question.as_deref()),
        find_column(columns, columns.answer.as_deref()),
    ) && cells.len() == columns.all.len()
    {
        let cell = |index: usize| cells.get(index).cloned().unwrap_or_default();
        return (cell(question), cell(answer));
    }
    let (question, answer) = raw.split_once(delimiter).unwrap_or((raw, ""));
    (clean_cell(question), clean_cell(answer))
}

fn find_column(columns: &Columns, name: Option<&str>) -> Option<usize> {
    columns
        .all
        .iter()
        .position(|column| Some(column.as_str()) == name)
}

fn clean_cell(cell: &str) -> String {
    let cell = cell.trim().trim_matches('"');
    cell.replace("\"\"", "\"").trim().to_owned()
}

/// Reads the text after `"name":` up to the quote that ends it, or to the end of the record. A quote
/// that isn't followed by a comma or a brace belongs to the text.
fn read_json_field(raw: &str, name: &str) -> Option<String> {
    let from = raw.find(&format!("\"{name}\""))? + name.len() + 2;
    let rest = raw
        .get(from..)?
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let rest = rest.strip_prefix(['"', '\''])?;
    let mut found = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => found.push('\n'),
                Some('t') => found.push('\t'),
                Some(other) => found.push(other),
                None => {}
            },
            '"' => {
                let after = chars.as_str().split('"').next().unwrap_or_default().trim();
                if after.is_empty() || after.starts_with([',', '}']) {
                    break;
                }
                found.push('"');
            }
            c => found.push(c),
        }
    }
    let found = found.trim_end_matches(['}', ' ']).trim().to_owned();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salvage_json_reads_unescaped_quotes_and_cut_records() {
        assert_eq!(
            salvage_json(r#"{"question": "Is the "big" room free?", "answer": "On \"some\" days"#),
            (
                "Is the \"big\" room free?".into(),
                "On \"some\" days".into()
            )
        );
        assert_eq!(
            salvage_json(r#"{"q": "Where?"}"#),
            ("Where?".to_owned(), String::new())
        );
        assert_eq!(salvage_json("just words").0, "just words");
    }

    #[test]
    fn salvage_cells_prefers_the_columns_of_the_table() {
        let none = Columns::default();
        assert_eq!(
            salvage_cells("\"Open, on \"\"Sunday\"\"?\";Yes", ';', &none),
            ("Open, on \"Sunday\"?".into(), "Yes".into())
        );
        assert_eq!(salvage_cells("just words", ',', &none).0, "just words");
        let columns = Columns {
            question: Some("Frage".to_owned()),
            answer: Some("Antwort".to_owned()),
            all: ["Thema", "Frage", "Antwort"].map(str::to_owned).to_vec(),
        };
        assert_eq!(
            salvage_cells("Haus;Gibt es WLAN?;\"Ja, kostenlos", ';', &columns),
            ("Gibt es WLAN?".to_owned(), "Ja, kostenlos".to_owned())
        );
    }

    #[test]
    fn read_keeps_the_text_of_records_left_out() {
        let file = "question,answer\nOpen?,Yes\nCost?,\n";
        let faq = crate::read(file.as_bytes(), &crate::ReadOptions::default(), &mut |_| {
            core::ops::ControlFlow::Continue(())
        })
        .unwrap();
        let issue = faq.issues.iter().find(|issue| issue.line == 3).unwrap();
        assert_eq!(issue.raw.as_deref(), Some("Cost?,"));
        assert_eq!(faq.salvage(issue), ("Cost?".to_owned(), String::new()));
    }
}
