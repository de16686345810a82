//! A model without answers encodes; all other endpoints say why they can't answer.

use super::{TOKEN, client, copy, get, model, post, rows, send, serve};
use nearsay::servable::{Confidence, Reissue};
use nearsay_store::DiskStore;
use nearsay_tests::server::Server;
use serde_json::json;
use std::path::PathBuf;

fn model_without_answers() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let bare = dir.path().join("bare");
    let only = Reissue {
        from: model(),
        data: None,
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
    };
    only.write(&DiskStore, &bare).unwrap();
    (dir, bare)
}

#[test]
fn model_without_answers_encodes_and_refuses_questions() {
    let (_dir, bare) = model_without_answers();
    let server = Server::start(serve(&bare).args(["--token", TOKEN]));
    let owner = client(Some(TOKEN));
    let ask = |path: &str, body| send(&server, &owner, "POST", path, Some(body));
    let texts = json!({"texts": ["Can I renew?", "card"]});
    let vectors = ask("/encode", texts.clone());
    let whole = Server::start(&mut serve(model()));
    let expected = post(&whole, "/encode", texts);
    assert_eq!(
        rows(&vectors.json()["vectors"]),
        rows(&expected.json()["vectors"])
    );
    let embedded = ask("/v1/embeddings", json!({"input": "card", "model": "bare"})).json();
    assert_eq!(
        rows(&json!([embedded["data"][0]["embedding"]])),
        rows(&expected.json()["vectors"])[1..]
    );
    let health = get(&server, "/health").json();
    assert_eq!(health["answers"], 0);
    assert_eq!(health["editable"], false);
    let answer = json!({"answer": "In the attic.", "wordings": ["Where is the cat?"]});
    let document = get(&server, "/openapi.json").json();
    for (method, path, body) in [
        ("POST", "/ask", Some(json!({"question": "card?"}))),
        ("POST", "/answers", Some(answer.clone())),
        ("GET", "/answers/{id}", None),
        ("PUT", "/answers/{id}", Some(answer)),
        ("DELETE", "/answers/{id}", None),
    ] {
        let reply = send(&server, &owner, method, &path.replace("{id}", "0123"), body);
        let error = reply.json()["error"].clone();
        assert_eq!(
            (reply.status, error["code"].as_str()),
            (409, Some("no_answers"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("without answers") && message.contains("export it again"));
        let response = &document["paths"][path][method.to_lowercase()]["responses"]["409"];
        let described = response["description"].as_str().unwrap();
        assert!(
            described.contains("without answers"),
            "{method} {path}: {described}"
        );
    }
    let page = get(&server, "/").text;
    assert!(page.contains("holds a model without answers"));
    assert_eq!(get(&server, "/metrics").status, 401);
}

#[test]
fn newer_format_version_is_refused() {
    let (_dir, model) = copy();
    let manifest = model.join("nearsay.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
    nearsay_tests::write_file(&manifest, newer);
    for command in ["serve", "ask", "encode", "eval"] {
        let mut app = nearsay_tests::app!();
        app.arg(command).arg(&model);
        match command {
            "ask" => drop(app.arg("card?")),
            "eval" => drop(app.arg(nearsay_tests::sample_file("library_questions.jsonl"))),
            _ => {}
        }
        super::assert_refused(&mut app, "written by a newer version of Nearsay");
    }
}
