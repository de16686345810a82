//! `nearsay serve` as its clients meet it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
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
    time::{Duration, Instant},
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
        for score in ["score", "meaning", "words"] {
            assert_eq!(found[score], expected[score], "{score}");
        }
        assert_eq!(found["id"].as_str().unwrap().len(), 16);
        assert_eq!(
            found["sure"],
            found["score"].as_f64() >= asked["threshold"].as_f64()
        );
    }
    assert_eq!(asked["sure"], expected["confident"]);
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
fn clients_of_openai_find_what_they_know() {
    let server = Server::start(&mut serve(model()));
    let models = get(&server, "/v1/models").json();
    assert_eq!(models["object"], "list");
    assert_eq!(models["data"][0]["object"], "model");
    let name = models["data"][0]["id"].clone();
    assert_eq!(name, "library");
    assert!(models["data"][0]["created"].as_u64().unwrap() > 1_700_000_000);

    let ask = |body: Value| post(&server, "/v1/embeddings", body);
    let many = ask(json!({"model": name, "input": ["a card", "a book"], "user": "u"})).json();
    assert_eq!((&many["object"], &many["model"]), (&json!("list"), &name));
    assert_eq!(many["data"].as_array().unwrap().len(), 2);
    let second = &many["data"][1];
    assert_eq!(second["object"], "embedding");
    assert_eq!(second["index"], 1);
    let one = ask(json!({"model": name, "input": "a book"})).json();
    assert_eq!(one["data"][0]["embedding"], second["embedding"]);
    assert_eq!(one["usage"], json!({"prompt_tokens": 2, "total_tokens": 2}));
    assert_eq!(many["usage"]["total_tokens"], 4);

    let coded = ask(json!({"input": "a book", "encoding_format": "base64"})).json();
    let bytes = coded["data"][0]["embedding"].as_str().unwrap();
    let bytes = BASE64_STANDARD.decode(bytes).unwrap();
    let values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four));
    let numbers = second["embedding"].as_array().unwrap();
    assert_eq!(numbers.len(), bytes.len() / 4);
    for (value, number) in values.zip(numbers) {
        assert_eq!(
            Some(f64::from(value) as f32),
            number.as_f64().map(|n| n as f32)
        );
    }

    // More than one piece of work, in their order.
    let texts: Vec<String> = (0..100).map(|number| format!("shelf {number}")).collect();
    let rows = ask(json!({"input": texts})).json()["data"].clone();
    let last = ask(json!({"input": "shelf 99"})).json();
    assert_eq!(rows.as_array().unwrap().len(), 100);
    assert_eq!(rows[99]["embedding"], last["data"][0]["embedding"]);

    for (body, status, words) in [
        (
            json!({"input": "a", "model": "other"}),
            404,
            "it has “library”",
        ),
        (json!({"input": [1, 2]}), 400, "tokens by number"),
        (json!({"input": []}), 400, "no text"),
        (json!({"input": ["a", ""]}), 400, "text 2 is empty"),
        (json!({"input": "a", "dimensions": 3}), 400, "dimensions"),
        (json!({}), 400, "input"),
    ] {
        let reply = ask(body.clone());
        let error = reply.json()["error"].clone();
        assert_eq!(reply.status, status, "{body}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
    }
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
    // Nothing of that has harmed it.
    assert_eq!(
        post(&server, "/ask", json!({"question": "card?"})).status,
        200
    );
}

#[test]
fn who_may_ask() {
    refused(
        serve(model()).args(["--host", "0.0.0.0"]),
        "without a token",
    );
    refused(
        serve(model()).args(["--token", "short"]),
        "could be guessed",
    );
    let server = Server::start(serve(model()).args(["--read-only", "--token", TOKEN]));
    let ask = |client: &Client| {
        let question = Some(json!({"question": "card?"}));
        send(&server, client, "POST", "/ask", question)
    };
    let stranger = ask(&client(None));
    assert_eq!(stranger.status, 401);
    assert_eq!(stranger.header("www-authenticate"), "Bearer");
    assert_eq!(ask(&client(Some("another-token-of-tests"))).status, 401);
    assert_eq!(ask(&client(Some(TOKEN))).status, 200);
    for path in ["/metrics", "/v1/models", "/answers/x", "/nothing"] {
        assert_eq!(get(&server, path).status, 401, "{path}");
    }
    for path in ["/", "/health", "/openapi.json"] {
        assert_eq!(get(&server, path).status, 200, "{path}");
    }
    // In the environment, and for all to reach.
    let mut open = serve(model());
    open.env("NEARSAY_TOKEN", TOKEN)
        .args(["--host", "0.0.0.0", "--read-only"]);
    let server = Server::start(&mut open);
    let port = server.address().rsplit_once(':').unwrap().1;
    let url = format!("http://127.0.0.1:{port}/v1/models");
    assert_eq!(
        client(Some(TOKEN)).send("GET", &url, None).unwrap().status,
        200
    );
    assert_eq!(client(None).send("GET", &url, None).unwrap().status, 401);
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
fn pages_of_elsewhere_get_nothing() {
    let server = Server::start(&mut serve(model()));
    let body = "{\"question\": \"card?\"}";
    let ask = |host: &str, kind: &str| {
        let length = body.len();
        raw(
            &server,
            &format!(
                "POST /ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n\
                 Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ),
        )
    };
    // Its own name, pointed here.
    let rebound = ask("evil.example:8080", "application/json");
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    assert!(rebound.contains("--allow-host"), "{rebound}");
    // What a browser sends without asking first.
    assert!(ask("localhost", "text/plain").starts_with("HTTP/1.1 415"));
    let fair = ask("localhost", "application/json");
    assert!(fair.starts_with("HTTP/1.1 200"), "{fair}");
    assert!(!fair.to_lowercase().contains("access-control"), "{fair}");
}

#[test]
fn the_page_asks_nobody_else() {
    let server = Server::start(&mut serve(model()));
    let page = get(&server, "/");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert!(
        policy.contains("connect-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    // Nothing that the policy would refuse: no handlers or styles in elements, nothing from elsewhere.
    for never in [
        "http://",
        "https://",
        "style=",
        "onclick",
        "src=",
        "innerHTML",
    ] {
        assert!(!page.text.contains(never), "{never}");
    }
    for always in [
        "lang=\"en\"",
        "aria-live=\"polite\"",
        "<label for=\"question\"",
        "prefers-color-scheme",
    ] {
        assert!(page.text.contains(always), "{always}");
    }
}

/// Whether a value is as a schema of the description says, and nothing else.
fn check(value: &Value, schema: &Value, document: &Value, at: &str) {
    if let Some(place) = schema["$ref"].as_str() {
        let schema = document.pointer(place.trim_start_matches('#')).unwrap();
        return check(value, schema, document, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &Value| std::panic::catch_unwind(|| check(value, choice, document, at));
        assert_eq!(
            choices.iter().filter(|choice| fits(choice).is_ok()).count(),
            1,
            "{at}: {value}"
        );
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let whole = kind == "integer" && kinds.contains(&json!("number"));
    assert!(
        whole || kinds.contains(&json!(kind)),
        "{at}: {value} is not {kinds:?}"
    );
    if let Value::Array(items) = value {
        items
            .iter()
            .for_each(|item| check(item, &schema["items"], document, at));
    }
    if let Value::Object(fields) = value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in required {
            assert!(
                fields.contains_key(name.as_str().unwrap()),
                "{at} lacks {name}"
            );
        }
        for (name, value) in fields {
            let schema = &schema["properties"][name];
            assert!(schema.is_object(), "{at}.{name} is not described");
            check(value, schema, document, &format!("{at}.{name}"));
        }
    }
}

#[test]
fn the_description_is_complete_and_true() {
    let (_dir, model) = copy();
    let server = Server::start(serve(&model).args(["--token", TOKEN]));
    let document = get(&server, "/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let client = client(Some(TOKEN));
    let body = |path: &str| match path {
        "/ask" => Some(json!({"question": "card?", "k": 2})),
        "/encode" => Some(json!({"texts": ["a", "b"]})),
        "/v1/embeddings" => Some(json!({"input": "a"})),
        "/answers" => Some(json!({"answer": "In the attic.", "wordings": ["Where is the cat?"]})),
        _ => Some(json!({"answer": "In the cellar.", "wordings": [], "source": "pets"})),
    };
    let mut known = Vec::new();
    // In this order: what is added is then read, replaced and removed.
    for method in ["post", "get", "put", "delete"] {
        for (path, item) in document["paths"].as_object().unwrap() {
            let Some(operation) = item.get(method) else {
                continue;
            };
            known.push(format!("{method} {path}"));
            let text = if method == "delete" {
                "In the cellar."
            } else {
                "In the attic."
            };
            let question = Some(json!({"question": text, "k": 1}));
            let id = best(&send(&server, &client, "POST", "/ask", question))["id"].clone();
            let place = path.replace("{id}", id.as_str().unwrap());
            let sent = match method {
                "post" | "put" => body(path),
                _ => None,
            };
            if let Some(sent) = &sent {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                check(sent, schema, &document, path);
            }
            let reply = send(&server, &client, &method.to_uppercase(), &place, sent);
            let told = &operation["responses"][reply.status.to_string()];
            assert!(
                (200..300).contains(&reply.status),
                "{method} {path}: {reply:?}"
            );
            assert!(
                told.is_object(),
                "{method} {path}: {} is not told",
                reply.status
            );
            let content = &told["content"]["application/json"];
            if let Some(schema) = content.get("schema") {
                check(&reply.json(), schema, &document, path);
            }
            // And what is refused is as it is told.
            let failure = &operation["responses"]["401"]["content"]["application/json"]["schema"];
            if failure.is_object() {
                let stranger = client_without();
                let reply = send(&server, &stranger, &method.to_uppercase(), &place, None);
                assert_eq!(reply.status, 401, "{method} {path}");
                check(&reply.json(), failure, &document, path);
            }
        }
    }
    known.sort();
    let expected = [
        "delete /answers/{id}",
        "get /",
        "get /answers/{id}",
        "get /health",
        "get /metrics",
        "get /openapi.json",
        "get /v1/models",
        "post /answers",
        "post /ask",
        "post /encode",
        "post /v1/embeddings",
        "put /answers/{id}",
    ];
    assert_eq!(known, expected);
}

fn client_without() -> Client {
    client(None)
}

#[test]
fn edits_are_there_at_once_and_after_a_loss_of_power() {
    let (_dir, model) = copy();
    let owner = client(Some(TOKEN));
    let start = || Server::start(serve(&model).args(["--token", TOKEN]));
    let ask = |server: &Server, question: &str| {
        let body = Some(json!({"question": question}));
        best(&send(server, &owner, "POST", "/ask", body))
    };
    let server = start();
    let count = |server: &Server| get(server, "/health").json()["answers"].as_u64().unwrap();
    let before = count(&server);
    let cat = json!({"answer": "The cat is called Folio.", "wordings": ["What is the cat called?"],
                     "source": "pets"});
    let added = send(&server, &owner, "POST", "/answers", Some(cat.clone()));
    assert_eq!(added.status, 201, "{added:?}");
    let id = added.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(added.header("location"), format!("/answers/{id}"));
    let found = ask(&server, "What is the cat called?");
    assert_eq!(found["id"], id);
    assert_eq!(found["source"], "pets");
    assert_eq!(
        send(&server, &owner, "POST", "/answers", Some(cat)).status,
        409
    );

    let other =
        json!({"answer": "The cat is called Quarto.", "wordings": ["What is the cat called?"]});
    let replaced = send(
        &server,
        &owner,
        "PUT",
        &format!("/answers/{id}"),
        Some(other),
    );
    assert_eq!(replaced.status, 200, "{replaced:?}");
    let new_id = replaced.json()["id"].as_str().unwrap().to_owned();
    assert_ne!(new_id, id);
    let gone = send(&server, &owner, "DELETE", &format!("/answers/{id}"), None);
    assert_eq!(gone.status, 404);
    let first = ask(&server, "Can I renew?")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let removed = send(
        &server,
        &owner,
        "DELETE",
        &format!("/answers/{first}"),
        None,
    );
    assert_eq!((removed.status, &*removed.text), (204, ""));

    // Nobody else edits the folder meanwhile; who only reads it sees the same.
    refused(
        serve(&model).args(["--token", TOKEN]),
        "another server is editing",
    );
    let reader = Server::start(&mut serve(&model));
    let asked = post(
        &reader,
        "/ask",
        json!({"question": "What is the cat called?"}),
    );
    assert_eq!(best(&asked)["id"], new_id);
    let refusal = post(&reader, "/answers", json!({"answer": "a"}));
    assert_eq!(refusal.status, 403);
    assert!(refusal.text.contains("NEARSAY_TOKEN"), "{refusal:?}");

    assert!(model.join("edits.jsonl").exists());
    server.kill();
    let server = start();
    // Folded into the files that others read.
    assert!(!model.join("edits.jsonl").exists());
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    assert!(texts.contains("Quarto") && !texts.contains("Folio"));
    assert_eq!(count(&server), before);
    let found = ask(&server, "What is the cat called?");
    assert_eq!(found["answer"], "The cat is called Quarto.");
    assert!(found["score"].as_f64().unwrap() > 0.99, "{found}");
    assert_ne!(ask(&server, "Can I renew?")["id"], first);
    // A server that ends in peace leaves no journal.
    let removed = send(
        &server,
        &owner,
        "DELETE",
        &format!("/answers/{new_id}"),
        None,
    );
    assert_eq!(removed.status, 204);
    server.ask_to_end();
    assert!(server.wait().success());
    assert!(!model.join("edits.jsonl").exists());
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    assert!(!texts.contains("Quarto"));
}

#[test]
fn too_much_is_refused_and_the_rest_answered() {
    let server = Server::start(serve(model()).args(["--queue", "32"]));
    // Slow to encode, so that questions wait behind them.
    let slow = json!({"texts": vec!["word ".repeat(3_000); 64]});
    let (mut accepted, mut shed) = (0, 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| post(&server, "/encode", slow.clone())))
            .collect();
        for thread in threads {
            let reply = thread.join().unwrap();
            match reply.status {
                200 => {
                    accepted += 1;
                    assert_eq!(reply.json()["vectors"].as_array().unwrap().len(), 64);
                }
                503 => {
                    shed += 1;
                    assert_eq!(reply.header("retry-after"), "1");
                    assert_eq!(reply.json()["error"]["code"], "overloaded");
                }
                status => panic!("{status}: {reply:?}"),
            }
        }
    });
    assert!(accepted > 0 && shed > 0, "{accepted} accepted, {shed} shed");
    let metrics = get(&server, "/metrics");
    assert_eq!(
        metrics.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for line in [
        format!("nearsay_sheds_total {shed}"),
        format!("nearsay_requests_total{{endpoint=\"/encode\",status=\"503\"}} {shed}"),
        format!("nearsay_requests_total{{endpoint=\"/encode\",status=\"200\"}} {accepted}"),
        "nearsay_request_seconds_count{endpoint=\"/encode\"} 24".into(),
        "nearsay_errors_total 0".into(),
        "nearsay_queue_texts 0".into(),
    ] {
        assert!(
            metrics.text.lines().any(|told| told == line),
            "{line} not in\n{}",
            metrics.text
        );
    }
}

#[test]
fn it_ends_in_peace() {
    let server = Server::start(&mut serve(model()));
    // A request that is under way, its body half sent.
    let body = "{\"question\": \"card?\"}";
    let (half, rest) = body.split_at(8);
    let length = body.len();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = "POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{half}").unwrap();
    // One that has asked, and says nothing more.
    let idle = client(None);
    let url = server.url("/health");
    assert_eq!(idle.send("GET", &url, None).unwrap().status, 200);
    let started = Instant::now();
    server.ask_to_end();
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        TcpStream::connect(server.address()).is_err(),
        "takes nobody more"
    );
    stream.write_all(rest.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(server.wait().success());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_sender_that_never_ends_is_left() {
    let server = Server::start(serve(model()).args(["--timeout", "1"]));
    let head = "POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let reply = raw(&server, &format!("{head}Content-Length: 100\r\n\r\n{{"));
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply}");
    assert!(reply.contains("longer than 1 seconds"), "{reply}");
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
