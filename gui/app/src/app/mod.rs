//! The desktop app: connects state, views, commands and workers, and opens the window.

mod log;
mod window;

use std::{path::PathBuf, sync::Arc};

pub use window::{AppError, OpenOptions, open, open_with};

use crate::{
    command::{self, Command},
    state::State,
    theme, view,
    worker::{Engine, Event, FileDialog, RequestRepaint, Workers},
};
use nearsay_project::Preferences;
use nearsay_store::DiskStore;

/// The app: its state and its workers.
pub struct App {
    pub state: State,
    workers: Workers,
}

impl App {
    /// Creates an app that opens `path`: a project, an exported folder or an FAQ file. Without a path, it opens
    /// the last project; without one, the sample.
    pub fn new(
        ctx: &egui::Context,
        engine: Engine,
        dialog: Box<dyn FileDialog>,
        path: Option<PathBuf>,
    ) -> Self {
        theme::install(ctx);
        let preferences = Preferences::load(&DiskStore, &engine.data_dir);
        ctx.set_theme(theme::preference(preferences.appearance));
        ctx.set_zoom_factor(f32::from(preferences.text_size) / 100.0);
        let waker = ctx.clone();
        let request_repaint: RequestRepaint =
            Arc::new(move |within| waker.request_repaint_after(within));
        let mut app = Self {
            state: State::default(),
            workers: Workers::new(engine, dialog, request_repaint),
        };
        let last = preferences.recents.iter().find(|recent| !recent.gone);
        let last = last.map(|recent| recent.dir.clone());
        app.state.shell.preferences = preferences;
        if app.state.shell.preferences.pace.guess.is_none() {
            // Without it, the first training has no time estimate.
            if let Err(error) = app.workers.measure_speed() {
                tracing::warn!(%error, "cannot measure the speed of this machine");
            }
        }
        match (path, last) {
            (Some(path), _) if path.is_dir() => {
                app.apply(ctx, Command::OpenProject(path));
            }
            (Some(path), _) => app.apply(ctx, Command::Open(vec![path])),
            (None, Some(dir)) => app.apply(ctx, Command::OpenProject(dir)),
            (None, None) => app.apply(ctx, Command::OpenSample),
        }
        app
    }

    /// Processes the events of the workers.
    pub fn logic(&mut self, ctx: &egui::Context) {
        while let Some(event) = self.workers.next_event() {
            self.apply_event(ctx, event);
        }
        if ctx.input(|input| input.viewport().close_requested()) {
            self.apply(ctx, Command::Close);
        }
    }

    /// Saves everything before the window closes.
    pub fn finish(&mut self) {
        self.workers.finish();
    }

    /// Draws the window and runs the commands of the user.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        let commands = view::show(ui, &self.state);
        if commands.is_empty() {
            return;
        }
        for command in commands {
            self.apply(&ctx, command);
        }
        // Draw the changes at once.
        ctx.request_repaint();
    }

    /// Runs a command of the user.
    pub fn apply(&mut self, ctx: &egui::Context, command: Command) {
        command::apply(&mut self.state, &mut self.workers, ctx, command);
    }

    /// Processes an event of a worker.
    pub fn apply_event(&mut self, ctx: &egui::Context, event: Event) {
        command::apply_event(&mut self.state, &mut self.workers, ctx, event);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        Self::logic(self, ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        Self::ui(self, ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.finish();
    }
}
