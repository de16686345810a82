//! The content of a project.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Edit, Patch, Shared};

/// Number of an entry. Numbers give the order of the table and are never reused.
pub type EntryId = u64;
/// Number of an import; 0 stands for the user's own entries.
pub type ImportId = u32;

/// One question for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paraphrase {
    pub text: String,
    /// Held out for testing, and never trained on.
    #[serde(rename = "check")]
    pub held_out: bool,
    /// Further entries whose answers are right for this question.
    #[serde(default, rename = "also", skip_serializing_if = "Vec::is_empty")]
    pub also_right: Vec<EntryId>,
    /// The import it came with; 0 if the user wrote it in the app.
    #[serde(default)]
    pub import: ImportId,
    /// Line in the imported file, counted from 1; 0 if the user wrote it in the app.
    #[serde(default)]
    pub line: u32,
}

/// An answer with at least one question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    #[serde(rename = "wordings")] // language: allow
    pub paraphrases: Vec<Paraphrase>,
    pub answer: String,
    /// Topic or source, if the file names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Effect of a problem on the imported rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// The row was left out.
    LeftOut,
    /// The row was imported with changes.
    Changed,
    /// A remark; nothing was lost.
    Note,
}

/// A row that was left out or changed, or a remark about an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    /// Line number, counted from 1; `None` if it concerns the whole file.
    pub line: Option<u32>,
    /// Description for the user.
    pub reason: String,
    /// Remedy; may be empty.
    pub fix: String,
    /// The beginning of the row.
    pub excerpt: String,
    /// The row's question as far as it could be read, to fix the row with.
    #[serde(default)]
    pub question: String,
    /// The row's answer as far as it could be read.
    #[serde(default)]
    pub answer: String,
}

/// A file that was read into the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Import {
    /// Display name.
    pub name: String,
    /// Path of the file; `None` for pasted text.
    pub path: Option<PathBuf>,
    /// File format and chosen columns, as one line.
    pub described: String,
    /// Names of the columns, if the format has columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Indices of the question and answer columns.
    #[serde(default, rename = "taken")]
    pub chosen_columns: (usize, usize),
    /// Number of rows read.
    pub read: usize,
    /// Number of rows that were changed.
    pub changed: usize,
    /// Number of questions the project had before.
    pub known: usize,
    pub problems: Vec<Shared<Problem>>,
    /// Indices of the problems that were fixed or dismissed, in ascending order.
    #[serde(default, rename = "settled")]
    pub resolved: Vec<usize>,
    /// The user closed the card of this import.
    #[serde(default, rename = "put_away")]
    pub dismissed: bool,
}

impl Import {
    /// Unresolved problems with their indices.
    pub fn open_problems(&self) -> impl Iterator<Item = (usize, &Problem)> {
        self.problems
            .iter()
            .enumerate()
            .filter(|(number, _)| self.resolved.binary_search(number).is_err())
            .map(|(number, problem)| (number, &**problem))
    }

    /// Number of unresolved rows that were left out.
    pub fn count_left_out(&self) -> usize {
        self.open_problems()
            .filter(|(_, problem)| problem.kind == ProblemKind::LeftOut)
            .count()
    }
}

/// How much work a training does.
///
/// Projects store the lower-case names. Older ones have other spellings: `Thorough` for
/// [`Self::Balanced`] and `Network` for [`Self::Thorough`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Trains the built-in static embeddings; seconds.
    #[default]
    #[serde(alias = "Quick")]
    Quick,
    /// Trains a projection head on a transformer; about a minute.
    #[serde(alias = "Balanced", alias = "Thorough")]
    Balanced,
    /// Trains the transformer; minutes.
    #[serde(alias = "Network")]
    Thorough,
}

impl Effort {
    /// All efforts, the quickest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Balanced, Self::Thorough];
}

/// Advanced training settings; `None` is the default of the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// Maximum number of epochs.
    #[serde(rename = "rounds")]
    pub epochs: Option<u32>,
    /// Batch size in pairs.
    pub batch: Option<u32>,
    /// Learning rate as a percentage of the recipe's.
    #[serde(rename = "pace")]
    pub lr_percent: Option<u32>,
    /// Random seed.
    pub seed: Option<u32>,
}

/// Name and settings of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The project's name.
    pub name: String,
    #[serde(default)]
    pub effort: Effort,
    #[serde(default)]
    pub tuning: Tuning,
    /// Answers with a confidence below this percentage aren't shown.
    #[serde(default = "Options::default_abstain_below", rename = "silence")]
    pub abstain_below: u8,
    /// Random seed of the held-out split.
    #[serde(default)]
    pub seed: u64,
    /// The project is the sample that comes with the program.
    #[serde(default)]
    pub sample: bool,
    /// Pairs of similar entries that the user keeps apart, the smaller number first.
    #[serde(default)]
    pub apart: Vec<(EntryId, EntryId)>,
}

impl Options {
    /// An answer that is right in one of five cases is still useful; the window marks it as unsure.
    const fn default_abstain_below() -> u8 {
        20
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            effort: Effort::default(),
            tuning: Tuning::default(),
            abstain_below: Self::default_abstain_below(),
            seed: 0,
            sample: false,
            apart: Vec::new(),
        }
    }
}

/// One row of the table: a paraphrase of an entry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RowId {
    pub entry: EntryId,
    /// Index among the entry's paraphrases.
    #[serde(rename = "wording")] // language: allow
    pub paraphrase: u32,
}

/// Entries by number, shared with background threads.
pub type Entries = Shared<BTreeMap<EntryId, Shared<Entry>>>;

/// Everything undo covers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Document {
    /// In the order of the table.
    pub entries: Entries,
    pub imports: BTreeMap<ImportId, Shared<Import>>,
    pub options: Options,
    /// Number of the next entry.
    pub next_entry: EntryId,
    /// Number of the latest import.
    pub next_import: ImportId,
}

impl Document {
    /// An empty project; `seed` determines the held-out split.
    #[must_use]
    pub fn named(name: &str, seed: u64) -> Self {
        Self {
            options: Options {
                name: name.to_owned(),
                seed,
                ..Options::default()
            },
            ..Self::default()
        }
    }

    /// Applies an edit.
    pub fn apply(&mut self, edit: &Edit) {
        for patch in &edit.patches {
            match patch {
                Patch::Entry { id, after, .. } => {
                    set_value(self.entries.make_mut(), *id, after);
                    self.next_entry = self.next_entry.max(id + 1);
                }
                Patch::Import { id, after, .. } => {
                    set_value(&mut self.imports, *id, after);
                    self.next_import = self.next_import.max(*id);
                }
                Patch::Resolved {
                    import,
                    problem,
                    after,
                } => {
                    if let Some(import) = self.imports.get_mut(import) {
                        let resolved = &mut import.make_mut().resolved;
                        match (resolved.binary_search(problem), after) {
                            (Err(place), true) => resolved.insert(place, *problem),
                            (Ok(place), false) => drop(resolved.remove(place)),
                            _ => {}
                        }
                    }
                }
                Patch::Options { after, .. } => self.options = (**after).clone(),
            }
        }
    }

    /// Makes the patch that sets an entry; an entry without questions is removed.
    pub fn patch_entry(&self, id: EntryId, after: Option<Entry>) -> Patch {
        Patch::Entry {
            id,
            before: self.entries.get(&id).cloned(),
            after: after
                .filter(|entry| !entry.paraphrases.is_empty())
                .map(Shared::new),
        }
    }

    /// Makes the edit that sets the options.
    pub fn edit_options(&self, what: &str, after: Options) -> Edit {
        Edit {
            what: what.to_owned(),
            patches: vec![Patch::Options {
                before: Box::new(self.options.clone()),
                after: Box::new(after),
            }],
            affects_model: false,
        }
    }

    /// Counts answers and questions; visits every entry.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            answers: self.entries.len(),
            ..Counts::default()
        };
        for entry in self.entries.values() {
            counts.questions += entry.paraphrases.len();
            counts.held_out += entry.paraphrases.iter().filter(|way| way.held_out).count();
        }
        counts
    }

    /// The paraphrase of a row.
    #[must_use]
    pub fn paraphrase(&self, row: RowId) -> Option<&Paraphrase> {
        self.entries
            .get(&row.entry)?
            .paraphrases
            .get(row.paraphrase as usize)
    }

    /// All rows, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &Entry, &Paraphrase)> {
        self.entries.iter().flat_map(|(id, entry)| {
            entry
                .paraphrases
                .iter()
                .zip(0..)
                .map(move |(paraphrase, number)| {
                    let row = RowId {
                        entry: *id,
                        paraphrase: number,
                    };
                    (row, &**entry, paraphrase)
                })
        })
    }

    /// Picks up to three questions from different parts of the project, preferably of about 36 letters.
    #[must_use]
    pub fn example_questions(&self) -> Vec<&str> {
        let entries: Vec<&Entry> = self.entries.values().map(|entry| &**entry).collect();
        let third = entries.len().div_ceil(3).max(1);
        let mut seen = std::collections::HashSet::new();
        entries
            .chunks(third)
            .filter_map(|part| {
                let start = part.len() / 3;
                let near = part.iter().cycle().skip(start).take(part.len().min(20));
                near.filter_map(|entry| entry.paraphrases.last())
                    .map(|paraphrase| paraphrase.text.as_str())
                    .min_by_key(|question| question.chars().count().abs_diff(36))
            })
            .filter(|question| seen.insert(*question))
            .collect()
    }
}

/// Numbers of answers and questions of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub answers: usize,
    pub questions: usize,
    /// Questions held out for testing.
    pub held_out: usize,
}

impl Counts {
    /// Fewest questions to train a model on.
    pub const MIN_QUESTIONS: usize = 8;
    /// Fewest different answers to train a model on.
    pub const MIN_ANSWERS: usize = 2;

    /// Number of questions to train on.
    #[must_use]
    pub fn training(&self) -> usize {
        self.questions.saturating_sub(self.held_out)
    }

    /// Whether the project has enough questions and answers to train on.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.answers >= Self::MIN_ANSWERS
            && self.training() >= Self::MIN_QUESTIONS / 2
            && self.questions >= Self::MIN_QUESTIONS
    }
}

fn set_value<K: Ord, V>(map: &mut BTreeMap<K, Shared<V>>, id: K, value: &Option<Shared<V>>) {
    match value {
        Some(value) => drop(map.insert(id, value.clone())),
        None => drop(map.remove(&id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(question: &str, answer: &str) -> Entry {
        Entry {
            paraphrases: vec![Paraphrase {
                text: question.into(),
                ..Paraphrase::default()
            }],
            answer: answer.into(),
            source: None,
        }
    }

    #[test]
    fn inverse_undoes_an_edit() {
        let mut document = Document::named("Desk", 7);
        let add = Edit {
            what: "add".into(),
            patches: vec![document.patch_entry(0, Some(entry("Open?", "Yes")))],
            affects_model: true,
        };
        document.apply(&add);
        let before = document.clone();
        let mut options = document.options.clone();
        options.abstain_below = 80;
        let edits = [
            Edit {
                what: "change".into(),
                patches: vec![
                    document.patch_entry(0, Some(entry("Open now?", "No"))),
                    document.patch_entry(1, Some(entry("Cost?", "Free"))),
                ],
                affects_model: true,
            },
            document.edit_options("silence", options),
        ];
        for edit in &edits {
            document.apply(edit);
        }
        assert_eq!(document.entries.len(), 2);
        for edit in edits.iter().rev() {
            document.apply(&edit.inverse());
        }
        // Numbers aren't reused, so undo doesn't reset the next one.
        document.next_entry = before.next_entry;
        assert_eq!(document, before);
    }

    #[test]
    fn effort_reads_every_spelling_of_older_projects() {
        let read = |stored: &str| serde_json::from_str::<Effort>(stored).unwrap();
        for (stored, expected) in [
            ("\"Quick\"", Effort::Quick),
            ("\"Balanced\"", Effort::Balanced),
            ("\"Thorough\"", Effort::Balanced),
            ("\"Network\"", Effort::Thorough),
        ] {
            assert_eq!(read(stored), expected, "{stored}");
        }
        let options: Options = serde_json::from_str(r#"{"name": "Desk"}"#).unwrap();
        assert_eq!(options.effort, Effort::Quick);
    }

    #[test]
    fn effort_is_stored_under_the_name_the_window_shows() {
        let names = ["\"quick\"", "\"balanced\"", "\"thorough\""];
        for (effort, name) in Effort::ALL.into_iter().zip(names) {
            assert_eq!(serde_json::to_string(&effort).unwrap(), name);
            assert_eq!(serde_json::from_str::<Effort>(name).unwrap(), effort);
        }
    }

    #[test]
    fn serde_keeps_the_keys_of_older_projects() {
        let json = serde_json::json!({
            "entries": {"0": {
                "wordings": [{"text": "Open?", "check": true, "also": [1], "import": 1, "line": 2}], // language: allow
                "answer": "Yes",
            }},
            "imports": {"1": {
                "name": "faq.csv", "path": null, "described": "table", "taken": [1, 0], "read": 1,
                "changed": 0, "known": 0, "problems": [], "settled": [0], "put_away": true,
            }},
            "options": {
                "name": "Desk", "effort": "balanced",
                "tuning": {"rounds": 5, "batch": null, "pace": 50, "seed": null},
                "silence": 30, "seed": 1, "sample": false, "apart": [],
            },
            "next_entry": 1, "next_import": 1,
        });
        let document: Document = serde_json::from_value(json.clone()).unwrap();
        assert!(document.entries[&0].paraphrases[0].held_out);
        assert_eq!(document.options.tuning.lr_percent, Some(50));
        assert_eq!(serde_json::to_value(&document).unwrap(), json);
        let edit = serde_json::json!({
            "what": "dismiss",
            "patches": [{"Settled": {"import": 1, "problem": 0, "after": true}}],
            "teaches": false,
        });
        let read: Edit = serde_json::from_value(edit.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), edit);
    }

    #[test]
    fn apply_resolves_a_problem_and_its_inverse_reopens_it() {
        let mut document = Document::default();
        let problem = Problem {
            kind: ProblemKind::LeftOut,
            line: Some(3),
            reason: "no answer".into(),
            fix: String::new(),
            excerpt: "When?".into(),
            question: String::new(),
            answer: String::new(),
        };
        let import = Import {
            problems: vec![Shared::new(problem.clone()), Shared::new(problem)],
            ..Import::default()
        };
        document.imports.insert(1, Shared::new(import));
        let edit = Edit {
            what: "leave out".into(),
            patches: vec![Patch::Resolved {
                import: 1,
                problem: 0,
                after: true,
            }],
            affects_model: false,
        };
        document.apply(&edit);
        document.apply(&edit);
        assert_eq!(document.imports[&1].count_left_out(), 1);
        document.apply(&edit.inverse());
        assert_eq!(document.imports[&1].count_left_out(), 2);
    }
}
