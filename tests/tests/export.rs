//! `nearsay export`: what others serve gives the answers that `nearsay ask` gives.

use nearsay_tests::{app, done, json_lines, minilm, sample, save, say_loudly};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A script that comes with these tests.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("export")
        .join(name)
}

/// Trains the compact encoder on an FAQ file.
fn train(faq: &Path, model: &Path) {
    let mut train = app!();
    train.arg("train").arg(faq).arg("--out").arg(model);
    // So many questions kept aside that it is measured when an answer is sure.
    train.args(["--val-split", "0.3"]);
    done(train.args(["--encoder", "compact", "--seed", "1"]));
}

fn export(model: &Path, format: &str, target: &Path) {
    let mut export = app!();
    export.arg("export").arg(model).args(["--to", format]);
    done(export.arg(target));
}

/// The first program of these that is there; says loudly what was not tested without any.
fn program(names: &[&str], without: &str) -> Option<String> {
    let starts = |name: &&&str| {
        let mut command = Command::new(name);
        command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = names.iter().find(starts).map(|name| (*name).to_owned());
    if found.is_none() {
        say_loudly(&format!("{} is absent, so {without}", names.join(" or ")));
    }
    found
}

/// Questions as people ask them, with slips of the pen, and texts that no encoder was made for.
fn questions(file: &Path) -> usize {
    let text = std::fs::read_to_string(sample("library_questions.jsonl")).unwrap();
    let row = |line| serde_json::from_str::<Value>(line).unwrap()["question"].clone();
    let mut questions: Vec<String> = text
        .lines()
        .map(|line| row(line).as_str().unwrap().into())
        .collect();
    for (number, question) in questions.iter_mut().enumerate() {
        // From every third question a letter is lost.
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
    save(file, questions.join("\n") + "\n");
    questions.len()
}

#[test]
fn a_page_gives_the_answers_that_ask_gives() {
    let Some(node) = program(&["node"], "no page was asked by its own script") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let [model, page, asked] = ["model", "page.html", "asked"].map(|name| dir.path().join(name));
    train(&sample("library_faq.jsonl"), &model);
    let count = questions(&asked);
    assert!(count > 500);
    let manifest = model.join("nearsay.json");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("no_answer"));
    // Words by answer and sureness by its own text, too; and as older folders have it, by text and best text.
    let mut older = text.clone();
    for part in [",\n    \"by\": \"answer\"", "\n  \"own_text\": 0.5,"] {
        assert!(older.contains(part), "{part}");
        older = older.replace(part, "");
    }
    for text in [text, older] {
        save(&manifest, text);
        export(&model, "page", &page);
        page_answers_as_ask(&node, &model, &page, &asked, count);
    }
}

/// Asks both the questions of a file, so many.
fn page_answers_as_ask(node: &str, model: &Path, page: &Path, asked: &Path, count: usize) {
    let mut ask = app!();
    ask.arg("ask").arg(model).arg("--json");
    let ours = json_lines(&done(ask.stdin(File::open(asked).unwrap())));
    let mut ask = Command::new(node);
    ask.arg(script("ask_page.mjs")).arg(page);
    let theirs = json_lines(&done(ask.stdin(File::open(asked).unwrap())));
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
            assert!((a - b).abs() < 1e-5, "{question}: {a} {b}");
        }
    }
}

#[test]
fn a_page_shows_hostile_answers_as_text() {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let Some(browser) = program(&names, "no page was opened in a browser") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let [faq, model, page] = ["faq.jsonl", "model", "page.html"].map(|name| dir.path().join(name));
    let hostile = "</script><img src=x onerror=\"document.title='owned'\"><!-- \u{2028}\u{2029} {{title}} &lt;";
    let mut rows = format!(
        "{}\n",
        serde_json::json!({"question": "What is <b>hostile</b>?", "answer": hostile})
    );
    for n in 0..10 {
        rows +=
            &format!("{{\"question\": \"How much is number {n}?\", \"answer\": \"It is {n}.\"}}\n");
    }
    save(&faq, rows);
    train(&faq, &model);
    export(&model, "page", &page);
    let mut open = Command::new(browser);
    // Chromium's own sandbox does not go with root, which tests may run as.
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
    let shown = String::from_utf8(done(&mut open).stdout).unwrap();
    let escaped = "&lt;/script&gt;&lt;img src=x onerror=\"document.title='owned'\"&gt;&lt;!-- \u{2028}\u{2029} {{title}} &amp;lt;";
    assert!(shown.contains("data-ready"), "the page was made ready");
    assert!(shown.contains(&format!("<p class=\"answer\">{escaped}</p>")));
    assert!(shown.contains("<h2>What is &lt;b&gt;hostile&lt;/b&gt;?</h2>"));
    assert!(shown.contains("<title>Frequently asked questions</title>"));
    assert!(!shown.contains("<img"), "nothing of an answer is HTML");
}

#[test]
fn a_network_is_too_large_for_a_page() {
    minilm();
    let dir = tempfile::tempdir().unwrap();
    let [faq, model, page] = ["faq.csv", "model", "page.html"].map(|name| dir.path().join(name));
    let rows = (0..6).map(|n| format!("What is number {n}?,It is {n}.\n"));
    save(
        &faq,
        rows.fold("question,answer\n".to_owned(), |all, row| all + &row),
    );
    let mut train = app!();
    train.arg("train").arg(&faq).arg("--out").arg(&model);
    done(train.args(["--encoder", "minilm", "--epochs", "1"]));
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

/// A Python that has what `tests/export/requirements.txt` says: `NEARSAY_EXPORT_PYTHON`, or `python3`.
fn python() -> Option<String> {
    let python = std::env::var("NEARSAY_EXPORT_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&python);
    command
        .args([
            "-c",
            "import duckdb, numpy, pgserver, pyarrow, qdrant_client",
        ])
        .stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    say_loudly(&format!(
        "{python} has not what tests/export/requirements.txt says, so NumPy, Parquet, PostgreSQL and Qdrant were \
         not asked; name one that has with NEARSAY_EXPORT_PYTHON"
    ));
    None
}

#[test]
fn vectors_give_the_answers_that_ask_gives() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    train(&sample("library_faq.jsonl"), &at("model"));
    // There words do not count, so here neither.
    let manifest = at("model").join("nearsay.json");
    let mut says: Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    says.as_object_mut().unwrap().remove("words");
    save(&manifest, says.to_string());
    let asked = at("asked");
    let text = std::fs::read_to_string(sample("library_questions.jsonl")).unwrap();
    let row = |line| serde_json::from_str::<Value>(line).unwrap()["question"].clone();
    let lines = text
        .lines()
        .step_by(4)
        .map(|line| format!("{}\n", row(line).as_str().unwrap()));
    save(&asked, lines.collect::<String>());
    let mut check = Command::new(python);
    check
        .arg(script("same_answers.py"))
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
    println!("{}", String::from_utf8_lossy(&done(&mut check).stdout));
}
