//! Assigning the fields of a record to question, answer and other columns by their names.

use super::column_names::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, MAYBE_ANSWER_NAMES, MAYBE_QUESTION_NAMES, PARAPHRASE_NAMES,
    QUESTION_NAMES, Role, derive_role, last_word, names_paraphrase,
};
use super::parse::{Record, Value};
use super::{Field, ValueType, text};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[rustfmt::skip]
const SOURCE_NAMES: &[&str] = &[
    "source", "topic", "category", "section", "url", "link", "quelle", "thema", "kategorie",
    "rubrik", "fuente", "tema", "categoría", "fonte", "categoria", "catégorie", "sujet",
];
const FILENAME_NAMES: &[&str] = &["filename", "file", "path", "datei", "fichier"];
const ID_NAMES: &[&str] = &["id", "key", "uuid"];

/// Columns chosen by the user instead of detected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// Name of the question column.
    pub question: String,
    /// Name of the answer column.
    pub answer: String,
}

/// Columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Question column of the first complete record.
    pub question: Option<String>,
    /// Answer column of the first complete record.
    pub answer: Option<String>,
    /// All column names, in order of appearance; at most 50.
    pub all: Vec<String>,
}

impl Columns {
    /// Maximum number of column names kept.
    pub(crate) const MAX_NAMES: usize = 50;

    /// Adds the columns of another file.
    pub(crate) fn extend(&mut self, other: Self) {
        if self.question.is_none() || self.answer.is_none() {
            self.question = other.question;
            self.answer = other.answer;
        }
        for name in other.all {
            if self.all.len() < Self::MAX_NAMES && !self.all.contains(&name) {
                self.all.push(name);
            }
        }
    }
}

/// Values of one record, by column.
#[derive(Default)]
pub(crate) struct RowFields<'a> {
    pub(crate) question: Option<Value<'a>>,
    pub(crate) paraphrases: Option<Value<'a>>,
    /// Further columns of one paraphrase each.
    pub(crate) more_paraphrases: Vec<Value<'a>>,
    pub(crate) answer: Option<Value<'a>>,
    pub(crate) answers: Option<Value<'a>>,
    pub(crate) source: Option<Value<'a>>,
    pub(crate) filename: Option<Value<'a>>,
    pub(crate) id: Option<Value<'a>>,
}

/// Assigns fields to columns, consistently for all records of a file.
#[derive(Default)]
pub(crate) struct ColumnFinder {
    choice: Option<ColumnChoice>,
    columns: Columns,
    /// Normalized names of the question and answer columns, after the first complete record.
    settled: Option<(String, String)>,
    /// Keys and roles of the names seen, which repeat in every record.
    names: HashMap<String, NameFacts>,
    /// Number of records.
    records: u64,
    /// Whether any record had a question, and whether any had an answer.
    seen: (bool, bool),
}

impl ColumnFinder {
    pub(crate) fn new(choice: Option<ColumnChoice>) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    /// Begins a table or list whose columns may have other names than those before it.
    pub(crate) fn start_table(&mut self, choice: Option<ColumnChoice>) {
        self.choice = choice;
        self.settled = None;
    }

    /// Assigns the fields of a record to columns.
    pub(crate) fn assign_fields<'a>(&mut self, record: &Record<'a>) -> RowFields<'a> {
        self.records += 1;
        self.record_names(record);
        let row = FieldNames::new(record, &mut self.names);
        let question = match &self.choice {
            Some(choice) => row.find_exact(&choice.question),
            None => row.find_known_or_maybe(
                QUESTION_NAMES,
                Role::Question,
                MAYBE_QUESTION_NAMES,
                self.settled.as_ref().map(|s| s.0.as_str()),
                row.find_listed(PARAPHRASE_NAMES, Role::Paraphrases)
                    .is_some(),
            ),
        };
        let answer = match &self.choice {
            Some(choice) => row.find_exact(&choice.answer),
            None => row.find_known_or_maybe(
                ANSWER_NAMES,
                Role::Answer,
                MAYBE_ANSWER_NAMES,
                self.settled.as_ref().map(|s| s.1.as_str()),
                row.find_listed(ANSWER_LIST_NAMES, Role::Answers).is_some(),
            ),
        };
        let taken = [question, answer];
        let free = |found: Option<usize>| found.filter(|i| !taken.contains(&Some(*i)));
        let paraphrases = free(row.find_listed(PARAPHRASE_NAMES, Role::Paraphrases));
        let answers = match self.choice {
            Some(_) => None,
            None => free(row.find_listed(ANSWER_LIST_NAMES, Role::Answers)),
        };
        self.settle_names(record, &row, question.or(paraphrases), answer.or(answers));
        let value = |i: Option<usize>| record.fields.get(i?).map(|field| field.1);
        let (question, paraphrases) = match (value(question), value(paraphrases)) {
            // The chosen question column may hold a list of paraphrases.
            (Some(list), None) if self.choice.is_some() && list.value_type() == ValueType::List => {
                (None, Some(list))
            }
            both => both,
        };
        let more_paraphrases = match self.choice {
            Some(_) => Vec::new(),
            None => row.find_more_paraphrases(&taken),
        };
        RowFields {
            question,
            paraphrases,
            more_paraphrases,
            answer: value(answer),
            answers: value(answers),
            source: value(free(row.find_any(SOURCE_NAMES))),
            filename: value(free(row.find_any(FILENAME_NAMES))),
            id: value(free(row.find_any(ID_NAMES))),
        }
    }

    /// Adds the names of a record to the column names.
    fn record_names(&mut self, record: &Record<'_>) {
        for (name, _) in &record.fields {
            self.record_name(name);
        }
    }

    /// Adds the names of a header to the column names.
    pub(crate) fn add_names(&mut self, names: &[String]) {
        for name in names {
            self.record_name(name);
        }
    }

    fn record_name(&mut self, name: &str) {
        if self.columns.all.len() >= Columns::MAX_NAMES {
            return;
        }
        let name = text::excerpt(name);
        if !self.columns.all.contains(&name) {
            self.columns.all.push(name);
        }
    }

    /// Fixes the column names at the first complete record.
    fn settle_names(
        &mut self,
        record: &Record<'_>,
        row: &FieldNames<'_, '_>,
        question: Option<usize>,
        answer: Option<usize>,
    ) {
        self.seen.0 |= question.is_some();
        self.seen.1 |= answer.is_some();
        let (None, Some(question), Some(answer)) = (&self.settled, question, answer) else {
            return;
        };
        let name = |i: usize| record.fields.get(i).map(|field| text::excerpt(&field.0));
        if self.columns.question.is_none() {
            self.columns.question = name(question);
            self.columns.answer = name(answer);
        }
        self.settled = Some((row.key(question), row.key(answer)));
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Columns that no record had; `None` if both the question and the answer were found.
    pub(crate) fn missing(&self) -> Option<MissingColumns> {
        let field = match self.seen {
            (true, true) => return None,
            (false, false) => None,
            (false, true) => Some(Field::Question),
            (true, false) => Some(Field::Answer),
        };
        let chosen = self.choice.as_ref().map(|choice| match field {
            Some(Field::Answer) => choice.answer.clone(),
            _ => choice.question.clone(),
        });
        Some(MissingColumns { field, chosen })
    }
}

/// Whether a header has known names for the question and for the answer.
pub(crate) fn find_columns(names: &[String]) -> (bool, bool) {
    let fields = names.iter().map(|name| (name.clone(), Value::Text("")));
    let record = Record {
        fields: fields.collect(),
        controls: 0,
    };
    let mut finder = ColumnFinder::new(None);
    finder.assign_fields(&record);
    finder.seen
}

/// Columns that no record of a file had.
pub(crate) struct MissingColumns {
    /// The missing column; `None` for both.
    pub(crate) field: Option<Field>,
    /// Name of the missing column, if the user chose it.
    pub(crate) chosen: Option<String>,
}

/// Normalized form of a name, and the role derived from it.
#[derive(Clone, Debug)]
struct NameFacts {
    key: String,
    role: Option<Role>,
}

impl NameFacts {
    fn new(name: &str) -> Self {
        Self {
            key: text::normalize(name),
            role: derive_role(name),
        }
    }
}

/// Maximum number of names whose facts are kept.
const MAX_KNOWN_NAMES: usize = 1000;

/// Names of one record.
struct FieldNames<'r, 'a> {
    record: &'r Record<'a>,
    facts: Vec<NameFacts>,
}

impl<'r, 'a> FieldNames<'r, 'a> {
    fn new(record: &'r Record<'a>, known: &mut HashMap<String, NameFacts>) -> Self {
        let facts = record.fields.iter().map(|(name, _)| {
            if let Some(facts) = known.get(name) {
                return facts.clone();
            }
            let facts = NameFacts::new(name);
            if known.len() < MAX_KNOWN_NAMES {
                known.insert(name.clone(), facts.clone());
            }
            facts
        });
        Self {
            record,
            facts: facts.collect(),
        }
    }

    fn key(&self, i: usize) -> String {
        self.facts.get(i).map(|f| f.key.clone()).unwrap_or_default()
    }

    /// Finds the first field with one of the names. Fields that are null count only if there are no
    /// others.
    fn find_any(&self, names: &[&str]) -> Option<usize> {
        let mut null = None;
        for name in names {
            for (i, (facts, field)) in self.facts.iter().zip(&self.record.fields).enumerate() {
                if facts.key == *name {
                    if field.1.value_type() != ValueType::Null {
                        return Some(i);
                    }
                    null = null.or(Some(i));
                }
            }
        }
        null
    }

    /// Finds the field with exactly this name, or else with the same normalized name.
    fn find_exact(&self, name: &str) -> Option<usize> {
        let fields = &self.record.fields;
        fields
            .iter()
            .position(|field| field.0 == name)
            .or_else(|| self.find_any(&[&text::normalize(name)]))
    }

    /// Finds the first field whose name has a role, unless its value is null.
    fn find_role(&self, role: Role) -> Option<usize> {
        let fields = self.facts.iter().zip(&self.record.fields);
        fields
            .enumerate()
            .find(|(_, (facts, field))| {
                facts.role == Some(role) && field.1.value_type() != ValueType::Null
            })
            .map(|(i, _)| i)
    }

    /// Finds a field with one of the names, or else one with the role.
    fn find_listed(&self, names: &[&str], role: Role) -> Option<usize> {
        self.find_any(names).or_else(|| self.find_role(role))
    }

    /// Finds the first field whose last word is one of the names: `Article Title`.
    fn find_last_word(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| {
            let words = self.record.fields.iter().map(|field| last_word(&field.0));
            words
                .enumerate()
                .find(|(_, word)| word.as_deref() == Some(name))
                .map(|(i, _)| i)
        })
    }

    /// Values of further question columns, such as `Question 2`. Tables with an answer for each of
    /// them have none.
    fn find_more_paraphrases(&self, taken: &[Option<usize>]) -> Vec<Value<'a>> {
        let of_role = |role| {
            let facts = self.facts.iter().enumerate();
            let fields = facts.zip(&self.record.fields);
            fields.filter(move |((i, facts), field)| {
                facts.role == Some(role) && !taken.contains(&Some(*i)) && names_paraphrase(&field.0)
            })
        };
        if of_role(Role::Answer).next().is_some() {
            return Vec::new();
        }
        of_role(Role::Question).map(|(_, field)| field.1).collect()
    }

    /// Finds a field with a known name, or one from whose words the role follows. Falls back to a
    /// `maybe` name, unless the record has a list instead or the file uses another name (`settled`).
    fn find_known_or_maybe(
        &self,
        known: &[&str],
        role: Role,
        maybe: &[&str],
        settled: Option<&str>,
        has_list: bool,
    ) -> Option<usize> {
        if let Some(found) = self.find_any(known) {
            return Some(found);
        }
        let settled_name = settled.filter(|_| !has_list);
        if let Some(found) = settled_name.and_then(|name| self.find_any(&[name])) {
            return Some(found);
        }
        if let Some(found) = self.find_role(role) {
            return Some(found);
        }
        match settled {
            _ if has_list => None,
            None => self.find_any(maybe).or_else(|| self.find_last_word(maybe)),
            Some(_) => None,
        }
    }
}
