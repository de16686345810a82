//! HTTP server for a model directory: a web page, a JSON API and an OpenAI-compatible embeddings API.
//!
//! A model exported without answers only encodes texts; the other endpoints return 409.
//!
//! ```no_run
//! use nearsay_serve::{ServeOptions, Server};
//!
//! let mut options = ServeOptions::new("my-model");
//! options.port = 8081;
//! let server = Server::open(&options)?;
//! println!("http://{}", server.address());
//! server.run()?; // until Ctrl+C or SIGTERM
//! # Ok::<(), nearsay_serve::ServeError>(())
//! ```
//!
//! | module | contents |
//! | --- | --- |
//! | `router` | the list of endpoints and their middleware |
//! | `ask`, `encode`, `openai`, `answers`, `page` | the endpoints |
//! | `access` | tokens and host names |
//! | `limits` | limits per request and in total |
//! | `work` | the model's worker threads and their queue |
//! | `listen` | connections and shutdown |
//! | `body`, `problem` | JSON requests and errors |
//! | `metrics` | Prometheus metrics |
//!
//! One thread handles connections; the model runs on one worker thread per core.
#![allow(missing_docs)]

mod access;
mod answers;
mod ask;
mod body;
mod encode;
mod error;
mod limits;
mod listen;
mod metrics;
mod openai;
mod page;
mod problem;
mod router;
mod work;

pub use error::ServeError;

use candle_core::Device;
use nearsay::servable::{Journal, Servable, ServableError};
use nearsay_bert::Precision;
use nearsay_store::{DiskStore, Store as _};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime::Runtime, sync::Semaphore};

#[derive(Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The model directory.
    pub dir: PathBuf,
    /// Address to listen at; any but a loopback address requires a token. Default: 127.0.0.1.
    pub host: IpAddr,
    /// 0 takes any free port. Default: 8080.
    pub port: u16,
    /// Bearer token that clients must send, at least 16 characters. Edits are possible only with one.
    pub token: Option<String>,
    /// Rejects edits, so that several servers can share a model directory.
    pub read_only: bool,
    /// Further values of the `Host` header to accept on a loopback address.
    pub allowed_hosts: Vec<String>,
    /// Texts that may wait for the model, at least 32; further requests get 503. Default: 256.
    pub queue: usize,
    /// Time limit of a request. Default: 30 seconds.
    pub timeout: Duration,
    pub device: Device,
    pub precision: Precision,
}

impl ServeOptions {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            host: Ipv4Addr::LOCALHOST.into(),
            port: 8080,
            token: None,
            read_only: false,
            allowed_hosts: Vec::new(),
            queue: 256,
            timeout: Duration::from_secs(30),
            device: Device::Cpu,
            precision: Precision::F32,
        }
    }
}

/// State shared by all requests.
struct State {
    live: Arc<work::LiveModel>,
    queue: work::Queue,
    editor: Option<answers::Editor>,
    /// Permits for edits, running and waiting.
    edits: Arc<Semaphore>,
    /// Permits for bytes of request bodies.
    bodies: Arc<Semaphore>,
    access: access::Access,
    metrics: Arc<metrics::Metrics>,
    model_name: String,
    /// When the model was written, in seconds since 1970.
    created: u64,
    timeout: Duration,
    openapi: String,
    /// The page's Content-Security-Policy.
    policy: String,
}

impl State {
    fn require_answers(&self) -> Result<(), problem::Problem> {
        if self.live.get().answers().is_empty() {
            Err(problem::Problem::no_answers())
        } else {
            Ok(())
        }
    }
}

/// A server that listens but does not accept connections yet.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    shutdown: Pin<Box<dyn Future<Output = ()>>>,
    app: axum::Router,
    state: Arc<State>,
}

impl Server {
    /// Loads the model, binds the address and installs handlers for Ctrl+C and SIGTERM.
    ///
    /// # Errors
    /// If the model can't be loaded, the address can't be bound, or the token is missing or too short.
    pub fn open(options: &ServeOptions) -> Result<Self, ServeError> {
        let access = access::Access::new(
            options.host,
            options.token.as_deref(),
            &options.allowed_hosts,
        )?;
        let dir = std::path::absolute(&options.dir).unwrap_or_else(|error| {
            tracing::debug!("{}: {error}", options.dir.display());
            options.dir.clone()
        });
        let (journal, model) = open_model(options, &resolve_symlink(&dir))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServeError::Start)?;
        let live = Arc::new(work::LiveModel::new(model));
        let metrics = Arc::new(metrics::Metrics::new());
        let (endpoints, openapi) = router::build_endpoints()?;
        let state = Arc::new(State {
            queue: work::Queue::start(options.queue, &live, &metrics)?,
            live,
            editor: journal.map(answers::Editor::new),
            edits: Arc::new(Semaphore::new(limits::EDITS)),
            bodies: Arc::new(Semaphore::new(limits::BODIES)),
            access,
            metrics,
            model_name: model_name(&dir),
            created: created(&dir),
            timeout: options.timeout,
            openapi,
            policy: page::content_security_policy(),
        });
        let app = router::build_app(endpoints, Arc::clone(&state));
        let address = SocketAddr::new(options.host, options.port);
        let (listener, shutdown) = runtime.block_on(async {
            let listener = TcpListener::bind(address)
                .await
                .map_err(|source| ServeError::Listen { address, source })?;
            let shutdown = listen::shutdown_signal().map_err(ServeError::Start)?;
            Ok::<_, ServeError>((listener, shutdown))
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| ServeError::Listen { address, source })?;
        Ok(Self {
            runtime,
            listener,
            address,
            shutdown: Box::pin(shutdown),
            app,
            state,
        })
    }

    /// The bound address, with the port the system chose for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Number of answers; 0 for a model exported without answers.
    #[must_use]
    pub fn answer_count(&self) -> usize {
        self.state.live.get().answers().len()
    }

    /// Serves until Ctrl+C or SIGTERM, then finishes running requests and writes edits to the model's files.
    ///
    /// # Errors
    /// If the edits can't be written. They stay in the journal for the next start.
    pub fn run(self) -> Result<(), ServeError> {
        let Self {
            runtime,
            listener,
            shutdown,
            app,
            state,
            ..
        } = self;
        runtime.block_on(listen::serve(listener, app, shutdown, state.timeout));
        // Waits for a running edit.
        drop(runtime);
        match &state.editor {
            Some(editor) => Ok(editor.fold(&state.live)?),
            None => Ok(()),
        }
    }
}

/// Opens a server and runs it.
///
/// # Errors
/// As [`Server::open`] and [`Server::run`].
pub fn serve(options: &ServeOptions) -> Result<(), ServeError> {
    Server::open(options)?.run()
}

/// Follows a symbolic link: folding edits renames directories, which must not replace the link itself.
fn resolve_symlink(dir: &Path) -> PathBuf {
    let is_symlink = std::fs::symlink_metadata(dir).is_ok_and(|metadata| metadata.is_symlink());
    if !is_symlink {
        return dir.to_owned();
    }
    std::fs::canonicalize(dir).unwrap_or_else(|error| {
        tracing::warn!("{}: {error}", dir.display());
        dir.to_owned()
    })
}

/// Opens the model, and its journal if edits are allowed and there are answers.
fn open_model(
    options: &ServeOptions,
    dir: &Path,
) -> Result<(Option<Journal<'static>>, Servable), ServeError> {
    let (device, precision) = (&options.device, options.precision);
    let opened = if options.token.is_none() || options.read_only {
        Servable::open_with(&DiskStore, dir, device, precision).map(|model| (None, model))
    } else {
        if let Some(parent) = dir.parent() {
            // Removes leftovers of an interrupted fold.
            DiskStore.sweep(parent)?;
        }
        Journal::open(&DiskStore, dir, device, precision)
            .map(|(journal, model)| (Some(journal), model))
    };
    match opened {
        Err(ServableError::ModelOnly { .. }) => {
            let model = Servable::open_model(&DiskStore, dir, device, precision)?;
            Ok((None, model))
        }
        opened => Ok(opened?),
    }
}

/// The model is named after its directory.
fn model_name(dir: &Path) -> String {
    dir.file_name()
        .map_or_else(|| "model".into(), |name| name.to_string_lossy().into())
}

fn created(dir: &Path) -> u64 {
    // Without metadata the API reports 0.
    let metadata = DiskStore.metadata(&dir.join("nearsay.json")).ok();
    let modified = metadata.and_then(|metadata| metadata.modified);
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}
