//! Exporting the model.

use crate::{
    state::{Exported, Level, State, UserError},
    text,
    worker::{ExportWanted, Workers},
};
use nearsay_project::files::typed_path;

pub(super) fn start(state: &mut State, workers: &mut Workers) {
    if state.export.running {
        return;
    }
    let Some(typed) = typed_path(&state.export.typed_path) else {
        return;
    };
    let to = match std::path::absolute(&typed) {
        Ok(to) => to,
        Err(error) => {
            state.export.error =
                Some(text::error::no_such_place(&typed).with_detail(error.to_string()));
            return;
        }
    };
    // The user confirms once before a model is replaced.
    if is_occupied(&to) && state.export.replaces.as_ref() != Some(&to) {
        if to.join("nearsay.json").is_file() {
            state.export.error = None;
            state.export.replaces = Some(to);
        } else {
            state.export.error = Some(text::error::not_ours(&to));
        }
        return;
    }
    let request = ExportWanted {
        to,
        with_data: state.export.with_data,
        silence: state.project.document.options.abstain_below,
    };
    let export = &mut state.export;
    export.done = None;
    export.error = None;
    export.replaces = None;
    match workers.export(request) {
        Ok(()) => export.running = true,
        Err(error) => export.error = Some(error),
    }
}

/// Whether the path is a file or a directory that isn't empty.
fn is_occupied(path: &std::path::Path) -> bool {
    path.is_file() || path.read_dir().is_ok_and(|mut dir| dir.next().is_some())
}

pub(super) fn finish(state: &mut State, result: Result<Exported, UserError>) {
    state.export.running = false;
    match result {
        Ok(done) => {
            let same = done.same == done.asked;
            let level = if same { Level::Info } else { Level::Warning };
            state.say(level, text::export::done(&done));
            state.export.done = Some(done);
        }
        Err(error) => {
            state.say(Level::Error, error.message.clone());
            state.export.error = Some(error);
        }
    }
}
