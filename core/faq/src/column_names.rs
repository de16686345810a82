//! Known column names.

use super::text;

/// Column names for the question, in order of precedence; compared case-insensitively.
#[rustfmt::skip]
pub const QUESTION_NAMES: &[&str] = &[
    "question", "q", "prompt", "query", "frage", "pregunta", "domanda", "vraag", "pergunta",
    "fråga", "spørgsmål", "spørsmål", "kysymys", "pytanie", "otázka", "kérdés", "întrebare",
    "вопрос", "питання", "въпрос", "ερώτηση", "soru", "سؤال", "שאלה", "प्रश्न", "问题", "問題", "質問",
    "질문",
];

/// Column names for the answer, in order of precedence.
#[rustfmt::skip]
pub const ANSWER_NAMES: &[&str] = &[
    "answer", "a", "response", "reply", "antwort", "réponse", "reponse", "respuesta", "risposta",
    "antwoord", "resposta", "svar", "vastaus", "odpowiedź", "odpověď", "odpoveď", "válasz",
    "răspuns", "ответ", "відповідь", "отговор", "απάντηση", "cevap", "yanıt", "جواب", "תשובה",
    "उत्तर", "答案", "回答", "答え", "답변",
];

/// Column names used for the question if a record has none of [`QUESTION_NAMES`]. The name used in
/// the first complete record applies to the whole file.
pub const MAYBE_QUESTION_NAMES: &[&str] = &[
    "title",
    "heading",
    "instruction",
    "input",
    "utterance",
    "name",
];

/// Column names used for the answer if a record has none of [`ANSWER_NAMES`].
pub const MAYBE_ANSWER_NAMES: &[&str] = &[
    "text",
    "output",
    "completion",
    "content",
    "body",
    "description",
];

/// Column names for a list of paraphrases. Without a question column, the first paraphrase is the
/// question.
#[rustfmt::skip]
pub const PARAPHRASE_NAMES: &[&str] = &[
    "questions", "wordings", "variants", "variations", "paraphrases", "alternatives",
    "utterances", "fragen", "preguntas", "domande", "vragen", "perguntas", "frågor",
];

/// Column names for a list of answers.
#[rustfmt::skip]
pub const ANSWER_LIST_NAMES: &[&str] = &[
    "answers", "responses", "antworten", "réponses", "reponses", "respuestas", "risposte",
    "antwoorden", "respostas",
];

/// Whether a name unambiguously means the question or a list of questions.
pub(crate) fn is_question_name(name: &str) -> bool {
    let name = text::normalize(name);
    QUESTION_NAMES.contains(&&*name) || PARAPHRASE_NAMES.contains(&&*name)
}

/// Whether a name unambiguously means the answer or a list of answers.
pub(crate) fn is_answer_name(name: &str) -> bool {
    let name = text::normalize(name);
    ANSWER_NAMES.contains(&&*name) || ANSWER_LIST_NAMES.contains(&&*name)
}
