//! Changes of the state that events of the workers cause.

use super::{ask, export, open, reading, shell, training};
use crate::{
    job::{AnswersEvent, Event, Jobs},
    state::{Level, State},
    text,
};

/// Changes `state` as `event` demands, with the help of `jobs`; `ctx` is for what only the window can
/// do: the clipboard, the title, closing.
pub fn apply_event(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context, event: Event) {
    match event {
        Event::Opened(result) => open::opened(state, jobs, ctx, *result),
        Event::Adopting(share) => open::adopting(state, share),
        Event::Adopted(result) => open::adopted(state, jobs, *result),
        Event::Probed(speed) => state.shell.preferences.pace.guess = Some(speed),
        Event::Kept(trouble) => open::kept(state, jobs, trouble),
        Event::Picked(what, paths) => shell::picked(state, jobs, what, paths),
        Event::Reading(share) => state.data.read_share = share,
        Event::Read(done) => reading::read(state, jobs, *done),
        Event::Listed(rows) => state.data.listing = rows,
        Event::Reviewed(review) => state.data.review = *review,
        Event::Answers(event) => apply_answers_event(state, jobs, ctx, event),
        Event::Prepared(result) => training::prepared(state, jobs, *result),
        Event::Training { at_s, event } => training::heard(state, jobs, at_s, event),
        Event::TrainingEnded(exit) => {
            training::ended(state, exit);
            if state.shell.closing {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }
}

fn apply_answers_event(
    state: &mut State,
    jobs: &mut Jobs,
    ctx: &egui::Context,
    event: AnswersEvent,
) {
    match event {
        AnswersEvent::Preparing(side, done, total) => ask::preparing(state, side, done, total),
        AnswersEvent::Ready(_, revision) => ask::ready(state, jobs, revision),
        AnswersEvent::Answered(result) => ask::answered(state, ctx, result),
        AnswersEvent::Checked {
            side,
            revision,
            dir,
            check,
        } => {
            training::checked(state, jobs, side, revision, dir, *check);
            // The confidence of the answers on screen may have changed.
            ask::ask_again(state, jobs);
        }
        AnswersEvent::NoModel(side, trouble) => training::no_model(state, jobs, side, trouble),
        AnswersEvent::OtherBefore(name) => {
            state.say(Level::Warning, text::train::other_before(&name));
        }
        AnswersEvent::BatchAt(done, total) => state.ask.batch.done = (done, total),
        AnswersEvent::BatchDone(result) => ask::file_answered(state, result),
        AnswersEvent::Exported(result) => export::done(state, *result),
    }
}
