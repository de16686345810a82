//! `nearsay serve`, tested through HTTP.

mod access;
mod bare;
mod description;
mod edits;
mod load;
mod openai;

use nearsay_tests::{
    app, json_lines, run_ok, sample_file,
    server::{Client, HANG, Reply, Server},
    write_file,
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const TOKEN: &str = "a-token-of-the-tests";

/// Model trained once for all tests; tests that change it take a copy.
fn model() -> &'static Path {
    static MODEL: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, model) = MODEL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("library");
        let mut train = app!();
        train.arg("train").arg(sample_file("library_faq.jsonl"));
        train.arg("--out").arg(&model);
        run_ok(train.args(["--encoder", "compact", "--seed", "1"]));
        (dir, model)
    });
    model
}

fn copy() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    run_ok(Command::new("cp").arg("-r").arg(model()).arg(dir.path()));
    let copy = dir.path().join("library");
    (dir, copy)
}

fn serve(model: &Path) -> Command {
    let mut command = app!();
    command.env_remove("NEARSAY_TOKEN");
    command.arg("serve").arg(model).args(["--port", "0"]);
    command
}

fn client(token: Option<&str>) -> Client {
    Client::new(token, HANG)
}

fn send(server: &Server, client: &Client, method: &str, path: &str, body: Option<Value>) -> Reply {
    client
        .send(method, &server.url(path), body.as_ref())
        .unwrap()
}

/// Posts JSON without a token.
fn post(server: &Server, path: &str, body: Value) -> Reply {
    send(server, &client(None), "POST", path, Some(body))
}

fn get(server: &Server, path: &str) -> Reply {
    send(server, &client(None), "GET", path, None)
}

fn best(reply: &Reply) -> Value {
    reply.json()["answers"][0].clone()
}

/// Vectors of a reply.
fn rows(vectors: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(vectors.clone()).unwrap()
}

/// Asserts that a command fails with exit code 1 and a message that contains `words`.
fn assert_refused(command: &mut Command, words: &str) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(words), "{stderr}");
}

/// Sends a raw request and returns the reply.
fn send_raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn ask_and_encode_match_command_line() {
    let server = Server::start(&mut serve(model()));
    let question = "my daughter lost her card, what now";
    let reply = post(&server, "/ask", json!({"question": question, "k": 5}));
    assert_eq!(reply.status, 200, "{reply:?}");
    let asked = reply.json();
    let mut ask = app!();
    ask.arg("ask").arg(model()).arg(question);
    let expected = &json_lines(&run_ok(ask.args(["--top", "5", "--json"])))[0];
    let answers = asked["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 5);
    for (found, expected) in answers.iter().zip(expected["answers"].as_array().unwrap()) {
        assert_eq!(found["answer"], expected["answer"]);
        assert_eq!(found["wording"], expected["question"]);
        for score in ["score", "meaning", "words", "probability"] {
            assert_eq!(found[score], expected[score], "{score}");
        }
        assert_eq!(found["id"].as_str().unwrap().len(), 16);
    }
    assert_eq!(asked["sure"], expected["confident"]);
    assert_eq!(asked["sure"], answers[0]["sure"]);
    // `k` doesn't change the fields of an answer.
    let alone = post(&server, "/ask", json!({"question": question, "k": 1})).json();
    assert_eq!(alone["answers"][0], answers[0]);
    // The default is the first three.
    let three = post(&server, "/ask", json!({"question": question})).json();
    assert_eq!(three["answers"].as_array().unwrap()[..], answers[..3]);

    let texts = ["Can I renew?", "図書館 🙂"];
    let vectors = post(&server, "/encode", json!({"texts": texts})).json()["vectors"].clone();
    let file = tempfile::NamedTempFile::new().unwrap();
    write_file(file.path(), texts.join("\n"));
    let mut encode = app!();
    encode.arg("encode").arg(model()).arg("--json");
    let encoded = encode.stdin(std::fs::File::open(file.path()).unwrap());
    let expected = Value::from(json_lines(&run_ok(encoded)));
    assert_eq!(rows(&vectors), rows(&expected));
}

#[test]
fn bad_requests_get_status_and_message() {
    let server = Server::start(&mut serve(model()));
    let url = server.url("/ask");
    let long = format!("{{\"question\": \"{}\"}}", "a".repeat(20_000));
    let huge = format!("{{\"question\": \"{}\"}}", "a".repeat(5 << 20));
    for (method, url, body, status, words) in [
        ("POST", &url, Some("{"), 400, "is not JSON"),
        ("POST", &url, Some("{}"), 400, "missing field `question`"),
        (
            "POST",
            &url,
            Some("{\"question\": 7}"),
            400,
            "question: invalid type",
        ),
        (
            "POST",
            &url,
            Some("{\"question\": \"a\", \"top\": 7}"),
            400,
            "unknown field `top`",
        ),
        (
            "POST",
            &url,
            Some("{\"question\": \" \"}"),
            400,
            "the question is empty",
        ),
        (
            "POST",
            &url,
            Some("{\"question\": \"a\", \"k\": 0}"),
            400,
            "from 1 to 100",
        ),
        (
            "POST",
            &url,
            Some("{\"question\": \"a\", \"k\": 101}"),
            400,
            "from 1 to 100",
        ),
        ("POST", &url, Some(&*long), 413, "at most 16384"),
        ("POST", &url, Some(&*huge), 413, "body is too large"),
        ("POST", &url, None, 415, "Content-Type"),
        ("GET", &url, None, 405, "does not know this method"),
        (
            "GET",
            &server.url("/nothing"),
            None,
            404,
            "no such endpoint",
        ),
        (
            "GET",
            &server.url("/answers/%FF"),
            None,
            400,
            "no answer's id",
        ),
        (
            "GET",
            &server.url("/answers/x"),
            None,
            404,
            "no answer with the id",
        ),
    ] {
        let reply = client(None).send_text(method, url, body).unwrap();
        let error = reply.json()["error"].clone();
        assert_eq!(reply.status, status, "{words}: {error}");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
        assert!(error["code"].is_string());
    }
    let many = vec!["a"; 2049];
    assert_eq!(post(&server, "/encode", json!({"texts": many})).status, 413);
    // The server still answers.
    assert_eq!(
        post(&server, "/ask", json!({"question": "card?"})).status,
        200
    );
}

#[test]
fn serve_refuses_missing_model_used_port_and_damaged_model() {
    let (dir, model) = copy();
    assert_refused(
        &mut serve(&dir.path().join("none")),
        "there is no exported model here",
    );
    let taken = Server::start(&mut serve(&model));
    let port = taken.address().rsplit_once(':').unwrap().1.to_owned();
    let mut second = app!();
    second.arg("serve").arg(&model).args(["--port", &port]);
    assert_refused(&mut second, "--port");
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    write_file(&model.join("answers.jsonl"), texts.replacen('a', "b", 1));
    assert_refused(&mut serve(&model), "the model is damaged: answers.jsonl");
}
