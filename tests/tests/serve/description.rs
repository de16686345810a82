//! `/openapi.json` is complete and correct: every endpoint is called as described and replies as
//! described.

use super::{TOKEN, best, client, copy, get, send, serve};
use nearsay_tests::server::Server;
use serde_json::{Value, json};

/// Asserts that a value matches a schema and has no undescribed fields.
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
fn openapi_document_matches_server() {
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
    // In this order, an added answer is read, replaced and removed.
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
            let response = &operation["responses"][reply.status.to_string()];
            assert!(
                (200..300).contains(&reply.status),
                "{method} {path}: {reply:?}"
            );
            assert!(
                response.is_object(),
                "{method} {path}: status {} is not described",
                reply.status
            );
            let content = &response["content"]["application/json"];
            if let Some(schema) = content.get("schema") {
                check(&reply.json(), schema, &document, path);
            }
            // Refused requests match the description too.
            let failure = &operation["responses"]["401"]["content"]["application/json"]["schema"];
            if failure.is_object() {
                let stranger = super::client(None);
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
