//! Questions that the elements of a page mark: microdata, `<details>`, `<dl>`, accordions, and
//! classes with telling names.

use super::super::outline::find_tables;
use super::super::sheet::TOPIC;
use super::super::{FieldRecord, FieldValue, Section};
use crate::ColumnChoice;
use crate::html::{Dom, NodeId, read_blocks, read_nodes, read_rows, read_untaken};
use crate::parse::labels::{Mark, ends_with_question_mark, parse_label, strip_number};
use crate::rich::{Block, BlockKind, to_markdown};
use crate::text;
use std::collections::{HashMap, HashSet};

/// Maximum length of a question, in bytes.
const MAX_QUESTION: usize = 1000;

/// Search for the marked questions of a page.
struct Finder<'d> {
    dom: &'d Dom,
    bold_classes: &'d HashSet<String>,
    /// Elements by their `id`.
    by_id: HashMap<&'d str, NodeId>,
    /// Whether elements are taken, or inside of elements that are.
    taken: Vec<bool>,
    roles: Vec<Role>,
    records: Vec<FieldRecord>,
    /// Tables of questions and answers.
    tables: Vec<Section>,
    choice: Option<&'d ColumnChoice>,
    /// Last heading outside of all pairs.
    topic: String,
}

/// What the class of an element says about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    None,
    Question,
    Answer,
}

/// What the elements of a page mark.
pub(super) struct Marked {
    /// Questions, in order.
    pub(super) records: Vec<FieldRecord>,
    /// Tables of questions and answers.
    pub(super) tables: Vec<Section>,
    /// Blocks outside of all these, if there are any questions.
    pub(super) rest: Vec<Block>,
}

/// Finds the marked questions of a page, and its tables of questions.
pub(super) fn find_pairs(
    dom: &Dom,
    bold_classes: &HashSet<String>,
    choice: Option<&ColumnChoice>,
) -> Marked {
    let mut by_id = HashMap::new();
    for id in dom.descendants(0) {
        let name = dom.attribute(id, "id");
        if !name.is_empty() {
            by_id.entry(name).or_insert(id);
        }
    }
    let mut finder = Finder {
        dom,
        bold_classes,
        by_id,
        taken: vec![false; dom.len()],
        roles: find_roles(dom),
        records: Vec::new(),
        tables: Vec::new(),
        choice,
        topic: String::new(),
    };
    let mut nodes = dom.descendants(0);
    while let Some(id) = nodes.next() {
        if finder.taken.get(id as usize).copied().unwrap_or(true) {
            continue;
        }
        if is_outside(dom, id) {
            nodes.start = dom.after(id);
        } else if finder.read(id) {
            finder.take(id);
            nodes.start = dom.after(id);
        }
    }
    let rest = if finder.records.is_empty() {
        Vec::new()
    } else {
        read_untaken(dom, bold_classes, &finder.taken)
    };
    Marked {
        records: finder.records,
        tables: finder.tables,
        rest,
    }
}

/// Whether an element belongs to the frame of the page.
fn is_outside(dom: &Dom, id: NodeId) -> bool {
    matches!(
        dom.name(id),
        "nav" | "footer" | "script" | "style" | "template" | "head" | "form"
    ) || dom.attribute(id, "role") == "navigation"
}

/// Decides by their classes which elements are questions and answers. An element around both is
/// neither.
fn find_roles(dom: &Dom) -> Vec<Role> {
    let mut roles: Vec<Role> = (0..dom.len())
        .map(|id| class_role(dom.attribute(id as NodeId, "class")))
        .collect();
    // Children come after their parents, so that going backwards sees them first.
    let mut inside: Vec<(bool, bool)> = vec![(false, false); roles.len()];
    for id in (1..roles.len()).rev() {
        let role = roles.get(id).copied().unwrap_or_default();
        let within = inside.get(id).copied().unwrap_or_default();
        let is_mixed = match role {
            Role::Question => within.1,
            Role::Answer => within.0,
            Role::None => false,
        };
        if is_mixed && let Some(role) = roles.get_mut(id) {
            *role = Role::None;
        }
        let role = roles.get(id).copied().unwrap_or_default();
        if let Some(parent) = dom.parent(id as NodeId)
            && let Some(parent) = inside.get_mut(parent as usize)
        {
            parent.0 |= within.0 || role == Role::Question;
            parent.1 |= within.1 || role == Role::Answer;
        }
    }
    roles
}

/// Role that a class attribute names: `faq-question`, `accordion-header`, `toggle__content`.
fn class_role(classes: &str) -> Role {
    for class in classes.split_whitespace().take(20) {
        let class = class.to_ascii_lowercase();
        let words: Vec<&str> = class.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
        let is_part_of_accordion = has(&[
            "accordion",
            "accordions",
            "accordian",
            "faq",
            "faqs",
            "toggle",
            "collapse",
            "collapsible",
            "panel",
            "qa",
            "expander",
            "expandable",
            "spoiler",
            "question",
        ]) || class.contains("accordion")
            || class.contains("faq");
        let last = words.last().copied().unwrap_or_default();
        if has(&["question"]) && last != "answer" && !has(&["list", "container", "item", "wrapper"])
            || class.ends_with("question")
        {
            return Role::Question;
        }
        if has(&["answer"]) || class.ends_with("answer") {
            return Role::Answer;
        }
        if !is_part_of_accordion {
            continue;
        }
        let is_title = matches!(
            last,
            "title"
                | "header"
                | "heading"
                | "head"
                | "button"
                | "btn"
                | "trigger"
                | "toggle"
                | "summary"
                | "q"
                | "label"
        ) || ["title", "header", "heading", "button", "trigger"]
            .iter()
            .any(|w| last.ends_with(w));
        if is_title && words.len() > 1 {
            return Role::Question;
        }
        let is_content = matches!(
            last,
            "content"
                | "contents"
                | "body"
                | "panel"
                | "text"
                | "collapse"
                | "a"
                | "details"
                | "description"
                | "desc"
                | "inner"
        ) || ["content", "body", "panel"]
            .iter()
            .any(|w| last.ends_with(w) && last != *w);
        if is_content && words.len() > 1 {
            return Role::Answer;
        }
    }
    Role::None
}

impl Finder<'_> {
    /// Reads the pairs at an element. Returns whether the element and its descendants are done.
    fn read(&mut self, id: NodeId) -> bool {
        let dom = self.dom;
        if dom.text(id).is_some() {
            return false;
        }
        let kind = dom.attribute(id, "itemtype");
        if kind.ends_with("schema.org/Question") || dom.attribute(id, "typeof") == "Question" {
            return self.read_microdata(id);
        }
        match dom.name(id) {
            "details" => return self.read_details(id),
            "dl" => return self.read_definitions(id),
            "table" => return self.read_table(id),
            _ => {}
        }
        if let Some(answer) = self.controlled(id) {
            return self.take_pair(id, answer);
        }
        if self.role(id) == Role::Question
            && let Some(answer) = self.next_answer(id)
        {
            return self.take_pair(id, answer);
        }
        if dom.name(id) == "button"
            && let Some(answer) = self.panel_after(id)
        {
            return self.take_pair(id, answer);
        }
        if matches!(dom.name(id), "h1" | "h2" | "h3" | "h4") {
            let topic = dom.plain_text(id);
            if !ends_with_question_mark(&topic) {
                self.topic = topic;
            }
        }
        false
    }

    fn role(&self, id: NodeId) -> Role {
        self.roles.get(id as usize).copied().unwrap_or_default()
    }

    fn read_microdata(&mut self, id: NodeId) -> bool {
        let dom = self.dom;
        let find = |root: NodeId, wanted: &[&str]| {
            dom.descendants(root).find(|id| {
                let name = dom.attribute(*id, "itemprop");
                let name = if name.is_empty() {
                    dom.attribute(*id, "property")
                } else {
                    name
                };
                wanted.contains(&name)
            })
        };
        let Some(question) = find(id, &["name"]) else {
            return false;
        };
        let Some(answer) = find(id, &["acceptedAnswer", "suggestedAnswer"]) else {
            return false;
        };
        let text = find(answer, &["text"]).unwrap_or(answer);
        let question = dom.plain_text(question);
        let blocks = read_blocks(dom, text, self.bold_classes);
        self.add(id, question, &blocks);
        true
    }

    fn read_details(&mut self, id: NodeId) -> bool {
        let dom = self.dom;
        let Some(summary) = dom.children(id).find(|child| dom.name(*child) == "summary") else {
            return false;
        };
        // Details around other details are a topic.
        if dom
            .descendants(id)
            .any(|inner| dom.name(inner) == "details")
        {
            self.topic = dom.plain_text(summary);
            return false;
        }
        let question = dom.plain_text(summary);
        let rest = dom.children(id).filter(|child| *child != summary);
        let blocks = read_nodes(dom, rest, self.bold_classes);
        self.add(id, question, &blocks);
        true
    }

    /// Reads a definition list: terms are questions, of which several may share a definition.
    fn read_definitions(&mut self, id: NodeId) -> bool {
        let dom = self.dom;
        // Terms may stand in a `<div>` with their definitions.
        let mut parts = Vec::new();
        for child in dom.children(id) {
            match dom.name(child) {
                "div" => parts.extend(dom.children(child)),
                _ => parts.push(child),
            }
        }
        parts.retain(|part| matches!(dom.name(*part), "dt" | "dd"));
        let mut questions: Vec<String> = Vec::new();
        let mut answer: Vec<Block> = Vec::new();
        let mut line = dom.line(id);
        let mut found = false;
        for part in parts {
            if dom.name(part) == "dd" {
                answer.extend(read_blocks(dom, part, self.bold_classes));
                continue;
            }
            if !answer.is_empty() {
                found |= self.add_definition(line, &mut questions, &mut answer);
            }
            if questions.is_empty() {
                line = dom.line(part);
            }
            questions.push(dom.plain_text(part));
        }
        found |= self.add_definition(line, &mut questions, &mut answer);
        found
    }

    fn add_definition(
        &mut self,
        line: u64,
        questions: &mut Vec<String>,
        answer: &mut Vec<Block>,
    ) -> bool {
        let answer = core::mem::take(answer);
        let mut questions = core::mem::take(questions).into_iter();
        let Some(question) = questions.next() else {
            return false;
        };
        let records = self.records.len();
        self.add_at(line, question, &answer);
        let paraphrases: Vec<String> = questions.filter(|text| !text::is_blank(text)).collect();
        if let Some(record) = self.records.get_mut(records)
            && !paraphrases.is_empty()
        {
            let value = FieldValue::Texts(paraphrases);
            record.fields.push(("paraphrases".to_owned(), value));
        }
        self.records.len() > records
    }

    /// Reads a table with a question in each row.
    fn read_table(&mut self, id: NodeId) -> bool {
        let dom = self.dom;
        if dom.descendants(id).any(|inner| dom.name(inner) == "table") {
            return false;
        }
        let rows = read_rows(dom, id, self.bold_classes);
        let table = Block {
            position: dom.line(id),
            kind: BlockKind::Table(rows),
            ..Block::default()
        };
        let tables = find_tables(&[table], self.choice);
        let found = !tables.is_empty();
        self.tables.extend(tables);
        found
    }

    /// Element that a button or link shows and hides, as its attributes say.
    fn controlled(&self, id: NodeId) -> Option<NodeId> {
        let dom = self.dom;
        let is_toggle = dom.attribute(id, "data-toggle") == "collapse"
            || dom.attribute(id, "data-bs-toggle") == "collapse";
        let mut target = dom.attribute(id, "aria-controls");
        if target.is_empty() && is_toggle {
            let names = ["data-bs-target", "data-target", "href"];
            let found = names
                .iter()
                .map(|name| dom.attribute(id, name))
                .find(|t| !t.is_empty());
            target = found?.strip_prefix('#')?;
        }
        let target = *self.by_id.get(target.split_whitespace().next()?)?;
        let is_apart = !dom.contains(target, id) && !dom.contains(id, target);
        (is_apart && !self.is_taken(target) && !is_outside(dom, target)).then_some(target)
    }

    fn is_taken(&self, id: NodeId) -> bool {
        self.taken.get(id as usize).copied().unwrap_or(true)
    }

    /// Element with the role of an answer after a question, before the next question.
    fn next_answer(&self, id: NodeId) -> Option<NodeId> {
        let from = self.dom.after(id);
        let to = u32::try_from(self.dom.len()).unwrap_or(u32::MAX);
        // Answers stand close to their questions.
        let mut near = (from..to).take(200);
        let found = near.find(|id| self.role(*id) != Role::None)?;
        (self.role(found) == Role::Answer && !self.is_taken(found)).then_some(found)
    }

    /// Panel that follows a button of an accordion without attributes that name it.
    fn panel_after(&self, id: NodeId) -> Option<NodeId> {
        let dom = self.dom;
        let class = dom.attribute(id, "class").to_ascii_lowercase();
        let words = [
            "accordion",
            "faq",
            "collaps",
            "toggle",
            "question",
            "expand",
        ];
        let is_accordion = words.iter().any(|word| class.contains(word));
        if !is_accordion && !ends_with_question_mark(&dom.plain_text(id)) {
            return None;
        }
        // The button may be the only child of a heading.
        let is_alone = |id: NodeId| {
            let parent = dom.parent(id).filter(|p| dom.name(*p).starts_with('h'));
            parent.filter(|p| {
                dom.children(*p)
                    .filter(|c| !dom.name(*c).is_empty())
                    .count()
                    == 1
            })
        };
        let element = is_alone(id).unwrap_or(id);
        let next = dom
            .next_siblings(element)
            .find(|next| !dom.name(*next).is_empty())?;
        matches!(dom.name(next), "div" | "p" | "section" | "ul").then_some(next)
    }

    /// Takes a question and the element with its answer. Returns whether the question was taken.
    fn take_pair(&mut self, question: NodeId, answer: NodeId) -> bool {
        let dom = self.dom;
        let text = dom.plain_text(question);
        if text.is_empty() || text.len() > MAX_QUESTION {
            return false;
        }
        let blocks = read_blocks(dom, answer, self.bold_classes);
        if blocks.is_empty() {
            return false;
        }
        self.take(answer);
        self.add(question, text, &blocks);
        true
    }

    fn take(&mut self, id: NodeId) {
        for id in id..self.dom.after(id) {
            if let Some(taken) = self.taken.get_mut(id as usize) {
                *taken = true;
            }
        }
    }

    fn add(&mut self, id: NodeId, question: String, answer: &[Block]) {
        self.add_at(self.dom.line(id), question, answer);
    }

    fn add_at(&mut self, line: u64, question: String, answer: &[Block]) {
        let question = match parse_label(&question) {
            Some((Mark::Question(_), text)) if !text.is_empty() => text,
            _ => question.trim_end_matches(['+', '▼', '▾', '›', '»', ' ']),
        };
        let question = strip_number(question).to_owned();
        let answer = to_markdown(answer);
        let answer = match parse_label(&answer) {
            Some((Mark::Answer, text)) => text.to_owned(),
            _ => answer,
        };
        if text::is_blank(&question) && text::is_blank(&answer) {
            return;
        }
        let record = FieldRecord::pair(line, question, answer);
        self.records.push(record.with(TOPIC, self.topic.clone()));
    }
}
