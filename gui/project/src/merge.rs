//! Merging rows of files into a project: rows with equal answers become one entry.

use std::collections::HashMap;

use nearsay_faq::normalize;

use super::{
    Document, Edit, Entry, EntryId, Import, ImportId, Paraphrase, Patch, Shared, held_out,
};

/// A row of a file or a pasted text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// At least one question.
    pub questions: Vec<String>,
    pub answer: String,
    /// Topic or source.
    pub source: Option<String>,
    /// Line number, counted from 1.
    pub line: u32,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incoming {
    pub import: Import,
    pub rows: Vec<Row>,
}

/// Makes the edit that adds files to a project, in place of an earlier import if one is given.
#[must_use]
pub fn replace_import(
    document: &Document,
    what: &str,
    files: Vec<Incoming>,
    replaced: Option<ImportId>,
) -> Edit {
    let Some(replaced) = replaced else {
        return add_files(document, what, files);
    };
    let mut removal = remove_import(document, replaced);
    let mut rest = document.clone();
    rest.apply(&removal);
    let addition = add_files(&rest, what, files);
    removal.patches.extend(addition.patches);
    Edit {
        patches: removal.patches,
        ..addition
    }
}

/// Makes the edit that removes an import and its questions.
fn remove_import(document: &Document, import: ImportId) -> Edit {
    let mut patches = vec![Patch::Import {
        id: import,
        before: document.imports.get(&import).cloned(),
        after: None,
    }];
    for (id, entry) in document.entries.iter() {
        if entry.paraphrases.iter().any(|way| way.import == import) {
            let mut rest = (**entry).clone();
            rest.paraphrases.retain(|way| way.import != import);
            held_out::ensure_training_question(&mut rest);
            patches.push(document.patch_entry(*id, Some(rest)));
        }
    }
    Edit {
        patches,
        ..Edit::default()
    }
}

/// Makes the edit that adds files to a project.
#[must_use]
pub fn add_files(document: &Document, what: &str, files: Vec<Incoming>) -> Edit {
    let mut ids: HashMap<String, EntryId> = document
        .entries
        .iter()
        .map(|(id, entry)| (normalize(&entry.answer), *id))
        .collect();
    // Entries that get rows, with their number of paraphrases before.
    let mut changed: HashMap<EntryId, (Entry, usize)> = HashMap::new();
    let mut order: Vec<EntryId> = Vec::new();
    let mut next = document.next_entry;
    let mut patches = Vec::new();
    for (incoming, id) in files.into_iter().zip(document.next_import + 1..) {
        let Incoming { mut import, rows } = incoming;
        for row in rows {
            let entry_id = *ids.entry(normalize(&row.answer)).or_insert_with(|| {
                next += 1;
                next - 1
            });
            let (entry, _) = changed.entry(entry_id).or_insert_with(|| {
                order.push(entry_id);
                match document.entries.get(&entry_id) {
                    Some(known) => ((**known).clone(), known.paraphrases.len()),
                    None => (
                        Entry {
                            answer: row.answer.clone(),
                            source: row.source.clone(),
                            paraphrases: Vec::new(),
                        },
                        0,
                    ),
                }
            });
            for text in row.questions {
                if entry.paraphrases.iter().any(|known| known.text == text) {
                    import.known += 1;
                    continue;
                }
                entry.paraphrases.push(Paraphrase {
                    text,
                    import: id,
                    line: row.line,
                    ..Paraphrase::default()
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
        if entry.paraphrases.len() == known {
            continue;
        }
        held_out::assign_split(&mut entry, known, document.options.seed);
        patches.push(document.patch_entry(id, Some(entry)));
    }
    Edit {
        what: what.to_owned(),
        patches,
        affects_model: true,
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
    fn add_files_merges_rows_of_equal_answers_across_files() {
        let mut document = Document::named("Desk", 1);
        let file = |rows| Incoming {
            import: Import::default(),
            rows,
        };
        let first = add_files(
            &document,
            "add a file",
            vec![file(vec![row(1, "Open?", "Yes."), row(2, "Cost?", "No.")])],
        );
        document.apply(&first);
        assert_eq!(
            (document.entries.len(), document.counts().questions),
            (2, 2)
        );
        let again = add_files(
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
        assert_eq!(document.entries[&0].paraphrases[1].line, 2);
        let other = replace_import(
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
