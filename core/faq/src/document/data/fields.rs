//! Names and values of the fields of an object: which hold a question, an answer, or a topic.

use super::tree::{Node, Tree, get, is_language};
use crate::column_names::{ANSWER_NAMES, QUESTION_NAMES, Role, derive_role};
use crate::document::{FieldRecord, FieldValue};
use crate::text;
use std::borrow::Cow;

/// Normalizes a key; keys of lower-case letters are so already.
fn normalize_key(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(text::normalize(key))
    }
}

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

/// Removes what marks the ends of prompts and completions for training: lines of symbols behind
/// every question, and one word in capitals or of symbols behind every answer.
pub(super) fn strip_stop_words(records: &mut [FieldRecord]) {
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

/// Finds a value by the names of a column, or by a role that follows from its name.
pub(super) fn find_named<'t>(
    entries: &'t [(String, Tree)],
    names: &[&str],
    role: Role,
) -> Option<&'t Tree> {
    let filled = |entry: &&(String, Tree)| entry.1.node != Node::Null;
    let keys: Vec<Cow<'_, str>> = entries
        .iter()
        .map(|entry| normalize_key(&entry.0))
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

pub(super) fn find_maybe<'t>(entries: &'t [(String, Tree)], names: &[&str]) -> Option<&'t Tree> {
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
pub(super) fn is_texts(tree: &Tree) -> bool {
    match &tree.node {
        Node::Text(_) | Node::Scalar(_) => true,
        Node::Null => false,
        Node::List(items) => items.iter().all(is_texts) && !items.iter().any(is_record_like),
        Node::Map(_) => tree.to_text().is_some() && !is_record_like(tree),
    }
}

/// Whether a value is an object with both a question and an answer.
pub(super) fn is_record_like(tree: &Tree) -> bool {
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
pub(super) fn best_answers(tree: &Tree) -> Vec<String> {
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
pub(super) fn is_generic_title(title: &str) -> bool {
    let lower = title.trim().to_lowercase();
    GENERIC_KEYS.contains(&lower.as_str())
        || lower.contains("faq")
        || lower.contains("frequently asked")
}

pub(super) fn is_generic(key: &str) -> bool {
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
pub(super) fn looks_asked(text: &str) -> bool {
    ends_asked(text) || (text.split_whitespace().count() > 2 && !text.contains(['_', '/']))
}
