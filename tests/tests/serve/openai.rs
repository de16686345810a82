//! The endpoints of OpenAI's API.

use super::{get, model, post, serve};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nearsay_tests::server::Server;
use serde_json::{Value, json};

#[test]
fn openai_endpoints_match_openai_api() {
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

    // Several batches keep the order of their texts.
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
