//! Overload, slow senders and graceful shutdown.

use super::{client, get, model, post, send_raw, serve};
use nearsay_tests::server::{HANG, Server};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

#[test]
fn overload_is_refused_with_503_and_rest_is_answered() {
    let server = Server::start(serve(model()).args(["--queue", "32"]));
    // Slow to encode, so that the queue fills.
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
            metrics.text.lines().any(|found| found == line),
            "{line} is missing in\n{}",
            metrics.text
        );
    }
}

#[test]
fn shutdown_finishes_started_requests_and_closes_idle_connections() {
    // The timeout is longer than `HANG`, so it can't be what closes the idle connection.
    let server = Server::start(serve(model()).args(["--timeout", "3600"]));
    // A started request, whose body is half sent.
    let body = "{\"question\": \"card?\"}";
    let (half, rest) = body.split_at(8);
    let length = body.len();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = "POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{half}").unwrap();
    // An idle keep-alive connection.
    let idle = client(None);
    let url = server.url("/health");
    assert_eq!(idle.send("GET", &url, None).unwrap().status, 200);
    server.terminate();
    let terminated = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(terminated.elapsed() < HANG, "still accepts connections");
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(server.wait().success());
}

#[test]
fn request_that_never_ends_times_out_with_503() {
    let server = Server::start(serve(model()).args(["--timeout", "1"]));
    let head = "POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let reply = send_raw(&server, &format!("{head}Content-Length: 100\r\n\r\n{{"));
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply}");
    assert!(reply.contains("longer than 1 seconds"), "{reply}");
}
