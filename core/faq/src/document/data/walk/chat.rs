//! Conversations in data files: turns of users and assistants.

use super::{Walker, add_topic};
use crate::document::FieldRecord;
use crate::document::data::tree::{Tree, get};
use crate::text;

/// Keys of the list of turns.
const LIST_KEYS: &[&str] = &[
    "messages",
    "conversations",
    "conversation",
    "dialog",
    "dialogue",
    "turns",
    "history",
    "chat",
];
/// Keys of the speaker of a turn.
const ROLE_KEYS: &[&str] = &["role", "from", "speaker", "author", "sender"];
/// Keys of the text of a turn.
const TEXT_KEYS: &[&str] = &["content", "value", "text", "message", "utterance", "body"];

/// Speaker of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    Other,
}

fn classify(role: &str) -> Speaker {
    match text::normalize(role).as_str() {
        "user" | "human" | "customer" | "client" | "prompter" | "question" | "q" | "caller"
        | "visitor" | "student" => Speaker::User,
        "assistant" | "gpt" | "bot" | "chatgpt" | "model" | "agent" | "support" | "answer"
        | "a" | "ai" | "chatbot" | "operator" | "teacher" => Speaker::Assistant,
        _ => Speaker::Other,
    }
}

/// Reads an object with a list of turns; returns the number of pairs.
pub(super) fn read_conversation(
    walker: &mut Walker<'_>,
    tree: &Tree,
    topic: Option<&str>,
) -> usize {
    let list = LIST_KEYS.iter().find_map(|key| tree.get(key)?.as_list());
    list.map_or(0, |turns| read_turns(walker, turns, topic))
}

/// Reads a list of turns; returns the number of pairs, which is 0 for other lists.
pub(super) fn read_turns(walker: &mut Walker<'_>, turns: &[Tree], topic: Option<&str>) -> usize {
    let mut found = 0;
    let mut asked: Option<(u64, String)> = None;
    for turn in turns {
        let Some((speaker, text)) = read_turn(turn) else {
            return found;
        };
        match (speaker, asked.take()) {
            (Speaker::User, None) => asked = Some((turn.line, text)),
            (Speaker::User, Some((line, before))) => {
                asked = Some((line, format!("{before}\n{text}")));
            }
            (Speaker::Assistant, Some((line, question))) => {
                let record = FieldRecord::pair(line, question, text);
                walker.records.push(add_topic(record, topic));
                found += 1;
            }
            (Speaker::Assistant, None) => {}
            (Speaker::Other, before) => asked = before,
        }
    }
    found
}

fn read_turn(turn: &Tree) -> Option<(Speaker, String)> {
    let entries = turn.as_map()?;
    let role = ROLE_KEYS
        .iter()
        .find_map(|key| get(entries, key)?.to_text())?;
    let text = TEXT_KEYS
        .iter()
        .find_map(|key| get(entries, key)?.to_text())
        .unwrap_or_default();
    Some((classify(&role), text))
}
