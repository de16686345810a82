//! The window through its accessibility tree: what it shows, and how it reacts to input.
#![cfg(unix)]

mod common;

use common::{
    FakeDialog, Window, add, begin, control, copied, desk, document, dozen, drop_on, file, fill,
    is_shown, open, open_with, press, press_last, real, rehearsed, settle, shows, shows_message,
    stand_out, state, tell, tell_event, until, write_in,
};
use egui::{Event as Input, Key, Modifiers, Theme, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use nearsay::train;
use nearsay_app::{
    command::Command,
    state::{
        ColumnsWanted, DataView, Exported, ExportedFile, List, Overlay, Page, Picked, Saved, Stage,
        UserError,
    },
    worker::Event,
};
use nearsay_project::{Document, Effort, RowId};
use tempfile::tempdir;

/// Id of the entry with this question.
fn entry_of(document: &Document, question: &str) -> u64 {
    let found = document.rows().find(|(_, _, way)| way.text == question);
    found.map_or(u64::MAX, |(row, _, _)| row.entry)
}

/// Types a question and waits for the answers.
fn ask(window: &mut Window, question: &str) {
    tell(window, Command::Show(Page::Ask));
    tell(window, Command::Ask(String::new()));
    write_in(window, "Ask a question", question);
    answered(window, question);
}

fn answered(window: &mut Window, question: &str) {
    until(window, "answered", |state| {
        let reply = state.ask.reply.as_ref();
        !state.ask.waiting && reply.is_some_and(|reply| reply.question == question)
    });
}

fn pair(question: &str, answer: &str) -> (String, String) {
    (question.to_owned(), answer.to_owned())
}

#[test]
fn first_start_answers_questions_of_sample() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    assert_eq!(state(&window).page, Page::Ask);
    shows(&window, "You are looking at a sample");
    assert!(control(&window, "Ask a question").is_focused());
    let examples: Vec<String> = document(&window)
        .example_questions()
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(examples.len(), 3);
    press(&mut window, &examples[1]);
    answered(&mut window, &examples[1]);
    let first = &state(&window).ask.reply.as_ref().unwrap().answers[0];
    assert_eq!(first.entry, entry_of(document(&window), &examples[1]));
    shows(&window, "Sure");
    assert!(control(&window, "Ask a question").is_focused());
}

#[test]
fn typed_question_finds_answer_and_keyboard_copies_it() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    ask(&mut window, "how much is membership");
    let answers: Vec<String> = state(&window)
        .ask
        .reply
        .iter()
        .flat_map(|reply| &reply.answers)
        .map(|answer| answer.answer.clone())
        .collect();
    assert_eq!(answers.len(), nearsay_app::worker::TOP);
    control(&window, "Copy answer 2");
    window.key_down(Key::Enter);
    window.step();
    assert_eq!(copied(&window), answers[0]);
    window.run_steps(2);
    shows(&window, "Answer copied");
    window.key_press(Key::ArrowDown);
    window.run_steps(3);
    window.key_down(Key::Enter);
    window.step();
    assert_eq!(copied(&window), answers[1]);
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(state(&window).ask.query.is_empty() && state(&window).ask.reply.is_none());
    assert!(control(&window, "Ask a question").is_focused());
    shows(&window, "For example");
}

#[test]
fn marking_answer_right_adds_paraphrase_and_undo_removes_it() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let before = document(&window).clone();
    ask(&mut window, "how much is membership");
    let right = state(&window).ask.reply.as_ref().unwrap().answers[0].entry;
    press(&mut window, "Right");
    let taught = &document(&window).entries[&right].paraphrases;
    assert_eq!(taught.last().unwrap().text, "how much is membership");
    assert!(!taught.last().unwrap().held_out);
    shows(&window, "Saved. Next time, this question finds this answer");
    settle(&mut window);
    until(&mut window, "found by its own words", |state| {
        let first = state.ask.reply.as_ref().map(|reply| &reply.answers[0]);
        first.is_some_and(|first| first.score > 0.999)
    });
    press_last(&mut window, "Undo");
    assert_eq!(document(&window).entries, before.entries);
    control(&window, "Right");
}

#[test]
fn wrong_answer_is_corrected_by_picking_another() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let question = "how much is membership";
    ask(&mut window, question);
    press(&mut window, "Wrong?");
    assert!(control(&window, "Search for the right answer").is_focused());
    shows(&window, "Which answer is right for");
    write_in(
        &mut window,
        "Search for the right answer",
        "dog no-such-word",
    );
    shows(&window, "No answer contains these words");
    tell(&mut window, Command::Correct(Some(String::new())));
    write_in(&mut window, "Search for the right answer", "wheelchair");
    let found = state(&window)
        .ask
        .correcting
        .as_ref()
        .unwrap()
        .found
        .clone();
    let (picked, known, _) = found.first().unwrap();
    press(&mut window, &format!("This one: {known}"));
    let ways = &document(&window).entries[picked].paraphrases;
    assert_eq!(ways.last().unwrap().text, question);
    shows(&window, "this question finds the answer you chose");
    settle(&mut window);
    until(&mut window, "it comes first", |state| {
        let first = state.ask.reply.as_ref().map(|reply| &reply.answers[0]);
        first.is_some_and(|first| first.entry == *picked)
    });
}

#[test]
fn escape_ends_picking_and_keeps_question() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    ask(&mut window, "how much is membership");
    press(&mut window, "Wrong?");
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(state(&window).ask.correcting.is_none());
    assert!(!state(&window).ask.query.is_empty());
}

#[test]
fn nonsense_question_abstains_and_shows_nearest_on_request() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    ask(&mut window, "what is the capital of France");
    shows(&window, "No good answer found");
    assert!(!is_shown(&window, "Copy answer"));
    press(&mut window, "Show the closest answers");
    control(&window, "Copy answer 2");
    tell(&mut window, Command::ShowNearest(false));
    press(&mut window, "Write an answer");
    let draft = state(&window).data.draft.as_ref().unwrap();
    assert_eq!(draft.paraphrases[0].0, "what is the capital of France");
}

#[test]
fn abstain_slider_shows_consequence_and_takes_effect() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let sentence = |window: &Window, least: usize| {
        let check = state(window).training.checking.now().unwrap();
        let (answered, wrong) = check.risk_coverage[least];
        nearsay_app::text::ask::consequence(answered, wrong)
    };
    let usual = document(&window).options.abstain_below;
    shows(&window, &sentence(&window, usize::from(usual)));
    assert_ne!(sentence(&window, usize::from(usual)), sentence(&window, 95));
    control(&window, "When should Nearsay answer?").set_value_accesskit(95.0);
    window.run_steps(4);
    assert_eq!(document(&window).options.abstain_below, 95);
    shows(&window, &sentence(&window, 95));
    ask(&mut window, "how much is membership");
    shows(&window, "No good answer found");
    tell(&mut window, Command::Undo);
    assert_eq!(document(&window).options.abstain_below, usual);
    assert!(!is_shown(&window, "No good answer found"));
}

#[test]
fn abstain_slider_warns_about_few_test_questions() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    tell(&mut window, Command::Show(Page::Ask));
    shows(&window, "This setting needs at least 30 test questions");
}

#[test]
fn typing_filters_rows() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let all = state(&window).data.listing.rows.len();
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    window.run_steps(3);
    assert_eq!(state(&window).page, Page::Data);
    assert!(control(&window, "Filter the rows").is_focused());
    control(&window, "Filter the rows").type_text("Wheelchair");
    window.run_steps(3);
    until(&mut window, "filtered", |state| {
        state.data.listing.rows.len() < all
    });
    let rows = state(&window).data.listing.rows.clone();
    assert!(!rows.is_empty());
    for row in rows.iter() {
        let entry = &document(&window).entries[&row.entry];
        let question = &entry.paraphrases[row.paraphrase as usize].text;
        let all = format!("{question} {} {:?}", entry.answer, entry.source).to_lowercase();
        assert!(all.contains("wheelchair"), "{all}");
    }
    control(&window, "Filter the rows").type_text(" on the moon");
    window.run_steps(3);
    until(&mut window, "none is left", |state| {
        state.data.listing.rows.is_empty()
    });
    shows(&window, "No matching rows");
}

#[test]
fn column_header_sorts_and_reverses() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    let rows = ["Beer?", "ale?", "Cider?"].map(|q| pair(q, &format!("About {q}")));
    fill(&mut window, 1, &rows);
    let listed = |window: &Window| -> Vec<String> {
        let document = document(window);
        let rows = state(window).data.listing.rows.iter();
        rows.filter_map(|row| Some(document.paraphrase(*row)?.text.clone()))
            .collect()
    };
    assert_eq!(listed(&window), ["Beer?", "ale?", "Cider?"]);
    press(&mut window, "Sort by Question");
    until(&mut window, "sorted", |state| {
        state
            .data
            .listing
            .rows
            .first()
            .is_some_and(|row| row.entry == 1)
    });
    assert_eq!(listed(&window), ["ale?", "Beer?", "Cider?"]);
    press(&mut window, "Sort by Question, now ascending");
    until(&mut window, "turned round", |state| {
        state
            .data
            .listing
            .rows
            .first()
            .is_some_and(|row| row.entry == 2)
    });
    assert_eq!(listed(&window), ["Cider?", "Beer?", "ale?"]);
    control(&window, "Sort by Question, now descending");
}

#[test]
fn keyboard_selects_and_deletes_rows() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    let chosen = |window: &Window| -> Vec<u64> {
        state(window)
            .data
            .chosen
            .iter()
            .map(|row| row.entry)
            .collect()
    };
    control(&window, "What about number 3? Number 3 is fine.").click();
    window.run_steps(3);
    assert_eq!(chosen(&window), [2]);
    shows(&window, "1 row selected");
    window.key_press(Key::ArrowDown);
    window.run_steps(3);
    assert_eq!(chosen(&window), [3]);
    for _ in 0..2 {
        window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        window.run_steps(3);
    }
    assert_eq!(chosen(&window), [3, 4, 5]);
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    window.run_steps(3);
    assert_eq!(chosen(&window), [3, 4]);
    window.key_press(Key::Delete);
    window.run_steps(3);
    assert_eq!(document(&window).entries.len(), 10);
    assert!(!document(&window).entries.contains_key(&3));
    shows_message(&window, "Deleted 2 rows");
    settle(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(3);
    assert_eq!(chosen(&window).len(), 10);
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(chosen(&window).is_empty());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(3);
    assert_eq!(document(&window).entries.len(), 12);
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.run_steps(3);
    assert_eq!(document(&window).entries.len(), 10);
}

#[test]
fn delete_keeps_rows_hidden_by_filter() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    control(&window, "What about number 3? Number 3 is fine.").click();
    window.run_steps(3);
    write_in(&mut window, "Filter the rows", "number 7");
    until(&mut window, "filtered", |state| {
        state.data.listing.rows.len() == 1
    });
    press(&mut window, "What about number 7? Number 7 is fine.");
    window.key_press(Key::Delete);
    window.run_steps(3);
    assert_eq!(document(&window).entries.len(), 11);
    tell(&mut window, Command::Undo);
    tell(&mut window, Command::Filter(String::new()));
    tell(&mut window, Command::SelectAll(true));
    tell(
        &mut window,
        Command::Only(nearsay_app::state::Only::HeldOut),
    );
    tell(&mut window, Command::Delete);
    assert_eq!(document(&window).entries.len(), 12);
}

#[test]
fn home_and_end_select_first_and_last_row() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    control(&window, "What about number 3? Number 3 is fine.").click();
    window.run_steps(3);
    for (key, entry) in [(Key::End, 11), (Key::Home, 0)] {
        window.key_press(key);
        window.run_steps(3);
        assert_eq!(state(&window).data.at.map(|row| row.entry), Some(entry));
    }
}

#[test]
fn question_with_two_answers_is_fixed_with_one_click() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    let mut rows = desk()[..12].to_vec();
    rows.push(pair("Are you open on Sunday?", "Yes, from 10 to 4"));
    rows.push(pair("ARE YOU OPEN ON SUNDAY?", "No, never"));
    fill(&mut window, 1, &rows);
    press(&mut window, "1 to fix");
    shows(&window, "same question, two answers");
    press(&mut window, "Use the answer on the left");
    let kept = &document(&window).entries[&12];
    assert_eq!(
        (kept.paraphrases.len(), kept.answer.as_str()),
        (2, "Yes, from 10 to 4")
    );
    assert!(!document(&window).entries.contains_key(&13));
    shows(&window, "Nothing to fix");
    tell(&mut window, Command::Undo);
    settle(&mut window);
    press(&mut window, "Use the answer on the right");
    assert_eq!(document(&window).entries[&13].paraphrases.len(), 2);
    tell(&mut window, Command::Undo);
    settle(&mut window);
    press(&mut window, "Keep both");
    settle(&mut window);
    assert_eq!(document(&window).options.apart, [(12, 13)]);
    assert!(state(&window).data.review.suggestions.is_empty());
}

#[test]
fn pasted_rows_are_added() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    begin(&mut window, 1);
    press(&mut window, "Paste rows");
    assert!(control(&window, "Rows to paste").is_focused());
    window.event(Input::Paste(
        "When are you open?\tDaily from 9 to 18\nDo you deliver?\tYes, in the whole city\n".into(),
    ));
    window.run_steps(3);
    press(&mut window, "Add rows");
    until(&mut window, "they are there", |state| {
        state.project.document.entries.len() == 2
    });
    assert_eq!(
        document(&window).entries[&1].answer,
        "Yes, in the whole city"
    );
    shows(&window, "Pasted rows");
    assert!(state(&window).data.paste.is_none());
}

#[test]
fn paste_is_refused_in_sample() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let before = document(&window).entries.len();
    tell(&mut window, Command::Show(Page::Data));
    press(&mut window, "Paste rows");
    window.event(Input::Paste("Is it?\tYes\n".into()));
    window.run_steps(3);
    press(&mut window, "Add rows");
    shows_message(&window, "Start a new project first");
    assert_eq!(document(&window).entries.len(), before);
    assert_eq!(state(&window).data.paste.as_deref(), Some("Is it?\tYes\n"));
}

#[test]
fn unknown_columns_prompt_for_choice() {
    let data = tempdir().unwrap();
    let path = data.path().join("export.csv");
    let rows: String = (0..9)
        .map(|n| format!("{n},What is {n} like?,It is {n}\n"))
        .collect();
    file(&path, &format!("nr,anliegen,auskunft\n{rows}"));
    let mut window = open(real(data.path()));
    tell(&mut window, Command::Open(vec![path]));
    until(&mut window, "asked", |state| state.data.columns.is_some());
    shows(&window, "Choose columns");
    for (name, column) in [("Questions from", "anliegen"), ("Answers from", "auskunft")] {
        press(&mut window, name);
        press_last(&mut window, column);
        window.run_steps(3);
    }
    press(&mut window, "Read file");
    until(&mut window, "read", |state| {
        state.project.document.entries.len() == 9
    });
    let entry = &document(&window).entries[&4];
    assert_eq!(
        (entry.paraphrases[0].text.as_str(), entry.answer.as_str()),
        ("What is 4 like?", "It is 4")
    );
}

#[test]
fn row_is_edited_in_place() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    control(&window, "What about number 3? Number 3 is fine.").click();
    window.run_steps(3);
    window.key_press(Key::F2);
    window.run_steps(3);
    assert!(control(&window, "Question 1").is_focused());
    press(&mut window, "+ Another way to ask");
    assert!(control(&window, "Question 2").is_focused());
    control(&window, "Question 2").type_text("And number three?");
    window.run_steps(2);
    write_in(&mut window, "Topic (optional)", "Numbers");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run_steps(3);
    assert!(state(&window).data.draft.is_none());
    let entry = &document(&window).entries[&2];
    assert_eq!(entry.paraphrases[1].text, "And number three?");
    assert_eq!(entry.source.as_deref(), Some("Numbers"));
    assert_eq!(entry.answer, "Number 3 is fine.");
}

#[test]
fn draft_without_answer_cannot_be_saved() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    press(&mut window, "New row");
    control(&window, "Question 1").type_text("Is it?");
    window.run_steps(2);
    shows(&window, "Enter a question and an answer");
    press(&mut window, "Save");
    assert_eq!(document(&window).entries.len(), 12);
    press(&mut window, "Cancel");
    assert!(state(&window).data.draft.is_none());
}

#[test]
fn cancelled_dialog_suggests_typing_path() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    assert!(!is_shown(&window, "Path of the file"));
    press(&mut window, "Choose files…");
    until(&mut window, "closed", |state| !state.shell.dialog_open);
    shows_message(&window, "enter the path of the file");
    control(&window, "Path of the file");
}

#[test]
fn picked_file_and_typed_path_are_imported() {
    let data = tempdir().unwrap();
    let (one, two) = (data.path().join("one.txt"), data.path().join("two.txt"));
    file(&one, "Q: What is one?\nA: The first\n");
    file(&two, "Q: What is two?\nA: The second\n");
    let mut window = open_with(real(data.path()), FakeDialog::picks(one), None);
    fill(&mut window, 1, &dozen());
    window.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.run_steps(2);
    until(&mut window, "read", |state| {
        state.project.document.entries.len() == 13
    });
    tell(&mut window, Command::Pick(Picked::Faqs));
    until(&mut window, "cancelled", |state| state.shell.no_dialog);
    write_in(
        &mut window,
        "Path of the file",
        &format!("'{}'", two.display()),
    );
    press(&mut window, "Open");
    until(&mut window, "read", |state| {
        state.project.document.entries.len() == 14
    });
    assert!(state(&window).data.typed_path.is_empty());
}

#[test]
fn unreadable_file_shows_error() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    file(&data.path().join("cat.png"), "meow");
    file(&data.path().join("empty.csv"), "");
    for (name, said) in [
        ("gone.csv", "gone.csv can’t be opened"),
        ("cat.png", "cat.png can’t be read"),
        ("empty.csv", "empty.csv"),
    ] {
        drop_on(&mut window, &data.path().join(name));
        until(&mut window, name, |state| {
            let error = state.data.error.as_ref();
            state.data.reading.is_none() && error.is_some_and(|t| t.message.contains(said))
        });
        shows(&window, said);
    }
    press(&mut window, "Dismiss");
    assert!(state(&window).data.error.is_none());
    drop_on(&mut window, data.path());
    until(&mut window, "a folder of nothing", |state| {
        state.shell.error.is_some()
    });
    shows(&window, "contains neither a project nor a model");
    press(&mut window, "Dismiss");
    assert_eq!(document(&window).entries.len(), 12);
}

#[test]
fn too_few_rows_explain_why_training_is_disabled() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen()[..3]);
    shows(&window, "3 questions are not enough to train on");
    window.key_press(Key::F5);
    window.run_steps(3);
    assert_eq!(state(&window).training.stage, Stage::Idle);
    assert_eq!(state(&window).page, Page::Train);
    shows(&window, "3 questions are not enough to train on");
}

#[test]
fn shortcuts_switch_steps_and_palette_runs_commands() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    for (key, step) in [
        (Key::Num2, Page::Train),
        (Key::Num4, Page::Export),
        (Key::Num3, Page::Ask),
        (Key::Num1, Page::Data),
    ] {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        window.run_steps(3);
        assert_eq!(state(&window).page, step);
    }
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    let name = "Search for a command";
    assert!(control(&window, name).is_focused());
    control(&window, name).type_text("topics show");
    window.run_steps(3);
    window.key_press(Key::Enter);
    window.run_steps(3);
    assert_eq!(state(&window).shell.overlay, Overlay::None);
    assert_eq!(state(&window).data.view, DataView::Topics);
    shows(&window, "Questions by topic or source");
}

/// Asserts that every control that can be clicked, edited or dragged has a name.
#[track_caller]
fn all_is_named(window: &Window, place: &str) {
    let unnamed = window.unnamed_widgets();
    assert!(unnamed.is_empty(), "{place}: {unnamed:#?}");
    let acts = [
        Role::Button,
        Role::TextInput,
        Role::MultilineTextInput,
        Role::RadioButton,
        Role::CheckBox,
        Role::ComboBox,
        Role::Slider,
        Role::SpinButton,
        Role::Link,
        Role::Row,
        Role::DisclosureTriangle,
        Role::ProgressIndicator,
    ];
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        let named = node.label().is_some_and(|name| !name.trim().is_empty());
        assert!(
            named || !acts.contains(&node.role()),
            "{place}: {:?} has no name",
            node.role()
        );
    }
}

fn every_step_is_named(window: &mut Window, place: &str) {
    for step in Page::ALL {
        tell(window, Command::Show(step));
        all_is_named(window, &format!("{place}, {step:?}"));
    }
}

/// Delivers an event of the training process.
fn deliver(window: &mut Window, json: &str) {
    let event: train::Event = match serde_json::from_str(json) {
        Ok(event) => event,
        Err(error) => panic!("{json}: {error}"),
    };
    let event = Event::Training { at_s: 12.0, event };
    tell_event(window, event);
}

#[test]
fn every_control_has_accessible_name() {
    let data = tempdir().unwrap();
    let path = data.path().join("mixed.csv");
    let rows: String = (0..40)
        .map(|n| format!("What is {n}?,It is {},T{}\n", n + 1, n % 3))
        .collect();
    file(
        &path,
        &format!("question,answer,topic\n{rows},No question,\nNo answer,,\n,,x\nShort\n,Lost,\n"),
    );
    let mut window = open(rehearsed("mute", data.path()));
    settle(&mut window);
    every_step_is_named(&mut window, "the sample");
    begin(&mut window, 1);
    every_step_is_named(&mut window, "nothing yet");
    tell(&mut window, Command::Show(Page::Data));
    press(&mut window, "What should my file look like?");
    window.run_steps(20);
    all_is_named(&window, "what a file looks like");
    tell(&mut window, Command::Open(vec![path]));
    settle_after_import(&mut window);
    tell(&mut window, Command::AllProblems(Some(1)));
    tell(&mut window, Command::Pick(Picked::Faqs));
    until(&mut window, "cancelled", |state| state.shell.no_dialog);
    let error = UserError::new("What", "Fix").with_detail("Detail");
    window.state_mut().state.data.error = Some(error.clone());
    window.state_mut().state.shell.error = Some(error.clone());
    window.state_mut().state.project.saved = Saved::No(error.clone());
    every_step_is_named(&mut window, "read, with troubles");
    for view in [DataView::Table, DataView::Fixes, DataView::Topics] {
        tell(&mut window, Command::DataView(view));
        all_is_named(&window, &format!("{view:?}"));
    }
    tell(&mut window, Command::DataView(DataView::Table));
    tell(&mut window, Command::SelectAll(true));
    all_is_named(&window, "rows chosen");
    tell(&mut window, Command::EditEntry(RowId::default()));
    press(&mut window, "+ Another way to ask");
    all_is_named(&window, "a draft");
    tell(&mut window, Command::DiscardDraft);
    tell(&mut window, Command::FixRow(1, 0));
    all_is_named(&window, "a repair");
    tell(&mut window, Command::DiscardDraft);
    tell(&mut window, Command::Paste(Some("Is it?\tYes".to_owned())));
    all_is_named(&window, "pasting");
    tell(&mut window, Command::Paste(None));
    window.state_mut().state.data.columns = Some(ColumnsWanted {
        name: "x.csv".to_owned(),
        columns: vec!["a".to_owned(), "b".to_owned()],
        answer: 1,
        ..ColumnsWanted::default()
    });
    window.run_steps(2);
    press(&mut window, "Questions from");
    all_is_named(&window, "columns");
    tell(&mut window, Command::ChooseColumns(None));
    for overlay in [
        Overlay::Commands(String::new(), 0),
        Overlay::Projects,
        Overlay::Rename("Name".to_owned()),
        Overlay::Messages,
        Overlay::Settings,
        Overlay::Help,
    ] {
        let place = format!("{overlay:?}");
        tell(&mut window, Command::Overlay(overlay));
        all_is_named(&window, &place);
        tell(&mut window, Command::Overlay(Overlay::None));
    }
    window.state_mut().state.project.look_only = true;
    every_step_is_named(&mut window, "look only");
    window.state_mut().state.project.look_only = false;
    tell(&mut window, Command::Show(Page::Ask));
    tell(&mut window, Command::Drop(vec![data.path().join("x.txt")]));
    press(&mut window, "Answer a file of questions");
    window.run_steps(20);
    window.state_mut().state.ask.batch.result = Some(data.path().join("x.csv"));
    window.state_mut().state.ask.batch.error = Some(error.clone());
    window.state_mut().state.ask.error = Some(error.clone());
    window.run_steps(2);
    all_is_named(&window, "a file of questions");
    ask(&mut window, "What is 7?");
    all_is_named(&window, "answers");
    tell(&mut window, Command::Correct(Some("what".to_owned())));
    all_is_named(&window, "picking the right answer");
    tell(&mut window, Command::Correct(None));
    tell(&mut window, Command::Show(Page::Train));
    tell(&mut window, Command::ShowAdvanced(true));
    window.run_steps(20);
    all_is_named(&window, "advanced settings");
    for list in List::ALL {
        tell(&mut window, Command::Mistakes(Some(list)));
        all_is_named(&window, &format!("{list:?}"));
    }
    assert!(
        !state(&window)
            .training
            .checking
            .list(List::Wrong)
            .is_empty()
    );
    tell(&mut window, Command::Mistakes(None));
    tell(&mut window, Command::StartTraining);
    every_step_is_named(&mut window, "getting ready");
    deliver(
        &mut window,
        r#"{"event":"model","done":5,"total":10,"source":"the hub"}"#,
    );
    every_step_is_named(&mut window, "fetching");
    deliver(&mut window, r#"{"event":"embed","done":5,"total":10}"#);
    every_step_is_named(&mut window, "understanding");
    deliver(
        &mut window,
        r#"{"event":"epoch","epoch":1,"epochs":40,"loss":1.5,"train":{"rp@1":0.9,"rrk":0.9},"val":null,"eta_s":3}"#,
    );
    every_step_is_named(&mut window, "learning");
    tell(&mut window, Command::PauseTraining(true));
    every_step_is_named(&mut window, "paused");
    deliver(
        &mut window,
        r#"{"event":"failed","error":"It broke","remedy":"Fix it"}"#,
    );
    window.state_mut().state.training.error = Some(error);
    window.state_mut().state.training.can_go_on = true;
    every_step_is_named(&mut window, "failed");
    window.state_mut().state.export.done = Some(Exported {
        dir: data.path().to_owned(),
        files: vec![ExportedFile {
            name: "a".to_owned(),
            bytes: Some(1),
        }],
        with_data: true,
        asked: 2,
        same: 1,
    });
    window.state_mut().state.export.replaces = Some(data.path().to_owned());
    every_step_is_named(&mut window, "exported");
}

fn settle_after_import(window: &mut Window) {
    until(window, "read", |state| {
        state.data.reading.is_none() && !state.project.document.entries.is_empty()
    });
    settle(window);
}

#[test]
fn every_control_has_accessible_name_in_small_window_with_large_text() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    window.set_size(egui::vec2(800.0, 560.0));
    tell(&mut window, Command::SetTextSize(200));
    window.run_steps(5);
    every_step_is_named(&mut window, "small");
    control(&window, "Menu");
}

#[test]
fn epochs_are_described_in_text() {
    let data = tempdir().unwrap();
    let mut window = open(rehearsed("mute", data.path()));
    settle(&mut window);
    tell(&mut window, Command::StartTraining);
    deliver(&mut window, r#"{"event":"embed","done":50,"total":100}"#);
    shows(&window, "50 of 100 texts");
    // A long epoch shows progress, too.
    // A small file is trained twice: for the figures, and on all questions.
    for (done, share) in [(0, 0.0), (93, 0.00625)] {
        let line = format!(
            r#"{{"event":"batch","epoch":0,"epochs":40,"done":{done},"total":186,"eta_s":70}}"#
        );
        deliver(&mut window, &line);
        assert_eq!(state(&window).training.fraction(), Some(share));
    }
    for epoch in 0..20 {
        let line = format!(
            r#"{{"event":"epoch","epoch":{epoch},"epochs":40,"loss":{},"train":{{"rp@1":0.95,"rrk":0.97}},"val":{{"rp@1":0.88,"rrk":0.92}},"eta_s":80}}"#,
            1.0 / f64::from(epoch + 1)
        );
        deliver(&mut window, &line);
    }
    deliver(&mut window, r#"{"event":"best","epoch":17}"#);
    shows(
        &window,
        "right answer first: 88 of 100 test questions, 95 of 100 training questions",
    );
    shows(&window, "best so far: epoch 18");
    shows(&window, "1 to 2 minutes left");
    control(&window, "Stop and keep the best model");
    deliver(&mut window, r#"{"event":"embed","done":100,"total":100}"#);
    deliver(&mut window, r#"{"event":"again","share":0.25,"eta_s":80}"#);
    shows(&window, "testing and final training");
    assert_eq!(state(&window).training.fraction(), Some(0.625));
    press(&mut window, "Pause");
    control(&window, "Resume");
}

#[test]
fn table_of_100_000_rows_draws_only_visible_rows() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    begin(&mut window, 1);
    let rows: Vec<(String, String)> = (0..100_000)
        .map(|n| {
            pair(
                &format!("Where is shelf {n}?"),
                &format!("Shelf {n} is in hall {}", n % 977),
            )
        })
        .collect();
    add(&mut window, &rows);
    until(&mut window, "listed", |state| {
        state.data.listing.rows.len() == 100_000
    });
    tell(&mut window, Command::Show(Page::Data));
    let drawn = window.query_all_by_label_contains("Where is shelf").count();
    assert!((1..200).contains(&drawn), "{drawn} rows are drawn");
    control(&window, "Filter the rows").focus();
    window.run_steps(2);
    control(&window, "Filter the rows").type_text("shelf 9999");
    until(&mut window, "filtered", |state| {
        state.data.listing.rows.len() == 11
    });
    tell(&mut window, Command::SelectAll(true));
    tell(&mut window, Command::Delete);
    assert_eq!(document(&window).entries.len(), 100_000 - 11);
}

/// Waits until the settings file contains a text.
fn kept(window: &mut Window, data: &std::path::Path, what: &str) {
    let path = data.join("settings.json");
    until(window, what, |_| {
        std::fs::read_to_string(&path).is_ok_and(|settings| settings.contains(what))
    });
}

#[test]
fn text_size_and_theme_survive_restart() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    press(&mut window, "Settings");
    press(&mut window, "Dark");
    kept(&mut window, data.path(), "Dark");
    assert_eq!(window.ctx.theme(), Theme::Dark);
    press(&mut window, &nearsay_app::text::shell::per_cent(125));
    kept(&mut window, data.path(), "125");
    window.state_mut().finish();
    drop(window);
    let window = open(real(data.path()));
    assert_eq!(window.ctx.theme(), Theme::Dark);
    assert!((window.ctx.zoom_factor() - 1.25).abs() < 1e-6);
}

#[test]
fn recent_projects_are_listed_and_missing_one_shows_error() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    for name in ["Bakery", "Dairy"] {
        begin(&mut window, 1);
        tell(&mut window, Command::Rename(name.to_owned()));
        kept(&mut window, data.path(), name);
        add(&mut window, &dozen());
        settle(&mut window);
    }
    let dairy = state(&window).project.dir.clone().unwrap();
    press(&mut window, "Project Dairy, saved");
    press(&mut window, "Bakery");
    until(&mut window, "back in the bakery", |state| {
        state.project.name() == "Bakery" && !state.project.opening
    });
    settle(&mut window);
    kept(&mut window, data.path(), "Bakery");
    window.state_mut().finish();
    drop(window);
    std::fs::remove_dir_all(dairy).unwrap();
    let mut window = open(real(data.path()));
    assert_eq!(document(&window).options.name, "Bakery");
    tell(&mut window, Command::Overlay(Overlay::Projects));
    shows(&window, "Dairy (missing)");
}

#[test]
fn read_only_data_directory_opens_sample_and_shows_warning() {
    let data = tempdir().unwrap();
    let blocked = data.path().join("file");
    file(&blocked, "in the way");
    let mut window = open(real(&blocked));
    assert!(document(&window).entries.len() > 300);
    assert!(matches!(state(&window).project.saved, Saved::No(_)));
    control(&window, "Try again");
    ask(&mut window, "how much is membership");
    std::fs::remove_file(&blocked).unwrap();
    press(&mut window, "Try again");
    until(&mut window, "saved", |state| {
        state.project.saved == Saved::Yes && state.project.dir.is_some()
    });
    assert!(!is_shown(&window, "Try again"));
}

#[test]
fn effort_and_advanced_settings_are_saved_and_undone() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Train));
    press(&mut window, "Balanced");
    assert_eq!(document(&window).options.effort, Effort::Balanced);
    press(&mut window, "Thorough");
    assert_eq!(document(&window).options.effort, Effort::Thorough);
    press(&mut window, "Undo");
    assert_eq!(document(&window).options.effort, Effort::Balanced);
    press(&mut window, "Undo");
    assert_eq!(document(&window).options.effort, Effort::Quick);
    press(&mut window, "Redo");
    assert_eq!(document(&window).options.effort, Effort::Balanced);
    settle(&mut window);
    window.state_mut().finish();
    drop(window);
    let window = open(real(data.path()));
    assert_eq!(document(&window).options.effort, Effort::Balanced);
}

#[test]
fn each_effort_shows_estimated_duration() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Train));
    until(&mut window, "the machine was tried", |state| {
        state.shell.preferences.pace.guess.is_some()
    });
    let learned = state(&window).project.counts.training() as f64;
    let pace = &mut window.state_mut().state.shell.preferences.pace;
    pace.quick = Some(learned);
    pace.balanced = Some(learned);
    pace.reading = Some(1e6);
    // Eight epochs, two and a half minutes in total; each pair is used twice.
    pace.thorough = Some(2.0 * learned / 150.0);
    window.run_steps(2);
    shows(&window, "About 15 seconds on this computer");
    shows(
        &window,
        "About 21 minutes on this computer, based on the last training",
    );
}

#[test]
fn every_button_of_long_draft_can_be_clicked() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    press(&mut window, "New row");
    for number in 1..=6 {
        let name = format!("Question {number}");
        control(&window, &name).type_text(&format!("Way {number}?"));
        window.run_steps(2);
        press(&mut window, "+ Another way to ask");
    }
    write_in(&mut window, "Answer", "This one");
    press(&mut window, "Remove question 2");
    press(&mut window, "Save");
    let entry = document(&window).entries.values().last().unwrap().clone();
    let ways: Vec<&str> = entry
        .paraphrases
        .iter()
        .map(|way| way.text.as_str())
        .collect();
    assert_eq!(ways, ["Way 1?", "Way 3?", "Way 4?", "Way 5?", "Way 6?"]);
}

#[test]
fn last_of_many_quick_changes_is_saved() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    for size in [80, 90, 100, 125, 150, 175, 80, 150, 90, 200] {
        let ctx = window.ctx.clone();
        window.state_mut().apply(&ctx, Command::SetTextSize(size));
    }
    window.state_mut().finish();
    drop(window);
    let window = open(real(data.path()));
    assert_eq!(state(&window).shell.preferences.text_size, 200);
}

#[test]
fn findings_open_with_one_click() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    until(&mut window, "checked", |state| {
        state.training.checking.before.is_some()
    });
    tell(&mut window, Command::Show(Page::Train));
    assert!(!is_shown(&window, "What stands out"), "nothing is trained");
    stand_out(&mut window);
    // All of it fits without scrolling.
    window.set_size(egui::vec2(1180.0, 1600.0));
    settle(&mut window);
    shows(&window, "What stands out");
    let found = state(&window).training.checking.findings.clone();
    assert!(!found.topics.is_empty() && !found.over_retrieved.is_empty());
    let [one, other] = found.confused[0].entries;
    for entry in [one, other] {
        tell(&mut window, Command::Show(Page::Train));
        let answer: String = document(&window).entries[&entry].answer.clone();
        // It is among those given for others, too.
        press_last(&mut window, &answer);
        assert_eq!(state(&window).page, Page::Data);
        shows(&window, &answer);
    }
    tell(&mut window, Command::Show(Page::Train));
    let topic = &found.topics[0];
    press(&mut window, &nearsay_app::text::results::topic(topic));
    assert_eq!(state(&window).data.filter, topic.topic);
}
