//! The one place that changes the state: [`apply`] carries out a user's [`Command`], [`apply_event`] takes
//! in an [`Event`](crate::worker::Event) of a worker.

mod ask;
mod data;
mod draft;
mod edit;
mod event;
mod export;
mod fix;
mod listing;
mod models;
mod open;
mod preferences;
mod reading;
mod shell;
mod training;

use std::path::PathBuf;

pub use event::apply_event;

use crate::{
    state::{
        Appearance, Column, DataView, Draft, Fix, Level, List, Only, Overlay, Page, Picked, Side,
        State, Suggestion, Verdict,
    },
    worker::Workers,
};
use nearsay_project::{Effort, EntryId, ImportId, RowId, Tuning, files::typed_path};

/// How a row is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choose {
    /// It and no other.
    Only,
    /// It too, or it no longer.
    Toggle,
    /// All from the last one to it.
    Range,
}

/// Something the user wants.
#[derive(Debug)]
pub enum Command {
    // What surrounds the steps.
    /// Show a step.
    Show(Page),
    /// Light, dark or as the system says.
    Appear(Appearance),
    /// Size of text, in per cent.
    TextSize(u16),
    /// One size larger or smaller.
    TextSizeBy(i8),
    /// Lay something over the steps, or nothing.
    Overlay(Overlay),
    /// The box of an overlay has the keyboard now.
    OverlayFocused,
    /// Hide the banner about the sample.
    HideBanner,
    /// Put a text on the clipboard and say so.
    Copy {
        /// The text.
        text: String,
        /// What to say.
        said: &'static str,
    },
    /// A trouble of the window was read.
    HideError,
    /// Somebody wants to close the window.
    Close,

    // The project.
    /// Take the last edit back.
    Undo,
    /// Do it again.
    Redo,
    /// Begin a new project.
    NewProject,
    /// Open the project in this folder, or make one of it if it was exported.
    OpenProject(PathBuf),
    /// Begin anew with the sample.
    OpenSample,
    /// Work on a copy of this project.
    CopyProject,
    /// Give the project another name.
    Rename(String),
    /// Show its folder in the system's own window.
    ShowFolder(PathBuf),
    /// Try to write what could not be written.
    KeepAgain,

    // Data.
    /// Open a file dialog.
    Pick(Picked),
    /// Take files in.
    Open(Vec<PathBuf>),
    /// Do what is right with what was dropped on the window.
    Drop(Vec<PathBuf>),
    /// The path box has a new text.
    TypePath(String),
    /// Open what stands in the path box.
    OpenTyped,
    /// The text to paste has changed; `None` ends pasting.
    Paste(Option<String>),
    /// Take the pasted text in.
    TakePasted,
    /// Columns of the file that is asked about: questions and answers; `None` leaves it.
    Columns(Option<(usize, usize)>),
    /// Read that file with these columns.
    TakeColumns,
    /// Choose other columns of a file that was read.
    ChangeColumns(ImportId),
    /// Only rows with these letters.
    Filter(String),
    /// The filter box has the keyboard now, or wants it.
    FilterFocus(bool),
    /// Only rows of this kind.
    Only(Only),
    /// Order by this column; once more turns it round.
    SortBy(Column),
    /// Choose a row.
    Choose(RowId, Choose),
    /// Choose the row so many below or above.
    ChooseNext(i32, Choose),
    /// The table has scrolled to where it should.
    Scrolled,
    /// Choose all rows that are listed, or none.
    ChooseAll(bool),
    /// Delete the chosen rows.
    Delete,
    /// Keep the chosen rows aside for checking, or learn from them.
    KeepAside(bool),
    /// Make the chosen rows ways to ask for one answer, that of the first.
    Merge,
    /// Edit this row's entry.
    Edit(RowId),
    /// Write a new entry.
    New(String),
    /// Mend a row that was left out.
    Repair(ImportId, usize),
    /// The draft has changed.
    Draft(Box<Draft>),
    /// Take the draft in.
    TakeDraft,
    /// Forget the draft.
    DropDraft,
    /// A problem was dealt with by leaving the row out.
    LeaveOut(ImportId, usize),
    /// An import's card is not needed any more.
    PutAway(ImportId),
    /// List all problems of an import, or the first few.
    AllProblems(Option<ImportId>),
    /// Show the table, the suggestions or the topics.
    DataView(DataView),
    /// Deal with a suggestion.
    Fix(Suggestion, Fix),

    // Train.
    /// How to train.
    Effort(Effort),
    /// Settings for the curious.
    Tune(Tuning),
    /// Unfold them.
    ShowAdvanced(bool),
    /// Start a training.
    Train,
    /// Go on with a training that was cut off.
    GoOn,
    /// Stop the training and keep its best.
    Stop,
    /// Let the training wait, or go on.
    Pause(bool),
    /// Show a list of questions kept aside, or the training.
    Mistakes(Option<List>),
    /// The answer that was given is right too.
    RightToo(Verdict),
    /// Learn from a question kept aside.
    Learn(Verdict),
    /// Show a row in the table.
    OpenRow(RowId),
    /// The model before answers again.
    GoBack,

    // Ask.
    /// The search box has a new text.
    Query(String),
    /// The search box has the keyboard now.
    Focused,
    /// Who is asked.
    AskSide(Side),
    /// Copy the answer the keyboard is on, as soon as it is there.
    CopyAnswer,
    /// The keyboard goes so many answers down or up.
    AnswerNext(i32),
    /// Show the nearest answers though none is good.
    ShowNearest(bool),
    /// This entry's answer is right for what was asked.
    Right(EntryId),
    /// Pick the right answer; `None` ends picking.
    Correct(Option<String>),
    /// The box for the right answer has the keyboard now.
    CorrectFocused,
    /// That was wrong: this entry's answer is right.
    CorrectWith(EntryId),
    /// Below this chance, in hundredths, there is no good answer.
    Silence(u8),
    /// Answer a file of questions.
    AnswerFile(PathBuf),
    /// Answer the file whose path was typed.
    AnswerTyped,
    /// What was dropped on the Ask step are questions (true), data (false), or nothing.
    AnswerDropped(Option<bool>),
    /// The path box for a file of questions has a new text.
    TypeBatchPath(String),

    // Export.
    /// The path box has a new text.
    TypeExportPath(String),
    /// The answers go along.
    WithData(bool),
    /// Write the folder.
    Export,
}

/// Changes `state` as `command` wants, with the help of `workers`; `ctx` is for what only the window
/// can do: the clipboard, the theme, the title, closing.
pub fn apply(state: &mut State, workers: &mut Workers, ctx: &egui::Context, command: Command) {
    match command {
        Command::Show(page) => shell::show(state, page),
        Command::Appear(appearance) => preferences::set_appearance(state, workers, ctx, appearance),
        Command::TextSize(size) => preferences::set_text_size(state, workers, ctx, size),
        Command::TextSizeBy(steps) => preferences::change_text_size(state, workers, ctx, steps),
        Command::Overlay(overlay) => shell::overlay(state, overlay),
        Command::OverlayFocused => state.shell.overlay_is_new = false,
        Command::HideBanner => state.shell.banner_hidden = true,
        Command::Copy { text, said } => {
            ctx.copy_text(text);
            state.say(Level::Info, said);
        }
        Command::HideError => {
            state.shell.error = None;
            state.data.error = None;
            state.ask.batch.error = None;
        }
        Command::Close => shell::close(state, workers, ctx),

        Command::Undo => edit::undo(state, workers),
        Command::Redo => edit::redo(state, workers),
        Command::NewProject => open::begin_new(state, workers),
        Command::OpenProject(dir) => open::open_folder(state, workers, dir),
        Command::OpenSample => open::open_sample(state, workers),
        Command::CopyProject => open::copy(state, workers),
        Command::Rename(name) => edit::rename(state, workers, ctx, &name),
        Command::ShowFolder(dir) => shell::show_folder(ctx, &dir),
        Command::KeepAgain => open::keep_again(state, workers),

        Command::Pick(what) => shell::pick(state, workers, what),
        Command::Open(paths) => open::open_files(state, workers, paths),
        Command::Drop(paths) => open::drop_on(state, workers, paths),
        Command::TypePath(path) => state.data.typed_path = path,
        Command::OpenTyped => open::open_typed(state, workers),
        Command::Paste(text) => state.data.paste = text,
        Command::TakePasted => reading::take_pasted(state, workers),
        Command::Columns(chosen) => reading::columns(state, chosen),
        Command::TakeColumns => reading::take_columns(state, workers),
        Command::ChangeColumns(import) => reading::change_columns(state, import),
        Command::Filter(filter) => {
            state.data.filter = filter;
            // What is not shown any more must not be deleted with what is.
            state.data.chosen.clear();
            listing::list(state, workers);
        }
        Command::FilterFocus(wanted) => {
            if wanted {
                state.page = Page::Data;
                state.data.view = DataView::Table;
            }
            state.data.wants_filter = wanted;
        }
        Command::Only(only) => {
            state.data.only = only;
            state.data.chosen.clear();
            listing::list(state, workers);
        }
        Command::SortBy(column) => listing::sort_by(state, workers, column),
        Command::Choose(row, how) => data::choose(state, row, how),
        Command::ChooseNext(steps, how) => data::choose_next(state, steps, how),
        Command::Scrolled => state.data.scroll_to = None,
        Command::ChooseAll(all) => data::choose_all(state, all),
        Command::Delete => data::delete(state, workers),
        Command::KeepAside(aside) => data::keep_aside(state, workers, aside),
        Command::Merge => fix::merge_chosen(state, workers),
        Command::Edit(row) => draft::edit(state, row),
        Command::New(question) => draft::new(state, question),
        Command::Repair(import, problem) => draft::repair(state, import, problem),
        Command::Draft(changed) => state.data.draft = Some(*changed),
        Command::TakeDraft => draft::take(state, workers),
        Command::DropDraft => state.data.draft = None,
        Command::LeaveOut(import, problem) => fix::leave_out(state, workers, import, problem),
        Command::PutAway(import) => fix::put_away(state, workers, import),
        Command::AllProblems(import) => state.data.all_problems = import,
        Command::DataView(view) => {
            state.page = Page::Data;
            state.data.view = view;
        }
        Command::Fix(suggestion, how) => fix::mend(state, workers, suggestion, how),

        Command::Effort(effort) => training::effort(state, workers, effort),
        Command::Tune(tuning) => training::tune(state, workers, tuning),
        Command::ShowAdvanced(curious) => state.training.advanced_open = curious,
        Command::Train => training::start(state, workers, false),
        Command::GoOn => training::start(state, workers, true),
        Command::Stop => training::stop(state, workers),
        Command::Pause(pause) => training::pause(state, workers, pause),
        Command::Mistakes(list) => {
            state.page = Page::Train;
            state.training.mistakes = list;
        }
        Command::RightToo(verdict) => fix::right_too(state, workers, verdict),
        Command::Learn(verdict) => fix::learn(state, workers, verdict),
        Command::OpenRow(row) => data::open_row(state, workers, row),
        Command::GoBack => training::go_back(state, workers),

        Command::Query(query) => ask::query(state, workers, query),
        Command::Focused => state.ask.wants_focus = false,
        Command::AskSide(side) => ask::side(state, workers, side),
        Command::CopyAnswer => ask::copy(state, ctx),
        Command::AnswerNext(steps) => ask::next(state, steps),
        Command::ShowNearest(show) => state.ask.show_nearest = show,
        Command::Right(entry) => ask::right(state, workers, entry),
        Command::Correct(query) => ask::correct(state, query),
        Command::CorrectFocused => {
            if let Some(correcting) = &mut state.ask.correcting {
                correcting.wants_focus = false;
            }
        }
        Command::CorrectWith(entry) => ask::correct_with(state, workers, entry),
        Command::Silence(least) => ask::silence(state, workers, least),
        Command::AnswerFile(path) => ask::answer_file(state, workers, path),
        Command::AnswerTyped => {
            if let Some(path) = typed_path(&state.ask.batch.typed_path) {
                ask::answer_file(state, workers, path);
            }
        }
        Command::AnswerDropped(what) => {
            let dropped = state.ask.batch.dropped.take();
            match (dropped, what) {
                (Some(path), Some(true)) => ask::answer_file(state, workers, path),
                (Some(path), Some(false)) => open::open_files(state, workers, vec![path]),
                _ => {}
            }
        }
        Command::TypeBatchPath(path) => state.ask.batch.typed_path = path,

        Command::TypeExportPath(path) => {
            state.export.typed_path = path;
            state.export.replaces = None;
        }
        Command::WithData(with_data) => state.export.with_data = with_data,
        Command::Export => export::start(state, workers),
    }
}
