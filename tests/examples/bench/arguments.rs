//! What the command is given.

use super::{Failure, topic};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The process this one starts to be Nearsay itself.
pub const AS_NEARSAY: &str = "--as-nearsay";
/// The process this one starts to embed texts and tell its memory.
pub const EMBEDDING: &str = "--embedding";

/// What this process is for.
pub enum Started {
    /// The app, with these arguments.
    AsNearsay(Vec<OsString>),
    /// Embedding the texts of a file.
    Embedding { model: PathBuf, texts: PathBuf },
    /// Measuring.
    Bench(Result<Arguments, Failure>),
}

/// What is to be measured, and with what.
pub struct Arguments {
    topics: Vec<String>,
    pub passes: usize,
    /// The peers' Python environment.
    pub peers: PathBuf,
    /// MiniLM, unless it is where Nearsay keeps it.
    pub model: Option<PathBuf>,
    pub cloud: PathBuf,
}

impl Arguments {
    /// Whether a topic was asked for; all are when none is named.
    pub fn wants(&self, topic: &str) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|name| name == topic)
    }

    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let mut parsed = Self {
            topics: Vec::new(),
            passes: 5,
            peers: caches().join("nearsay-bench/python"),
            model: None,
            cloud: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cloud_faq"),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy().into_owned();
            let mut value = || {
                let missing = || format!("{name} needs a value");
                arguments.next().ok_or_else(missing)
            };
            match &*name {
                "--passes" => {
                    let passes = value()?.to_string_lossy().parse().ok();
                    parsed.passes = passes
                        .filter(|passes| *passes > 0)
                        .ok_or("--passes needs a number above 0")?;
                }
                "--peers" => parsed.peers = value()?.into(),
                "--model" => parsed.model = Some(value()?.into()),
                "--cloud" => parsed.cloud = value()?.into(),
                topic if topic::ALL.iter().any(|known| known.name == topic) => {
                    parsed.topics.push(name);
                }
                _ => return Err(unknown(&name).into()),
            }
        }
        Ok(parsed)
    }
}

/// Reads the command line.
pub fn started() -> Started {
    let mut arguments = std::env::args_os().skip(1).peekable();
    match arguments.peek().map(|first| first.to_string_lossy()) {
        Some(first) if first == AS_NEARSAY => Started::AsNearsay(arguments.collect()),
        Some(first) if first == EMBEDDING => {
            let mut path = || PathBuf::from(arguments.next().unwrap_or_default());
            let _ = path();
            Started::Embedding {
                model: path(),
                texts: path(),
            }
        }
        _ => Started::Bench(Arguments::parse(arguments)),
    }
}

fn unknown(argument: &str) -> String {
    let topics: Vec<&str> = topic::ALL.iter().map(|topic| topic.name).collect();
    format!(
        "“{argument}” is neither a topic nor an option.\ntopics: {}\noptions: --passes N, --peers \
         VENV_DIR, --model MINILM_DIR, --cloud DIR",
        topics.join(", ")
    )
}

/// Where this user's caches are.
fn caches() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    given.map_or_else(
        || std::env::home_dir().unwrap_or_default().join(".cache"),
        PathBuf::from,
    )
}
