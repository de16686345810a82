//! `nearsay serve` as a process of its own, and somebody who asks it.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A server that is running, killed when dropped.
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts a command that prints its address once it is ready.
    ///
    /// # Panics
    /// When it ends before that.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://"), "{command:?} says {line:?}");
        Self { child, url }
    }

    /// The address of an endpoint.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Address and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    ///
    /// # Panics
    /// When that cannot be asked.
    pub fn ask_to_end(&self) {
        let mut kill = Command::new("kill");
        let status = kill.args(["-TERM", &self.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it has not in 20 seconds.
    pub fn wait(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "still running");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it as a loss of power would.
    pub fn kill(self) {
        drop(self);
    }

    /// The most memory it has had, in MB, where the system says it.
    pub fn peak_mb(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024.0 / 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Somebody who asks, with a token or without.
pub struct Client {
    agent: ureq::Agent,
    token: Option<String>,
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: ureq::http::HeaderMap,
    /// Its body.
    pub text: String,
}

impl Reply {
    /// The body as JSON; null when there is none.
    ///
    /// # Panics
    /// When it is something else.
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// A header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Client {
    /// Somebody who waits that long at most.
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

    /// Sends a request, with JSON if there is some.
    ///
    /// # Errors
    /// When no reply comes.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ureq::Error> {
        let body = body.map(Value::to_string);
        self.send_text(method, url, body.as_deref())
    }

    /// Sends a request, with any text that is said to be JSON.
    ///
    /// # Errors
    /// When no reply comes.
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
