//! Values of data files, with the lines on which they begin.

use crate::text;

/// A value and the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) line: u64,
    pub(crate) node: Node,
}

/// Content of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Text(String),
    /// Number or truth value, as written.
    Scalar(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// Keys under which an object holds its text, in order of precedence.
const TEXT_KEYS: &[&str] = &[
    "text",
    "value",
    "markdown",
    "html",
    "content",
    "body",
    "answer",
    "rendered",
    "speech",
    "message",
    "plaintext",
    "plain",
    "raw",
    "__html",
    "parts",
    "children",
    "default",
];

/// Codes of languages that are common as keys.
const LANGUAGES: &[&str] = &[
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "cs", "sk", "hu", "ro", "bg", "el",
    "tr", "ar", "he", "fa", "hi", "bn", "ta", "zh", "ja", "ko", "sv", "da", "no", "nb", "fi", "et",
    "lv", "lt", "sl", "hr", "sr", "vi", "th", "id", "ms", "ca", "eu", "gl", "cn", "jp", "kr",
];

/// Whether a key is the code of a language: `en`, `pt-BR`.
pub(crate) fn is_language(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let (language, region) = key.split_once(['-', '_']).unwrap_or((&key, ""));
    LANGUAGES.contains(&language) && region.len() <= 4
}

impl Tree {
    pub(crate) fn new(line: u64, node: Node) -> Self {
        Self { line, node }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Tree]> {
        match &self.node {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&[(String, Tree)]> {
        match &self.node {
            Node::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Value of a key of an object; keys are compared without regard to case.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        get(self.as_map()?, key)
    }

    /// Whether the value is a list or an object.
    pub(crate) fn is_container(&self) -> bool {
        matches!(self.node, Node::List(_) | Node::Map(_))
    }

    /// The text of a value: of a text or number, of the text inside an object such as
    /// `{"text": "…"}`, or of a list of these as lines. `None` if there is no visible text.
    pub(crate) fn to_text(&self) -> Option<String> {
        let found = match &self.node {
            Node::Null => return None,
            Node::Text(text) | Node::Scalar(text) => text.clone(),
            Node::List(items) => join_items(items)?,
            Node::Map(entries) => map_text(entries)?,
        };
        (!text::is_blank(&found)).then_some(found)
    }

    /// The texts of a list, or the one text of another value.
    pub(crate) fn to_texts(&self) -> Vec<String> {
        match &self.node {
            Node::List(items) => items.iter().filter_map(Tree::to_text).collect(),
            _ => self.to_text().into_iter().collect(),
        }
    }
}

/// Value of a key among the entries of an object.
pub(crate) fn get<'t>(entries: &'t [(String, Tree)], key: &str) -> Option<&'t Tree> {
    let found = entries
        .iter()
        .find(|entry| entry.0.eq_ignore_ascii_case(key));
    found.map(|entry| &entry.1)
}

/// Joins the texts of a list; pieces of one line (`parts`, marked-up runs) aren't separated.
fn join_items(items: &[Tree]) -> Option<String> {
    let is_run = |item: &Tree| {
        item.as_map().is_some_and(|entries| {
            let text = get(entries, "text").or_else(|| get(entries, "value"));
            let Some(text) = text.and_then(Tree::as_text) else {
                return false;
            };
            let kind = get(entries, "type").or_else(|| get(entries, "nodeType"));
            match kind.and_then(Tree::as_text) {
                Some(kind) => matches!(kind, "text" | "span"),
                None => text.trim().len() < text.len(),
            }
        })
    };
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| match &item.node {
            Node::Null => Some(String::new()),
            _ => item.to_text().or_else(|| {
                // Blank runs separate words.
                let blank = get(item.as_map()?, "text")?.as_text()?;
                Some(blank.to_owned())
            }),
        })
        .collect();
    let separator = if items.iter().any(is_run) { "" } else { "\n" };
    Some(texts?.join(separator))
}

fn map_text(entries: &[(String, Tree)]) -> Option<String> {
    for key in TEXT_KEYS {
        if let Some(text) = get(entries, key).and_then(Tree::to_text) {
            return Some(text);
        }
    }
    match entries {
        [(key, value)] if is_language(key) => value.to_text(),
        // A sentence with a colon that YAML takes for an object: `- Yes: until noon`.
        [(key, value)] if !key.contains('_') => {
            let value = match &value.node {
                Node::Text(text) | Node::Scalar(text) => text.as_str(),
                Node::Null => "",
                _ => return None,
            };
            Some(format!("{key}: {value}").trim_end().to_owned())
        }
        _ if entries.iter().all(|entry| is_language(&entry.0)) => {
            let english = get(entries, "en").or_else(|| entries.first().map(|entry| &entry.1));
            english.and_then(Tree::to_text)
        }
        _ => None,
    }
}
