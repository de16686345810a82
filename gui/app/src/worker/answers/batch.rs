//! Answers a file of questions and writes a CSV file with the answers.

use std::path::{Path, PathBuf};

use nearsay_store::{DiskStore, Store as _};

use super::{AnswersEvent, BatchWanted, Room};
use crate::{
    state::{Side, UserError, confidence},
    text,
};
use nearsay_project::files::file_name;

/// Maximum size of a file of questions, in bytes.
const LIMIT: u64 = 64 << 20;
/// Accepted names of the question column.
const NAMES: &[&str] = nearsay_faq::QUESTION_NAMES;

impl Room {
    pub(super) fn batch(&mut self, wanted: &BatchWanted) {
        let result = self.answer_all(wanted);
        self.say(AnswersEvent::BatchDone(result));
    }

    fn answer_all(&mut self, wanted: &BatchWanted) -> Result<PathBuf, UserError> {
        let bytes = DiskStore.read(&wanted.from, LIMIT)?;
        let questions = questions(&String::from_utf8_lossy(&bytes));
        if questions.is_empty() {
            let name = file_name(&wanted.from);
            return Err(text::error::no_questions(&name));
        }
        let layout = std::mem::take(&mut self.layout);
        let result = self.answer_each(wanted, &layout, &questions);
        self.layout = layout;
        result
    }

    fn answer_each(
        &mut self,
        wanted: &BatchWanted,
        layout: &super::Layout,
        questions: &[String],
    ) -> Result<PathBuf, UserError> {
        let outlet = self.outlet.clone();
        let Some((bench, side)) = self.bench(Side::After) else {
            return Err(text::error::asking_ended());
        };
        if !bench.can_answer(layout) {
            return Err(text::error::not_ready());
        }
        let mut out = csv_line(&text::ask::BATCH_COLUMNS);
        for (done, question) in questions.iter().enumerate() {
            if done % 50 == 0 {
                let at = AnswersEvent::BatchAt(done, questions.len());
                outlet.send_progress(super::Event::Answers(at));
            }
            let reply = bench.ask(layout, question, 1, side)?;
            let first = reply.answers.first();
            let good = first.is_some_and(|answer| {
                confidence::is_good(answer.confidence, answer.score, wanted.silence)
            });
            let chance = first.map_or_else(String::new, |answer| match answer.confidence {
                Some(chance) => format!("{:.0}", chance * 100.0),
                None => String::new(),
            });
            let given = first.filter(|_| good);
            out.push_str(&csv_line(&[
                question,
                given.map_or("", |answer| answer.answer.as_str()),
                &chance,
                given
                    .and_then(|a| a.question.as_deref())
                    .unwrap_or_default(),
                given.and_then(|a| a.source.as_deref()).unwrap_or_default(),
            ]));
        }
        let to = free_name(&wanted.from)?;
        // Excel recognises UTF-8 in CSV files only by the byte order mark.
        DiskStore.write_atomic(&to, format!("\u{feff}{out}").as_bytes())?;
        Ok(to)
    }
}

/// Returns an unused path next to the file of questions.
fn free_name(from: &Path) -> Result<PathBuf, UserError> {
    let stem = from.file_stem().unwrap_or_default().to_string_lossy();
    for number in 1_u32.. {
        let name = match number {
            1 => format!("{stem}-answers.csv"),
            _ => format!("{stem}-answers-{number}.csv"),
        };
        let path = from.with_file_name(name);
        if !DiskStore.exists(&path)? {
            return Ok(path);
        }
    }
    Ok(from.with_extension("answers.csv"))
}

/// Reads questions from JSON lines, from the question column of a table, or one per line.
fn questions(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if text.trim_start().starts_with('{') {
        return lines
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|row| {
                let row = row.as_object()?;
                let of = |name: &&str| row.get(*name).and_then(|value| value.as_str());
                NAMES.iter().find_map(of).map(one_line)
            })
            .collect();
    }
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [';', '\t', ','].into_iter().find(|c| first.contains(*c));
    let heads: Vec<String> = match delimiter {
        Some(delimiter) => fields(first, delimiter),
        None => vec![first.trim().to_owned()],
    };
    let is_head = |head: &String| NAMES.contains(&head.trim().to_lowercase().as_str());
    match (heads.iter().position(is_head), delimiter) {
        (Some(column), Some(delimiter)) => records(text, delimiter)
            .into_iter()
            .skip(1)
            .filter_map(|record| record.into_iter().nth(column))
            .map(|question| one_line(&question))
            .filter(|question| !question.is_empty())
            .collect(),
        (Some(_), None) => lines.skip(1).map(one_line).collect(),
        (None, _) => lines.map(|line| one_line(line.trim_matches('"'))).collect(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fields(line: &str, delimiter: char) -> Vec<String> {
    records(line, delimiter)
        .into_iter()
        .next()
        .unwrap_or_default()
}

fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map_while(Result::ok)
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// Formats a CSV line. A leading apostrophe keeps spreadsheets from running a cell as a formula.
fn csv_line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            let safe = if formula {
                format!("'{cell}")
            } else {
                (*cell).to_owned()
            };
            format!("\"{}\"", safe.replace('"', "\"\""))
        })
        .collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_reads_lines_columns_and_json_fields() {
        assert_eq!(questions("Open?\n\n  Where?  \n"), ["Open?", "Where?"]);
        assert_eq!(
            questions("id,Question\n1,\"Open, or not?\"\n2,Where?\n"),
            ["Open, or not?", "Where?"]
        );
        assert_eq!(
            questions("{\"q\":\"Open?\"}\nnoise\n{\"question\":\"Where?\"}"),
            ["Open?", "Where?"]
        );
        assert_eq!(questions("question\nOpen?"), ["Open?"]);
    }

    #[test]
    fn csv_line_escapes_formulas_and_quotes() {
        assert_eq!(
            csv_line(&["=1+1", "say \"hi\"", "plain"]),
            "\"'=1+1\",\"say \"\"hi\"\"\",\"plain\"\r\n"
        );
    }
}
