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
pub(super) struct Bar {
    name: &'static str,
    bar: Option<ProgressBar>,
    quiet: bool,
    told: Cell<Option<Instant>>,
}

impl Bar {
    /// Progress of this name; `quiet` shows nothing, for when events tell it.
    pub(super) fn new(name: &'static str, quiet: bool) -> Self {
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
    pub(super) fn show(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
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
                eprintln!("{}: {done} of {total}", self.name);
            }
        }
    }

    /// Says a line without spoiling the bar.
    pub(super) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) if !bar.is_finished() => bar.suspend(|| eprintln!("{text}")),
            _ => eprintln!("{text}"),
        }
    }
}
