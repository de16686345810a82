//! Texts of questions and answers.

use super::super::*;
use super::tables::{read, rows};

fn read_messages(file: &str) -> Vec<String> {
    super::list_messages(&read(file).unwrap())
}

#[test]
fn read_accepts_many_forms_of_labels() {
    for file in [
        "Q: Open?\nA: Yes.\n\nQ: Far?\nA: No.\n",
        "Question: Open?\nAnswer: Yes.\n\n\nquestion: Far?\nANSWER: No.",
        "F: Open?\r\nA: Yes.\r\nF: Far?\r\nA: No.\r\n",
        "Frage: Open?\nAntwort: Yes.\n\nFrage: Far?\nAntwort: No.\n",
        "**Q:** Open?\n**A:** Yes.\n\n**Q: Far?**\nA: No.\n",
        "Q1: Open?\nA1: Yes.\nQ2: Far?\nA2: No.\n",
        "- question: Open?\n  answer: Yes.\n- question: Far?\n  answer: No.\n",
    ] {
        let faq = read(file).unwrap();
        assert_eq!(faq.format, FileFormat::LabelledText, "{file}");
        let found: Vec<_> = rows(&faq).into_iter().map(|r| (r.1, r.2)).collect();
        assert_eq!(found, [("Open?", "Yes."), ("Far?", "No.")], "{file}");
        assert!(faq.issues.is_empty(), "{file}");
        assert_eq!(faq.columns, Columns::default());
    }
}

#[test]
fn read_continues_answers_to_the_next_question() {
    let file = "Our shop\n\nQ: Open, and\nwhen?\nA: Yes, on:\n\n- Monday\n- Tuesday\n\n# Ways\nQ: Far?\nA: No.";
    let faq = read(file).unwrap();
    assert_eq!(
        rows(&faq),
        [
            (3, "Open, and\nwhen?", "Yes, on:\n\n- Monday\n- Tuesday"),
            (11, "Far?", "No.")
        ]
    );
    assert_eq!(
        read_messages(file),
        [
            "2 lines were left out outside of any question and answer. To include them, write each \
             question after Q: or as a heading that ends in a question mark."
        ]
    );
    assert_eq!((faq.counts.blank, faq.counts.lines), (3, 12));
}

#[test]
fn read_reports_missing_questions_and_answers() {
    assert_eq!(
        read_messages(
            "A: Alone.\nQ: How?\nQ: Open?\nA: Yes.\nQ: Far?\nA: No.\nA: Or so.\nQ: Open?\nA: Yes."
        ),
        [
            "line 1: no question for \"Alone.\". Add one, or delete the row.",
            "line 2: no answer for \"How?\". Add one, or delete the row.",
            "line 5: 2 answers in one row for \"Far?\". \
             Keep the best one, or put each answer in its own row.",
            "line 8: same question and answer as line 3: \"Open?\". Only the first one is kept.",
        ]
    );
}

#[test]
fn read_treats_headings_with_question_marks_as_questions() {
    let file = "# FAQ\nHello, all.\n\n## 1. Open, on Sunday?\n\nYes.\n\n### Why\nWe like it.\n\n## Far?\n## Parking\nNone.\n\n**Who?**\nMe.\n";
    let faq = read(file).unwrap();
    assert_eq!(faq.format, FileFormat::Markdown);
    assert_eq!(
        rows(&faq),
        [
            (4, "Open, on Sunday?", "Yes.\n\n### Why\nWe like it."),
            (15, "Who?", "Me.")
        ]
    );
    let messages = read_messages(file);
    assert_eq!(
        messages[0],
        "line 11: no answer for \"Far?\". Add one, or delete the row."
    );
    assert!(messages[1].starts_with("4 lines were left out outside of any question"));
}

#[test]
fn read_decodes_windows_1252_and_limits_blocks() {
    let faq = read(b"Q: Caf\xe9?\nA: 5 \x80\n").unwrap();
    assert_eq!(rows(&faq), [(1, "Café?", "5 €")]);
    assert_eq!(faq.encoding, Encoding::Windows1252);
    let file = format!("Q: a?\nA: {}\nQ: b?\nA: c\n", "x ".repeat(1_000_000));
    let faq = read(file).unwrap();
    assert_eq!(rows(&faq), [(3, "b?", "c")]);
    assert_eq!(faq.issues[0].kind, IssueKind::TooLong { limit: 1_000_000 });
}
