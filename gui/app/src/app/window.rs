//! Opening the window.

use std::{fmt, path::PathBuf};

use egui::{IconData, ViewportBuilder, vec2};

use super::{App, log};
use crate::{
    state::UserError,
    text,
    worker::{Engine, SystemDialog},
};

/// Options of opening the window.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// An FAQ file, a project or an exported folder to open.
    pub file: Option<PathBuf>,
    /// The app's data directory, with projects and models.
    pub data_dir: PathBuf,
}

/// Error of opening the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppError(UserError);

impl AppError {
    /// The error with its remedy and details.
    pub fn error(&self) -> &UserError {
        &self.0
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}.", self.0.message, self.0.remedy)
    }
}

impl std::error::Error for AppError {}

/// Opens the window and returns when it is closed. Training runs in child processes of this program.
///
/// # Errors
/// If the system has no display, or no graphics library can draw on it.
pub fn open(options: OpenOptions) -> Result<(), AppError> {
    let engine = Engine::this_program(options.data_dir.clone())
        .map_err(|error| AppError(text::error::no_engine().with_detail(error.to_string())))?;
    open_with(options, engine)
}

/// Like [`open`], with another program to train with. Used by tests.
///
/// # Errors
/// If the system has no display, or no graphics library can draw on it.
pub fn open_with(options: OpenOptions, engine: Engine) -> Result<(), AppError> {
    log::start(&options.data_dir);
    let no_window = |detail: String| AppError(text::error::no_window().with_detail(detail));
    let no_drops = platform() == Platform::WaylandOnly;
    let run = || {
        eframe::run_native(
            text::shell::APP,
            native_options(),
            Box::new(move |creation| {
                let mut app = App::new(
                    &creation.egui_ctx,
                    engine,
                    Box::new(SystemDialog),
                    options.file,
                );
                app.state.shell.no_drops = no_drops;
                Ok(Box::new(app))
            }),
        )
    };
    // Graphics libraries panic on some errors. The user should see an error message, not a crash.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_window(error.to_string())),
        Err(_) => Err(no_window("the graphics library panicked".to_owned())),
    }
}

/// The window system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    /// X11 or `XWayland`, with file drops.
    X11,
    /// Wayland without `XWayland`; winit doesn't report file drops there.
    WaylandOnly,
    /// Another operating system.
    Other,
}

fn platform() -> Platform {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") {
        Platform::Other
    } else if set("DISPLAY") || !set("WAYLAND_DISPLAY") {
        Platform::X11
    } else {
        Platform::WaylandOnly
    }
}

fn native_options() -> eframe::NativeOptions {
    let mut viewport = ViewportBuilder::default()
        .with_title(text::shell::APP)
        .with_app_id("nearsay")
        .with_inner_size(vec2(1180.0, 780.0))
        .with_min_inner_size(vec2(800.0, 560.0))
        .with_drag_and_drop(true);
    if let Some(icon) = icon() {
        viewport = viewport.with_icon(icon);
    }
    eframe::NativeOptions {
        viewport,
        event_loop_builder: event_loop(),
        ..eframe::NativeOptions::default()
    }
}

#[cfg(target_os = "linux")]
fn event_loop() -> Option<eframe::EventLoopBuilderHook> {
    use winit::platform::x11::EventLoopBuilderExtX11 as _;

    // File drops work through XWayland, but not on native Wayland.
    (platform() == Platform::X11 && std::env::var_os("DISPLAY").is_some()).then(
        || -> eframe::EventLoopBuilderHook {
            Box::new(|builder| {
                builder.with_x11();
            })
        },
    )
}

#[cfg(not(target_os = "linux"))]
fn event_loop() -> Option<eframe::EventLoopBuilderHook> {
    None
}

fn icon() -> Option<IconData> {
    eframe::icon_data::from_png_bytes(include_bytes!("../../../../assets/icon-256.png")).ok()
}
