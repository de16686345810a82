//! Overload of `nearsay serve`: the rate it sustains, and its behaviour at four times that rate.
//!
//! ```sh
//! cargo run --release -p nearsay-bench -- load DIR [SECONDS]
//! ```
//!
//! The questions are the known paraphrases of the model in DIR. First, a number of clients that suits
//! the server ask again as soon as they have a reply: this gives the sustained rate. Then questions
//! arrive at four times that rate, whether replies come or not. The benchmark fails if a request gets
//! anything but an answer or a refusal, if a reply takes too long, or if the server's memory grows
//! without bound. The clients share the machine's processors with the server.

use crate::{Failure, nearsay_command};
use nearsay_tests::server::{Client, Server};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Clients that ask again as soon as they have a reply.
const STEADY: usize = 64;
/// Clients of the overload: more than the server's queue holds.
const MANY: usize = 600;
/// Overload rate, as a multiple of the sustained rate.
const TOO_MUCH: f64 = 4.0;
/// Maximum time to a reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the `load` command.
pub fn main(arguments: Vec<OsString>) -> Result<bool, Failure> {
    let mut arguments = arguments.into_iter();
    let dir = arguments
        .next()
        .ok_or("expected the directory of a model")?;
    let seconds = arguments.next().map(|s| s.to_string_lossy().parse());
    let time = Duration::from_secs(seconds.transpose()?.unwrap_or(10));
    let questions = questions(Path::new(&dir))?;
    let mut command = nearsay_command()?;
    command.env_remove("NEARSAY_TOKEN");
    let server = Server::start(command.arg("serve").arg(&dir).args(["--port", "0"]));

    ask(&server, &questions, STEADY, Duration::from_secs(1), None);
    let steady = ask(&server, &questions, STEADY, time, None);
    let rate = steady.of(200) as f64 / steady.took;
    println!(
        "sustained: {rate:.0} answers per second, {}",
        steady.latency()
    );
    let before = server.peak_memory_mb();
    let flood = ask(&server, &questions, MANY, time, Some(rate * TOO_MUCH));
    println!(
        "at {:.1} times that rate: {:.0} answers per second, {}",
        // The last replies arrive after the asking has ended.
        flood.asked.len() as f64 / time.as_secs_f64() / rate,
        flood.of(200) as f64 / flood.took,
        flood.latency()
    );
    println!(
        "refused {} of {} (429 or 503), failed {}, no reply {}",
        flood.of(503) + flood.of(429),
        flood.asked.len(),
        flood
            .asked
            .iter()
            .filter(|asked| ![0, 200, 429, 503].contains(&asked.status))
            .count(),
        flood.of(0)
    );
    let after = server.peak_memory_mb();
    if let (Some(before), Some(after)) = (before, after) {
        println!("peak memory: {before:.0} MB before the overload, {after:.0} MB after");
    }
    let again = ask(&server, &questions, 1, Duration::from_secs(1), None);
    println!("a single client afterwards: {}", again.latency());
    server.terminate();
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
        let known = answer["questions"].as_array().into_iter().flatten();
        questions.extend(known.map(|question| json!({"question": question})));
    }
    match questions.is_empty() {
        true => Err("the model has no known questions".into()),
        false => Ok(questions),
    }
}

struct Asked {
    /// 0 if no reply came in time.
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

    /// Percentiles of the time to an answer.
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

/// Asks from a number of clients, at a common rate or each as soon as it has a reply.
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
