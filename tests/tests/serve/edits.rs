//! Edits are saved before they are acknowledged.

use super::{TOKEN, assert_refused, best, client, copy, get, post, send, serve};
use nearsay_tests::server::Server;
use serde_json::json;

#[test]
fn edits_apply_at_once_and_survive_kill() {
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

    // A second editor is refused; a read-only server sees the edits.
    assert_refused(
        serve(&model).args(["--token", TOKEN]),
        "another process is editing",
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
    // The journal is merged into the model files.
    assert!(!model.join("edits.jsonl").exists());
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    assert!(texts.contains("Quarto") && !texts.contains("Folio"));
    assert_eq!(count(&server), before);
    let found = ask(&server, "What is the cat called?");
    assert_eq!(found["answer"], "The cat is called Quarto.");
    assert!(found["score"].as_f64().unwrap() > 0.99, "{found}");
    assert_ne!(ask(&server, "Can I renew?")["id"], first);
    // A graceful shutdown leaves no journal.
    let removed = send(
        &server,
        &owner,
        "DELETE",
        &format!("/answers/{new_id}"),
        None,
    );
    assert_eq!(removed.status, 204);
    server.terminate();
    assert!(server.wait().success());
    assert!(!model.join("edits.jsonl").exists());
    let texts = std::fs::read_to_string(model.join("answers.jsonl")).unwrap();
    assert!(!texts.contains("Quarto"));
}

#[test]
fn other_files_in_model_directory_survive_edits() {
    let (_dir, model) = copy();
    std::fs::create_dir_all(model.join(".git/refs")).unwrap();
    let others = ["Dockerfile", ".git/HEAD", "my-source-faq.jsonl"];
    for file in others {
        nearsay_tests::write_file(&model.join(file), "mine");
    }
    let assert_unchanged = |when: &str| {
        for file in others {
            assert_eq!(std::fs::read(model.join(file)).unwrap(), b"mine", "{when}");
        }
        assert!(model.join(".git/refs").is_dir(), "{when}");
        assert!(!model.join("edits.jsonl").exists(), "{when}");
    };
    let owner = client(Some(TOKEN));
    for (cat, graceful) in [("Folio", true), ("Quarto", false)] {
        let server = Server::start(serve(&model).args(["--token", TOKEN]));
        assert_unchanged("started");
        let cat = json!({"answer": format!("The cat is called {cat}.")});
        let added = send(&server, &owner, "POST", "/answers", Some(cat));
        assert_eq!(added.status, 201, "{added:?}");
        if graceful {
            server.terminate();
            assert!(server.wait().success());
            assert_unchanged("ended");
        } else {
            server.kill();
        }
    }
    let server = Server::start(serve(&model).args(["--token", TOKEN]));
    assert_unchanged("started again");
    server.terminate();
    assert!(server.wait().success());
}
