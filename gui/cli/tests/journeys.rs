//! Tasks from beginning to end, with the real program as the engine.
#![cfg(unix)]

mod common;

use std::{path::Path, sync::Arc, time::Duration};

use candle_core::Device;
use common::{
    Window, add, control, copy_folder, desk, document, dozen, drop_on, file, fill, is_shown, open,
    open_with, press, press_last, real, settle, shows, shows_message, state, tell, train, until,
    write_in,
};
use egui::Key;
use nearsay::servable::{Servable, ServableError, TextModel};
use nearsay_app::{
    command::{Command, Selection},
    state::{Fix, List, Overlay, Page, Saved, Side, Stage, Verdict},
};
use nearsay_project::{Document, Effort, Folder, RowId, Tuning};
use nearsay_store::DiskStore;
use tempfile::tempdir;

fn row(entry: u64, paraphrase: u32) -> RowId {
    RowId { entry, paraphrase }
}

/// Document without the counters for unique ids.
fn content(document: &Document) -> Document {
    Document {
        next_entry: 0,
        next_import: 0,
        ..document.clone()
    }
}

fn ask(window: &mut Window, question: &str) {
    tell(window, Command::Show(Page::Ask));
    tell(window, Command::Ask(question.to_owned()));
    until(window, "answered", |state| {
        let reply = state.ask.reply.as_ref();
        !state.ask.waiting && reply.is_some_and(|reply| reply.question == question)
    });
}

/// Mistakes shown in a list.
fn mistakes(window: &Window, list: List) -> Vec<Verdict> {
    state(window).training.checking.list(list).to_vec()
}

/// CSV file with three invalid rows.
fn mixed() -> String {
    let mut table = "question,answer\n".to_owned();
    for (question, answer) in &desk()[..20] {
        table.push_str(&format!("{question},\"{answer}\"\n"));
    }
    table.push_str("What about the lift?,\n,Nobody asked this\nIs there a garden?,\n");
    table
}

#[test]
fn file_with_bad_rows_imports_and_can_be_fixed() {
    let data = tempdir().unwrap();
    let path = data.path().join("front-desk.csv");
    file(&path, &mixed());
    let mut window = open(real(data.path()));
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Data));
    drop_on(&mut window, &path);
    until(&mut window, "read", |state| {
        !state.project.document.options.sample
            && state.data.reading.is_none()
            && !state.project.document.entries.is_empty()
    });
    settle(&mut window);
    assert_eq!(document(&window).options.name, "Front desk");
    shows(&window, "front-desk.csv");
    shows(&window, "20 read");
    shows(&window, "3 left out");
    for line in ["line 22", "line 23", "line 24"] {
        shows(&window, line);
    }
    press(&mut window, "Fix, line 22");
    let draft = state(&window).data.draft.clone().unwrap();
    assert_eq!(draft.paraphrases[0].0, "What about the lift?");
    shows(&window, "Fix this row");
    assert!(control(&window, "Answer").is_focused());
    control(&window, "Answer").type_text("It is beside the stairs");
    window.run_steps(2);
    press(&mut window, "Save");
    shows_message(&window, "Row fixed and added");
    let mended = document(&window).entries.values().last().unwrap().clone();
    assert_eq!(mended.answer, "It is beside the stairs");
    assert_eq!(mended.paraphrases[0].text, "What about the lift?");
    assert_eq!(
        (mended.paraphrases[0].import, mended.paraphrases[0].line),
        (1, 22)
    );
    shows(&window, "2 left out");
    press(&mut window, "Leave out, line 23");
    shows(&window, "1 left out");
    press(&mut window, "Leave out, line 24");
    shows(&window, "All issues are resolved");
    assert_eq!(document(&window).entries.len(), 21);
    press(&mut window, "Dismiss");
    assert!(!is_shown(&window, "front-desk.csv"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), mixed());
}

#[test]
fn file_dropped_on_ask_step_can_be_imported() {
    let data = tempdir().unwrap();
    let path = data.path().join("front-desk.csv");
    file(&path, &mixed());
    let mut window = open(real(data.path()));
    settle(&mut window);
    let sample = document(&window).clone();
    drop_on(&mut window, &path);
    shows(&window, "What would you like to do with front-desk.csv?");
    assert_eq!(*document(&window), sample);
    press(&mut window, "Add it to the data");
    until(&mut window, "read", |state| {
        state.project.name() == "Front desk" && !state.project.document.entries.is_empty()
    });
    assert_eq!(state(&window).page, Page::Data);
    assert!(!data.path().join("front-desk-answers.csv").exists());
}

#[test]
fn importing_same_file_again_adds_nothing() {
    let data = tempdir().unwrap();
    let path = data.path().join("front-desk.csv");
    file(&path, &mixed());
    let mut window = open_with(real(data.path()), Default::default(), Some(path.clone()));
    until(&mut window, "read", |state| {
        !state.project.document.options.sample && !state.project.document.entries.is_empty()
    });
    settle(&mut window);
    let projects = std::fs::read_dir(data.path().join("projects")).unwrap();
    assert_eq!(projects.count(), 1, "the sample is none of its projects");
    let before = document(&window).clone();
    drop_on(&mut window, &path);
    until(&mut window, "read again", |state| {
        state.project.document.imports.len() == 2
    });
    shows_message(&window, "Nothing new");
    assert_eq!(document(&window).entries, before.entries);
    shows(&window, "20 known");
}

#[test]
fn corrected_mistakes_leave_figures_of_training_alone() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    // The base encoder can't answer this question.
    let riddle = "Zebra crossing umbrella?";
    let mut rows = desk();
    rows.push((riddle.to_owned(), rows[0].1.clone()));
    fill(&mut window, 7, &rows);
    let before = state(&window).training.checking.now().unwrap().tally();
    let questions = state(&window).project.counts.questions;
    assert_eq!(before.asked as usize, questions, "every question is asked");
    press(&mut window, "Train, not trained yet");
    press(&mut window, "Train");
    until(&mut window, "trained", |state| !state.training.is_running());
    assert_eq!(
        state(&window).training.stage,
        Stage::Done,
        "{:?}",
        state(&window).training.error
    );
    let outcome = state(&window).training.outcome.unwrap();
    assert!(outcome.kept && outcome.difference.is_some());
    // The untrained model answered every question, and a model that was trained without the question did so once.
    assert_eq!(outcome.before.asked, outcome.after.asked);
    assert!(outcome.after.first > 0, "{outcome:?}");
    settle(&mut window);
    shows(&window, "of 100 before");
    shows(&window, "Known answers, new words");
    shows(&window, "New answers");
    let wrong = mistakes(&window, List::Wrong);
    assert!(wrong.len() > 1);
    press(&mut window, &format!("Still wrong {}", wrong.len()));
    shows(&window, "Test questions still wrong");
    let is_riddle = |row| document(&window).paraphrase(row).unwrap().text == riddle;
    let verdict = *wrong.iter().find(|v| is_riddle(v.row)).unwrap();
    let first = document(&window)
        .paraphrase(wrong[0].row)
        .unwrap()
        .text
        .clone();
    assert!(!is_shown(&window, "Use for training"), "it is used already");
    press(&mut window, &format!("Accept both answers: {first}"));
    shows(&window, "1 change since the last training");
    settle(&mut window);
    // The figures stay those of the training.
    let now = state(&window).training.checking.now().unwrap().tally();
    assert_eq!(now, outcome.after);
    press(&mut window, "Train again");
    until(&mut window, "trained", |state| !state.training.is_running());
    assert_eq!(state(&window).training.stage, Stage::Done);
    settle(&mut window);
    tell(&mut window, Command::Mistakes(None));
    let again = state(&window).training.outcome.unwrap();
    assert!(again.kept, "{again:?}");
    // The model of before has the figures of its own training.
    assert_eq!(again.before, outcome.after);
    shows(&window, "Right answer first (");
    shows(&window, "Trainings");
    assert!(!is_shown(&window, "since the last training"));
    ask(&mut window, riddle);
    let reply = state(&window).ask.reply.as_ref().unwrap();
    assert_eq!(reply.answers[0].entry, verdict.row.entry);
    assert_eq!(reply.side, Side::After);
}

#[test]
fn answers_before_and_after_training_can_be_compared() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let checking = &state(&window).training.checking;
    let (before, after) = (
        checking.before.clone().unwrap(),
        checking.after.clone().unwrap(),
    );
    assert!(after.tally().first > before.tally().first);
    let list = mistakes(&window, List::Fixed);
    assert!(!list.is_empty());
    press(&mut window, &format!("Fixed now {}", list.len()));
    let question = document(&window)
        .paraphrase(list[0].row)
        .unwrap()
        .text
        .clone();
    shows(&window, &question);
    let words = format!("{question} please");
    ask(&mut window, &words);
    for (name, side) in [
        ("Before training", Side::Before),
        ("After training", Side::After),
    ] {
        press(&mut window, name);
        until(&mut window, name, |state| {
            !state.ask.waiting
                && state
                    .ask
                    .reply
                    .as_ref()
                    .is_some_and(|reply| reply.side == side)
        });
    }
    let scores: Vec<f32> = [Side::Before, Side::After]
        .into_iter()
        .map(|side| {
            tell(&mut window, Command::SetSide(side));
            until(&mut window, "asked", |state| {
                state
                    .ask
                    .reply
                    .as_ref()
                    .is_some_and(|reply| reply.side == side)
            });
            state(&window).ask.reply.as_ref().unwrap().answers[0].score
        })
        .collect();
    assert!((scores[0] - scores[1]).abs() > 1e-6, "{scores:?}");
}

#[test]
fn mistake_marked_as_right_counts_as_right() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    let wrong = mistakes(&window, List::Wrong);
    let right = state(&window)
        .training
        .checking
        .now()
        .unwrap()
        .tally()
        .first;
    tell(&mut window, Command::Show(Page::Train));
    press(&mut window, &format!("Still wrong {}", wrong.len()));
    let question = document(&window)
        .paraphrase(wrong[0].row)
        .unwrap()
        .text
        .clone();
    press(&mut window, &format!("Accept both answers: {question}"));
    settle(&mut window);
    let now = state(&window)
        .training
        .checking
        .now()
        .unwrap()
        .tally()
        .first;
    assert_eq!(now, right + 1);
    press(&mut window, "Undo");
    settle(&mut window);
    let now = state(&window)
        .training
        .checking
        .now()
        .unwrap()
        .tally()
        .first;
    assert_eq!(now, right);
}

#[test]
fn every_edit_can_be_undone_and_redone() {
    let data = tempdir().unwrap();
    let path = data.path().join("front-desk.csv");
    file(&path, &mixed());
    let mut window = open(real(data.path()));
    let mut rows = desk()[..12].to_vec();
    rows.push(("Is it open on Sunday?".to_owned(), "Yes".to_owned()));
    rows.push(("IS IT OPEN ON SUNDAY?".to_owned(), "No".to_owned()));
    fill(&mut window, 5, &rows);
    let start = content(document(&window));
    let mut states = vec![start.clone()];
    let remember = |window: &mut Window, states: &mut Vec<Document>| {
        let now = content(document(window));
        assert_ne!(
            states.last(),
            Some(&now),
            "nothing happened in step {}",
            states.len()
        );
        states.push(now);
    };

    tell(&mut window, Command::Open(vec![path]));
    until(&mut window, "read", |state| {
        state.project.document.imports.len() == 2
    });
    remember(&mut window, &mut states);

    tell(&mut window, Command::EditEntry(row(0, 0)));
    let mut draft = state(&window).data.draft.clone().unwrap();
    draft.paraphrases.push(("Another way".to_owned(), false));
    draft.answer.push_str(" Indeed.");
    tell(&mut window, Command::SetDraft(Box::new(draft)));
    tell(&mut window, Command::SaveDraft);
    remember(&mut window, &mut states);

    tell(&mut window, Command::NewEntry("A new question".to_owned()));
    write_in(&mut window, "Answer", "A new answer");
    tell(&mut window, Command::SaveDraft);
    remember(&mut window, &mut states);

    tell(&mut window, Command::FixRow(2, 0));
    write_in(&mut window, "Answer", "Mended");
    tell(&mut window, Command::SaveDraft);
    remember(&mut window, &mut states);

    tell(&mut window, Command::DismissProblem(2, 1));
    remember(&mut window, &mut states);
    tell(&mut window, Command::DismissImport(2));
    remember(&mut window, &mut states);

    for entry in [0, 2, 3] {
        tell(
            &mut window,
            Command::Select(row(entry, 0), Selection::Toggle),
        );
    }
    tell(&mut window, Command::Delete);
    remember(&mut window, &mut states);

    for entry in [4, 5, 6] {
        tell(
            &mut window,
            Command::Select(row(entry, 0), Selection::Toggle),
        );
    }
    tell(&mut window, Command::Merge);
    remember(&mut window, &mut states);

    let aside = document(&window).paraphrase(row(7, 0)).unwrap().held_out;
    tell(&mut window, Command::Select(row(7, 0), Selection::Only));
    tell(&mut window, Command::HoldOut(!aside));
    remember(&mut window, &mut states);

    settle(&mut window);
    let suggestions = state(&window).data.review.suggestions.clone();
    let sunday = |s: &&nearsay_app::state::Suggestion| (s.one.entry, s.other.entry) == (12, 13);
    let suggestion = *suggestions.iter().find(sunday).unwrap();
    tell(&mut window, Command::Fix(suggestion, Fix::Second));
    remember(&mut window, &mut states);

    settle(&mut window);
    let wrong = mistakes(&window, List::Wrong);
    tell(&mut window, Command::MarkRightToo(wrong[0]));
    remember(&mut window, &mut states);
    tell(&mut window, Command::TrainOn(wrong[0]));
    remember(&mut window, &mut states);

    tell(&mut window, Command::Rename("Another name".to_owned()));
    remember(&mut window, &mut states);
    tell(&mut window, Command::SetAbstainBelow(77));
    remember(&mut window, &mut states);
    tell(&mut window, Command::Effort(Effort::Thorough));
    remember(&mut window, &mut states);
    tell(
        &mut window,
        Command::Tune(Tuning {
            epochs: Some(3),
            ..Tuning::default()
        }),
    );
    remember(&mut window, &mut states);

    settle(&mut window);
    ask(&mut window, "something that nobody has asked before");
    let given = state(&window).ask.reply.as_ref().unwrap().answers[0].entry;
    tell(&mut window, Command::MarkRight(given));
    remember(&mut window, &mut states);

    for before in states.iter().rev().skip(1) {
        tell(&mut window, Command::Undo);
        assert!(
            content(document(&window)) == *before,
            "{:?}",
            state(&window).shell.messages.front()
        );
    }
    assert_eq!(content(document(&window)), start);
    for after in states.iter().skip(1) {
        tell(&mut window, Command::Redo);
        assert!(
            content(document(&window)) == *after,
            "{:?}",
            state(&window).shell.messages.front()
        );
    }
    tell(&mut window, Command::Redo);
    shows_message(&window, "Nothing to redo");
    settle(&mut window);
    let dir = state(&window).project.dir.clone().unwrap();
    let kept = document(&window).clone();
    window.state_mut().finish();
    drop(window);
    let window = open_with(real(data.path()), Default::default(), Some(dir));
    assert_eq!(*document(&window), kept);
}

#[test]
fn edits_before_kill_are_restored() {
    let (data, other) = (tempdir().unwrap(), tempdir().unwrap());
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    tell(&mut window, Command::Rename("Bakery".to_owned()));
    tell(&mut window, Command::Select(row(3, 0), Selection::Only));
    tell(&mut window, Command::Delete);
    until(&mut window, "saved", |state| {
        state.project.saved == Saved::Yes
    });
    let dir = state(&window).project.dir.clone().unwrap();
    let kept = document(&window).clone();
    // The files that a kill at this moment leaves.
    let killed = other.path().join("killed");
    copy_folder(&dir, &killed).unwrap();
    let journal = killed.join("journal.jsonl");
    let torn = std::fs::read_to_string(&journal).unwrap() + "0123456789abcdef {\"seq\":";
    file(&journal, &torn);
    let mut after = open_with(real(other.path()), Default::default(), Some(killed.clone()));
    assert_eq!(*document(&after), kept);
    shows_message(&after, "Nearsay closed unexpectedly");
    assert!(!state(&after).project.look_only);
    tell(&mut after, Command::Select(row(4, 0), Selection::Only));
    tell(&mut after, Command::Delete);
    until(&mut after, "saved", |state| {
        state.project.saved == Saved::Yes
    });
    let kept = document(&after).clone();
    after.state_mut().finish();
    drop(after);
    let after = open_with(real(other.path()), Default::default(), Some(killed));
    assert_eq!(*document(&after), kept);
    let restored = |message: &nearsay_app::state::Message| message.text.contains("restored");
    assert!(
        !state(&after).shell.messages.iter().any(restored),
        "it was closed as it should be"
    );
}

#[test]
fn saved_state_shows_only_after_write_to_disk() {
    let (data, other) = (tempdir().unwrap(), tempdir().unwrap());
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    let dir = state(&window).project.dir.clone().unwrap();
    for least in 0..90 {
        let ctx = window.ctx.clone();
        window
            .state_mut()
            .apply(&ctx, Command::SetAbstainBelow(least));
        window.step();
        if state(&window).project.saved == Saved::Yes {
            let copy = other.path().join(least.to_string());
            copy_folder(&dir, &copy).unwrap();
            let found = Folder::open(Arc::new(DiskStore), &copy).unwrap();
            assert_eq!(found.document.options.abstain_below, least);
        }
        std::thread::sleep(Duration::from_millis(u64::from(least % 5)));
    }
    settle(&mut window);
    assert_eq!(document(&window).options.abstain_below, 89);
}

#[test]
fn damaged_project_shows_error_and_opens_sample() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 1, &dozen());
    let dir = state(&window).project.dir.clone().unwrap();
    window.state_mut().finish();
    drop(window);
    for name in ["project.json", "project.last.json"] {
        file(&dir.join(name), "{ not a project");
    }
    let mut window = open_with(real(data.path()), Default::default(), Some(dir));
    until(&mut window, "the sample instead", |state| {
        state.project.document.options.sample && !state.project.opening
    });
    shows(&window, "is damaged and can’t be opened");
}

#[test]
fn second_window_is_read_only_and_can_copy_project() {
    let data = tempdir().unwrap();
    let mut first = open(real(data.path()));
    fill(&mut first, 1, &dozen());
    let dir = state(&first).project.dir.clone().unwrap();
    let mut second = open_with(real(data.path()), Default::default(), Some(dir.clone()));
    settle(&mut second);
    assert!(state(&second).project.look_only);
    shows(&second, "This project is open in another window");
    let before = document(&second).clone();
    tell(&mut second, Command::Select(row(0, 0), Selection::Only));
    tell(&mut second, Command::Delete);
    tell(&mut second, Command::SetAbstainBelow(80));
    tell(&mut second, Command::Undo);
    tell(&mut second, Command::StartTraining);
    assert_eq!(*document(&second), before);
    assert!(!state(&second).training.is_running());
    ask(&mut second, "What about number 7?");
    let found = state(&second).ask.reply.as_ref().unwrap().answers[0].entry;
    assert_eq!(found, 6);
    tell(&mut second, Command::MarkRight(5));
    assert_eq!(*document(&second), before);
    shows_message(&second, "view it and ask questions here, or work on a copy");
    press(&mut second, "Work on a copy");
    until(&mut second, "a copy", |state| {
        !state.project.opening && !state.project.look_only
    });
    assert_eq!(document(&second).entries, before.entries);
    assert_ne!(state(&second).project.dir.as_ref(), Some(&dir));
    assert!(document(&second).options.name.starts_with("Copy of"));
    tell(&mut second, Command::Select(row(0, 0), Selection::Only));
    tell(&mut second, Command::Delete);
    assert_eq!(document(&second).entries.len(), 11);
    assert_eq!(document(&first).entries.len(), 12);
}

#[test]
fn project_copy_includes_model() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk()[..60]);
    train(&mut window);
    settle(&mut window);
    let model = state(&window).project.models.current.clone();
    assert!(model.is_some());
    tell(&mut window, Command::Overlay(Overlay::Projects));
    press(&mut window, "Work on a copy of this project");
    until(&mut window, "copied", |state| {
        !state.project.opening && state.project.name().starts_with("Copy of")
    });
    settle(&mut window);
    assert_eq!(state(&window).project.models.current, model);
    ask(&mut window, "How do I order a card?");
    assert_eq!(state(&window).ask.reply.as_ref().unwrap().side, Side::After);
}

/// Best answer of an exported model.
fn asked_of(folder: &Path, question: &str) -> Result<String, ServableError> {
    let servable = Servable::open(&DiskStore, folder, &Device::Cpu)?;
    let found = servable.ask(question, 1)?;
    let answer = found.first().map(|found| found.answer.answer.clone());
    Ok(answer.unwrap_or_default())
}

#[test]
fn exported_model_gives_same_answers_as_window() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    // Later edits are exported, too.
    add(
        &mut window,
        &[(
            "Is there a roof garden?".to_owned(),
            "On the tenth floor".to_owned(),
        )],
    );
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Export));
    shows(&window, "The data has changed since the last training");
    let whole = data.path().join("out").join("whole");
    write_in(
        &mut window,
        "Folder to export to",
        &whole.display().to_string(),
    );
    press(&mut window, "Export");
    until(&mut window, "exported", |state| !state.export.running);
    shows(&window, "Exported and checked: 20 questions asked");
    for question in [
        "I want to call off my bicycle please",
        "When is the meal ready?",
        "a garden on the roof",
    ] {
        ask(&mut window, question);
        let here = state(&window).ask.reply.as_ref().unwrap().answers[0]
            .answer
            .clone();
        assert_eq!(asked_of(&whole, question).unwrap(), here);
    }

    tell(&mut window, Command::Show(Page::Export));
    press(&mut window, "Model only");
    let bare = data.path().join("bare");
    tell(
        &mut window,
        Command::TypeExportPath(bare.display().to_string()),
    );
    press(&mut window, "Export");
    until(&mut window, "exported", |state| !state.export.running);
    shows(&window, "encoded, all vectors are the same");
    assert!(!bare.join("answers.jsonl").exists());
    let texts = ["Is there a roof garden?"];
    let model = |dir: &Path| {
        TextModel::open(&DiskStore, dir, &Device::Cpu)
            .unwrap()
            .encode(&texts)
            .unwrap()
    };
    assert_eq!(model(&bare).row(0), model(&whole).row(0));
    assert!(
        !std::fs::read_to_string(bare.join("nearsay.json"))
            .unwrap()
            .contains("roof garden")
    );
}

#[test]
fn untrained_project_can_be_exported() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    tell(&mut window, Command::Show(Page::Export));
    shows(&window, "hasn’t been trained on your questions yet");
    for with_data in [true, false] {
        let to = data.path().join(format!("out-{with_data}"));
        tell(&mut window, Command::WithData(with_data));
        tell(
            &mut window,
            Command::TypeExportPath(to.display().to_string()),
        );
        press(&mut window, "Export");
        until(&mut window, "exported", |state| !state.export.running);
        shows(&window, "Exported and checked");
        assert_eq!(to.join("answers.jsonl").exists(), with_data);
    }
}

#[test]
fn export_refuses_to_replace_foreign_files() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk()[..30]);
    let theirs = data.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    file(&theirs.join("letter.txt"), "Dear");
    tell(&mut window, Command::Show(Page::Export));
    let to = |window: &mut Window, path: &Path| {
        tell(window, Command::TypeExportPath(path.display().to_string()));
        press(window, "Export");
    };
    for place in [theirs.clone(), theirs.join("letter.txt")] {
        to(&mut window, &place);
        assert!(!state(&window).export.running);
        shows(&window, "already exists and isn’t a Nearsay model");
    }
    assert_eq!(
        std::fs::read_to_string(theirs.join("letter.txt")).unwrap(),
        "Dear"
    );
    let ours = data.path().join("ours");
    to(&mut window, &ours);
    until(&mut window, "exported", |state| !state.export.running);
    assert!(
        state(&window).export.error.is_none(),
        "{:?}",
        state(&window).export.error
    );
    let first = std::fs::read(ours.join("answers.jsonl")).unwrap();
    add(
        &mut window,
        &[("One more?".to_owned(), "One more".to_owned())],
    );
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Export));
    press(&mut window, "Export");
    shows(&window, "Choose Replace to overwrite it");
    assert_eq!(std::fs::read(ours.join("answers.jsonl")).unwrap(), first);
    press(&mut window, "Replace");
    until(&mut window, "exported", |state| !state.export.running);
    assert_ne!(std::fs::read(ours.join("answers.jsonl")).unwrap(), first);
    shows(&window, "Exported and checked");
}

#[test]
fn export_writes_into_empty_directory() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk()[..30]);
    let empty = data.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    tell(&mut window, Command::Show(Page::Export));
    tell(
        &mut window,
        Command::TypeExportPath(empty.display().to_string()),
    );
    press(&mut window, "Export");
    assert!(!is_shown(&window, "already contains a model"));
    until(&mut window, "exported", |state| state.export.done.is_some());
    assert!(empty.join("nearsay.json").is_file());
}

/// Cells of a CSV line.
fn cells(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok);
    record.iter().flatten().map(str::to_owned).collect()
}

#[test]
fn question_file_is_answered_into_new_file() {
    let data = tempdir().unwrap();
    let path = data.path().join("asked.txt");
    let lines = "How do I order a card?\n=HYPERLINK(\"http://x\")\n\nIs there a cell that sums?\nquasar torque vinyl entropy\n";
    file(&path, lines);
    let mut window = open(real(data.path()));
    let mut rows = desk();
    rows.push((
        "Is there a cell that sums?".to_owned(),
        "=SUM(A1:A9)".to_owned(),
    ));
    fill(&mut window, 3, &rows);
    tell(&mut window, Command::SetAbstainBelow(50));
    tell(&mut window, Command::Show(Page::Ask));
    drop_on(&mut window, &path);
    shows(&window, "What would you like to do with asked.txt?");
    press(&mut window, "Answer its questions");
    until(&mut window, "answered", |state| {
        state.ask.batch.running.is_none() && state.ask.batch.result.is_some()
    });
    shows(&window, "Answers saved");
    let written = std::fs::read_to_string(data.path().join("asked-answers.csv")).unwrap();
    let table = written.strip_prefix('\u{feff}').unwrap();
    let lines: Vec<Vec<String>> = table.lines().map(cells).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0][0], "question");
    assert_eq!(lines[1][0], "How do I order a card?");
    assert_eq!(lines[1][1], "Ordering, card: see page 00.");
    assert_eq!(lines[2][0], "'=HYPERLINK(\"http://x\")");
    assert_eq!(lines[3][1], "'=SUM(A1:A9)");
    assert_eq!(lines[4][1], "");
    for cell in lines.iter().flatten() {
        assert!(
            !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
            "{cell}"
        );
    }
    // The second run overwrites nothing.
    tell(&mut window, Command::AnswerFile(path));
    until(&mut window, "answered", |state| {
        state.ask.batch.running.is_none() && state.ask.batch.result.is_some()
    });
    assert!(data.path().join("asked-answers-2.csv").is_file());
    assert_eq!(
        std::fs::read_to_string(data.path().join("asked-answers.csv")).unwrap(),
        written
    );
}

#[test]
fn file_without_questions_shows_error() {
    let data = tempdir().unwrap();
    let path = data.path().join("asked.txt");
    file(&path, "\n\n");
    let mut window = open(real(data.path()));
    settle(&mut window);
    tell(&mut window, Command::AnswerFile(path));
    until(&mut window, "told", |state| state.ask.batch.error.is_some());
    shows(&window, "asked.txt contains no questions");
    press_last(&mut window, "Dismiss");
    assert!(state(&window).ask.batch.error.is_none());
}

#[test]
fn previous_model_can_be_restored() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let first = state(&window).project.models.current.clone().unwrap();
    assert!(!is_shown(&window, "Use the previous model"));
    train(&mut window);
    settle(&mut window);
    let second = state(&window).project.models.current.clone().unwrap();
    assert_ne!(first.name, second.name);
    press(&mut window, "Use the previous model");
    settle(&mut window);
    assert_eq!(
        state(&window)
            .project
            .models
            .current
            .as_ref()
            .map(|m| &m.name),
        Some(&first.name)
    );
    press_last(&mut window, "Use the previous model");
    settle(&mut window);
    assert_eq!(
        state(&window)
            .project
            .models
            .current
            .as_ref()
            .map(|m| &m.name),
        Some(&second.name)
    );
}

#[test]
fn restart_opens_last_project_with_its_model() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let (kept, models) = (
        document(&window).clone(),
        state(&window).project.models.clone(),
    );
    window.state_mut().finish();
    drop(window);
    let mut window = open(real(data.path()));
    settle(&mut window);
    assert_eq!(document(&window).entries, kept.entries);
    assert_eq!(state(&window).project.models, models);
    ask(&mut window, "How do I order a card?");
    assert_eq!(state(&window).ask.reply.as_ref().unwrap().side, Side::After);
    window.key_press(Key::F5);
    window.run_steps(2);
    until(&mut window, "trained again", |state| {
        state.training.stage == Stage::Done
    });
}

/// Switches keyword scores off in the trained model of a closed window.
fn without_words(data: &Path) {
    let mut found = 0;
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("nearsay.json")
                && let Ok(text) = std::fs::read_to_string(&path)
                && let Ok(serde_json::Value::Object(mut manifest)) = serde_json::from_str(&text)
            {
                manifest.remove("words");
                found += 1;
                file(&path, &serde_json::Value::Object(manifest).to_string());
            }
        }
    }
    assert!(found > 0);
}

#[test]
fn keyword_scores_follow_trained_model() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let checked = state(&window).training.checking.after.clone().unwrap();
    let question = "I want to call off my bicycle please";
    let answers = |window: &Window, side| {
        let reply = state(window).ask.reply.clone().unwrap();
        assert_eq!(reply.side, side);
        reply.answers
    };
    ask(&mut window, question);
    let first = answers(&window, Side::After).remove(0);
    assert_eq!(first.score, first.dense_score + first.keyword_score);
    // Before training, keyword scores have the default weight; a trained model has the weight that its folds chose.
    tell(&mut window, Command::SetSide(Side::Before));
    until(&mut window, "answered", |state| {
        state
            .ask
            .reply
            .as_ref()
            .is_some_and(|reply| reply.side == Side::Before)
    });
    let before = answers(&window, Side::Before).remove(0);
    assert!(
        before.keyword_score > 0.0 && before.keyword_score < 1.6,
        "{before:?}"
    );
    assert!(
        before.shared_words.contains(&"bicycle".to_owned()),
        "{before:?}"
    );
    tell(&mut window, Command::SetSide(Side::After));

    // The exported model ranks as the window does.
    tell(&mut window, Command::Show(Page::Export));
    let whole = data.path().join("out").join("whole");
    tell(
        &mut window,
        Command::TypeExportPath(whole.display().to_string()),
    );
    press(&mut window, "Export");
    until(&mut window, "exported", |state| !state.export.running);
    shows(&window, "Exported and checked: 20 questions asked");
    let folder = Servable::open(&DiskStore, &whole, &Device::Cpu).unwrap();
    let weight = folder.index().words_weight();
    assert_eq!(weight > 0.0, first.keyword_score > 0.0);
    let found = folder.ask(question, 1).unwrap();
    assert_eq!(
        (found[0].score, found[0].keyword_score),
        (first.score, first.keyword_score)
    );
    window.state_mut().finish();
    drop(window);

    without_words(data.path());
    let mut window = open(real(data.path()));
    settle(&mut window);
    ask(&mut window, question);
    let mut answers = answers(&window, Side::After).into_iter();
    assert!(answers.all(|answer| answer.keyword_score == 0.0 && answer.shared_words.is_empty()));
    // Evaluation ranks the same way. It skips questions whose answer has no other paraphrase.
    let alone = state(&window).training.checking.after.clone().unwrap();
    assert_eq!(checked.verdicts.len(), alone.verdicts.len());
    let mut pairs = checked.verdicts.iter().zip(&alone.verdicts);
    assert!(
        pairs.all(
            |(with, without)| with.score >= without.score && with.score <= 1.001 + 2.0 * weight
        )
    );
}
