//! `nearsay serve` as its clients meet it.

mod access;
mod bare;
mod description;
mod edits;
mod load;
mod openai;

use nearsay_tests::{
    app, done, json_lines, sample, save,
    server::{Client, Reply, Server},
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

const TOKEN: &str = "a-token-of-the-tests";

/// A folder trained once for all tests; those that change it take a copy.
fn model() -> &'static Path {
    static MODEL: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, model) = MODEL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("library");
        let mut train = app!();
        train.arg("train").arg(sample("library_faq.jsonl"));
        train.arg("--out").arg(&model);
        done(train.args(["--encoder", "compact", "--seed", "1"]));
        (dir, model)
    });
    model
}

fn copy() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    done(Command::new("cp").arg("-r").arg(model()).arg(dir.path()));
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
    Client::new(token, Duration::from_secs(20))
}

fn send(server: &Server, client: &Client, method: &str, path: &str, body: Option<Value>) -> Reply {
    client
        .send(method, &server.url(path), body.as_ref())
        .unwrap()
}

/// Asks without a token.
fn post(server: &Server, path: &str, body: Value) -> Reply {
    send(server, &client(None), "POST", path, Some(body))
}

fn get(server: &Server, path: &str) -> Reply {
    send(server, &client(None), "GET", path, None)
}

fn best(reply: &Reply) -> Value {
    reply.json()["answers"][0].clone()
}

/// Vectors as numbers, however these are written.
fn rows(vectors: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(vectors.clone()).unwrap()
}

fn refused(command: &mut Command, words: &str) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(words), "{stderr}");
}

/// What comes back for a request written by hand.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn it_answers_as_the_command_line_does() {
    let server = Server::start(&mut serve(model()));
    let question = "my daughter lost her card, what now";
    let reply = post(&server, "/ask", json!({"question": question, "k": 5}));
    assert_eq!(reply.status, 200, "{reply:?}");
    let asked = reply.json();
    let mut ask = app!();
    ask.arg("ask").arg(model()).arg(question);
    let expected = &json_lines(&done(ask.args(["--top", "5", "--json"])))[0];
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
    // Of one answer no more and no less is said than of the same among five.
    let alone = post(&server, "/ask", json!({"question": question, "k": 1})).json();
    assert_eq!(alone["answers"][0], answers[0]);
    // Three by default, of the same.
    let three = post(&server, "/ask", json!({"question": question})).json();
    assert_eq!(three["answers"].as_array().unwrap()[..], answers[..3]);

    let texts = ["Can I renew?", "図書館 🙂"];
    let vectors = post(&server, "/encode", json!({"texts": texts})).json()["vectors"].clone();
    let file = tempfile::NamedTempFile::new().unwrap();
    save(file.path(), texts.join("\n"));
    let mut encode = app!();
    encode.arg("encode").arg(model()).arg("--json");
    let encoded = encode.stdin(std::fs::File::open(file.path()).unwrap());
    let expected = Value::from(json_lines(&done(encoded)));
    assert_eq!(rows(&vectors), rows(&expected));
}

#[test]
fn what_is_wrong_is_said_in_plain_words() {
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
        ("GET", &url, None, 405, "does not support this method"),
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
            "not an answer id",
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
    // Nothing of that has harmed it.
    assert_eq!(
        post(&server, "/ask", json!({"question": "card?"})).status,
        200
    );
}

#[test]
fn what_cannot_be_served_is_said() {
    let (dir, model) = copy();
    refused(
        &mut serve(&dir.path().join("none")),
        "there is no exported model here",
    );
    let taken = Server::start(&mut serve(&model));
    let port = taken.address().rsplit_once(':').unwrap().1.to_owned();
    let mut second = app!();
    second.arg("serve").arg(&model).args(["--port", &port]);
    refused(&mut second, "--port");
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    save(&model.join("answers.jsonl"), texts.replacen('a', "b", 1));
    refused(&mut serve(&model), "the model is damaged: answers.jsonl");
}
