//! Rasa's training data: examples of intents and the responses to them.

use super::Walker;
use crate::document::data::fields::read_examples;
use crate::document::data::tree::{Tree, get};
use crate::document::{FieldRecord, FieldValue};

/// Reads intents and responses that stand in one file; returns the number of records.
pub(super) fn read(walker: &mut Walker<'_>, entries: &[(String, Tree)]) -> usize {
    let domain = get(entries, "domain")
        .and_then(Tree::as_map)
        .unwrap_or(entries);
    let nlu = get(entries, "nlu").and_then(Tree::as_list);
    let responses = get(domain, "responses").and_then(Tree::as_map);
    let (Some(nlu), Some(responses)) = (nlu, responses) else {
        return 0;
    };
    let mut found = 0;
    for item in nlu {
        let Some(intent) = item.get("intent").and_then(Tree::to_text) else {
            continue;
        };
        let examples = item.get("examples").map(read_examples).unwrap_or_default();
        let action = find_action(entries, &intent).unwrap_or_else(|| format!("utter_{intent}"));
        let answer = get(responses, &action).and_then(|list| match list.as_list() {
            Some([first, ..]) => first.to_text(),
            _ => list.to_text(),
        });
        let mut examples = examples.into_iter();
        let mut record = FieldRecord::pair(
            item.line,
            examples.next().unwrap_or_default(),
            answer.unwrap_or_default(),
        );
        let paraphrases: Vec<String> = examples.collect();
        if !paraphrases.is_empty() {
            let field = ("paraphrases".to_owned(), FieldValue::Texts(paraphrases));
            record.fields.push(field);
        }
        walker.records.push(record.with("id", intent));
        found += 1;
    }
    found
}

/// Finds the action behind an intent in the rules and stories.
fn find_action(entries: &[(String, Tree)], intent: &str) -> Option<String> {
    let lists = ["rules", "stories"]
        .iter()
        .filter_map(|key| get(entries, key)?.as_list());
    lists.flatten().find_map(|story| {
        let steps = story.get("steps")?.as_list()?;
        let text = |step: &Tree, key| step.get(key).and_then(Tree::to_text);
        let at = steps
            .iter()
            .position(|step| text(step, "intent").as_deref() == Some(intent))?;
        text(steps.get(at + 1)?, "action")
    })
}
