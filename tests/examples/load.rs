//! Too much asked of `nearsay serve`: the rate it sustains, and what becomes of four times as much.
//!
//! ```sh
//! cargo run --release -p nearsay-tests --example load -- DIR [SECONDS]
//! ```
//!
//! The questions are the folder's own wordings. First as many ask as the server answers best, each as soon
//! as it has an answer: that is the sustained rate. Then questions come at four times that rate whether
//! there are answers or not. Fails when anything but an answer or a refusal comes back, when somebody
//! waits too long, or when the server's memory grows without end. Who asks takes time of the same
//! processors.

use nearsay_tests::server::{Client, Server};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, ExitCode},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

type Failure = Box<dyn std::error::Error>;

/// Given first, this program is the app.
const AS_NEARSAY: &str = "as-nearsay";
/// Who ask as fast as they are answered.
const STEADY: usize = 64;
/// Who ask too much: more than the server lets wait.
const MANY: usize = 600;
/// Times the sustained rate.
const TOO_MUCH: f64 = 4.0;
/// Longest that somebody waits.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == AS_NEARSAY) {
        arguments.remove(1);
        return nearsay_cli::run(arguments);
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let dir = arguments.next().ok_or("give a model's folder")?;
    let seconds = arguments.next().map(|s| s.to_string_lossy().parse());
    let time = Duration::from_secs(seconds.transpose()?.unwrap_or(10));
    let questions = questions(Path::new(&dir))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env_remove("NEARSAY_TOKEN");
    let server = Server::start(
        command
            .args([AS_NEARSAY, "serve"])
            .arg(&dir)
            .args(["--port", "0"]),
    );

    ask(&server, &questions, STEADY, Duration::from_secs(1), None);
    let steady = ask(&server, &questions, STEADY, time, None);
    let rate = steady.of(200) as f64 / steady.took;
    println!(
        "sustained: {rate:.0} answers a second, {}",
        steady.latency()
    );
    let before = server.peak_mb();
    let flood = ask(&server, &questions, MANY, time, Some(rate * TOO_MUCH));
    println!(
        "offered {:.1} times as much: {:.0} answers a second, {}",
        // The last replies come after the time in which they are asked for.
        flood.asked.len() as f64 / time.as_secs_f64() / rate,
        flood.of(200) as f64 / flood.took,
        flood.latency()
    );
    println!(
        "refused {} of {} (429 or 503), failed {}, without a reply {}",
        flood.of(503) + flood.of(429),
        flood.asked.len(),
        flood
            .asked
            .iter()
            .filter(|asked| ![0, 200, 429, 503].contains(&asked.status))
            .count(),
        flood.of(0)
    );
    let after = server.peak_mb();
    if let (Some(before), Some(after)) = (before, after) {
        println!("memory at most: {before:.0} MB, and {after:.0} MB then");
    }
    let again = ask(&server, &questions, 1, Duration::from_secs(1), None);
    println!("alone again: {}", again.latency());
    server.ask_to_end();
    let ended = server.wait().success();
    let sound = |runs: &[&Run]| runs.iter().all(|run| run.asked.iter().all(Asked::is_fair));
    let bounded = before
        .zip(after)
        .is_none_or(|(before, after)| after < before + 100.0);
    Ok(sound(&[&steady, &flood, &again]) && ended && bounded && flood.of(200) > 0)
}

fn questions(dir: &Path) -> Result<Vec<Value>, Failure> {
    let mut questions = Vec::new();
    for line in std::fs::read_to_string(dir.join("answers.jsonl"))?.lines() {
        let answer: Value = serde_json::from_str(line)?;
        let wordings = answer["questions"].as_array().into_iter().flatten();
        questions.extend(wordings.map(|wording| json!({"question": wording})));
    }
    match questions.is_empty() {
        true => Err("the folder has no wordings to ask".into()),
        false => Ok(questions),
    }
}

struct Asked {
    /// 0 when no reply came in time.
    status: u16,
    seconds: f64,
}

impl Asked {
    fn is_fair(&self) -> bool {
        [200, 429, 503].contains(&self.status) && self.seconds < PATIENCE.as_secs_f64()
    }
}

struct Run {
    asked: Vec<Asked>,
    took: f64,
}

impl Run {
    fn of(&self, status: u16) -> usize {
        self.asked
            .iter()
            .filter(|asked| asked.status == status)
            .count()
    }

    /// How long the answered waited.
    fn latency(&self) -> String {
        let answered = self.asked.iter().filter(|asked| asked.status == 200);
        let mut times: Vec<f64> = answered.map(|asked| asked.seconds * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get((times.len() as f64 * share) as usize);
        match (at(0.5), at(0.99), times.last()) {
            (Some(half), Some(late), Some(last)) => {
                format!("p50 {half:.1} ms, p99 {late:.1} ms, longest {last:.0} ms")
            }
            _ => "none answered".into(),
        }
    }
}

/// So many people ask: at this rate together, or each as soon as it has an answer.
fn ask(
    server: &Server,
    questions: &[Value],
    people: usize,
    time: Duration,
    rate: Option<f64>,
) -> Run {
    let url = server.url("/ask");
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let person = || {
        let client = Client::new(None, PATIENCE);
        let mut asked = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let at = rate.map_or(Duration::ZERO, |rate| {
                Duration::from_secs_f64(number as f64 / rate)
            });
            if at.max(started.elapsed()) > time {
                return asked;
            }
            std::thread::sleep(at.saturating_sub(started.elapsed()));
            let question = &questions[number % questions.len()];
            let sent = Instant::now();
            let reply = client.send("POST", &url, Some(question));
            asked.push(Asked {
                status: reply.map_or(0, |reply| reply.status),
                seconds: sent.elapsed().as_secs_f64(),
            });
        }
    };
    let asked = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..people).map(|_| scope.spawn(person)).collect();
        let done = threads.into_iter().filter_map(|thread| thread.join().ok());
        done.flatten().collect()
    });
    Run {
        asked,
        took: started.elapsed().as_secs_f64(),
    }
}
