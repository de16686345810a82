//! `nearsay serve DIR`: serves a model over HTTP.

use crate::terminal::{DeviceArgs, print_line};
use nearsay_message::UserError;
use nearsay_serve::{ServeError, ServeOptions, Server};
use std::{io::ErrorKind, net::IpAddr, path::PathBuf, time::Duration};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Model directory; one exported without answers only encodes texts
    dir: PathBuf,
    /// Address to listen at; other computers can reach the server only at a non-loopback address,
    /// which requires a token
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// Port to listen at; 0 takes any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Token that clients must send, at least 16 characters; enables edits. Prefer the environment
    /// variable: other users can see command lines
    #[arg(long, env = "NEARSAY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Reject edits, even with the token, so that several servers can share the model directory
    #[arg(long)]
    read_only: bool,
    /// Additional host name to accept, for a server behind a proxy; can be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Texts that may wait for the model; further requests are rejected with 503
    #[arg(long, default_value_t = 256, value_name = "TEXTS", value_parser = clap::value_parser!(u32).range(32..=65_536))]
    queue: u32,
    /// Time limit of a request
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    let device = args.device.device.open()?;
    let mut options = ServeOptions::new(&args.dir);
    options.host = args.host;
    options.port = args.port;
    options.token.clone_from(&args.token);
    options.read_only = args.read_only;
    options.allowed_hosts.clone_from(&args.allow_host);
    options.queue = args.queue as usize;
    options.timeout = Duration::from_secs(args.timeout);
    options.precision = args.device.precision(&device);
    options.device = device;
    let server = Server::open(&options).map_err(to_user_error)?;
    match server.answer_count() {
        0 => eprintln!(
            "This model was exported without answers: it encodes texts, but can't answer questions. Press Ctrl+C \
             to stop."
        ),
        answers => eprintln!("Serving {answers} answers. Press Ctrl+C to stop."),
    }
    print_line(&format!("http://{}", server.address()))?;
    server.run().map_err(to_user_error)
}

fn to_user_error(error: ServeError) -> UserError {
    let remedy = match &error {
        ServeError::TokenRequired { .. } => {
            "Set a long random token in the environment variable NEARSAY_TOKEN, or listen on this computer only, \
             which is the default (--host 127.0.0.1)."
                .to_owned()
        }
        ServeError::TokenTooShort { min, .. } => format!(
            "Use one of at least {min} characters, for example the output of “openssl rand -hex 32”."
        ),
        ServeError::Listen { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => {
                "Another program listens there. Stop it, or choose another port with --port."
            }
            ErrorKind::PermissionDenied => {
                "Ports below 1024 are reserved for the system. Choose another port with --port."
            }
            _ => "Choose another address with --host, or another port with --port.",
        }
        .to_owned(),
        _ => String::new(),
    };
    UserError::new(error, remedy)
}
