//! Finding questions and answers in the values of data files, wherever they stand.

use super::tree::{Node, Tree, get, is_language};
use super::{chat, rasa};
use crate::column_names::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, MAYBE_ANSWER_NAMES, MAYBE_QUESTION_NAMES, PARAPHRASE_NAMES,
    QUESTION_NAMES, Role, derive_role,
};
use crate::document::{Document, FieldRecord, FieldValue};
use crate::{ColumnChoice, FileFormat, IssueKind, ValueType, text};

/// Keys of containers that don't name a topic.
#[rustfmt::skip]
const GENERIC_KEYS: &[&str] = &[
    "faq", "faqs", "qna", "qnas", "qa", "qas", "data", "items", "item", "questions", "entries",
    "entry", "results", "result", "articles", "list", "rows", "row", "records", "content",
    "contents", "children", "mainentity", "values", "sections", "categories", "topics", "groups",
    "pages", "docs", "documents", "nodes", "node", "edges", "attributes", "fields", "props", "body",
    "intents", "conversations", "qnalist", "qnadocuments", "question", "answers", "posts", "quiz",
    "channel", "rss", "feed", "collection", "knowledge", "knowledge_base", "default", "@graph",
    "paragraphs", "common_examples", "response", "payload", "params", "frequently asked questions",
];

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
            // A single title and text, as of a page, is no question.
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
    fn report_unread(&mut self, item: &Tree) {
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

    /// Reads an object whose texts are objects of languages, one record a language.
    fn read_languages(
        &mut self,
        tree: &Tree,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> Option<usize> {
        let question = find_named(entries, QUESTION_NAMES, Role::Question)
            .or_else(|| find_named(entries, PARAPHRASE_NAMES, Role::Paraphrases))?;
        let answer = find_named(entries, ANSWER_NAMES, Role::Answer)
            .or_else(|| find_named(entries, ANSWER_LIST_NAMES, Role::Answers))?;
        let (questions, answers) = (question.as_map()?, answer.as_map()?);
        let is_map_of_languages = |map: &[(String, Tree)]| {
            !map.is_empty() && map.iter().all(|entry| is_language(&entry.0))
        };
        if !is_map_of_languages(questions) || !is_map_of_languages(answers) {
            return None;
        }
        let mut found = 0;
        for (language, asked) in questions {
            let mut asked = asked.to_texts();
            let answer = get(answers, language).map(read_answer);
            let (Some(answer), false) = (answer, asked.is_empty()) else {
                continue;
            };
            let paraphrases = asked.split_off(1);
            let question = asked.pop().unwrap_or_default();
            let mut record = FieldRecord::pair(tree.line, question, answer);
            if !paraphrases.is_empty() {
                let field = ("paraphrases".to_owned(), FieldValue::Texts(paraphrases));
                record.fields.push(field);
            }
            self.records.push(add_topic(record, topic));
            found += 1;
        }
        Some(found)
    }

    /// Reads an object with numbered questions and answers: `q1`, `a1`, `q2`, `a2`.
    fn read_numbered(&mut self, entries: &[(String, Tree)], topic: Option<&str>) -> usize {
        let number = |key: &str| {
            let name = key.trim_end_matches(|c: char| c.is_ascii_digit());
            key.get(name.len()..)
                .filter(|digits| !digits.is_empty())
                .map(str::to_owned)
        };
        let pairs: Vec<(&Tree, &Tree)> = entries
            .iter()
            .filter_map(|(key, question)| {
                let wanted = number(key)?;
                if derive_role(key) != Some(Role::Question) || question.as_text().is_none() {
                    return None;
                }
                let answer = entries.iter().find(|(key, _)| {
                    number(key).as_ref() == Some(&wanted) && derive_role(key) == Some(Role::Answer)
                })?;
                Some((question, &answer.1))
            })
            .collect();
        if pairs.len() < 2 {
            return 0;
        }
        for (question, answer) in &pairs {
            self.push_pair(question.line, question.to_text(), answer, topic);
        }
        pairs.len()
    }

    /// Reads two lists of equal length, or two objects with equal keys: one of the questions and
    /// one of the answers.
    fn read_columns(&mut self, entries: &[(String, Tree)], topic: Option<&str>) -> usize {
        const QUESTIONS: &[&str] = &[
            "question",
            "questions",
            "q",
            "query",
            "prompt",
            "instruction",
            "input",
        ];
        const ANSWERS: &[&str] = &["answer", "answers", "a", "response", "output", "completion"];
        let question = QUESTIONS.iter().find_map(|key| get(entries, key));
        let answer = ANSWERS.iter().find_map(|key| get(entries, key));
        let pairs: Vec<(&Tree, &Tree)> = match (question.map(|t| &t.node), answer.map(|t| &t.node))
        {
            (Some(Node::List(asked)), Some(Node::List(told))) if asked.len() == told.len() => {
                asked.iter().zip(told).collect()
            }
            (Some(Node::Map(asked)), Some(Node::Map(told))) if asked.len() == told.len() => {
                let both = asked.iter().zip(told);
                if !both
                    .clone()
                    .all(|(question, answer)| question.0 == answer.0)
                {
                    return 0;
                }
                both.map(|(question, answer)| (&question.1, &answer.1))
                    .collect()
            }
            _ => return 0,
        };
        if pairs.len() < 2
            || !pairs
                .iter()
                .all(|(q, a)| q.as_text().is_some() && is_texts(a))
        {
            return 0;
        }
        for (question, answer) in &pairs {
            self.push_pair(question.line, question.to_text(), answer, topic);
        }
        pairs.len()
    }

    /// Reads an object whose keys are the questions.
    fn read_question_map(&mut self, entries: &[(String, Tree)], topic: Option<&str>) -> usize {
        let asked = entries.iter().filter(|entry| looks_asked(&entry.0)).count();
        if asked == 0 || asked * 5 < entries.len() * 3 {
            return 0;
        }
        let from = self.records.len();
        for (key, value) in entries {
            let has_answer = |value: &Tree| {
                value.as_map().is_some_and(|inner| {
                    find_named(inner, ANSWER_NAMES, Role::Answer).is_some_and(is_texts)
                        && find_named(inner, QUESTION_NAMES, Role::Question).is_none()
                })
            };
            match &value.node {
                Node::Text(_) | Node::Scalar(_) | Node::Null => {
                    self.push_pair(value.line, Some(key.clone()), value, topic);
                }
                Node::Map(inner) if has_answer(value) => {
                    let answer = find_named(inner, ANSWER_NAMES, Role::Answer).unwrap_or(value);
                    self.push_pair(value.line, Some(key.clone()), answer, topic);
                }
                Node::List(items) if items.iter().all(|item| item.as_text().is_some()) => {
                    self.push_pair(value.line, Some(key.clone()), value, topic);
                }
                _ => {
                    self.walk(value, Some(key.as_str()).filter(|key| !is_generic(key)));
                }
            }
        }
        self.records.len() - from
    }

    /// Reads an object of at least three sentences under short keys.
    fn read_keyed_texts(&mut self, entries: &[(String, Tree)], topic: Option<&str>) -> usize {
        let texts: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry.1.as_text())
            .collect();
        let sentences = texts
            .iter()
            .filter(|text| text.split_whitespace().count() > 3);
        let spoken = entries.iter().filter(|entry| entry.0.contains(' ')).count();
        if texts.len() < 3
            || texts.len() < entries.len()
            || sentences.count() * 4 < texts.len() * 3
            || spoken * 2 < entries.len()
        {
            return 0;
        }
        for (key, value) in entries {
            self.push_pair(value.line, Some(key.clone()), value, topic);
        }
        entries.len()
    }

    /// Reads a list of pairs, or of texts that are questions and answers in turn. `None` if the
    /// list is neither.
    fn read_lists(&mut self, items: &[Tree], topic: Option<&str>) -> Option<usize> {
        let is_plain =
            |tree: &Tree| matches!(tree.node, Node::Text(_) | Node::Scalar(_) | Node::Null);
        if items.len() >= 2
            && items.len().is_multiple_of(2)
            && items.iter().all(|item| item.as_text().is_some())
            && items
                .iter()
                .step_by(2)
                .all(|item| item.as_text().is_some_and(looks_asked))
            && !items
                .iter()
                .skip(1)
                .step_by(2)
                .all(|item| item.as_text().is_some_and(ends_asked))
        {
            for pair in items.chunks(2) {
                if let [question, answer] = pair {
                    self.push_pair(question.line, question.to_text(), answer, topic);
                }
            }
            return Some(items.len() / 2);
        }
        let lists: Option<Vec<&[Tree]>> = items.iter().map(Tree::as_list).collect();
        let lists = lists.filter(|lists| lists.len() > 1 || items.len() == 1)?;
        let is_pair =
            |list: &&[Tree]| list.len() >= 2 && list.iter().all(|t| is_plain(t) || is_texts(t));
        if lists.is_empty()
            || !lists.iter().all(is_pair)
            || !lists.iter().any(|list| list.iter().any(is_plain))
        {
            return None;
        }
        let width = lists.iter().map(|list| list.len()).max().unwrap_or(0);
        let mut lists = lists.into_iter().zip(items).collect::<Vec<_>>();
        // Which columns hold the texts: named by the first list, or the first two.
        let (mut question, mut answer) = (0, 1);
        if let Some((header, _)) = lists.first() {
            let find = |role| {
                header
                    .iter()
                    .position(|cell| cell.as_text().and_then(derive_role) == Some(role))
            };
            if let (Some(q), Some(a)) = (
                find(Role::Question).or_else(|| find(Role::Paraphrases)),
                find(Role::Answer).or_else(|| find(Role::Answers)),
            ) {
                (question, answer) = (q, a);
                lists.remove(0);
            } else if width > 2
                && header
                    .first()
                    .is_some_and(|cell| matches!(cell.node, Node::Scalar(_)))
            {
                (question, answer) = (1, 2);
            }
        }
        for (list, item) in &lists {
            let asked = list.get(question).and_then(Tree::to_text);
            match list.get(answer) {
                Some(answer) => self.push_pair(item.line, asked, answer, topic),
                None => self.report_unread(item),
            }
        }
        Some(lists.len())
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

/// Removes what marks the ends of prompts and completions for training: lines of symbols behind
/// every question, and one word in capitals or of symbols behind every answer.
fn strip_stop_words(records: &mut [FieldRecord]) {
    let is_symbols = |line: &str| !line.chars().any(char::is_alphanumeric);
    let is_stop = |word: &str| {
        word.len() > 2
            && (is_symbols(word)
                || word
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || "<|>_[]".contains(c)))
    };
    for name in ["question", "answer"] {
        let last = |text: &str| text.split_whitespace().last().map(str::to_owned);
        let mut texts: Vec<&mut String> = records
            .iter_mut()
            .flat_map(|record| &mut record.fields)
            .filter_map(|field| match field {
                (key, FieldValue::Text(text)) if key == name => Some(text),
                _ => None,
            })
            .collect();
        let stop = texts
            .first()
            .and_then(|text| last(text))
            .filter(|word| is_stop(word));
        let Some(stop) =
            stop.filter(|stop| texts.iter().all(|text| text.trim_end().ends_with(stop)))
        else {
            continue;
        };
        if texts.len() < 2 {
            continue;
        }
        for text in &mut texts {
            let kept = text.trim_end().trim_end_matches(stop.as_str()).trim();
            **text = kept.to_owned();
        }
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

/// Finds a value by the names of a column, or by a role that follows from its name.
pub(super) fn find_named<'t>(
    entries: &'t [(String, Tree)],
    names: &[&str],
    role: Role,
) -> Option<&'t Tree> {
    let filled = |entry: &&(String, Tree)| entry.1.node != Node::Null;
    let keys: Vec<String> = entries
        .iter()
        .map(|entry| text::normalize(&entry.0))
        .collect();
    let exact = names.iter().find_map(|name| {
        let at = keys.iter().position(|key| key == name)?;
        entries.get(at).filter(filled)
    });
    let derived = || {
        let found = entries
            .iter()
            .filter(filled)
            .find(|entry| derive_role(&entry.0) == Some(role));
        found.map(|entry| &entry.1)
    };
    exact.map(|entry| &entry.1).or_else(derived)
}

fn find_maybe<'t>(entries: &'t [(String, Tree)], names: &[&str]) -> Option<&'t Tree> {
    let find = |name: &&str| {
        let found = entries.iter().find(|entry| {
            let last = crate::column_names::last_word(&entry.0);
            text::normalize(&entry.0) == **name || last.as_deref() == Some(*name)
        })?;
        is_texts(&found.1).then_some(&found.1)
    };
    names.iter().find_map(find)
}

/// Whether a value is a text, or a list or object of texts rather than of further records.
fn is_texts(tree: &Tree) -> bool {
    match &tree.node {
        Node::Text(_) | Node::Scalar(_) => true,
        Node::Null => false,
        Node::List(items) => items.iter().all(is_texts) && !items.iter().any(is_record_like),
        Node::Map(_) => tree.to_text().is_some() && !is_record_like(tree),
    }
}

/// Whether a value is an object with both a question and an answer.
fn is_record_like(tree: &Tree) -> bool {
    tree.as_map().is_some_and(|entries| {
        let question = find_named(entries, QUESTION_NAMES, Role::Question);
        let answer = find_named(entries, ANSWER_NAMES, Role::Answer);
        (question.is_some() && answer.is_some())
            || (answer.is_some() && get(entries, "name").is_some())
    })
}

/// Text of an answer; the lines of a list.
pub(super) fn read_answer(tree: &Tree) -> String {
    let by_fraction = tree
        .as_list()
        .filter(|items| items.iter().any(|item| item.get("fraction").is_some()));
    if by_fraction.is_some() {
        return best_answers(tree).into_iter().next().unwrap_or_default();
    }
    tree.to_text().unwrap_or_default()
}

/// Texts of a list of answers; of those with a grade, only the best ones.
fn best_answers(tree: &Tree) -> Vec<String> {
    let grade =
        |item: &Tree| -> Option<f64> { item.get("fraction")?.to_text()?.trim().parse().ok() };
    let Some(items) = tree.as_list() else {
        return tree.to_texts();
    };
    let best = items
        .iter()
        .filter_map(grade)
        .fold(None, |best: Option<f64>, grade| {
            Some(best.map_or(grade, |best| best.max(grade)))
        });
    match best {
        Some(best) => items
            .iter()
            .filter(|item| grade(item) == Some(best))
            .filter_map(Tree::to_text)
            .collect(),
        None => tree.to_texts(),
    }
}

/// Texts of a list of examples, which may also be one text of lines that begin with dashes.
pub(super) fn read_examples(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.as_text() else {
        return tree.to_texts();
    };
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- ").trim());
    lines
        .filter(|line| !text::is_blank(line))
        .map(str::to_owned)
        .collect()
}

/// Whether a title names all questions of a page rather than the topic of some.
fn is_generic_title(title: &str) -> bool {
    let lower = title.trim().to_lowercase();
    GENERIC_KEYS.contains(&lower.as_str())
        || lower.contains("faq")
        || lower.contains("frequently asked")
}

fn is_generic(key: &str) -> bool {
    let lower = key.trim().to_lowercase();
    GENERIC_KEYS.contains(&lower.as_str())
        || is_language(key)
        || lower
            .chars()
            .all(|c| c.is_numeric() || c.is_ascii_punctuation())
        || lower.starts_with('@')
        || lower.contains("faq")
        || derive_role(key).is_some()
}

/// Whether a text ends with a question mark.
pub(super) fn ends_asked(text: &str) -> bool {
    text.trim_end().ends_with(['?', '？', '؟', '՞'])
}

/// Whether a key or text looks like a question: it has a question mark or several words.
fn looks_asked(text: &str) -> bool {
    ends_asked(text) || (text.split_whitespace().count() > 2 && !text.contains(['_', '/']))
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
