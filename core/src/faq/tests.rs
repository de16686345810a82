//! Whole files: what is told about each kind of mistake, and what must hold for any bytes.

use super::*;
use core::ops::ControlFlow;
use proptest::prelude::*;
use std::io::{self, BufReader, Read};

mod tables;
mod texts;

fn read(bytes: impl AsRef<[u8]>) -> Result<Faq, ReadError> {
    read_with(bytes, &ReadOptions::default())
}

fn read_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Faq, ReadError> {
    read_jsonl(bytes.as_ref(), options, &mut |_| ControlFlow::Continue(()))
}

fn told(faq: &Faq) -> Vec<String> {
    faq.problems.iter().map(Problem::to_string).collect()
}

/// A good row, so that a file is never without one.
const GOOD: &str = r#"{"question": "Open?", "answer": "Yes."}"#;

/// What is told about the second line of a file whose other lines are good.
fn told_about(line: &[u8]) -> (Vec<String>, Faq) {
    let last = br#"{"question": "Far?", "answer": "No."}"#;
    let file = [GOOD.as_bytes(), line, last].join(&b'\n');
    let faq = read(file).unwrap();
    let first_and_last = [faq.rows.first(), faq.rows.last()];
    let lines = first_and_last.map(|row| row.map_or(0, |row| row.line));
    assert_eq!(lines, [1, 3], "{:?}", faq.rows);
    assert_eq!(faq.counts.rows + faq.counts.left_out, 3);
    (told(&faq), faq)
}

#[test]
fn each_mistake_is_told_with_its_line_its_place_and_its_remedy() {
    #[rustfmt::skip]
    let table: &[(&[u8], &str)] = &[
        (br#"{"question": "How do I", "answer": "So.""#,
         r#"line 2: no closing } — the line is not complete near "How do I". Add the missing brace."#),
        (br#"{"id": 7, "Frage": "How?", "answer": "Go to the"#,
         r#"line 2: no closing " — the line is not complete near "How?". Add the missing quote."#),
        (br#"{"q": "How?", "a": "So.", "tags": ["x""#,
         r#"line 2: no closing ] — the line is not complete near "How?". Add the missing bracket."#),
        (br#"{"q": "How?", "a": "So.", "tags": ["x"}"#,
         r#"line 2: no closing ] — the line is not complete near "How?". Add the missing bracket."#),
        (br#"{"q": "How?" "a": "So."}"#,
         r#"line 2: a comma is missing near "{"q": "How?" "a": "So."}". Put a comma between the two entries."#),
        (br#"{"q": 7 x, "a": "So."}"#,
         r#"line 2: a comma is missing near "{"q": 7 x, "a": "So."}". Put a comma between the two entries."#),
        (br#"{"q": "How?", "a": "So.",}"#,
         r#"line 2: a comma with nothing after it near "… "How?", "a": "So.",}". Delete the comma, or write what should follow it."#),
        (br#"{"q": "How?",, "a": "So."}"#,
         r#"line 2: a comma with nothing after it near "{"q": "How?",, "a": "So."}". Delete the comma, or write what should follow it."#),
        (br#"{"q" "How?", "a": "So."}"#,
         r#"line 2: a colon is missing after a name near "{"q" "How?", "a": "So."}". Put a colon between the name and its text."#),
        (br#"{'q': 'How?', 'a': 'So.'}"#,
         r#"line 2: single quotes around a text near "{'q': 'How?', 'a': 'So.'}". Use double quotes: "…"."#),
        (br#"{"q": "Say "hi" now?", "a": "So."}"#,
         r#"line 2: a double quote inside a text near "{"q": "Say "hi" now?", "a": "So."}". Write \" for a quote inside a text."#),
        (br#"{"q": "How?", "a": NaN}"#,
         r#"line 2: the word NaN without quotes near "{"q": "How?", "a": NaN}". Put it in double quotes."#),
        (br#"{q: "How?", "a": "So."}"#,
         r#"line 2: the word q without quotes near "{q: "How?", "a": "So."}". Put it in double quotes."#),
        (br#"{"q": "How?", "a": "C:\Windows"}"#,
         r#"line 2: a backslash that means nothing in JSON near "…q": "How?", "a": "C:\Windows"}". Write \\ for a backslash."#),
        (br#"{"q": "How\ud83d?", "a": "So."}"#,
         r#"line 2: half a character near ""How\ud83d?"". Type the character itself, or delete the half."#),
        (br#"{"q": "How?", "a": "So."}, {"q": "Why?", "a": "So."}"#,
         r#"line 2: something stands after the closing } near "… "How?", "a": "So."}, {"q": "Why?", "a": "So."}". Put each question on a line of its own, or delete the rest."#),
        (br#"How?,So."#,
         r#"line 2: this is not JSON near "How?,So.". Write the row as {"question": "…", "answer": "…"}."#),
        (br#"["How?", "So."]"#,
         r#"line 2: a list instead of a row with names near "["How?", "So."]". Write the row as {"question": "…", "answer": "…"}."#),
        (b"42",
         r#"line 2: a number instead of a row with names near "42". Write the row as {"question": "…", "answer": "…"}."#),
        (b"null",
         r#"line 2: null instead of a row with names near "null". Write the row as {"question": "…", "answer": "…"}."#),
        (b"{\"question\": \"Caf\xe9?\", \"answer\": \"So.\"}",
         "line 2: byte 18 is no valid text (UTF-8) near \"{\"question\": \"Caf�?\", \"answer\": \"So.\"}\". Save the file as UTF-8, or choose its encoding."),
        (br#"{"question": "How?", "answer": "So.", "answer": "Not so."}"#,
         r#"line 2: the name answer stands twice near "How?". Keep one of the two."#),
        (br#"{"question": "How?"}"#,
         r#"line 2: no answer for "How?". Add one, or delete the row."#),
        (br#"{"answer": "So."}"#,
         r#"line 2: no question for "So.". Add one, or delete the row."#),
        (b"{}",
         "line 2: no question. Add one, or delete the row."),
        (br#"{"question": " \n", "answer": "So."}"#,
         r#"line 2: the question is empty for "So.". Fill it in, or delete the row."#),
        (br#"{"question": "How?", "answer": ""}"#,
         r#"line 2: the answer is empty for "How?". Fill it in, or delete the row."#),
        (br#"{"question": "How?", "answer": "\u0000\u200b"}"#,
         r#"line 2: the answer is empty for "How?". Fill it in, or delete the row."#),
        (br#"{"question": null, "answer": "So."}"#,
         r#"line 2: the question is null, not a text for "So.". Fill it in, or delete the row."#),
        (br#"{"question": "How?", "answer": null}"#,
         r#"line 2: the answer is null, not a text for "How?". Fill it in, or delete the row."#),
        (br#"{"question": 7, "answer": "So."}"#,
         r#"line 2: the question is a number, not a text for "So.". Put it in double quotes."#),
        (br#"{"question": "How?", "answer": 1e999}"#,
         r#"line 2: the answer is a number, not a text for "How?". Put it in double quotes."#),
        (br#"{"question": "How?", "answer": true}"#,
         r#"line 2: the answer is true or false, not a text for "How?". Put it in double quotes."#),
        (br#"{"question": ["How?"], "answer": "So."}"#,
         r#"line 2: the question is a list, not a text for "How?". Call it "questions" if these are several ways to ask."#),
        (br#"{"question": "How?", "answer": {"text": "So."}}"#,
         r#"line 2: the answer is an object, not a text for "How?". Write it as one text in double quotes."#),
        (br#"{"question": "How?", "answers": ["So.", "Not so."]}"#,
         r#"line 2: 2 answers in one row for "How?". Keep the best one, or give each answer a row of its own."#),
        (br#"{"question": "How?", "answers": []}"#,
         r#"line 2: the answer is empty for "How?". Fill it in, or delete the row."#),
        (br#"{"questions": [], "answer": "So."}"#,
         r#"line 2: the question is empty for "So.". Fill it in, or delete the row."#),
        (br#"{"question": "Open?", "answer": "Yes."}"#,
         r#"line 2: the same question and answer as line 1: "Open?". It is kept once."#),
    ];
    for (line, expected) in table {
        let (told, faq) = told_about(line);
        let line = String::from_utf8_lossy(line);
        assert_eq!(told.first().map(String::as_str), Some(*expected), "{line}");
        assert_eq!(faq.problems[0].severity, Severity::LeftOut, "{line}");
        assert_eq!(faq.counts.left_out, 1, "{line}");
    }
}

#[test]
fn what_was_changed_or_noticed_is_told_and_the_row_kept() {
    #[rustfmt::skip]
    let table: &[(&[u8], &str)] = &[
        (b"{\"question\": \"How\\u0007?\x01\", \"answer\": \"So\x00.\"}",
         r#"line 2: 3 control characters removed in "How?". "#),
        (br#"{"questions": ["How?", 7, "", "How so?"], "answer": "So."}"#,
         r#"line 2: 2 ways to ask left out: no text in "How?". Write each as a text in double quotes."#),
        ("{\"question\": \"How�?\", \"answer\": \"So.\"}".as_bytes(),
         r#"line 2: 1 character lost earlier (�) in "How�?". Type them again in the file."#),
        (br#"{"question": "OPEN?", "answer": "No."}"#,
         r#"line 2: the question of line 1 again, with another answer: "OPEN?". Keep the better answer, or word the questions apart."#),
    ];
    for (line, expected) in table {
        let (told, faq) = told_about(line);
        assert_eq!(told[0].trim_end(), expected.trim_end());
        assert_eq!(faq.rows.len(), 3);
        assert_eq!(faq.counts.left_out, 0);
    }
    // Harmless, or equal to what is meant.
    let lines: [&[u8]; 7] = [
        b"",
        b" \t ",
        br#"{"question": "How?", "answer": "So.", "weight": 1e999}"#,
        br#"{"question": "How?", "answers": ["So."]}"#,
        br#"{"question": "How?", "answer": null, "response": "So."}"#,
        b"\xef\xbb\xbf{\"question\": \"How?\", \"answer\": \"So\tso.\"}",
        br#"{"question": "How?", "questions": ["How?", "How so?"], "answer": "So."}"#,
    ];
    for line in lines {
        let file = [GOOD.as_bytes(), line].join(&b'\n');
        assert_eq!(told(&read(file).unwrap()), [""; 0]);
    }
}

#[test]
fn a_long_line_is_told_by_its_beginning_and_never_held() {
    let file = format!(
        "{GOOD}\n{{\"question\": \"{}\n{GOOD}",
        "x".repeat(10_000_000)
    );
    let faq = read(file).unwrap();
    let beginning = format!("{{\"question\": \"{}…", "x".repeat(65));
    assert_eq!(
        told(&faq)[0],
        format!(
            "line 2: longer than 1 MB, at \"{beginning}\". \
             Shorten the row, or put each question on a line of its own."
        )
    );
    assert_eq!((faq.rows.len(), faq.counts.left_out), (1, 2));
}

#[test]
fn a_deep_line_is_told() {
    let bomb = format!("{{\"question\": \"How?\", \"x\": {}", "[".repeat(100_000));
    let (told, _) = told_about(bomb.as_bytes());
    assert_eq!(
        told[0],
        "line 2: brackets nested more than 64 deep near \"How?\". Keep only the question and the answer."
    );
}

#[test]
fn limits_are_told() {
    let row = |i| format!("{{\"q\": \"q{i}\", \"a\": \"a{i}\"}}\n");
    let file: String = (0..1000).map(row).collect();
    let mut options = ReadOptions::default();
    options.limits.rows = 3;
    let faq = read_with(&file, &options).unwrap();
    assert_eq!(faq.rows.len(), 3);
    assert_eq!(
        told(&faq),
        [
            "line 4: more than 3 rows — I stopped reading here, at \"{\"q\": \"q3\", \"a\": \"a3\"}\". \
             Split the file to read the rest."
        ]
    );
    options.limits.rows = 1000;
    assert_eq!(told(&read_with(&file, &options).unwrap()), [""; 0]);

    options.limits.bytes = 10_000;
    let reader = BufReader::with_capacity(100, file.as_bytes());
    let faq = read_jsonl(reader, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    let counts = faq.counts;
    assert!(counts.rows > 100 && counts.rows < 1000, "{counts:?}");
    assert_eq!(counts.lines, counts.rows + 1);
    assert_eq!(
        told(&faq),
        [format!(
            "line {}: more than 10 kB — I stopped reading here. Split the file to read the rest.",
            counts.lines
        )]
    );

    options = ReadOptions::default();
    options.limits.problems = 2;
    let faq = read_with(format!("{GOOD}\n{}", "x\n".repeat(10)), &options).unwrap();
    assert_eq!(faq.problems.len(), 2);
    assert_eq!((faq.counts.left_out, faq.counts.unlisted), (10, 8));
}

#[test]
fn a_list_is_read_element_by_element() {
    let file = "\u{feff}[\n  {\"q\": \"How?\",\n   \"a\": \"So.\"},\n  {\"q\": \"Why?\"},\n  7,\n  \
                {\"q\": \"When?\", \"a\": \"Now.\"\n  {\"q\": \"Who?\", \"a\": \"We.\"}\n]\n";
    let faq = read(file).unwrap();
    let rows: Vec<_> = faq
        .rows
        .iter()
        .map(|r| (r.line, r.question.as_str()))
        .collect();
    assert_eq!(rows, [(2, "How?"), (7, "Who?")]);
    assert_eq!(
        told(&faq),
        [
            "line 4: no answer for \"Why?\". Add one, or delete the row.",
            "line 5: a number instead of a row with names near \"7\". \
             Write the row as {\"question\": \"…\", \"answer\": \"…\"}.",
            "line 6: no closing } — the line is not complete near \"When?\". Add the missing brace.",
            "This file is one JSON list, not one question per line. I read it anyway.",
        ]
    );
    assert_eq!((faq.shape, faq.counts.lines), (Shape::List, 8));
    assert_eq!((faq.counts.records, faq.counts.left_out), (5, 3));

    let faq = read(format!("[{GOOD}, ")).unwrap();
    assert_eq!(
        told(&faq),
        [
            "This file is one JSON list, not one question per line. I read it anyway.",
            "line 1: the list has no closing ]. Check that the file is complete."
        ]
    );
    let faq =
        read("{\n \"q\": \"How?\",\n \"a\": \"So.\"\n}\n{\n \"q\": \"Why?\",\n \"a\": \"Oh.\"\n}")
            .unwrap();
    assert_eq!(faq.rows.len(), 2);
    assert_eq!(
        told(&faq),
        ["This file has its rows spread over several lines. I read it anyway."]
    );
}

#[test]
fn encodings_are_told() {
    let file: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let faq = read(file).unwrap();
    assert_eq!(faq.rows[0].question, "Open?");
    assert_eq!(told(&faq), ["This file is UTF-16 text. I read it anyway."]);

    let file = [
        GOOD.as_bytes(),
        b"\n{\"q\": \"Caf\xe9?\", \"a\": \"\x93Yes\x94\"}",
    ]
    .concat();
    let faq = read(&file).unwrap();
    assert_eq!(
        told(&faq)[1],
        "This file looks like Windows text (cp1252): 1 line is no UTF-8. \
         Choose this encoding, or save the file as UTF-8."
    );
    let options = ReadOptions {
        encoding: Some(Encoding::Windows1252),
        ..ReadOptions::default()
    };
    let faq = read_with(&file, &options).unwrap();
    assert_eq!(
        (faq.rows[1].question.as_str(), faq.rows[1].answer.as_str()),
        ("Café?", "“Yes”")
    );
}

#[test]
fn columns_are_found_by_their_names() {
    for (line, question, answer) in [
        (r#"{"Question": "x", "ANSWER": "y"}"#, "Question", "ANSWER"),
        (r#"{"a": "y", "q": "x"}"#, "q", "a"),
        (r#"{"prompt": "x", "response": "y"}"#, "prompt", "response"),
        (r#"{"query": "x", "text": "y"}"#, "query", "text"),
        (r#"{"title": "x", "text": "y"}"#, "title", "text"),
        (
            r#"{"title": "-", "question": "x", "text": "-", "answer": "y"}"#,
            "question",
            "answer",
        ),
        (r#"{"FRAGE": "x", "Antwort": "y"}"#, "FRAGE", "Antwort"),
        (
            "{\"pregunta\": \"x\", \"re\u{301}ponse\": \"y\"}",
            "pregunta",
            "re\u{301}ponse",
        ),
        (r#"{"问题": "x", "答案": "y"}"#, "问题", "答案"),
        (
            r#"{"questions": ["x"], "answers": ["y"]}"#,
            "questions",
            "answers",
        ),
    ] {
        let faq = read(line).unwrap();
        assert_eq!(
            (faq.rows[0].question.as_str(), faq.rows[0].answer.as_str()),
            ("x", "y")
        );
        assert_eq!(faq.columns.question.as_deref(), Some(question));
        assert_eq!(faq.columns.answer.as_deref(), Some(answer));
    }
    // An unsure name never stands in for the sure one of the file.
    let faq = read(format!(
        "{GOOD}\n{{\"question\": \"How?\", \"text\": \"So.\"}}"
    ))
    .unwrap();
    assert_eq!(faq.rows.len(), 1);
    assert_eq!(
        faq.problems[0].kind,
        ProblemKind::Missing {
            field: Field::Answer
        }
    );
}

#[test]
fn unknown_columns_are_listed_and_can_be_chosen() {
    let file = r#"{"id": 1, "ask": "How?", "resp": "So."}"#;
    assert_eq!(
        read(file).unwrap_err().to_string(),
        "I cannot tell which columns hold the questions and answers. Columns: id, ask, resp. \
         Choose the columns of questions and answers."
    );
    assert_eq!(
        read(r#"{"id": 1, "text": "How?", "question": "x"}"#)
            .unwrap()
            .rows[0]
            .answer,
        "How?"
    );
    assert_eq!(
        read(r#"{"id": 1, "question": "How?", "resp": "So."}"#)
            .unwrap_err()
            .to_string(),
        "I cannot tell which column holds the answers. Columns: id, question, resp. \
         Choose the columns of questions and answers."
    );
    let choose = |question: &str, answer: &str| ReadOptions {
        columns: Some(ColumnChoice {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }),
        ..ReadOptions::default()
    };
    let faq = read_with(file, &choose("ask", "Resp")).unwrap();
    assert_eq!(
        (faq.rows[0].question.as_str(), faq.rows[0].answer.as_str()),
        ("How?", "So.")
    );
    assert_eq!(faq.rows[0].id.as_deref(), Some("1"));
    assert_eq!(
        read_with(file, &choose("ask", "reply"))
            .unwrap_err()
            .to_string(),
        "There is no column reply. Columns: id, ask, resp. Choose the columns of questions and answers."
    );
    let file = r#"{"ways": ["How?", "How so?"], "resp": "So."}"#;
    let faq = read_with(file, &choose("ways", "resp")).unwrap();
    assert_eq!(faq.rows[0].wordings, ["How so?"]);
}

#[test]
fn files_without_rows_say_so() {
    for (file, expected) in [
        (
            &b""[..],
            "The file is empty. Write one row a line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"\n \r\n",
            "The file is empty. Write one row a line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"[]",
            "The file is empty. Write one row a line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"PK\x03\x04",
            "This is a zip archive or an Office document, not text. Save the questions as text (CSV or JSONL, UTF-8) and try again.",
        ),
    ] {
        assert_eq!(read(file).unwrap_err().to_string(), expected);
    }
    assert_eq!(
        read("question,answer\nHow?,So.\n").unwrap_err().to_string(),
        "These are no JSON rows: the file begins with \"question,answer\". \
         Write one row a line: {\"question\": \"…\", \"answer\": \"…\"}."
    );
    assert_eq!(read("{x}\n{y}\nz").unwrap().counts.left_out, 3);
}

#[test]
fn reading_can_be_stopped_and_may_fail() {
    let file = format!("{GOOD}\n").repeat(100_000);
    let mut reports = Vec::new();
    let mut note = |p: Progress| {
        reports.push(p);
        ControlFlow::Continue(())
    };
    read_jsonl(file.as_bytes(), &ReadOptions::default(), &mut note).unwrap();
    assert!(reports.len() > 10 && reports.is_sorted_by_key(|p| p.bytes));
    assert_eq!(reports.last().unwrap().bytes, file.len() as u64);
    assert_eq!(reports.last().unwrap().lines, 100_000);

    let stop = &mut |_| ControlFlow::Break(());
    let stopped = read_jsonl(file.as_bytes(), &ReadOptions::default(), stop);
    assert!(matches!(stopped, Err(ReadError::Stopped)));
    // Also within a line that never ends.
    let endless = BufReader::new(io::repeat(b'x'));
    let stopped = read_jsonl(endless, &ReadOptions::default(), stop);
    assert!(matches!(stopped, Err(ReadError::Stopped)));

    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let reader = BufReader::new(GOOD.as_bytes().chain(Fails));
    let failed = read_jsonl(reader, &ReadOptions::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(
        failed.unwrap_err().to_string(),
        "The file could not be read: the disk is gone. Check that the file is still there, and try again."
    );
}

#[test]
fn repeated_rows_are_kept_once_with_all_their_wordings() {
    let file = r#"{"q": "How?", "a": "So."}
{"q": "how?", "a": "So."}
{"q": "How?", "a": "So.", "questions": ["How so?"]}
{"q": "Why?", "a": "so."}"#;
    let faq = read(file).unwrap();
    assert_eq!(faq.rows.len(), 3);
    assert_eq!(faq.rows[0].wordings, ["How so?"]);
    let counts = faq.counts;
    assert_eq!(
        (counts.repeated, counts.answers, counts.shared_answers),
        (1, 1, 1)
    );
    assert_eq!(
        told(&faq).last().unwrap(),
        "1 answer has more than one question. I take these questions as wordings of one another."
    );
    assert_eq!(counts.to_string(), "3 read, 0 changed, 1 left out");
}

#[test]
fn test_questions_may_have_several_answers() {
    let file = r#"{"question": "How?", "answers": ["So.", "", "Or so."]}
{"question": "Why?", "answer": "Oh."}
{"question": "Why?", "answer": "Oh."}
{"question": "Who?", "answers": [7]}
{"question": "When?"}"#;
    let options = ReadOptions::default();
    let read = read_questions(
        file.as_bytes(),
        &options,
        &mut |_| ControlFlow::Continue(()),
    );
    let questions = read.unwrap();
    let answers: Vec<_> = questions.rows.iter().map(|q| q.answers.clone()).collect();
    assert_eq!(answers, [vec!["So.", "Or so."], vec!["Oh."], vec!["Oh."]]);
    assert_eq!(questions.counts.answers, 3);
    let told: Vec<_> = questions.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        told,
        [
            "line 4: the answer is a number, not a text for \"Who?\". Put it in double quotes.",
            "line 5: no answer for \"When?\". Add one, or delete the row.",
        ]
    );
}

#[test]
fn problems_are_json_with_their_words() {
    let problem = Problem::new(
        3,
        ProblemKind::Missing {
            field: Field::Answer,
        },
        "How?",
    );
    let json = serde_json::to_value(&problem).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "line": 3, "severity": "left_out", "kind": {"code": "missing", "field": "answer"},
            "excerpt": "How?", "what": "no answer", "fix": "Add one, or delete the row."
        })
    );
    assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    let faq = read(format!("{GOOD}\nx\n")).unwrap();
    let json = serde_json::to_string(&faq).unwrap();
    assert_eq!(serde_json::from_str::<Faq>(&json).unwrap(), faq);
}

/// Text that can be seen, and that has nothing to be stripped.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9{}\\[\\]\",:\\\\'?. \t\n\r\u{a0}äßéλ你好🙂ش\u{202e}\u{feff}]{0,20}[a-z]"
}

fn row() -> impl Strategy<Value = Row> {
    let label = || proptest::option::of("[a-z]{1,5}");
    let wordings = proptest::collection::hash_set("[A-Z]{1,5}", 0..3);
    (text(), wordings, text(), label(), label(), label()).prop_map(
        |(question, wordings, answer, source, filename, id)| Row {
            line: 0,
            wordings: wordings.into_iter().collect(),
            question,
            answer,
            source,
            filename,
            id,
        },
    )
}

/// Rows of which none repeats another.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(row(), 1..12).prop_map(|mut rows| {
        let mut seen = std::collections::HashSet::new();
        rows.retain(|r| seen.insert((r.question.clone(), r.answer.clone())));
        rows
    })
}

/// Bytes that are nearly JSON.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => Just(GOOD.as_bytes().to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"[\n".to_vec()),
        2 => r#"[\[\]{}",:\\\n\r aq7]{1,8}"#.prop_map(String::into_bytes),
        1 => Just(br#"{"q":"#.to_vec()),
        1 => row().prop_map(|row| serde_json::to_vec(&row).unwrap()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

fn check_accounts(bytes: &[u8], options: &ReadOptions) {
    for chunk in [1, 16, 8192] {
        let reader = BufReader::with_capacity(chunk, bytes);
        let Ok(faq) = read_jsonl(reader, options, &mut |_| ControlFlow::Continue(())) else {
            continue;
        };
        check_counts(&faq);
    }
}

/// That nothing was lost in silence.
fn check_counts(faq: &Faq) {
    let counts = &faq.counts;
    let of = |severity| {
        let problems = faq.problems.iter().filter(|p| p.severity == severity);
        problems.count() as u64
    };
    assert_eq!(counts.rows, faq.rows.len() as u64);
    assert_eq!(counts.records, counts.rows + counts.left_out);
    assert_eq!(counts.left_out, of(Severity::LeftOut));
    assert_eq!(counts.changed, of(Severity::Changed));
    assert_eq!(counts.notes, of(Severity::Note));
    if faq.shape == Shape::Lines {
        assert_eq!(counts.lines, counts.records + counts.blank);
    }
    if !matches!(faq.shape, Shape::List | Shape::Spread) {
        let mut lines: Vec<u64> = faq.rows.iter().map(|row| row.line).collect();
        let left_out = |p: &&Problem| p.severity == Severity::LeftOut;
        lines.extend(faq.problems.iter().filter(left_out).map(|p| p.line));
        let mut once = lines.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), lines.len(), "a line stands for two");
        assert!(once.iter().all(|line| (1..=counts.lines).contains(line)));
    }
    for problem in &faq.problems {
        assert!(problem.excerpt.chars().count() <= 80);
        assert!(!problem.to_string().chars().any(char::is_control));
    }
    serde_json::to_string(faq).unwrap();
}

proptest! {
    #[test]
    fn rows_written_and_read_are_the_same(
        rows in rows(), bom in any::<bool>(), blank in any::<bool>(),
        (encoding, marked) in prop_oneof![Just((0, true)), Just((1, true)), Just((1, false)),
                                          Just((2, true)), Just((2, false))],
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        shape in prop_oneof![Just(Shape::Lines), Just(Shape::List), Just(Shape::Spread)],
        chunk in 1usize..40,
    ) {
        let one = |row: &Row| match shape {
            Shape::Spread => serde_json::to_string_pretty(row).unwrap().replace('\n', end),
            _ => serde_json::to_string(row).unwrap(),
        };
        let all: Vec<String> = rows.iter().map(one).collect();
        let end = if blank { end.repeat(2) } else { end.to_owned() };
        let file = match shape {
            Shape::List => format!("[{end}{}{end}]{end}", all.join(&format!(",{end}"))),
            _ => all.join(&end),
        };
        let file = if bom && marked { format!("\u{feff}{file}") } else { file };
        let bytes: Vec<u8> = match encoding {
            0 => file.into_bytes(),
            1 => file.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => file.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        let reader = BufReader::with_capacity(chunk, &bytes[..]);
        let faq = read_jsonl(reader, &ReadOptions::default(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        prop_assert_eq!(faq.shape, shape);
        prop_assert_eq!(faq.counts.left_out + faq.counts.changed, 0, "{:?}", told(&faq));
        let found: Vec<Row> = faq.rows.into_iter().map(|r| Row { line: 0, ..r }).collect();
        prop_assert_eq!(found, rows);
    }

    #[test]
    fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_accounts(&bytes, &ReadOptions::default());
    }

    #[test]
    fn nearly_json_is_accounted_for(
        bytes in nearly_json(),
        row_bytes in prop_oneof![Just(1_000_000usize), 0usize..80],
        rows in prop_oneof![Just(1000usize), 0usize..5],
        limit in prop_oneof![Just(1_000_000u64), 0u64..200],
        encoding in proptest::option::of(prop_oneof![
            Just(Encoding::Utf8), Just(Encoding::Utf16Le), Just(Encoding::Windows1252)]),
    ) {
        let limits = ReadLimits { row_bytes, rows, bytes: limit, problems: 1000 };
        check_accounts(&bytes, &ReadOptions { limits, encoding, columns: None });
        let _ = read_questions(&bytes[..], &ReadOptions::default(), &mut |_| ControlFlow::Continue(()));
    }
}
