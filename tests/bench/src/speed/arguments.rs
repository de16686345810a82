//! Command line of the `speed` benchmark.

use super::topic;
use crate::{Failure, cache_dir};
use std::{ffi::OsString, path::PathBuf};

/// Topics to measure, and their resources.
pub struct Arguments {
    topics: Vec<String>,
    pub passes: usize,
    /// Python environment of the peers.
    pub peers: PathBuf,
    /// MiniLM directory; `None` uses the copy in Nearsay's data directory.
    pub model: Option<PathBuf>,
    /// Directory of the cloud FAQ.
    pub cloud: Option<PathBuf>,
}

impl Arguments {
    /// Whether to measure a topic. Without named topics, all are measured.
    pub fn wants(&self, topic: &str) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|name| name == topic)
    }

    /// Parses the command line.
    pub fn parse(arguments: Vec<OsString>) -> Result<Self, Failure> {
        let mut parsed = Self {
            topics: Vec::new(),
            passes: 5,
            peers: cache_dir().join("nearsay-bench/python"),
            model: None,
            cloud: nearsay_tests::test_data_dir().map(|data| data.join("cloud_faq")),
        };
        let mut arguments = arguments.into_iter();
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
                "--cloud" => parsed.cloud = Some(value()?.into()),
                topic if topic::ALL.iter().any(|known| known.name == topic) => {
                    parsed.topics.push(name);
                }
                _ => return Err(unknown(&name).into()),
            }
        }
        Ok(parsed)
    }
}

fn unknown(argument: &str) -> String {
    let topics: Vec<&str> = topic::ALL.iter().map(|topic| topic.name).collect();
    format!(
        "unknown topic or option “{argument}”\ntopics: {}\noptions: --passes N, --peers \
         VENV_DIR, --model MINILM_DIR, --cloud DIR",
        topics.join(", ")
    )
}
