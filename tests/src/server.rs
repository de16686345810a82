//! `nearsay serve` as a child process, and a client for it.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a test waits before it reports a hang. Far more than any step takes.
pub const HANG: Duration = Duration::from_secs(300);

/// Running server process, killed when dropped.
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts a command that prints its address when it is ready.
    ///
    /// # Panics
    /// If it exits before that.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://"), "{command:?} printed {line:?}");
        Self { child, url }
    }

    /// URL of an endpoint.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// If the signal can't be sent.
    pub fn terminate(&self) {
        let mut kill = Command::new("kill");
        let status = kill.args(["-TERM", &self.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until the process has exited.
    ///
    /// # Panics
    /// If it is still running after [`HANG`].
    pub fn wait(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < HANG, "still running");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the process, as a power failure would.
    pub fn kill(self) {
        drop(self);
    }

    /// Peak resident memory in MB; `None` if the system doesn't report it.
    pub fn peak_memory_mb(&self) -> Option<f64> {
        peak_memory_mb(&self.id().to_string())
    }
}

/// Peak resident memory in MB of a process, given as an id or `self`; `None` if the system doesn't
/// report it.
pub fn peak_memory_mb(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// HTTP client, with or without a token.
pub struct Client {
    agent: ureq::Agent,
    token: Option<String>,
}

/// HTTP reply.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: ureq::http::HeaderMap,
    /// Body.
    pub text: String,
}

impl Reply {
    /// Body as JSON; null if the body is empty.
    ///
    /// # Panics
    /// If the body isn't JSON.
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// Value of a header; empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Client {
    /// Client that waits at most `timeout` for a reply.
    pub fn new(token: Option<&str>, timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .build();
        Self {
            agent: config.into(),
            token: token.map(str::to_owned),
        }
    }

    /// Sends a request with an optional JSON body.
    ///
    /// # Errors
    /// If no reply arrives.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ureq::Error> {
        let body = body.map(Value::to_string);
        self.send_text(method, url, body.as_deref())
    }

    /// Sends a request with any text as its body, declared as JSON.
    ///
    /// # Errors
    /// If no reply arrives.
    pub fn send_text(
        &self,
        method: &str,
        url: &str,
        body: Option<&str>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_owned())?)
            }
            None => self.agent.run(request.body(())?),
        };
        let mut response = response?;
        Ok(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_string()?,
        })
    }
}
