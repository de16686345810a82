//! Tables, hand-written and exported.

use super::super::*;
use super::{check_counts, list_messages};
use core::ops::ControlFlow;
use proptest::prelude::*;
use std::io::{self, BufReader, Read as _};

pub(crate) fn read_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Faq, ReadError> {
    crate::read(bytes.as_ref(), options, &mut |_| ControlFlow::Continue(()))
}

pub(crate) fn read(bytes: impl AsRef<[u8]>) -> Result<Faq, ReadError> {
    let faq = read_with(&bytes, &ReadOptions::default());
    if let Ok(faq) = &faq {
        check_counts(faq);
    }
    faq
}

pub(crate) fn rows(faq: &Faq) -> Vec<(u64, &str, &str)> {
    let rows = faq.rows.iter();
    rows.map(|r| (r.line, &r.question[..], &r.answer[..]))
        .collect()
}

fn choose(question: &str, answer: &str) -> ReadOptions {
    ReadOptions {
        columns: Some(ColumnChoice {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }),
        ..ReadOptions::default()
    }
}

#[test]
fn read_detects_the_delimiter() {
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
        assert_eq!(faq.format, FileFormat::Table { delimiter }, "{file}");
        assert_eq!(faq.rows[0].question, "How?", "{file}");
        assert!(faq.rows[0].answer.starts_with("So"), "{file}");
        assert_eq!(faq.counts.left_out, 0, "{file}");
    }
}

#[test]
fn read_reports_line_numbers_of_the_file() {
    let file = "question,answer,url\r\n\r\n\"How,\r\nso?\",\"He said \"\"no\"\".\",x\r\n,,\r\nWhy?,\r\n\"Who?\",Me,";
    let faq = read(file).unwrap();
    assert_eq!(
        rows(&faq),
        [(3, "How,\nso?", "He said \"no\"."), (7, "Who?", "Me")]
    );
    assert_eq!(faq.rows[0].source.as_deref(), Some("x"));
    assert_eq!(
        list_messages(&faq),
        ["line 6: the answer is empty for \"Why?\". Fill it in, or delete the row."]
    );
    let counts = faq.counts;
    assert_eq!((counts.lines, counts.blank, counts.records), (7, 2, 3));
    assert_eq!(faq.columns.all, ["question", "answer", "url"]);
    assert_eq!(faq.columns.answer.as_deref(), Some("answer"));
}

#[test]
fn read_reports_each_invalid_row_and_continues() {
    #[rustfmt::skip]
    let table: &[(&str, &str)] = &[
        ("How?",
         r#"line 3: no answer for "How?". Add one, or delete the row."#),
        ("How?,",
         r#"line 3: the answer is empty for "How?". Fill it in, or delete the row."#),
        (",So.",
         r#"line 3: the question is empty for "So.". Fill it in, or delete the row."#),
        ("How?,Yes, we do.",
         r#"line 3: 3 cells in a table with 2 columns near "How?". Put double quotes around any text that contains the column separator."#),
        ("\"How?,So.",
         r#"line 3: incomplete row, missing closing " near ""How?,So.". Add the missing quote."#),
        ("How?,\"So.",
         r#"line 3: incomplete row, missing closing " near "How?,"So.". Add the missing quote."#),
        ("Open?,Yes.",
         r#"line 3: same question and answer as line 2: "Open?". Only the first one is kept."#),
    ];
    for (line, expected) in table {
        for last in ["Far?,No.", "\"Far?\",\"No.\"", "Far?, \"No.\""] {
            let file = format!("question,answer\nOpen?,Yes.\n{line}\n{last}\n");
            let faq = read(&file).unwrap();
            let expected_rows = [(2, "Open?", "Yes."), (4, "Far?", "No.")];
            assert_eq!(rows(&faq), expected_rows, "{file}");
            assert_eq!(list_messages(&faq), [*expected], "{file}");
        }
    }
}

#[test]
fn read_keeps_unescaped_quotes_as_text() {
    for (line, question, answer) in [
        ("\"Say \"hi\" now?\",So.", "Say \"hi\" now?", "So."),
        ("\"Big\" sale?,\"Yes, big.\"", "\"Big\" sale?", "Yes, big."),
    ] {
        let faq = read(format!("q,a\n{line}\nFar?,No.\n")).unwrap();
        assert_eq!(rows(&faq), [(2, question, answer), (3, "Far?", "No.")]);
        assert!(
            list_messages(&faq)[0]
                .starts_with("line 2: double quotes inside a text were kept as part of it")
        );
    }
    // Quotes within an unquoted cell have no special meaning.
    let faq = read("q,a\nA 5\" pipe?,6\" only\n").unwrap();
    assert_eq!(rows(&faq), [(2, "A 5\" pipe?", "6\" only")]);
    assert_eq!(list_messages(&faq), [""; 0]);
}

#[test]
fn read_loses_one_row_per_unclosed_quote() {
    let rest: String = (0..100_000)
        .map(|i| format!("Why {i}?,So {i}.\n"))
        .collect();
    let faq = read(format!("q,a\nHow?,\"So\n{rest}")).unwrap();
    assert_eq!((faq.rows.len(), faq.counts.left_out), (100_000, 1));
    assert_eq!(faq.issues[0].line, 2);
}

#[test]
fn read_skips_long_cells() {
    let long = "x".repeat(3_000_000);
    let faq = read(format!(
        "q,a\nHow?,{long}\nFar?,No.\nHow?,\"{long}\"\nWho?,Me."
    ))
    .unwrap();
    assert_eq!(rows(&faq), [(3, "Far?", "No."), (5, "Who?", "Me.")]);
    assert!(list_messages(&faq)[0].starts_with("line 2: row longer than 1 MB at \"How?,xxx"));
    let endless = BufReader::new("q,a\n\"".as_bytes().chain(io::repeat(b'x')));
    let mut options = ReadOptions::default();
    options.limits.bytes = 5_000_000;
    let faq = crate::read(endless, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(
        faq.issues[0].kind,
        IssueKind::TooManyBytes { limit: 5_000_000 }
    );
}

#[test]
fn read_guesses_columns_by_content() {
    let faq = read("Open?,Yes.\nFar?,\"No, near.\"\n").unwrap();
    assert_eq!(rows(&faq), [(1, "Open?", "Yes."), (2, "Far?", "No, near.")]);
    assert_eq!(
        list_messages(&faq),
        [
            "This table has no known column names. Column 1 was used for the questions, column 2 for \
             the answers, and the first row was read as data. Name the columns question and answer in \
             the first row, or choose the columns."
        ]
    );
    assert_eq!(faq.columns.question.as_deref(), Some("1"));
    // The answers come first, or there are other columns.
    let faq = read("Yes.;Open?\nNo, near.;Far?\n").unwrap();
    assert_eq!(rows(&faq)[0], (1, "Open?", "Yes."));
    let faq = read("1;Open?;Yes, on all days.\n2;Far?;No, it is near.\n").unwrap();
    assert_eq!(rows(&faq)[1], (2, "Far?", "No, it is near."));
    // No question marks.
    let faq = read("opening hours\tnine to five\nparking\tnone\n").unwrap();
    assert_eq!(rows(&faq)[1], (2, "parking", "none"));
    // One known name.
    let faq = read("Question,Solution\nOpen?,Yes.\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    assert_eq!(
        list_messages(&faq),
        [
            "Only one column name is known. Question was used for the questions and Solution for the \
             answers. Choose the columns if that is wrong."
        ]
    );
}

#[test]
fn read_accepts_chosen_columns() {
    let file = "Nr;Thema;Inhalt\n1;Open?;Yes.\n2;Far?;No.\n";
    let error = read(file).unwrap_err();
    assert_eq!(
        error.to_string(),
        "No columns with questions and answers were recognized. Columns: Nr, Thema, Inhalt. \
         Choose the columns of questions and answers."
    );
    let expected = [(2, "Open?", "Yes."), (3, "Far?", "No.")];
    let faq = read_with(file, &choose("thema", "Inhalt")).unwrap();
    assert_eq!(rows(&faq), expected);
    let error = read_with(file, &choose("Thema", "Text")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "There is no column Text. Columns: Nr, Thema, Inhalt. \
         Choose the columns of questions and answers."
    );
    // Chosen by number, the first row is data unless its names are known.
    let faq = read_with(file, &choose("2", "3")).unwrap();
    assert_eq!(rows(&faq)[0], (1, "Thema", "Inhalt"));
    let faq = read_with("id,q,a,text\n1,x,y,z\n", &choose("2", "4")).unwrap();
    assert_eq!(rows(&faq), [(2, "x", "z")]);
    let error = read_with("Open?,Yes.\nFar?,No.\n", &choose("2", "3")).unwrap_err();
    assert!(matches!(error, ReadError::NoSuchColumn { column, .. } if column == "3"));
    // Missing and duplicate names are replaced by the column number.
    let faq = read_with("text,text,\nOpen?,Yes.,x\n", &choose("text", "2")).unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    let error = read("question\nOpen?\n").unwrap_err();
    assert!(error.to_string().contains("column with answers"));
}

#[test]
fn read_accepts_a_title_above_the_header() {
    for (file, lines) in [
        ("Our FAQ,,\n\nquestion,answer,topic\nOpen?,Yes.,x\n", (1, 4)),
        (
            "# FAQ\n\n| Question | Answer |\n|---|---|\n| Open? | Yes. |\n",
            (1, 5),
        ),
    ] {
        let faq = read(file).unwrap();
        assert_eq!(rows(&faq), [(lines.1, "Open?", "Yes.")]);
        assert_eq!(faq.issues[0].kind, IssueKind::AboveHeader);
        assert_eq!(faq.issues[0].line, lines.0);
    }
    let faq = read_with(
        "Our FAQ;\nThema;Inhalt\nOpen?;Yes.",
        &choose("Thema", "Inhalt"),
    )
    .unwrap();
    assert_eq!(rows(&faq), [(3, "Open?", "Yes.")]);
    assert_eq!(
        list_messages(&faq),
        ["line 1: text above the column names: \"Our FAQ\". \
          Delete the line if it is only a title."]
    );
}

#[test]
fn read_accepts_paraphrases_and_answer_lists() {
    let faq = read("Questions,Answers,id\nOpen?,Yes.,7\n,No.,8").unwrap();
    assert_eq!(rows(&faq), [(2, "Open?", "Yes.")]);
    assert_eq!(faq.rows[0].id.as_deref(), Some("7"));
    let faq = read("question,variants,answer\nOpen?,On Sunday?,Yes.\nFar?,,No.").unwrap();
    assert_eq!(faq.rows[0].paraphrases, ["On Sunday?"]);
    assert_eq!(list_messages(&faq), [""; 0]);
}

#[test]
fn read_falls_back_to_windows_1252() {
    let faq = read(b"Frage;Antwort\nGe\xf6ffnet?;F\xfcr 5 \x80\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Geöffnet?", "Für 5 €")]);
    assert_eq!(faq.encoding, Encoding::Windows1252);
    assert_eq!(
        list_messages(&faq),
        ["This file is Windows text (cp1252) instead of UTF-8. It was read anyway."]
    );
    // The header, too.
    let faq = read(b"Question;R\xe9ponse\nO\xf9?;L\xe0.\n").unwrap();
    assert_eq!(rows(&faq), [(2, "Où?", "Là.")]);
    // Both encodings in one file.
    let faq = read(b"q,a\nGe\xc3\xb6ffnet?,Ja.\nF\xfcr wen?,Alle.\n").unwrap();
    assert_eq!(faq.rows[1].question, "Für wen?");
    assert_eq!(
        list_messages(&faq),
        [
            "1 row is Windows text (cp1252) in a file that otherwise is UTF-8. All rows were read. \
             Check the accented letters, and save the file as UTF-8."
        ]
    );
    // Neither encoding.
    let faq = read(b"q,a\nGe\x81?,Ja.\nF\xc3\xbcr \xfc?,x\nFar?,No.\n").unwrap();
    assert_eq!(rows(&faq), [(4, "Far?", "No.")]);
    assert!(list_messages(&faq)[0].starts_with("line 2: byte 3 is not valid UTF-8"));
    // UTF-16.
    for mark in [true, false] {
        let file = format!("{}q\ta\nWie?\tSo.\n", if mark { "\u{feff}" } else { "" });
        let bytes: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let faq = read(bytes).unwrap();
        assert_eq!(rows(&faq), [(2, "Wie?", "So.")]);
        assert_eq!(faq.encoding, Encoding::Utf16Le);
    }
}

#[test]
fn read_rejects_files_without_questions() {
    for (file, expected) in [
        (
            "Dear customers,\nwe are open, as always.\nSee you.\n",
            "No questions and answers were found in this file, which begins with \"Dear customers, \
             we are open, as always. See you.\". Use a table (CSV) with the columns question and \
             answer, or write Q: before each question and A: before its answer.",
        ),
        (
            "q,a\n\n",
            "The table has column names but no rows. Add a row for each question and its answer.",
        ),
    ] {
        assert_eq!(read(file).unwrap_err().to_string(), expected);
    }
    assert!(matches!(read(" \n"), Err(ReadError::Empty)));
    assert!(matches!(
        read("PK\u{3}\u{4}"),
        Err(ReadError::Damaged { .. })
    ));
    assert!(matches!(
        read("Just one line"),
        Err(ReadError::NotUnderstood { .. })
    ));
}

#[test]
fn read_treats_json_like_read_jsonl() {
    for file in [
        "{\"q\": \"a, b?\", \"a\": \"c, d\"}\n{\"q\": \"e, f?\", \"a\": \"g\"}",
        "[{\"q\": \"a, b?\", \"a\": \"c\"}]",
        "[\n{\"q\": \"a, b?\", \"a\": \"c\"}\n]",
        "{\n\"q\": \"a, b?\",\n\"a\": \"c\"\n}",
        "x, y\n{\"q\": \"a, b?\", \"a\": \"c, d\"}",
        "[]",
        "{x}",
    ] {
        let json = read_jsonl(file.as_bytes(), &ReadOptions::default(), &mut |_| {
            ControlFlow::Continue(())
        })
        .map_err(|e| e.to_string());
        assert_eq!(read(file).map_err(|e| e.to_string()), json, "{file}");
    }
}

#[test]
fn file_format_keeps_its_json_names() {
    for (format, json) in [
        (FileFormat::JsonLines, r#""lines""#),
        (FileFormat::JsonObjects, r#""spread""#),
        (
            FileFormat::Table { delimiter: ';' },
            r#"{"table":{"delimiter":";"}}"#,
        ),
        (FileFormat::Markdown, r#""markdown""#),
    ] {
        assert_eq!(serde_json::to_string(&format).unwrap(), json);
        assert_eq!(serde_json::from_str::<FileFormat>(json).unwrap(), format);
    }
}

#[test]
fn read_applies_limits_and_stops_in_tables() {
    let file: String = (0..1000).map(|i| format!("q{i}?;a{i}\n")).collect();
    let mut options = ReadOptions::default();
    options.limits.rows = 3;
    let faq = read_with(&file, &options).unwrap();
    assert_eq!((faq.rows.len(), faq.counts.left_out), (3, 1));
    let stop = &mut |_| ControlFlow::Break(());
    let long = file.repeat(100);
    let stopped = crate::read(long.as_bytes(), &ReadOptions::default(), stop);
    assert!(matches!(stopped, Err(ReadError::Stopped)));
}

#[test]
fn read_questions_accepts_tables() {
    let file = "question,answer\nOpen?,Yes.\nOpen?,Yes.\n";
    let options = ReadOptions::default();
    let go = &mut |_| ControlFlow::Continue(());
    let questions = read_questions(file.as_bytes(), &options, go).unwrap();
    assert_eq!(questions.rows.len(), 2);
}

/// Quotes a cell.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn cell() -> impl Strategy<Value = String> {
    "[a-z\"][a-zA-Z0-9\",;|\t\n?: äé你]{0,12}[a-z]"
}

/// Bytes that resemble a table or a text.
fn near_table() -> impl Strategy<Value = Vec<u8>> {
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
    fn read_round_trips_tables(
        pairs in proptest::collection::hash_set((cell(), cell()), 1..12),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        encoding in 0..3, chunk in 1usize..40,
    ) {
        let mut file = format!("Frage{delimiter}Antwort{end}");
        for (question, answer) in &pairs {
            file += &format!("{}{delimiter}{}{end}", quote(question), quote(answer));
        }
        let bytes: Vec<u8> = match encoding {
            0 => file.into_bytes(),
            1 => file.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => file.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        let reader = BufReader::with_capacity(chunk, &bytes[..]);
        let options = ReadOptions::default();
        let faq = crate::read(reader, &options, &mut |_| ControlFlow::Continue(())).unwrap();
        prop_assert_eq!(faq.format, FileFormat::Table { delimiter });
        let found: Vec<(String, String)> =
            faq.rows.into_iter().map(|r| (r.question, r.answer)).collect();
        let pairs: Vec<(String, String)> = pairs.into_iter().collect();
        prop_assert_eq!(found, pairs);
    }

    #[test]
    fn read_accounts_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn read_accounts_for_near_tables(
        bytes in near_table(),
        row_bytes in prop_oneof![Just(1_000_000usize), 0usize..80],
        rows in prop_oneof![Just(1000usize), 0usize..5],
        limit in prop_oneof![Just(1_000_000u64), 0u64..200],
        encoding in proptest::option::of(prop_oneof![
            Just(Encoding::Utf8), Just(Encoding::Utf16Le), Just(Encoding::Windows1252)]),
        columns in proptest::option::of(prop_oneof![
            Just(("1", "2")), Just(("2", "1")), Just(("question", "3"))]),
    ) {
        let limits = ReadLimits { row_bytes, rows, bytes: limit, issues: 1000, ..ReadLimits::default() };
        let columns = columns.map(|(question, answer)| ColumnChoice {
            question: question.to_owned(),
            answer: answer.to_owned(),
        });
        let options = ReadOptions { limits, columns, encoding, ..ReadOptions::default() };
        for chunk in [1, 16, 8192] {
            let reader = BufReader::with_capacity(chunk, &bytes[..]);
            let go = &mut |_| ControlFlow::Continue(());
            if let Ok(faq) = crate::read(reader, &options, go) {
                check_counts(&faq);
            }
        }
    }
}
