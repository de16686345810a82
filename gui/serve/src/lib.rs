//! `nearsay serve DIR`: a folder's answers over HTTP. A folder that holds a model without answers turns texts
//! into vectors, and says of everything else why it cannot.
//!
//! | module | holds |
//! | --- | --- |
//! | `router` | every endpoint, and what stands before them |
//! | `ask`, `encode`, `openai`, `answers`, `page` | the endpoints |
//! | `access` | who may ask what |
//! | `limits` | how much one request may ask for |
//! | `work` | the model's threads and their queue |
//! | `listen` | connections, and their end |
//! | `body`, `problem` | requests and refusals as JSON |
//! | `metrics` | what is counted |
//!
//! One thread talks to clients; the model works on as many others as there are cores.
#![allow(missing_docs)]

mod access;
mod answers;
mod ask;
mod body;
mod encode;
mod limits;
mod listen;
mod metrics;
mod openai;
mod page;
mod problem;
mod router;
mod work;

use nearsay::servable::{Journal, Servable, ServableError};
use nearsay_message::{
    UserError,
    terminal::{DeviceArgs, print_line},
};
use nearsay_store::{DiskStore, Store as _};
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use tokio::sync::Semaphore;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model's folder
    dir: PathBuf,
    /// The address to listen at; others can reach this computer only at one that is not its own
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What clients must know to ask, and to edit; better given in the environment, since others on
    /// this computer see how programs were called
    #[arg(long, env = "NEARSAY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Take no edits, even with the token; several servers may then share the folder
    #[arg(long)]
    read_only: bool,
    /// A further name this server is called by, where a proxy passes it on
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// How many texts may wait for the model; beyond that requests are refused
    #[arg(long, default_value_t = 256, value_name = "TEXTS", value_parser = clap::value_parser!(u32).range(32..=65_536))]
    queue: u32,
    /// How long a request may take
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    #[command(flatten)]
    device: DeviceArgs,
}

/// What every request can reach.
struct State {
    live: Arc<work::Live>,
    queue: work::Queue,
    editor: Option<answers::Editor>,
    /// Places for edits, the one that is being made among them.
    edits: Arc<Semaphore>,
    /// Bytes of bodies that may still come.
    bodies: Arc<Semaphore>,
    access: access::Access,
    metrics: Arc<metrics::Metrics>,
    /// The model's name.
    name: String,
    /// When the folder was written, in seconds since 1970.
    created: u64,
    timeout: Duration,
    openapi: String,
    policy: String,
}

impl State {
    /// Refuses what needs answers where there are none.
    fn needs_answers(&self) -> Result<(), problem::Problem> {
        match self.live.get().answers().is_empty() {
            true => Err(problem::Problem::no_answers()),
            false => Ok(()),
        }
    }
}

pub fn command(args: &Args) -> Result<(), UserError> {
    let access = access::Access::new(args.host, args.token.as_deref(), &args.allow_host)?;
    let dir = std::path::absolute(&args.dir).unwrap_or_else(|_| args.dir.clone());
    // Edits are folded by giving another folder the name: behind a link, of the one it points to.
    let place = match std::fs::symlink_metadata(&dir) {
        Ok(metadata) if metadata.is_symlink() => std::fs::canonicalize(&dir).unwrap_or(dir.clone()),
        _ => dir.clone(),
    };
    let (journal, model) = open(args, &place)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| UserError::new(format_args!("the server cannot start ({error})"), ""))?;
    let live = Arc::new(work::Live::new(model));
    let metrics = Arc::new(metrics::Metrics::new());
    let (endpoints, openapi) = router::endpoints().map_err(|error| {
        UserError::new(
            format_args!("the endpoints cannot be described ({error})"),
            "",
        )
    })?;
    let state = Arc::new(State {
        queue: work::Queue::start(args.queue as usize, &live, &metrics)?,
        live,
        editor: journal.map(answers::Editor::new),
        edits: Arc::new(Semaphore::new(limits::EDITS)),
        bodies: Arc::new(Semaphore::new(limits::BODIES)),
        access,
        metrics,
        name: name(&dir),
        created: created(&dir),
        timeout: Duration::from_secs(args.timeout),
        openapi,
        policy: page::policy(),
    });
    let app = router::app(endpoints, Arc::clone(&state));
    runtime.block_on(async {
        let address = SocketAddr::new(args.host, args.port);
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.map_err(|error| cannot_listen(address, &error))?;
        let address = listener.local_addr().unwrap_or(address);
        let stop = listen::stop().map_err(|error| {
            UserError::new(
                format_args!("the server could not be stopped ({error})"),
                "",
            )
        })?;
        match state.live.get().answers().len() {
            0 => eprintln!(
                "This folder holds a model without answers: texts become vectors, nothing can be asked. \
                 Ctrl+C ends."
            ),
            answers => eprintln!("Answering from {answers} answers; Ctrl+C ends."),
        }
        print_line(&format!("http://{address}"))?;
        listen::serve(listener, app, stop, state.timeout).await;
        Ok::<(), UserError>(())
    })?;
    // Waits for an edit that is being made.
    drop(runtime);
    match &state.editor {
        Some(editor) => Ok(editor.fold(&state.live)?),
        None => Ok(()),
    }
}

/// The model, and the right to edit its answers if there are any and that may be done.
fn open(args: &Args, dir: &Path) -> Result<(Option<Journal<'static>>, Servable), UserError> {
    let device = args.device.device.open()?;
    let precision = args.device.precision(&device);
    let opened = if args.token.is_none() || args.read_only {
        Servable::open_with(&DiskStore, dir, &device, precision).map(|model| (None, model))
    } else {
        if let Some(parent) = dir.parent() {
            // What was cut off when the folder was last written anew.
            DiskStore.sweep(parent)?;
        }
        let opened = Journal::open(&DiskStore, dir, &device, precision);
        opened.map(|(journal, model)| (Some(journal), model))
    };
    match opened {
        Err(ServableError::ModelOnly { .. }) => {
            let model = Servable::open_model(&DiskStore, dir, &device, precision)?;
            Ok((None, model))
        }
        opened => Ok(opened?),
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> UserError {
    let fix = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "Another program listens there: end it, or choose another port with --port."
        }
        std::io::ErrorKind::PermissionDenied => {
            "Ports below 1024 are the system's: choose another one with --port."
        }
        _ => "Choose another address with --host, or another port with --port.",
    };
    UserError::new(
        format_args!("the server cannot listen at {address} ({error})"),
        fix,
    )
}

/// A model goes by the name of its folder.
fn name(dir: &Path) -> String {
    let name = dir.file_name().map(std::ffi::OsStr::to_string_lossy);
    name.map_or_else(|| "model".into(), Into::into)
}

fn created(dir: &Path) -> u64 {
    let metadata = DiskStore.metadata(&dir.join("nearsay.json")).ok();
    let modified = metadata.and_then(|metadata| metadata.modified);
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}
