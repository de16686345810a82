//! Tables as people and their programs write them.

use super::super::*;
use core::ops::ControlFlow;
use proptest::prelude::*;
use std::io::{self, BufReader, Read as _};

pub(super) fn read_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Faq, ReadError> {
    super::super::read(bytes.as_ref(), options, &mut |_| ControlFlow::Continue(()))
}

pub(super) fn read(bytes: impl AsRef<[u8]>) -> Result<Faq, ReadError> {
    let faq = read_with(&bytes, &ReadOptions::default());
    if let Ok(faq) = &faq {
        super::check_counts(faq);
    }
    faq
}

pub(super) fn rows(faq: &Faq) -> Vec<(u64, &str, &str)> {
    let rows = faq.rows.iter();
    rows.map(|r| (r.line, &r.question[..], &r.answer[..]))
        .collect()
}

fn told(faq: &Faq) -> Vec<String> {
    super::told(faq)
}

fn chosen(question: &str, answer: &str) -> ReadOptions {
    ReadOptions {
        columns: Some(ColumnChoice {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }),
        ..ReadOptions::default()
    }
}

#[test]
fn delimiters_are_told_by_the_rows() {
    for (file, delimiter) in [
        ("question,answer\nHow?,So; so.\n", ','),
        ("\u{feff}Frage;Antwort\r\nHow?;So, so.\r\n", ';'),
        ("QUESTION \t Answer\nHow?\tSo, so; so.", '\t'),
        ("q|a\nHow?|So, so.", '|'),
        ("| Question | Answer |\n|---|:--|\n| How? | So, so. |", '|'),
        ("sep=;\nid;q;a\n7;How?;So, so.\n", ';'),
        ("id,q,a\n7,How?,\"So, \n\nso.\"\n", ','),
        // without names
        ("How?;So, so.\nWhy?;Oh, well, yes.\nWho?;Me.", ';'),
        ("How?\tSo, so.", '\t'),
    ] {
        let faq = read(file).unwrap();
        assert_eq!(faq.shape, Shape::Table { delimiter }, "{file}");
        assert_eq!(faq.rows[0].question, "How?", "{file}");
        assert!(faq.rows[0].answer.starts_with("So"), "{file}");
        assert_eq!(faq.counts.left_out, 0, "{file}");
    }
}

#[test]
fn line_numbers_are_those_of_the_file() {
    let file = "question,answer,url\r\n\r\n\"How,\r\nso?\",\"He said \"\"no\"\".\",x\r\n,,\r\nWhy?,\r\n\"Who?\",Me,";
    let faq = read(file).unwrap();
    assert_eq!(
        rows(&faq),
        [(3, "How,\nso?", "He said \"no\"."), (7, "Who?", "Me")]
    );
    assert_eq!(faq.rows[0].source.as_deref(), Some("x"));
    assert_eq!(
        told(&faq),
        ["line 6: the answer is empty for \"Why?\". Fill it in, or delete the row."]
    );
    let counts = faq.counts;
    assert_eq!((counts.lines, counts.blank, counts.records), (7, 2, 3));
    assert_eq!(faq.columns.all, ["question", "answer", "url"]);
    assert_eq!(faq.columns.answer.as_deref(), Some("answer"));
}

#[test]
fn each_bad_row_is_told_and_the_next_is_read() {
    #[rustfmt::skip]
    let table: &[(&str, &str)] = &[
        ("How?",
         r#"line 3: no answer for "How?". Add one, or delete the row."#),
        ("How?,",
         r#"line 3: the answer is empty for "How?". Fill it in, or delete the row."#),
        (",So.",
         r#"line 3: the question is empty for "So.". Fill it in, or delete the row."#),
        ("How?,Yes, we do.",
         r#"line 3: 3 columns in a table of 2 near "How?". Put double quotes around a text that holds the sign between the columns."#),
        ("\"How?,So.",
         r#"line 3: no closing " — the line is not complete near ""How?,So.". Add the missing quote."#),
        ("How?,\"So.",
         r#"line 3: no closing " — the line is not complete near "How?,"So.". Add the missing quote."#),
        ("Open?,Yes.",
         r#"line 3: the same question and answer as line 2: "Open?". It is kept once."#),
    ];
    for (line, expected) in table {
        for last in ["Far?,No.", "\"Far?\",\"No.\"", "Far?, \"No.\""] {
            let file = format!("question,answer\nOpen?,Yes.\n{line}\n{last}\n");
            let faq = read(&file).unwrap();
            let expected_rows = [(2, "Open?", "Yes."), (4, "Far?", "No.")];
            assert_eq!(rows(&faq), expected_rows, "{file}");
            assert_eq!(told(&faq), [*expected], "{file}");
        }
    }
}

#[test]
fn loose_quotes_are_text_and_told() {
    for (line, question, answer) in [
        ("\"Say \"hi\" now?\",So.", "Say \"hi\" now?", "So."),
        ("\"Big\" sale?,\"Yes, big.\"", "\"Big\" sale?", "Yes, big."),
    ] {
        let faq = read(format!("q,a\n{line}\nFar?,No.\n")).unwrap();
        assert_eq!(rows(&faq), [(2, question, answer), (3, "Far?", "No.")]);
        assert!(told(&faq)[0].starts_with("line 2: double quotes inside a text, which I took"));
    }
    // What stands in the middle of a cell has no meaning at all.
    let faq = read("q,a\nA 5\" pipe?,6\" only\n").unwrap();
    assert_eq!(rows(&faq), [(2, "A 5\" pipe?", "6\" only")]);
    assert_eq!(told(&faq), [""; 0]);
}

#[test]
fn an_open_quote_does_not_swallow_the_file() {
    let rest: String = (0..100_000)
        .map(|i| format!("Why {i}?,So {i}.\n"))
        .collect();
    let faq = read(format!("q,a\nHow?,\"So\n{rest}")).unwrap();
    assert_eq!((faq.rows.len(), faq.counts.left_out), (100_000, 1));
    assert_eq!(faq.problems[0].line, 2);
}

#[test]
fn long_cells_are_told_and_never_held() {
    let long = "x".repeat(3_000_000);
    let faq = read(format!(
        "q,a\nHow?,{long}\nFar?,No.\nHow?,\"{long}\"\nWho?,Me."
    ))
    .unwrap();
    assert_eq!(rows(&faq), [(3, "Far?", "No."), (5, "Who?", "Me.")]);
    assert!(told(&faq)[0].starts_with("line 2: longer than 1 MB, at \"How?,xxx"));
    let endless = BufReader::new("q,a\n\"".as_bytes().chain(io::repeat(b'x')));
    let mut options = ReadOptions::default();
    options.limits.bytes = 5_000_000;
    let faq = super::super::read(endless, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(
        faq.problems[0].kind,
        ProblemKind::TooManyBytes { limit: 5_000_000 }
    );
}

#[test]
fn tables_without_names_are_read_by_what_is_in_them() {
    let faq = read("Open?,Yes.\nFar?,\"No, near.\"\n").unwrap();
    assert_eq!(rows(&faq), [(1, "Open?", "Yes."), (2, "Far?", "No, near.")]);
    assert_eq!(
        told(&faq),
        [
            "This table has no column names that I know. I took column 1 for the questions, column 2 \
             for the answers, and its first row as one of them. Write question and answer above the \
             columns, or choose the columns."
        ]
    );
    assert_eq!(faq.columns.question.as_deref(), Some("1"));
    // the other way round, and among others
    let faq = read("Yes.;Open?\nNo, near.;Far?\n").unwrap();
    assert_eq!(rows(&faq)[0], (1, "Open?", "Yes."));
    let faq = read("1;Open?;Yes, on all days.\n2;Far?;No, it is near.\n").unwrap();
    assert_eq!(rows(&faq)[1], (2, "Far?", "No, it is near."));
    // without any question mark
    let faq = read("opening hours\tnine to five\nparking\tnone\n").unwrap();
    assert_eq!(rows(&faq)[1], (2, "parking", "none"));
    // one name known
    let faq = read("Question,Solution\nOpen?,Yes.\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    assert_eq!(
        told(&faq),
        [
            "I know only one of the column names. I took Question for the questions and Solution for \
             the answers. Choose the columns if that is wrong."
        ]
    );
}

#[test]
fn columns_can_be_chosen() {
    let file = "Nr;Thema;Inhalt\n1;Open?;Yes.\n2;Far?;No.\n";
    let error = read(file).unwrap_err();
    assert_eq!(
        error.to_string(),
        "I cannot tell which columns hold the questions and answers. Columns: Nr, Thema, Inhalt. \
         Choose the columns of questions and answers."
    );
    let expected = [(2, "Open?", "Yes."), (3, "Far?", "No.")];
    let faq = read_with(file, &chosen("thema", "Inhalt")).unwrap();
    assert_eq!(rows(&faq), expected);
    let error = read_with(file, &chosen("Thema", "Text")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "There is no column Text. Columns: Nr, Thema, Inhalt. \
         Choose the columns of questions and answers."
    );
    // by place: then the first row is a row, unless its names are known
    let faq = read_with(file, &chosen("2", "3")).unwrap();
    assert_eq!(rows(&faq)[0], (1, "Thema", "Inhalt"));
    let faq = read_with("id,q,a,text\n1,x,y,z\n", &chosen("2", "4")).unwrap();
    assert_eq!(rows(&faq), [(2, "x", "z")]);
    let error = read_with("Open?,Yes.\nFar?,No.\n", &chosen("2", "3")).unwrap_err();
    assert!(matches!(error, ReadError::NoSuchColumn { column, .. } if column == "3"));
    // names that are missing or stand twice have a place
    let faq = read_with("text,text,\nOpen?,Yes.,x\n", &chosen("text", "2")).unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    let error = read("question\nOpen?\n").unwrap_err();
    assert!(error.to_string().contains("which column holds the answers"));
}

#[test]
fn a_title_may_stand_above_the_names() {
    for (file, lines) in [
        ("Our FAQ,,\n\nquestion,answer,topic\nOpen?,Yes.,x\n", (1, 4)),
        (
            "# FAQ\n\n| Question | Answer |\n|---|---|\n| Open? | Yes. |\n",
            (1, 5),
        ),
    ] {
        let faq = read(file).unwrap();
        assert_eq!(rows(&faq), [(lines.1, "Open?", "Yes.")]);
        assert_eq!(faq.problems[0].kind, ProblemKind::AboveNames);
        assert_eq!(faq.problems[0].line, lines.0);
    }
    let faq = read_with(
        "Our FAQ;\nThema;Inhalt\nOpen?;Yes.",
        &chosen("Thema", "Inhalt"),
    )
    .unwrap();
    assert_eq!(rows(&faq), [(3, "Open?", "Yes.")]);
    assert_eq!(
        told(&faq),
        ["line 1: this stands above the column names: \"Our FAQ\". \
          Delete the line if it is only a title."]
    );
}

#[test]
fn further_wordings_and_several_answers_are_told_apart() {
    let faq = read("Questions,Answers,id\nOpen?,Yes.,7\n,No.,8").unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    assert_eq!(faq.rows[0].id.as_deref(), Some("7"));
    let faq = read("question,variants,answer\nOpen?,On Sunday?,Yes.\nFar?,,No.").unwrap();
    assert_eq!(faq.rows[0].wordings, ["On Sunday?"]);
    assert_eq!(told(&faq), [""; 0]);
}

#[test]
fn windows_text_is_read_and_told() {
    let faq = read(b"Frage;Antwort\nGe\xf6ffnet?;F\xfcr 5 \x80\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Geöffnet?", "Für 5 €")]);
    assert_eq!(faq.encoding, Encoding::Windows1252);
    assert_eq!(
        told(&faq),
        ["This file is Windows text (cp1252). I read it anyway."]
    );
    // the names too
    let faq = read(b"Question;R\xe9ponse\nO\xf9?;L\xe0.\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Où?", "Là.")]);
    // both
    let faq = read(b"q,a\nGe\xc3\xb6ffnet?,Ja.\nF\xfcr wen?,Alle.\n").unwrap();
    assert_eq!(faq.rows[1].question, "Für wen?");
    assert_eq!(
        told(&faq),
        [
            "1 row is Windows text (cp1252), others are UTF-8. I read them anyway. \
          Check their accents, and save the file as UTF-8."
        ]
    );
    // neither
    let faq = read(b"q,a\nGe\x81?,Ja.\nF\xc3\xbcr \xfc?,x\nFar?,No.\n").unwrap();
    assert_eq!(rows(&faq), [(4, "Far?", "No.")]);
    assert!(told(&faq)[0].starts_with("line 2: byte 3 is no valid text (UTF-8)"));
    // two bytes a unit
    for mark in [true, false] {
        let file = format!("{}q\ta\nWie?\tSo.\n", if mark { "\u{feff}" } else { "" });
        let bytes: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let faq = read(bytes).unwrap();
        assert_eq!(rows(&faq), [(2, "Wie?", "So.")]);
        assert_eq!(faq.encoding, Encoding::Utf16Le);
    }
}

#[test]
fn what_is_no_table_is_told() {
    for (file, expected) in [
        (
            "Dear customers,\nwe are open, as always.\nSee you.\n",
            "I cannot tell questions from answers in this file: it begins with \"Dear customers, we \
             are open, as always. See you.\". Make it a table with the columns question and answer \
             (CSV), or write Q: before each question and A: before its answer.",
        ),
        (
            "q,a\n\n",
            "The table has names of columns, but no rows. Write one question and its answer a row.",
        ),
    ] {
        assert_eq!(read(file).unwrap_err().to_string(), expected);
    }
    assert!(matches!(read(" \n"), Err(ReadError::Empty)));
    assert!(matches!(
        read("PK\u{3}\u{4}"),
        Err(ReadError::NotText { .. })
    ));
    assert!(matches!(
        read("Just one line"),
        Err(ReadError::NotUnderstood { .. })
    ));
}

#[test]
fn json_is_read_as_ever() {
    for file in [
        "{\"q\": \"a, b?\", \"a\": \"c, d\"}\n{\"q\": \"e, f?\", \"a\": \"g\"}",
        "[{\"q\": \"a, b?\", \"a\": \"c\"}]",
        "[\n{\"q\": \"a, b?\", \"a\": \"c\"}\n]",
        "{\n\"q\": \"a, b?\",\n\"a\": \"c\"\n}",
        "x, y\n{\"q\": \"a, b?\", \"a\": \"c, d\"}",
        "[]",
        "{x}",
    ] {
        let json = super::read(file).map_err(|e| e.to_string());
        assert_eq!(read(file).map_err(|e| e.to_string()), json, "{file}");
    }
}

#[test]
fn shapes_keep_their_names() {
    for (shape, json) in [
        (Shape::Lines, r#""lines""#),
        (Shape::Spread, r#""spread""#),
        (
            Shape::Table { delimiter: ';' },
            r#"{"table":{"delimiter":";"}}"#,
        ),
        (Shape::Markdown, r#""markdown""#),
    ] {
        assert_eq!(serde_json::to_string(&shape).unwrap(), json);
        assert_eq!(serde_json::from_str::<Shape>(json).unwrap(), shape);
    }
}

#[test]
fn limits_and_stopping_hold_for_tables() {
    let file: String = (0..1000).map(|i| format!("q{i}?;a{i}\n")).collect();
    let mut options = ReadOptions::default();
    options.limits.rows = 3;
    let faq = read_with(&file, &options).unwrap();
    assert_eq!((faq.rows.len(), faq.counts.left_out), (3, 1));
    let stop = &mut |_| ControlFlow::Break(());
    let long = file.repeat(100);
    let stopped = super::super::read(long.as_bytes(), &ReadOptions::default(), stop);
    assert!(matches!(stopped, Err(ReadError::Stopped)));
}

#[test]
fn test_questions_may_be_a_table() {
    let file = "question,answer\nOpen?,Yes.\nOpen?,Yes.\n";
    let options = ReadOptions::default();
    let go = &mut |_| ControlFlow::Continue(());
    let questions = read_questions(file.as_bytes(), &options, go).unwrap();
    assert_eq!(questions.rows.len(), 2);
}

/// A cell as programs write it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn cell() -> impl Strategy<Value = String> {
    "[a-z\"][a-zA-Z0-9\",;|\t\n?: äé你]{0,12}[a-z]"
}

/// Bytes that are nearly a table or a text.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        2 => Just(b"question,answer\n".to_vec()),
        1 => Just(b"Our FAQ,\n".to_vec()),
        2 => Just(b"Open?,Yes.\n".to_vec()),
        2 => Just(b"\"Far, is it?\",\"No.\nNo.\"\r\n".to_vec()),
        3 => "[\",;|\t\n\r a?]{1,8}".prop_map(String::into_bytes),
        1 => Just(b"Q: How?\n".to_vec()),
        1 => Just(b"A: So.\n".to_vec()),
        1 => Just(b"## How?\n".to_vec()),
        1 => Just(b"```\n".to_vec()),
        1 => Just(b"sep=;\n".to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(part, 0..25).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn tables_written_and_read_are_the_same(
        pairs in proptest::collection::hash_set((cell(), cell()), 1..12),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        encoding in 0..3, chunk in 1usize..40,
    ) {
        let mut file = format!("Frage{delimiter}Antwort{end}");
        for (question, answer) in &pairs {
            file += &format!("{}{delimiter}{}{end}", quoted(question), quoted(answer));
        }
        let bytes: Vec<u8> = match encoding {
            0 => file.into_bytes(),
            1 => file.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => file.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        let reader = BufReader::with_capacity(chunk, &bytes[..]);
        let options = ReadOptions::default();
        let faq = super::super::read(reader, &options, &mut |_| ControlFlow::Continue(())).unwrap();
        prop_assert_eq!(faq.shape, Shape::Table { delimiter });
        let found: Vec<(String, String)> =
            faq.rows.into_iter().map(|r| (r.question, r.answer)).collect();
        let pairs: Vec<(String, String)> = pairs.into_iter().collect();
        prop_assert_eq!(found, pairs);
    }

    #[test]
    fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn nearly_a_table_is_accounted_for(
        bytes in nearly(),
        row_bytes in prop_oneof![Just(1_000_000usize), 0usize..80],
        rows in prop_oneof![Just(1000usize), 0usize..5],
        limit in prop_oneof![Just(1_000_000u64), 0u64..200],
        encoding in proptest::option::of(prop_oneof![
            Just(Encoding::Utf8), Just(Encoding::Utf16Le), Just(Encoding::Windows1252)]),
        columns in proptest::option::of(prop_oneof![
            Just(("1", "2")), Just(("2", "1")), Just(("question", "3"))]),
    ) {
        let limits = ReadLimits { row_bytes, rows, bytes: limit, problems: 1000 };
        let columns = columns.map(|(question, answer)| ColumnChoice {
            question: question.to_owned(),
            answer: answer.to_owned(),
        });
        let options = ReadOptions { limits, encoding, columns };
        for chunk in [1, 16, 8192] {
            let reader = BufReader::with_capacity(chunk, &bytes[..]);
            let go = &mut |_| ControlFlow::Continue(());
            if let Ok(faq) = super::super::read(reader, &options, go) {
                super::check_counts(&faq);
            }
        }
    }
}
