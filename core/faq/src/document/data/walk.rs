//! Finding questions and answers in the values of data files, wherever they stand.

mod chat;
mod rasa;

use super::fields::{
    best_answers, ends_asked, find_maybe, find_named, is_generic, is_generic_title, is_record_like,
    is_texts, read_answer, read_examples, strip_stop_words,
};
use super::tree::{Node, Tree, get};
use crate::column_names::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, MAYBE_ANSWER_NAMES, MAYBE_QUESTION_NAMES, PARAPHRASE_NAMES,
    QUESTION_NAMES, Role, derive_role,
};
use crate::document::{Document, FieldRecord, FieldValue};
use crate::{ColumnChoice, FileFormat, IssueKind, ValueType, text};

/// Keys whose text names the topic of the entries beside it.
const TOPIC_KEYS: &[&str] = &[
    "category",
    "topic",
    "section",
    "title",
    "name",
    "heading",
    "group",
    "label",
    "categoryName",
    "subject",
];

/// Collector of records.
pub(super) struct Walker<'c> {
    choice: Option<&'c ColumnChoice>,
    /// Whether names count that only may mean questions and answers.
    pub(super) maybe: bool,
    /// Whether keys name topics, as those of objects do and the names of elements don't.
    keys_are_topics: bool,
    pub(super) records: Vec<FieldRecord>,
    pub(super) issues: Vec<(u64, IssueKind, String)>,
}

/// Reads the questions and answers from values; the first names tried are the unambiguous ones.
pub(super) fn read_trees(
    trees: &[Tree],
    format: FileFormat,
    choice: Option<&ColumnChoice>,
    lines: u64,
) -> Option<Document> {
    for maybe in [false, true] {
        let mut walker = Walker {
            choice,
            maybe,
            keys_are_topics: format != FileFormat::Xml,
            records: Vec::new(),
            issues: Vec::new(),
        };
        match trees {
            [tree] => walker.walk(tree, None),
            _ => walker.walk_items(trees, None),
        };
        if !walker.records.is_empty() {
            strip_stop_words(&mut walker.records);
            let mut document = Document::of_records(format, walker.records, lines);
            document.issues = walker.issues;
            return Some(document);
        }
    }
    None
}

impl Walker<'_> {
    /// Collects the records of a value; returns how many there are.
    pub(super) fn walk(&mut self, tree: &Tree, topic: Option<&str>) -> usize {
        match &tree.node {
            Node::Map(entries) => self.walk_map(tree, entries, topic, false),
            Node::List(items) => self.walk_items(items, topic),
            _ => 0,
        }
    }

    /// Collects the records of an object, which may stand among others of its kind (`in_list`).
    fn walk_map(
        &mut self,
        tree: &Tree,
        entries: &[(String, Tree)],
        topic: Option<&str>,
        in_list: bool,
    ) -> usize {
        let found = chat::read_conversation(self, tree, topic) + rasa::read(self, entries);
        if found > 0 {
            return found;
        }
        if self.maybe && self.walk_entries(entries, topic) > 0 {
            return 1;
        }
        if let Some(found) = self.read_languages(tree, entries, topic) {
            return found;
        }
        let found = self.read_numbered(entries, topic);
        if found > 0 {
            return found;
        }
        if !in_list && !self.maybe && self.choice.is_none() {
            let found = self.read_columns(entries, topic);
            if found > 0 {
                return found;
            }
        }
        if let Some(record) = self.read_record(tree, entries, topic) {
            // A single title and text, as of a page, isn't a question.
            if self.maybe
                && !in_list
                && !record.texts().first().is_some_and(|text| ends_asked(text))
            {
                return 0;
            }
            self.records.push(record);
            return 1;
        }
        if self.maybe {
            return self.read_keyed_texts(entries, topic);
        }
        let found = self.read_question_map(entries, topic);
        if found > 0 {
            return found;
        }
        self.walk_entries(entries, topic)
    }

    /// Collects the records of the values in an object; the object may name their topic.
    fn walk_entries(&mut self, entries: &[(String, Tree)], topic: Option<&str>) -> usize {
        let own = TOPIC_KEYS.iter().find_map(|key| {
            let text = get(entries, key)?.as_text()?;
            (!text::is_blank(text) && text.len() < 200).then_some(text)
        });
        let are_alike = entries.len() > 1 && entries.iter().all(|entry| entry.1.as_map().is_some());
        let mut found = 0;
        for (key, value) in entries {
            if !value.is_container() {
                continue;
            }
            let is_topic = self.keys_are_topics && !is_generic(key) && !is_record_like(value);
            let named = is_topic.then_some(key.as_str());
            let inherited = own.filter(|own| !is_generic_title(own));
            let topic = inherited.or(named).or(topic);
            found += match &value.node {
                Node::Map(inner) => self.walk_map(value, inner, topic, are_alike),
                _ => self.walk(value, topic),
            };
        }
        found
    }

    pub(super) fn walk_items(&mut self, items: &[Tree], topic: Option<&str>) -> usize {
        if let Some(found) = self.read_lists(items, topic) {
            return found;
        }
        let found = chat::read_turns(self, items, topic);
        if found > 0 {
            return found;
        }
        let from = self.records.len();
        let constant = constant_instruction(items);
        let mut topic = topic.map(str::to_owned);
        let mut unread = Vec::new();
        for item in items {
            let before = self.records.len();
            match &item.node {
                Node::Map(entries) if constant => {
                    let without: Vec<(String, Tree)> = entries
                        .iter()
                        .filter(|entry| !entry.0.eq_ignore_ascii_case("instruction"))
                        .cloned()
                        .collect();
                    self.walk_map(item, &without, topic.as_deref(), true);
                }
                Node::Map(entries) => {
                    self.walk_map(item, entries, topic.as_deref(), true);
                }
                _ => {
                    self.walk(item, topic.as_deref());
                }
            }
            if self.records.len() > before {
                continue;
            }
            // An entry that only names a category, as in Moodle
            let category = item.get("category").and_then(Tree::to_text);
            if let Some(category) = category.filter(|_| partial_record(item).is_none()) {
                topic = Some(category);
                continue;
            }
            unread.push(item);
        }
        let found = self.records.len() - from;
        // Entries beside records should have been records, too.
        if found > 0 {
            for item in unread {
                self.report_unread(item);
            }
        }
        found
    }

    /// Keeps what an unreadable entry has, so that its issue tells what is missing.
    pub(super) fn report_unread(&mut self, item: &Tree) {
        if let Some(record) = partial_record(item) {
            self.records.push(record);
            return;
        }
        let kind = match &item.node {
            Node::Null => return,
            Node::Map(entries) if entries.is_empty() => return,
            Node::Map(_) => IssueKind::NotAnObject {
                found: ValueType::Object,
            },
            Node::List(_) => IssueKind::NotAnObject {
                found: ValueType::List,
            },
            Node::Text(_) => IssueKind::NotAnObject {
                found: ValueType::Text,
            },
            Node::Scalar(_) => IssueKind::NotAnObject {
                found: ValueType::Number,
            },
        };
        let excerpt = item.to_text().unwrap_or_default();
        self.issues.push((item.line, kind, text::excerpt(&excerpt)));
    }

    /// Reads an object that has a question and its answer.
    fn read_record(
        &mut self,
        tree: &Tree,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> Option<FieldRecord> {
        if let Some(choice) = self.choice {
            return read_chosen(tree, entries, topic, choice);
        }
        let question = find_named(entries, QUESTION_NAMES, Role::Question).filter(|v| is_texts(v));
        let paraphrases = find_named(entries, PARAPHRASE_NAMES, Role::Paraphrases)
            .filter(|value| is_texts(value));
        let answer = find_named(entries, ANSWER_NAMES, Role::Answer).filter(|v| is_texts(v));
        let answers = find_named(entries, ANSWER_LIST_NAMES, Role::Answers).filter(|v| is_texts(v));
        let is_clear = (
            question.or(paraphrases).is_some(),
            answer.or(answers).is_some(),
        );
        let maybe_question = || find_maybe(entries, MAYBE_QUESTION_NAMES);
        let maybe_answer = || find_maybe(entries, MAYBE_ANSWER_NAMES);
        let (question, answer) = match is_clear {
            (true, true) => (question, answer),
            (false, true) => (Some(maybe_question()?), answer),
            (true, false) => (question, Some(maybe_answer()?)),
            (false, false) if self.maybe => match maybe_question() {
                Some(question) => (Some(question), Some(maybe_answer()?)),
                // The label of a text may be the answer to it, but not its class.
                None => {
                    let label = get(entries, "label")?;
                    let is_sentence = label.as_text()?.split_whitespace().count() > 2;
                    (
                        Some(get(entries, "text")?),
                        Some(label).filter(|_| is_sentence),
                    )
                }
            },
            (false, false) => return None,
        };
        let mut questions = question.map(Tree::to_texts).unwrap_or_default();
        questions.extend(paraphrases.map(read_examples).unwrap_or_default());
        let asked = questions.first().cloned().unwrap_or_default();
        let answer = match (answer, answers) {
            (Some(answer), _) => read_answer(answer),
            (None, Some(list)) => {
                let mut texts = best_answers(list);
                texts.dedup();
                let more = texts.len().saturating_sub(1) as u64;
                if more > 0 {
                    let kind = IssueKind::AnswersLeftOut { count: more };
                    self.issues.push((tree.line, kind, asked.clone()));
                }
                texts.into_iter().next().unwrap_or_default()
            }
            (None, None) => String::new(),
        };
        let mut record = FieldRecord::pair(tree.line, asked, answer);
        if questions.len() > 1 {
            let texts = questions.split_off(1);
            let field = ("paraphrases".to_owned(), FieldValue::Texts(texts));
            record.fields.push(field);
        }
        let used = [question, paraphrases];
        for (key, value) in entries {
            let is_used = used
                .iter()
                .flatten()
                .any(|used| core::ptr::eq(*used, value));
            let is_known = record.fields.iter().any(|field| field.0 == *key);
            if let (false, false, Node::Text(text) | Node::Scalar(text)) =
                (is_used, is_known, &value.node)
                && derive_role(key).is_none()
                && text.len() < 1000
            {
                record = record.with(key, text.clone());
            }
        }
        Some(add_topic(record, topic))
    }

    pub(super) fn push_pair(
        &mut self,
        line: u64,
        question: Option<String>,
        answer: &Tree,
        topic: Option<&str>,
    ) {
        let record = FieldRecord::pair(line, question.unwrap_or_default(), read_answer(answer));
        self.records.push(add_topic(record, topic));
    }
}

/// Adds the topic, unless the record has one.
pub(super) fn add_topic(record: FieldRecord, topic: Option<&str>) -> FieldRecord {
    const NAMES: &[&str] = &["topic", "category", "section", "source"];
    let has_own = record
        .fields
        .iter()
        .any(|field| NAMES.contains(&field.0.to_lowercase().as_str()));
    match topic {
        Some(topic) if !has_own => record.with("topic", topic.to_owned()),
        _ => record,
    }
}

/// Whether all entries share one instruction and have an input of their own.
fn constant_instruction(items: &[Tree]) -> bool {
    let text = |item: &Tree, key| item.get(key).and_then(Tree::to_text);
    let Some(first) = items.first().and_then(|item| text(item, "instruction")) else {
        return false;
    };
    items.len() > 1
        && items.iter().all(|item| {
            text(item, "instruction").as_ref() == Some(&first) && text(item, "input").is_some()
        })
}

/// Reads a record by the names that the user chose.
fn read_chosen(
    tree: &Tree,
    entries: &[(String, Tree)],
    topic: Option<&str>,
    choice: &ColumnChoice,
) -> Option<FieldRecord> {
    let find = |name: &str| {
        let key = text::normalize(name);
        entries
            .iter()
            .find(|entry| text::normalize(&entry.0) == key)
    };
    let (question, answer) = (find(&choice.question)?, find(&choice.answer)?);
    let field = |entry: &(String, Tree), text: String| (entry.0.clone(), FieldValue::Text(text));
    let fields = vec![
        field(question, question.1.to_text()?),
        field(answer, read_answer(&answer.1)),
    ];
    let record = FieldRecord {
        position: tree.line,
        fields,
    };
    Some(add_topic(record, topic))
}

/// Record of an entry that has only the question or only the answer.
fn partial_record(item: &Tree) -> Option<FieldRecord> {
    let entries = item.as_map()?;
    let question = find_named(entries, QUESTION_NAMES, Role::Question);
    let answer = find_named(entries, ANSWER_NAMES, Role::Answer);
    let (name, value) = match (question, answer) {
        (Some(value), None) => ("question", value),
        (None, Some(value)) => ("answer", value),
        _ => return None,
    };
    let text = value.to_text()?;
    Some(FieldRecord {
        position: item.line,
        fields: vec![(name.to_owned(), FieldValue::Text(text))],
    })
}
