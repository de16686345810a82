//! Processing the events of workers.

use super::{ask, evaluation, export, open, reading, shell, training};
use crate::{
    state::{Level, State},
    text,
    worker::{AnswersEvent, Event, Workers},
};

/// Processes an event. `workers` run further tasks; `ctx` gives access to the clipboard and the window.
pub fn apply_event(state: &mut State, workers: &mut Workers, ctx: &egui::Context, event: Event) {
    match event {
        Event::Opened(result) => open::finish_open(state, workers, ctx, *result),
        Event::Adopting(fraction) => open::show_adopt_progress(state, fraction),
        Event::Adopted(result) => open::finish_adopt(state, workers, *result),
        Event::SpeedMeasured(speed) => state.shell.preferences.pace.guess = Some(speed),
        Event::Saved(error) => open::finish_save(state, workers, error),
        Event::Picked(what, paths) => shell::use_picked(state, workers, what, paths),
        Event::Reading(share) => state.data.read_share = share,
        Event::Read(done) => reading::import_rows(state, workers, *done),
        Event::Listed(rows) => state.data.listing = rows,
        Event::Reviewed(review) => state.data.review = *review,
        Event::Answers(event) => apply_answers_event(state, workers, ctx, event),
        Event::Prepared(result) => training::run(state, workers, *result),
        Event::Training { at_s, event } => training::process_event(state, workers, at_s, event),
        Event::TrainingEnded(exit) => {
            training::finish_process(state, exit);
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
        AnswersEvent::Preparing(side, done, total) => ask::show_preparing(state, side, done, total),
        AnswersEvent::Ready(_, revision) => ask::answer_with_revision(state, workers, revision),
        AnswersEvent::Answered(result) => ask::show_reply(state, ctx, result),
        AnswersEvent::Checked {
            side,
            revision,
            dir,
            check,
        } => {
            evaluation::process_results(state, workers, side, revision, dir, *check);
            // The confidence of the answers on screen may have changed.
            ask::ask_again(state, workers);
        }
        AnswersEvent::NoModel(side, error) => {
            evaluation::report_unusable_model(state, workers, side, error);
        }
        AnswersEvent::OtherBefore(name) => {
            state.say(Level::Warning, text::results::other_before(&name));
        }
        AnswersEvent::BatchAt(done, total) => state.ask.batch.done = (done, total),
        AnswersEvent::BatchDone(result) => ask::finish_file(state, result),
        AnswersEvent::Exported(result) => export::finish(state, *result),
    }
}
