//! Which fields of a row hold its question and answer.

use super::json::{Record, Value};
use super::problem::{Field, Found};
use super::text;
use serde::{Deserialize, Serialize};

/// Names that mean the question, best first. Upper and lower case are equal.
#[rustfmt::skip]
pub const QUESTION_NAMES: &[&str] = &[
    "question", "q", "prompt", "query", "frage", "pregunta", "domanda", "vraag", "pergunta",
    "fråga", "spørgsmål", "spørsmål", "kysymys", "pytanie", "otázka", "kérdés", "întrebare",
    "вопрос", "питання", "въпрос", "ερώτηση", "soru", "سؤال", "שאלה", "प्रश्न", "问题", "問題", "質問",
    "질문",
];

/// Names that mean the answer, best first.
#[rustfmt::skip]
pub const ANSWER_NAMES: &[&str] = &[
    "answer", "a", "response", "reply", "antwort", "réponse", "reponse", "respuesta", "risposta",
    "antwoord", "resposta", "svar", "vastaus", "odpowiedź", "odpověď", "odpoveď", "válasz",
    "răspuns", "ответ", "відповідь", "отговор", "απάντηση", "cevap", "yanıt", "جواب", "תשובה",
    "उत्तर", "答案", "回答", "答え", "답변",
];

/// Names that may mean the question when nothing better is there. What the first complete row of a
/// file uses holds for all its rows.
pub const MAYBE_QUESTION_NAMES: &[&str] = &[
    "title",
    "heading",
    "instruction",
    "input",
    "utterance",
    "name",
];

/// Names that may mean the answer when nothing better is there.
pub const MAYBE_ANSWER_NAMES: &[&str] = &[
    "text",
    "output",
    "completion",
    "content",
    "body",
    "description",
];

/// Names of a list of several ways to ask. Its first is the question if there is no other.
#[rustfmt::skip]
pub const WORDINGS_NAMES: &[&str] = &[
    "questions", "wordings", "variants", "variations", "paraphrases", "alternatives",
    "utterances", "fragen", "preguntas", "domande", "vragen", "perguntas", "frågor",
];

/// Names of a list of answers.
#[rustfmt::skip]
pub const ANSWERS_NAMES: &[&str] = &[
    "answers", "responses", "antworten", "réponses", "reponses", "respuestas", "risposte",
    "antwoorden", "respostas",
];

#[rustfmt::skip]
const SOURCE_NAMES: &[&str] = &[
    "source", "topic", "category", "section", "url", "link", "quelle", "thema", "kategorie",
    "rubrik", "fuente", "tema", "categoría", "fonte", "categoria", "catégorie", "sujet",
];
const FILENAME_NAMES: &[&str] = &["filename", "file", "path", "datei", "fichier"];
const ID_NAMES: &[&str] = &["id", "key", "uuid"];

/// Most names of columns that are remembered for telling.
pub(super) const REMEMBERED: usize = 50;

/// The columns to read, chosen by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The name of the column of questions.
    pub question: String,
    /// The name of the column of answers.
    pub answer: String,
}

/// The columns that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Where the questions are from, in the first complete row.
    pub question: Option<String>,
    /// Where the answers are from, in the first complete row.
    pub answer: Option<String>,
    /// Every name the file has, in order of appearance; at most 50.
    pub all: Vec<String>,
}

/// The fields of one row by what they mean.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) question: Option<Value<'a>>,
    pub(super) wordings: Option<Value<'a>>,
    pub(super) answer: Option<Value<'a>>,
    pub(super) answers: Option<Value<'a>>,
    pub(super) source: Option<Value<'a>>,
    pub(super) filename: Option<Value<'a>>,
    pub(super) id: Option<Value<'a>>,
}

/// Finds the meaning of fields, the same for all rows of a file.
#[derive(Default)]
pub(super) struct Finder {
    choice: Option<ColumnChoice>,
    columns: Columns,
    /// The names in use, as they are compared, once a complete row was seen.
    settled: Option<(String, String)>,
    /// Rows that had names at all.
    records: u64,
    /// Whether any row had a question or an answer.
    seen: (bool, bool),
}

impl Finder {
    pub(super) fn new(choice: Option<ColumnChoice>) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    pub(super) fn parts<'a>(&mut self, record: &Record<'a>) -> Parts<'a> {
        self.records += 1;
        self.remember(record);
        let row = Names::new(record);
        let question = match &self.choice {
            Some(choice) => row.exactly(&choice.question),
            None => row.strong_or_maybe(
                QUESTION_NAMES,
                MAYBE_QUESTION_NAMES,
                self.settled.as_ref().map(|s| s.0.as_str()),
                row.any(WORDINGS_NAMES).is_some(),
            ),
        };
        let answer = match &self.choice {
            Some(choice) => row.exactly(&choice.answer),
            None => row.strong_or_maybe(
                ANSWER_NAMES,
                MAYBE_ANSWER_NAMES,
                self.settled.as_ref().map(|s| s.1.as_str()),
                row.any(ANSWERS_NAMES).is_some(),
            ),
        };
        let taken = [question, answer];
        let free = |found: Option<usize>| found.filter(|i| !taken.contains(&Some(*i)));
        let wordings = free(row.any(WORDINGS_NAMES));
        let answers = match self.choice {
            Some(_) => None,
            None => free(row.any(ANSWERS_NAMES)),
        };
        self.settle(record, &row, question.or(wordings), answer.or(answers));
        let value = |i: Option<usize>| record.fields.get(i?).map(|field| field.1);
        let (question, wordings) = match (value(question), value(wordings)) {
            // Chosen by hand, a list of ways to ask is as good as a question.
            (Some(list), None) if self.choice.is_some() && list.found() == Found::List => {
                (None, Some(list))
            }
            both => both,
        };
        Parts {
            question,
            wordings,
            answer: value(answer),
            answers: value(answers),
            source: value(free(row.any(SOURCE_NAMES))),
            filename: value(free(row.any(FILENAME_NAMES))),
            id: value(free(row.any(ID_NAMES))),
        }
    }

    fn remember(&mut self, record: &Record<'_>) {
        for (name, _) in &record.fields {
            if self.columns.all.len() >= REMEMBERED {
                return;
            }
            let name = text::excerpt(name);
            if !self.columns.all.contains(&name) {
                self.columns.all.push(name);
            }
        }
    }

    fn settle(
        &mut self,
        record: &Record<'_>,
        row: &Names<'_, '_>,
        question: Option<usize>,
        answer: Option<usize>,
    ) {
        self.seen.0 |= question.is_some();
        self.seen.1 |= answer.is_some();
        let (None, Some(question), Some(answer)) = (&self.settled, question, answer) else {
            return;
        };
        let name = |i: usize| record.fields.get(i).map(|field| text::excerpt(&field.0));
        self.columns.question = name(question);
        self.columns.answer = name(answer);
        self.settled = Some((row.key(question), row.key(answer)));
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// What no row had: `None` when both were seen somewhere.
    pub(super) fn missing(&self) -> Option<MissingColumns> {
        let field = match self.seen {
            (true, true) => return None,
            (false, false) => None,
            (false, true) => Some(Field::Question),
            (true, false) => Some(Field::Answer),
        };
        let chosen = self.choice.as_ref().map(|choice| match field {
            Some(Field::Answer) => choice.answer.clone(),
            _ => choice.question.clone(),
        });
        Some(MissingColumns { field, chosen })
    }
}

/// Which of question and answer a row of names has.
pub(super) fn known(names: &[String]) -> (bool, bool) {
    let fields = names.iter().map(|name| (name.clone(), Value::Text("")));
    let record = Record {
        fields: fields.collect(),
        controls: 0,
    };
    let mut finder = Finder::new(None);
    finder.parts(&record);
    finder.seen
}

/// Whether a name is sure to mean the question, or the answer.
pub(super) fn sure(name: &str) -> (bool, bool) {
    let name = text::normalize(name);
    let is = |names: &[&str]| names.contains(&name.as_str());
    (
        is(QUESTION_NAMES) || is(WORDINGS_NAMES),
        is(ANSWER_NAMES) || is(ANSWERS_NAMES),
    )
}

/// What no row of a file had.
pub(super) struct MissingColumns {
    /// Question, answer or both.
    pub(super) field: Option<Field>,
    /// The column chosen by hand that is not there.
    pub(super) chosen: Option<String>,
}

/// The names of one row as they are compared.
struct Names<'r, 'a> {
    record: &'r Record<'a>,
    keys: Vec<String>,
}

impl<'r, 'a> Names<'r, 'a> {
    fn new(record: &'r Record<'a>) -> Self {
        let keys = record.fields.iter().map(|f| text::normalize(&f.0));
        Self {
            record,
            keys: keys.collect(),
        }
    }

    fn key(&self, i: usize) -> String {
        self.keys.get(i).cloned().unwrap_or_default()
    }

    /// The first field that has one of the names; one that is null only when there is no other.
    fn any(&self, names: &[&str]) -> Option<usize> {
        let mut null = None;
        for name in names {
            for (i, (key, field)) in self.keys.iter().zip(&self.record.fields).enumerate() {
                if key == name {
                    if field.1.found() != Found::Null {
                        return Some(i);
                    }
                    null = null.or(Some(i));
                }
            }
        }
        null
    }

    /// The field with this very name, or else with its letters in another case.
    fn exactly(&self, name: &str) -> Option<usize> {
        let fields = &self.record.fields;
        fields
            .iter()
            .position(|field| field.0 == name)
            .or_else(|| self.any(&[&text::normalize(name)]))
    }

    /// A sure name; else an unsure one, but only if the file has no better (`settled`) and the row
    /// has no list instead.
    fn strong_or_maybe(
        &self,
        strong: &[&str],
        maybe: &[&str],
        settled: Option<&str>,
        has_list: bool,
    ) -> Option<usize> {
        if let Some(found) = self.any(strong) {
            return Some(found);
        }
        match settled {
            _ if has_list => None,
            None => self.any(maybe),
            Some(name) if maybe.contains(&name) => self.any(&[name]),
            Some(_) => None,
        }
    }
}
