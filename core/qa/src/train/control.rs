//! Pausing and stopping a run from another thread.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What somebody outside wants of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Pauses, resumes and stops a run. Share it by reference or `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Control {
    /// A control that lets the run go.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl Fn(Wish) -> Wish) {
        let mut wish = self.wish();
        *wish = change(*wish);
        self.changed.notify_all();
    }

    /// Lets the run wait after its present step.
    pub fn pause(&self) {
        self.set(|wish| if wish == Wish::Run { Wish::Pause } else { wish });
    }

    /// Lets a paused run go on.
    pub fn resume(&self) {
        self.set(|wish| if wish == Wish::Pause { Wish::Run } else { wish });
    }

    /// Ends the run after its present step; it keeps what it has. Cannot be taken back.
    pub fn stop(&self) {
        self.set(|_| Wish::Stop);
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn stopping(&self) -> bool {
        *self.wish() == Wish::Stop
    }

    /// Whether the run is to wait.
    #[must_use]
    pub fn paused(&self) -> bool {
        *self.wish() == Wish::Pause
    }

    /// Waits as long as the run is paused; returns whether it is to go on.
    #[must_use]
    pub fn wait(&self) -> bool {
        let mut wish = self.wish();
        while *wish == Wish::Pause {
            wish = self
                .changed
                .wait(wish)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *wish == Wish::Run
    }
}

impl crate::cache::Interrupt for Control {
    fn wait(&self) -> bool {
        Self::wait(self)
    }

    fn stopping(&self) -> bool {
        Self::stopping(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};

    #[test]
    fn a_paused_run_waits_until_it_may_go_on() {
        let control = Arc::new(Control::new());
        control.pause();
        assert!(control.paused());
        let other = Arc::clone(&control);
        let waiting = std::thread::Builder::new()
            .spawn(move || other.wait())
            .unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        control.resume();
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn stop_wins_over_pause_and_resume() {
        let control = Control::new();
        control.stop();
        control.pause();
        control.resume();
        assert!(control.stopping());
        assert!(!control.wait());
    }
}
