//! Writing the model for others.

use crate::{
    job::{ExportWanted, Jobs},
    project::files::typed_path,
    state::{Exported, Level, State, Trouble},
    text,
};

pub(super) fn start(state: &mut State, jobs: &mut Jobs) {
    if state.export.running {
        return;
    }
    let Some(typed) = typed_path(&state.export.typed_path) else {
        return;
    };
    let to = match std::path::absolute(&typed) {
        Ok(to) => to,
        Err(error) => {
            state.export.trouble =
                Some(text::trouble::no_such_place(&typed).with_detail(error.to_string()));
            return;
        }
    };
    // Asked once, before anything that is there is replaced.
    if has_something(&to) && state.export.replaces.as_ref() != Some(&to) {
        if !to.join("nearsay.json").is_file() {
            state.export.trouble = Some(text::trouble::not_ours(&to));
        } else {
            state.export.trouble = None;
            state.export.replaces = Some(to);
        }
        return;
    }
    let wanted = ExportWanted {
        to,
        with_data: state.export.with_data,
        silence: state.project.document.options.silence,
    };
    let export = &mut state.export;
    export.done = None;
    export.trouble = None;
    export.replaces = None;
    match jobs.export(wanted) {
        Ok(()) => export.running = true,
        Err(trouble) => export.trouble = Some(trouble),
    }
}

/// A file, or a folder that is not empty.
fn has_something(path: &std::path::Path) -> bool {
    path.is_file() || path.read_dir().is_ok_and(|mut dir| dir.next().is_some())
}

pub(super) fn done(state: &mut State, result: Result<Exported, Trouble>) {
    state.export.running = false;
    match result {
        Ok(done) => {
            let same = done.same == done.asked;
            let level = if same { Level::Info } else { Level::Warning };
            state.say(level, text::export::done(&done));
            state.export.done = Some(done);
        }
        Err(trouble) => {
            state.say(Level::Error, trouble.what.clone());
            state.export.trouble = Some(trouble);
        }
    }
}
