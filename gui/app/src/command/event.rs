//! Changes of the state that events of the workers cause.

use super::{ask, export, open, reading, shell, training};
use crate::{
    state::{Level, State},
    text,
    worker::{AnswersEvent, Event, Workers},
};

/// Changes `state` as `event` demands, with the help of `workers`; `ctx` is for what only the window can
/// do: the clipboard, the title, closing.
pub fn apply_event(state: &mut State, workers: &mut Workers, ctx: &egui::Context, event: Event) {
    match event {
        Event::Opened(result) => open::opened(state, workers, ctx, *result),
        Event::Adopting(share) => open::adopting(state, share),
        Event::Adopted(result) => open::adopted(state, workers, *result),
        Event::Probed(speed) => state.shell.preferences.pace.guess = Some(speed),
        Event::Kept(error) => open::kept(state, workers, error),
        Event::Picked(what, paths) => shell::picked(state, workers, what, paths),
        Event::Reading(share) => state.data.read_share = share,
        Event::Read(done) => reading::read(state, workers, *done),
        Event::Listed(rows) => state.data.listing = rows,
        Event::Reviewed(review) => state.data.review = *review,
        Event::Answers(event) => apply_answers_event(state, workers, ctx, event),
        Event::Prepared(result) => training::prepared(state, workers, *result),
        Event::Training { at_s, event } => training::heard(state, workers, at_s, event),
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
    workers: &mut Workers,
    ctx: &egui::Context,
    event: AnswersEvent,
) {
    match event {
        AnswersEvent::Preparing(side, done, total) => ask::preparing(state, side, done, total),
        AnswersEvent::Ready(_, revision) => ask::ready(state, workers, revision),
        AnswersEvent::Answered(result) => ask::answered(state, ctx, result),
        AnswersEvent::Checked {
            side,
            revision,
            dir,
            check,
        } => {
            training::checked(state, workers, side, revision, dir, *check);
            // The confidence of the answers on screen may have changed.
            ask::ask_again(state, workers);
        }
        AnswersEvent::NoModel(side, error) => training::no_model(state, workers, side, error),
        AnswersEvent::OtherBefore(name) => {
            state.say(Level::Warning, text::results::other_before(&name));
        }
        AnswersEvent::BatchAt(done, total) => state.ask.batch.done = (done, total),
        AnswersEvent::BatchDone(result) => ask::file_answered(state, result),
        AnswersEvent::Exported(result) => export::done(state, *result),
    }
}
