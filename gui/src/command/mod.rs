//! The one place that changes state. Views return [`Command`]s, jobs send events; both end here.

mod asking;
mod data;
mod training;

use std::path::PathBuf;

use crate::{
    job::{Event, Jobs},
    state::{Appearance, Level, State, Step},
    text,
};

/// Something somebody wants, or something a job has to say.
#[derive(Debug)]
pub enum Command {
    /// Show a step.
    Show(Step),
    /// Light, dark or as the system says.
    Appear(Appearance),
    /// Open the file dialog.
    PickFile,
    /// Open a file.
    Open(PathBuf),
    /// Open what was dropped on the window.
    Drop(Vec<PathBuf>),
    /// The path box has a new text.
    TypePath(String),
    /// Open what stands in the path box.
    OpenTyped,
    /// List all problems, or the first few.
    AllProblems(bool),
    /// The trouble of the Data step was read.
    HideTrouble,
    /// Start a training.
    Train,
    /// Go on with a training that died.
    GoOn,
    /// Stop the training and keep its best.
    Stop,
    /// Let the training wait, or go on.
    Pause(bool),
    /// The search box has a new text.
    Query(String),
    /// The search box has the keyboard now.
    Focused,
    /// Start the answering child again.
    AskAgain,
    /// Put a text on the clipboard and say so.
    Copy {
        /// The text.
        text: String,
        /// What to say.
        said: &'static str,
    },
    /// Somebody wants to close the window.
    Close,
    /// A job has something to say.
    Happened(Event),
}

/// Changes `state` as `command` wants, with the help of `jobs`; `ctx` is for what only the window
/// can do: the clipboard, the theme, the title, closing.
pub fn apply(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context, command: Command) {
    match command {
        Command::Show(step) => show(state, jobs, step),
        Command::Appear(appearance) => {
            state.appearance = appearance;
            ctx.set_theme(crate::theme::preference(appearance));
        }
        Command::PickFile => data::pick(state, jobs),
        Command::Open(path) => data::open(state, jobs, path),
        Command::Drop(paths) => data::drop_on(state, jobs, paths),
        Command::TypePath(path) => state.data.typed_path = path,
        Command::OpenTyped => data::open_typed(state, jobs),
        Command::AllProblems(all) => state.data.all_problems = all,
        Command::HideTrouble => state.data.trouble = None,
        Command::Train => training::start(state, jobs, false),
        Command::GoOn => training::start(state, jobs, true),
        Command::Stop => training::stop(state, jobs),
        Command::Pause(pause) => training::pause(state, jobs, pause),
        Command::Query(query) => asking::query(state, jobs, query),
        Command::Focused => state.ask.wants_focus = false,
        Command::AskAgain => asking::start(state, jobs),
        Command::Copy { text, said } => {
            ctx.copy_text(text);
            state.say(Level::Info, said);
        }
        Command::Close => close(state, jobs, ctx),
        Command::Happened(event) => happened(state, jobs, ctx, event),
    }
}

fn happened(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context, event: Event) {
    match event {
        Event::Picked(path) => data::picked(state, jobs, path),
        Event::Reading(share) => state.data.read_share = share,
        Event::Read(result) => {
            data::read(state, jobs, *result);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(text::shell::title(
                state.project_name(),
            )));
        }
        Event::Training { at_s, event } => training::heard(state, at_s, event),
        Event::TrainingEnded(exit) => {
            training::ended(state, jobs, exit);
            if state.closing {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
        Event::Answered(result) => asking::answered(state, result),
        Event::AskingEnded(exit) => asking::ended(state, exit),
    }
}

fn show(state: &mut State, jobs: &mut Jobs, step: Step) {
    state.step = step;
    if step == Step::Ask {
        state.ask.wants_focus = true;
        asking::start_if_needed(state, jobs);
    }
}

/// A training is asked to stop before the window goes; whoever insists gets it closed at once.
fn close(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context) {
    if !jobs.is_training() || state.closing {
        return;
    }
    state.closing = true;
    ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
    training::stop(state, jobs);
    state.say(Level::Info, text::shell::CLOSING);
}
