use super::*;
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
};

/// A request the server received.
struct Call {
    /// In lower case.
    head: String,
    body: String,
}

/// Starts a server that gives these responses, one per call, and returns the calls.
fn serve(answers: &'static [(u16, &'static str)]) -> (String, thread::JoinHandle<Vec<Call>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = thread::Builder::new().spawn(move || {
        let mut calls = Vec::new();
        for (status, body) in answers {
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                head += &std::mem::take(&mut line).to_lowercase();
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut sent = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
            reader.read_exact(&mut sent).unwrap();
            let sent = String::from_utf8(sent).unwrap();
            calls.push(Call { head, body: sent });
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
        calls
    });
    (url, serving.unwrap())
}

fn call(
    answers: &'static [(u16, &'static str)],
) -> (Result<Option<Value>, QdrantError>, Vec<Call>) {
    let (url, serving) = serve(answers);
    let server = Server::new(&url, Some("secret".to_owned())).unwrap();
    let result = server.call("PUT", "/collections/faq", &json!({"a": 1}));
    (result, serving.join().unwrap())
}

#[test]
fn call_retries_while_server_is_busy() {
    let (result, calls) = call(&[(503, ""), (429, ""), (200, r#"{"result": [7]}"#)]);
    assert_eq!(result.unwrap(), Some(json!([7])));
    assert_eq!(calls.len(), 3);
    for Call { head, body } in calls {
        assert!(head.starts_with("put /collections/faq http/1.1"), "{head}");
        assert!(head.contains("api-key: secret"), "{head}");
        assert_eq!(body, r#"{"a":1}"#);
    }
}

#[test]
fn call_reports_permanent_errors_without_retry() {
    assert_eq!(call(&[(404, "{}")]).0.unwrap(), None);
    for (answers, expected) in [
        (&[(401, "")][..], "key"),
        (&[(403, "")], "key"),
        (&[(400, "{}")], "rejects"),
        (&[(302, "")], "rejects"),
        (&[(200, "<html>")], "not like Qdrant"),
        (&[(200, "{}")], "not like Qdrant"),
    ] {
        let error = call(answers).0.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(expected), "{answers:?}: {message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn new_rejects_address_without_http_scheme() {
    for url in ["localhost:6333", "ftp://x", ""] {
        assert!(Server::new(url, None).is_err(), "{url}");
    }
}
