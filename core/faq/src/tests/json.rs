//! JSON files.

use super::super::*;
use super::{check_counts, list_messages};
use core::ops::ControlFlow;
use proptest::prelude::*;
use std::io::{self, BufReader, Read};

fn read(bytes: impl AsRef<[u8]>) -> Result<Faq, ReadError> {
    read_with(bytes, &ReadOptions::default())
}

fn read_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Faq, ReadError> {
    read_jsonl(bytes.as_ref(), options, &mut |_| ControlFlow::Continue(()))
}

/// A valid row.
const GOOD: &str = r#"{"question": "Open?", "answer": "Yes."}"#;

/// Reads a file whose second line is `line` between two valid rows; returns the messages.
fn read_second_line(line: &[u8]) -> (Vec<String>, Faq) {
    let last = br#"{"question": "Far?", "answer": "No."}"#;
    let file = [GOOD.as_bytes(), line, last].join(&b'\n');
    let faq = read(file).unwrap();
    let first_and_last = [faq.rows.first(), faq.rows.last()];
    let lines = first_and_last.map(|row| row.map_or(0, |row| row.line));
    assert_eq!(lines, [1, 3], "{:?}", faq.rows);
    assert_eq!(faq.counts.rows + faq.counts.left_out, 3);
    (list_messages(&faq), faq)
}

#[test]
fn read_jsonl_reports_each_mistake_with_place_and_remedy() {
    #[rustfmt::skip]
    let table: &[(&[u8], &str)] = &[
        (br#"{"question": "How do I", "answer": "So.""#,
         r#"line 2: incomplete row, missing closing } near "How do I". Add the missing brace."#),
        (br#"{"id": 7, "Frage": "How?", "answer": "Go to the"#,
         r#"line 2: incomplete row, missing closing " near "How?". Add the missing quote."#),
        (br#"{"q": "How?", "a": "So.", "tags": ["x""#,
         r#"line 2: incomplete row, missing closing ] near "How?". Add the missing bracket."#),
        (br#"{"q": "How?", "a": "So.", "tags": ["x"}"#,
         r#"line 2: incomplete row, missing closing ] near "How?". Add the missing bracket."#),
        (br#"{"q": "How?" "a": "So."}"#,
         r#"line 2: missing comma near "{"q": "How?" "a": "So."}". Add a comma between the two entries."#),
        (br#"{"q": 7 x, "a": "So."}"#,
         r#"line 2: missing comma near "{"q": 7 x, "a": "So."}". Add a comma between the two entries."#),
        (br#"{"q": "How?", "a": "So.",}"#,
         r#"line 2: extra comma near "… "How?", "a": "So.",}". Delete the comma, or add the missing entry after it."#),
        (br#"{"q": "How?",, "a": "So."}"#,
         r#"line 2: extra comma near "{"q": "How?",, "a": "So."}". Delete the comma, or add the missing entry after it."#),
        (br#"{"q" "How?", "a": "So."}"#,
         r#"line 2: missing colon after a name near "{"q" "How?", "a": "So."}". Add a colon between the name and its text."#),
        (br"{'q': 'How?', 'a': 'So.'}",
         r#"line 2: text in single quotes near "{'q': 'How?', 'a': 'So.'}". Use double quotes: "…"."#),
        (br#"{"q": "Say "hi" now?", "a": "So."}"#,
         r#"line 2: unescaped double quote inside a text near "{"q": "Say "hi" now?", "a": "So."}". Write \" for a quote inside a text."#),
        (br#"{"q": "How?", "a": NaN}"#,
         r#"line 2: word NaN without quotes near "{"q": "How?", "a": NaN}". Put it in double quotes."#),
        (br#"{q: "How?", "a": "So."}"#,
         r#"line 2: word q without quotes near "{q: "How?", "a": "So."}". Put it in double quotes."#),
        (br#"{"q": "How?", "a": "C:\Windows"}"#,
         r#"line 2: invalid backslash escape near "…q": "How?", "a": "C:\Windows"}". Write \\ for a backslash."#),
        (br#"{"q": "How\ud83d?", "a": "So."}"#,
         r#"line 2: incomplete character escape near ""How\ud83d?"". Type the character itself, or delete the escape."#),
        (br#"{"q": "How?", "a": "So."}, {"q": "Why?", "a": "So."}"#,
         r#"line 2: extra text after the closing } near "… "How?", "a": "So."}, {"q": "Why?", "a": "So."}". Put each question on its own line, or delete the extra text."#),
        (br"How?,So.",
         r#"line 2: not a JSON row near "How?,So.". Write the row as {"question": "…", "answer": "…"}."#),
        (br#"["How?", "So."]"#,
         r#"line 2: found a list instead of a question and an answer near "["How?", "So."]". Write the row as {"question": "…", "answer": "…"}."#),
        (b"42",
         r#"line 2: found a number instead of a question and an answer near "42". Write the row as {"question": "…", "answer": "…"}."#),
        (b"null",
         r#"line 2: found null instead of a question and an answer near "null". Write the row as {"question": "…", "answer": "…"}."#),
        (b"{\"question\": \"Caf\xe9?\", \"answer\": \"So.\"}",
         "line 2: byte 18 is not valid UTF-8 near \"{\"question\": \"Caf�?\", \"answer\": \"So.\"}\". Save the file as UTF-8, or choose its encoding."),
        (br#"{"question": "How?", "answer": "So.", "answer": "Not so."}"#,
         r#"line 2: the name answer appears twice near "How?". Keep one of the two."#),
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
         r#"line 2: the question is null, not text for "So.". Fill it in, or delete the row."#),
        (br#"{"question": "How?", "answer": null}"#,
         r#"line 2: the answer is null, not text for "How?". Fill it in, or delete the row."#),
        (br#"{"question": 7, "answer": "So."}"#,
         r#"line 2: the question is a number, not text for "So.". Put it in double quotes."#),
        (br#"{"question": "How?", "answer": 1e999}"#,
         r#"line 2: the answer is a number, not text for "How?". Put it in double quotes."#),
        (br#"{"question": "How?", "answer": true}"#,
         r#"line 2: the answer is true or false, not text for "How?". Put it in double quotes."#),
        (br#"{"question": ["How?"], "answer": "So."}"#,
         r#"line 2: the question is a list, not text for "How?". Name the list "questions" if it holds several ways to ask."#),
        (br#"{"question": "How?", "answer": {"text": "So."}}"#,
         r#"line 2: the answer is an object, not text for "How?". Write one text in double quotes."#),
        (br#"{"question": "How?", "answers": ["So.", "Not so."]}"#,
         r#"line 2: 2 answers in one row for "How?". Keep the best one, or put each answer in its own row."#),
        (br#"{"question": "How?", "answers": []}"#,
         r#"line 2: the answer is empty for "How?". Fill it in, or delete the row."#),
        (br#"{"questions": [], "answer": "So."}"#,
         r#"line 2: the question is empty for "So.". Fill it in, or delete the row."#),
        (br#"{"question": "Open?", "answer": "Yes."}"#,
         r#"line 2: same question and answer as line 1: "Open?". Only the first one is kept."#),
    ];
    for (line, expected) in table {
        let (messages, faq) = read_second_line(line);
        let line = String::from_utf8_lossy(line);
        assert_eq!(
            messages.first().map(String::as_str),
            Some(*expected),
            "{line}"
        );
        assert_eq!(faq.issues[0].severity, Severity::LeftOut, "{line}");
        assert_eq!(faq.counts.left_out, 1, "{line}");
    }
}

#[test]
fn read_jsonl_reports_changes_and_keeps_the_row() {
    #[rustfmt::skip]
    let table: &[(&[u8], &str)] = &[
        (b"{\"question\": \"How\\u0007?\x01\", \"answer\": \"So\x00.\"}",
         r#"line 2: removed 3 control characters in "How?". "#),
        (br#"{"questions": ["How?", 7, "", "How so?"], "answer": "So."}"#,
         r#"line 2: left out 2 other ways to ask that aren't text in "How?". Write each one as text in double quotes."#),
        ("{\"question\": \"How�?\", \"answer\": \"So.\"}".as_bytes(),
         r#"line 2: 1 lost character (�) in "How�?". Correct the text in the file."#),
        (br#"{"question": "OPEN?", "answer": "No."}"#,
         r#"line 2: same question as line 1, but a different answer: "OPEN?". Keep the better answer, or make the questions differ."#),
    ];
    for (line, expected) in table {
        let (messages, faq) = read_second_line(line);
        assert_eq!(messages[0].trim_end(), expected.trim_end());
        assert_eq!(faq.rows.len(), 3);
        assert_eq!(faq.counts.left_out, 0);
    }
    // Rows without any issue.
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
        assert_eq!(list_messages(&read(file).unwrap()), [""; 0]);
    }
}

#[test]
fn read_jsonl_skips_long_lines() {
    let file = format!(
        "{GOOD}\n{{\"question\": \"{}\n{GOOD}",
        "x".repeat(10_000_000)
    );
    let faq = read(file).unwrap();
    let beginning = format!("{{\"question\": \"{}…", "x".repeat(65));
    assert_eq!(
        list_messages(&faq)[0],
        format!(
            "line 2: row longer than 1 MB at \"{beginning}\". \
             Shorten the row, or put each question on its own line."
        )
    );
    assert_eq!((faq.rows.len(), faq.counts.left_out), (1, 2));
}

#[test]
fn read_jsonl_limits_nesting() {
    let nested = format!("{{\"question\": \"How?\", \"x\": {}", "[".repeat(100_000));
    let (messages, _) = read_second_line(nested.as_bytes());
    assert_eq!(
        messages[0],
        "line 2: brackets nested more than 64 levels deep near \"How?\". Keep only the question and the answer."
    );
}

#[test]
fn read_jsonl_reports_limits() {
    let row = |i| format!("{{\"q\": \"q{i}\", \"a\": \"a{i}\"}}\n");
    let file: String = (0..1000).map(row).collect();
    let mut options = ReadOptions::default();
    options.limits.rows = 3;
    let faq = read_with(&file, &options).unwrap();
    assert_eq!(faq.rows.len(), 3);
    assert_eq!(
        list_messages(&faq),
        [
            "line 4: more than 3 rows, so reading stopped here at \"{\"q\": \"q3\", \"a\": \"a3\"}\". \
             Split the file to read the rest."
        ]
    );
    options.limits.rows = 1000;
    assert_eq!(list_messages(&read_with(&file, &options).unwrap()), [""; 0]);

    options.limits.bytes = 10_000;
    let reader = BufReader::with_capacity(100, file.as_bytes());
    let faq = read_jsonl(reader, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    let counts = faq.counts;
    assert!(counts.rows > 100 && counts.rows < 1000, "{counts:?}");
    assert_eq!(counts.lines, counts.rows + 1);
    assert_eq!(
        list_messages(&faq),
        [format!(
            "line {}: file larger than 10 kB, so reading stopped here. Split the file to read the rest.",
            counts.lines
        )]
    );

    options = ReadOptions::default();
    options.limits.issues = 2;
    let faq = read_with(format!("{GOOD}\n{}", "x\n".repeat(10)), &options).unwrap();
    assert_eq!(faq.issues.len(), 2);
    assert_eq!((faq.counts.left_out, faq.counts.unlisted), (10, 8));
}

#[test]
fn read_jsonl_reads_list_elements_separately() {
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
        list_messages(&faq),
        [
            "line 4: no answer for \"Why?\". Add one, or delete the row.",
            "line 5: found a number instead of a question and an answer near \"7\". \
             Write the row as {\"question\": \"…\", \"answer\": \"…\"}.",
            "line 6: incomplete row, missing closing } near \"When?\". Add the missing brace.",
            "This file is one JSON list instead of one row per line. It was read anyway.",
        ]
    );
    assert_eq!((faq.format, faq.counts.lines), (FileFormat::JsonList, 8));
    assert_eq!((faq.counts.records, faq.counts.left_out), (5, 3));

    let faq = read(format!("[{GOOD}, ")).unwrap();
    assert_eq!(
        list_messages(&faq),
        [
            "This file is one JSON list instead of one row per line. It was read anyway.",
            "line 1: the list has no closing ]. Check that the file is complete."
        ]
    );
    let faq =
        read("{\n \"q\": \"How?\",\n \"a\": \"So.\"\n}\n{\n \"q\": \"Why?\",\n \"a\": \"Oh.\"\n}")
            .unwrap();
    assert_eq!(faq.rows.len(), 2);
    assert_eq!(
        list_messages(&faq),
        ["The rows of this file span several lines each. They were read anyway."]
    );
}

#[test]
fn read_jsonl_reports_encodings() {
    let file: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let faq = read(file).unwrap();
    assert_eq!(faq.rows[0].question, "Open?");
    assert_eq!(
        list_messages(&faq),
        ["This file is UTF-16 text instead of UTF-8. It was read anyway."]
    );

    let file = [
        GOOD.as_bytes(),
        b"\n{\"q\": \"Caf\xe9?\", \"a\": \"\x93Yes\x94\"}",
    ]
    .concat();
    let faq = read(&file).unwrap();
    assert_eq!(
        list_messages(&faq)[1],
        "This file looks like Windows text (cp1252): 1 line is not valid UTF-8. \
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
fn read_jsonl_finds_columns_by_name() {
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
    // A fallback name doesn't replace the name used by the file.
    let faq = read(format!(
        "{GOOD}\n{{\"question\": \"How?\", \"text\": \"So.\"}}"
    ))
    .unwrap();
    assert_eq!(faq.rows.len(), 1);
    assert_eq!(
        faq.issues[0].kind,
        IssueKind::Missing {
            field: Field::Answer
        }
    );
}

#[test]
fn read_jsonl_lists_unknown_columns_and_accepts_a_choice() {
    let file = r#"{"id": 1, "ask": "How?", "resp": "So."}"#;
    assert_eq!(
        read(file).unwrap_err().to_string(),
        "No columns with questions and answers were recognized. Columns: id, ask, resp. \
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
        "No column with answers was recognized. Columns: id, question, resp. \
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
    assert_eq!(faq.rows[0].paraphrases, ["How so?"]);
}

#[test]
fn read_jsonl_rejects_files_without_rows() {
    for (file, expected) in [
        (
            &b""[..],
            "The file is empty. Write one row per line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"\n \r\n",
            "The file is empty. Write one row per line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"[]",
            "The file is empty. Write one row per line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
        (
            b"PK\x03\x04",
            "This is not a JSON file: it begins with \"PK\". Write one row per line: {\"question\": \"…\", \"answer\": \"…\"}.",
        ),
    ] {
        assert_eq!(read(file).unwrap_err().to_string(), expected);
    }
    assert_eq!(
        read("question,answer\nHow?,So.\n").unwrap_err().to_string(),
        "This is not a JSON file: it begins with \"question,answer\". \
         Write one row per line: {\"question\": \"…\", \"answer\": \"…\"}."
    );
    assert_eq!(read("{x}\n{y}\nz").unwrap().counts.left_out, 3);
}

#[test]
fn read_jsonl_can_be_stopped_and_returns_io_errors() {
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
    // Reading stops within an endless line, too.
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
        "The file could not be read: the disk is gone. Check that the file still exists, and try again."
    );
}

#[test]
fn read_jsonl_merges_paraphrases_of_repeated_rows() {
    let file = r#"{"q": "How?", "a": "So."}
{"q": "how?", "a": "So."}
{"q": "How?", "a": "So.", "questions": ["How so?"]}
{"q": "Why?", "a": "so."}"#;
    let faq = read(file).unwrap();
    assert_eq!(faq.rows.len(), 3);
    assert_eq!(faq.rows[0].paraphrases, ["How so?"]);
    let counts = faq.counts;
    assert_eq!(
        (counts.repeated, counts.answers, counts.shared_answers),
        (1, 1, 1)
    );
    assert_eq!(
        list_messages(&faq).last().unwrap(),
        "1 answer has more than one question. These questions are treated as different ways to ask \
         the same thing."
    );
    assert_eq!(counts.to_string(), "3 read, 0 changed, 1 left out");
}

#[test]
fn read_questions_accepts_several_answers() {
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
    let messages: Vec<_> = questions.issues.iter().map(Issue::to_string).collect();
    assert_eq!(
        messages,
        [
            "line 4: the answer is a number, not text for \"Who?\". Put it in double quotes.",
            "line 5: no answer for \"When?\". Add one, or delete the row.",
        ]
    );
}

#[test]
fn issue_serializes_with_message_and_fix() {
    let issue = Issue::new(
        3,
        IssueKind::Missing {
            field: Field::Answer,
        },
        "How?",
    );
    let json = serde_json::to_value(&issue).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "line": 3, "severity": "left_out", "kind": {"code": "missing", "field": "answer"},
            "excerpt": "How?", "what": "no answer", "fix": "Add one, or delete the row."
        })
    );
    assert_eq!(serde_json::from_value::<Issue>(json).unwrap(), issue);
    let faq = read(format!("{GOOD}\nx\n")).unwrap();
    let json = serde_json::to_string(&faq).unwrap();
    assert_eq!(serde_json::from_str::<Faq>(&json).unwrap(), faq);
}

/// Visible text without control characters to strip.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9{}\\[\\]\",:\\\\'?. \t\n\r\u{a0}äßéλ你好🙂ش\u{202e}\u{feff}]{0,20}[a-z]"
}

fn row() -> impl Strategy<Value = Row> {
    let label = || proptest::option::of("[a-z]{1,5}");
    let paraphrases = proptest::collection::hash_set("[A-Z]{1,5}", 0..3);
    (text(), paraphrases, text(), label(), label(), label()).prop_map(
        |(question, paraphrases, answer, source, filename, id)| Row {
            line: 0,
            paraphrases: paraphrases.into_iter().collect(),
            question,
            answer,
            source,
            filename,
            id,
        },
    )
}

/// Distinct rows.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(row(), 1..12).prop_map(|mut rows| {
        let mut seen = std::collections::HashSet::new();
        rows.retain(|r| seen.insert((r.question.clone(), r.answer.clone())));
        rows
    })
}

/// Bytes that resemble JSON.
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

fn check_any_chunk_size(bytes: &[u8], options: &ReadOptions) {
    for chunk in [1, 16, 8192] {
        let reader = BufReader::with_capacity(chunk, bytes);
        let Ok(faq) = read_jsonl(reader, options, &mut |_| ControlFlow::Continue(())) else {
            continue;
        };
        check_counts(&faq);
    }
}

proptest! {
    #[test]
    fn read_jsonl_round_trips_rows(
        rows in rows(), bom in any::<bool>(), blank in any::<bool>(),
        (encoding, marked) in prop_oneof![Just((0, true)), Just((1, true)), Just((1, false)),
                                          Just((2, true)), Just((2, false))],
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        format in prop_oneof![Just(FileFormat::JsonLines), Just(FileFormat::JsonList), Just(FileFormat::JsonObjects)],
        chunk in 1usize..40,
    ) {
        let one = |row: &Row| match format {
            FileFormat::JsonObjects => serde_json::to_string_pretty(row).unwrap().replace('\n', end),
            _ => serde_json::to_string(row).unwrap(),
        };
        let all: Vec<String> = rows.iter().map(one).collect();
        let end = if blank { end.repeat(2) } else { end.to_owned() };
        let file = match format {
            FileFormat::JsonList => format!("[{end}{}{end}]{end}", all.join(&format!(",{end}"))),
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
        prop_assert_eq!(faq.format, format);
        prop_assert_eq!(faq.counts.left_out + faq.counts.changed, 0, "{:?}", list_messages(&faq));
        let found: Vec<Row> = faq.rows.into_iter().map(|r| Row { line: 0, ..r }).collect();
        prop_assert_eq!(found, rows);
    }

    #[test]
    fn read_jsonl_accounts_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_any_chunk_size(&bytes, &ReadOptions::default());
    }

    #[test]
    fn read_jsonl_accounts_for_near_json(
        bytes in nearly_json(),
        row_bytes in prop_oneof![Just(1_000_000usize), 0usize..80],
        rows in prop_oneof![Just(1000usize), 0usize..5],
        limit in prop_oneof![Just(1_000_000u64), 0u64..200],
        encoding in proptest::option::of(prop_oneof![
            Just(Encoding::Utf8), Just(Encoding::Utf16Le), Just(Encoding::Windows1252)]),
    ) {
        let limits = ReadLimits { row_bytes, rows, bytes: limit, issues: 1000, ..ReadLimits::default() };
        check_any_chunk_size(&bytes, &ReadOptions { limits, encoding, ..ReadOptions::default() });
        let _ = read_questions(&bytes[..], &ReadOptions::default(), &mut |_| ControlFlow::Continue(()));
    }
}
