//! A folder's answers over HTTP, in a dozen lines: what is trained in the app is served by a program of
//! your own, without the code that trains or draws.
//!
//! ```sh
//! cargo run --release -p nearsay --example serve -- DIR
//! curl -d "my daughter lost her card" http://127.0.0.1:8081/
//! ```
//!
//! For a server with limits, tokens and edits there is `nearsay serve`.

use axum::{Router, http::StatusCode, routing::post};
use candle_core::Device;
use nearsay::servable::Servable;
use nearsay_store::DiskStore;
use std::{error::Error, sync::Arc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os()
        .nth(1)
        .ok_or("give the model's folder")?;
    let model = Arc::new(Servable::open(&DiskStore, dir.as_ref(), &Device::Cpu)?);
    let answer = async move |question: String| {
        let asked = tokio::task::spawn_blocking(move || {
            let found = model.ask(&question, 1)?;
            let best = found.first().map(|best| best.answer.answer.clone());
            Ok::<_, Box<dyn Error + Send + Sync>>(best.unwrap_or_default())
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(StatusCode::INTERNAL_SERVER_ERROR),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    Ok(axum::serve(listener, Router::new().route("/", post(answer))).await?)
}
