//! Access control: tokens, host names, browser requests.

use super::{TOKEN, assert_refused, client, get, model, send, send_raw, serve};
use nearsay_tests::server::{Client, Server};
use serde_json::json;

#[test]
fn token_is_required_where_configured() {
    assert_refused(
        serve(model()).args(["--host", "0.0.0.0"]),
        "without a token",
    );
    assert_refused(
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
    // The token from the environment, on all network interfaces.
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

#[test]
fn cross_origin_requests_are_refused() {
    let server = Server::start(&mut serve(model()));
    let body = "{\"question\": \"card?\"}";
    let ask = |host: &str, kind: &str| {
        let length = body.len();
        send_raw(
            &server,
            &format!(
                "POST /ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n\
                 Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ),
        )
    };
    // DNS rebinding: a foreign name that resolves to this host.
    let rebound = ask("evil.example:8080", "application/json");
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    assert!(rebound.contains("--allow-host"), "{rebound}");
    // A content type that browsers send without a preflight request.
    assert!(ask("localhost", "text/plain").starts_with("HTTP/1.1 415"));
    let fair = ask("localhost", "application/json");
    assert!(fair.starts_with("HTTP/1.1 200"), "{fair}");
    assert!(!fair.to_lowercase().contains("access-control"), "{fair}");
}

#[test]
fn page_loads_nothing_from_other_hosts() {
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
    // Nothing that the policy would block: no inline handlers or styles, no external resources.
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
