//! Pausing and stopping a run from another thread.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Request to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Request {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Pauses, resumes and stops a run. Share it by reference or `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    request: Mutex<Request>,
    changed: Condvar,
}

impl Control {
    /// A control without a request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn request(&self) -> MutexGuard<'_, Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl Fn(Request) -> Request) {
        let mut request = self.request();
        *request = change(*request);
        self.changed.notify_all();
    }

    /// Pauses the run after its present step.
    pub fn pause(&self) {
        self.set(|request| {
            if request == Request::Run {
                Request::Pause
            } else {
                request
            }
        });
    }

    /// Resumes a paused run.
    pub fn resume(&self) {
        self.set(|request| {
            if request == Request::Pause {
                Request::Run
            } else {
                request
            }
        });
    }

    /// Stops the run after its present step; the run returns its best state so far. Final.
    pub fn stop(&self) {
        self.set(|_| Request::Stop);
    }

    /// Whether the run should stop.
    #[must_use]
    pub fn stopping(&self) -> bool {
        *self.request() == Request::Stop
    }

    /// Whether the run should pause.
    #[must_use]
    pub fn paused(&self) -> bool {
        *self.request() == Request::Pause
    }

    /// Blocks while the run is paused; returns whether to continue.
    #[must_use]
    pub fn wait(&self) -> bool {
        let mut request = self.request();
        while *request == Request::Pause {
            request = self
                .changed
                .wait(request)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *request == Request::Run
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
    fn wait_blocks_until_resume() {
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
    fn stop_overrides_pause_and_resume() {
        let control = Control::new();
        control.stop();
        control.pause();
        control.resume();
        assert!(control.stopping());
        assert!(!control.wait());
    }
}
