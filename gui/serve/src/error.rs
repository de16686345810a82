use nearsay::servable::ServableError;
use nearsay_store::StoreError;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// Why a server could not start, or could not write its edits at the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    #[error(transparent)]
    Model(#[from] ServableError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("other computers could reach this server at {host} and ask without a token")]
    TokenRequired { host: IpAddr },
    #[error("the token has {length} characters and could be guessed")]
    TokenTooShort { length: usize, min: usize },
    #[error("the server can't listen at {address} ({source})")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    /// The runtime, a worker thread or the signal handler could not be created.
    #[error("the server could not be started ({0})")]
    Start(#[source] io::Error),
    #[error("the OpenAPI document could not be written ({0})")]
    OpenApi(#[from] serde_json::Error),
}
