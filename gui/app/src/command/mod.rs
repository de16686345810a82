//! All changes of the state: [`apply`] runs a [`Command`] of the user, [`apply_event`] processes an
//! [`Event`](crate::worker::Event) of a worker.

mod ask;
mod data;
mod draft;
mod edit;
mod evaluation;
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

/// How a click or a key changes the selection of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Select the row alone.
    Only,
    /// Add the row to the selection, or remove it.
    Toggle,
    /// Select the rows from the last selected one to this one.
    Range,
}

/// Intent of the user.
#[derive(Debug)]
pub enum Command {
    // The window.
    Show(Page),
    SetAppearance(Appearance),
    /// In per cent.
    SetTextSize(u16),
    /// By this many sizes; 0 resets it.
    ChangeTextSize(i8),
    Overlay(Overlay),
    OverlayFocused,
    /// Hide the banner about the sample.
    HideBanner,
    Copy {
        text: String,
        /// Message to show.
        said: &'static str,
    },
    HideError,
    Close,

    // The project.
    Undo,
    Redo,
    NewProject,
    /// Open a project, or make one from an exported model.
    OpenProject(PathBuf),
    OpenSample,
    CopyProject,
    Rename(String),
    /// Show a directory in the system's file manager.
    ShowFolder(PathBuf),
    RetrySave,

    // Data.
    /// Open a file dialog.
    Pick(Picked),
    /// Import files.
    Open(Vec<PathBuf>),
    /// Open files or directories that were dropped on the window.
    Drop(Vec<PathBuf>),
    TypePath(String),
    OpenTyped,
    /// Set the text in the paste box; `None` closes the box.
    Paste(Option<String>),
    ImportPasted,
    /// Choose the question and answer columns of a file; `None` cancels reading it.
    ChooseColumns(Option<(usize, usize)>),
    /// Read the file with the chosen columns.
    ReadWithColumns,
    /// Choose other columns for an import.
    ChangeColumns(ImportId),
    Filter(String),
    /// The filter box wants the keyboard focus (true) or has it (false).
    FilterFocus(bool),
    /// Show only rows of this kind.
    Only(Only),
    /// Sort by a column, or reverse the order if it is sorted by that column.
    SortBy(Column),
    Select(RowId, Selection),
    /// Select the row this many positions below.
    SelectNext(i32, Selection),
    /// The table has scrolled to the requested row.
    Scrolled,
    /// Select all listed rows (true), or none.
    SelectAll(bool),
    /// Delete the selected rows.
    Delete,
    /// Hold the selected rows out for testing (true), or train on them.
    HoldOut(bool),
    /// Make the selected rows paraphrases of the first one's answer.
    Merge,
    EditEntry(RowId),
    /// Write a new entry for this question.
    NewEntry(String),
    /// Edit a row that was left out of an import.
    FixRow(ImportId, usize),
    SetDraft(Box<Draft>),
    SaveDraft,
    DiscardDraft,
    DismissProblem(ImportId, usize),
    DismissImport(ImportId),
    /// Show all problems of an import; `None` shows the first few.
    AllProblems(Option<ImportId>),
    DataView(DataView),
    /// Apply or dismiss a suggestion.
    Fix(Suggestion, Fix),

    // Train.
    Effort(Effort),
    Tune(Tuning),
    /// Show the advanced settings.
    ShowAdvanced(bool),
    StartTraining,
    ResumeTraining,
    /// Stop the training and keep its best model.
    StopTraining,
    PauseTraining(bool),
    /// Show a list of test questions; `None` shows the training.
    Mistakes(Option<List>),
    /// Mark the answer that a test question got as right.
    MarkRightToo(Verdict),
    /// Train on a held-out question.
    TrainOn(Verdict),
    /// Show a row in the table.
    OpenRow(RowId),
    RestorePreviousModel,
    /// Use the model of this name, of an earlier training.
    RestoreModel(String),

    // Ask.
    Ask(String),
    SearchFocused,
    /// Ask the trained model or the base encoder.
    SetSide(Side),
    /// Copy the selected answer once it has arrived.
    CopyAnswer,
    /// Select the answer this many positions below.
    AnswerNext(i32),
    /// Show answers with a low confidence.
    ShowNearest(bool),
    /// Mark this entry's answer as right for the question.
    MarkRight(EntryId),
    /// Search for the right answer; `None` cancels.
    Correct(Option<String>),
    CorrectFocused,
    /// Choose this entry's answer as the right one.
    CorrectWith(EntryId),
    /// In per cent.
    SetAbstainBelow(u8),
    /// Answer a file of questions.
    AnswerFile(PathBuf),
    /// Answer the file whose path was typed.
    AnswerTyped,
    /// Treat a file dropped on the Ask step as questions (true) or data (false); `None` ignores it.
    AnswerDropped(Option<bool>),
    TypeBatchPath(String),

    // Export.
    TypeExportPath(String),
    /// Export the answers with the model.
    WithData(bool),
    Export,
}

/// Runs a command. `workers` run its long tasks; `ctx` gives access to the clipboard, the theme and the
/// window.
pub fn apply(state: &mut State, workers: &mut Workers, ctx: &egui::Context, command: Command) {
    match command {
        Command::Show(page) => shell::show_page(state, page),
        Command::SetAppearance(appearance) => {
            preferences::set_appearance(state, workers, ctx, appearance);
        }
        Command::SetTextSize(size) => preferences::set_text_size(state, workers, ctx, size),
        Command::ChangeTextSize(steps) => preferences::change_text_size(state, workers, ctx, steps),
        Command::Overlay(overlay) => shell::show_overlay(state, overlay),
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
        Command::Close => shell::close_window(state, workers, ctx),

        Command::Undo => edit::undo(state, workers),
        Command::Redo => edit::redo(state, workers),
        Command::NewProject => open::create_project(state, workers),
        Command::OpenProject(dir) => open::open_folder(state, workers, dir),
        Command::OpenSample => open::open_sample(state, workers),
        Command::CopyProject => open::copy_project(state, workers),
        Command::Rename(name) => edit::rename(state, workers, ctx, &name),
        Command::ShowFolder(dir) => shell::show_folder(ctx, &dir),
        Command::RetrySave => open::retry_save(state, workers),

        Command::Pick(what) => shell::pick_files(state, workers, what),
        Command::Open(paths) => open::open_files(state, workers, paths),
        Command::Drop(paths) => open::drop_on(state, workers, paths),
        Command::TypePath(path) => state.data.typed_path = path,
        Command::OpenTyped => open::open_typed(state, workers),
        Command::Paste(text) => state.data.paste = text,
        Command::ImportPasted => reading::import_pasted(state, workers),
        Command::ChooseColumns(chosen) => reading::choose_columns(state, chosen),
        Command::ReadWithColumns => reading::read_with_columns(state, workers),
        Command::ChangeColumns(import) => reading::change_columns(state, import),
        Command::Filter(filter) => {
            state.data.filter = filter;
            // Rows that the filter hides must not be deleted with the selection.
            state.data.chosen.clear();
            listing::list_rows(state, workers);
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
            listing::list_rows(state, workers);
        }
        Command::SortBy(column) => listing::sort_by(state, workers, column),
        Command::Select(row, how) => data::select_row(state, row, how),
        Command::SelectNext(steps, how) => data::select_next(state, steps, how),
        Command::Scrolled => state.data.scroll_to = None,
        Command::SelectAll(all) => data::select_all(state, all),
        Command::Delete => data::delete_rows(state, workers),
        Command::HoldOut(held_out) => data::hold_out(state, workers, held_out),
        Command::Merge => fix::merge_selected(state, workers),
        Command::EditEntry(row) => draft::edit_entry(state, row),
        Command::NewEntry(question) => draft::start_entry(state, question),
        Command::FixRow(import, problem) => draft::fix_row(state, import, problem),
        Command::SetDraft(changed) => state.data.draft = Some(*changed),
        Command::SaveDraft => draft::save(state, workers),
        Command::DiscardDraft => state.data.draft = None,
        Command::DismissProblem(import, problem) => {
            fix::dismiss_problem(state, workers, import, problem);
        }
        Command::DismissImport(import) => fix::dismiss_import(state, workers, import),
        Command::AllProblems(import) => state.data.all_problems = import,
        Command::DataView(view) => {
            state.page = Page::Data;
            state.data.view = view;
        }
        Command::Fix(suggestion, how) => fix::apply_suggestion(state, workers, suggestion, how),

        Command::Effort(effort) => training::set_effort(state, workers, effort),
        Command::Tune(tuning) => training::set_tuning(state, workers, tuning),
        Command::ShowAdvanced(curious) => state.training.advanced_open = curious,
        Command::StartTraining => training::start(state, workers, false),
        Command::ResumeTraining => training::start(state, workers, true),
        Command::StopTraining => training::stop(state, workers),
        Command::PauseTraining(pause) => training::pause(state, workers, pause),
        Command::Mistakes(list) => {
            state.page = Page::Train;
            state.training.mistakes = list;
        }
        Command::MarkRightToo(verdict) => fix::mark_right_too(state, workers, verdict),
        Command::TrainOn(verdict) => fix::train_on(state, workers, verdict),
        Command::OpenRow(row) => data::open_row(state, workers, row),
        Command::RestorePreviousModel => evaluation::restore_previous(state, workers),
        Command::RestoreModel(name) => evaluation::restore_model(state, workers, &name),

        Command::Ask(query) => ask::set_query(state, workers, query),
        Command::SearchFocused => state.ask.wants_focus = false,
        Command::SetSide(side) => ask::set_side(state, workers, side),
        Command::CopyAnswer => ask::copy_answer(state, ctx),
        Command::AnswerNext(steps) => ask::select_next(state, steps),
        Command::ShowNearest(show) => state.ask.show_nearest = show,
        Command::MarkRight(entry) => ask::mark_right(state, workers, entry),
        Command::Correct(query) => ask::search_correction(state, query),
        Command::CorrectFocused => {
            if let Some(correcting) = &mut state.ask.correcting {
                correcting.wants_focus = false;
            }
        }
        Command::CorrectWith(entry) => ask::correct_with(state, workers, entry),
        Command::SetAbstainBelow(percent) => ask::set_abstain_below(state, workers, percent),
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
