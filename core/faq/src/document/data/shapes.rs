//! Shapes of data other than a list of objects: parallel lists, maps, pairs, languages, numbers.

use super::fields::{ends_asked, find_named, is_generic, is_texts, looks_asked, read_answer};
use super::tree::{Node, Tree, get, is_language};
use super::walk::{Walker, add_topic};
use crate::column_names::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, PARAPHRASE_NAMES, QUESTION_NAMES, Role, derive_role,
};
use crate::document::{FieldRecord, FieldValue};

impl Walker<'_> {
    /// Reads an object whose texts are objects of languages, one record a language.
    pub(super) fn read_languages(
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
    pub(super) fn read_numbered(
        &mut self,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> usize {
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
    pub(super) fn read_columns(
        &mut self,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> usize {
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
    pub(super) fn read_question_map(
        &mut self,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> usize {
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
    pub(super) fn read_keyed_texts(
        &mut self,
        entries: &[(String, Tree)],
        topic: Option<&str>,
    ) -> usize {
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
    pub(super) fn read_lists(&mut self, items: &[Tree], topic: Option<&str>) -> Option<usize> {
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
}
