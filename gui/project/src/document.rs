//! What a project is made of, and edits that can be turned round.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Shared;

/// The number of an entry: the order of the table, and never used twice.
pub type EntryId = u64;
/// The number of an import; 0 is what was written by hand.
pub type ImportId = u32;

/// One way to ask.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wording {
    /// The words.
    pub text: String,
    /// It is kept aside for checking, and never learned from.
    pub check: bool,
    /// Other entries whose answers are right for it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<EntryId>,
    /// Which import it came with; 0 when it was written here.
    #[serde(default)]
    pub import: ImportId,
    /// The line it stood on, counted from 1; 0 when it was written here.
    #[serde(default)]
    pub line: u32,
}

/// One answer with the ways to ask for it; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// The ways to ask.
    pub wordings: Vec<Wording>,
    /// The answer.
    pub answer: String,
    /// Its topic or source, when the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What became of a row that was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// It is not among the rows.
    LeftOut,
    /// It is, but not as it stood in the file.
    Changed,
    /// Good to know; nothing was lost.
    Note,
}

/// One row that was left out or changed, or a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Left out or changed.
    pub kind: ProblemKind,
    /// Where, counted from 1; `None` when it concerns the whole file.
    pub line: Option<u32>,
    /// Why, in plain words.
    pub reason: String,
    /// What to do about it; may be empty.
    pub fix: String,
    /// The beginning of the row.
    pub excerpt: String,
    /// What could be saved of its question, to mend the row with.
    #[serde(default)]
    pub question: String,
    /// What could be saved of its answer.
    #[serde(default)]
    pub answer: String,
}

/// A file that was read into the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Import {
    /// Its name, as shown.
    pub name: String,
    /// Where it was; none for what was pasted.
    pub path: Option<PathBuf>,
    /// What kind of file it is and what was taken from where, in one line.
    pub described: String,
    /// The columns it has, where it has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Where among them the questions and the answers are from.
    #[serde(default)]
    pub taken: (usize, usize),
    /// How many rows were read.
    pub read: usize,
    /// How many of them not to the letter.
    pub changed: usize,
    /// How many were in the project already.
    pub known: usize,
    /// What is wrong with the others, with `None` where somebody dealt with it.
    pub problems: Vec<Shared<Problem>>,
    /// Which problems were mended or dismissed, in ascending order.
    #[serde(default)]
    pub settled: Vec<usize>,
    /// The card is not shown any more.
    #[serde(default)]
    pub put_away: bool,
}

impl Import {
    /// Problems nobody has dealt with, by number.
    pub fn open_problems(&self) -> impl Iterator<Item = (usize, &Problem)> {
        self.problems
            .iter()
            .enumerate()
            .filter(|(number, _)| self.settled.binary_search(number).is_err())
            .map(|(number, problem)| (number, &**problem))
    }

    /// How many rows that were left out nobody has dealt with.
    pub fn still_out(&self) -> usize {
        self.open_problems()
            .filter(|(_, problem)| problem.kind == ProblemKind::LeftOut)
            .count()
    }
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Effort {
    /// The built-in encoder learns; seconds.
    #[default]
    Quick,
    /// A layer on top of the larger language model; a minute or so. Projects from before there were
    /// three call it `Thorough`.
    #[serde(alias = "Thorough")]
    Balanced,
    /// The larger language model itself learns; minutes. Kept under a name that meant nothing else
    /// before.
    #[serde(rename = "Network")]
    Thorough,
}

impl Effort {
    /// All of them, the quickest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Balanced, Self::Thorough];
}

/// Settings for the curious; `None` is what the recipe says.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// Rounds at most.
    pub rounds: Option<u32>,
    /// Pairs a step.
    pub batch: Option<u32>,
    /// Learning rate, in hundredths of the recipe's own: 100 leaves it as it is.
    pub pace: Option<u32>,
    /// What decides the order of pairs.
    pub seed: Option<u32>,
}

/// What belongs to a project besides its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The project's name.
    pub name: String,
    /// How to train.
    #[serde(default)]
    pub effort: Effort,
    /// Settings for the curious.
    #[serde(default)]
    pub tuning: Tuning,
    /// Below this chance of being right it says that it has no good answer, in hundredths.
    #[serde(default = "Options::usual_silence")]
    pub silence: u8,
    /// Decides which questions are kept aside.
    #[serde(default)]
    pub seed: u64,
    /// It is the sample that comes with the program.
    #[serde(default)]
    pub sample: bool,
    /// Pairs of entries that look alike and are not, the smaller number first.
    #[serde(default)]
    pub apart: Vec<(EntryId, EntryId)>,
}

impl Options {
    /// An answer that is right in one of five cases is still worth a look; it is called unsure.
    const fn usual_silence() -> u8 {
        20
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            effort: Effort::default(),
            tuning: Tuning::default(),
            silence: Self::usual_silence(),
            seed: 0,
            sample: false,
            apart: Vec::new(),
        }
    }
}

/// One row of the table: a wording of an entry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RowId {
    /// The entry.
    pub entry: EntryId,
    /// Which of its wordings.
    pub wording: u32,
}

/// Entries by number; shared with whoever works on them in the background.
pub type Entries = Shared<BTreeMap<EntryId, Shared<Entry>>>;

/// Everything undo can undo.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Document {
    /// The entries, in the order of the table.
    pub entries: Entries,
    /// The files they came from.
    pub imports: BTreeMap<ImportId, Shared<Import>>,
    /// Name and settings.
    pub options: Options,
    /// The next entry's number.
    pub next_entry: EntryId,
    /// The next import's number, less one.
    pub next_import: ImportId,
}

/// One value before and after an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Patch {
    /// An entry; `None` where there is none.
    Entry {
        /// Its number.
        id: EntryId,
        /// What it was.
        before: Option<Shared<Entry>>,
        /// What it is.
        after: Option<Shared<Entry>>,
    },
    /// An import; `None` where there is none.
    Import {
        /// Its number.
        id: ImportId,
        /// What it was.
        before: Option<Shared<Import>>,
        /// What it is.
        after: Option<Shared<Import>>,
    },
    /// Whether a problem of an import is dealt with.
    Settled {
        /// The import.
        import: ImportId,
        /// Which of its problems.
        problem: usize,
        /// Whether it is, after the edit; before, it was not so.
        after: bool,
    },
    /// The options.
    Options {
        /// What they were.
        before: Box<Options>,
        /// What they are.
        after: Box<Options>,
    },
}

impl Patch {
    fn inverse(&self) -> Self {
        match self.clone() {
            Self::Entry { id, before, after } => Self::Entry {
                id,
                before: after,
                after: before,
            },
            Self::Import { id, before, after } => Self::Import {
                id,
                before: after,
                after: before,
            },
            Self::Settled {
                import,
                problem,
                after,
            } => Self::Settled {
                import,
                problem,
                after: !after,
            },
            Self::Options { before, after } => Self::Options {
                before: after,
                after: before,
            },
        }
    }
}

/// One step of work, as undo knows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Edit {
    /// What was done, in words that go after "Undo": "delete 3 rows".
    pub what: String,
    /// What it changed.
    pub patches: Vec<Patch>,
    /// It changes what a model would learn or answer.
    pub teaches: bool,
}

impl Edit {
    /// The edit that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            what: self.what.clone(),
            patches: self.patches.iter().rev().map(Patch::inverse).collect(),
            teaches: self.teaches,
        }
    }
}

impl Document {
    /// A new, empty project of this name.
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

    /// Does an edit, or does it again.
    pub fn apply(&mut self, edit: &Edit) {
        for patch in &edit.patches {
            match patch {
                Patch::Entry { id, after, .. } => {
                    put(self.entries.edit(), *id, after);
                    self.next_entry = self.next_entry.max(id + 1);
                }
                Patch::Import { id, after, .. } => {
                    put(&mut self.imports, *id, after);
                    self.next_import = self.next_import.max(*id);
                }
                Patch::Settled {
                    import,
                    problem,
                    after,
                } => {
                    if let Some(import) = self.imports.get_mut(import) {
                        let settled = &mut import.edit().settled;
                        match (settled.binary_search(problem), after) {
                            (Err(place), true) => settled.insert(place, *problem),
                            (Ok(place), false) => drop(settled.remove(place)),
                            _ => {}
                        }
                    }
                }
                Patch::Options { after, .. } => self.options = (**after).clone(),
            }
        }
    }

    /// The patch that makes an entry this.
    pub fn put(&self, id: EntryId, after: Option<Entry>) -> Patch {
        Patch::Entry {
            id,
            before: self.entries.get(&id).cloned(),
            after: after
                .filter(|entry| !entry.wordings.is_empty())
                .map(Shared::new),
        }
    }

    /// The edit that makes the options these.
    pub fn set_options(&self, what: &str, after: Options) -> Edit {
        Edit {
            what: what.to_owned(),
            patches: vec![Patch::Options {
                before: Box::new(self.options.clone()),
                after: Box::new(after),
            }],
            teaches: false,
        }
    }

    /// How much of everything there is: one look at every entry.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            answers: self.entries.len(),
            ..Counts::default()
        };
        for entry in self.entries.values() {
            counts.questions += entry.wordings.len();
            counts.aside += entry.wordings.iter().filter(|way| way.check).count();
        }
        counts
    }

    /// The wording of a row.
    #[must_use]
    pub fn wording(&self, row: RowId) -> Option<&Wording> {
        self.entries
            .get(&row.entry)?
            .wordings
            .get(row.wording as usize)
    }

    /// All rows, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &Entry, &Wording)> {
        self.entries.iter().flat_map(|(id, entry)| {
            entry
                .wordings
                .iter()
                .zip(0..)
                .map(move |(wording, number)| {
                    let row = RowId {
                        entry: *id,
                        wording: number,
                    };
                    (row, &**entry, wording)
                })
        })
    }

    /// Up to three questions from all over the project, short ones first: something to try.
    #[must_use]
    pub fn examples(&self) -> Vec<&str> {
        let entries: Vec<&Entry> = self.entries.values().map(|entry| &**entry).collect();
        let third = entries.len().div_ceil(3).max(1);
        let mut seen = std::collections::HashSet::new();
        entries
            .chunks(third)
            .filter_map(|part| {
                let start = part.len() / 3;
                let near = part.iter().cycle().skip(start).take(part.len().min(20));
                near.filter_map(|entry| entry.wordings.last())
                    .map(|wording| wording.text.as_str())
                    .min_by_key(|question| question.chars().count().abs_diff(36))
            })
            .filter(|question| seen.insert(*question))
            .collect()
    }
}

/// How much of everything there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Answers.
    pub answers: usize,
    /// Ways to ask for them.
    pub questions: usize,
    /// Ways to ask that are kept aside for checking.
    pub aside: usize,
}

impl Counts {
    /// Fewest questions that a model can learn from.
    pub const FEWEST_QUESTIONS: usize = 8;
    /// Fewest different answers that a model can learn to tell apart.
    pub const FEWEST_ANSWERS: usize = 2;

    /// Questions that are learned from.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.questions.saturating_sub(self.aside)
    }

    /// There is enough to train on.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.answers >= Self::FEWEST_ANSWERS
            && self.learned() >= Self::FEWEST_QUESTIONS / 2
            && self.questions >= Self::FEWEST_QUESTIONS
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, Shared<V>>, id: K, value: &Option<Shared<V>>) {
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
            wordings: vec![Wording {
                text: question.into(),
                ..Wording::default()
            }],
            answer: answer.into(),
            source: None,
        }
    }

    #[test]
    fn an_edit_and_its_inverse_leave_everything_as_it_was() {
        let mut document = Document::named("Desk", 7);
        let add = Edit {
            what: "add".into(),
            patches: vec![document.put(0, Some(entry("Open?", "Yes")))],
            teaches: true,
        };
        document.apply(&add);
        let before = document.clone();
        let mut options = document.options.clone();
        options.silence = 80;
        let edits = [
            Edit {
                what: "change".into(),
                patches: vec![
                    document.put(0, Some(entry("Open now?", "No"))),
                    document.put(1, Some(entry("Cost?", "Free"))),
                ],
                teaches: true,
            },
            document.set_options("silence", options),
        ];
        for edit in &edits {
            document.apply(edit);
        }
        assert_eq!(document.entries.len(), 2);
        for edit in edits.iter().rev() {
            document.apply(&edit.inverse());
        }
        // Numbers are never used twice, so that much stays.
        document.next_entry = before.next_entry;
        assert_eq!(document, before);
    }

    #[test]
    fn an_effort_of_an_older_project_is_what_it_was() {
        let read = |kept: &str| serde_json::from_str::<Effort>(kept).unwrap();
        assert_eq!(read("\"Quick\""), Effort::Quick);
        assert_eq!(read("\"Thorough\""), Effort::Balanced);
        let options: Options = serde_json::from_str(r#"{"name": "Desk"}"#).unwrap();
        assert_eq!(options.effort, Effort::Quick);
        for effort in Effort::ALL {
            let kept = serde_json::to_string(&effort).unwrap();
            assert_eq!(read(&kept), effort, "{kept}");
        }
    }

    #[test]
    fn a_problem_is_settled_and_unsettled() {
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
            patches: vec![Patch::Settled {
                import: 1,
                problem: 0,
                after: true,
            }],
            teaches: false,
        };
        document.apply(&edit);
        document.apply(&edit);
        assert_eq!(document.imports[&1].still_out(), 1);
        document.apply(&edit.inverse());
        assert_eq!(document.imports[&1].still_out(), 2);
    }
}
