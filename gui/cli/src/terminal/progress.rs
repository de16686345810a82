//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    cell::Cell,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// Least time between plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of one task.
pub(crate) struct Bar {
    name: &'static str,
    bar: Option<ProgressBar>,
    quiet: bool,
    last_line: Cell<Option<Instant>>,
}

impl Bar {
    /// `quiet` hides the progress, for runs that report it as JSON.
    pub(crate) fn new(name: &'static str, quiet: bool) -> Self {
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
            last_line: Cell::new(None),
        }
    }

    pub(crate) fn show(&self, done: u64, total: u64) {
        self.update(None, done, total);
    }

    /// Like [`show`](Self::show), with the worker's own estimate of the time left: the bar's would count cached texts as
    /// work.
    pub(crate) fn show_with_eta(&self, done: u64, total: u64, eta_s: Option<f64>) {
        self.update(
            Some(eta_s.map_or_else(String::new, format_time_left)),
            done,
            total,
        );
    }

    fn update(&self, left: Option<String>, done: u64, total: u64) {
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
            let should_print = self
                .last_line
                .get()
                .is_none_or(|last| now - last >= LINE_INTERVAL);
            if should_print && done < total {
                self.last_line.set(Some(now));
                let left = left.unwrap_or_default();
                eprintln!("{}: {done} of {total}{left}", self.name);
            }
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) if !bar.is_finished() => bar.suspend(|| eprintln!("{text}")),
            _ => eprintln!("{text}"),
        }
    }
}

fn format_time_left(seconds: f64) -> String {
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
    fn format_time_left_rounds_to_units() {
        for (seconds, expected) in [
            (0.4, ", about 0 s left"),
            (119.4, ", about 119 s left"),
            (200.0, ", about 3 min left"),
            (8_000.0, ", about 2 h left"),
        ] {
            assert_eq!(format_time_left(seconds), expected);
        }
    }
}
