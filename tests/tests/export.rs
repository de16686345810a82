//! `nearsay export`: other programs give the answers that `nearsay ask` gives.

use nearsay_tests::{app, json_lines, needs, run_ok, sample_file, test_file, write_file};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// Trains the compact encoder on an FAQ file.
fn train(faq: &Path, model: &Path) {
    let mut train = app!();
    train.arg("train").arg(faq).arg("--out").arg(model);
    // Enough held-out questions to calibrate confidence.
    train.args(["--val-split", "0.3"]);
    run_ok(train.args(["--encoder", "compact", "--seed", "1"]));
}

fn export(model: &Path, format: &str, target: &Path) {
    let mut export = app!();
    export.arg("export").arg(model).args(["--to", format]);
    run_ok(export.arg(target));
}

#[test]
fn jsonl_export_gives_the_faq_back_with_edits() {
    let dir = tempfile::tempdir().unwrap();
    let [model, faq] = ["model", "faq.jsonl"].map(|name| dir.path().join(name));
    train(&sample_file("library_faq.jsonl"), &model);
    export(&model, "jsonl", &faq);
    let mut check = app!();
    let checked = json_lines(&run_ok(check.arg("check").arg(&faq).arg("--json")));
    let manifest = fs::read_to_string(model.join("answers.jsonl")).unwrap();
    assert_eq!(checked[0]["counts"]["answers"], manifest.lines().count());
    assert_eq!(checked[0]["counts"]["left_out"], 0);
    // An export replaces an earlier one, and no other file.
    export(&model, "jsonl", &faq);
    write_file(&faq, "my notes");
    let mut again = app!();
    again.arg("export").arg(&model).args(["--to", "jsonl"]);
    assert!(!again.arg(&faq).status().unwrap().success());
    assert_eq!(fs::read_to_string(&faq).unwrap(), "my notes");
}

/// Writes questions with typos, and texts that no encoder was made for. Returns their number.
fn write_questions(file: &Path) -> usize {
    let text = std::fs::read_to_string(sample_file("library_questions.jsonl")).unwrap();
    let row = |line| serde_json::from_str::<Value>(line).unwrap()["question"].clone();
    let mut questions: Vec<String> = text
        .lines()
        .map(|line| row(line).as_str().unwrap().into())
        .collect();
    for (number, question) in questions.iter_mut().enumerate() {
        // Every third question loses a letter.
        let at = number * 7 % question.len().max(1);
        if number % 3 == 0
            && question.is_char_boundary(at)
            && question[at..].starts_with(char::is_alphabetic)
        {
            question.remove(at);
        }
    }
    let odd = [
        "",
        "   ",
        "\u{feff}",
        "[UNK] [MASK] card",
        "ΟΔΥΣΣΕΥΣ Σ",
        "İstanbul I\u{307}",
        "straße STRASSE ẞ",
        "naïve cafe\u{301} \u{323}\u{301}o",
        "図書館はどこですか",
        "ห้องสมุดเปิดกี่โมง",
        "도서관 카드",
        "🙂 card 👩‍👩‍👧",
        "a\u{0}b\u{200b}c\u{ad}d",
        "\u{1fef} ``x'' $5+tax=<b>&amp;</b>",
        "</script><script>alert(1)</script>",
        "x\u{2028}y\u{2029}z",
        "１２３ Ｃａｒｄ",
        "ǅ ǆ ﬁne ㎏",
        "\u{f900}\u{2f800}",
        "e-mail/wi-fi @ 10:30?!",
    ];
    questions.extend(odd.map(String::from));
    questions.push("word ".repeat(300));
    questions.push("w".repeat(101));
    write_file(file, questions.join("\n") + "\n");
    questions.len()
}

#[test]
#[ignore = "needs Node.js"]
fn page_gives_same_answers_as_ask() {
    let node = needs::program(&["node", "nodejs"]);
    let dir = tempfile::tempdir().unwrap();
    let [model, page, asked] = ["model", "page.html", "asked"].map(|name| dir.path().join(name));
    train(&sample_file("library_faq.jsonl"), &model);
    let count = write_questions(&asked);
    assert!(count > 500);
    let manifest = model.join("nearsay.json");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("no_answer"));
    // Current settings, then those of older models: keyword scores per text, confidence by best text.
    let mut older = text.clone();
    for part in [",\n    \"by\": \"answer\"", "\n  \"own_text\": 0.5,"] {
        assert!(older.contains(part), "{part}");
        older = older.replace(part, "");
    }
    for text in [text, older] {
        write_file(&manifest, text);
        export(&model, "page", &page);
        assert_page_answers_as_ask(&node, &model, &page, &asked, count);
    }
    // Answers with several paraphrases.
    let (several, model) = (dir.path().join("several.jsonl"), dir.path().join("several"));
    write_several_paraphrases(&several);
    train(&several, &model);
    let text = fs::read_to_string(model.join("nearsay.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert!(manifest["prototype"]["prior"].is_number());
    assert_eq!(manifest["words"]["near"], true);
    export(&model, "page", &page);
    assert_page_answers_as_ask(&node, &model, &page, &asked, count);
}

/// Writes the library sample with every second of its test questions as a paraphrase.
fn write_several_paraphrases(file: &Path) {
    let read = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(sample_file(name)).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
        rows.collect()
    };
    let mut rows = read("library_faq.jsonl");
    for asked in read("library_questions.jsonl").into_iter().step_by(2) {
        let row = rows.iter_mut().find(|row| row["answer"] == asked["answer"]);
        let row = row.and_then(Value::as_object_mut).unwrap();
        let paraphrases = row.entry("questions").or_insert(Value::Array(Vec::new()));
        let paraphrases = paraphrases.as_array_mut().unwrap();
        paraphrases.push(asked["question"].clone());
    }
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    write_file(file, lines.join("\n") + "\n");
}

/// Asks `nearsay ask` and the page the `count` questions of a file.
fn assert_page_answers_as_ask(node: &str, model: &Path, page: &Path, asked: &Path, count: usize) {
    let mut ask = app!();
    ask.arg("ask").arg(model).arg("--json");
    let ours = json_lines(&run_ok(ask.stdin(File::open(asked).unwrap())));
    let mut ask = Command::new(node);
    ask.arg(test_file("export/ask_page.mjs")).arg(page);
    let theirs = json_lines(&run_ok(ask.stdin(File::open(asked).unwrap())));
    assert_eq!((ours.len(), theirs.len()), (count, count));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let question = &ours["question"];
        assert_eq!(ours["confident"], theirs["confident"], "{question}");
        let first = |found: &Value| found["answers"][0].clone();
        let (ours, theirs) = (first(ours), first(theirs));
        for part in ["answer", "question"] {
            assert_eq!(ours[part], theirs[part], "{question}: {ours} {theirs}");
        }
        if let (Some(a), Some(b)) = (ours["score"].as_f64(), theirs["score"].as_f64()) {
            assert!((a - b).abs() < 2e-5, "{question}: {a} {b}");
        }
    }
}

mod needs_browser {
    use super::*;

    #[test]
    #[ignore = "needs Chromium"]
    fn page_shows_hostile_answers_as_text() {
        let browser = needs::program(&["chromium", "chromium-browser", "google-chrome"]);
        let dir = tempfile::tempdir().unwrap();
        let [faq, model, page] =
            ["faq.jsonl", "model", "page.html"].map(|name| dir.path().join(name));
        let hostile = "</script><img src=x onerror=\"document.title='owned'\"><!-- \u{2028}\u{2029} {{title}} &lt;";
        let mut rows = format!(
            "{}\n",
            serde_json::json!({"question": "What is <b>hostile</b>?", "answer": hostile})
        );
        for n in 0..10 {
            rows += &format!(
                "{{\"question\": \"How much is number {n}?\", \"answer\": \"It is {n}.\"}}\n"
            );
        }
        write_file(&faq, rows);
        train(&faq, &model);
        export(&model, "page", &page);
        let mut open = Command::new(browser);
        // Chromium refuses its sandbox to root, which may run the tests.
        open.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ]);
        let profile = format!("--user-data-dir={}", dir.path().join("profile").display());
        open.arg(profile)
            .arg(format!("file://{}#what%20is%20hostile", page.display()));
        let shown = String::from_utf8(run_ok(&mut open).stdout).unwrap();
        let escaped = "&lt;/script&gt;&lt;img src=x onerror=\"document.title='owned'\"&gt;&lt;!-- \u{2028}\u{2029} {{title}} &amp;lt;";
        assert!(shown.contains("data-ready"), "the page is ready");
        assert!(shown.contains(&format!("<p class=\"answer\">{escaped}</p>")));
        assert!(shown.contains("<h2>What is &lt;b&gt;hostile&lt;/b&gt;?</h2>"));
        assert!(shown.contains("<title>Frequently asked questions</title>"));
        assert!(!shown.contains("<img"), "answers contain no HTML");
    }
}

#[test]
#[ignore = "needs MiniLM"]
fn page_export_refuses_transformer() {
    needs::minilm();
    let dir = tempfile::tempdir().unwrap();
    let [faq, model, page] = ["faq.csv", "model", "page.html"].map(|name| dir.path().join(name));
    let rows = (0..6).map(|n| format!("What is number {n}?,It is {n}.\n"));
    write_file(
        &faq,
        rows.fold("question,answer\n".to_owned(), |all, row| all + &row),
    );
    let mut train = app!();
    train.arg("train").arg(&faq).arg("--out").arg(&model);
    run_ok(train.args(["--encoder", "minilm", "--epochs", "1"]));
    let mut export = app!();
    export.arg("export").arg(&model).args(["--to", "page"]);
    let refused = export.arg(&page).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("--encoder compact"),
        "{said}"
    );
    assert!(!page.exists());
}

mod needs_export_python {
    use super::*;

    #[test]
    #[ignore = "needs a Python with the packages of tests/export/requirements.txt"]
    fn vector_exports_give_same_answers_as_ask() {
        let python = needs::python(
            &["NEARSAY_EXPORT_PYTHON"],
            &["duckdb", "numpy", "pgserver", "pyarrow", "qdrant_client"],
            "tests/export/requirements.txt",
        );
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        train(&sample_file("library_faq.jsonl"), &at("model"));
        // These exports hold vectors only, so keyword scores are switched off here too.
        let manifest = at("model").join("nearsay.json");
        let mut says: Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        says.as_object_mut().unwrap().remove("words");
        write_file(&manifest, says.to_string());
        let asked = at("asked");
        let text = std::fs::read_to_string(sample_file("library_questions.jsonl")).unwrap();
        let row = |line| serde_json::from_str::<Value>(line).unwrap()["question"].clone();
        let lines = text
            .lines()
            .step_by(4)
            .map(|line| format!("{}\n", row(line).as_str().unwrap()));
        write_file(&asked, lines.collect::<String>());
        let mut check = Command::new(python);
        check
            .arg(test_file("export/same_answers.py"))
            .arg(env!("CARGO_BIN_EXE_nearsay-under-test"))
            .arg(at("model"))
            .arg(&asked);
        for (format, target) in [
            ("npy", "npy"),
            ("parquet", "faq.parquet"),
            ("pgvector", "faq.sql"),
        ] {
            export(&at("model"), format, &at(target));
            check.arg(format!("{format}={}", at(target).display()));
        }
        check.arg("qdrant=http");
        println!("{}", String::from_utf8_lossy(&run_ok(&mut check).stdout));
    }
}
