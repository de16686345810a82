//! How rows of a file become entries: rows of one answer are ways to ask for it.

use std::collections::HashMap;

use nearsay_faq::normalize;

use super::{Document, Edit, Entry, EntryId, Import, ImportId, Patch, Shared, Wording, roles};

/// A row as it comes from a file or a pasted text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The ways to ask; at least one.
    pub questions: Vec<String>,
    /// The answer.
    pub answer: String,
    /// Its topic or source.
    pub source: Option<String>,
    /// The line it stands on.
    pub line: u32,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incoming {
    /// What to tell about it.
    pub import: Import,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// The edit that takes files into a project, in place of an import before where one is given.
#[must_use]
pub fn replacing(
    document: &Document,
    what: &str,
    files: Vec<Incoming>,
    instead: Option<ImportId>,
) -> Edit {
    let Some(instead) = instead else {
        return edit(document, what, files);
    };
    let mut gone = without(document, instead);
    let mut rest = document.clone();
    rest.apply(&gone);
    let edit = edit(&rest, what, files);
    gone.patches.extend(edit.patches);
    Edit {
        patches: gone.patches,
        ..edit
    }
}

/// The edit that takes out an import with every question that came with it.
fn without(document: &Document, import: ImportId) -> Edit {
    let mut patches = vec![Patch::Import {
        id: import,
        before: document.imports.get(&import).cloned(),
        after: None,
    }];
    for (id, entry) in document.entries.iter() {
        if entry.wordings.iter().any(|way| way.import == import) {
            let mut rest = (**entry).clone();
            rest.wordings.retain(|way| way.import != import);
            roles::keep_one(&mut rest);
            patches.push(document.put(*id, Some(rest)));
        }
    }
    Edit {
        patches,
        ..Edit::default()
    }
}

/// The edit that takes files into a project.
#[must_use]
pub fn edit(document: &Document, what: &str, files: Vec<Incoming>) -> Edit {
    let mut number: HashMap<String, EntryId> = document
        .entries
        .iter()
        .map(|(id, entry)| (normalize(&entry.answer), *id))
        .collect();
    let mut changed: HashMap<EntryId, (Entry, usize)> = HashMap::new();
    let mut order: Vec<EntryId> = Vec::new();
    let mut next = document.next_entry;
    let mut patches = Vec::new();
    for (incoming, id) in files.into_iter().zip(document.next_import + 1..) {
        let Incoming { mut import, rows } = incoming;
        for row in rows {
            let entry_id = *number.entry(normalize(&row.answer)).or_insert_with(|| {
                next += 1;
                next - 1
            });
            let (entry, _) = changed.entry(entry_id).or_insert_with(|| {
                order.push(entry_id);
                match document.entries.get(&entry_id) {
                    Some(known) => ((**known).clone(), known.wordings.len()),
                    None => (
                        Entry {
                            answer: row.answer.clone(),
                            source: row.source.clone(),
                            wordings: Vec::new(),
                        },
                        0,
                    ),
                }
            });
            for text in row.questions {
                if entry.wordings.iter().any(|known| known.text == text) {
                    import.known += 1;
                    continue;
                }
                entry.wordings.push(Wording {
                    text,
                    import: id,
                    line: row.line,
                    ..Wording::default()
                });
            }
        }
        patches.push(Patch::Import {
            id,
            before: None,
            after: Some(Shared::new(import)),
        });
    }
    for id in order {
        let Some((mut entry, known)) = changed.remove(&id) else {
            continue;
        };
        if entry.wordings.len() == known {
            continue;
        }
        roles::assign(&mut entry, known, document.options.seed);
        patches.push(document.put(id, Some(entry)));
    }
    Edit {
        what: what.to_owned(),
        patches,
        teaches: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u32, question: &str, answer: &str) -> Row {
        Row {
            questions: vec![question.into()],
            answer: answer.into(),
            source: None,
            line,
        }
    }

    #[test]
    fn rows_of_one_answer_are_one_entry_over_several_files() {
        let mut document = Document::named("Desk", 1);
        let file = |rows| Incoming {
            import: Import::default(),
            rows,
        };
        let first = edit(
            &document,
            "add a file",
            vec![file(vec![row(1, "Open?", "Yes."), row(2, "Cost?", "No.")])],
        );
        document.apply(&first);
        assert_eq!(
            (document.entries.len(), document.counts().questions),
            (2, 2)
        );
        let again = edit(
            &document,
            "add a file",
            vec![file(vec![
                row(1, "Open?", "Yes."),
                row(2, "Are you open?", " yes. "),
            ])],
        );
        document.apply(&again);
        assert_eq!(
            (document.entries.len(), document.counts().questions),
            (2, 3)
        );
        assert_eq!(document.imports[&2].known, 1);
        assert_eq!(document.entries[&0].wordings[1].line, 2);
        let other = replacing(
            &document,
            "read it another way",
            vec![file(vec![row(1, "Yes?", "Open."), row(2, "Cost?", "No.")])],
            Some(1),
        );
        let before = document.clone();
        document.apply(&other);
        let all: Vec<&str> = document
            .rows()
            .map(|(_, _, way)| way.text.as_str())
            .collect();
        assert_eq!(all, ["Are you open?", "Yes?", "Cost?"]);
        assert!(!document.imports.contains_key(&1));
        document.apply(&other.inverse());
        assert_eq!(document.entries, before.entries);
        document.apply(&again.inverse());
        document.apply(&first.inverse());
        assert!(document.entries.is_empty() && document.imports.is_empty());
    }
}
