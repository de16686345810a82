//! Progress on stderr: a bar on a terminal, plain lines else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    cell::Cell,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// Plain lines come at most this often.
const LINES_EVERY: Duration = Duration::from_secs(5);

/// One thing in progress.
pub struct Bar {
    name: &'static str,
    bar: Option<ProgressBar>,
    quiet: bool,
    told: Cell<Option<Instant>>,
}

impl Bar {
    /// Progress of this name; `quiet` shows nothing, for when events tell it.
    pub fn new(name: &'static str, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
                .with_style(style)
                .with_message(name)
        });
        Self {
            name,
            bar,
            quiet,
            told: Cell::new(None),
        }
    }

    /// Shows how far it is.
    pub fn show(&self, done: u64, total: u64) {
        self.show_by(None, done, total);
    }

    /// As [`show`](Self::show), with the time left as whoever works knows it: of texts found saved, a bar
    /// would think that they were work.
    pub fn show_left(&self, done: u64, total: u64, eta_s: Option<f64>) {
        self.show_by(Some(eta_s.map_or_else(String::new, left)), done, total);
    }

    fn show_by(&self, left: Option<String>, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            if let Some(left) = &left {
                let template = "{msg} {wide_bar} {pos}/{len}{prefix}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_prefix(left.clone());
            }
            bar.set_length(total);
            bar.set_position(done);
            if done >= total {
                bar.finish_and_clear();
            }
        } else if !self.quiet {
            let now = Instant::now();
            let due = self.told.get().is_none_or(|told| now - told >= LINES_EVERY);
            if due && done < total {
                self.told.set(Some(now));
                let left = left.unwrap_or_default();
                eprintln!("{}: {done} of {total}{left}", self.name);
            }
        }
    }

    /// Says a line without spoiling the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) if !bar.is_finished() => bar.suspend(|| eprintln!("{text}")),
            _ => eprintln!("{text}"),
        }
    }
}

/// Seconds in words, to be put behind a number.
fn left(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..120 => format!(", about {seconds} s left"),
        120..7_200 => format!(", about {} min left", (seconds + 30) / 60),
        _ => format!(", about {} h left", (seconds + 1_800) / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_in_round_numbers() {
        for (seconds, words) in [
            (0.4, ", about 0 s left"),
            (119.4, ", about 119 s left"),
            (200.0, ", about 3 min left"),
            (8_000.0, ", about 2 h left"),
        ] {
            assert_eq!(left(seconds), words);
        }
    }
}
