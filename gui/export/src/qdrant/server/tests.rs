use super::*;
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
};

/// A call as the server got it.
struct Call {
    /// In small letters.
    head: String,
    body: String,
}

/// A server that gives these answers, one a call, and then the calls it got.
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

fn call(answers: &'static [(u16, &'static str)]) -> (Result<Option<Value>, UserError>, Vec<Call>) {
    let (url, serving) = serve(answers);
    let server = Server::new(&url, Some("secret".to_owned())).unwrap();
    let result = server.call("PUT", "/collections/faq", &json!({"a": 1}));
    (result, serving.join().unwrap())
}

#[test]
fn a_busy_server_is_asked_again() {
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
fn what_lasts_is_told_at_once() {
    assert_eq!(call(&[(404, "{}")]).0.unwrap(), None);
    for (answers, says) in [
        (&[(401, "")][..], "key"),
        (&[(403, "")], "key"),
        (&[(400, "{}")], "refuses"),
        (&[(302, "")], "refuses"),
        (&[(200, "<html>")], "not as Qdrant"),
        (&[(200, "{}")], "not as Qdrant"),
    ] {
        let error = call(answers).0.unwrap_err();
        assert!(error.message.contains(says), "{answers:?}: {error}");
        assert!(!error.remedy.is_empty() && !error.to_string().contains("secret"));
    }
}

#[test]
fn an_address_needs_its_scheme() {
    for url in ["localhost:6333", "ftp://x", ""] {
        assert!(Server::new(url, None).is_err(), "{url}");
    }
}
