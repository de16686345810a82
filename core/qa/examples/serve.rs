//! Serves the model in DIR over HTTP. Without DIR, trains a small model and answers a single request.
//!
//! ```sh
//! cargo run -p nearsay --example serve -- DIR
//! curl -d "my daughter lost her card" http://127.0.0.1:8081/
//! ```
//!
//! `nearsay serve` adds limits, tokens and edits.

use axum::{Router, routing::post};
use nearsay::{Dataset, QaModel, TextEncoder, Trainer};
use std::{error::Error, io::Write as _, net::TcpStream, path::PathBuf, sync::Arc};

const PAIRS: [(&str, &str); 2] = [("open?", "From nine to five."), ("cost?", "It is free.")];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let model = Arc::new(match &dir {
        Some(dir) => QaModel::open(dir)?,
        None => Trainer::new(TextEncoder::builtin()?).fit(&Dataset::from_pairs(PAIRS))?,
    });
    let answer = async move |question: String| {
        let asked = tokio::task::spawn_blocking(move || {
            let found = model.ask(&question, 1).unwrap_or_default();
            found.first().map(|best| best.answer.answer.clone())
        });
        asked.await.ok().flatten().unwrap_or_default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    if dir.is_none() {
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        client.write_all(b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\ncost?")?;
        tokio::task::spawn_blocking(move || {
            let reply = std::io::read_to_string(client).unwrap_or_default();
            println!("{}", reply.lines().last().unwrap_or_default());
            std::process::exit(0);
        });
    }
    Ok(axum::serve(listener, Router::new().route("/", post(answer))).await?)
}
