//! Known column names.

use super::text;

/// Column names for the question, in order of precedence; compared case-insensitively.
#[rustfmt::skip]
pub const QUESTION_NAMES: &[&str] = &[
    "question", "q", "ques", "questiontext", "prompt", "query", "frage", "pregunta", "domanda", "vraag", "pergunta",
    "fråga", "spørgsmål", "spørsmål", "kysymys", "pytanie", "otázka", "kérdés", "întrebare",
    "вопрос", "питання", "въпрос", "ερώτηση", "soru", "سؤال", "שאלה", "प्रश्न", "问题", "問題", "質問",
    "질문", "提问", "问", "問", "câu hỏi", "คำถาม", "pertanyaan", "soalan", "pitanje", "vprašanje",
    "питање", "прашање", "klausimas", "jautājums", "küsimus", "spurning", "galdera", "questão",
    "questao", "dúvida", "duvida", "quesito", "pytanje", "سوال", "প্রশ্ন", "கேள்வி", "swali",
];

/// Column names for the answer, in order of precedence.
#[rustfmt::skip]
pub const ANSWER_NAMES: &[&str] = &[
    "answer", "a", "ans", "answertext", "response", "reply", "antwort", "réponse", "reponse", "respuesta", "risposta",
    "antwoord", "resposta", "svar", "vastaus", "odpowiedź", "odpověď", "odpoveď", "válasz",
    "răspuns", "ответ", "відповідь", "отговор", "απάντηση", "cevap", "yanıt", "جواب", "תשובה",
    "उत्तर", "答案", "回答", "答え", "答", "답변", "답", "câu trả lời", "trả lời", "คำตอบ", "jawaban",
    "jawapan", "odgovor", "одговор", "atsakymas", "atbilde", "vastus", "erantzuna", "پاسخ", "উত্তর",
    "பதில்", "jibu",
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
    "faq",
    "user",
    "human",
    "customer",
    "anchor",
    "sentence1",
    "front",
    "term",
    "summary",
    "subject",
];

/// Column names used for the answer if a record has none of [`ANSWER_NAMES`].
pub const MAYBE_ANSWER_NAMES: &[&str] = &[
    "text",
    "output",
    "completion",
    "content",
    "body",
    "description",
    "bot",
    "assistant",
    "chatbot",
    "agent",
    "gpt",
    "positive",
    "sentence2",
    "back",
    "definition",
    "message",
    "html",
];

/// Column names for a list of paraphrases. Without a question column, the first paraphrase is the
/// question.
#[rustfmt::skip]
pub const PARAPHRASE_NAMES: &[&str] = &[
    "questions", "wordings", "variants", "variations", "paraphrases", "alternatives",
    "utterances", "patterns", "examples", "training phrases", "alternative questions",
    "alternate questions", "similar questions", "other questions", "indexes", "aliases", "相似问题",
    "相似问法", "fragen", "preguntas", "domande", "vragen", "perguntas", "frågor",
];

/// Column names for a list of answers.
#[rustfmt::skip]
pub const ANSWER_LIST_NAMES: &[&str] = &[
    "answers", "responses", "antworten", "réponses", "reponses", "respuestas", "risposte",
    "antwoorden", "respostas",
];

/// Words that turn the name of a text into the name of a fact about it, such as `question_id`.
#[rustfmt::skip]
const FACT_WORDS: &[&str] = &[
    "id", "ids", "no", "nr", "number", "num", "type", "kind", "count", "date", "time", "timestamp",
    "url", "link", "source", "category", "topic", "score", "votes", "author", "lang", "language",
    "status", "tag", "tags", "order", "index", "key", "code", "created", "updated", "hash", "length",
    "embedding", "vector", "image", "file", "path", "audio", "video", "slug", "by", "at", "rating",
    "format", "level", "difficulty", "area", "group", "section", "tokens", "words", "style",
];

/// Maximum number of words in a derived name.
const MAX_DERIVED_WORDS: usize = 7;

/// Splits a column name into lower-case words at white space, punctuation, digits and capitals:
/// `questionText`, `Answer_2`.
pub(crate) fn split_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for c in name.chars() {
        let starts = !previous.is_alphanumeric()
            || (previous.is_lowercase() && c.is_uppercase())
            || previous.is_numeric() != c.is_numeric();
        if c.is_alphanumeric() || is_mark(c) {
            if starts && !is_mark(c) {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        if !is_mark(c) {
            previous = c;
        }
    }
    words
}

/// Whether a character is a combining mark, such as the vowel signs of Indic scripts.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}'
        | '\u{981}'..='\u{983}' | '\u{9bc}'..='\u{9cd}' | '\u{bbe}'..='\u{bcd}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

/// Part that a column plays, derived from the words of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Question,
    Answer,
    Paraphrases,
    Answers,
}

/// Derives the role of a column from the words of its name: `Customer Question`, `answer_text`,
/// `Q.`, `question 2`. Names of facts about a text (`question_id`) have no role.
pub(crate) fn derive_role(name: &str) -> Option<Role> {
    // Several cells in one, when a table is tried with another delimiter
    if name.contains([',', ';', '|', '\t']) {
        return None;
    }
    let words = split_words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_number = |word: &&str| word.chars().all(char::is_numeric);
    if words.is_empty() || words.len() > MAX_DERIVED_WORDS {
        return None;
    }
    let joined = words.join(" ");
    if PARAPHRASE_NAMES.contains(&joined.as_str()) {
        return Some(Role::Paraphrases);
    }
    // A sentence is a name only if it asks for the text: "What is your question?".
    let asks = name.trim_end().ends_with(['?', '？', '؟']);
    if asks && !matches!(words.last(), Some(&("question" | "answer"))) {
        return None;
    }
    if name.trim_end().ends_with(['.', '!']) && words.len() > 2 {
        return None;
    }
    let plain: Vec<&str> = words.iter().copied().filter(|w| !is_number(w)).collect();
    // Words in parentheses explain the name.
    let core = name.split(['(', '[', '（']).next().unwrap_or(name);
    let core = split_words(core);
    let has_fact = core.iter().any(|word| FACT_WORDS.contains(&word.as_str()));
    if has_fact {
        return None;
    }
    let find = |names: &[&str]| {
        let known = |word: &str| word.chars().count() > 1 && names.contains(&word);
        match plain[..] {
            [word] => names.contains(&word),
            _ => names.contains(&plain.join(" ").as_str()) || plain.iter().any(|word| known(word)),
        }
    };
    let clear = |names: &'static [&'static str]| -> Vec<&'static str> {
        let names = names.iter().copied();
        names
            .filter(|name| !AMBIGUOUS_WORDS.contains(name))
            .collect()
    };
    let (question, answer) = (find(&clear(QUESTION_NAMES)), find(&clear(ANSWER_NAMES)));
    match (question, answer) {
        (true, false) => Some(Role::Question),
        (false, true) => Some(Role::Answer),
        // "Answer to the question", "question and answer"
        (true, true) => None,
        (false, false) if find(PARAPHRASE_NAMES) && plain.len() > 1 => Some(Role::Paraphrases),
        (false, false) if find(ANSWER_LIST_NAMES) => Some(Role::Answers),
        (false, false) if plain == ["questions"] => Some(Role::Paraphrases),
        (false, false) => None,
    }
}

/// Words that mean the question or the answer only if they are the whole name.
const AMBIGUOUS_WORDS: &[&str] = &["问", "問", "答", "답"];

/// Last word of a short name, which tells its kind: `Article Title`, `post_content`.
pub(crate) fn last_word(name: &str) -> Option<String> {
    const MAX_WORDS: usize = 3;
    let mut words = split_words(name);
    if words.len() > MAX_WORDS || words.iter().any(|word| word == "id") {
        return None;
    }
    words.pop()
}

/// Whether a column with a derived name holds another way to ask: `Question 2`, `alt_question`.
pub(crate) fn names_paraphrase(name: &str) -> bool {
    const OTHER: &[&str] = &[
        "alt",
        "alternate",
        "alternative",
        "similar",
        "other",
        "variant",
        "paraphrase",
    ];
    let words = split_words(name);
    let last_is_number = words
        .last()
        .is_some_and(|word| word.chars().all(char::is_numeric));
    last_is_number || words.iter().any(|word| OTHER.contains(&word.as_str()))
}

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
